#include "k8s/machinery/merge_patch.h"

namespace k8s {

void ApplyMergePatch(const Value& patch, Value& document) {
  if (!patch.is_object()) {
    document = patch;
    return;
  }
  if (!document.is_object()) document = Value::MakeObject();
  for (const auto& [name, value] : patch.object()) {
    if (value.is_null()) {
      document.Remove(name);
    } else {
      ApplyMergePatch(value, document[name]);
    }
  }
}

Value CreateMergePatch(const Value& from, const Value& to) {
  if (!from.is_object() || !to.is_object()) return to;
  Value patch = Value::MakeObject();
  for (const auto& [name, value] : from.object()) {
    if (!to.Find(name)) patch.Set(name, nullptr);
  }
  for (const auto& [name, value] : to.object()) {
    const Value* old = from.Find(name);
    if (!old) {
      patch.Set(name, value);
    } else if (!(*old == value)) {
      patch.Set(name, CreateMergePatch(*old, value));
    }
  }
  return patch;
}

}  // namespace k8s
