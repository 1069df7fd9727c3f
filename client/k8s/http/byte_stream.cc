#include "k8s/http/byte_stream.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <system_error>

#include "k8s/base/strings.h"

namespace k8s::http {
namespace {

constexpr int kKeepAliveSeconds = 30;
// A peer that acknowledges nothing for so long, data or keep-alive probes, is dead: a watch ends
// then, which would wait for ever.
constexpr unsigned kDeadPeerMilliseconds = 45'000;
// A clock other than the real one may move while poll sleeps; then it must look again.
constexpr Duration kForeignClockPoll = std::chrono::milliseconds(20);

class SocketStream final : public ByteStream {
 public:
  SocketStream(int fd, std::shared_ptr<ConnectionTracker> tracker)
      : tracker_(std::move(tracker)), fd_(fd) {
    if (tracker_) tracker_->Add(fd_);
  }
  ~SocketStream() override {
    if (tracker_) tracker_->Remove(fd_);
    ::close(fd_);
  }

  Attempt TryRead(char* to, size_t size) override { return Receive(to, size, MSG_DONTWAIT); }

  Attempt Read(char* to, size_t size, const Waiting& waiting) override {
    return Receive(to, size, waiting.IsUnbounded() ? 0 : MSG_DONTWAIT);
  }

  Attempt TryWrite(const iovec* parts, int count) override {
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(parts);
    message.msg_iovlen = static_cast<size_t>(count);
    while (true) {
      const ssize_t n = ::sendmsg(fd_, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (n >= 0) return {Outcome::kBytes, static_cast<size_t>(n)};
      if (errno == EAGAIN || errno == EWOULDBLOCK) return {Outcome::kWantWrite};
      if (errno != EINTR) return Failed();
    }
  }

  Result<void> Wait(Outcome outcome, const Waiting& waiting) override {
    return WaitFor(fd_, outcome == Outcome::kWantWrite ? POLLOUT : POLLIN, waiting);
  }

  Error Failure(std::string_view operation) const override {
    const std::string local = SocketAddress(fd_, false);
    const std::string peer = SocketAddress(fd_, true);
    return Error::Transport(CauseOf(error_),
                            Cat(operation, " tcp ", local, peer.empty() ? "" : "->", peer, ": ",
                                operation, ": ", DescribeOsError(error_)));
  }

  bool IsQuiet() override {
    char byte;
    const ssize_t n = ::recv(fd_, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
  }

 private:
  Attempt Receive(char* to, size_t size, int flags) {
    while (true) {
      const ssize_t n = ::recv(fd_, to, size, flags);
      if (n > 0) return {Outcome::kBytes, static_cast<size_t>(n)};
      if (n == 0) return {Outcome::kEnd};
      if (errno == EAGAIN || errno == EWOULDBLOCK) return {Outcome::kWantRead};
      if (errno != EINTR) return Failed();
    }
  }

  Attempt Failed() {
    error_ = errno;
    return {Outcome::kFailed};
  }

  std::shared_ptr<ConnectionTracker> tracker_;
  int fd_;
  int error_ = 0;
};

}  // namespace

Waker::Waker() : fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}
Waker::~Waker() {
  if (fd_ >= 0) ::close(fd_);
}

void Waker::Wake() const {
  woken_ = true;
  const uint64_t one = 1;
  // A full counter means that it is awake already.
  static_cast<void>(!::write(fd_, &one, sizeof one));
}

void Waker::Clear() const {
  if (!woken_.exchange(false)) return;
  uint64_t count;
  // Nothing there yet: it is about to be written.
  if (::read(fd_, &count, sizeof count) < 0) woken_ = true;
}

Result<void> WaitFor(int fd, short events, const Waiting& waiting) {
  const bool foreign = &waiting.clock != RealClock().get();
  while (true) {
    if (auto over = waiting.ctx.Check(waiting.clock); !over) return over;
    const TimePoint now = waiting.clock.Now();
    if (now >= waiting.limit) {
      return Error::Transport(TransportCause::kTimeout, "i/o timeout");
    }
    const TimePoint end =
        waiting.ctx.deadline() ? std::min(*waiting.ctx.deadline(), waiting.limit) : waiting.limit;
    Duration left = end - now;
    if (foreign) left = std::min(left, kForeignClockPoll);
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
    const timespec span{static_cast<time_t>(seconds.count()),
                        static_cast<long>((left - seconds).count())};
    pollfd polled[2] = {{fd, events, 0}, {waiting.waker.fd(), POLLIN, 0}};
    const bool forever = end == kForever && !foreign;
    const int ready = ::ppoll(polled, 2, forever ? nullptr : &span, nullptr);
    if (ready < 0 && errno != EINTR) {
      return Error::Transport(TransportCause::kOther, Cat("poll: ", DescribeOsError(errno)));
    }
    if (ready <= 0) continue;
    if (polled[1].revents != 0) {
      waiting.waker.Clear();
      if (auto over = waiting.ctx.Check(waiting.clock); !over) return over;
    }
    if (polled[0].revents != 0) return {};
  }
}

Result<size_t> ReadSome(ByteStream& stream, char* to, size_t size, const Waiting& waiting) {
  while (true) {
    const auto attempt = stream.Read(to, size, waiting);
    switch (attempt.outcome) {
      case ByteStream::Outcome::kBytes:
        return attempt.count;
      case ByteStream::Outcome::kEnd:
        return size_t{0};
      case ByteStream::Outcome::kFailed:
        return stream.Failure("read");
      default:
        if (auto waited = stream.Wait(attempt.outcome, waiting); !waited) {
          return waited.error();
        }
    }
  }
}

Result<void> WriteAll(ByteStream& stream, std::string_view head, std::string_view body,
                      const Waiting& waiting, size_t& written) {
  while (!head.empty() || !body.empty()) {
    iovec parts[2];
    int count = 0;
    for (const std::string_view part : {head, body}) {
      if (!part.empty()) parts[count++] = {const_cast<char*>(part.data()), part.size()};
    }
    const auto attempt = stream.TryWrite(parts, count);
    if (attempt.outcome == ByteStream::Outcome::kBytes) {
      written += attempt.count;
      const size_t of_head = std::min(attempt.count, head.size());
      head.remove_prefix(of_head);
      body.remove_prefix(attempt.count - of_head);
    } else if (attempt.outcome == ByteStream::Outcome::kFailed) {
      return stream.Failure("write");
    } else if (auto waited = stream.Wait(attempt.outcome, waiting); !waited) {
      return waited;
    }
  }
  return {};
}

std::unique_ptr<ByteStream> NewSocketStream(int fd, std::shared_ptr<ConnectionTracker> tracker) {
  const int flags = ::fcntl(fd, F_GETFL);
  ::fcntl(fd, F_SETFL, flags & ~O_NONBLOCK);
  ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  const int on = 1;
  // These fail on sockets of other families, which then do without.
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &kKeepAliveSeconds, sizeof kKeepAliveSeconds);
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &kKeepAliveSeconds, sizeof kKeepAliveSeconds);
  ::setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &kDeadPeerMilliseconds,
               sizeof kDeadPeerMilliseconds);
  return std::make_unique<SocketStream>(fd, std::move(tracker));
}

