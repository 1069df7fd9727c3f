#include "k8s/base/log.h"
#include "k8s/base/strings.h"
#include "k8s/http/tls.h"
#include "k8s/rest/config.h"

namespace k8s::rest {
namespace {

constexpr const char* kTokenFile = "/var/run/secrets/kubernetes.io/serviceaccount/token";
constexpr const char* kRootCaFile = "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt";

}  // namespace

Result<Config> InClusterConfig(const Env& env) {
  const std::string host = env.host->GetEnv("KUBERNETES_SERVICE_HOST").value_or("");
  const std::string port = env.host->GetEnv("KUBERNETES_SERVICE_PORT").value_or("");
  if (host.empty() || port.empty()) {
    return ConfigError(
        "unable to load in-cluster configuration, KUBERNETES_SERVICE_HOST and "
        "KUBERNETES_SERVICE_PORT must be defined");
  }
  auto token = env.host->ReadFile(kTokenFile);
  if (!token) return token.error();
  Config config;
  config.env = env;
  const bool ipv6 = host.find(':') != std::string::npos;
  config.host = Cat("https://", ipv6 ? "[" : "", host, ipv6 ? "]:" : ":", port);
  config.bearer_token = std::move(*token);
  config.bearer_token_file = kTokenFile;
  auto ca = env.host->ReadFile(kRootCaFile);
  Result<void> usable;
  if (!ca) {
    usable = ca.error();
  } else if (auto tls = http::TlsContext::New({.ca_data = ca->empty() ? " " : *ca}); !tls) {
    usable = tls.error();
  }
  if (usable) {
    config.tls.ca_file = kRootCaFile;
  } else {
    // The system's roots may do.
    Log(0, Cat("expected to load root CA config from ", kRootCaFile,
               ", but got: ", usable.error().message()));
  }
  return config;
}

}  // namespace k8s::rest
