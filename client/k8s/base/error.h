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

  Error(Code code, std::string message) : message_(std::move(message)), code_(code) {}
  static Error Api(Status status);
  static Error Transport(TransportCause cause, std::string message);

  Code code() const { return code_; }
  TransportCause cause() const { return cause_; }
  const std::string& message() const { return message_; }
  // The server's own words; null unless code() is kApi. Lives as long as any copy of this error.
  const Status* status() const { return status_.get(); }

  // The same error, with where it happened in front: "load a.yaml: <message>".
  Error Within(std::string_view place) const&;
  // The same error under another text; code, cause and status stay.
  Error WithMessage(std::string message) const;

 private:
  std::string message_;
  std::shared_ptr<const Status> status_;
  Code code_;
  TransportCause cause_ = TransportCause::kOther;
};

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
