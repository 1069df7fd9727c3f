#pragma once

// The one table that knows the API: every type as rows of facts, compiled. Codecs, defaulting,
// patches, discovery and OpenAPI are generic code over it. All of it is constant data, made by
// k8s-gen from client/schema/*.facts (GRAMMAR.md there) or by K8S_FIELDS in a user's program; any
// thread may read it.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace k8s {

struct TypeInfo;

// What one element of a field is.
enum class Kind : uint8_t {
  kBool,
  kInt32,
  kInt64,
  kUint64,
  kDouble,
  kString,
  kBytes,         // std::string; base64 in JSON
  kTime,          // Time
  kMicroTime,     // MicroTime
  kDuration,      // Duration; "1m30s" in JSON
  kQuantity,      // Quantity
  kIntOrString,   // IntOrString
  kRawExtension,  // RawExtension: any JSON, kept as text
  kFieldsV1,      // the same, of managedFields
  kJson,          // the same, of apiextensions; null is a value
  kMessage,       // a struct with a table of its own
};

// How many of them, and held by what.
enum class Shape : uint8_t {
  kOne,       // the member itself
  kOptional,  // std::optional of a scalar, Box of a message
  kList,      // std::vector
  kMap,       // std::map with std::string keys
};

enum FieldFlag : uint16_t {
  kAlways = 1,    // JSON has it also when it is zero; empty lists, maps and pointers as null
  kOmitZero = 2,  // JSON leaves out a zero message or time, which is otherwise always written
  kRequired = 4,  // in OpenAPI
  kNullable = 8,
};

enum class ListType : uint8_t { kAtomic, kSet, kMap };

// What few fields have; comma lists are as in the facts.
struct FieldRules {
  std::string_view default_json{};
  std::string_view enum_values{};
  std::string_view patch_strategy{};  // merge, replace, retainKeys, "merge,retainKeys"
  std::string_view patch_merge_key{};
  std::string_view list_keys{};  // of list=map
  std::string_view format{};
  ListType list_type = ListType::kAtomic;
  bool map_atomic = false;     // map=atomic
  bool struct_atomic = false;  // struct=atomic on the field
};

// How to reach the elements of an optional, a list or a map without knowing their C++ type.
struct Access {
  // optional: makes a fresh element; list: appends one; map: finds or makes that of the key.
  void* (*add)(void* container, std::string_view key);
  void (*clear)(void* container);
  size_t (*size)(const void* container);
  // optional: the element (REQUIRES: size 1); list: the first element; map: null.
  const void* (*data)(const void* container);
  // map only: calls each(context, key, element) in the order of the keys.
  void (*visit)(const void* container, void* context,
                void (*each)(void* context, const std::string& key, const void* element));
  void (*reserve)(void* container, size_t elements);  // list only
  void (*fit)(void* container);                       // list only: gives back what is not used
  uint32_t stride;                                    // of list elements
};

struct alignas(64) Field {
  std::string_view quoted;  // "\"name\":", as the codecs read and write it
  uint16_t number;          // protobuf's; 0 where the type has no protobuf form
  uint16_t outer;           // numbers of Go's embedded structs around it: outermost + 256 * inner
  uint32_t offset;          // in the C++ struct
  Kind kind;
  Shape shape;
  uint16_t flags;
  const Access* access;               // null for kOne
  const TypeInfo& (*type)();          // of a message, else null
  const FieldRules* rules = nullptr;  // null for most

  constexpr std::string_view name() const { return quoted.substr(1, quoted.size() - 3); }
  constexpr bool Has(FieldFlag flag) const { return (flags & flag) != 0; }
};

struct SubresourceInfo {
  std::string_view name;
  const TypeInfo& (*type)();   // of its body; null: the kind itself
  uint32_t served = 0;         // verbs of a default server, as bits of Verb
  std::string_view methods{};  // comma list of Go's generated methods
};

// Verbs, for both sides; a set of them is a bit mask of VerbBit.
enum class Verb : uint8_t {
  kGet,
  kList,
  kWatch,
  kCreate,
  kUpdate,
  kPatch,
  kDelete,
  kDeleteCollection,
  kApply,  // of clients only; on the wire a patch
};
constexpr uint32_t VerbBit(Verb verb) { return 1U << static_cast<unsigned>(verb); }

struct GroupVersionInfo {
  std::string_view group;        // "" for core
  std::string_view version;      // "v1"
  std::string_view api_version;  // "apps/v1", "v1"
  std::string_view package;      // "appsv1"
  std::string_view openapi;      // "io.k8s.api.apps.v1"
  int served;                    // position in a default server's discovery; -1: not served
  std::span<const TypeInfo* const> types;  // every type of the file
};

// What makes a type a kind that is served under a name of its own.
struct ResourceInfo {
  std::string_view resource;  // plural, as in URLs
  std::string_view singular;
  std::string_view short_names;  // comma lists
  std::string_view categories;
  bool namespaced;
  uint32_t verbs;   // of the typed client
  uint32_t served;  // of a default server; 0: not served
  std::span<const SubresourceInfo> subresources;
};

enum TypeFlag : uint8_t {
  kIsKind = 1,
  kTransparent = 2,  // a list in JSON, a message around it in protobuf
  kUnion = 4,        // in JSON the value of the one member that is set
  kStructAtomic = 8,
  kTree = 16,      // Unstructured: any object, held as a Value
  kJsonOnly = 32,  // of a kind: no protobuf form, as custom resources
};

// What of a field most bytes of protobuf need.
struct WireField {
  uint32_t key;     // WireKey
  uint32_t offset;  // in the C++ struct
  uint16_t index;   // into TypeInfo::fields
  Kind kind;
  Shape shape;
};

// What codecs look at in place of the rows; IndexOf (field_index.h) makes it.
struct FieldIndex {
  const uint32_t* names = nullptr;  // FirstFour of what is quoted
  const WireField* wire = nullptr;  // in protobuf's order: by (outer, number)
};

struct TypeInfo {
  std::string_view name;  // "Deployment"; with kIsKind the kind
  const GroupVersionInfo* group_version;
  std::span<const Field> fields;  // in the order of JSON
  FieldIndex index{};
  const ResourceInfo* resource = nullptr;
  const TypeInfo& (*list_of)() = nullptr;  // of a list kind: the type of its items
  const TypeInfo& (*list)() = nullptr;     // of a kind: its list kind
  std::string_view discriminator{};        // x-kubernetes-unions
  std::string_view one_of{};
  void* (*create)() = nullptr;
  void (*destroy)(void* object) = nullptr;
  uint8_t flags = 0;

  bool Has(TypeFlag flag) const { return (flags & flag) != 0; }
  std::string_view api_version() const { return group_version->api_version; }
  // The field of that JSON name, or null.
  const Field* Find(std::string_view json_name) const;
};

// The table of T, found by argument-dependent lookup beside T: constexpr-cheap, no registration.
template <class T>
const TypeInfo& TypeOf() {
  return K8sTypeInfo(static_cast<const T*>(nullptr));
}

// The member of an object that a field describes.
inline const void* MemberOf(const void* object, const Field& field) {
  return static_cast<const char*>(object) + field.offset;
}
inline void* MemberOf(void* object, const Field& field) {
  return static_cast<char*>(object) + field.offset;
}

}  // namespace k8s
