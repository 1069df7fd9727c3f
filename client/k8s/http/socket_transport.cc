#include "k8s/http/socket_transport.h"

#include <unistd.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <vector>

#include "k8s/base/base64.h"
#include "k8s/base/byte_buffer.h"
#include "k8s/base/mutant.h"
#include "k8s/base/strings.h"
#include "k8s/http/connection_slots.h"
#include "k8s/http/gzip_body.h"
#include "k8s/http/h1.h"

namespace k8s::http {
namespace {

constexpr size_t kSmallRead = size_t{16} << 10;
constexpr size_t kBigRead = size_t{256} << 10;
// An announced length is believed up to here; what comes beyond grows the string as it comes.
constexpr uint64_t kMaxReserve = uint64_t{256} << 20;
// So that a parser may read past the end in whole words.
constexpr size_t kSlack = 64;
// Responses with status 1xx before the real one.
constexpr int kMaxInformational = 5;

// Wakes the waiting thread when the caller's context is stopped. Costs nothing where it cannot be.
class WakeOnStop {
 public:
  WakeOnStop(const Context& ctx, const Waker& waker) {
    if (ctx.stop().stop_possible()) callback_.emplace(ctx.stop(), Wake{&waker});
  }

 private:
  struct Wake {
    const Waker* waker;
    void operator()() const { waker->Wake(); }
  };
  std::optional<std::stop_callback<Wake>> callback_;
};

struct Connection {
  std::string key;
  ConnectionSlots::Slot slot;
  Waker waker;
  std::optional<WakeOnStop> wake;  // while an exchange is on
  std::unique_ptr<ByteStream> stream;
  ByteBuffer received;  // bytes that nobody has taken yet
  TimePoint idle_since{};
  uint64_t generation = 0;  // of the pool when it was dialled
  bool reused = false;
  bool through_proxy = false;  // an HTTP proxy that wants absolute targets
  std::string proxy_authorization;
};

class Pool {
 public:
  Pool(const TransportOptions& options, std::shared_ptr<Clock> clock)
      : max_idle_(options.max_idle_per_host),
        idle_timeout_(options.idle_timeout),
        clock_(std::move(clock)),
        slots_(std::make_shared<ConnectionSlots>(options.max_connections_per_host, clock_)) {}

  // An idle connection, or null and a slot for a new one; waits while there is neither.
  Result<std::unique_ptr<Connection>> Take(const std::string& key, const Context& ctx,
                                           ConnectionSlots::Slot& slot) {
    while (true) {
      const uint64_t seen = slots_->version();
      if (auto idle = TakeIdle(key)) return idle;
      slot = slots_->TryTake(key);
      if (slot) return std::unique_ptr<Connection>();
      if (auto waited = slots_->WaitForChange(seen, ctx); !waited) return waited.error();
    }
  }

  // The connection used last is taken first: it is the least likely to be dead.
  std::unique_ptr<Connection> TakeIdle(const std::string& key) {
    while (true) {
      std::unique_ptr<Connection> connection;
      {
        std::lock_guard lock(mutex_);
        DropExpired();
        const auto found = idle_.find(key);
        if (found == idle_.end() || found->second.empty()) return nullptr;
        connection = std::move(found->second.back());
        found->second.pop_back();
      }
      if (!connection->stream->IsQuiet()) continue;
      connection->reused = true;
      return connection;
    }
  }

  void Put(std::unique_ptr<Connection> connection) {
    connection->wake.reset();
    connection->waker.Clear();
    if (connection->received.capacity() > kSmallRead) connection->received = {};
    std::unique_ptr<Connection> oldest;  // closed outside the lock
    std::lock_guard lock(mutex_);
    if (closed_ || connection->generation != generation_) return;
    connection->idle_since = clock_->Now();
    auto& list = idle_[connection->key];
    list.push_back(std::move(connection));
    if (list.size() > max_idle_) {
      oldest = std::move(list.front());
      list.erase(list.begin());
    }
    DropExpired();
    slots_->Changed();
  }