TransportCause CauseOf(int os_error) {
  switch (os_error) {
    case ECONNREFUSED:
      return TransportCause::kRefused;
    case ECONNRESET:
      return TransportCause::kReset;
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ENETDOWN:
    case EHOSTDOWN:
      return TransportCause::kUnreachable;
    case ETIMEDOUT:
      return TransportCause::kTimeout;
    default:
      return TransportCause::kOther;
  }
}

std::string DescribeOsError(int os_error) {
  std::string text = std::generic_category().message(os_error);
  if (text.size() > 1 && !(text[1] >= 'A' && text[1] <= 'Z')) {
    text[0] = ToLower(text.substr(0, 1))[0];
  }
  return text;
}

std::string SocketAddress(int fd, bool peer) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  auto* address = reinterpret_cast<sockaddr*>(&storage);
  if ((peer ? ::getpeername(fd, address, &size) : ::getsockname(fd, address, &size)) != 0) {
    return {};
  }
  char text[INET6_ADDRSTRLEN] = "";
  if (storage.ss_family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(&storage);
    ::inet_ntop(AF_INET, &v4->sin_addr, text, sizeof text);
    return Cat(text, ":", std::to_string(ntohs(v4->sin_port)));
  }
  if (storage.ss_family == AF_INET6) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&storage);
    ::inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof text);
    return Cat("[", text, "]:", std::to_string(ntohs(v6->sin6_port)));
  }
  return {};
}

}  // namespace k8s::http
