#include "k8s/clientcmd/client_config.h"

#include <algorithm>

#include "k8s/base/log.h"
#include "k8s/base/mutant.h"
#include "k8s/base/strings.h"
#include "k8s/clientcmd/validation.h"

namespace k8s::clientcmd {
namespace {

// The cluster's extension that its plugins see.
constexpr const char* kExecExtension = "client.authentication.k8s.io/exec";
constexpr const char* kServiceAccount = "/var/run/secrets/kubernetes.io/serviceaccount/";

// Members that are set win.
void Merge(std::string& into, const std::string& from) {
  if (!from.empty()) into = from;
}
void Merge(bool& into, bool from) { into = into || from; }
template <class T>
void Merge(std::map<std::string, T>& into, const std::map<std::string, T>& from) {
  for (const auto& [key, value] : from) into[key] = value;
}
template <class T>
void Merge(std::vector<T>& into, const std::vector<T>& from) {
  if (!from.empty()) into = from;
}
template <class T>
void Merge(std::optional<T>& into, const std::optional<T>& from) {
  if (from) into = from;
}

void Merge(Cluster& into, const Cluster& from) {
  Merge(into.location_of_origin, from.location_of_origin);
  Merge(into.server, from.server);
  Merge(into.tls_server_name, from.tls_server_name);
  Merge(into.insecure_skip_tls_verify, from.insecure_skip_tls_verify);
  Merge(into.certificate_authority, from.certificate_authority);
  Merge(into.certificate_authority_data, from.certificate_authority_data);
  Merge(into.proxy_url, from.proxy_url);
  Merge(into.disable_compression, from.disable_compression);
  Merge(into.extensions, from.extensions);
}

void Merge(AuthInfo& into, const AuthInfo& from) {
  // A file must not stay beside data that overrides it, nor the reverse.
  if (!from.client_certificate.empty() || !from.client_certificate_data.empty()) {
    into.client_certificate = from.client_certificate;
    into.client_certificate_data = from.client_certificate_data;
  }
  if (!from.client_key.empty() || !from.client_key_data.empty()) {
    into.client_key = from.client_key;
    into.client_key_data = from.client_key_data;
  }
  Merge(into.location_of_origin, from.location_of_origin);
  Merge(into.token, from.token);
  Merge(into.token_file, from.token_file);
  Merge(into.impersonate, from.impersonate);
  Merge(into.impersonate_uid, from.impersonate_uid);
  Merge(into.impersonate_groups, from.impersonate_groups);
  Merge(into.impersonate_user_extra, from.impersonate_user_extra);
  Merge(into.username, from.username);
  Merge(into.password, from.password);
  Merge(into.auth_provider, from.auth_provider);
  Merge(into.exec, from.exec);
  Merge(into.extensions, from.extensions);
}

// A hint is printed, and a file must not take a terminal over with it: control characters other
// than blanks become their numbers.
std::string WithoutControls(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    auto byte = static_cast<unsigned char>(text[i]);
    bool control = (byte < 0x20 && (byte < 0x09 || byte > 0x0d)) || byte == 0x7f;
    // Those from 0x80 to 0x9f are two bytes.
    if (byte == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0) {
      byte = static_cast<unsigned char>(text[++i]);
      control = true;
    }
    if (control) {
      out += Cat("U+00", kHex.substr(byte >> 4, 1), kHex.substr(byte & 15, 1));
    } else {
      out += text[i];
    }
  }
  return out;
}

// Credentials and the server's identity; only for https (2.4).
Result<void> AddIdentities(const AuthInfo& user, const Cluster& cluster, rest::Config& config) {
  config.tls.insecure = K8S_MUTANT("servers_are_not_verified") || cluster.insecure_skip_tls_verify;
  config.tls.server_name = K8S_MUTATED("server_name_is_lost", "", cluster.tls_server_name);
  config.tls.ca_file = cluster.certificate_authority;
  config.tls.ca_data = cluster.certificate_authority_data;
  config.tls.cert_file = user.client_certificate;
  config.tls.cert_data = user.client_certificate_data;
  config.tls.key_file = user.client_key;
  config.tls.key_data = user.client_key_data;
  config.username = user.username;
  config.password = user.password;
  config.auth_provider = user.auth_provider;
  config.exec_provider = user.exec;
  if (config.exec_provider) {
    if (const auto known = cluster.extensions.find(kExecExtension);
        known != cluster.extensions.end()) {
      config.exec_provider->config = known->second;
    }
    config.exec_provider->install_hint = WithoutControls(config.exec_provider->install_hint);
  }
  config.bearer_token = user.token;
  config.bearer_token_file = user.token_file;
  if (user.token.empty() && !user.token_file.empty()) {
    auto token = config.env.host->ReadFile(user.token_file);
    if (!token) return token.error();
    config.bearer_token = std::move(*token);
  }
  return {};
}

}  // namespace

