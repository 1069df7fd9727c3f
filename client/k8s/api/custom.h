#pragma once

// A kind of one's own: its structs, and what they are called.
//
//   struct CronTab { k8s::metav1::ObjectMeta metadata{}; CronTabSpec spec{}; };
//   K8S_FIELDS(CronTabSpec, cronSpec, image, replicas)
//   K8S_FIELDS(CronTab, metadata, spec)
//   K8S_RESOURCE(CronTab, "stable.example.com/v1", "crontabs")
//
// makes the tables that the built-in types have, so that clientset.For<CronTab>("default"), JSON
// and YAML work alike. Each line stands in the namespace of its struct, after those of its members,
// in a header or not. Everything is constant data. Larger APIs write a facts file (k8s_add_api in
// CMake).
//
// Members are bool, int32_t, int64_t, uint64_t, double, std::string, the scalars of
// k8s/machinery/scalars.h, Quantity and structs with fields; std::optional of a scalar, Box of a
// struct, std::vector and std::map<std::string, ...> of both. A member is called as in JSON; an
// underscore at its end, which keywords need, is dropped. What is zero is not written: an optional
// tells an explicit zero from none.

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "k8s/api/metav1.h"
#include "k8s/api/object.h"
#include "k8s/base/box_definitions.h"
#include "k8s/machinery/access.h"
#include "k8s/machinery/field_index.h"
#include "k8s/machinery/quantity.h"
#include "k8s/machinery/scalars.h"
#include "k8s/machinery/type_info.h"

