#pragma once

// Many watches read by one thread, each on its own connection, so that receiving costs little
// beside what the server does: with a thread a watch, the machine would mostly switch between
// threads, and the server would be charged for waking them.

#include <memory>
#include <string>
#include <vector>

#include "k8s/http/byte_stream.h"
#include "k8s/http/h1.h"
#include "k8s/http/tls.h"
#include "k8s/http/url.h"

namespace k8s::bench {

// Belongs to one thread at a time. Nothing that fails leaves the object usable.
class Watchers {
 public:
  Watchers();
  ~Watchers();
  Watchers(const Watchers&) = delete;
  Watchers& operator=(const Watchers&) = delete;

  // Opens `count` watches of the URL, whose events are lines of JSON.
  Result<void> Open(const http::Url& url, const http::Headers& headers, int count);
  size_t size() const { return watches_.size(); }
  // Waits, at most a minute, until some have received something. Returns how many watches now have
  // had `events` events and had not before this call.
  Result<int> Receive(int64_t events);

 private:
  struct Watch {
    std::unique_ptr<http::ByteStream> stream;
    http::HeadParser head{http::HeadParser::Kind::kResponse};
    bool has_head = false;
    http::ChunkedDecoder body{};
    int64_t events = 0;
  };

  Result<void> OpenOne(const http::Url& url, const std::string& request, http::TlsContext* tls);
  Result<void> Read(Watch& watch);
  Result<void> Take(Watch& watch, std::string_view bytes);

  const std::shared_ptr<Clock> clock_;
  const http::Waker waker_;
  int epoll_;
  std::vector<std::unique_ptr<Watch>> watches_;
  std::string buffer_;
  std::string data_;
};

}  // namespace k8s::bench
