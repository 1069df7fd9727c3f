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
#include <map>
#include <mutex>
#include <set>
#include <unordered_map>

#include "fakeapiserver/certificates.h"
#include "k8s/base/log.h"
#include "k8s/base/strings.h"
#include "k8s/base/thread.h"
#include "k8s/http/h1.h"

namespace k8s::fakeapiserver {
namespace {

constexpr int kBacklog = 4096;
constexpr size_t kReadBytes = size_t{64} << 10;
constexpr size_t kTlsRecordBytes = 16384;  // the most that one record holds
constexpr size_t kMaxParts = 64;           // slices a system call
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

struct Connection {
  uint64_t id = 0;
  Descriptor socket;
  std::unique_ptr<SSL, SslDeleter> ssl;
  bool shaking_hands = false;
  bool input_ended = false;  // the client has sent its FIN
  bool ended = false;        // this side has
  std::unique_ptr<Session> session;
  uint32_t interest = 0;
  TimePoint timer = kForever;
};

}  // namespace

class Listener::Loop {
 public:
  Loop(ListenerOptions options, Env env, Door& door)
      : options_(std::move(options)), env_(std::move(env)), door_(door) {}

  ~Loop() {
    stopping_ = true;
    Poke();
    thread_.Join();
    connections_.clear();
  }

  Result<void> Open();
  void Start() {
    thread_ = Thread(env_.clock, "fakeapiserver", [this](std::stop_token) { Run(); });
  }
  int port() const { return port_; }
  size_t count() const { return count_; }
  const std::string& certificate_chain() const { return certificate_chain_; }
  void OnRefusal() {
    refusal_changed_ = true;
    Poke();
  }

 private:
  using TlsContext = std::unique_ptr<SSL_CTX, SslDeleter>;
  Result<void> OpenTls();
  Result<Identity> ReadIdentity() const;
  Result<TlsContext> MakeContext(const Identity& identity) const;
  SSL_CTX* ContextFor(const std::string& flaw);
  Result<void> Bind();
  void Watch(bool on);
  void FollowRefusal();
  void Run();
  void Accept();
  void OnEvent(Connection& connection, uint32_t events);
  void RefusePlainHttp(Connection& connection);
  bool Read(Connection& connection);
  bool Flush(Connection& connection);
  bool WriteSome(Connection& connection);
  std::string_view NextRecord(const Connection& connection);
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
  Door& door_;
  Descriptor listen_, epoll_, wake_;
  std::map<std::string, TlsContext> tls_;  // by flaw, "" for none; empty: plain HTTP
  std::unique_ptr<Authority> authority_;
  std::string certificate_chain_;
  sockaddr_storage address_{};
  socklen_t address_size_ = 0;
  std::atomic<int> port_ = 0;
  TimePoint refusal_changes_at_ = kForever;
  std::atomic<bool> refusal_changed_ = false;
  std::atomic<bool> stopping_ = false;
  std::atomic<size_t> count_ = 0;
  uint64_t next_id_ = kFirstConnectionId;
  bool accepting_ = false;
  std::unordered_map<uint64_t, std::unique_ptr<Connection>> connections_;
  std::set<std::pair<TimePoint, uint64_t>> timers_;
  std::string read_buffer_ = std::string(kReadBytes, '\0');
  // Guards woken_ and nothing else: Sources call Wake under locks of their own.
  std::string record_;  // what NextRecord has gathered

