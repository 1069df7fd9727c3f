#include "k8s/http/reloading_tls.h"

#include "k8s/base/log.h"
#include "k8s/base/strings.h"
#include "k8s/http/metrics.h"

namespace k8s::http {

Result<std::unique_ptr<ReloadingTls>> ReloadingTls::New(TlsOptions options, TlsFiles files,
                                                        CertificateFunction certificate, Env env,
                                                        std::function<void()> on_new_certificate) {
  // An empty file of roots trusts nobody; no file trusts the system's roots.
  options.trust_nobody = !files.ca_file.empty() && options.ca_data.empty();
  std::unique_ptr<ReloadingTls> made(new ReloadingTls(
      {}, std::move(files), std::move(certificate), std::move(env), std::move(on_new_certificate)));
  {
    std::lock_guard lock(made->mutex_);
    // What holds nothing of the caller's cannot be refused. It waits for the first handshake, since
    // OpenSSL takes milliseconds and 3 MB, in vain where all servers are plain.
    if (options.ca_data.empty() && options.certificate == CertificatePair()) {
      made->options_ = std::move(options);
    } else if (auto usable = made->Replace(std::move(options)); !usable) {
      return usable.error();
    }
  }
  if (!made->files_.cert_file.empty()) {
    made->watcher_ =
        Thread(made->env_.clock, "k8s-cert", [self = made.get()](std::stop_token stop) {
          const Context ctx(std::move(stop));
          while (Sleep(*self->env_.clock, kCertificateAge, ctx)) {
            self->ReloadCertificate(Duration::zero());
          }
        });
  }
  return made;
}

ReloadingTls::ReloadingTls(TlsOptions options, TlsFiles files, CertificateFunction certificate,
                           Env env, std::function<void()> on_new_certificate)
    : files_(std::move(files)),
      certificate_(std::move(certificate)),
      env_(std::move(env)),
      on_new_certificate_(std::move(on_new_certificate)),
      options_(std::move(options)),
      roots_checked_(env_.clock->Now()),
      certificate_checked_(roots_checked_) {}

ReloadingTls::~ReloadingTls() {
  if (!watcher_.Joinable()) return;
  watcher_.RequestStop();
  watcher_.Join();
  metrics::Current().transport_cert_rotation_gc_calls();
}

Result<void> ReloadingTls::Replace(TlsOptions options) {
  // A context of its own, since it also owns the sessions to resume: one that was begun with the
  // old certificate would go on under the old name.
  auto context = TlsContext::New(options);
  if (!context) return context.error();
  options_ = std::move(options);
  context_ = std::move(*context);
  return {};
}

bool ReloadingTls::RefreshRoots() {
  if (files_.ca_file.empty()) return false;
  std::lock_guard lock(mutex_);
  const TimePoint now = env_.clock->Now();
  if (now - roots_checked_ < kRootsAge) return false;
  roots_checked_ = now;
  const auto keep = [&](std::string_view reason, std::string_view why) {
    Log(0, Cat("the root certificates in ", files_.ca_file, " were not loaded again: ", why));
    metrics::Current().transport_ca_reloads("failure", std::string(reason));
    return false;
  };
  auto content = env_.host->ReadFile(files_.ca_file);
  if (!content) return keep("read_error", content.error().message());
  if (content->empty()) return keep("empty", "the file is empty");
  if (*content == options_.ca_data) {
    metrics::Current().transport_ca_reloads("success", "unchanged");
    return false;
  }
  TlsOptions next = options_;
  next.ca_data = std::move(*content);
  next.trust_nobody = false;
  if (auto usable = Replace(std::move(next)); !usable) {
    return keep("ca_parse_error", usable.error().message());
  }
  Log(1, Cat("the root certificates in ", files_.ca_file, " were loaded again"));
  metrics::Current().transport_ca_reloads("success", "updated");
  return true;
}

void ReloadingTls::RefreshCertificate() {
  if (!files_.cert_file.empty()) ReloadCertificate(kCertificateHandshakeAge);
}

Result<CertificatePair> ReloadingTls::ReadCertificate() const {
  auto certificate = env_.host->ReadFile(files_.cert_file);
  if (!certificate) return certificate.error();
  auto key = env_.host->ReadFile(files_.key_file);
  if (!key) return key.error();
  return CertificatePair{std::move(*certificate), std::move(*key)};
}

void ReloadingTls::ReloadCertificate(Duration age) {
  {
    std::lock_guard lock(mutex_);
    const TimePoint now = env_.clock->Now();
    if (now - certificate_checked_ < age) return;
    certificate_checked_ = now;
    const auto keep = [&](const Error& error) {
      Log(0, Cat("the client certificate in ", files_.cert_file,
                 " was not loaded again: ", error.message()));
    };
    auto pair = ReadCertificate();
    if (!pair) return keep(pair.error());
    if (*pair == options_.certificate) return;
    // The two files are not replaced in one step, so a pair that does not fit may fit soon.
    if (auto fits = CheckCertificatePair(*pair); !fits) return keep(fits.error());
    TlsOptions next = options_;
    next.certificate = std::move(*pair);
    if (auto usable = Replace(std::move(next)); !usable) return keep(usable.error());
  }
  Log(1,
      "certificate rotation detected, shutting down client connections to start using new "
      "credentials");
  on_new_certificate_();
}

Result<std::shared_ptr<TlsContext>> ReloadingTls::Current() {
  CertificatePair pair;
  if (certificate_) pair = certificate_();
  std::lock_guard lock(mutex_);
  const bool is_new = certificate_ && pair != options_.certificate;
  if (is_new || !context_) {
    TlsOptions next = options_;
    if (is_new) next.certificate = std::move(pair);
    if (auto usable = Replace(std::move(next)); !usable) return usable.error();
  }
  return context_;
}

}  // namespace k8s::http
