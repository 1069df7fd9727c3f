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
struct CertificatePair {
  std::string cert_data{};  // a certificate and its chain
  std::string key_data{};
  bool operator==(const CertificatePair&) const = default;
};

struct TlsOptions {
  bool insecure = false;          // do not verify the server
  std::string server_name{};      // for SNI and verification, instead of the host of the URL
  std::string ca_data{};          // instead of the system's roots
  bool trust_nobody = false;      // without ca_data: not the system's roots either
  CertificatePair certificate{};  // of the client
  std::vector<std::string> next_protos{};  // ALPN; empty: http/1.1
};

struct Validity {
  WallTime not_before{};
  WallTime not_after{};
};

// Whether the key belongs to the certificate, and when the certificate is valid. Errors are
// kConfig, as those of TlsContext::New.
Result<Validity> CheckCertificatePair(const CertificatePair& pair);

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
