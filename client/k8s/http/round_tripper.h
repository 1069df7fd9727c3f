#pragma once

// One HTTP exchange. Layers wrap it (chain.h); a socket transport or the fake server's loopback
// ends it. Implementations may be called from many threads at once.
//
// RoundTrip returns as soon as the response header is in; the body is then pulled, as with Go's
// http.Response. Pulling needs no thread and no queue for a watch, lets a slow reader slow the
// sender, and keeps a failure before the header (which may be retried) apart from one in the body
// (which may not).

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "k8s/base/context.h"
#include "k8s/http/call_class.h"
#include "k8s/http/headers.h"
#include "k8s/http/url.h"

namespace k8s::http {

class BackoffManager;
class RateLimiter;

// How the call will use the response; the retry rules differ (chapter 3.6).
enum class Mode : uint8_t { kDo, kDoRaw, kStream, kWatch };

// A request body that is produced while it is sent. A request that has one is never sent twice.
class BodyReader {
 public:
  virtual ~BodyReader() = default;
  // Appends at least one byte to out and returns true, or returns false at the end.
  virtual Result<bool> Read(std::string& out) = 0;
};

struct Request {
  std::string method{};
  Url url{};
  Headers headers{};
  // Bytes that may be sent again; shared, because a retry must not copy them. Null: no body.
  std::shared_ptr<const std::string> body{};
  std::shared_ptr<BodyReader> body_reader{};  // instead of body: sent once, chunked

  // What the layers need to know of the call; nothing of it is sent.
  Mode mode = Mode::kDo;
  CallClass call_class = CallClass::kOther;
  int max_retries = 10;                         // after the first attempt; negative counts as 0
  Duration timeout{};                           // all attempts of Do and DoRaw together; zero: none
  bool throttle = true;                         // false: this request passes the rate limiter
  std::shared_ptr<RateLimiter> rate_limiter{};  // instead of the client's
  std::shared_ptr<BackoffManager> backoff{};    // instead of what the environment asks for
  int attempt = 1;                              // counted from 1; set by the retry layer
};

// The body of a response. One reader at a time. Destroying it before its end closes the connection
// that it came from (or resets the stream); at its end the connection is reused.
class Body {
 public:
  virtual ~Body() = default;
  // Appends what is there to out, at least one byte, waiting if need be; 0 at the end. Ends with
  // kCanceled or kDeadlineExceeded when the Context of its RoundTrip does.
  virtual Result<size_t> Read(std::string& out) = 0;
  // The whole rest. Overridden where the rest is known or already in memory.
  virtual Result<std::string> ReadAll();
  // Bytes that will come, or -1 when that is not known.
  virtual int64_t ContentLength() const { return -1; }
};

struct Response {
  int status = 0;
  Headers headers{};
  std::unique_ptr<Body> body{};  // never null after a successful RoundTrip
  // Of the call that this answers, for the error that may be made of it. Null where there is
  // nothing to tell: a good answer to a first attempt.
  std::shared_ptr<const Attempts> attempts{};
};

class RoundTripper {
 public:
  virtual ~RoundTripper() = default;
  // ctx bounds the whole exchange, the reading of the body included; the body keeps a copy of it.
  virtual Result<Response> RoundTrip(const Request& request, const Context& ctx) = 0;
  // Closes connections that nobody uses.
  virtual void CloseIdleConnections() {}
};

using Layer = std::function<std::shared_ptr<RoundTripper>(std::shared_ptr<RoundTripper> next)>;

// A body that is in memory already.
std::unique_ptr<Body> StringBody(std::string bytes);
std::unique_ptr<Body> StringBody(std::shared_ptr<const std::string> bytes);

}  // namespace k8s::http
