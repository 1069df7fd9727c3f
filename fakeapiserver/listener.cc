#include "fakeapiserver/listener.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <deque>
#include <mutex>
#include <set>
#include <unordered_map>

#include "k8s/base/log.h"
#include "k8s/base/strings.h"
#include "k8s/base/thread.h"
#include "k8s/http/h1.h"

namespace k8s::fakeapiserver {
namespace {

constexpr int kBacklog = 4096;
constexpr size_t kReadBytes = size_t{64} << 10;
constexpr size_t kMaxParts = 64;                // slices a system call
constexpr size_t kMaxDrain = size_t{64} << 20;  // of a refused body, read only to be dropped
constexpr Duration kDrainTimeout = std::chrono::seconds(5);
constexpr uint64_t kListenId = 0, kWakeId = 1, kFirstConnectionId = 2;

// A file descriptor that is closed with its owner.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_ = -1;
};

struct SslDeleter {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};

std::string SystemText() { return ToLower(std::strerror(errno)); }

enum class State : uint8_t { kHandshake, kHead, kBody, kAnswer, kDrain };

struct Connection {
  uint64_t id = 0;
  Descriptor socket;
  std::unique_ptr<SSL, SslDeleter> ssl;
  State state = State::kHead;

  // Input.
  std::string in;
  http::HeadParser parser{http::HeadParser::Kind::kRequest};
  http::MessageHead head;
  http::Framing framing;
  http::ChunkedDecoder chunks;
  std::string body;
  bool eof = false;
  size_t drained = 0;

  // Output.
  std::deque<Slice> out;
  size_t out_bytes = 0;
  size_t out_offset = 0;  // of the first slice, already sent
  std::unique_ptr<Source> source;
  std::function<Answer()> decide;
  bool chunked = false;
  bool close_after = false;
  bool cut = false;
  uint32_t interest = 0;

  TimePoint timer = kForever;
};

}  // namespace

class Listener::Loop {
 public:
  Loop(ListenerOptions options, Env env, Serve serve)
      : options_(std::move(options)), env_(std::move(env)), serve_(std::move(serve)) {}

  ~Loop() {
    stopping_ = true;
    Poke();
    thread_.Join();
    for (auto& [id, connection] : connections_) {
      if (connection->source) connection->source->SetWake({});
    }
  }

  Result<void> Open();
  void Start() {
    thread_ = Thread(env_.clock, "fakeapiserver", [this](std::stop_token) { Run(); });
  }
  int port() const { return port_; }
  size_t count() const { return count_; }

 private:
  Result<void> OpenTls();
  Result<void> UseCertificate();
  void Run();
  void Accept();
  void OnEvent(Connection& connection, uint32_t events);
  void RefusePlainHttp(Connection& connection);
  bool Read(Connection& connection);
  bool Advance(Connection& connection);
  bool ParseHead(Connection& connection);
  bool ParseBody(Connection& connection);
  void Dispatch(Connection& connection, bool body_was_cut);
  void Begin(Connection& connection, Answer answer);
  void Enqueue(Connection& connection, Slice slice);
  void Pump(Connection& connection);
  bool Flush(Connection& connection);
  bool WriteSome(Connection& connection);
  void Finish(Connection& connection);
  void Drive(uint64_t id);
  void Close(uint64_t id);
  void SetInterest(Connection& connection);
  void SetTimer(Connection& connection, TimePoint when);
  void FireTimers();
  int WaitMilliseconds() const;
  void Poke() {
    const uint64_t one = 1;
    if (write(wake_.get(), &one, sizeof one) < 0) return;  // full: a wake-up is pending anyway
  }
  void Wake(uint64_t id);
  void TakeWoken();

  const ListenerOptions options_;
  const Env env_;
  const Serve serve_;
  Descriptor listen_, epoll_, wake_;
  std::unique_ptr<SSL_CTX, SslDeleter> tls_;
  int port_ = 0;
  std::atomic<bool> stopping_ = false;
  std::atomic<size_t> count_ = 0;
  uint64_t next_id_ = kFirstConnectionId;
  bool accepting_ = true;
  std::unordered_map<uint64_t, std::unique_ptr<Connection>> connections_;
  std::set<std::pair<TimePoint, uint64_t>> timers_;
  std::string read_buffer_ = std::string(kReadBytes, '\0');
  // Guards woken_ and nothing else: Sources call Wake under locks of their own.
  std::mutex woken_mutex_;
  std::vector<uint64_t> woken_;
  Thread thread_;
};

