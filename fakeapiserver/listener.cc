#include "fakeapiserver/listener.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
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
#include <map>
#include <mutex>
#include <set>
#include <unordered_map>

#include "fakeapiserver/certificates.h"
#include "fakeapiserver/http1_session.h"
#include "fakeapiserver/http2_session.h"
#include "fakeapiserver/tls_channel.h"
#include "k8s/base/log.h"
#include "k8s/base/strings.h"
#include "k8s/base/thread.h"
#include "k8s/http/h1.h"

namespace k8s::fakeapiserver {
namespace {

constexpr int kBacklog = 4096;
constexpr size_t kReadBytes = size_t{64} << 10;
constexpr size_t kMaxParts = 64;  // slices a system call
constexpr size_t kMaxSpares = 16;
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

std::string SystemText() { return ToLower(std::strerror(errno)); }

struct Connection {
  uint64_t id = 0;
  uint64_t number = 0;  // the door's
  Descriptor socket;
  std::unique_ptr<TlsChannel> tls;
  ByteBuffer sealed;         // by TLS, and not yet taken by the socket
  size_t sealed_output = 0;  // so much of the session's output is in it
  bool agreed = false;       // on a protocol, through TLS
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
  Result<void> OpenTls();
  Result<Identity> ReadIdentity() const;
  const TlsContext& ContextFor(const std::string& flaw);
  Result<void> Bind();
  void Watch(bool on);
  void FollowRefusal();
  void Run();
  void Accept();
  void OnEvent(Connection& connection, uint32_t events);
  SessionContext ContextOf(const Connection& connection);
  void RefusePlainHttp(Connection& connection);
  void Agree(Connection& connection);
  bool Read(Connection& connection);
  bool Open(Connection& connection, std::string_view received);
  bool TakeEnd(Connection& connection);
  enum class Written : uint8_t { kAll, kSome, kBroken };
  Written WriteSlices(Connection& connection);
  Written WriteSealed(Connection& connection);
  Written SealMore(Connection& connection);
  bool Flush(Connection& connection);
  void Lend(Connection& connection);
  void GiveBack(Connection& connection);
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
  // By flaw, "" for none; empty: plain HTTP.
  std::map<std::string, std::unique_ptr<TlsContext>> tls_;
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
  std::string open_buffer_ = std::string(kReadBytes, '\0');
  // Lent to connections while TLS has something to send, so that idle ones need no memory for it.
  std::vector<ByteBuffer> spares_;

