#pragma once

// A connection as a stream of bytes: attempts that do not block, and the two calls that wait. The
// floor of the socket transport. TLS is a ByteStream over another one. A stream belongs to one
// thread at a time; only Waker::Wake may be called from any thread.

#include <sys/uio.h>

#include <atomic>
#include <memory>
#include <string>
#include <string_view>

#include "k8s/base/clock.h"
#include "k8s/http/connection_tracker.h"

namespace k8s::http {

// Ends a poll from another thread.
class Waker {
 public:
  Waker();
  ~Waker();
  Waker(const Waker&) = delete;
  Waker& operator=(const Waker&) = delete;
  void Wake() const;
  void Clear() const;
  int fd() const { return fd_; }

 private:
  int fd_;
  mutable std::atomic<bool> woken_ = false;  // spares Clear a system call
};

// What bounds a wait: the caller's context, and the limit of the phase it is in.
struct Waiting {
  const Clock& clock;
  const Context& ctx;
  const Waker& waker;
  TimePoint limit = kForever;

  // Nothing ends it but what is waited for.
  bool IsUnbounded() const {
    return limit == kForever && !ctx.deadline() && !ctx.stop().stop_possible();
  }
};

// Waits until fd is ready for `events` (of poll). Fails with the error of ctx, or with kTimeout
// ("i/o timeout") when the limit of the phase passes.
Result<void> WaitFor(int fd, short events, const Waiting& waiting);

class ByteStream {
 public:
  enum class Outcome : uint8_t { kBytes, kEnd, kWantRead, kWantWrite, kFailed };
  struct Attempt {
    Outcome outcome;
    size_t count = 0;
  };

  virtual ~ByteStream() = default;
  virtual Attempt TryRead(char* to, size_t size) = 0;
  // As TryRead, but may also wait for the first byte itself where nothing bounds the wait: that
  // spares the vain attempt and the poll.
  virtual Attempt Read(char* to, size_t size, const Waiting& /*waiting*/) {
    return TryRead(to, size);
  }
  virtual Attempt TryWrite(const iovec* parts, int count) = 0;
  // Waits until an attempt that wanted to read or write (`outcome`) may get further.
  virtual Result<void> Wait(Outcome outcome, const Waiting& waiting) = 0;
  // Why the last attempt said kFailed; `operation` is "read" or "write".
  virtual Error Failure(std::string_view operation) const = 0;
  // Nothing has arrived while nobody asked: neither bytes nor the end.
  virtual bool IsQuiet() = 0;
};

// At least one byte, or 0 at the end of the stream.
Result<size_t> ReadSome(ByteStream& stream, char* to, size_t size, const Waiting& waiting);
// Everything, head and body in one system call where they fit. `written` counts what went out, also
// when it fails.
Result<void> WriteAll(ByteStream& stream, std::string_view head, std::string_view body,
                      const Waiting& waiting, size_t& written);

// Takes over a connected socket, makes it blocking and sets TCP_NODELAY and keep-alive. The
// tracker, if there is one, knows it as long as it is open.
std::unique_ptr<ByteStream> NewSocketStream(int fd,
                                            std::shared_ptr<ConnectionTracker> tracker = nullptr);

// The cause that belongs to an errno, and its text in Go's words ("connection refused").
TransportCause CauseOf(int os_error);
std::string DescribeOsError(int os_error);
// "127.0.0.1:80" of a socket's own or other end, "" when unknown.
std::string SocketAddress(int fd, bool peer);

}  // namespace k8s::http