  std::mutex woken_mutex_;
  std::vector<uint64_t> woken_;
  Thread thread_;
};

// The chain and the key, through the host: it says which file is missing.
Result<Identity> Listener::Loop::ReadIdentity() const {
  const std::string &certificate_file = options_.certificate_file, &key_file = options_.key_file;
  if (key_file.empty())
    return ConfigError(Cat("certificate ", certificate_file, " needs a key file beside it"));
  if (certificate_file.empty())
    return ConfigError(Cat("key ", key_file, " needs a certificate file beside it"));
  auto chain = env_.host->ReadFile(certificate_file);
  if (!chain) return chain.error();
  auto key = env_.host->ReadFile(key_file);
  if (!key) return key.error();
  return Identity{*std::move(chain), *std::move(key)};
}

// Errors name the files; what was made on the spot has none.
Result<Listener::Loop::TlsContext> Listener::Loop::MakeContext(const Identity& identity) const {
  TlsContext context(SSL_CTX_new(TLS_server_method()));
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE |
                                      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                      SSL_MODE_RELEASE_BUFFERS);
  const std::string &certificate_file = options_.certificate_file, &key_file = options_.key_file;
  const auto memory = [](const std::string& bytes) {
    return std::unique_ptr<BIO, SslDeleter>(
        BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
  };
  const auto from = memory(identity.chain);
  const std::unique_ptr<X509, SslDeleter> leaf(
      PEM_read_bio_X509(from.get(), nullptr, nullptr, nullptr));
  if (!leaf || SSL_CTX_use_certificate(context.get(), leaf.get()) != 1)
    return ConfigError(Cat("no usable PEM certificate in ", certificate_file));
  while (X509* next = PEM_read_bio_X509(from.get(), nullptr, nullptr, nullptr))
    SSL_CTX_add0_chain_cert(context.get(), next);
  // OpenSSL would ask the terminal for the password of an encrypted key.
  const auto no_password = [](char*, int, int, void*) { return 0; };
  const std::unique_ptr<EVP_PKEY, SslDeleter> private_key(
      PEM_read_bio_PrivateKey(memory(identity.key).get(), nullptr, no_password, nullptr));
  if (!private_key) return ConfigError(Cat("no PEM key without a password in ", key_file));
  if (SSL_CTX_use_PrivateKey(context.get(), private_key.get()) != 1)
    return ConfigError(Cat("key ", key_file, " does not belong to certificate ", certificate_file));
  return context;
}

Result<void> Listener::Loop::OpenTls() {
  const bool files = !options_.certificate_file.empty() || !options_.key_file.empty();
  if (!files && !options_.self_made_certificate) return {};
  Result<Identity> identity = Identity{};
  if (files) {
    identity = ReadIdentity();
  } else {
    authority_ = std::make_unique<Authority>();
    identity = authority_->Issue(options_.bind);
  }
  if (!identity) return identity.error();
  auto context = MakeContext(*identity);
  ERR_clear_error();
  if (!context) return context.error();
  certificate_chain_ = std::move(identity->chain);
  tls_[""] = *std::move(context);
  return {};
}

// The usual certificate, or the one that a fault shows in its place.
SSL_CTX* Listener::Loop::ContextFor(const std::string& flaw) {
  const auto known = tls_.find(flaw);
  if (known != tls_.end()) return known->second.get();
  if (!authority_) authority_ = std::make_unique<Authority>();
  auto made = MakeContext(authority_->Issue(options_.bind, flaw));
  ERR_clear_error();
  return made ? (tls_[flaw] = *std::move(made)).get() : tls_[""].get();
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

  std::memcpy(&address_, found->ai_addr, found->ai_addrlen);
  address_size_ = found->ai_addrlen;
  epoll_ = Descriptor(epoll_create1(EPOLL_CLOEXEC));
  wake_ = Descriptor(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = kWakeId;
  epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_.get(), &event);
  if (auto bound = Bind(); !bound) return bound.error().Within(Cat("listen on ", place));
  // A rule that was there before refuses the first connection, too.
  FollowRefusal();
  return {};
}

// Opens the listening socket, the second time on the port that it had.
Result<void> Listener::Loop::Bind() {
  Descriptor socket(::socket(address_.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int on = 1;
  setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  auto* const address = reinterpret_cast<sockaddr*>(&address_);
  if (bind(socket.get(), address, address_size_) != 0 || listen(socket.get(), kBacklog) != 0) {
    return ConfigError(SystemText());
  }
  socklen_t size = sizeof address_;
  getsockname(socket.get(), address, &size);
  port_ =
      ntohs(address_.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6*>(&address_)->sin6_port
                                           : reinterpret_cast<sockaddr_in*>(&address_)->sin_port);
  listen_ = std::move(socket);
  accepting_ = false;
  Watch(true);
  return {};
}

// Whether new connections are looked at.
void Listener::Loop::Watch(bool on) {
  if (accepting_ == on) return;
  accepting_ = on;
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = kListenId;
  epoll_ctl(epoll_.get(), on ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, listen_.get(), &event);
}

// A port that nobody listens on refuses connections, so the socket goes while the door says so.
void Listener::Loop::FollowRefusal() {
  const Refusal refusal = door_.Refuses();
  if (refusal_changes_at_ != kForever) timers_.erase({refusal_changes_at_, kListenId});
  refusal_changes_at_ = refusal.changes;
  if (refusal_changes_at_ != kForever) timers_.insert({refusal_changes_at_, kListenId});
  if (refusal.now && listen_.get() >= 0) {
    accepting_ = false;
    listen_ = Descriptor();
  } else if (!refusal.now && listen_.get() < 0) {
    if (auto bound = Bind(); !bound) Log(0, Cat("listen again: ", bound.error().message()));
  }
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
        if (refusal_changed_.exchange(false)) FollowRefusal();
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
      return Watch(false);
    }
    const int fd = accept4(listen_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
      if (errno == EMFILE || errno == ENFILE) {
        Log(0, Cat("accept: ", SystemText()));
        Watch(false);
      }
      return;
    }
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    auto connection = std::make_unique<Connection>();
    connection->id = next_id_++;
    connection->socket = Descriptor(fd);
    Admission admission = door_.Admit();
    const char* const scheme = tls_.empty() ? "http" : "https";
    connection->session =
        std::make_unique<Session>(door_, options_.session, env_.clock, admission.connection, scheme,
                                  [this, id = connection->id] { Wake(id); });
    if (admission.answer) {
      connection->session->Begin(std::move(*admission.answer));
    } else if (!tls_.empty()) {
      connection->ssl.reset(SSL_new(ContextFor(admission.certificate)));
      SSL_set_fd(connection->ssl.get(), fd);
      SSL_set_accept_state(connection->ssl.get());
      connection->shaking_hands = true;
    }
    epoll_event event{};
    event.events = connection->interest = EPOLLIN | EPOLLRDHUP;
    event.data.u64 = connection->id;
    epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event);
    ++count_;
    const uint64_t id = connection->id;
    connections_.emplace(id, std::move(connection));
    Drive(id);
  }
}

