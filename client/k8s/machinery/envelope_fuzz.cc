// Any bytes as the two frames around protobuf objects.

#include <cstdint>
#include <cstdlib>

#include "k8s/machinery/protobuf_codec.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  static_cast<void>(k8s::OpenEnvelope(bytes));
  const auto event = k8s::OpenWatchEvent(bytes);
  if (!event) return 0;
  static_cast<void>(k8s::OpenEnvelope(event->object));
  std::string frame;
  k8s::AppendWatchFrame(event->type, event->object, frame);
  const auto again = k8s::OpenWatchEvent(std::string_view(frame).substr(4));
  if (!again || again->type != event->type || again->object != event->object) std::abort();
  return 0;
}