// The chain and the key, through the host: it says which file is missing, and OpenSSL would ask the
// terminal for the password of an encrypted key.
Result<void> Listener::Loop::UseCertificate() {
  const std::string &certificate_file = options_.certificate_file, &key_file = options_.key_file;
  if (key_file.empty())
    return ConfigError(Cat("certificate ", certificate_file, " needs a key file beside it"));
  if (certificate_file.empty())
    return ConfigError(Cat("key ", key_file, " needs a certificate file beside it"));
  auto chain = env_.host->ReadFile(certificate_file);
  if (!chain) return chain.error();
  auto key = env_.host->ReadFile(key_file);
  if (!key) return key.error();

  const auto memory = [](const std::string& bytes) {
    return std::unique_ptr<BIO, SslDeleter>(
        BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
  };
  const auto from = memory(*chain);
  const std::unique_ptr<X509, SslDeleter> leaf(
      PEM_read_bio_X509(from.get(), nullptr, nullptr, nullptr));
  if (!leaf || SSL_CTX_use_certificate(tls_.get(), leaf.get()) != 1)
    return ConfigError(Cat("no usable PEM certificate in ", certificate_file));
  while (X509* next = PEM_read_bio_X509(from.get(), nullptr, nullptr, nullptr))
    SSL_CTX_add0_chain_cert(tls_.get(), next);
  const auto no_password = [](char*, int, int, void*) { return 0; };
  const std::unique_ptr<EVP_PKEY, SslDeleter> private_key(
      PEM_read_bio_PrivateKey(memory(*key).get(), nullptr, no_password, nullptr));
  if (!private_key) return ConfigError(Cat("no PEM key without a password in ", key_file));
  if (SSL_CTX_use_PrivateKey(tls_.get(), private_key.get()) != 1)
    return ConfigError(Cat("key ", key_file, " does not belong to certificate ", certificate_file));
  return {};
}

Result<void> Listener::Loop::OpenTls() {
  if (options_.certificate_file.empty() && options_.key_file.empty()) return {};
  tls_.reset(SSL_CTX_new(TLS_server_method()));
  SSL_CTX_set_min_proto_version(tls_.get(), TLS1_2_VERSION);
  SSL_CTX_set_mode(tls_.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                   SSL_MODE_RELEASE_BUFFERS);
  auto used = UseCertificate();
  ERR_clear_error();
  return used;
}

Result<void> Listener::Loop::Open() {
  if (auto tls = OpenTls(); !tls) return tls;
  const std::string place = Cat(
      options_.bind.find(':') == std::string::npos ? options_.bind : Cat("[", options_.bind, "]"),
      ":", std::to_string(options_.port));
  addrinfo hints{};
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV | AI_NUMERICHOST;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int failure =
      getaddrinfo(options_.bind.c_str(), std::to_string(options_.port).c_str(), &hints, &found);
  if (failure == EAI_NONAME)
    return ConfigError(Cat("listen on ", place, ": ", options_.bind, " is not an IP address"));
  if (failure != 0)
    return ConfigError(Cat("listen on ", place, ": ", ToLower(gai_strerror(failure))));
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> addresses(found, freeaddrinfo);

  listen_ = Descriptor(socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int on = 1;
  setsockopt(listen_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(listen_.get(), found->ai_addr, found->ai_addrlen) != 0 ||
      listen(listen_.get(), kBacklog) != 0) {
    return ConfigError(Cat("listen on ", place, ": ", SystemText()));
  }
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  getsockname(listen_.get(), reinterpret_cast<sockaddr*>(&bound), &size);
  port_ = ntohs(bound.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6*>(&bound)->sin6_port
                                            : reinterpret_cast<sockaddr_in*>(&bound)->sin_port);
  epoll_ = Descriptor(epoll_create1(EPOLL_CLOEXEC));
  wake_ = Descriptor(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = kListenId;
  epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, listen_.get(), &event);
  event.data.u64 = kWakeId;
  epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_.get(), &event);
  return {};
}

void Listener::Loop::Run() {
  // SSL_write knows no MSG_NOSIGNAL, and a client that hangs up must not end the process.
  sigset_t pipe_signal;
  sigemptyset(&pipe_signal);
  sigaddset(&pipe_signal, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe_signal, nullptr);
  std::array<epoll_event, 256> events;
  while (!stopping_) {
    env_.clock->OnBlocked(1);
    const int count = epoll_wait(epoll_.get(), events.data(), events.size(), WaitMilliseconds());
    env_.clock->OnBlocked(-1);
    for (int i = 0; i < count; ++i) {
      const uint64_t id = events[static_cast<size_t>(i)].data.u64;
      if (id == kListenId) {
        Accept();
      } else if (id == kWakeId) {
        uint64_t ignored;
        if (read(wake_.get(), &ignored, sizeof ignored) > 0) TakeWoken();
      } else if (const auto found = connections_.find(id); found != connections_.end()) {
        OnEvent(*found->second, events[static_cast<size_t>(i)].events);
      }
    }
    FireTimers();
  }
}

int Listener::Loop::WaitMilliseconds() const {
  if (timers_.empty()) return -1;
  const Duration left = timers_.begin()->first - env_.clock->Now();
  if (left <= Duration::zero()) return 0;
  // Rounded up, so that a timer is due when the wait ends.
  return static_cast<int>(
      std::min<int64_t>(std::chrono::ceil<std::chrono::milliseconds>(left).count(), 60'000));
}

void Listener::Loop::Accept() {
  while (true) {
    if (connections_.size() >= options_.max_connections) {
      epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, listen_.get(), nullptr);
      accepting_ = false;
      return;
    }
    const int fd = accept4(listen_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
      if (errno == EMFILE || errno == ENFILE) {
        Log(0, Cat("accept: ", SystemText()));
        epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, listen_.get(), nullptr);
        accepting_ = false;
      }
      return;
    }
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    auto connection = std::make_unique<Connection>();
    connection->id = next_id_++;
    connection->socket = Descriptor(fd);
    if (tls_) {
      connection->ssl.reset(SSL_new(tls_.get()));
      SSL_set_fd(connection->ssl.get(), fd);
      SSL_set_accept_state(connection->ssl.get());
      connection->state = State::kHandshake;
    }
    epoll_event event{};
    event.events = connection->interest = EPOLLIN | EPOLLRDHUP;
    event.data.u64 = connection->id;
    epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event);
    SetTimer(*connection, env_.clock->Now() + options_.head_timeout);
    connections_.emplace(connection->id, std::move(connection));
    ++count_;
  }
}

