#pragma once

// Sockets of the server: one loop thread (epoll) that holds every connection, speaks HTTP/1.1 with
// keep-alive and pipelining, and pulls Sources when they wake. A handler runs on the loop thread
// and must not block. Start and the destructor may be called from any thread; the destructor ends
// the loop, closes every connection and destroys what they held.

#include <functional>
#include <memory>
#include <string>

#include "fakeapiserver/answer.h"
#include "k8s/base/env.h"
#include "k8s/http/round_tripper.h"

namespace k8s::fakeapiserver {

struct ListenerOptions {
  std::string bind = "127.0.0.1";  // an IP address
  int port = 0;                    // 0: any free one
  // PEM files; both empty: plain HTTP.
  std::string certificate_file{};
  std::string key_file{};

  size_t max_body = size_t{3} << 20;       // a longer body is cut one byte behind this
  size_t max_connections = 20'000;         // more wait in the backlog
  size_t max_pending = size_t{256} << 10;  // bytes queued for a connection before its Source waits
  Duration head_timeout = std::chrono::seconds(32);
  Duration idle_timeout = std::chrono::seconds(90);
};

class Listener {
 public:
  using Serve = std::function<Answer(const http::Request& request)>;

  // Errors name the address: "listen on 127.0.0.1:80: permission denied".
  static Result<std::unique_ptr<Listener>> Start(ListenerOptions options, Env env, Serve serve);
  ~Listener();
  int port() const;
  size_t connections() const;  // open now

  class Loop;
  explicit Listener(std::unique_ptr<Loop> loop);

 private:
  std::unique_ptr<Loop> loop_;
};

}  // namespace k8s::fakeapiserver