  void CloseIdle() {
    std::lock_guard lock(mutex_);
    idle_.clear();
  }
  // From now on takes back only connections that are dialled from now on.
  void Retire() {
    std::lock_guard lock(mutex_);
    ++generation_;
    idle_.clear();
  }
  uint64_t generation() {
    std::lock_guard lock(mutex_);
    return generation_;
  }
  void Close() {
    std::lock_guard lock(mutex_);
    closed_ = true;
    idle_.clear();
  }

 private:
  // Idle connections are in the order in which they became idle.
  void DropExpired() {
    const TimePoint now = clock_->Now();
    for (auto entry = idle_.begin(); entry != idle_.end();) {
      auto& list = entry->second;
      const auto fresh = std::find_if(list.begin(), list.end(), [&](const auto& connection) {
        return now - connection->idle_since < idle_timeout_;
      });
      list.erase(list.begin(), fresh);
      entry = list.empty() ? idle_.erase(entry) : std::next(entry);
    }
  }

  const size_t max_idle_;
  const Duration idle_timeout_;
  const std::shared_ptr<Clock> clock_;
  const std::shared_ptr<ConnectionSlots> slots_;
  std::mutex mutex_;
  bool closed_ = false;
  uint64_t generation_ = 0;
  std::map<std::string, std::vector<std::unique_ptr<Connection>>> idle_;
};

Error Truncated() { return Error::Transport(TransportCause::kTruncated, "unexpected EOF"); }

// What one read brings, behind what the connection has received already.
Result<size_t> Receive(Connection& connection, size_t most, const Waiting& waiting) {
  auto count = ReadSome(*connection.stream, connection.received.Extend(most), most, waiting);
  connection.received.RemoveSuffix(most - (count ? *count : 0));
  return count;
}

class SocketBody final : public Body {
 public:
  SocketBody(std::unique_ptr<Connection> connection, std::shared_ptr<Pool> pool, Framing framing,
             bool reusable, const Context& ctx, std::shared_ptr<Clock> clock)
      : connection_(std::move(connection)),
        pool_(std::move(pool)),
        clock_(std::move(clock)),
        ctx_(ctx),
        framing_(framing),
        left_(framing.length),
        reusable_(reusable && framing.kind != Framing::Kind::kUntilClose) {
    if (framing_.kind == Framing::Kind::kNone) Finish();
  }

  Result<size_t> Read(std::string& out) override {
    if (error_) return *error_;
    if (connection_ == nullptr) return size_t{0};
    auto count = framing_.kind == Framing::Kind::kChunked ? ReadChunked(out) : ReadPlain(out);
    if (!count) {
      error_ = count.error();
      connection_.reset();
    }
    return count;
  }

  Result<std::string> ReadAll() override {
    std::string all;
    if (framing_.kind == Framing::Kind::kLength) {
      all.reserve(static_cast<size_t>(std::min(left_, kMaxReserve)) + kSlack);
    }
    while (true) {
      const auto count = Read(all);
      if (!count) return count.error();
      if (*count == 0) break;
    }
    if (all.capacity() - all.size() < kSlack) all.reserve(all.size() + kSlack);
    return all;
  }

  int64_t ContentLength() const override {
    if (framing_.kind == Framing::Kind::kNone) return 0;
    return framing_.kind == Framing::Kind::kLength ? static_cast<int64_t>(framing_.length) : -1;
  }

 private:
  Waiting Wait() const { return {*clock_, ctx_, connection_->waker}; }

  // Appends what one read brings, without a detour through the connection's buffer.
  Result<size_t> ReceiveInto(std::string& out, size_t most) {
    const size_t start = out.size();
    out.resize(start + most);
    auto count = ReadSome(*connection_->stream, out.data() + start, most, Wait());
    out.resize(start + (count ? *count : 0));
    return count;
  }

