#include "watchers.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "fakeapiserver/nghttp2_texts.h"
#include "k8s/base/strings.h"
#include "k8s/http/dial.h"
#include "k8s/http/h1.h"

namespace k8s::bench {

// Watches on one connection, without its I/O.
class Watchers::Connection {
 public:
  virtual ~Connection() = default;
  virtual Result<void> Take(std::string_view bytes) = 0;
  // What is to be sent now.
  virtual std::string Output() = 0;

  std::unique_ptr<http::ByteStream> stream{};
  int64_t awaited = 0;  // so many events
  int reached = 0;      // watches that have had them since this was last zero

 protected:
  void Count(int64_t& events, std::string_view data) {
    const bool before = events < awaited;
    events += std::count(data.begin(), data.end(), '\n');
    if (before && events >= awaited) ++reached;
  }
};

namespace {

constexpr int kPatienceMilliseconds = 60'000;
constexpr size_t kBufferBytes = size_t{64} << 10;
constexpr int kStreams = 100;  // a connection; what servers allow

class Http1Watch final : public Watchers::Connection {
 public:
  Http1Watch(const http::Url& url, const http::Headers& headers) {
    http::AppendRequestLine("GET", url.Target(), request_);
    http::AppendFields(headers, request_);
  }
  std::string Output() override { return std::exchange(request_, {}); }
  Result<void> Take(std::string_view bytes) override {
    if (!has_head_) {
      // A head comes as a whole from the servers that are loaded here.
      auto whole = head_.Parse(bytes);
      if (!whole) return whole.error();
      if (!*whole) return Invalid("the head of a watch came in pieces");
      bytes.remove_prefix(head_.consumed());
      const http::MessageHead head = head_.Take();
      if (head.status != 200) return Invalid(Cat("watch: ", std::to_string(head.status)));
      has_head_ = true;
    }
    data_.clear();
    auto used = body_.Decode(bytes, data_);
    if (!used) return used.error();
    Count(events_, data_);
    return {};
  }

 private:
  std::string request_;
  http::HeadParser head_{http::HeadParser::Kind::kResponse};
  bool has_head_ = false;
  http::ChunkedDecoder body_;
  std::string data_;
  int64_t events_ = 0;
};

class Http2Watches final : public Watchers::Connection {
 public:
  Http2Watches(const http::Url& url, const http::Headers& headers, int count)
      : session_(nullptr, nghttp2_session_del), events_(static_cast<size_t>(count)) {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, OnData);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, OnClose);
    nghttp2_session* session = nullptr;
    nghttp2_session_client_new(&session, callbacks, this);
    nghttp2_session_callbacks_del(callbacks);
    session_.reset(session);
    // The windows of Go's client, so that they are seldom opened anew.
    const nghttp2_settings_entry window{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 4 << 20};
    nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, &window, 1);
    nghttp2_session_set_local_window_size(session, NGHTTP2_FLAG_NONE, 0, 1 << 30);

    http::Headers all{{":method", "GET"},
                      {":scheme", url.scheme},
                      {":authority", url.Authority()},
                      {":path", url.Target()}};
    for (const auto& [name, value] : headers) {
      if (name != "Host") all.Add(name, value);
    }
    const std::vector<nghttp2_nv> fields = fakeapiserver::FieldsOf(all);
    for (int64_t& events : events_)
      nghttp2_submit_request(session, nullptr, fields.data(), fields.size(), nullptr, &events);
  }
  std::string Output() override { return fakeapiserver::OutputOf(session_.get()); }
  Result<void> Take(std::string_view bytes) override {
    const auto used =
        nghttp2_session_mem_recv(session_.get(), fakeapiserver::BytesOf(bytes), bytes.size());
    if (used < 0) return Invalid(Cat("HTTP/2: ", nghttp2_strerror(static_cast<int>(used))));
    if (closed_) return Invalid("a watch has ended before all changes have come");
    return {};
  }

 private:
  static int OnData(nghttp2_session* session, uint8_t, int32_t id, const uint8_t* data, size_t size,
                    void* user) {
    auto& self = *static_cast<Http2Watches*>(user);
    auto& events = *static_cast<int64_t*>(nghttp2_session_get_stream_user_data(session, id));
    self.Count(events, fakeapiserver::TextOf(data, size));
    return 0;
  }
  static int OnClose(nghttp2_session*, int32_t, uint32_t, void* user) {
    static_cast<Http2Watches*>(user)->closed_ = true;
    return 0;
  }

  std::unique_ptr<nghttp2_session, void (*)(nghttp2_session*)> session_;
  std::vector<int64_t> events_;  // of each watch
  bool closed_ = false;          // one of them
};

}  // namespace

