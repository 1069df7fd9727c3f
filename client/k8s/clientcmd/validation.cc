#include "k8s/clientcmd/validation.h"

#include <algorithm>

#include "k8s/base/strings.h"
#include "k8s/clientcmd/client_config.h"
#include "k8s/machinery/scalars.h"
#include "k8s/rest/exec_plugin.h"

namespace k8s::clientcmd {
namespace {

void CheckReadable(std::string_view what, const std::string& file, const std::string& name,
                   const Env& env, std::vector<std::string>& problems) {
  if (file.empty()) return;
  const auto content = env.host->ReadFile(file);
  if (content) return;
  problems.push_back(Cat("unable to read ", what, " ", file, " for ", name, " due to ",
                         content.error().message()));
}

void CheckCertificate(const std::string& name, const AuthInfo& user, const Env& env,
                      std::vector<std::string>& problems) {
  const bool has_file = !user.client_certificate.empty();
  const bool has_data = !user.client_certificate_data.empty();
  if (!has_file && !has_data) return;
  if (has_file && has_data) {
    problems.push_back(Cat("client-cert-data and client-cert are both specified for ", name,
                           ". client-cert-data will override."));
  }
  if (!user.client_key.empty() && !user.client_key_data.empty()) {
    problems.push_back(Cat("client-key-data and client-key are both specified for ", name,
                           "; client-key-data will override"));
  }
  if (user.client_key.empty() && user.client_key_data.empty()) {
    problems.push_back(Cat("client-key-data or client-key must be specified for ", name,
                           " to use the clientCert authentication method."));
  }
  CheckReadable("client-cert", user.client_certificate, name, env, problems);
  CheckReadable("client-key", user.client_key, name, env, problems);
}

void CheckExec(const std::string& name, const AuthInfo& user, std::vector<std::string>& problems) {
  if (!user.exec) return;
  const rest::ExecConfig& exec = *user.exec;
  const std::string suffix = Cat(" for ", name, " to use exec authentication plugin");
  if (user.auth_provider) {
    problems.push_back(
        Cat("authProvider cannot be provided in combination with an exec plugin for ", name));
  }
  if (exec.command.empty()) problems.push_back(Cat("command must be specified", suffix));
  if (exec.api_version.empty()) problems.push_back(Cat("apiVersion must be specified", suffix));
  for (const auto& variable : exec.env) {
    if (!variable.name.empty()) continue;
    problems.push_back(Cat("env variable name must be specified", suffix));
  }
  const std::string& mode = exec.interactive_mode;
  if (mode.empty()) {
    problems.push_back(Cat("interactiveMode must be specified", suffix));
  } else if (mode != "Never" && mode != "IfAvailable" && mode != "Always") {
    problems.push_back(Cat("invalid interactiveMode for ", name, ": ", Quote(mode)));
  }
  if (auto policy = rest::CheckPluginPolicy(exec.plugin_policy); !policy) {
    problems.push_back(Cat("allowlist misconfiguration: ", policy.error().message()));
  }
}

bool IsWhollyEmpty(const Cluster& cluster) {
  return cluster.location_of_origin.empty() && cluster.server.empty() &&
         cluster.tls_server_name.empty() && !cluster.insecure_skip_tls_verify &&
         cluster.certificate_authority.empty() && cluster.certificate_authority_data.empty() &&
         cluster.proxy_url.empty() && !cluster.disable_compression && cluster.extensions.empty();
}

bool IsDnsLabel(std::string_view text) {
  const auto good = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return !text.empty() && text.size() <= 63 && good(text.front()) && good(text.back()) &&
         std::all_of(text.begin(), text.end(), [&](char c) { return good(c) || c == '-'; });
}

void CheckContext(const std::string& name, const KubeContext& context, const Kubeconfig& config,
                  std::vector<std::string>& problems) {
  if (name.empty()) problems.push_back("empty context name is not allowed");
  if (context.auth_info.empty()) {
    problems.push_back(Cat("user was not specified for context ", Quote(name)));
  } else if (!config.auth_infos.contains(context.auth_info)) {
    problems.push_back(
        Cat("user ", Quote(context.auth_info), " was not found for context ", Quote(name)));
  }
  if (context.cluster.empty()) {
    problems.push_back(Cat("cluster was not specified for context ", Quote(name)));
  } else if (!config.clusters.contains(context.cluster)) {
    problems.push_back(
        Cat("cluster ", Quote(context.cluster), " was not found for context ", Quote(name)));
  }
  if (!context.namespace_.empty() && !IsDnsLabel(context.namespace_)) {
    problems.push_back(Cat("namespace ", Quote(context.namespace_), " for context ", Quote(name),
                           " does not conform to the kubernetes DNS_LABEL rules"));
  }
}

}  // namespace

void CheckAuthInfo(const std::string& name, const AuthInfo& user, const Env& env,
                   std::vector<std::string>& problems) {
  CheckCertificate(name, user, env, problems);
  CheckExec(name, user, problems);
  const bool has_basic = !user.username.empty() || !user.password.empty();
  if (!user.token.empty() && has_basic) {
    problems.push_back(Cat("more than one authentication method found for ", name,
                           "; found [token basicAuth], only one is allowed"));
  }
  const bool asks_more = !user.impersonate_uid.empty() || !user.impersonate_groups.empty() ||
                         !user.impersonate_user_extra.empty();
  if (asks_more && user.impersonate.empty()) {
    problems.push_back(
        Cat("requesting uid, groups or user-extra for ", name, " without impersonating a user"));
  }
}

void CheckCluster(const std::string& name, const Cluster& cluster, const Env& env,
                  std::vector<std::string>& problems) {
  if (IsWhollyEmpty(cluster)) {
    problems.emplace_back(kEmptyCluster);
    return;
  }
  if (cluster.server.empty()) {
    problems.push_back(name.empty() ? "default cluster has no server defined"
                                    : Cat("no server found for cluster ", Quote(name)));
  }
  if (!cluster.proxy_url.empty()) {
    if (const auto proxy = ParseProxyUrl(cluster.proxy_url); !proxy) {
      problems.push_back(Cat("invalid 'proxy-url' ",
                             Quote(http::WithoutUserInfo(cluster.proxy_url)), " for cluster ",
                             Quote(name), ": ", proxy.error().message()));
    }
  }
  if (!cluster.certificate_authority.empty() && !cluster.certificate_authority_data.empty()) {
    problems.push_back(
        Cat("certificate-authority-data and certificate-authority are both specified for ", name,
            ". certificate-authority-data will override."));
  }
  CheckReadable("certificate-authority", cluster.certificate_authority, name, env, problems);
}

Result<void> Summarize(const std::vector<std::string>& problems) {
  if (problems.empty()) return {};
  return ConfigError(Cat("invalid configuration: ", JoinProblems(problems)));
}

Result<http::Url> ParseProxyUrl(const std::string& text) {
  auto url = http::Url::Parse(text);
  if (!url) return ConfigError(Cat("could not parse: ", http::WithoutUserInfo(text)));
  if (url->scheme != "http" && url->scheme != "https" && url->scheme != "socks5") {
    return ConfigError(
        Cat("unsupported scheme ", Quote(url->scheme), ", must be http, https, or socks5"));
  }
  return url;
}

Result<void> Validate(const Kubeconfig& config, const Env& env) {
  if (config.clusters.empty() && config.auth_infos.empty() && config.contexts.empty() &&
      config.current_context.empty()) {
    return Summarize({kEmptyConfiguration});
  }
  std::vector<std::string> problems;
  if (!config.current_context.empty() && !config.contexts.contains(config.current_context)) {
    problems.push_back(
        Cat("context was not found for specified context: ", config.current_context));
  }
  for (const auto& [name, context] : config.contexts) CheckContext(name, context, config, problems);
  for (const auto& [name, user] : config.auth_infos) CheckAuthInfo(name, user, env, problems);
  for (const auto& [name, cluster] : config.clusters) CheckCluster(name, cluster, env, problems);
  return Summarize(problems);
}

bool IsEmptyConfig(const Error& error) {
  return error.code() == Error::Code::kConfig &&
         error.message() == Cat("invalid configuration: ", kEmptyConfiguration);
}

Result<Duration> ParseTimeout(std::string_view text) {
  const Error wrong = ConfigError(
      "invalid timeout value: a timeout must be a single integer in seconds, or an integer "
      "followed "
      "by a corresponding time unit (e.g. 1s | 2m | 3h)");
  if (const auto seconds = ParseInt(text)) {
    if (*seconds < 0 || *seconds > 9'000'000'000) return wrong;
    return Duration(std::chrono::seconds(*seconds));
  }
  if (const auto duration = ParseDuration(text)) return *duration;
  return wrong;
}

}  // namespace k8s::clientcmd
