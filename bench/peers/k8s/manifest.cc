// Writes the pods of the comparisons as a JSON List, for fakeapiserver --load.
//
//   peers_manifest COUNT > pods.json

#include <cstdio>

#include "k8s/base/strings.h"
#include "k8s/machinery/json_codec.h"
#include "sample_pods.h"

int main(int argc, char** argv) {
  const auto count = argc == 2 ? k8s::ParseInt(argv[1]) : std::nullopt;
  if (!count || *count < 1 || *count > 1'000'000) {
    std::fprintf(stderr, "usage: peers_manifest COUNT > pods.json\n");
    return 2;
  }
  std::printf(R"({"apiVersion":"v1","kind":"List","items":[)");
  for (int i = 0; i < *count; ++i) {
    k8s::corev1::Pod pod = k8s::bench::SamplePod(i);
    pod.metadata.resourceVersion.clear();  // a server refuses to create what has one
    std::string json = i == 0 ? "\n" : ",\n";
    k8s::EncodeJson(k8s::TypeOf<k8s::corev1::Pod>(), &pod, {"v1", "Pod"}, json);
    std::fwrite(json.data(), 1, json.size(), stdout);
  }
  std::printf("\n]}\n");
  return std::fflush(stdout) == 0 ? 0 : 1;
}
