#pragma once

// Which kubeconfig files count, and what they say together (2.1, 2.2). Values; Load reads files
// through env.host. Any thread may call it.

#include "k8s/clientcmd/kubeconfig.h"

namespace k8s::clientcmd {

struct LoadingRules {
  std::string explicit_path{};            // only this file, which must exist
  std::vector<std::string> precedence{};  // else these; missing ones are skipped
  bool warn_if_all_missing = false;
  Env env{};

  // All files merged, with absolute paths. An error names every file that cannot be read.
  Result<Kubeconfig> Load() const;
};

// "~/.kube/config", "" without a home.
std::string RecommendedHomeFile(const Env& env = {});
// KUBECONFIG's files, else the home file.
LoadingRules DefaultLoadingRules(const Env& env = {});

// Several problems as one error: "[a, b]", equal ones once.
std::string JoinProblems(const std::vector<std::string>& problems);

}  // namespace k8s::clientcmd