void Listener::Loop::Close(uint64_t id) {
  const auto found = connections_.find(id);
  if (found == connections_.end()) return;
  Connection& connection = *found->second;
  SetTimer(connection, kForever);
  if (connection.source) connection.source->SetWake({});
  if (connection.cut) {
    // A reset, so that the client sees a broken body and no clean end.
    const linger hard{1, 0};
    setsockopt(connection.socket.get(), SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  }
  connections_.erase(found);
  --count_;
  if (!accepting_) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = kListenId;
    epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, listen_.get(), &event);
    accepting_ = true;
  }
}

void Listener::Loop::SetTimer(Connection& connection, TimePoint when) {
  if (connection.timer == when) return;
  if (connection.timer != kForever) timers_.erase({connection.timer, connection.id});
  connection.timer = when;
  if (when != kForever) timers_.insert({when, connection.id});
}

void Listener::Loop::FireTimers() {
  const TimePoint now = env_.clock->Now();
  while (!timers_.empty() && timers_.begin()->first <= now) {
    const uint64_t id = timers_.begin()->second;
    Connection& connection = *connections_.at(id);
    SetTimer(connection, kForever);
    if (connection.state != State::kAnswer) {
      Close(id);  // idle, or too slow with its head or body
    } else {
      Drive(id);
    }
  }
}

void Listener::Loop::Wake(uint64_t id) {
  bool first;
  {
    std::lock_guard lock(woken_mutex_);
    first = woken_.empty();
    woken_.push_back(id);
  }
  if (first) Poke();
}

void Listener::Loop::TakeWoken() {
  std::vector<uint64_t> woken;
  {
    std::lock_guard lock(woken_mutex_);
    woken.swap(woken_);
  }
  std::sort(woken.begin(), woken.end());
  woken.erase(std::unique(woken.begin(), woken.end()), woken.end());
  for (uint64_t id : woken) Drive(id);
}

