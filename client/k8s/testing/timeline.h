#pragma once

// What a server saw, drawn as a person would: one line an exchange, with the pauses between them.
//
//   time      conn  request                                 answer
//   0.000s    c1    #1 GET /api/v1/namespaces/default/pods  429, retry after 7 <- rule-1
//             ...   7.000s
//   7.000s    c1    #2 GET /api/v1/namespaces/default/pods  200
//
// Pure functions; headers and bodies, which may hold secrets, are not shown.

#include <iosfwd>
#include <string>
#include <vector>

#include "fakeapiserver/recorder.h"

namespace k8s {

using Exchanges = std::vector<fakeapiserver::Exchange>;

// Only the newest are drawn; a line says how many were left out.
inline constexpr size_t kMaxTimelineLines = 200;
std::string Timeline(const Exchanges& exchanges);

// The answer of one exchange: "503 (the handlers said 201) <- rule-1".
std::string DescribeAnswer(const fakeapiserver::Exchange& exchange);

namespace fakeapiserver {
// For GoogleTest, which prints the values that matchers have refused.
void PrintTo(const Exchange& exchange, std::ostream* out);
}  // namespace fakeapiserver

}  // namespace k8s
