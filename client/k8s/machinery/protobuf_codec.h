#pragma once

// Protobuf to C++ structs and back, over the same table as JSON, and the envelope that Kubernetes
// puts around an object (chapter 9.5). Pure functions; errors say the byte.

#include <string>
#include <string_view>

#include "k8s/base/result.h"
#include "k8s/machinery/json_codec.h"
#include "k8s/machinery/type_info.h"

namespace k8s {

// Nesting deeper than this is refused.
inline constexpr int kMaxProtobufDepth = 1000;

// The bytes of the message alone, without envelope.
Result<void> DecodeProtobufMessage(std::string_view bytes, const TypeInfo& type, void* object);
void EncodeProtobufMessage(const TypeInfo& type, const void* object, std::string& out);

// "k8s\0" and the message Unknown around it.
struct ProtobufEnvelope {
  TypeMeta meta{};
  std::string_view raw{};  // into the bytes that were given
};
Result<ProtobufEnvelope> OpenEnvelope(std::string_view bytes);

Result<void> DecodeProtobuf(std::string_view bytes, const TypeInfo& type, void* object,
                            TypeMeta* meta = nullptr);
void EncodeProtobuf(const TypeInfo& type, const void* object, const TypeMeta& meta,
                    std::string& out);

// A watch event as it travels in a protobuf stream: type, and the object in its own envelope.
struct ProtobufWatchEvent {
  std::string type{};
  std::string_view object{};  // into the bytes that were given
};
Result<ProtobufWatchEvent> OpenWatchEvent(std::string_view frame);
// Appends the frame: a length in four big-endian bytes, then the event. `object` is an envelope.
void AppendWatchFrame(std::string_view type, std::string_view object, std::string& out);
// What stands in the frame before an object of `size` bytes, which ends it.
void AppendWatchFrameHead(std::string_view type, size_t size, std::string& out);

}  // namespace k8s