void Listener::Loop::Close(uint64_t id) {
  const auto found = connections_.find(id);
  if (found == connections_.end()) return;
  Connection& connection = *found->second;
  SetTimer(connection, kForever);
  if (connection.session->fate() == Session::Fate::kReset) {
    const linger hard{1, 0};
    setsockopt(connection.socket.get(), SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  }
  connections_.erase(found);
  --count_;
  if (listen_.get() >= 0) Watch(true);
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
    if (id == kListenId) {
      timers_.erase(timers_.begin());
      refusal_changes_at_ = kForever;
      FollowRefusal();
      continue;
    }
    SetTimer(*connections_.at(id), kForever);
    Drive(id);
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
  if (connection.shaking_hands) {
    const int done = SSL_do_handshake(connection.ssl.get());
    if (done != 1) {
      const int why = SSL_get_error(connection.ssl.get(), done);
      const bool plain_http = ERR_GET_REASON(ERR_peek_error()) == SSL_R_HTTP_REQUEST;
      ERR_clear_error();
      if (plain_http) return RefusePlainHttp(connection);
      if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) return Close(connection.id);
      return;
    }
    connection.shaking_hands = false;
  }
  if ((events & (EPOLLIN | EPOLLRDHUP)) && !Read(connection)) return Close(connection.id);
  Drive(connection.id);
}

// In the clear, as Go's server says it to a client that took the wrong scheme.
void Listener::Loop::RefusePlainHttp(Connection& connection) {
  connection.ssl.reset();
  connection.shaking_hands = false;
  connection.session->Begin(Answer::Text(400, "Client sent an HTTP request to an HTTPS server.\n"));
  Drive(connection.id);
}

