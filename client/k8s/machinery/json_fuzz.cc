// Any text as JSON: what can be read is written, read again and written the same.

#include <cstdint>
#include <cstdlib>

#include "k8s/machinery/json.h"
#include "k8s/machinery/json_codec.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::vector<std::string> duplicates;
  const auto value = k8s::ParseJson(text, &duplicates);
  static_cast<void>(k8s::PeekTypeMeta(text));
  if (!value) return 0;
  const std::string written = k8s::ToJson(*value);
  const auto again = k8s::ParseJson(written);
  if (!again || k8s::ToJson(*again) != written) std::abort();
  if (k8s::ToJson(*k8s::ParseJson(k8s::ToPrettyJson(*value))) != written) std::abort();
  if (!k8s::ParseJson(k8s::CompactJson(text))) std::abort();
  // The copy is what is tested.
  const k8s::Value copy = *value;  // NOLINT(performance-unnecessary-copy-initialization)
  if (!(copy == *value)) std::abort();
  return 0;
}
