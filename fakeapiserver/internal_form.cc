#include "fakeapiserver/internal_form.h"

#include <cctype>

namespace k8s::fakeapiserver {
namespace {

std::string GoName(std::string_view name) {
  std::string out(name);
  out[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(out[0])));
  return out;
}

// The types of metav1 are the same inside and outside.
bool HasOneForm(const TypeInfo& type) { return type.group_version->package == "metav1"; }

Value ZeroOf(const Field& field) {
  if (field.shape != Shape::kOne) return {};
  switch (field.kind) {
    case Kind::kBool:
      return false;
    case Kind::kString:
      return "";
    case Kind::kMessage:
      return HasOneForm(field.type()) ? Value::MakeObject()
                                      : InternalForm(Value::MakeObject(), field.type());
    case Kind::kTime:
    case Kind::kMicroTime:
    case Kind::kBytes:
    case Kind::kRawExtension:
    case Kind::kFieldsV1:
    case Kind::kJson:
      return {};
    case Kind::kQuantity:
      return "0";
    default:
      return 0;
  }
}

Value FormOf(const Value& value, const Field& field) {
  if (field.kind != Kind::kMessage || HasOneForm(field.type())) return value;
  if (value.is_array()) {
    Value list = Value::MakeArray();
    for (const Value& item : value.array()) list.Append(InternalForm(item, field.type()));
    return list;
  }
  if (field.shape != Shape::kMap) return InternalForm(value, field.type());
  Value map = Value::MakeObject();
  for (const auto& [key, item] : value.object()) map.Set(key, InternalForm(item, field.type()));
  return map;
}

}  // namespace

Value InternalForm(const Value& message, const TypeInfo& type) {
  Value form = Value::MakeObject();
  for (const Field& field : type.fields) {
    const Value* member = message.Find(field.name());
    // Metadata is embedded, so its members stand among the others.
    if (field.name() == "metadata" && field.kind == Kind::kMessage && HasOneForm(field.type())) {
      if (member && member->is_object()) {
        for (const auto& [name, value] : member->object()) form.Set(name, value);
      }
      continue;
    }
    form.Set(GoName(field.name()),
             member && !member->is_null() ? FormOf(*member, field) : ZeroOf(field));
  }
  return form;
}

}  // namespace k8s::fakeapiserver
