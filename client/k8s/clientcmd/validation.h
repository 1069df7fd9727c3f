#pragma once

// What is wrong with the entries of a kubeconfig (the table of 2.4). Pure but for looking whether
// files can be read.

#include "k8s/clientcmd/kubeconfig.h"

namespace k8s::clientcmd {

inline constexpr const char* kEmptyCluster = "cluster has no server defined";
inline constexpr const char* kEmptyConfiguration =
    "no configuration has been provided, try setting KUBERNETES_MASTER environment variable";

void CheckAuthInfo(const std::string& name, const AuthInfo& user, const Env& env,
                   std::vector<std::string>& problems);
void CheckCluster(const std::string& name, const Cluster& cluster, const Env& env,
                  std::vector<std::string>& problems);
// "invalid configuration: ..." when there are problems.
Result<void> Summarize(const std::vector<std::string>& problems);
Result<http::Url> ParseProxyUrl(const std::string& text);

}  // namespace k8s::clientcmd
