#pragma once

// Which encodings a client speaks, and the one place that lists them: media type to codec. Values
// and pure functions.

#include <string>
#include <string_view>

#include "k8s/base/result.h"
#include "k8s/machinery/json_codec.h"
#include "k8s/machinery/type_info.h"

namespace k8s::rest {

inline constexpr std::string_view kJson = "application/json";
inline constexpr std::string_view kProtobuf = "application/vnd.kubernetes.protobuf";
inline constexpr std::string_view kYaml = "application/yaml";

struct ContentConfig {
  std::string accept_content_types{};  // sent as Accept when set
  std::string content_type{};          // of request bodies; "" leaves the choice to the call
};

// The table of chapter 3.5: what a call sends. CBOR counts as JSON, because its gates are off.
std::string AcceptFor(const ContentConfig& config, bool prefer_protobuf);
std::string ContentTypeFor(const ContentConfig& config, bool prefer_protobuf);

struct Codec {
  std::string_view media_type;
  Result<void> (*decode)(std::string_view bytes, const TypeInfo& type, void* object,
                         TypeMeta* meta);
  // Null: this media type is only read.
  void (*encode)(const TypeInfo& type, const void* object, const TypeMeta& meta, std::string& out);
  Result<TypeMeta> (*peek)(std::string_view bytes);
};

// The codec of a media type, whatever its parameters; null when there is none.
const Codec* FindCodec(std::string_view media_type);

// The media type without parameters, lower case; an error for what is no media type ("a/b/c").
Result<std::string> ParseMediaType(std::string_view header);

}  // namespace k8s::rest
