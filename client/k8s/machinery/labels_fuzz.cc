// Any text as a label selector: what can be read prints as a selector that prints the same.

#include <cstdint>
#include <cstdlib>

#include "k8s/machinery/labels.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto selector = k8s::labels::Selector::Parse(text);
  if (!selector) return 0;
  const auto again = k8s::labels::Selector::Parse(selector->String());
  if (!again || again->String() != selector->String()) std::abort();
  const k8s::labels::Set labels = {{"a", "1"}, {"example.com/b", ""}, {"c", "x"}};
  if (again->Matches(labels) != selector->Matches(labels)) std::abort();
  return 0;
}
