#pragma once

// From kubeconfig entries and command line overrides to a rest::Config (2.4, 2.5). Values; files
// are read through the Env of the loading rules. Any thread may call it.

#include "k8s/clientcmd/loading_rules.h"

namespace k8s::clientcmd {

// What a command line says. Non-empty members win over the files.
struct ConfigOverrides {
  AuthInfo auth_info{};
  Cluster cluster_info{};
  Cluster cluster_defaults{};  // what applies before the file's cluster
  KubeContext context{};       // its cluster and user name entries that must exist
  std::string current_context{};
  std::string timeout{};  // "7" (seconds) or "1m30s"
};

struct NamespaceChoice {
  std::string name{};
  bool overridden = false;
};

// One merged kubeconfig and its overrides.
class DirectClientConfig {
 public:
  DirectClientConfig(Kubeconfig config, ConfigOverrides overrides, Env env,
                     std::string context_name = {});

  Result<rest::Config> ClientConfig() const;
  Result<NamespaceChoice> Namespace() const;
  // The problems of the selected user and cluster, as one error.
  Result<void> ConfirmUsable() const;
  const Kubeconfig& RawConfig() const { return config_; }

 private:
  std::pair<std::string, bool> ContextName() const;  // and whether it must exist
  std::pair<std::string, bool> AuthInfoName() const;
  std::pair<std::string, bool> ClusterName() const;
  Result<KubeContext> SelectContext() const;
  Result<AuthInfo> SelectAuthInfo() const;
  Result<Cluster> SelectCluster() const;

  Kubeconfig config_;
  ConfigOverrides overrides_;
  Env env_;
  std::string context_name_;
};

// Loads the files when it is asked, and falls back to the pod's own config when they say nothing.
class DeferredLoadingClientConfig {
 public:
  DeferredLoadingClientConfig(LoadingRules rules, ConfigOverrides overrides);

  Result<rest::Config> ClientConfig() const;
  Result<NamespaceChoice> Namespace() const;
  Result<Kubeconfig> RawConfig() const { return rules_.Load(); }

 private:
  bool InClusterIsPossible() const;
  Result<rest::Config> InCluster() const;
  std::string InClusterNamespace() const;

  LoadingRules rules_;
  ConfigOverrides overrides_;
};

// The file `kubeconfig_path` with the server `master_url` over it; both empty: in-cluster, and only
// then. KUBECONFIG and the home file are not looked at (C-2.18).
Result<rest::Config> BuildConfigFromFlags(const std::string& master_url,
                                          const std::string& kubeconfig_path, const Env& env = {});

// Checks every entry of a file, not only the selected ones.
Result<void> Validate(const Kubeconfig& config, const Env& env = {});
// There is no configuration at all, as opposed to a wrong one.
bool IsEmptyConfig(const Error& error);
// Seconds, or a Go duration.
Result<Duration> ParseTimeout(std::string_view text);
// What --namespace means: "ns/a" is "a".
std::string NamespaceFromFlag(std::string_view text);

}  // namespace k8s::clientcmd
