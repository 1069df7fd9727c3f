// Follows the Pods of a namespace until Ctrl-C, or until --count events have come.
//
//   watch_pods [--kubeconfig FILE] [--namespace NAME] [--count N]

#include <iostream>
#include <string>
#include <string_view>

#include "k8s/api/corev1.h"
#include "k8s/clientcmd/client_config.h"
#include "k8s/kubernetes/clientset.h"

namespace {

// The argument after `name`, else `otherwise`.
std::string Flag(int argc, char** argv, std::string_view name, std::string otherwise) {
  for (int i = 1; i + 1 < argc; ++i) {
    if (argv[i] == name) return argv[i + 1];
  }
  return otherwise;
}

// A watch is a range; why it ended is asked afterwards. An ended watch is opened again where it
// stopped, as a server ends every watch after some minutes.
k8s::Result<void> Follow(const k8s::Clientset& clientset, const std::string& namespace_,
                         int count) {
  const auto pods = clientset.CoreV1().Pods(namespace_);
  std::string version;
  while (true) {
    auto watch = pods.Watch({.resourceVersion = version});
    if (!watch) return watch.error();
    for (const auto& [type, pod] : *watch) {
      if (type == k8s::rest::kError) return k8s::Error::Api(*watch->status());
      std::cout << type << ' ' << pod.metadata.name << ' ' << pod.status.phase << std::endl;
      version = pod.metadata.resourceVersion;
      if (--count == 0) return {};
    }
    if (watch->error()) return *watch->error();
  }
}

}  // namespace

int main(int argc, char** argv) try {
  const auto config = k8s::clientcmd::BuildConfigFromFlags(
      "", Flag(argc, argv, "--kubeconfig", k8s::clientcmd::RecommendedHomeFile()));
  const auto clientset = k8s::Clientset::NewForConfig(config.value()).value();
  const int count = std::stoi(Flag(argc, argv, "--count", "0"));
  Follow(clientset, Flag(argc, argv, "--namespace", "default"), count).value();
} catch (const std::exception& failure) {
  std::cerr << failure.what() << '\n';
  return 1;
}
