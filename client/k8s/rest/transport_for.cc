#include "k8s/rest/transport_for.h"

#include <map>
#include <mutex>

#include "k8s/base/strings.h"
#include "k8s/http/authenticate.h"
#include "k8s/http/chain.h"
#include "k8s/http/metrics.h"
#include "k8s/http/socket_transport.h"
#include "k8s/rest/exec_plugin.h"

namespace k8s::rest {
namespace {

// Transports by their settings. Entries do not keep transports alive.
class TransportCache {
 public:
  using Transport = std::shared_ptr<http::RoundTripper>;

  Result<Transport> Get(const std::string& key, const std::function<Result<Transport>()>& make) {
    const http::metrics::Hooks& hooks = http::metrics::Current();
    std::lock_guard lock(mutex_);
    const auto found = entries_.find(key);
    if (found != entries_.end()) {
      if (Transport transport = found->second.lock()) {
        hooks.transport_create_calls("hit");
        return transport;
      }
    }
    auto made = make();
    if (!made) return made;
    // The last user takes the entry along.
    Transport shared(made->get(), [this, key, owner = *made](http::RoundTripper*) mutable {
      owner.reset();
      Drop(key);
    });
    entries_[key] = shared;
    hooks.transport_create_calls(found == entries_.end() ? "miss" : "miss-gc");
    hooks.transport_cache_entries(static_cast<int>(entries_.size()));
    return shared;
  }

