#include "k8s/base/error.h"

#include <algorithm>
#include <array>
#include <ostream>

#include "k8s/base/box_definitions.h"
#include "k8s/base/strings.h"

namespace k8s {

template class Box<ShardInfo>;
template class Box<StatusDetails>;

namespace {

constexpr std::array<std::string_view, 19> kKnownReasons = {"Unauthorized",
                                                            "Forbidden",
                                                            "NotFound",
                                                            "AlreadyExists",
                                                            "Conflict",
                                                            "Gone",
                                                            "Invalid",
                                                            "ServerTimeout",
                                                            "StorageReadError",
                                                            "Timeout",
                                                            "TooManyRequests",
                                                            "BadRequest",
                                                            "MethodNotAllowed",
                                                            "NotAcceptable",
                                                            "RequestEntityTooLarge",
                                                            "UnsupportedMediaType",
                                                            "InternalError",
                                                            "Expired",
                                                            "ServiceUnavailable"};

bool Known(std::string_view reason) {
  return std::find(kKnownReasons.begin(), kKnownReasons.end(), reason) != kKnownReasons.end();
}

// The reason decides; an unknown reason leaves it to the code.
bool ReasonOrCode(const Error& error, std::string_view reason, int code) {
  const Status* status = error.status();
  if (status == nullptr) return false;
  if (status->reason == reason) return true;
  return !Known(status->reason) && status->code == code;
}

bool Reason(const Error& error, std::string_view reason) {
  return error.status() != nullptr && error.status()->reason == reason;
}

bool ReasonOrAnyCode(const Error& error, std::string_view reason, int code) {
  const Status* status = error.status();
  return status != nullptr && (status->reason == reason || status->code == code);
}

}  // namespace

Error Error::Api(Status status) {
  Error error(Code::kApi, status.message);
  error.status_ = std::make_shared<const Status>(std::move(status));
  return error;
}

Error Error::Transport(TransportCause cause, std::string message) {
  Error error(Code::kTransport, std::move(message));
  error.cause_ = cause;
  error.nothing_done_ = cause == TransportCause::kRefused || cause == TransportCause::kResolve;
  return error;
}

Error Error::Within(std::string_view place) const& {
  return WithMessage(Cat(place, ": ", message_));
}

Error Error::WithMessage(std::string message) const {
  Error copy = *this;
  copy.message_ = std::move(message);
  return copy;
}

Error Error::WithAttempts(std::shared_ptr<const Attempts> attempts) const {
  Error copy = *this;
  copy.attempts_ = std::move(attempts);
  return copy;
}

Error Error::WithNothingDone(bool nothing_done) const {
  Error copy = *this;
  copy.nothing_done_ = nothing_done;
  return copy;
}

const Attempts& Error::history() const {
  static const Attempts none;
  return attempts_ ? *attempts_ : none;
}

namespace {

// "0s", "1.25s": milliseconds are all that anybody reads here.
std::string Seconds(Duration d) {
  const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(d).count();
  std::string text = std::to_string(milliseconds / 1000);
  if (const auto rest = milliseconds % 1000; rest != 0) {
    text += Cat(".", std::to_string(1000 + rest).substr(1));
    while (text.back() == '0') text.pop_back();
  }
  return text + "s";
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const Error& error) {
  out << error.message();
  const Attempts& history = error.history();
  const auto& latest = history.latest;
  const bool one = history.made < 2 && (latest.empty() || latest[0].waited == Duration::zero());
  if (one && history.ended.empty()) return out;
  out << " (attempt " << history.made << " of " << history.allowed;
  if (const size_t dropped = static_cast<size_t>(history.made) - latest.size(); dropped > 0) {
    out << "; " << dropped << " earlier";
  }
  for (const Attempt& attempt : latest) {
    out << "; " << Seconds(attempt.began) << ": " << attempt.cause;
    if (attempt.waited > Duration::zero()) out << ", waited " << Seconds(attempt.waited);
  }
  if (!history.ended.empty()) out << "; " << history.ended;
  return out << ')';
}

bool IsNotFound(const Error& e) { return ReasonOrCode(e, "NotFound", 404); }
bool IsAlreadyExists(const Error& e) { return Reason(e, "AlreadyExists"); }
bool IsConflict(const Error& e) { return ReasonOrCode(e, "Conflict", 409); }
bool IsInvalid(const Error& e) { return ReasonOrCode(e, "Invalid", 422); }
bool IsGone(const Error& e) { return ReasonOrCode(e, "Gone", 410); }
bool IsResourceExpired(const Error& e) { return Reason(e, "Expired"); }
bool IsNotAcceptable(const Error& e) { return ReasonOrCode(e, "NotAcceptable", 406); }
bool IsUnsupportedMediaType(const Error& e) { return ReasonOrCode(e, "UnsupportedMediaType", 415); }
bool IsMethodNotSupported(const Error& e) { return ReasonOrCode(e, "MethodNotAllowed", 405); }
bool IsServiceUnavailable(const Error& e) { return ReasonOrCode(e, "ServiceUnavailable", 503); }
bool IsBadRequest(const Error& e) { return ReasonOrCode(e, "BadRequest", 400); }
bool IsUnauthorized(const Error& e) { return ReasonOrCode(e, "Unauthorized", 401); }
bool IsForbidden(const Error& e) { return ReasonOrCode(e, "Forbidden", 403); }
bool IsTimeout(const Error& e) { return ReasonOrCode(e, "Timeout", 504); }
bool IsServerTimeout(const Error& e) { return Reason(e, "ServerTimeout"); }
bool IsInternalError(const Error& e) { return ReasonOrCode(e, "InternalError", 500); }
bool IsTooManyRequests(const Error& e) { return ReasonOrAnyCode(e, "TooManyRequests", 429); }
bool IsRequestEntityTooLargeError(const Error& e) {
  return ReasonOrAnyCode(e, "RequestEntityTooLarge", 413);
}

bool IsUnexpectedServerError(const Error& e) {
  if (e.status() == nullptr || !e.status()->details) return false;
  const auto& causes = e.status()->details->causes;
  return std::any_of(causes.begin(), causes.end(), [](const StatusCause& cause) {
    return cause.reason == "UnexpectedServerResponse";
  });
}

int SuggestsClientDelay(const Error& e) {
  if (e.status() == nullptr || !e.status()->details) return -1;
  const int seconds = e.status()->details->retryAfterSeconds;
  return seconds > 0 || e.status()->reason == "ServerTimeout" ? seconds : -1;
}

std::string_view ReasonForError(const Error& e) {
  return e.status() == nullptr ? std::string_view() : std::string_view(e.status()->reason);
}

}  // namespace k8s
