#pragma once

// Makes the Access of a container type: for generated tables and K8S_FIELDS alone. Each type of
// container needs one constant; k8s-gen puts those of messages beside the message's table.

#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "k8s/base/box.h"
#include "k8s/machinery/type_info.h"

namespace k8s {

template <class C>
struct AccessOf;

template <class T>
struct AccessOf<std::optional<T>> {
  using C = std::optional<T>;
  static constexpr Access value = {
      .add = [](void* c, std::string_view) -> void* { return &static_cast<C*>(c)->emplace(); },
      .clear = [](void* c) { static_cast<C*>(c)->reset(); },
      .size = [](const void* c) -> size_t { return static_cast<const C*>(c)->has_value() ? 1 : 0; },
      .data = [](const void* c) -> const void* { return &**static_cast<const C*>(c); },
      .visit = nullptr,
      .reserve = nullptr,
      .fit = nullptr,
      .stride = sizeof(T)};
};

template <class T>
struct AccessOf<Box<T>> {
  using C = Box<T>;
  static constexpr Access value = {
      .add = [](void* c, std::string_view) -> void* { return &static_cast<C*>(c)->emplace(); },
      .clear = [](void* c) { static_cast<C*>(c)->reset(); },
      .size = [](const void* c) -> size_t { return static_cast<const C*>(c)->has_value() ? 1 : 0; },
      .data = [](const void* c) -> const void* { return static_cast<const C*>(c)->get(); },
      .visit = nullptr,
      .reserve = nullptr,
      .fit = nullptr,
      .stride = 0};
};

template <class T>
struct AccessOf<std::vector<T>> {
  static_assert(!std::is_same_v<T, bool>, "vector<bool> has no addressable elements");
  using C = std::vector<T>;
  static constexpr Access value = {
      .add = [](void* c, std::string_view) -> void* { return &static_cast<C*>(c)->emplace_back(); },
      .clear = [](void* c) { static_cast<C*>(c)->clear(); },
      .size = [](const void* c) -> size_t { return static_cast<const C*>(c)->size(); },
      .data = [](const void* c) -> const void* { return static_cast<const C*>(c)->data(); },
      .visit = nullptr,
      .reserve = [](void* c, size_t n) { static_cast<C*>(c)->reserve(n); },
      .fit = [](void* c) { static_cast<C*>(c)->shrink_to_fit(); },
      .stride = sizeof(T)};
};

template <class T>
struct AccessOf<std::map<std::string, T>> {
  using C = std::map<std::string, T>;
  static constexpr Access value = {
      .add = [](void* c, std::string_view key) -> void* {
        C& map = *static_cast<C*>(c);  // keys mostly come in their order
        return &map.emplace_hint(map.end(), std::piecewise_construct, std::forward_as_tuple(key),
                                 std::forward_as_tuple())
                    ->second;
      },
      .clear = [](void* c) { static_cast<C*>(c)->clear(); },
      .size = [](const void* c) -> size_t { return static_cast<const C*>(c)->size(); },
      .data = nullptr,
      .visit =
          [](const void* c, void* context, void (*each)(void*, const std::string&, const void*)) {
            for (const auto& [key, element] : *static_cast<const C*>(c))
              each(context, key, &element);
          },
      .reserve = nullptr,
      .fit = nullptr,
      .stride = 0};
};

}  // namespace k8s
