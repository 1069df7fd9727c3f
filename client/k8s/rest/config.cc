#include "k8s/rest/config.h"

#include <ostream>

#include "k8s/base/strings.h"

namespace k8s::rest {
namespace {

// What a build without version stamps says, as client-go's does.
constexpr std::string_view kVersion = "v0.0.0";
constexpr std::string_view kCommit = "$Format";

#if defined(__linux__)
constexpr std::string_view kOs = "linux";
#elif defined(__APPLE__)
constexpr std::string_view kOs = "darwin";
#else
constexpr std::string_view kOs = "unknown";
#endif
#if defined(__x86_64__)
constexpr std::string_view kArch = "amd64";
#elif defined(__aarch64__)
constexpr std::string_view kArch = "arm64";
#else
constexpr std::string_view kArch = "unknown";
#endif

std::string_view Redacted(const std::string& secret) {
  return secret.empty() ? "" : "--- REDACTED ---";
}
std::string_view Shortened(const std::string& data) {
  return data.empty() ? "" : "--- TRUNCATED ---";
}

bool NeedsTls(const TlsClientConfig& tls) { return tls.HasCa() || tls.HasCert() || tls.insecure; }

Result<void> LoadFile(const Env& env, const std::string& file, std::string& data) {
  if (!data.empty() || file.empty()) return {};
  auto content = env.host->ReadFile(file);
  if (!content) return content.error();
  data = std::move(*content);
  return {};
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const Config& config) {
  out << "rest.Config{Host:" << Quote(http::WithoutUserInfo(config.host))
      << ", APIPath:" << Quote(config.api_path)
      << ", AcceptContentTypes:" << Quote(config.accept_content_types)
      << ", ContentType:" << Quote(config.content_type) << ", Username:" << Quote(config.username)
      << ", Password:" << Quote(Redacted(config.password))
      << ", BearerToken:" << Quote(Redacted(config.bearer_token))
      << ", BearerTokenFile:" << Quote(config.bearer_token_file)
      << ", Impersonate.UserName:" << Quote(config.impersonate.user_name)
      << ", AuthProvider:" << Quote(config.auth_provider ? config.auth_provider->name : "")
      << ", ExecProvider:" << Quote(config.exec_provider ? config.exec_provider->command : "")
      << ", Insecure:" << (config.tls.insecure ? "true" : "false")
      << ", ServerName:" << Quote(config.tls.server_name)
      << ", CertFile:" << Quote(config.tls.cert_file) << ", KeyFile:" << Quote(config.tls.key_file)
      << ", CAFile:" << Quote(config.tls.ca_file)
      << ", CertData:" << Quote(Shortened(config.tls.cert_data))
      << ", KeyData:" << Quote(Redacted(config.tls.key_data))
      << ", CAData:" << Quote(config.tls.ca_data) << ", UserAgent:" << Quote(config.user_agent)
      << ", DisableCompression:" << (config.disable_compression ? "true" : "false")
      << ", QPS:" << config.qps << ", Burst:" << config.burst
      << ", Timeout:" << std::chrono::duration<double>(config.timeout).count() << "s}";
  return out;
}

Result<http::Url> DefaultServerURL(const Config& config) {
  const std::string host = config.host.empty() ? "localhost" : config.host;
  auto url = http::Url::Parse(host);
  if (!url || url->scheme.empty() || url->host.empty()) {
    url = http::Url::Parse(Cat(NeedsTls(config.tls) ? "https://" : "http://", host));
    if (!url) return ConfigError(url.error().message());
    if (!url->path.empty() && url->path != "/") {
      return ConfigError(
          Cat("host must be a URL or a host:port pair: ", Quote(http::WithoutUserInfo(host))));
    }
  }
  url->query.clear();
  url->path = http::CleanPath(url->path);
  if (url->path == "/") url->path.clear();
  return url;
}

std::string DefaultVersionedApiPath(std::string_view api_path, std::string_view group,
                                    std::string_view version) {
  return http::CleanPath(Cat("/", api_path, "/", group, "/", version));
}

bool IsConfigTransportTLS(const Config& config) {
  const auto url = DefaultServerURL(config);
  return url && url->scheme == "https";
}

std::string DefaultKubernetesUserAgent(const Env& env) {
  std::string program = env.host->ProgramName();
  if (program.empty()) program = "unknown";
  return Cat(program, "/", kVersion, " (", kOs, "/", kArch, ") kubernetes/", kCommit);
}

Config& AddUserAgent(Config& config, std::string_view part) {
  config.user_agent = Cat(DefaultKubernetesUserAgent(config.env), "/", part);
  return config;
}

Config AnonymousClientConfig(const Config& config) {
  Config anonymous;
  anonymous.host = config.host;
  anonymous.api_path = config.api_path;
  anonymous.accept_content_types = config.accept_content_types;
  anonymous.content_type = config.content_type;
  anonymous.tls.insecure = config.tls.insecure;
  anonymous.tls.server_name = config.tls.server_name;
  anonymous.tls.ca_file = config.tls.ca_file;
  anonymous.tls.ca_data = config.tls.ca_data;
  anonymous.tls.next_protos = config.tls.next_protos;
  anonymous.user_agent = config.user_agent;
  anonymous.disable_compression = config.disable_compression;
  anonymous.qps = config.qps;
  anonymous.burst = config.burst;
  anonymous.rate_limiter = config.rate_limiter;
  anonymous.retry_policy = config.retry_policy;
  anonymous.warning_handler = config.warning_handler;
  anonymous.timeout = config.timeout;
  anonymous.dial = config.dial;
  anonymous.proxy = config.proxy;
  anonymous.trace = config.trace;
  anonymous.env = config.env;
  return anonymous;
}

Result<void> LoadTLSFiles(Config& config) {
  TlsClientConfig& tls = config.tls;
  if (auto loaded = LoadFile(config.env, tls.ca_file, tls.ca_data); !loaded) return loaded;
  if (auto loaded = LoadFile(config.env, tls.cert_file, tls.cert_data); !loaded) return loaded;
  return LoadFile(config.env, tls.key_file, tls.key_data);
}

std::shared_ptr<http::RateLimiter> RateLimiterFor(const Config& config) {
  if (config.rate_limiter) return config.rate_limiter;
  const double qps = config.qps == 0 ? kDefaultQps : config.qps;
  if (qps < 0) return nullptr;
  return http::NewTokenBucket(qps, config.burst == 0 ? kDefaultBurst : config.burst,
                              config.env.clock);
}

std::shared_ptr<const http::ReplaySafe> RetryPolicyFor(const Config& config) {
  if (!config.retry_policy) return nullptr;
  auto policy = std::make_shared<http::ReplaySafe>(*config.retry_policy);
  if (!policy->shared_budget) {
    policy->shared_budget = std::make_shared<http::RetryBudget>(policy->budget, config.env.clock);
  }
  return policy;
}

Result<Config> ConfigForClientset(const Config& config) {
  Config copy = config;
  if (const auto policy = RetryPolicyFor(config)) copy.retry_policy = *policy;
  if (config.rate_limiter || config.qps <= 0) return copy;
  if (config.burst <= 0) {
    return ConfigError(
        "burst is required to be greater than 0 when RateLimiter is not set and QPS is set to "
        "greater than 0");
  }
  copy.rate_limiter = RateLimiterFor(config);
  return copy;
}

}  // namespace k8s::rest