namespace k8s::custom {

// What one element is; no value when JSON has no name for it.
template <class T>
constexpr std::optional<Kind> ScalarKind() {
  if constexpr (std::is_same_v<T, bool> || std::is_same_v<T, Bool>) return Kind::kBool;
  if constexpr (std::is_same_v<T, int32_t>) return Kind::kInt32;
  if constexpr (std::is_same_v<T, int64_t>) return Kind::kInt64;
  if constexpr (std::is_same_v<T, uint64_t>) return Kind::kUint64;
  if constexpr (std::is_same_v<T, double>) return Kind::kDouble;
  if constexpr (std::is_same_v<T, std::string>) return Kind::kString;
  if constexpr (std::is_same_v<T, Time>) return Kind::kTime;
  if constexpr (std::is_same_v<T, MicroTime>) return Kind::kMicroTime;
  if constexpr (std::is_same_v<T, Duration>) return Kind::kDuration;
  if constexpr (std::is_same_v<T, Quantity>) return Kind::kQuantity;
  if constexpr (std::is_same_v<T, IntOrString>) return Kind::kIntOrString;
  if constexpr (std::is_same_v<T, RawExtension>) return Kind::kRawExtension;
  if constexpr (std::is_same_v<T, FieldsV1>) return Kind::kFieldsV1;
  if constexpr (std::is_same_v<T, Json>) return Kind::kJson;
  return std::nullopt;
}

template <class T>
concept HasTable = requires {
  K8sTypeInfo(static_cast<const T*>(nullptr));
};

// A member's type taken apart.
template <class M>
struct Member {
  using Element = M;
  static constexpr Shape kShape = Shape::kOne;
};
template <class T>
struct Member<std::optional<T>> {
  using Element = T;
  static constexpr Shape kShape = Shape::kOptional;
  static_assert(!HasTable<T>, "an optional struct is a k8s::Box<Struct>, not a std::optional");
};
template <class T>
struct Member<Box<T>> {
  using Element = T;
  static constexpr Shape kShape = Shape::kOptional;
  static_assert(!ScalarKind<T>(), "an optional scalar is a std::optional, not a k8s::Box");
};
template <class T>
struct Member<std::vector<T>> {
  using Element = T;
  static constexpr Shape kShape = Shape::kList;
  static_assert(!std::is_same_v<T, bool>, "a list of bools is a std::vector<k8s::Bool>");
};
template <class T>
struct Member<std::map<std::string, T>> {
  using Element = T;
  static constexpr Shape kShape = Shape::kMap;
};

// Text as a template argument, and text that is computed from it at compile time.
template <size_t N>
struct Literal {
  constexpr Literal(const char (&text)[N]) { std::copy_n(text, N, chars); }  // NOLINT
  constexpr std::string_view view() const { return {chars, N - 1}; }
  char chars[N];
};

// "name":, without an underscore at the name's end.
template <Literal kName>
inline constexpr auto kQuoted = [] {
  constexpr size_t kSize = kName.view().size() - (kName.view().ends_with('_') ? 1 : 0);
  std::array<char, kSize + 3> text{};
  text.front() = '"';
  std::copy_n(kName.chars, kSize, text.begin() + 1);
  text[kSize + 1] = '"';
  text[kSize + 2] = ':';
  return text;
}();

template <Literal kText>
inline constexpr auto kLowerCase = [] {
  std::array<char, kText.view().size()> text{};
  std::transform(kText.view().begin(), kText.view().end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return text;
}();

template <size_t N>
constexpr std::string_view View(const std::array<char, N>& text) {
  return {text.data(), N};
}

template <Literal kName, class M>
constexpr Field FieldOf(size_t offset) {
  using Element = typename Member<M>::Element;
  constexpr Shape kShape = Member<M>::kShape;
  constexpr std::optional<Kind> kScalar = ScalarKind<Element>();
  static_assert(
      kScalar || HasTable<Element>,
      "this member's type has no fields: write K8S_FIELDS(Type, members...) for it, above "
      "this line and in its own namespace, or use one of the types that "
      "k8s/api/custom.h lists");
  Field field{.quoted = View(kQuoted<kName>),
              .number = 0,
              .outer = 0,
              .offset = static_cast<uint32_t>(offset),
              .kind = kScalar.value_or(Kind::kMessage),
              .shape = kShape,
              .flags = static_cast<uint16_t>(kShape == Shape::kOne ? kOmitZero : 0),
              .access = nullptr,
              .type = nullptr};
  if constexpr (kShape != Shape::kOne && !std::is_same_v<M, std::vector<bool>>)
    field.access = &AccessOf<M>::value;
  if constexpr (!kScalar && HasTable<Element>) field.type = &TypeOf<Element>;
  return field;
}

// What K8S_FIELDS says.
template <size_t N>
struct Rows {
  std::string_view name;
  std::array<Field, N> fields;
};
template <size_t N>
Rows(std::string_view, std::array<Field, N>) -> Rows<N>;

template <class T>
concept HasRows = requires {
  K8sFields(static_cast<const T*>(nullptr));
};

// Without fields it is empty, which spares the compiler a second error.
template <class T>
inline constexpr auto kRows = [] {
  if constexpr (HasRows<T>) return K8sFields(static_cast<const T*>(nullptr));
  if constexpr (!HasRows<T>) return Rows<0>{};
}();

template <class T>
inline constexpr auto kIndex = IndexOf<kRows<T>.fields.size()>(kRows<T>.fields.data());

inline constexpr GroupVersionInfo kNoGroupVersion = {"", "", "", "", "", -1, {}};

// A struct that is part of others.
template <class T>
inline constexpr TypeInfo kStruct = {.name = kRows<T>.name,
                                     .group_version = &kNoGroupVersion,
                                     .fields = kRows<T>.fields,
                                     .index = kIndex<T>.View()};

// What K8S_RESOURCE says.
struct Names {
  std::string_view group_version;
  std::string_view resource;
  std::string_view kind;
  std::string_view singular;
  std::string_view list_kind;
  bool namespaced;
};

template <class T>
constexpr Names NamesOf() {
  return K8sResource(static_cast<const T*>(nullptr));
}

template <class T>
inline constexpr GroupVersionInfo kGroupVersion = [] {
  const std::string_view whole = NamesOf<T>().group_version;
  const size_t slash = whole.find('/');
  return GroupVersionInfo{whole.substr(0, slash), whole.substr(slash + 1), whole, "", "", -1, {}};
}();

inline constexpr uint32_t kStatusVerbs =
    VerbBit(Verb::kGet) | VerbBit(Verb::kUpdate) | VerbBit(Verb::kPatch);
inline constexpr std::array<SubresourceInfo, 1> kStatus = {
    {{"status", nullptr, kStatusVerbs, "UpdateStatus,ApplyStatus"}}};

template <class T>
inline constexpr ResourceInfo kResource = [] {
  constexpr uint32_t kAllOfClients = (VerbBit(Verb::kApply) << 1) - 1;
  ResourceInfo resource{.resource = NamesOf<T>().resource,
                        .singular = NamesOf<T>().singular,
                        .short_names = "",
                        .categories = "",
                        .namespaced = NamesOf<T>().namespaced,
                        .verbs = kAllOfClients,
                        .served = 0,
                        .subresources = {}};
  if constexpr (requires(const T& object) { object.status; }) resource.subresources = kStatus;
  return resource;
}();

template <class T>
void* Make() {
  return new T();
}
template <class T>
void Destroy(void* object) {
  delete static_cast<T*>(object);
}

template <class T>
constexpr bool HasField(std::string_view name) {
  return std::any_of(kRows<T>.fields.begin(), kRows<T>.fields.end(),
                     [&](const Field& field) { return field.name() == name; });
}

template <class T>
inline constexpr TypeInfo kKind = {.name = NamesOf<T>().kind,
                                   .group_version = &kGroupVersion<T>,
                                   .fields = kRows<T>.fields,
                                   .index = kIndex<T>.View(),
                                   .resource = &kResource<T>,
                                   .list = &TypeOf<ListOf<T>>,
                                   .create = &Make<T>,
                                   .destroy = &Destroy<T>,
                                   .flags = kIsKind | kJsonOnly};

// Every compiler in use lays these aggregates out as offsetof assumes.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Winvalid-offsetof"
template <class T>
inline constexpr std::array<Field, 2> kListFields = {
    {{R"("metadata":)", 1, 0, offsetof(ListOf<T>, metadata), Kind::kMessage, Shape::kOne, 0,
      nullptr, &TypeOf<ListMeta>},
     {R"("items":)", 2, 0, offsetof(ListOf<T>, items), Kind::kMessage, Shape::kList,
      kAlways | kRequired, &AccessOf<std::vector<T>>::value, &TypeOf<T>}}};
#pragma GCC diagnostic pop
template <class T>
inline constexpr auto kListIndex = IndexOf<2>(kListFields<T>.data());

template <class T>
inline constexpr TypeInfo kList = {.name = NamesOf<T>().list_kind,
                                   .group_version = &kGroupVersion<T>,
                                   .fields = kListFields<T>,
                                   .index = kListIndex<T>.View(),
                                   .list_of = &TypeOf<T>,
                                   .create = &Make<ListOf<T>>,
                                   .destroy = &Destroy<ListOf<T>>,
                                   .flags = kIsKind};

template <class T>
constexpr Field TooMany() {
  static_assert(!sizeof(T),
                "K8S_FIELDS takes 64 members, for more write a facts file (k8s_add_api)");
  return {};
}

// What a K8S_RESOURCE line can get wrong.
template <class T>
constexpr bool Checked() {
  constexpr std::string_view kVersion = NamesOf<T>().group_version;
  static_assert(std::count(kVersion.begin(), kVersion.end(), '/') == 1 &&
                    !kVersion.starts_with('/') && !kVersion.ends_with('/'),
                "the second argument is \"group/version\", for instance \"stable.example.com/v1\"");
  constexpr std::string_view kPlural = NamesOf<T>().resource;
  constexpr auto kOdd = [](char c) { return c == '/' || (c >= 'A' && c <= 'Z'); };
  static_assert(!kPlural.empty() && std::none_of(kPlural.begin(), kPlural.end(), kOdd),
                "the third argument is the resource's plural in lower case, as in URLs");
  if constexpr (!HasRows<T>) {
    static_assert(HasRows<T>, "write K8S_FIELDS(Type, members...) for the kind above this line");
  } else if constexpr (!requires(const T& object) {
                         { object.metadata } -> std::same_as<const metav1::ObjectMeta&>;
                       }) {
    static_assert(!HasRows<T>, "a kind has a member `k8s::metav1::ObjectMeta metadata`");
  } else {
    static_assert(HasField<T>("metadata"), "metadata is missing in the kind's K8S_FIELDS");
  }
  return true;
}

}  // namespace k8s::custom

// A row for each member, none for what fills up to 64 of them. Flat, because compilers explain a
// mistake through every macro that they had to open.
// clang-format off
#define K8S_EACH(row, Type, ...)                                                                  \
  K8S_EACH_OF(row, Type, __VA_ARGS__                                                              \
      , , , , , , , , , , , , , , , ,                                                             \
      , , , , , , , , , , , , , , , ,                                                             \
      , , , , , , , , , , , , , , , ,                                                             \
      , , , , , , , , , , , , , , , ,)
#define K8S_EACH_OF(row, Type,                                                                    \
    m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20,    \
    m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36, m37, m38,     \
    m39, m40, m41, m42, m43, m44, m45, m46, m47, m48, m49, m50, m51, m52, m53, m54, m55, m56,     \
    m57, m58, m59, m60, m61, m62, m63, m64, m65, ...)                                             \
  row(Type, m1) row(Type, m2) row(Type, m3) row(Type, m4) row(Type, m5) row(Type, m6)             \
  row(Type, m7) row(Type, m8) row(Type, m9) row(Type, m10) row(Type, m11) row(Type, m12)          \
  row(Type, m13) row(Type, m14) row(Type, m15) row(Type, m16) row(Type, m17) row(Type, m18)       \
  row(Type, m19) row(Type, m20) row(Type, m21) row(Type, m22) row(Type, m23) row(Type, m24)       \
  row(Type, m25) row(Type, m26) row(Type, m27) row(Type, m28) row(Type, m29) row(Type, m30)       \
  row(Type, m31) row(Type, m32) row(Type, m33) row(Type, m34) row(Type, m35) row(Type, m36)       \
  row(Type, m37) row(Type, m38) row(Type, m39) row(Type, m40) row(Type, m41) row(Type, m42)       \
  row(Type, m43) row(Type, m44) row(Type, m45) row(Type, m46) row(Type, m47) row(Type, m48)       \
  row(Type, m49) row(Type, m50) row(Type, m51) row(Type, m52) row(Type, m53) row(Type, m54)       \
  row(Type, m55) row(Type, m56) row(Type, m57) row(Type, m58) row(Type, m59) row(Type, m60)       \
  row(Type, m61) row(Type, m62) row(Type, m63) row(Type, m64) K8S_TOO_MANY(Type, m65)
