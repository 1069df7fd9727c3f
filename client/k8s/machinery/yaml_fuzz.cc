// Any text as YAML: what can be read is written and read again as the same.

#include <cstdint>
#include <cstdlib>

#include "k8s/machinery/json.h"
#include "k8s/machinery/yaml.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto documents = k8s::ParseYaml(text);
  if (!documents) return 0;
  for (const k8s::YamlDocument& document : *documents) {
    // Infinity and NaN exist in YAML alone; JSON's way through is the reference.
    const auto value = k8s::ParseJson(k8s::ToJson(document.value));
    if (!value) std::abort();
    const auto again = k8s::ParseYamlDocument(k8s::ToYaml(*value));
    if (!again || !(*again == *value)) std::abort();
  }
  return 0;
}
