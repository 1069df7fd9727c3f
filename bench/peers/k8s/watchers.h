#pragma once

// Many watches read by one thread, so that receiving costs little beside what the server does: with
// a thread a watch, the machine would mostly switch between threads, and the server would be
// charged for waking them.

#include <memory>
#include <string>
#include <vector>

#include "k8s/http/byte_stream.h"
#include "k8s/http/headers.h"
#include "k8s/http/tls.h"
#include "k8s/http/url.h"

namespace k8s::bench {

enum class Protocol : uint8_t {
  kHttp1,  // each watch has a connection of its own
  kHttp2,  // a hundred share one, as those of a client do; through TLS alone
};

// Belongs to one thread at a time. Nothing that fails leaves the object usable.
class Watchers {
 public:
  Watchers();
  ~Watchers();
  Watchers(const Watchers&) = delete;
  Watchers& operator=(const Watchers&) = delete;

  // Opens `count` watches of the URL, whose events are lines of JSON.
  Result<void> Open(const http::Url& url, const http::Headers& headers, int count,
                    Protocol protocol);
  size_t size() const { return count_; }
  // Waits, at most a minute, until some have received something. Returns how many watches now have
  // had `events` events and had not before this call.
  Result<int> Receive(int64_t events);

  class Connection;

 private:
  Result<void> Connect(std::unique_ptr<Connection> connection, const http::Url& url,
                       http::TlsContext* tls);
  Result<void> Read(Connection& connection);

  const std::shared_ptr<Clock> clock_;
  const http::Waker waker_;
  int epoll_;
  size_t count_ = 0;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::string buffer_;
};

}  // namespace k8s::bench