Watchers::Watchers()
    : clock_(RealClock()), epoll_(::epoll_create1(EPOLL_CLOEXEC)), buffer_(kBufferBytes, '\0') {}
Watchers::~Watchers() { ::close(epoll_); }

Result<void> Watchers::Open(const http::Url& url, const http::Headers& headers, int count,
                            Protocol protocol) {
  std::shared_ptr<http::TlsContext> tls;
  const bool http2 = protocol == Protocol::kHttp2;
  if (url.scheme == "https") {
    // The certificates of these servers are made on the spot.
    auto made = http::TlsContext::New(
        {.insecure = true, .next_protos = {std::string(http2 ? "h2" : "http/1.1")}});
    if (!made) return made.error();
    tls = *std::move(made);
  }
  for (int left = count; left > 0;) {
    const int some = http2 ? std::min(left, kStreams) : 1;
    std::unique_ptr<Connection> connection;
    if (http2) {
      connection = std::make_unique<Http2Watches>(url, headers, some);
    } else {
      connection = std::make_unique<Http1Watch>(url, headers);
    }
    if (auto opened = Connect(std::move(connection), url, tls.get()); !opened) return opened;
    left -= some;
  }
  count_ = static_cast<size_t>(count);
  return {};
}

Result<void> Watchers::Connect(std::unique_ptr<Connection> connection, const http::Url& url,
                               http::TlsContext* tls) {
  const Context none;
  const http::Waiting waiting{*clock_, none, waker_};
  auto fd = http::DialTcp(url.host, url.PortOrDefault(), waiting);
  if (!fd) return fd.error();
  connection->stream = http::NewSocketStream(*fd);
  if (tls != nullptr) {
    auto stream = tls->Handshake(std::move(connection->stream), url.host, url.Authority(), waiting);
    if (!stream) return stream.error();
    connection->stream = *std::move(stream);
  }
  size_t written = 0;
  if (auto sent = http::WriteAll(*connection->stream, connection->Output(), {}, waiting, written);
      !sent) {
    return sent;
  }
  epoll_event event{.events = EPOLLIN, .data = {.ptr = connection.get()}};
  if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, *fd, &event) != 0) {
    return Invalid(Cat("epoll_ctl: ", http::DescribeOsError(errno)));
  }
  connections_.push_back(std::move(connection));
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
    auto& connection = *static_cast<Connection*>(ready[static_cast<size_t>(i)].data.ptr);
    connection.awaited = events;
    connection.reached = 0;
    if (auto read = Read(connection); !read) return read.error();
    reached += connection.reached;
  }
  return reached;
}

// Until there is no more: what TLS has decrypted already, no epoll tells about.
Result<void> Watchers::Read(Connection& connection) {
  auto attempt = connection.stream->TryRead(buffer_.data(), buffer_.size());
  while (attempt.outcome == http::ByteStream::Outcome::kBytes) {
    const auto bytes = std::string_view(buffer_).substr(0, attempt.count);
    if (auto taken = connection.Take(bytes); !taken) return taken;
    attempt = connection.stream->TryRead(buffer_.data(), buffer_.size());
  }
  if (attempt.outcome == http::ByteStream::Outcome::kEnd)
    return Invalid("a watch has ended before all changes have come");
  if (attempt.outcome == http::ByteStream::Outcome::kFailed)
    return connection.stream->Failure("read");
  const std::string answer = connection.Output();
  if (answer.empty()) return {};
  const Context none;
  size_t written = 0;
  return http::WriteAll(*connection.stream, answer, {}, {*clock_, none, waker_}, written);
}

}  // namespace k8s::bench
