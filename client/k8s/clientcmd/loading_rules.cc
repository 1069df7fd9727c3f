#include "k8s/clientcmd/loading_rules.h"

#include <algorithm>

#include "k8s/base/log.h"
#include "k8s/base/mutant.h"
#include "k8s/base/strings.h"

namespace k8s::clientcmd {

Result<Kubeconfig> LoadingRules::Load() const {
  std::vector<std::string> files = precedence;
  if (!explicit_path.empty()) {
    if (!env.host->Exists(explicit_path)) {
      return ConfigError(Cat("stat ", explicit_path, ": no such file or directory"));
    }
    files = {explicit_path};
  }
  Kubeconfig merged;
  std::vector<std::string> problems;
  std::vector<std::string> missing;
  bool found = false;
  for (const std::string& file : files) {
    if (file.empty()) continue;
    if (!env.host->Exists(file)) {
      missing.push_back(file);
      continue;
    }
    auto config = LoadFromFile(file, env);
    if (!config) {
      problems.push_back(
          Cat("error loading config file \"", file, "\": ", config.error().message()));
      continue;
    }
    found = true;
    if (K8S_MUTANT("later_kubeconfigs_win")) {
      MergeInto(*config, merged);
      merged = *std::move(config);
    } else {
      MergeInto(merged, *config);
    }
  }
  if (warn_if_all_missing && !missing.empty() && !found) {
    Log(1, Cat("Config not found: ", Join(missing, ", ")));
  }
  if (!problems.empty()) return ConfigError(JoinProblems(problems));
  if (!K8S_MUTANT("paths_are_relative_to_the_working_directory")) ResolveLocalPaths(merged, env);
  return merged;
}

std::string RecommendedHomeFile(const Env& env) {
  const std::string home = env.host->GetEnv("HOME").value_or("");
  return home.empty() ? std::string() : Cat(home, "/.kube/config");
}

LoadingRules DefaultLoadingRules(const Env& env) {
  LoadingRules rules;
  rules.env = env;
  const std::string list = env.host->GetEnv("KUBECONFIG").value_or("");
  if (list.empty()) {
    rules.precedence = {RecommendedHomeFile(env)};
    return rules;
  }
  rules.warn_if_all_missing = true;
  for (const std::string_view file : Split(list, ':')) {
    const bool known =
        std::find(rules.precedence.begin(), rules.precedence.end(), file) != rules.precedence.end();
    if (!known) rules.precedence.emplace_back(file);
  }
  return rules;
}

std::string JoinProblems(const std::vector<std::string>& problems) {
  std::vector<std::string> distinct;
  for (const std::string& problem : problems) {
    if (std::find(distinct.begin(), distinct.end(), problem) == distinct.end()) {
      distinct.push_back(problem);
    }
  }
  return distinct.size() == 1 ? distinct[0] : Cat("[", Join(distinct, ", "), "]");
}

}  // namespace k8s::clientcmd
