#include "k8s/rest/status_error.h"

#include <algorithm>
#include <array>

#include "k8s/base/strings.h"
#include "k8s/rest/content.h"

namespace k8s::rest {
namespace {

struct Row {
  int code;
  std::string_view reason;
  std::string_view message;  // "" stands for the body's text
};

constexpr std::array<Row, 12> kRows = {{
    {400, "BadRequest", "the server rejected our request for an unknown reason"},
    {401, "Unauthorized", "the server has asked for the client to provide credentials"},
    {403, "Forbidden", ""},
    {404, "NotFound", "the server could not find the requested resource"},
    {405, "MethodNotAllowed", "the server does not allow this method on the requested resource"},
    {406, "NotAcceptable", ""},
    {409, "Conflict", "the server reported a conflict"},
    {415, "UnsupportedMediaType", ""},
    {422, "Invalid", "the server rejected our request due to an error in our request"},
    {429, "TooManyRequests",
     "the server has received too many requests and has asked us to try again later"},
    {503, "ServiceUnavailable", "the server is currently unable to handle the request"},
    {504, "Timeout",
     "the server was unable to return a response in the time allotted, but may still be "
     "processing the request"},
}};

// The body as text, when the response says that it is text; else the word unknown.
std::string BodyText(const FailedCall& call) {
  const std::string_view type = call.headers->Get("Content-Type");
  if (!type.empty() && !ToLower(type).starts_with("text/")) return "unknown";
  return std::string(Trim(call.body.substr(0, kMaxUnstructuredText)));
}

Status StatusOf(const FailedCall& call, const std::string& text) {
  Status status{.status = "Failure", .code = call.code};
  for (const Row& row : kRows) {
    if (row.code != call.code) continue;
    status.reason = row.reason;
    status.message = row.message.empty() ? text : std::string(row.message);
  }
  if (call.code == 409 && call.verb == "POST") status.reason = "AlreadyExists";
  if (call.code == 406 && (text.empty() || text == "unknown")) {
    status.message =
        "the server was unable to respond with a content type that the client supports";
  }
  if (!status.reason.empty()) return status;
  if (call.code >= 500) {
    status.reason = "InternalError";
    status.message =
        Cat("an error on the server (", Quote(text), ") has prevented the request from succeeding");
  } else {
    status.message = Cat("the server responded with the status code ", std::to_string(call.code),
                         " but did not return more information");
  }
  return status;
}

}  // namespace

Error GenericServerError(const FailedCall& call) {
  const std::string text = BodyText(call);
  Status status = StatusOf(call, text);
  if (!call.resource.empty()) {
    status.message += Cat(" (", ToLower(call.verb), " ", call.resource);
    if (!call.group.empty()) status.message += Cat(".", call.group);
    if (!call.name.empty()) status.message += Cat(" ", call.name);
    status.message += ")";
  }
  StatusDetails details{.name = std::string(call.name),
                        .group = std::string(call.group),
                        .kind = std::string(call.resource)};
  details.causes.push_back({.reason = "UnexpectedServerResponse", .message = text});
  if (const auto seconds = ParseInt(Trim(call.headers->Get("Retry-After")))) {
    details.retryAfterSeconds =
        static_cast<int32_t>(std::clamp<int64_t>(*seconds, INT32_MIN, INT32_MAX));
  }
  status.details = std::move(details);
  return Error::Api(std::move(status));
}

Error UnreadableBody(const Error& cause) {
  return cause.WithMessage(
      Cat("unexpected error when reading response body. Please retry. Original error: ",
          cause.message()));
}

}  // namespace k8s::rest