void Listener::Loop::OnEvent(Connection& connection, uint32_t events) {
  if (events & (EPOLLERR | EPOLLHUP)) return Close(connection.id);
  if (connection.state == State::kHandshake) {
    const int done = SSL_do_handshake(connection.ssl.get());
    if (done == 1) {
      connection.state = State::kHead;
    } else {
      const int why = SSL_get_error(connection.ssl.get(), done);
      const bool plain_http = ERR_GET_REASON(ERR_peek_error()) == SSL_R_HTTP_REQUEST;
      ERR_clear_error();
      if (plain_http) return RefusePlainHttp(connection);
      if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) return Close(connection.id);
      return;
    }
  }
  if ((events & (EPOLLIN | EPOLLRDHUP)) && !Read(connection)) return Close(connection.id);
  Drive(connection.id);
}

// In the clear, as Go's server says it to a client that took the wrong scheme.
void Listener::Loop::RefusePlainHttp(Connection& connection) {
  connection.ssl.reset();
  const std::string_view text =
      "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";
  send(connection.socket.get(), text.data(), text.size(), MSG_NOSIGNAL);
  connection.close_after = true;
  Finish(connection);
  OnEvent(connection, EPOLLIN);
}

// False when the connection is of no use any more.
bool Listener::Loop::Read(Connection& connection) {
  while (true) {
    ssize_t got;
    if (connection.ssl) {
      const int read = SSL_read(connection.ssl.get(), read_buffer_.data(),
                                static_cast<int>(read_buffer_.size()));
      got = read;
      if (read <= 0) {
        const int why = SSL_get_error(connection.ssl.get(), read);
        ERR_clear_error();
        if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) return true;
        got = why == SSL_ERROR_ZERO_RETURN ? 0 : -1;
        if (got < 0) return false;
      }
    } else {
      got = recv(connection.socket.get(), read_buffer_.data(), read_buffer_.size(), 0);
      if (got < 0) return errno == EAGAIN || errno == EINTR;
    }
    if (got == 0) {
      connection.eof = true;
      // Nobody waits for a stream without end; a plain answer may still be on its way out.
      return connection.state == State::kAnswer && !connection.source && !connection.decide;
    }
    if (connection.state == State::kDrain) {
      connection.drained += static_cast<size_t>(got);
      if (connection.drained > kMaxDrain) return false;
      continue;
    }
    connection.in.append(read_buffer_.data(), static_cast<size_t>(got));
    // While an answer is on its way the client may pipeline a little, not a lot.
    if (connection.state == State::kAnswer && connection.in.size() > options_.max_pending) {
      SetInterest(connection);
      return true;
    }
    if (static_cast<size_t>(got) < read_buffer_.size() && !connection.ssl) return true;
    if (connection.in.size() > options_.max_pending && connection.state != State::kAnswer &&
        !Advance(connection))
      return false;
  }
}

// Whatever this connection can do now.
void Listener::Loop::Drive(uint64_t id) {
  const auto found = connections_.find(id);
  if (found == connections_.end()) return;
  Connection& connection = *found->second;
  while (true) {
    if (connection.state == State::kHead || connection.state == State::kBody) {
      if (!Advance(connection)) return Close(id);
      if (connection.state != State::kAnswer) break;
    }
    if (connection.state == State::kAnswer) {
      if (connection.decide && env_.clock->Now() >= connection.timer) {
        SetTimer(connection, kForever);
      }
      if (connection.decide && connection.timer == kForever) {
        auto decide = std::exchange(connection.decide, {});
        Begin(connection, decide());
      }
      Pump(connection);
    }
    if (!Flush(connection)) return Close(id);
    if (connection.state != State::kAnswer || connection.source || connection.decide) break;
    if (!connection.out.empty()) break;
    if (connection.cut) return Close(id);
    Finish(connection);
    if (connection.state == State::kDrain || (connection.in.empty() && !connection.eof)) break;
    if (connection.eof && connection.in.empty()) return Close(id);
  }
  SetInterest(connection);
}

void Listener::Loop::Finish(Connection& connection) {
  connection.body.clear();
  connection.head = {};
  if (connection.close_after) {
    connection.state = State::kDrain;
    if (connection.ssl) SSL_shutdown(connection.ssl.get());
    shutdown(connection.socket.get(), SHUT_WR);
    SetTimer(connection, env_.clock->Now() + kDrainTimeout);
    return;
  }
  connection.state = State::kHead;
  SetTimer(connection, env_.clock->Now() + options_.idle_timeout);
}

bool Listener::Loop::Advance(Connection& connection) {
  if (connection.state == State::kHead && !ParseHead(connection)) return false;
  if (connection.state == State::kBody && !ParseBody(connection)) return false;
  return true;
}

