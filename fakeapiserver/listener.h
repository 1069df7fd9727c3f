#pragma once

// Sockets of the server: one loop thread (epoll) that holds every connection, runs a Session for
// each, and drives it when bytes come, a Source wakes or a moment has come. The door is called on
// the loop thread and must not block; it must outlive the listener. Start and the destructor may be
// called from any thread; the destructor ends the loop and closes every connection.

#include <memory>
#include <string>

#include "fakeapiserver/session.h"
#include "k8s/base/env.h"

namespace k8s::fakeapiserver {

struct ListenerOptions {
  std::string bind = "127.0.0.1";  // an IP address
  int port = 0;                    // 0: any free one
  // TLS with these PEM files, or with a certificate that is made on the spot; neither: plain HTTP.
  std::string certificate_file{};
  std::string key_file{};
  bool self_made_certificate = false;
  bool disable_http2 = false;  // else it is spoken through TLS with whoever wants it

  size_t max_connections = 20'000;  // more wait in the backlog
  SessionLimits session{};
};

class Listener {
 public:
  // Errors name the address: "listen on 127.0.0.1:80: permission denied".
  static Result<std::unique_ptr<Listener>> Start(ListenerOptions options, Env env, Door& door);
  ~Listener();
  int port() const;
  size_t connections() const;  // open now
  // The certificate that it shows with those behind it, PEM; "" without TLS.
  const std::string& certificate_chain() const;
  // The door refuses connections, or no longer does.
  void OnRefusal();

  class Loop;
  explicit Listener(std::unique_ptr<Loop> loop);

 private:
  std::unique_ptr<Loop> loop_;
};

}  // namespace k8s::fakeapiserver
