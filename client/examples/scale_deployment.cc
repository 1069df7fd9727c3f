// Scales a Deployment: reads it, changes it, writes it, and begins again when somebody was faster.
//
//   scale_deployment NAME REPLICAS [--kubeconfig FILE]

#include <iostream>
#include <string>
#include <string_view>

#include "k8s/api/appsv1.h"
#include "k8s/clientcmd/client_config.h"
#include "k8s/kubernetes/clientset.h"
#include "k8s/tools/retry.h"

namespace {

k8s::Result<k8s::appsv1::Deployment> Scale(const k8s::Clientset& clientset, const std::string& name,
                                           int32_t replicas) {
  const auto deployments = clientset.AppsV1().Deployments("default");
  return k8s::retry::RetryOnConflict(k8s::retry::kDefaultRetry, [&] {
    return deployments.Get(name).and_then([&](k8s::appsv1::Deployment deployment) {
      deployment.spec.replicas = replicas;
      return deployments.Update(deployment);
    });
  });
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 3) {
    std::cerr << "usage: scale_deployment NAME REPLICAS [--kubeconfig FILE]\n";
    return 2;
  }
  std::string kubeconfig = k8s::clientcmd::RecommendedHomeFile();
  if (argc > 4 && std::string_view(argv[3]) == "--kubeconfig") kubeconfig = argv[4];
  const auto config = k8s::clientcmd::BuildConfigFromFlags("", kubeconfig);
  const auto clientset = k8s::Clientset::NewForConfig(config.value()).value();
  const auto scaled = Scale(clientset, argv[1], std::stoi(argv[2])).value();
  std::cout << scaled.metadata.name << " has " << *scaled.spec.replicas << " replicas\n";
} catch (const std::exception& failure) {
  std::cerr << failure.what() << '\n';
  return 1;
}
