// Any text as a quantity, a duration, a time: what can be read is canonical once it is written.

#include <cstdint>
#include <cstdlib>

#include "k8s/base/result.h"
#include "k8s/machinery/quantity.h"
#include "k8s/machinery/scalars.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto quantity = k8s::Quantity::Parse(text)) {
    const auto again = k8s::Quantity::Parse(quantity->String());
    if (!again || again->String() != quantity->String()) std::abort();
    if (!(*again == *quantity)) std::abort();
    k8s::Quantity sum = *quantity;
    sum += "1";
    sum -= *quantity;
    static_cast<void>(sum.Value() + (sum.MilliValue() & 1));
  }
  if (const auto duration = k8s::ParseDuration(text)) {
    if (k8s::ParseDuration(k8s::FormatDuration(*duration)) != duration) std::abort();
  }
  if (const auto time = k8s::MicroTime::Parse(text); time && time->seconds > 0) {
    static_cast<void>(k8s::MicroTime::Parse(time->String()));
  }
  if (const auto time = k8s::Time::Parse(text)) static_cast<void>(time->String());
  return 0;
}
