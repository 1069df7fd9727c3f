// Any text as a field selector: what can be read prints as a selector that prints the same, once
// "==" has become "=". Terms are sorted by their text, so that the first printing may move some.

#include <cstdint>
#include <cstdlib>

#include "k8s/machinery/fields.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto selector = k8s::fields::Selector::Parse(text);
  if (!selector) return 0;
  const auto again = k8s::fields::Selector::Parse(selector->String());
  if (!again) std::abort();
  const auto settled = k8s::fields::Selector::Parse(again->String());
  if (!settled || settled->String() != again->String()) std::abort();
  const k8s::fields::Set fields = {{"metadata.name", "a"}, {"status.phase", ""}};
  if (again->Matches(fields) != selector->Matches(fields)) std::abort();
  return 0;
}
