#pragma once

// The TLS settings of one transport, whose roots and client certificate may change while it lives
// (6.4). May be used from many threads at once. Owns the thread that looks at the files of a client
// certificate: the connections of a transport that nobody uses must be closed, too, once their
// certificate has been replaced, and nobody else is there to do it.

#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "k8s/base/env.h"
#include "k8s/base/thread.h"
#include "k8s/http/tls.h"

namespace k8s::http {

// Files that are read again; the TlsOptions beside them hold what they said at first.
struct TlsFiles {
  std::string ca_file{};
  std::string cert_file{};  // with key_file, or neither
  std::string key_file{};
};

// The client certificate for the next handshake. Must be quick.
using CertificateFunction = std::function<CertificatePair()>;

// How old the last look may be: at the files of the client certificate when a handshake begins and
// at all times, and at the file of the roots when a request begins.
inline constexpr Duration kCertificateHandshakeAge = std::chrono::seconds(1);
inline constexpr Duration kCertificateAge = std::chrono::minutes(5);
inline constexpr Duration kRootsAge = std::chrono::minutes(5);

class ReloadingTls {
 public:
  // `certificate` may be empty, else it replaces that of the options. `on_new_certificate` is
  // called, from any thread, when the files hold another one.
  static Result<std::unique_ptr<ReloadingTls>> New(TlsOptions options, TlsFiles files,
                                                   CertificateFunction certificate, Env env,
                                                   std::function<void()> on_new_certificate);
  ~ReloadingTls();

  // At the beginning of a request: true when the roots have changed.
  bool RefreshRoots();
  // Before a connection is opened, so that it is not among those that a change closes.
  void RefreshCertificate();
  // What to shake hands with now.
  Result<std::shared_ptr<TlsContext>> Current();

 private:
  ReloadingTls(TlsOptions options, TlsFiles files, CertificateFunction certificate, Env env,
               std::function<void()> on_new_certificate);
  void ReloadCertificate(Duration age);
  Result<CertificatePair> ReadCertificate() const;
  Result<void> Replace(TlsOptions options);  // REQUIRES: mutex_ is held

  const TlsFiles files_;
  const CertificateFunction certificate_;
  const Env env_;
  const std::function<void()> on_new_certificate_;
  std::mutex mutex_;  // guards what follows; held while files are read
  TlsOptions options_;
  std::shared_ptr<TlsContext> context_;  // null until it is needed
  TimePoint roots_checked_;
  TimePoint certificate_checked_;
  Thread watcher_;
};

}  // namespace k8s::http
