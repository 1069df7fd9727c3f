#pragma once

// HTTP/1.1 over sockets: the last RoundTripper of the stack. Exchanges run on the caller's thread,
// over pooled keep-alive connections; a Context ends them in every phase, the lookup of the name
// included. May be called from many threads at once. Owns its idle connections; a connection in use
// belongs to the body of its response.
//
// Errors are Error::Transport in the words of Go's net package ("dial tcp 127.0.0.1:1: connect:
// connection refused"), or the error of the Context. FollowRedirects (redirect.h) puts the request
// in front of them.

#include "k8s/base/env.h"
#include "k8s/http/byte_stream.h"
#include "k8s/http/dial.h"
#include "k8s/http/proxy.h"
#include "k8s/http/reloading_tls.h"
#include "k8s/http/round_tripper.h"

namespace k8s::http {

inline constexpr size_t kMaxIdleConnectionsPerHost = 25;
inline constexpr Duration kIdleConnectionTimeout = std::chrono::seconds(90);
inline constexpr Duration kDialTimeout = std::chrono::seconds(30);
inline constexpr Duration kTlsHandshakeTimeout = std::chrono::seconds(10);

// Instead of sockets: a stream that is connected to the URL's host, used as it is also for https.
using OpenFunction =
    std::function<Result<std::unique_ptr<ByteStream>>(const Url& to, const Context& ctx)>;

struct TransportOptions {
  TlsOptions tls{};
  TlsFiles tls_files{};               // what of tls is read again while the transport lives
  CertificateFunction certificate{};  // instead of tls.certificate
  std::shared_ptr<ConnectionTracker> tracker{};  // that knows its connections; null: one of its own
  bool disable_compression = false;
  OpenFunction open{};    // empty: a socket
  DialFunction dial{};    // empty: TCP
  ProxyFunction proxy{};  // empty: from the environment
  size_t max_idle_per_host = kMaxIdleConnectionsPerHost;
  Duration idle_timeout = kIdleConnectionTimeout;
  Duration dial_timeout = kDialTimeout;
  Duration tls_handshake_timeout = kTlsHandshakeTimeout;
};

// Fails when the certificates cannot be used. Does no network I/O.
Result<std::shared_ptr<RoundTripper>> NewSocketTransport(TransportOptions options, Env env = {});

}  // namespace k8s::http
