// Any text as a kubeconfig. What can be read can be reduced to its current context and printed.

#include <cstdint>
#include <cstdlib>

#include "k8s/clientcmd/kubeconfig.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  auto config = k8s::clientcmd::Load(text);
  if (!config) return 0;
  if (!k8s::clientcmd::Load(k8s::clientcmd::Write(*config))) std::abort();
  static_cast<void>(k8s::clientcmd::MinifyConfig(*config));
  return 0;
}
