// Lists the Deployments of the namespace "default".
//
//   list_deployments [--kubeconfig FILE]

#include <iostream>
#include <string>
#include <string_view>

#include "k8s/api/appsv1.h"
#include "k8s/clientcmd/client_config.h"
#include "k8s/kubernetes/clientset.h"
#include "k8s/rest/config.h"

namespace {

// The argument after `name`, else `otherwise`.
std::string Flag(int argc, char** argv, std::string_view name, std::string otherwise) {
  for (int i = 1; i + 1 < argc; ++i) {
    if (argv[i] == name) return argv[i + 1];
  }
  return otherwise;
}

}  // namespace

// Inside a cluster as its service account, elsewhere by --kubeconfig FILE or ~/.kube/config.
int main(int argc, char** argv) try {
  const std::string kubeconfig =
      Flag(argc, argv, "--kubeconfig", k8s::clientcmd::RecommendedHomeFile());
  const auto config = k8s::rest::InClusterConfig().or_else(
      [&](const k8s::Error&) { return k8s::clientcmd::BuildConfigFromFlags("", kubeconfig); });
  const auto clientset = k8s::Clientset::NewForConfig(config.value()).value();
  const auto deployments = clientset.AppsV1().Deployments("default").List().value();
  for (int index = 1; const auto& deployment : deployments.items) {
    std::cout << index++ << " -> " << deployment.metadata.name << '\n';
  }
} catch (const k8s::BadResult& failure) {
  std::cerr << failure.error() << '\n';
  return 1;
}
