#include "k8s/rest/content.h"

#include <array>

#include "k8s/base/mutant.h"
#include "k8s/base/strings.h"
#include "k8s/machinery/json.h"
#include "k8s/machinery/protobuf_codec.h"
#include "k8s/machinery/yaml.h"

namespace k8s::rest {
namespace {

void EncodeJsonLine(const TypeInfo& type, const void* object, const TypeMeta& meta,
                    std::string& out) {
  EncodeJson(type, object, meta, out);
  out += '\n';  // as Go's encoder ends a document
}

Result<std::string> YamlAsJson(std::string_view bytes) {
  auto documents = ParseYaml(bytes);
  if (!documents) return documents.error();
  if (documents->size() != 1) return DecodeError("yaml: expected exactly one document");
  return ToJson(documents->front().value);
}

Result<void> DecodeYaml(std::string_view bytes, const TypeInfo& type, void* object,
                        TypeMeta* meta) {
  const auto json = YamlAsJson(bytes);
  if (!json) return json.error();
  return DecodeJson(*json, type, object, meta);
}

Result<TypeMeta> PeekYaml(std::string_view bytes) {
  const auto json = YamlAsJson(bytes);
  if (!json) return json.error();
  return PeekTypeMeta(*json);
}

Result<TypeMeta> PeekProtobuf(std::string_view bytes) {
  auto envelope = OpenEnvelope(bytes);
  if (!envelope) return envelope.error();
  return std::move(envelope->meta);
}

constexpr std::array<Codec, 3> kCodecs = {{
    {kJson,
     [](std::string_view bytes, const TypeInfo& type, void* object, TypeMeta* meta) {
       return DecodeJson(bytes, type, object, meta);
     },
     &EncodeJsonLine, &PeekTypeMeta},
    {kProtobuf, &DecodeProtobuf, &EncodeProtobuf, &PeekProtobuf},
    {kYaml, &DecodeYaml, nullptr, &PeekYaml},
}};

bool IsToken(std::string_view text) {
  return !text.empty() && text.find_first_of(" \t\r\n()<>@,;:\\\"/[]?=") == std::string_view::npos;
}

std::string CborAsJson(std::string text) {
  constexpr std::string_view kCbor = "application/cbor";
  for (size_t at; (at = text.find(kCbor)) != std::string::npos;) {
    text.replace(at, kCbor.size(), kJson);
  }
  return text;
}

}  // namespace

std::string ContentTypeFor(const ContentConfig& config, bool prefer_protobuf) {
  if (!config.content_type.empty()) return CborAsJson(config.content_type);
  const bool protobuf = prefer_protobuf && config.accept_content_types.empty();
  return std::string(protobuf ? kProtobuf : kJson);
}

std::string AcceptFor(const ContentConfig& config, bool prefer_protobuf) {
  if (!config.accept_content_types.empty()) return CborAsJson(config.accept_content_types);
  if (config.content_type.empty() && prefer_protobuf)
    return K8S_MUTATED("json_is_preferred", Cat(kJson, ",", kProtobuf), Cat(kProtobuf, ",", kJson));
  return Cat(ContentTypeFor(config, false), K8S_MUTATED("accepts_one_type", "", ", */*"));
}

const Codec* FindCodec(std::string_view media_type) {
  const std::string_view bare = Trim(media_type.substr(0, media_type.find(';')));
  for (const Codec& codec : kCodecs) {
    if (EqualsIgnoreCase(codec.media_type, bare)) return &codec;
  }
  return nullptr;
}

Result<std::string> ParseMediaType(std::string_view header) {
  const std::string_view bare = Trim(header.substr(0, header.find(';')));
  const size_t slash = bare.find('/');
  if (slash == std::string_view::npos) {
    if (!IsToken(bare)) return DecodeError("mime: no media type");
    return ToLower(bare);
  }
  if (!IsToken(bare.substr(0, slash))) return DecodeError("mime: expected token before slash");
  const std::string_view rest = bare.substr(slash + 1);
  if (rest.find('/') != std::string_view::npos) {
    return DecodeError("mime: unexpected content after media subtype");
  }
  if (!IsToken(rest)) return DecodeError("mime: expected token after slash");
  return ToLower(bare);
}

}  // namespace k8s::rest
