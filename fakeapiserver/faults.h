#pragma once

// Where faults stand in the path of a request: before the handlers, which they may replace, and
// behind them, where they may change, delay or cut the answer. Members may be called from any
// thread. Without rules it lets everything pass.

#include <optional>

#include "fakeapiserver/answer.h"
#include "fakeapiserver/recorder.h"
#include "k8s/http/round_tripper.h"

namespace k8s::fakeapiserver {

class Faults {
 public:
  // An answer instead of the handlers'.
  std::optional<Answer> Before(const http::Request& request, const RequestInfo& info);
  Answer After(const http::Request& request, const RequestInfo& info, Answer answer);
};

}  // namespace k8s::fakeapiserver
