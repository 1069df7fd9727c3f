#include "watchers.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "k8s/base/strings.h"
#include "k8s/http/dial.h"

namespace k8s::bench {
namespace {

constexpr int kPatienceMilliseconds = 60'000;
constexpr size_t kBufferBytes = size_t{64} << 10;

}  // namespace

Watchers::Watchers()
    : clock_(RealClock()), epoll_(::epoll_create1(EPOLL_CLOEXEC)), buffer_(kBufferBytes, '\0') {}
Watchers::~Watchers() { ::close(epoll_); }

Result<void> Watchers::Open(const http::Url& url, const http::Headers& headers, int count) {
  std::shared_ptr<http::TlsContext> tls;
  if (url.scheme == "https") {
    // The certificates of these servers are made on the spot.
    auto made = http::TlsContext::New({.insecure = true});
    if (!made) return made.error();
    tls = *std::move(made);
  }
  std::string request;
  http::AppendRequestLine("GET", url.Target(), request);
  http::AppendFields(headers, request);
  for (int i = 0; i < count; ++i) {
    if (auto opened = OpenOne(url, request, tls.get()); !opened) return opened;
  }
  return {};
}

Result<void> Watchers::OpenOne(const http::Url& url, const std::string& request,
                               http::TlsContext* tls) {
  const Context none;
  const http::Waiting waiting{*clock_, none, waker_};
  auto fd = http::DialTcp(url.host, url.PortOrDefault(), waiting);
  if (!fd) return fd.error();
  auto watch = std::make_unique<Watch>();
  watch->stream = http::NewSocketStream(*fd);
  if (tls != nullptr) {
    auto stream = tls->Handshake(std::move(watch->stream), url.host, url.Authority(), waiting);
    if (!stream) return stream.error();
    watch->stream = *std::move(stream);
  }
  size_t written = 0;
  if (auto sent = http::WriteAll(*watch->stream, request, {}, waiting, written); !sent) return sent;
  epoll_event event{.events = EPOLLIN, .data = {.ptr = watch.get()}};
  if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, *fd, &event) != 0) {
    return Invalid(Cat("epoll_ctl: ", http::DescribeOsError(errno)));
  }
  watches_.push_back(std::move(watch));
  return {};
}

Result<int> Watchers::Receive(int64_t events) {
  std::array<epoll_event, 64> ready;
  int count;
  do {
    count =
        ::epoll_wait(epoll_, ready.data(), static_cast<int>(ready.size()), kPatienceMilliseconds);
  } while (count < 0 && errno == EINTR);
  if (count < 0) return Invalid(Cat("epoll_wait: ", http::DescribeOsError(errno)));
  if (count == 0) return Invalid("no event has come within a minute");
  int reached = 0;
  for (int i = 0; i < count; ++i) {
    auto& watch = *static_cast<Watch*>(ready[static_cast<size_t>(i)].data.ptr);
    const bool before = watch.events < events;
    if (auto read = Read(watch); !read) return read.error();
    if (before && watch.events >= events) ++reached;
  }
  return reached;
}

// Until there is no more: what TLS has decrypted already, no epoll tells about.
Result<void> Watchers::Read(Watch& watch) {
  while (true) {
    const auto attempt = watch.stream->TryRead(buffer_.data(), buffer_.size());
    switch (attempt.outcome) {
      case http::ByteStream::Outcome::kBytes:
        if (auto taken = Take(watch, std::string_view(buffer_).substr(0, attempt.count)); !taken) {
          return taken;
        }
        break;
      case http::ByteStream::Outcome::kEnd:
        return Invalid("a watch has ended before all changes have come");
      case http::ByteStream::Outcome::kFailed:
        return watch.stream->Failure("read");
      default:
        return {};
    }
  }
}

Result<void> Watchers::Take(Watch& watch, std::string_view bytes) {
  if (!watch.has_head) {
    // A head comes as a whole from the servers that are loaded here.
    auto whole = watch.head.Parse(bytes);
    if (!whole) return whole.error();
    if (!*whole) return Invalid("the head of a watch came in pieces");
    bytes.remove_prefix(watch.head.consumed());
    const http::MessageHead head = watch.head.Take();
    if (head.status != 200) return Invalid(Cat("watch: ", std::to_string(head.status)));
    watch.has_head = true;
  }
  data_.clear();
  auto used = watch.body.Decode(bytes, data_);
  if (!used) return used.error();
  watch.events += std::count(data_.begin(), data_.end(), '\n');
  return {};
}

}  // namespace k8s::bench