DirectClientConfig::DirectClientConfig(Kubeconfig config, ConfigOverrides overrides, Env env,
                                       std::string context_name)
    : config_(std::move(config)),
      overrides_(std::move(overrides)),
      env_(std::move(env)),
      context_name_(std::move(context_name)) {}

std::pair<std::string, bool> DirectClientConfig::ContextName() const {
  if (!overrides_.current_context.empty()) return {overrides_.current_context, true};
  if (!context_name_.empty()) return {context_name_, false};
  return {config_.current_context, false};
}

std::pair<std::string, bool> DirectClientConfig::AuthInfoName() const {
  if (!overrides_.context.auth_info.empty()) return {overrides_.context.auth_info, true};
  const auto context = SelectContext();
  return {context ? context->auth_info : std::string(), false};
}

std::pair<std::string, bool> DirectClientConfig::ClusterName() const {
  if (!overrides_.context.cluster.empty()) return {overrides_.context.cluster, true};
  const auto context = SelectContext();
  return {context ? context->cluster : std::string(), false};
}

Result<KubeContext> DirectClientConfig::SelectContext() const {
  const auto [name, required] = ContextName();
  KubeContext context;
  if (const auto found = config_.contexts.find(name); found != config_.contexts.end()) {
    context = found->second;
  } else if (required) {
    return ConfigError(Cat("context ", Quote(name), " does not exist"));
  }
  Merge(context.cluster, overrides_.context.cluster);
  Merge(context.auth_info, overrides_.context.auth_info);
  Merge(context.namespace_, overrides_.context.namespace_);
  return context;
}

Result<AuthInfo> DirectClientConfig::SelectAuthInfo() const {
  const auto [name, required] = AuthInfoName();
  AuthInfo user;
  if (const auto found = config_.auth_infos.find(name); found != config_.auth_infos.end()) {
    user = found->second;
  } else if (required) {
    return ConfigError(Cat("auth info ", Quote(name), " does not exist"));
  }
  Merge(user, overrides_.auth_info);
  return user;
}

Result<Cluster> DirectClientConfig::SelectCluster() const {
  const auto [name, required] = ClusterName();
  Cluster cluster = overrides_.cluster_defaults;
  if (const auto found = config_.clusters.find(name); found != config_.clusters.end()) {
    Merge(cluster, found->second);
  } else if (required) {
    return ConfigError(Cat("cluster ", Quote(name), " does not exist"));
  }
  const Cluster& over = overrides_.cluster_info;
  Merge(cluster, over);
  // One of the three replaces them all: a CA beside "insecure" would be an error (C-2.14).
  if (over.insecure_skip_tls_verify || !over.certificate_authority.empty() ||
      !over.certificate_authority_data.empty()) {
    cluster.insecure_skip_tls_verify = over.insecure_skip_tls_verify;
    cluster.certificate_authority = over.certificate_authority;
    cluster.certificate_authority_data = over.certificate_authority_data;
  }
  // Another server has another name (C-2.13).
  if (!over.server.empty() || !over.tls_server_name.empty()) {
    cluster.tls_server_name = over.tls_server_name;
  }
  return cluster;
}