  Result<size_t> ReadPlain(std::string& out) {
    const bool bounded = framing_.kind == Framing::Kind::kLength;
    ByteBuffer& buffered = connection_->received;
    size_t count = 0;
    if (!buffered.empty()) {
      count = static_cast<size_t>(bounded ? std::min<uint64_t>(left_, buffered.size())
                                          : buffered.size());
      out.append(buffered.view().substr(0, count));
      buffered.RemovePrefix(count);
    } else {
      const size_t most =
          bounded ? static_cast<size_t>(std::min<uint64_t>(left_, kBigRead)) : kBigRead / 4;
      auto received = ReceiveInto(out, most);
      if (!received) return received;
      if (*received == 0) {
        if (bounded) return Truncated();
        Finish();
        return size_t{0};
      }
      count = *received;
    }
    if (bounded && (left_ -= count) == 0) Finish();
    return count;
  }

  Result<size_t> ReadChunked(std::string& out) {
    const size_t start = out.size();
    ByteBuffer& buffered = connection_->received;
    while (true) {
      if (!buffered.empty()) {
        const auto used = decoder_.Decode(buffered.view(), out);
        if (!used) return used.error();
        buffered.RemovePrefix(*used);
      }
      if (decoder_.done()) {
        Finish();
        return out.size() - start;
      }
      if (out.size() > start) return out.size() - start;
      // A watch reads little and waits long; a list fills whatever it is given.
      auto received = Receive(*connection_, read_size_, Wait());
      if (!received) return received;
      if (*received == 0) return Truncated();
      if (*received == read_size_) read_size_ = kBigRead;
    }
  }

  void Finish() {
    std::unique_ptr<Connection> connection = std::move(connection_);
    if (reusable_ && connection->received.empty()) pool_->Put(std::move(connection));
  }

  std::unique_ptr<Connection> connection_;  // null once the body has ended
  std::shared_ptr<Pool> pool_;
  std::shared_ptr<Clock> clock_;
  Context ctx_;
  Framing framing_;
  uint64_t left_;
  bool reusable_;
  size_t read_size_ = kSmallRead;
  ChunkedDecoder decoder_;
  std::optional<Error> error_;
};

// What one try over one connection came to.
struct Tried {
  Result<Response> response;
  bool may_replay = false;  // the connection was dead before the server can have seen anything new
};

class SocketTransport final : public RoundTripper {
 public:
  SocketTransport(TransportOptions options, Env env, std::shared_ptr<Pool> pool,
                  std::unique_ptr<ReloadingTls> tls)
      : options_(std::move(options)),
        env_(std::move(env)),
        pool_(std::move(pool)),
        tls_(std::move(tls)) {}
  ~SocketTransport() override { pool_->Close(); }

  Result<Response> RoundTrip(const Request& request, const Context& ctx) override {
    if (auto over = ctx.Check(*env_.clock); !over) return over.error().WithNothingDone();
    if (auto valid = Validate(request); !valid) return valid.error();
    auto proxy = options_.proxy(request.url);
    if (!proxy) return proxy.error().WithNothingDone();
    // Requests in flight finish on connections that trusted the old roots; new ones do not.
    if (tls_ && tls_->RefreshRoots()) pool_->Retire();
    const std::string key = Cat(request.url.scheme, "|", request.url.Authority(), "|",
                                *proxy ? (*proxy)->String() : std::string());
    while (true) {
      ConnectionSlots::Slot slot;
      auto connection = pool_->Take(key, ctx, slot);
      if (!connection) return connection.error().WithNothingDone();
      if (!*connection) {
        connection = Dial(request.url, *proxy, key, ctx);
        if (!connection) return connection.error().WithNothingDone();
        (*connection)->slot = std::move(slot);
      }
      // Each pooled connection may turn out dead once; a fresh one ends the loop (C-4.39).
      Tried tried = Exchange(*std::move(connection), request, ctx);
      if (!tried.may_replay) return std::move(tried.response);
    }
  }

  void CloseIdleConnections() override { pool_->CloseIdle(); }