 private:
  void Drop(const std::string& key) {
    const http::metrics::Hooks& hooks = http::metrics::Current();
    std::lock_guard lock(mutex_);
    const auto found = entries_.find(key);
    if (found == entries_.end() || !found->second.expired()) {
      hooks.transport_cache_gc_calls("skipped");
      return;
    }
    entries_.erase(found);
    hooks.transport_cache_gc_calls("deleted");
    hooks.transport_cache_entries(static_cast<int>(entries_.size()));
  }

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
void AppendKey(const void* identity, std::string& key) {
  AppendKey(std::to_string(reinterpret_cast<uintptr_t>(identity)), key);
}

// What is read again counts by its path, else by what it said.
std::string KeyOf(const http::TransportOptions& options, const ExecPlugin* plugin, const Env& env) {
  const http::TlsOptions& tls = options.tls;
  const http::TlsFiles& files = options.tls_files;
  std::string key;
  AppendKey(tls.server_name, key);
  AppendKey(files.ca_file, key);
  AppendKey(files.ca_file.empty() ? tls.ca_data : "", key);
  AppendKey(files.cert_file, key);
  AppendKey(files.key_file, key);
  AppendKey(files.cert_file.empty() ? tls.certificate.cert_data : "", key);
  AppendKey(files.cert_file.empty() ? tls.certificate.key_data : "", key);
  for (const std::string& protocol : tls.next_protos) AppendKey(protocol, key);
  key += tls.insecure ? 'i' : 'v';
  key += options.disable_compression ? 'd' : 'c';
  AppendKey(std::to_string(options.max_connections_per_host), key);
  AppendKey(plugin, key);
  // The proxy and the time come from the environment of the config.
  AppendKey(env.host.get(), key);
  AppendKey(env.clock.get(), key);
  return key;
}

// What a plugin that wants it is told of the server.
Result<ExecCluster> ClusterOf(const Config& config) {
  ExecCluster cluster{.server = config.host,
                      .tls_server_name = config.tls.server_name,
                      .insecure_skip_tls_verify = config.tls.insecure,
                      .certificate_authority_data = config.tls.ca_data,
                      .disable_compression = config.disable_compression,
                      .config = config.exec_provider->config};
  if (config.tls.ca_data.empty() && !config.tls.ca_file.empty()) {
    auto roots = config.env.host->ReadFile(config.tls.ca_file);
    if (!roots) return roots.error().Within("failed to load CA bundle for execProvider");
    cluster.certificate_authority_data = std::move(*roots);
  }
  if (config.proxy) {
    const auto url = DefaultServerURL(config);
    if (!url) return url.error().Within("failed to create proxy URL request for execProvider");
    const auto proxy = config.proxy(*url);
    if (!proxy) return proxy.error().Within("failed to get proxy URL for execProvider");
    if (*proxy) {
      cluster.proxy_url = (*proxy)->String();
      // The plugin needs the password, too.
      const std::string& login = (*proxy)->user_info;
      if (!login.empty()) cluster.proxy_url.insert((*proxy)->scheme.size() + 3, login + "@");
    }
  }
  return cluster;
}

// The plugin that says who is calling; null when there is none, or when other credentials say it.
Result<std::shared_ptr<ExecPlugin>> PluginFor(const Config& config) {
  if (config.exec_provider && config.auth_provider) {
    return ConfigError("execProvider and authProvider cannot be used in combination");
  }
  if (config.auth_provider) {
    return ConfigError(Cat("no Auth Provider found for name ", Quote(config.auth_provider->name)));
  }
  const bool has_credentials = !config.bearer_token.empty() || !config.bearer_token_file.empty() ||
                               !config.username.empty() || config.tls.HasCertPair();
  if (!config.exec_provider || has_credentials) return std::shared_ptr<ExecPlugin>();
  std::optional<ExecCluster> cluster;
  if (config.exec_provider->provide_cluster_info) {
    auto known = ClusterOf(config);
    if (!known) return known.error();
    cluster = std::move(*known);
  }
  return ExecPlugin::For(*config.exec_provider, std::move(cluster), config.env);
}

bool HasTlsOption(const TlsClientConfig& tls) {
  return tls.HasCa() || tls.HasCertPair() || tls.insecure || !tls.server_name.empty() ||
         !tls.next_protos.empty();
}

Result<http::TransportOptions> SocketOptions(const Config& config,
                                             const std::shared_ptr<ExecPlugin>& plugin) {
  Config loaded = config;
  if (auto read = LoadTLSFiles(loaded); !read) return read.error();
  http::TransportOptions options;
  options.tls.insecure = config.tls.insecure;
  options.tls.server_name = config.tls.server_name;
  options.tls.ca_data = loaded.tls.ca_data;
  options.tls.next_protos = config.tls.next_protos;
  if (config.tls.ca_data.empty()) options.tls_files.ca_file = config.tls.ca_file;
  if (config.tls.HasCertPair()) {
    options.tls.certificate = {loaded.tls.cert_data, loaded.tls.key_data};
    if (config.tls.cert_data.empty() && config.tls.key_data.empty()) {
      options.tls_files.cert_file = config.tls.cert_file;
      options.tls_files.key_file = config.tls.key_file;
    }
  }
  if (plugin) {
    options.certificate = [plugin] { return plugin->Certificate(); };
    options.tracker = plugin->tracker();
  }
  // client-go then uses the process's default transport, which knows nothing of the setting (6.2).
  const bool is_default = !HasTlsOption(config.tls) && !plugin && !config.dial && !config.proxy;
  options.disable_compression = config.disable_compression && !is_default;
  options.max_connections_per_host = config.max_connections_per_host;
  options.dial = config.dial;
  options.proxy = config.proxy;
  return options;
}

Result<std::shared_ptr<http::RoundTripper>> BaseTransport(
    const Config& config, const std::shared_ptr<ExecPlugin>& plugin) {
  if (config.transport) {
    if (config.tls.HasCa() || config.tls.HasCertPair() || config.tls.insecure || plugin) {
      return ConfigError(
          "using a custom transport with TLS certificate options or the insecure flag is not "
          "allowed");
    }
    return config.transport;
  }
  if (config.tls.HasCa() && config.tls.insecure) {
    return ConfigError("specifying a root certificates file with the insecure flag is not allowed");
  }
  const auto options = SocketOptions(config, plugin);
  if (!options) return options.error();
  const auto make = [&] { return http::NewSocketTransport(*options, config.env); };
  if (config.dial || config.proxy) {
    // Functions do not compare.
    http::metrics::Current().transport_create_calls("uncacheable");
    return make();
  }
  return Cache().Get(KeyOf(*options, plugin.get(), config.env), make);
}

}  // namespace

Result<std::shared_ptr<http::RoundTripper>> BaseTransportFor(const Config& config) {
  const auto plugin = PluginFor(config);
  if (!plugin) return plugin.error();
  return BaseTransport(config, *plugin);
}

Result<std::shared_ptr<http::RoundTripper>> TransportFor(const Config& config) {
  if (auto url = DefaultServerURL(config); !url) return url.error();
  const auto plugin = PluginFor(config);
  if (!plugin) return plugin.error();
  auto transport = BaseTransport(config, *plugin);
  if (!transport) return transport;
  auto authenticate = http::Authenticate(
      {config.username, config.password, config.bearer_token, config.bearer_token_file},
      config.env);
  if (!authenticate) return authenticate.error();
  http::ChainOptions options;
  options.rate_limiter = RateLimiterFor(config);
  options.retry_policy = RetryPolicyFor(config);
  options.attempt_timeout = config.timeout;
  options.trace = config.trace;
  options.impersonate = config.impersonate;
  options.user_agent = config.user_agent;
  options.authenticate = std::move(*authenticate);
  options.wrap = config.wrap;
  // Outside the user's layers, so that these see what it says (6.1).
  if (*plugin) options.wrap.push_back((*plugin)->Authenticate());
  options.env = config.env;
  return http::BuildChain(options, std::move(*transport));
}

Result<std::shared_ptr<const Client>> ClientFor(const Config& config, ClientOptions options) {
  auto base = DefaultServerURL(config);
  if (!base) return base.error();
  options.retry_policy = RetryPolicyFor(config);
  Config with_budget = config;
  if (options.retry_policy) with_budget.retry_policy = *options.retry_policy;
  auto stack = TransportFor(with_budget);
  if (!stack) return stack.error();
  options.base = *std::move(base);
  options.stack = *std::move(stack);
  if (config.warning_handler) options.warning_handler = config.warning_handler;
  options.env = config.env;
  return std::make_shared<const Client>(std::move(options));
}

}  // namespace k8s::rest
