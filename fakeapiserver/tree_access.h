#pragma once

// Short ways into trees that checks share. Pure functions.

#include <initializer_list>
#include <string>
#include <string_view>

#include "k8s/base/strings.h"
#include "k8s/machinery/value.h"

namespace k8s::fakeapiserver {

// The member at the path, or null.
inline const Value& At(const Value& tree, std::initializer_list<std::string_view> path) {
  static const Value kNone;
  const Value* found = tree.Find(path);
  return found ? *found : kNone;
}
// The list at the path, or an empty one.
inline const Value::Array& ListAt(const Value& tree, std::initializer_list<std::string_view> path) {
  static const Value::Array kNone;
  const Value* found = tree.Find(path);
  return found && found->is_array() ? found->array() : kNone;
}
inline std::string Index(std::string_view path, size_t i) {
  return Cat(path, "[", std::to_string(i), "]");
}

}  // namespace k8s::fakeapiserver