 private:
  static Result<void> Validate(const Request& request) {
    const std::string& scheme = request.url.scheme;
    if (scheme != "http" && scheme != "https") {
      return Invalid(Cat("unsupported protocol scheme ", Quote(scheme)));
    }
    if (request.url.host.empty()) return Invalid("http: no Host in request URL");
    if (!IsToken(request.method)) {
      return Invalid(Cat("net/http: invalid method ", Quote(request.method)));
    }
    const std::string target = request.url.Target();
    const bool clean = std::none_of(target.begin(), target.end(), [](char c) {
      return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f;
    });
    if (!clean || target[0] != '/') return Invalid("net/http: invalid request target");
    return CheckHeaders(request.headers);
  }

  Result<std::unique_ptr<ByteStream>> OpenTcp(const Url& to, const Connection& connection,
                                              const Context& ctx) const {
    if (options_.open) return options_.open(to, ctx);
    const std::string port =
        to.port.empty() && to.scheme.starts_with("socks5") ? "1080" : to.PortOrDefault();
    if (options_.dial) {
      Url address = to;
      address.port = port;
      auto fd = options_.dial(address.Authority(), ctx);
      if (!fd) return fd.error();
      return NewSocketStream(*fd, options_.tracker);
    }
    const TimePoint limit = env_.clock->Now() + options_.dial_timeout;
    auto fd = DialTcp(to.host, port, {*env_.clock, ctx, connection.waker, limit});
    if (!fd) return fd.error();
    return NewSocketStream(*fd, options_.tracker);
  }

  Result<std::unique_ptr<ByteStream>> AddTls(std::unique_ptr<ByteStream> under, const Url& to,
                                             const Connection& connection,
                                             const Context& ctx) const {
    const TimePoint limit = env_.clock->Now() + options_.tls_handshake_timeout;
    auto tls = tls_->Current();
    if (!tls) return tls.error();
    return (*tls)->Handshake(std::move(under), to.host, connection.key,
                             {*env_.clock, ctx, connection.waker, limit});
  }

  Result<std::unique_ptr<Connection>> Dial(const Url& url, const std::optional<Url>& proxy,
                                           const std::string& key, const Context& ctx) const {
    if (tls_) tls_->RefreshCertificate();
    auto connection = std::make_unique<Connection>();
    connection->key = key;
    connection->generation = pool_->generation();
    const WakeOnStop wake(ctx, connection->waker);
    auto stream = OpenTcp(proxy ? *proxy : url, *connection, ctx);
    if (proxy) {
      if (stream && proxy->scheme == "https") {
        stream = AddTls(std::move(*stream), *proxy, *connection, ctx);
      }
      if (!stream) return ThroughProxy(stream.error(), *proxy);
      auto tunnel = OpenTunnel(**stream, *proxy, url, *connection, ctx);
      if (!tunnel) return ThroughProxy(tunnel.error(), *proxy);
    }
    const bool encrypt = url.scheme == "https" && !options_.open;
    if (stream && encrypt) stream = AddTls(std::move(*stream), url, *connection, ctx);
    if (!stream) return stream.error();
    connection->stream = std::move(*stream);
    return connection;
  }

  static Error ThroughProxy(const Error& error, const Url& proxy) {
    if (error.code() != Error::Code::kTransport) return error;
    return error.Within(proxy.scheme.starts_with("socks5") ? "socks connect tcp"
                                                           : "proxyconnect tcp");
  }

  Result<void> OpenTunnel(ByteStream& stream, const Url& proxy, const Url& url,
                          Connection& connection, const Context& ctx) const {
    const Waiting waiting{*env_.clock, ctx, connection.waker,
                          env_.clock->Now() + options_.dial_timeout};
    if (proxy.scheme.starts_with("socks5")) {
      return ConnectThroughSocks(stream, proxy, url.host, url.PortOrDefault(), waiting);
    }
    if (url.scheme == "https") {
      Url target = url;
      target.port = url.PortOrDefault();
      return ConnectThroughHttp(stream, proxy, target.Authority(), waiting);
    }
    connection.through_proxy = true;
    connection.proxy_authorization = ProxyAuthorization(proxy);
    return {};
  }