// clang-format on
#define K8S_TOO_MANY(Type, ...) __VA_OPT__(::k8s::custom::TooMany<Type>(), )

#define K8S_FIELD_ROW(Type, ...)                                                \
  __VA_OPT__(::k8s::custom::FieldOf<#__VA_ARGS__, decltype(Type::__VA_ARGS__)>( \
                 offsetof(Type, __VA_ARGS__)), )

#define K8S_FIELDS(Type, ...)                                                                  \
  template <class K8sStruct = Type>                                                            \
  const ::k8s::TypeInfo& K8sTypeInfo(const Type*) {                                            \
    return ::k8s::custom::kStruct<K8sStruct>;                                                  \
  }                                                                                            \
  _Pragma("GCC diagnostic push")                                                               \
      _Pragma("GCC diagnostic ignored \"-Winvalid-offsetof\"") constexpr auto                  \
      K8sFields(const Type*) {                                                                 \
    return ::k8s::custom::Rows{#Type, std::array{K8S_EACH(K8S_FIELD_ROW, Type, __VA_ARGS__)}}; \
  }                                                                                            \
  _Pragma("GCC diagnostic pop")

// Not a template, so it is preferred to the one of K8S_FIELDS.
#define K8S_KIND(Type, version, plural, namespaced)                                                \
  constexpr ::k8s::custom::Names K8sResource(const Type*) {                                        \
    return {version,      plural,    #Type, ::k8s::custom::View(::k8s::custom::kLowerCase<#Type>), \
            #Type "List", namespaced};                                                             \
  }                                                                                                \
  static_assert(::k8s::custom::Checked<Type>());                                                   \
  inline const ::k8s::TypeInfo& K8sTypeInfo(const Type*) { return ::k8s::custom::kKind<Type>; }    \
  inline const ::k8s::TypeInfo& K8sTypeInfo(const ::k8s::ListOf<Type>*) {                          \
    return ::k8s::custom::kList<Type>;                                                             \
  }

#define K8S_RESOURCE(Type, version, plural) K8S_KIND(Type, version, plural, true)
// The same of a kind that lives in no namespace.
#define K8S_CLUSTER_RESOURCE(Type, version, plural) K8S_KIND(Type, version, plural, false)
