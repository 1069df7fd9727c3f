#include "fakeapiserver/protobuf.h"

#include "k8s/api/metav1.h"
#include "k8s/base/strings.h"
#include "k8s/machinery/json.h"
#include "k8s/machinery/protobuf_codec.h"

namespace k8s::fakeapiserver {
namespace {

// An object of a type that only its table knows.
class AnyStruct {
 public:
  explicit AnyStruct(const TypeInfo& type) : type_(type), object_(type.create()) {}
  AnyStruct(const AnyStruct&) = delete;
  AnyStruct& operator=(const AnyStruct&) = delete;
  ~AnyStruct() { type_.destroy(object_); }
  void* get() { return object_; }

 private:
  const TypeInfo& type_;
  void* object_;
};

void AppendVarint(uint64_t number, std::string& out) {
  for (; number >= 0x80; number >>= 7) out += static_cast<char>(number | 0x80);
  out += static_cast<char>(number);
}
size_t VarintSize(uint64_t number) {
  size_t size = 1;
  for (; number >= 0x80; number >>= 7) ++size;
  return size;
}
constexpr char Tag(int field) { return static_cast<char>(field << 3 | 2); }
void AppendField(int field, std::string_view bytes, std::string& out) {
  out += Tag(field);
  AppendVarint(bytes.size(), out);
  out += bytes;
}

// What stands before a message of `size` bytes in its envelope.
std::string EnvelopeHead(std::string_view api_version, std::string_view kind, size_t size) {
  std::string meta;
  AppendField(1, api_version, meta);
  AppendField(2, kind, meta);
  std::string head("k8s\0", 4);
  AppendField(1, meta, head);
  head += Tag(2);
  AppendVarint(size, head);
  return head;
}
// And what stands behind it: two empty fields, its encoding and its media type.
constexpr std::string_view kEnvelopeTail("\x1a\0\x22\0", 4);

}  // namespace

Result<std::string> EncodeTree(const Value& tree, const TypeInfo& type) {
  AnyStruct object(type);
  TypeMeta meta;
  if (auto read = DecodeJson(ToJson(tree), type, object.get(), &meta); !read) return read.error();
  std::string out;
  EncodeProtobuf(type, object.get(), meta, out);
  return out;
}

Result<Value> DecodeTreeFromProtobuf(std::string_view bytes, const TypeInfo& type) {
  AnyStruct object(type);
  TypeMeta meta;
  if (auto read = DecodeProtobuf(bytes, type, object.get(), &meta); !read) return read.error();
  std::string text;
  EncodeJson(type, object.get(), meta, text);
  return ParseJson(text);
}

Result<std::shared_ptr<const std::string>> ProtobufOf(const ObjectPtr& object,
                                                      const Served& served) {
  const auto encode = [&]() -> Result<std::shared_ptr<const std::string>> {
    AnyStruct decoded(*served.type);
    if (auto read = DecodeJson(object->json, *served.type, decoded.get()); !read) {
      return read.error();
    }
    std::string out;
    EncodeProtobufMessage(*served.type, decoded.get(), out);
    return std::make_shared<const std::string>(std::move(out));
  };
  auto bytes = object->Encoded([&] {
    auto encoded = encode();
    return encoded ? *std::move(encoded) : nullptr;
  });
  // What cannot be encoded says so to everybody who asks.
  if (!bytes) return encode();
  return bytes;
}

Slices Envelope(std::string_view api_version, std::string_view kind,
                std::shared_ptr<const std::string> message) {
  std::string head = EnvelopeHead(api_version, kind, message->size());
  return {Slice::Of(std::move(head)), Slice(std::move(message)), Slice::Literal(kEnvelopeTail)};
}

Slices ProtobufList(const Served& served, Revision revision, const std::string& token,
                    std::optional<int64_t> remaining,
                    std::vector<std::shared_ptr<const std::string>> items) {
  ListMeta list_meta;
  list_meta.resourceVersion = std::to_string(revision);
  list_meta.continue_ = token;
  list_meta.remainingItemCount = remaining;
  std::string metadata, encoded;
  EncodeProtobufMessage(TypeOf<ListMeta>(), &list_meta, encoded);
  AppendField(1, encoded, metadata);
  // The tag and the length before each item lie one behind the other.
  std::string lines;
  size_t size = metadata.size();
  for (const auto& item : items) {
    lines += Tag(2);
    AppendVarint(item->size(), lines);
    size += item->size();
  }
  size += lines.size();
  const auto shared = std::make_shared<const std::string>(std::move(lines));
  Slices out;
  out.reserve(2 * items.size() + 2);
  out.push_back(Slice::Of(EnvelopeHead(served.api_version, served.list_kind, size) + metadata));
  size_t at = 0;
  for (auto& item : items) {
    const size_t length = 1 + VarintSize(item->size());
    out.push_back(Slice(shared, std::string_view(*shared).substr(at, length)));
    out.push_back(Slice(std::move(item)));
    at += length;
  }
  out.push_back(Slice::Literal(kEnvelopeTail));
  return out;
}

}  // namespace k8s::fakeapiserver