  bool AsksForGzip(const Request& request) const {
    return !K8S_MUTANT("gzip_is_not_asked_for") && !options_.disable_compression &&
           request.method != "HEAD" && !request.headers.Has("Accept-Encoding") &&
           !request.headers.Has("Range");
  }

  std::string HeadOf(const Request& request, const Connection& connection) const {
    const Url& url = request.url;
    std::string head;
    head.reserve(512);
    std::string target = url.Target();
    if (connection.through_proxy) target = Cat(url.scheme, "://", url.Authority(), target);
    AppendRequestLine(request.method, target, head);
    const auto add = [&head](std::string_view name, std::string_view value) {
      head.append(name).append(": ").append(value).append("\r\n");
    };
    const std::string_view host = request.headers.Get("Host");
    add("Host", host.empty() ? url.Authority() : std::string(host));
    if (!url.user_info.empty() && !request.headers.Has("Authorization")) {
      add("Authorization", ProxyAuthorization(url));
    }
    if (connection.through_proxy && !connection.proxy_authorization.empty()) {
      add("Proxy-Authorization", connection.proxy_authorization);
    }
    if (AsksForGzip(request)) add("Accept-Encoding", "gzip");
    for (const auto& [name, value] : request.headers) {
      // The transport alone decides how the body is delimited.
      if (EqualsIgnoreCase(name, "Host") || EqualsIgnoreCase(name, "Content-Length") ||
          EqualsIgnoreCase(name, "Transfer-Encoding")) {
        continue;
      }
      add(K8S_MUTATED("header_names_in_lower_case", ToLower(name), name), value);
    }
    const bool usually_has_body =
        request.method == "POST" || request.method == "PUT" || request.method == "PATCH";
    if (request.body_reader) {
      add("Transfer-Encoding", "chunked");
    } else if ((request.body && !request.body->empty()) || usually_has_body) {
      add("Content-Length", std::to_string(request.body ? request.body->size() : 0));
    }
    head += "\r\n";
    return head;
  }

  // kInvalid when the body's own reader fails: the server's answer would mean nothing then.
  static Result<void> Send(Connection& connection, const Request& request, std::string head,
                           const Waiting& waiting, size_t& written) {
    if (!request.body_reader) {
      const std::string_view body = request.body ? std::string_view(*request.body) : "";
      return WriteAll(*connection.stream, head, body, waiting, written);
    }
    std::string data;
    while (true) {
      data.clear();
      const auto more = request.body_reader->Read(data);
      if (!more) return Invalid(Cat("read request body: ", more.error().message()));
      if (*more) {
        AppendChunk(data, head);
      } else {
        head += kLastChunk;
      }
      auto sent = WriteAll(*connection.stream, head, {}, waiting, written);
      if (!sent || !*more) return sent;
      head.clear();
    }
  }

  static bool IsReplayable(const Request& request) {
    if (request.body_reader) return false;
    const std::string& method = request.method;
    return method == "GET" || method == "HEAD" || method == "OPTIONS" || method == "TRACE" ||
           request.headers.Has("Idempotency-Key") || request.headers.Has("X-Idempotency-Key");
  }

  Tried Exchange(std::unique_ptr<Connection> connection, const Request& request,
                 const Context& ctx) const {
    connection->wake.emplace(ctx, connection->waker);
    const Waiting waiting{*env_.clock, ctx, connection->waker};
    size_t written = 0;
    const auto sent = Send(*connection, request, HeadOf(request, *connection), waiting, written);
    if (!sent && sent.error().code() != Error::Code::kTransport) {
      return {sent.error().WithNothingDone()};
    }
    if (!sent && written == 0 && connection->reused && !request.body_reader) {
      return {sent.error(), true};
    }
    // A server may answer and close before it has read everything, so look even if writing failed.
    auto head = ReadHead(*connection, waiting);
    if (!head) {
      const bool dead = connection->received.empty() &&
                        (head.error().cause() == TransportCause::kEof ||
                         head.error().cause() == TransportCause::kReset ||
                         (!sent && head.error().code() == Error::Code::kTransport));
      // Half a request is none: no server acts on it.
      return {sent ? head.error() : head.error().WithNothingDone(),
              dead && connection->reused && !K8S_MUTANT("stale_connections_are_an_error") &&
                  IsReplayable(request)};
    }
    return {Finish(std::move(connection), std::move(*head), request, ctx, sent.has_value())};
  }

