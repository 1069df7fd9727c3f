#include "k8s/rest/transport_for.h"

#include <map>
#include <mutex>

#include "k8s/base/strings.h"
#include "k8s/http/authenticate.h"
#include "k8s/http/chain.h"
#include "k8s/http/metrics.h"
#include "k8s/http/socket_transport.h"

namespace k8s::rest {
namespace {

// Transports by their settings. Entries do not keep transports alive.
class TransportCache {
 public:
  using Transport = std::shared_ptr<http::RoundTripper>;

  Result<Transport> Get(const std::string& key, const std::function<Result<Transport>()>& make) {
    std::lock_guard lock(mutex_);
    if (auto found = entries_.find(key); found != entries_.end()) {
      if (Transport transport = found->second.lock()) {
        http::metrics::Current().transport_create_calls("hit");
        return transport;
      }
    }
    std::erase_if(entries_, [](const auto& entry) { return entry.second.expired(); });
    auto made = make();
    if (made) entries_[key] = *made;
    http::metrics::Current().transport_create_calls("miss");
    http::metrics::Current().transport_cache_entries(static_cast<int>(entries_.size()));
    return made;
  }

 private:
  std::mutex mutex_;
  std::map<std::string, std::weak_ptr<http::RoundTripper>> entries_;
};

TransportCache& Cache() {
  static auto* const cache = new TransportCache;
  return *cache;
}

// Lengths in front keep neighbouring fields apart.
void AppendKey(std::string_view field, std::string& key) {
  key += Cat(std::to_string(field.size()), ":", field);
}

std::string KeyOf(const http::TransportOptions& options, const Env& env) {
  std::string key;
  for (const std::string& field :
       {options.tls.server_name, options.tls.ca_data, options.tls.certificate.cert_data,
        options.tls.certificate.key_data}) {
    AppendKey(field, key);
  }
  for (const std::string& protocol : options.tls.next_protos) AppendKey(protocol, key);
  key += options.tls.insecure ? 'i' : 'v';
  key += options.disable_compression ? 'd' : 'c';
  // The proxy and the time come from the environment of the config.
  AppendKey(std::to_string(reinterpret_cast<uintptr_t>(env.host.get())), key);
  AppendKey(std::to_string(reinterpret_cast<uintptr_t>(env.clock.get())), key);
  return key;
}

Result<void> CheckProviders(const Config& config) {
  if (config.exec_provider && config.auth_provider) {
    return ConfigError("execProvider and authProvider cannot be used in combination");
  }
  if (config.auth_provider) {
    return ConfigError(Cat("no Auth Provider found for name ", Quote(config.auth_provider->name)));
  }
  // A plugin is skipped when there are other credentials (2.6).
  const bool has_credentials = !config.bearer_token.empty() || !config.bearer_token_file.empty() ||
                               !config.username.empty() || config.tls.HasCertPair();
  if (config.exec_provider && !has_credentials) {
    return ConfigError(Cat("exec plugin ", Quote(config.exec_provider->command),
                           ": credential plugins are not supported"));
  }
  return {};
}

bool HasTlsOption(const TlsClientConfig& tls) {
  return tls.HasCa() || tls.HasCertPair() || tls.insecure || !tls.server_name.empty() ||
         !tls.next_protos.empty();
}

}  // namespace

Result<std::shared_ptr<http::RoundTripper>> BaseTransportFor(const Config& config) {
  if (config.transport) {
    if (config.tls.HasCa() || config.tls.HasCertPair() || config.tls.insecure) {
      return ConfigError(
          "using a custom transport with TLS certificate options or the insecure flag is not "
          "allowed");
    }
    return config.transport;
  }
  if (config.tls.HasCa() && config.tls.insecure) {
    return ConfigError("specifying a root certificates file with the insecure flag is not allowed");
  }
  Config loaded = config;
  if (auto read = LoadTLSFiles(loaded); !read) return read.error();
  http::TransportOptions options;
  options.tls.insecure = config.tls.insecure;
  options.tls.server_name = config.tls.server_name;
  options.tls.ca_data = loaded.tls.ca_data;
  if (config.tls.HasCertPair()) {
    options.tls.certificate.cert_data = loaded.tls.cert_data;
    options.tls.certificate.key_data = loaded.tls.key_data;
  }
  options.tls.next_protos = config.tls.next_protos;
  // client-go then uses the process's default transport, which knows nothing of the setting (6.2).
  const bool is_default = !HasTlsOption(config.tls) && !config.dial && !config.proxy;
  options.disable_compression = config.disable_compression && !is_default;
  options.dial = config.dial;
  options.proxy = config.proxy;
  if (config.dial || config.proxy) {
    // Functions do not compare.
    http::metrics::Current().transport_create_calls("uncacheable");
    return http::NewSocketTransport(std::move(options), config.env);
  }
  const std::string key = KeyOf(options, config.env);
  return Cache().Get(key, [&] { return http::NewSocketTransport(options, config.env); });
}

Result<std::shared_ptr<http::RoundTripper>> TransportFor(const Config& config) {
  if (auto url = DefaultServerURL(config); !url) return url.error();
  if (auto valid = CheckProviders(config); !valid) return valid.error();
  auto transport = BaseTransportFor(config);
  if (!transport) return transport;
  auto authenticate = http::Authenticate(
      {config.username, config.password, config.bearer_token, config.bearer_token_file},
      config.env);
  if (!authenticate) return authenticate.error();
  http::ChainOptions options;
  options.rate_limiter = RateLimiterFor(config);
  options.attempt_timeout = config.timeout;
  options.trace = config.trace;
  options.impersonate = config.impersonate;
  options.user_agent = config.user_agent;
  options.authenticate = std::move(*authenticate);
  options.wrap = config.wrap;
  options.env = config.env;
  return http::BuildChain(options, std::move(*transport));
}

Result<std::shared_ptr<const Client>> ClientFor(const Config& config, ClientOptions options) {
  auto base = DefaultServerURL(config);
  if (!base) return base.error();
  auto stack = TransportFor(config);
  if (!stack) return stack.error();
  options.base = *std::move(base);
  options.stack = *std::move(stack);
  if (config.warning_handler) options.warning_handler = config.warning_handler;
  options.env = config.env;
  return std::make_shared<const Client>(std::move(options));
}

}  // namespace k8s::rest
