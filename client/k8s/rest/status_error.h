#pragma once

// From an error response to an Error, in the two steps of chapter 3.8: a generic error made of the
// code, then the server's own Status when the body is one. Pure functions.

#include <string>
#include <string_view>

#include "k8s/base/error.h"
#include "k8s/http/headers.h"

namespace k8s::rest {

struct FailedCall {
  int code = 0;
  std::string_view verb{};      // "GET"
  std::string_view group{};     // "apps"
  std::string_view resource{};  // "deployments"; "" for raw paths
  std::string_view name{};
  const http::Headers* headers = nullptr;
  std::string_view body{};
};

// Of unstructured bodies, so much is quoted.
inline constexpr size_t kMaxUnstructuredText = 2048;

// Step 1: what the code alone says. Needs no Status in the body.
Error GenericServerError(const FailedCall& call);
// The body of a response broke off.
Error UnreadableBody(const Error& cause);

}  // namespace k8s::rest