// False when the connection is of no use any more.
bool Listener::Loop::Read(Connection& connection) {
  Session& session = *connection.session;
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
        if (why != SSL_ERROR_ZERO_RETURN) return false;
        got = 0;
      }
    } else {
      got = recv(connection.socket.get(), read_buffer_.data(), read_buffer_.size(), 0);
      if (got < 0) return errno == EAGAIN || errno == EINTR;
    }
    if (got == 0) {
      connection.input_ended = true;
      session.ReceiveEnd();
      return session.fate() != Session::Fate::kClose;
    }
    session.Receive({read_buffer_.data(), static_cast<size_t>(got)});
    // While an answer is on its way the client may pipeline a little, not a lot.
    if (session.IsFlooded()) return true;
    if (static_cast<size_t>(got) < read_buffer_.size() && !connection.ssl) return true;
    session.Drive();
    if (session.fate() == Session::Fate::kClose) return false;
  }
}

// Whatever this connection can do now.
void Listener::Loop::Drive(uint64_t id) {
  const auto found = connections_.find(id);
  if (found == connections_.end()) return;
  Connection& connection = *found->second;
  Session& session = *connection.session;
  do {
    session.Drive();
    if (!Flush(connection)) return Close(id);
  } while (session.CanContinue());
  switch (session.fate()) {
    case Session::Fate::kOpen:
      break;
    case Session::Fate::kDrain:
      if (std::exchange(connection.ended, true)) break;
      if (connection.ssl) SSL_shutdown(connection.ssl.get());
      shutdown(connection.socket.get(), SHUT_WR);
      break;
    case Session::Fate::kClose:
    case Session::Fate::kReset:
      return Close(id);
  }
  SetInterest(connection);
  SetTimer(connection, session.timer());
}

// Writes what the socket takes.
bool Listener::Loop::Flush(Connection& connection) {
  const auto& output = connection.session->output();
  while (!output.empty()) {
    const Slice* first = &output.front();
    const size_t offset = connection.session->output_offset();
    if (!WriteSome(connection)) return false;
    const bool same = !output.empty() && &output.front() == first &&
                      connection.session->output_offset() == offset;
    if (same) return true;  // the socket is full
  }
  return true;
}

// What goes into the next TLS record: a long slice as it is, short ones together. Each call of
// SSL_write makes a record, and a list is thousands of slices.
std::string_view Listener::Loop::NextRecord(const Connection& connection) {
  const auto& output = connection.session->output();
  size_t offset = connection.session->output_offset();
  const std::string_view first = output.front().bytes.substr(offset);
  if (first.size() >= kTlsRecordBytes || output.size() == 1) return first;
  record_.clear();
  for (auto slice = output.begin(); slice != output.end() && record_.size() < kTlsRecordBytes;
       ++slice) {
    record_ += slice->bytes.substr(offset, kTlsRecordBytes - record_.size());
    offset = 0;
  }
  return record_;
}

bool Listener::Loop::WriteSome(Connection& connection) {
  const auto& output = connection.session->output();
  size_t offset = connection.session->output_offset();
  ssize_t sent;
  if (connection.ssl) {
    const std::string_view bytes = NextRecord(connection);
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
    for (auto slice = output.begin(); slice != output.end() && count < kMaxParts; ++slice) {
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
  connection.session->Sent(static_cast<size_t>(sent));
  return true;
}

void Listener::Loop::SetInterest(Connection& connection) {
  uint32_t wanted = 0;
  if (!connection.input_ended) {
    wanted = EPOLLRDHUP;
    if (!connection.session->IsFlooded()) wanted |= EPOLLIN;
  }
  if (!connection.session->output().empty()) wanted |= EPOLLOUT;
  if (wanted == connection.interest) return;
  connection.interest = wanted;
  epoll_event event{};
  event.events = wanted;
  event.data.u64 = connection.id;
  epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, connection.socket.get(), &event);
}

Result<std::unique_ptr<Listener>> Listener::Start(ListenerOptions options, Env env, Door& door) {
  auto loop = std::make_unique<Loop>(std::move(options), std::move(env), door);
  if (auto opened = loop->Open(); !opened) return opened.error();
  loop->Start();
  return std::make_unique<Listener>(std::move(loop));
}

Listener::Listener(std::unique_ptr<Loop> loop) : loop_(std::move(loop)) {}
Listener::~Listener() = default;
int Listener::port() const { return loop_->port(); }
size_t Listener::connections() const { return loop_->count(); }
const std::string& Listener::certificate_chain() const { return loop_->certificate_chain(); }
void Listener::OnRefusal() { loop_->OnRefusal(); }

}  // namespace k8s::fakeapiserver
