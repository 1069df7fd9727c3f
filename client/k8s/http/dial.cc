#include "k8s/http/dial.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "k8s/base/strings.h"
#include "k8s/base/thread.h"
#include "k8s/http/metrics.h"

namespace k8s::http {
namespace {

// An address gets its share of the time that is left, but at least this.
constexpr Duration kMinimumPerAddress = std::chrono::seconds(2);

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
  int family = AF_UNSPEC;

  std::string Text() const {
    char host[NI_MAXHOST] = "";
    char port[NI_MAXSERV] = "";
    ::getnameinfo(reinterpret_cast<const sockaddr*>(&storage), size, host, sizeof host, port,
                  sizeof port, NI_NUMERICHOST | NI_NUMERICSERV);
    return family == AF_INET6 ? Cat("[", host, "]:", port) : Cat(host, ":", port);
  }
};

// One lookup, shared by its thread and whoever waits for it.
struct Lookup {
  Lookup(std::string name, std::string service) : host(std::move(name)), port(std::move(service)) {}

  const std::string host;
  const std::string port;
  Waker finished{};
  std::atomic<bool> done{false};
  int code = 0;               // once done
  addrinfo* found = nullptr;  // once done

  ~Lookup() {
    if (found != nullptr) ::freeaddrinfo(found);
  }

  void Run() {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV;
    code = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &found);
    done = true;
    finished.Wake();
  }
};

// The resolver has no way to stop, so whoever gives up leaves a lookup to finish alone. These are
// such lookups; those that have finished are joined when the next lookup begins. Never destroyed:
// the end of the program does not wait for a name server.
class LeftAlone {
 public:
  static LeftAlone& Instance() {
    static auto& instance = *new LeftAlone;
    return instance;
  }

  void Take(std::shared_ptr<const Lookup> lookup, Thread thread) {
    std::lock_guard lock(mutex_);
    running_.emplace_back(std::move(lookup), std::move(thread));
  }
  bool Full() {
    std::lock_guard lock(mutex_);
    std::erase_if(running_, [](const auto& one) { return one.first->done.load(); });
    return running_.size() >= kMaxLookupsLeftAlone;
  }

 private:
  std::mutex mutex_;
  std::vector<std::pair<std::shared_ptr<const Lookup>, Thread>> running_;
};

std::vector<Address> Collect(const addrinfo* found) {
  std::vector<Address> addresses;
  for (; found != nullptr; found = found->ai_next) {
    if (found->ai_addrlen > sizeof(sockaddr_storage)) continue;
    Address address;
    std::memcpy(&address.storage, found->ai_addr, found->ai_addrlen);
    address.size = found->ai_addrlen;
    address.family = found->ai_family;
    addresses.push_back(address);
  }
  return addresses;
}

Error LookupError(const std::string& host, int code) {
  const bool unknown = code == EAI_NONAME || code == EAI_NODATA || code == EAI_ADDRFAMILY;
  std::string why = unknown ? "no such host" : ToLower(::gai_strerror(code));
  return Error::Transport(TransportCause::kResolve, Cat("dial tcp: lookup ", host, ": ", why));
}

Result<std::vector<Address>> Resolve(const std::string& host, const std::string& port,
                                     const Waiting& waiting) {
  // Addresses need no lookup, so no thread either.
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  addrinfo* numeric = nullptr;
  if (::getaddrinfo(host.c_str(), port.c_str(), &hints, &numeric) == 0) {
    auto addresses = Collect(numeric);
    ::freeaddrinfo(numeric);
    return addresses;
  }
  if (LeftAlone::Instance().Full()) {
    return Error::Transport(TransportCause::kResolve,
                            Cat("dial tcp: lookup ", host, ": too many earlier lookups hang"));
  }
  auto lookup = std::make_shared<Lookup>(host, port);
  // The waits below are on descriptors, in real time, whatever the clock.
  Thread thread(RealClock(), "k8s-lookup", [lookup](const std::stop_token&) { lookup->Run(); });
  while (!lookup->done) {
    auto waited = WaitFor(lookup->finished.fd(), POLLIN, waiting);
    if (waited) continue;
    LeftAlone::Instance().Take(lookup, std::move(thread));
    if (waited.error().code() != Error::Code::kTransport) return waited.error();
    return waited.error().Within(Cat("dial tcp: lookup ", host));
  }
  thread.Join();
  if (lookup->code != 0) return LookupError(host, lookup->code);
  return Collect(lookup->found);
}

Result<int> Connect(const Address& address, const Waiting& waiting) {
  const auto failed = [&](int os_error) {
    return Error::Transport(CauseOf(os_error), Cat("dial tcp ", address.Text(),
                                                   ": connect: ", DescribeOsError(os_error)));
  };
  const int fd = ::socket(address.family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return failed(errno);
  int result = ::connect(fd, reinterpret_cast<const sockaddr*>(&address.storage), address.size);
  if (result != 0 && errno != EINPROGRESS && errno != EINTR) {
    const int os_error = errno;
    ::close(fd);
    return failed(os_error);
  }
  if (result == 0) return fd;
  if (auto waited = WaitFor(fd, POLLOUT, waiting); !waited) {
    ::close(fd);
    if (waited.error().code() != Error::Code::kTransport) return waited.error();
    return waited.error().Within(Cat("dial tcp ", address.Text()));
  }
  int os_error = 0;
  socklen_t size = sizeof os_error;
  ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &os_error, &size);
  if (os_error == 0) return fd;
  ::close(fd);
  return failed(os_error);
}

}  // namespace

Result<int> DialTcp(const std::string& host, const std::string& port, const Waiting& waiting) {
  const TimePoint began = waiting.clock.Now();
  auto addresses = Resolve(host, port, waiting);
  metrics::Current().resolver_latency(host, waiting.clock.Now() - began);
  if (!addresses) return addresses.error();
  std::optional<Error> first;
  for (size_t i = 0; i < addresses->size(); ++i) {
    const TimePoint now = waiting.clock.Now();
    TimePoint limit = waiting.limit;
    if (limit != kForever) {
      const auto rest = static_cast<int64_t>(addresses->size() - i);
      limit = std::min(limit, now + std::max(kMinimumPerAddress, (limit - now) / rest));
    }
    auto fd = Connect((*addresses)[i], {waiting.clock, waiting.ctx, waiting.waker, limit});
    // The caller's end is the end of all addresses.
    if (fd || fd.error().code() != Error::Code::kTransport) return fd;
    if (!first) first = fd.error();
  }
  return first ? *first : LookupError(host, EAI_NONAME);
}

}  // namespace k8s::http