bool Listener::Loop::ParseHead(Connection& connection) {
  if (connection.in.empty()) return !connection.eof;
  auto done = connection.parser.Parse(connection.in);
  const auto refuse = [&](int status, const Error& error) {
    connection.head = {};
    connection.close_after = true;
    connection.in.clear();
    Begin(connection, Answer::Text(status, Cat(std::to_string(status), " ",
                                               http::ReasonPhrase(status), ": ", error.message())));
    return true;
  };
  if (!done) return refuse(connection.in.size() >= http::kMaxHeadBytes ? 431 : 400, done.error());
  if (!*done) return !connection.eof;
  const size_t consumed = connection.parser.consumed();
  connection.head = connection.parser.Take();
  connection.in.erase(0, consumed);
  auto framing = http::RequestFraming(connection.head);
  if (!framing) return refuse(400, framing.error());
  connection.framing = *framing;
  connection.close_after = !connection.head.KeepsAlive();
  connection.chunks = {};
  connection.body.clear();
  connection.state = State::kBody;
  if (connection.head.ExpectsContinue() && connection.framing.kind != http::Framing::Kind::kNone) {
    Enqueue(connection, Slice::Literal(http::kContinue));
  }
  return true;
}

bool Listener::Loop::ParseBody(Connection& connection) {
  const size_t limit = options_.max_body + 1;
  std::string& in = connection.in;
  bool cut = false;
  switch (connection.framing.kind) {
    case http::Framing::Kind::kNone:
    case http::Framing::Kind::kUntilClose:
      break;
    case http::Framing::Kind::kLength: {
      const uint64_t wanted = std::min<uint64_t>(connection.framing.length, limit);
      const size_t take =
          static_cast<size_t>(std::min<uint64_t>(wanted - connection.body.size(), in.size()));
      connection.body.append(in, 0, take);
      in.erase(0, take);
      if (connection.body.size() < wanted) return !connection.eof;
      cut = wanted < connection.framing.length;
      break;
    }
    case http::Framing::Kind::kChunked: {
      auto used = connection.chunks.Decode(in, connection.body);
      if (!used) return false;
      in.erase(0, *used);
      cut = connection.body.size() >= limit;
      if (cut) connection.body.resize(limit);
      if (!cut && !connection.chunks.done()) return !connection.eof;
      break;
    }
  }
  if (cut) {
    connection.close_after = true;
    in.clear();
  }
  Dispatch(connection, cut);
  return true;
}

void Listener::Loop::Dispatch(Connection& connection, bool) {
  http::Request request;
  request.method = connection.head.method;
  const std::string_view target = connection.head.target;
  const size_t question = target.find('?');
  request.url.path = std::string(target.substr(0, question));
  if (question != target.npos) request.url.query = std::string(target.substr(question + 1));
  request.url.scheme = tls_ ? "https" : "http";
  request.url.host = std::string(connection.head.headers.Get("Host"));
  request.headers = std::move(connection.head.headers);
  if (connection.framing.kind != http::Framing::Kind::kNone) {
    request.body = std::make_shared<const std::string>(std::move(connection.body));
  }
  connection.body = {};
  connection.state = State::kAnswer;
  SetTimer(connection, kForever);
  Begin(connection, serve_(request));
}

void Listener::Loop::Enqueue(Connection& connection, Slice slice) {
  if (slice.bytes.empty()) return;
  connection.out_bytes += slice.bytes.size();
  connection.out.push_back(std::move(slice));
}

void Listener::Loop::Begin(Connection& connection, Answer answer) {
  connection.state = State::kAnswer;
  if (answer.decide) {
    connection.decide = std::move(answer.decide);
    SetTimer(connection, answer.decide_at);
    return;
  }
  const bool has_body =
      connection.head.method != "HEAD" && answer.status != 204 && answer.status != 304;
  connection.chunked = answer.source != nullptr && has_body;
  if (connection.chunked && connection.head.minor_version == 0) {
    connection.chunked = false;  // to a client of HTTP/1.0 the end of the connection ends the body
    connection.close_after = true;
  }
  std::string head;
  http::AppendStatusLine(answer.status, {}, head);
  http::Headers headers = std::move(answer.headers);
  if (connection.chunked) {
    headers.Set("Transfer-Encoding", "chunked");
  } else if (answer.status != 204 && answer.status != 304 && !answer.source) {
    headers.Set("Content-Length", std::to_string(SizeOf(answer.body)));
  }
  if (connection.close_after) headers.Set("Connection", "close");
  http::AppendFields(headers, head);
  Enqueue(connection, Slice::Of(std::move(head)));
  if (!has_body) return;
  for (Slice& slice : answer.body) Enqueue(connection, std::move(slice));
  if (answer.source) {
    connection.source = std::move(answer.source);
    connection.source->SetWake([this, id = connection.id] { Wake(id); });
  }
}