Result<void> DirectClientConfig::ConfirmUsable() const {
  std::vector<std::string> problems;
  std::vector<std::string> places;  // of what is wrong, each once
  const auto at = [&](const std::string& place) {
    const bool known = std::find(places.begin(), places.end(), place) != places.end();
    if (!place.empty() && !known) places.push_back(place);
  };
  const std::string context = ContextName().first;
  if (!context.empty() && !config_.contexts.contains(context)) {
    problems.push_back(Cat("context was not found for specified context: ", context));
    if (context == config_.current_context) {
      at(PlaceOf(config_.current_context_origin, "current-context", "", env_));
    }
  }
  const auto user = SelectAuthInfo();
  size_t before = problems.size();
  CheckAuthInfo(AuthInfoName().first, user ? *user : AuthInfo{}, env_, problems);
  if (user && problems.size() > before) {
    at(PlaceOf(user->location_of_origin, "users", AuthInfoName().first, env_));
  }
  const auto cluster = SelectCluster();
  before = problems.size();
  CheckCluster(ClusterName().first, cluster ? *cluster : Cluster{}, env_, problems);
  if (before == 0 && problems.size() == 1 && problems[0] == kEmptyCluster) {
    problems[0] = kEmptyConfiguration;
  } else if (cluster && problems.size() > before) {
    at(PlaceOf(cluster->location_of_origin, "clusters", ClusterName().first, env_));
  }
  auto summary = Summarize(problems);
  if (summary || places.empty()) return summary;
  return summary.error().WithMessage(
      Cat(summary.error().message(), " (see ", Join(places, ", "), ")"));
}

Result<rest::Config> DirectClientConfig::ClientConfig() const {
  // Names that an override gave come first: they are the immediate cause.
  const auto user = SelectAuthInfo();
  if (!user) return user.error();
  if (const auto context = SelectContext(); !context) return context.error();
  const auto cluster = SelectCluster();
  if (!cluster) return cluster.error();
  if (auto usable = ConfirmUsable(); !usable) return usable.error();

  rest::Config config;
  config.env = env_;
  config.host = cluster->server;
  if (!cluster->proxy_url.empty()) {
    auto proxy = ParseProxyUrl(cluster->proxy_url);
    if (!proxy) return proxy.error();
    config.proxy = http::FixedProxy(std::move(*proxy));
  }
  config.disable_compression = cluster->disable_compression;
  if (!overrides_.timeout.empty()) {
    const auto timeout = ParseTimeout(overrides_.timeout);
    if (!timeout) return timeout.error();
    config.timeout = *timeout;
  }
  const auto url = http::Url::Parse(config.host);
  if (url && (!url->scheme.empty() || config.host.starts_with('/')) && url->path.size() > 1) {
    config.host = config.host.substr(0, config.host.find_first_of("?#"));
  }
  if (!user->impersonate.empty()) {
    config.impersonate = {user->impersonate, user->impersonate_uid, user->impersonate_groups,
                          user->impersonate_user_extra};
  }
  if (rest::IsConfigTransportTLS(config)) {
    if (auto added = AddIdentities(*user, *cluster, config); !added) return added.error();
  }
  return config;
}

Result<NamespaceChoice> DirectClientConfig::Namespace() const {
  // An override counts even without any configuration.
  if (!overrides_.context.namespace_.empty()) {
    return NamespaceChoice{overrides_.context.namespace_, true};
  }
  if (auto usable = ConfirmUsable(); !usable) return usable.error();
  const auto context = SelectContext();
  if (!context) return context.error();
  return NamespaceChoice{context->namespace_.empty() ? "default" : context->namespace_, false};
}

DeferredLoadingClientConfig::DeferredLoadingClientConfig(LoadingRules rules,
                                                         ConfigOverrides overrides)
    : rules_(std::move(rules)), overrides_(std::move(overrides)) {}

