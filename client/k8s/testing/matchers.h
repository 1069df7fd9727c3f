#pragma once

// GoogleMock matchers for tests of programs that use the library, and for ours: of results, and of
// what the fake server saw. They stand in namespace k8s itself, since a k8s::testing would hide
// GoogleTest's. Matchers of exchanges draw the timeline when they fail.
//
//   ASSERT_THAT(pods.Get("web"), IsOkAnd(Field(&corev1::Pod::metadata, ...)));
//   EXPECT_THAT(pods.Get("gone"), HasReason("NotFound"));
//   EXPECT_THAT(server.recorder().Exchanges(), HonoursRetryAfter());

#include <gmock/gmock.h>

#include <ostream>
#include <string>

#include "k8s/base/result.h"
#include "k8s/testing/timeline.h"

namespace k8s {

// For GoogleTest's messages.
template <class T>
void PrintTo(const Result<T>& result, std::ostream* out) {
  if (!result) {
    *out << "error: " << result.error();
  } else if constexpr (!std::is_void_v<T>) {
    *out << ::testing::PrintToString(*result);
  } else {
    *out << "ok";
  }
}

MATCHER(IsOk, negation ? "is an error" : "is ok") {
  if (!arg.has_value()) *result_listener << "which is the error: " << arg.error().message();
  return arg.has_value();
}

MATCHER_P(
    IsOkAnd, inner,
    std::string(negation ? "is an error or has no value that " : "is ok and has a value that ") +
        ::testing::DescribeMatcher<typename std::remove_cvref_t<arg_type>::value_type>(inner)) {
  if (!arg.has_value()) {
    *result_listener << "which is the error: " << arg.error().message();
    return false;
  }
  return ::testing::ExplainMatchResult(inner, *arg, result_listener);
}

// The reason of the server's Status: "NotFound", "Conflict", ...
MATCHER_P(HasReason, reason,
          std::string(negation ? "is no error of reason " : "is an error of reason ") +
              ::testing::PrintToString(reason)) {
  if (arg.has_value()) {
    *result_listener << "which is ok";
    return false;
  }
  *result_listener << "which is the error: " << arg.error().message();
  return ReasonForError(arg.error()) == reason;
}

MATCHER_P(IsError, code,
          std::string(negation ? "is no error of code " : "is an error of code ") +
              std::to_string(static_cast<int>(code))) {
  if (arg.has_value()) {
    *result_listener << "which is ok";
    return false;
  }
  *result_listener << "which is the error: " << arg.error().message() << " of code "
                   << static_cast<int>(arg.error().code());
  return arg.error().code() == code;
}

// --- of Recorder::Exchanges() ---

using ExchangesMatcher = ::testing::Matcher<const Exchanges&>;

// The handlers have stored exactly one create of that resource, whatever the client heard of it.
ExchangesMatcher StoredOneCreate(std::string resource);
// Nobody has sent a request again before the time that a Retry-After told them to wait. A request
// is the same if method, URL, body and User-Agent are.
ExchangesMatcher HonoursRetryAfter();
// At no time did more than `most` requests wait for their answers. Watches count until they are
// answered.
ExchangesMatcher HasInFlightAtMost(size_t most);
// Each watch went on where the watch before it (same path, selectors and User-Agent) had ended:
// from the last event or bookmark that it was sent, or from some earlier one if the client hung up.
// A list in between is a new beginning. Where a socket was reset the client may have read less than
// was sent: only in process this is exact.
ExchangesMatcher ResumesWatches();
// No request was sent more than `most` times within any `span`.
ExchangesMatcher HasNoHotLoop(size_t most, Duration span);

}  // namespace k8s
