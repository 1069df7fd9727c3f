#pragma once

// JSON text to C++ structs and back, straight over the table: no tree, no events in between. Pure
// functions; errors say the byte and the field. Conventions: chapter 9.1.

#include <string>
#include <string_view>
#include <vector>

#include "k8s/base/result.h"
#include "k8s/machinery/type_info.h"

namespace k8s {

// Which kind an encoded object says it is.
struct TypeMeta {
  std::string api_version{};
  std::string kind{};
  friend bool operator==(const TypeMeta&, const TypeMeta&) = default;
};

// Fills a fresh object. Unknown members are skipped, of duplicates the last one wins, null leaves a
// zero value. meta, if given, gets the document's kind and apiVersion. strict, if given, gets
// `unknown field "spec.x"` and `duplicate field "spec.y"` for each of these.
// REQUIRES: object is of the type that the table describes.
Result<void> DecodeJson(std::string_view text, const TypeInfo& type, void* object,
                        TypeMeta* meta = nullptr, std::vector<std::string>* strict = nullptr);

// The same of the value at the front of the text, whatever follows it; says where it ends.
Result<size_t> DecodeJsonFront(std::string_view text, const TypeInfo& type, void* object);

// A frame of a watch stream, {"type": ..., "object": ...}, in one pass: the object is decoded as
// above. What the object is said to be lands in meta; object_text is its text, for whoever must
// read it as something else.
struct JsonWatchEvent {
  std::string type{};
  TypeMeta meta{};
  std::string_view object_text{};
};
Result<void> DecodeJsonWatchEvent(std::string_view frame, const TypeInfo& type, void* object,
                                  JsonWatchEvent& event);
// The same of the frame at the front of the text, whatever follows it; says where it ends. Text
// that ends too early leaves in the object what is overwritten when it is read again with more
// behind it.
Result<size_t> DecodeJsonWatchEventFront(std::string_view text, const TypeInfo& type, void* object,
                                         JsonWatchEvent& event);

// Appends the object in Go's order; a non-empty meta puts kind and apiVersion in front. No line
// end.
void EncodeJson(const TypeInfo& type, const void* object, const TypeMeta& meta, std::string& out);

// The same without anything that is zero: what Apply sends, since a member left alone is no
// opinion.
void EncodeSparseJson(const TypeInfo& type, const void* object, const TypeMeta& meta,
                      std::string& out);

// The kind and apiVersion of a document, without reading the rest of it.
Result<TypeMeta> PeekTypeMeta(std::string_view text);

// An error when no document begins with this text, whatever may follow.
Result<void> CheckJsonPrefix(std::string_view text);

// Without the blanks between tokens. REQUIRES: text is valid JSON.
std::string CompactJson(std::string_view text);

}  // namespace k8s