bool DeferredLoadingClientConfig::InClusterIsPossible() const {
  const Host& host = *rules_.env.host;
  const std::string token = Cat(kServiceAccount, "token");
  return !host.GetEnv("KUBERNETES_SERVICE_HOST").value_or("").empty() &&
         !host.GetEnv("KUBERNETES_SERVICE_PORT").value_or("").empty() && host.Exists(token) &&
         !host.IsDirectory(token);
}

Result<rest::Config> DeferredLoadingClientConfig::InCluster() const {
  auto config = rest::InClusterConfig(rules_.env);
  if (!config) return config;
  const AuthInfo& user = overrides_.auth_info;
  if (!overrides_.cluster_info.server.empty()) config->host = overrides_.cluster_info.server;
  if (!user.token.empty() || !user.token_file.empty()) {
    config->bearer_token = user.token;
    config->bearer_token_file = user.token_file;
  }
  if (!overrides_.cluster_info.certificate_authority.empty()) {
    config->tls.ca_file = overrides_.cluster_info.certificate_authority;
  }
  return config;
}

std::string DeferredLoadingClientConfig::InClusterNamespace() const {
  const Host& host = *rules_.env.host;
  if (const auto name = host.GetEnv("POD_NAMESPACE"); name && !name->empty()) return *name;
  if (const auto file = host.ReadFile(Cat(kServiceAccount, "namespace"))) {
    if (const auto name = Trim(*file); !name.empty()) return std::string(name);
  }
  return "default";
}

Result<rest::Config> DeferredLoadingClientConfig::ClientConfig() const {
  auto merged = rules_.Load();
  if (!merged) return merged.error();
  auto config = DirectClientConfig(std::move(*merged), overrides_, rules_.env).ClientConfig();
  if (config || !IsEmptyConfig(config.error()) || !InClusterIsPossible()) return config;
  return InCluster();
}

Result<NamespaceChoice> DeferredLoadingClientConfig::Namespace() const {
  auto merged = rules_.Load();
  if (!merged) return merged.error();
  const DirectClientConfig direct(std::move(*merged), overrides_, rules_.env);
  auto choice = direct.Namespace();
  const bool failed = !choice && !IsEmptyConfig(choice.error());
  if (failed || (choice && choice->overridden) || !InClusterIsPossible()) return choice;
  if (choice) {
    if (choice->name != "default") return choice;
    // "default" counts only when the file says so.
    const Kubeconfig& raw = direct.RawConfig();
    const auto context = raw.contexts.find(
        overrides_.current_context.empty() ? raw.current_context : overrides_.current_context);
    if (context != raw.contexts.end() && !context->second.namespace_.empty()) return choice;
  }
  return NamespaceChoice{InClusterNamespace(), false};
}

Result<rest::Config> BuildConfigFromFlags(const std::string& master_url,
                                          const std::string& kubeconfig_path, const Env& env) {
  if (master_url.empty() && kubeconfig_path.empty()) {
    Log(0,
        "Neither --kubeconfig nor --master was specified. Using the inClusterConfig. This might "
        "not work.");
    auto config = rest::InClusterConfig(env);
    if (config) return config;
    Log(0, Cat("error creating inClusterConfig, falling back to default config: ",
               config.error().message()));
  }
  LoadingRules rules;
  rules.explicit_path = kubeconfig_path;
  rules.env = env;
  ConfigOverrides overrides;
  overrides.cluster_info.server = master_url;
  return DeferredLoadingClientConfig(std::move(rules), std::move(overrides)).ClientConfig();
}

std::string NamespaceFromFlag(std::string_view text) {
  for (const std::string_view prefix : {"ns/", "namespace/", "namespaces/"}) {
    if (EqualsIgnoreCase(text.substr(0, prefix.size()), prefix)) {
      return std::string(text.substr(prefix.size()));
    }
  }
  return std::string(text);
}

}  // namespace k8s::clientcmd
