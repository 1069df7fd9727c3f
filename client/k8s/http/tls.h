#pragma once

// TLS for the socket transport: settings that were checked once, and streams made from them. A
// TlsContext may be used from many threads at once; it owns the roots, the client certificate and
// the sessions to resume. Keys stay in memory and in no text.

#include <memory>
#include <string>
#include <vector>

#include "k8s/http/byte_stream.h"

namespace k8s::http {

// Certificates and keys are PEM. Empty means: not set.
struct TlsOptions {
  bool insecure = false;      // do not verify the server
  std::string server_name{};  // for SNI and verification, instead of the host of the URL
  std::string ca_data{};      // instead of the system's roots
  std::string cert_data{};    // client certificate and its chain
  std::string key_data{};
  std::vector<std::string> next_protos{};  // ALPN; empty: http/1.1
};

class TlsContext {
 public:
  // Errors are kConfig, in client-go's words: "unable to load root certificates: ...".
  static Result<std::shared_ptr<TlsContext>> New(const TlsOptions& options);
  virtual ~TlsContext() = default;

  // Shakes hands over `under`. `host` is verified, unless server_name replaces it; `session_key`
  // names the peer whose sessions may be resumed. Errors are Error::Transport, one plain line.
  virtual Result<std::unique_ptr<ByteStream>> Handshake(std::unique_ptr<ByteStream> under,
                                                        const std::string& host,
                                                        const std::string& session_key,
                                                        const Waiting& waiting) = 0;
};

}  // namespace k8s::http