  // Guards woken_ and nothing else: Sources call Wake under locks of their own.
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
  auto context = TlsContext::New(*identity, options_.certificate_file, options_.key_file,
                                 !options_.disable_http2);
  if (!context) return context.error();
  certificate_chain_ = std::move(identity->chain);
  tls_[""] = *std::move(context);
  return {};
}

// The usual certificate, or the one that a fault shows in its place.
const TlsContext& Listener::Loop::ContextFor(const std::string& flaw) {
  const auto known = tls_.find(flaw);
  if (known != tls_.end()) return *known->second;
  if (!authority_) authority_ = std::make_unique<Authority>();
  auto made =
      TlsContext::New(authority_->Issue(options_.bind, flaw), "", "", !options_.disable_http2);
  return made ? *(tls_[flaw] = *std::move(made)) : *tls_[""];
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
    connection->number = admission.connection;
    auto session = std::make_unique<Http1Session>(ContextOf(*connection));
    if (admission.answer) {
      session->Begin(std::move(*admission.answer));
    } else if (!tls_.empty()) {
      connection->tls = std::make_unique<TlsChannel>(ContextFor(admission.certificate));
    }
    connection->session = std::move(session);
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
  if ((events & (EPOLLIN | EPOLLRDHUP)) && !Read(connection)) return Close(connection.id);
  Drive(connection.id);
}

SessionContext Listener::Loop::ContextOf(const Connection& connection) {
  return {.door = door_,
          .limits = options_.session,
          .clock = env_.clock,
          .connection = connection.number,
          .scheme = tls_.empty() ? "http" : "https",
          .wake = [this, id = connection.id] { Wake(id); }};
}

// In the clear, as Go's server says it to a client that took the wrong scheme.
void Listener::Loop::RefusePlainHttp(Connection& connection) {
  connection.tls.reset();
  auto session = std::make_unique<Http1Session>(ContextOf(connection));
  session->Begin(Answer::Text(400, "Client sent an HTTP request to an HTTPS server.\n"));
  connection.session = std::move(session);
}

// Until the handshake is done nobody knows what will be spoken; nothing has been by then.
void Listener::Loop::Agree(Connection& connection) {
  connection.agreed = true;
  if (connection.tls->protocol() == Http2Session::kProtocol)
    connection.session = std::make_unique<Http2Session>(ContextOf(connection));
}

// False when the connection is of no use any more.
bool Listener::Loop::Read(Connection& connection) {
  while (true) {
    const ssize_t got = recv(connection.socket.get(), read_buffer_.data(), read_buffer_.size(), 0);
    if (got < 0) return errno == EAGAIN || errno == EINTR;
    // A stream of TLS that ends without saying so may have been cut by anybody.
    if (got == 0) return !connection.tls && TakeEnd(connection);
    const std::string_view received(read_buffer_.data(), static_cast<size_t>(got));
    if (connection.tls) {
      if (!Open(connection, received)) return false;
    } else {
      connection.session->Receive(received);
    }
    // While an answer is on its way the client may pipeline a little, not a lot.
    Session& session = *connection.session;
    if (connection.input_ended || session.IsFlooded()) return true;
    if (received.size() < read_buffer_.size()) return true;
    session.Drive();
    if (session.fate() == Session::Fate::kClose) return false;
  }
}

bool Listener::Loop::TakeEnd(Connection& connection) {
  connection.input_ended = true;
  connection.session->ReceiveEnd();
  return connection.session->fate() != Session::Fate::kClose;
}

// What was received through TLS; false when the connection is of no use any more.
bool Listener::Loop::Open(Connection& connection, std::string_view received) {
  TlsChannel& tls = *connection.tls;
  Lend(connection);
  tls.Receive(received);
  while (const size_t count = tls.Open(open_buffer_, connection.sealed)) {
    if (!connection.agreed) Agree(connection);
    connection.session->Receive({open_buffer_.data(), count});
  }
  if (tls.state() == TlsChannel::State::kPlainHttp) {
    connection.sealed.clear();
    GiveBack(connection);
    RefusePlainHttp(connection);
    return true;
  }
  const bool sent = WriteSealed(connection) != Written::kBroken;
  if (!sent || tls.state() == TlsChannel::State::kFailed) return false;
  return tls.state() != TlsChannel::State::kEnded || TakeEnd(connection);
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
      if (connection.tls) {
        Lend(connection);
        connection.tls->End(connection.sealed);
        if (WriteSealed(connection) == Written::kBroken) return Close(id);
      }
      shutdown(connection.socket.get(), SHUT_WR);
      break;
    case Session::Fate::kClose:
    case Session::Fate::kReset:
      return Close(id);
  }
  SetInterest(connection);
  SetTimer(connection, session.timer());
}

// Writes what the socket takes; false when the connection is of no use any more.
bool Listener::Loop::Flush(Connection& connection) {
  while (true) {
    Written written = Written::kAll;
    if (!connection.sealed.empty()) {
      written = WriteSealed(connection);
    } else if (connection.session->output().empty()) {
      return true;
    } else {
      written = connection.tls ? SealMore(connection) : WriteSlices(connection);
    }
    if (written != Written::kAll) return written != Written::kBroken;
  }
}

Listener::Loop::Written Listener::Loop::WriteSlices(Connection& connection) {
  std::array<iovec, kMaxParts> parts;
  size_t count = 0, size = 0;
  size_t offset = connection.session->output().offset();
  const auto& output = connection.session->output().slices();
  for (auto slice = output.begin(); slice != output.end() && count < kMaxParts; ++slice) {
    parts[count++] = {const_cast<char*>(slice->bytes.data()) + offset,
                      slice->bytes.size() - offset};
    size += slice->bytes.size() - offset;
    offset = 0;
  }
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = count;
  const ssize_t sent = sendmsg(connection.socket.get(), &message, MSG_NOSIGNAL);
  if (sent < 0) return errno == EAGAIN || errno == EINTR ? Written::kSome : Written::kBroken;
  connection.session->Sent(static_cast<size_t>(sent));
  return static_cast<size_t>(sent) == size ? Written::kAll : Written::kSome;
}

// The output counts as sent when the socket has taken all that it was sealed into: only then may
// the connection be ended or reset.
Listener::Loop::Written Listener::Loop::WriteSealed(Connection& connection) {
  const std::string_view rest = connection.sealed.view();
  if (!rest.empty()) {
    const ssize_t sent = send(connection.socket.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN || errno == EINTR ? Written::kSome : Written::kBroken;
    connection.sealed.RemovePrefix(static_cast<size_t>(sent));
    if (!connection.sealed.empty()) return Written::kSome;
  }
  connection.session->Sent(std::exchange(connection.sealed_output, 0));
  GiveBack(connection);
  return Written::kAll;
}

Listener::Loop::Written Listener::Loop::SealMore(Connection& connection) {
  const Session& session = *connection.session;
  Lend(connection);
  connection.sealed_output = connection.tls->Seal(session.output(), connection.sealed);
  if (connection.sealed_output == 0) return Written::kBroken;
  return WriteSealed(connection);
}

void Listener::Loop::Lend(Connection& connection) {
  if (connection.sealed.capacity() >= TlsChannel::kMaxSealedBytes) return;
  if (!spares_.empty()) {
    connection.sealed = std::move(spares_.back());
    spares_.pop_back();
  }
  connection.sealed.Reserve(TlsChannel::kMaxSealedBytes);
}

void Listener::Loop::GiveBack(Connection& connection) {
  ByteBuffer buffer = std::exchange(connection.sealed, {});
  buffer.clear();
  if (spares_.size() < kMaxSpares) spares_.push_back(std::move(buffer));
}

void Listener::Loop::SetInterest(Connection& connection) {
  uint32_t wanted = 0;
  if (!connection.input_ended) {
    wanted = EPOLLRDHUP;
    if (!connection.session->IsFlooded()) wanted |= EPOLLIN;
  }
  if (!connection.session->output().empty() || !connection.sealed.empty()) wanted |= EPOLLOUT;
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
