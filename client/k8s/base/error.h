#pragma once

// The one error value of the library: what went wrong, in one line, from the outside in, with the
// server's own Status when a server said it. Values; copying is cheap; any thread may read one.
//
// Texts are lower case without a full stop and never hold a token, key or password.

#include <cstdint>
#include <iosfwd>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "k8s/base/moment.h"
#include "k8s/base/status.h"

namespace k8s {

// Why an exchange ended without an HTTP response, or in the middle of one. The retry rules of
// client-go (C-4.12 to C-4.18) tell these apart, so a transport must too.
enum class TransportCause : uint8_t {
  kOther,
  kRefused,      // nothing listens there
  kUnreachable,  // no route, host or network down
  kResolve,      // the name has no address
  kReset,        // RST while connecting, writing or waiting for the header
  kEof,          // closed before the first byte of the response
  kTruncated,    // closed inside the header or the body
  kTimeout,      // a limit of the transport itself passed
  kTls,          // handshake or certificate
  kProtocol,     // the peer does not speak HTTP
};

// One try of a call: when it began, counted from the first one, what came of it ("503", or the text
// of the failure), and how long the call then waited.
struct Attempt {
  Duration began{};
  std::string cause{};
  Duration waited{};
};

// Of a call's attempts, so many are kept; the oldest go first.
inline constexpr size_t kMaxAttemptsKept = 11;

struct Attempts {
  int made = 0;
  int allowed = 0;
  std::vector<Attempt> latest{};  // at most kMaxAttemptsKept
  std::string ended{};            // why there was not one more, where that needs saying
  bool in_doubt = false;          // the server may have acted on one before the last
};

class Error {
 public:
  enum class Code : uint8_t {
    kApi,               // the server answered with an error; status() is set
    kTransport,         // no usable answer; cause() says why
    kCanceled,          // the caller's Context was cancelled
    kDeadlineExceeded,  // the caller's Context or a timeout ran out
    kDecode,            // bytes that do not mean what they should
    kInvalid,           // the call itself is wrong; nothing was sent
    kConfig,            // configuration that cannot be used
  };

  Error(Code code, std::string message)
      : message_(std::move(message)),
        code_(code),
        nothing_done_(code == Code::kInvalid || code == Code::kConfig) {}
  static Error Api(Status status);
  static Error Transport(TransportCause cause, std::string message);

  Code code() const { return code_; }
  TransportCause cause() const { return cause_; }
  const std::string& message() const { return message_; }
  // The server's own words; null unless code() is kApi. Lives as long as any copy of this error.
  const Status* status() const { return status_.get(); }
  // What was tried before this error was returned; empty where no attempt failed.
  const std::vector<Attempt>& attempts() const { return history().latest; }
  const Attempts& history() const;
  // The server certainly did not do what was asked: the request never went out as a whole, or was
  // turned down. false: it did, or may have.
  bool nothing_done() const { return nothing_done_; }

  // The same error, with where it happened in front: "load a.yaml: <message>".
  Error Within(std::string_view place) const&;
  // The same error under another text; all else stays.
  Error WithMessage(std::string message) const;
  Error WithAttempts(std::shared_ptr<const Attempts> attempts) const;
  Error WithNothingDone(bool nothing_done = true) const;

 private:
  std::string message_;
  std::shared_ptr<const Status> status_;
  std::shared_ptr<const Attempts> attempts_;
  Code code_;
  TransportCause cause_ = TransportCause::kOther;
  bool nothing_done_ = false;
};

// The message, and after it the attempts if there was more than one:
// "... EOF (attempt 2 of 11; 0s: 503, waited 1s; 1s: EOF)".
std::ostream& operator<<(std::ostream& out, const Error& error);

inline Error Invalid(std::string message) { return {Error::Code::kInvalid, std::move(message)}; }
inline Error DecodeError(std::string message) { return {Error::Code::kDecode, std::move(message)}; }
inline Error ConfigError(std::string message) { return {Error::Code::kConfig, std::move(message)}; }

// Predicates of apimachinery's errors package, with its rules (chapter 3.8): the reason decides;
// where the reason is none of the known ones, the code does.
bool IsNotFound(const Error& error);
bool IsAlreadyExists(const Error& error);
bool IsConflict(const Error& error);
bool IsInvalid(const Error& error);
bool IsGone(const Error& error);
bool IsResourceExpired(const Error& error);
bool IsNotAcceptable(const Error& error);
bool IsUnsupportedMediaType(const Error& error);
bool IsMethodNotSupported(const Error& error);
bool IsServiceUnavailable(const Error& error);
bool IsBadRequest(const Error& error);
bool IsUnauthorized(const Error& error);
bool IsForbidden(const Error& error);
bool IsTimeout(const Error& error);
bool IsServerTimeout(const Error& error);
bool IsInternalError(const Error& error);
bool IsTooManyRequests(const Error& error);
bool IsRequestEntityTooLargeError(const Error& error);
bool IsUnexpectedServerError(const Error& error);
// Seconds the server asks to wait, or -1 when it does not.
int SuggestsClientDelay(const Error& error);
// The reason in the Status, or "" (Go's Unknown).
std::string_view ReasonForError(const Error& error);

}  // namespace k8s