void Listener::Loop::Pump(Connection& connection) {
  while (connection.source && connection.out_bytes < options_.max_pending) {
    Slices data;
    const Source::Outcome outcome = connection.source->Next(data);
    if (const size_t size = SizeOf(data)) {
      if (connection.chunked) {
        std::string line;
        http::AppendChunkSize(size, line);
        Enqueue(connection, Slice::Of(std::move(line)));
      }
      for (Slice& slice : data) Enqueue(connection, std::move(slice));
      if (connection.chunked) Enqueue(connection, Slice::Literal(http::kChunkEnd));
    }
    if (outcome == Source::Outcome::kPending) break;
    if (outcome == Source::Outcome::kData) continue;
    connection.cut = outcome == Source::Outcome::kCut;
    if (!connection.cut && connection.chunked)
      Enqueue(connection, Slice::Literal(http::kLastChunk));
    connection.source->SetWake({});
    connection.source.reset();
    SetTimer(connection, kForever);
    return;
  }
  if (connection.source) SetTimer(connection, connection.source->WakeAt());
}

// Writes what the socket takes, asking the Source for more as the queue empties.
bool Listener::Loop::Flush(Connection& connection) {
  while (!connection.out.empty()) {
    const size_t before = connection.out_bytes;
    if (!WriteSome(connection)) return false;
    if (connection.out_bytes == before) return true;  // the socket is full
    if (connection.out.empty() && connection.state == State::kAnswer) Pump(connection);
  }
  return true;
}

bool Listener::Loop::WriteSome(Connection& connection) {
  ssize_t sent;
  if (connection.ssl) {
    const std::string_view bytes = connection.out.front().bytes.substr(connection.out_offset);
    const int written = SSL_write(connection.ssl.get(), bytes.data(),
                                  static_cast<int>(std::min<size_t>(bytes.size(), 1 << 30)));
    if (written <= 0) {
      const int why = SSL_get_error(connection.ssl.get(), written);
      ERR_clear_error();
      return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE;
    }
    sent = written;
  } else {
    std::array<iovec, kMaxParts> parts;
    size_t count = 0;
    size_t offset = connection.out_offset;
    for (auto slice = connection.out.begin(); slice != connection.out.end() && count < kMaxParts;
         ++slice) {
      parts[count++] = {const_cast<char*>(slice->bytes.data()) + offset,
                        slice->bytes.size() - offset};
      offset = 0;
    }
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = count;
    sent = sendmsg(connection.socket.get(), &message, MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN || errno == EINTR;
  }
  size_t left = static_cast<size_t>(sent);
  connection.out_bytes -= left;
  while (left > 0) {
    const size_t rest = connection.out.front().bytes.size() - connection.out_offset;
    if (left < rest) {
      connection.out_offset += left;
      break;
    }
    left -= rest;
    connection.out.pop_front();
    connection.out_offset = 0;
  }
  return true;
}

void Listener::Loop::SetInterest(Connection& connection) {
  uint32_t wanted = EPOLLRDHUP;
  const bool flooded =
      connection.state == State::kAnswer && connection.in.size() > options_.max_pending;
  if (!flooded && !connection.eof) wanted |= EPOLLIN;
  if (connection.eof) wanted = 0;
  if (!connection.out.empty()) wanted |= EPOLLOUT;
  if (wanted == connection.interest) return;
  connection.interest = wanted;
  epoll_event event{};
  event.events = wanted;
  event.data.u64 = connection.id;
  epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, connection.socket.get(), &event);
}

Result<std::unique_ptr<Listener>> Listener::Start(ListenerOptions options, Env env, Serve serve) {
  auto loop = std::make_unique<Loop>(std::move(options), std::move(env), std::move(serve));
  if (auto opened = loop->Open(); !opened) return opened.error();
  loop->Start();
  return std::make_unique<Listener>(std::move(loop));
}

Listener::Listener(std::unique_ptr<Loop> loop) : loop_(std::move(loop)) {}
Listener::~Listener() = default;
int Listener::port() const { return loop_->port(); }
size_t Listener::connections() const { return loop_->count(); }

}  // namespace k8s::fakeapiserver
