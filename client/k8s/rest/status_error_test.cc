#include "k8s/rest/status_error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "k8s/base/strings.h"

namespace k8s::rest {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

struct Call {
  int code = 0;
  std::string verb = "GET", body = "nope", type = "text/plain", retry_after = "";
  std::string group = "", resource = "pods", name = "p";
};

Error Of(const Call& call) {
  http::Headers headers;
  if (!call.type.empty()) headers.Set("Content-Type", call.type);
  if (!call.retry_after.empty()) headers.Set("Retry-After", call.retry_after);
  return GenericServerError({.code = call.code,
                             .verb = call.verb,
                             .group = call.group,
                             .resource = call.resource,
                             .name = call.name,
                             .headers = &headers,
                             .body = call.body});
}

TEST(GenericServerError, SaysWhatWasCalledAndWhatCameBack) {  // C-3.18
  const Error error = Of({.code = 404});
  EXPECT_TRUE(IsNotFound(error));
  EXPECT_EQ(error.message(), "the server could not find the requested resource (get pods p)");
  const Status& status = *error.status();
  EXPECT_EQ(status.status, "Failure");
  EXPECT_EQ(status.details->kind, "pods");
  EXPECT_EQ(status.details->name, "p");
  EXPECT_EQ(status.details->causes.at(0).reason, "UnexpectedServerResponse");
  EXPECT_EQ(status.details->causes.at(0).message, "nope");
  EXPECT_TRUE(IsUnexpectedServerError(error));
  EXPECT_THAT(
      Of({.code = 500, .verb = "POST", .group = "apps", .resource = "deployments", .name = ""})
          .message(),
      EndsWith(" (post deployments.apps)"));
  EXPECT_THAT(Of({.code = 404, .resource = ""}).message(), Not(HasSubstr("(")));
}

TEST(GenericServerError, FollowsTheTableOfCodes) {  // chapter 3.8
  const std::tuple<int, const char*, const char*> rows[] = {
      {400, "BadRequest", "the server rejected our request for an unknown reason"},
      {401, "Unauthorized", "the server has asked for the client to provide credentials"},
      {403, "Forbidden", "nope"},
      {405, "MethodNotAllowed", "the server does not allow this method on the requested resource"},
      {406, "NotAcceptable", "nope"},
      {415, "UnsupportedMediaType", "nope"},
      {422, "Invalid", "the server rejected our request due to an error in our request"},
      {429, "TooManyRequests",
       "the server has received too many requests and has asked us to try again later"},
      {500, "InternalError",
       "an error on the server (\"nope\") has prevented the request from succeeding"},
      {502, "InternalError",
       "an error on the server (\"nope\") has prevented the request from succeeding"},
      {503, "ServiceUnavailable", "the server is currently unable to handle the request"},
      {504, "Timeout",
       "the server was unable to return a response in the time allotted, but may still be "
       "processing the request"},
      {410, "",
       "the server responded with the status code 410 but did not return more information"},
      {413, "",
       "the server responded with the status code 413 but did not return more information"}};
  for (const auto& [code, reason, message] : rows) {
    const Error error = Of({.code = code, .resource = ""});
    EXPECT_EQ(ReasonForError(error), reason) << code;
    EXPECT_EQ(error.message(), message);
    EXPECT_EQ(error.status()->code, code);
  }
  EXPECT_EQ(Of({.code = 406, .body = "", .resource = ""}).message(),
            "the server was unable to respond with a content type that the client supports");
}

TEST(GenericServerError, AConflictOfAPostMeansThatItExists) {  // C-3.20
  EXPECT_TRUE(IsAlreadyExists(Of({.code = 409, .verb = "POST"})));
  EXPECT_TRUE(IsConflict(Of({.code = 409, .verb = "PUT"})));
}

TEST(GenericServerError, QuotesALimitedAmountOfText) {  // C-3.21
  const std::string text = Of({.code = 500, .body = std::string(5000, 'x')}).message();
  EXPECT_THAT(text, HasSubstr(std::string(2048, 'x')));
  EXPECT_THAT(text, Not(HasSubstr(std::string(2049, 'x'))));
  EXPECT_THAT(Of({.code = 500, .body = "{}", .type = "application/json"}).message(),
              HasSubstr(R"("unknown")"));
  EXPECT_THAT(Of({.code = 500, .body = " x\n", .type = ""}).message(), HasSubstr(R"("x")"));
}

TEST(GenericServerError, APlain410IsGoneAndNotExpired) {  // C-3.22
  EXPECT_TRUE(IsGone(Of({.code = 410})));
  EXPECT_FALSE(IsResourceExpired(Of({.code = 410})));
}

TEST(GenericServerError, TakesTheDelayFromTheHeader) {  // C-3.23
  EXPECT_EQ(SuggestsClientDelay(Of({.code = 429, .retry_after = "7"})), 7);
  EXPECT_EQ(SuggestsClientDelay(Of({.code = 429, .retry_after = "soon"})), -1);
  EXPECT_EQ(SuggestsClientDelay(Of({.code = 429, .retry_after = "99999999999"})), INT32_MAX);
}

}  // namespace
}  // namespace k8s::rest