  static Result<MessageHead> ReadHead(Connection& connection, const Waiting& waiting) {
    HeadParser parser(HeadParser::Kind::kResponse);
    ByteBuffer& received = connection.received;
    for (int informational = 0; informational <= kMaxInformational;) {
      if (!received.empty()) {
        const auto done = parser.Parse(received.view());
        if (!done) return done.error().Within("net/http: HTTP/1.x transport connection broken");
        if (*done) {
          received.RemovePrefix(parser.consumed());
          MessageHead head = parser.Take();
          if (head.status >= 200 || head.status == 101) return head;
          ++informational;
          continue;
        }
      }
      const auto count = Receive(connection, kSmallRead, waiting);
      if (count && *count > 0) continue;
      if (!count && count.error().code() != Error::Code::kTransport) return count.error();
      // Cut inside the header is a broken message, not a broken connection: client-go does not
      // retry it, whether a FIN or a RST cut it.
      if (!received.empty()) {
        return parser.Cut(received.view()).Within("net/http: HTTP/1.x transport connection broken");
      }
      if (!count) return count.error();
      return Error::Transport(TransportCause::kEof, "EOF");
    }
    return Error::Transport(TransportCause::kProtocol, "net/http: too many 1xx responses");
  }

  Result<Response> Finish(std::unique_ptr<Connection> connection, MessageHead head,
                          const Request& request, const Context& ctx, bool sent) const {
    auto framing = ResponseFraming(head, request.method);
    if (!framing) {
      return framing.error().Within("net/http: HTTP/1.x transport connection broken");
    }
    const bool reusable = !K8S_MUTANT("connections_are_not_reused") && sent && head.KeepsAlive() &&
                          head.status != 101 &&
                          !EqualsIgnoreCase(request.headers.Get("Connection"), "close");
    Response response;
    response.status = head.status;
    response.headers = std::move(head.headers);
    response.body = std::make_unique<SocketBody>(std::move(connection), pool_, *framing, reusable,
                                                 ctx, env_.clock);
    if (AsksForGzip(request) &&
        EqualsIgnoreCase(response.headers.Get("Content-Encoding"), "gzip") &&
        framing->kind != Framing::Kind::kNone) {
      response.headers.Remove("Content-Encoding");
      response.headers.Remove("Content-Length");
      response.body = InflateBody(std::move(response.body));
    }
    return response;
  }

  const TransportOptions options_;
  const Env env_;
  const std::shared_ptr<Pool> pool_;
  const std::unique_ptr<ReloadingTls> tls_;
};

}  // namespace

Result<std::shared_ptr<RoundTripper>> NewSocketTransport(TransportOptions options, Env env) {
  if (!options.proxy) options.proxy = ProxyFromEnvironment(*env.host);
  if (!options.tracker) options.tracker = std::make_shared<ConnectionTracker>();
  // Nothing else is spoken here, so a peer must not choose it.
  std::erase_if(options.tls.next_protos,
                [](const std::string& name) { return !name.starts_with("http/1."); });
  auto pool = std::make_shared<Pool>(options, env.clock);
  std::unique_ptr<ReloadingTls> tls;  // none where nothing is encrypted
  if (!options.open) {
    auto made = ReloadingTls::New(options.tls, options.tls_files, options.certificate, env,
                                  [pool, tracker = options.tracker] {
                                    tracker->CloseAll();
                                    pool->Retire();
                                  });
    if (!made) return made.error();
    tls = *std::move(made);
  }
  return std::shared_ptr<RoundTripper>(std::make_shared<SocketTransport>(
      std::move(options), std::move(env), std::move(pool), std::move(tls)));
}

}  // namespace k8s::http
