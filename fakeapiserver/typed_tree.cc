#include "fakeapiserver/typed_tree.h"

#include <cmath>

#include "k8s/base/base64.h"
#include "k8s/base/strings.h"
#include "k8s/machinery/json.h"
#include "k8s/machinery/quantity.h"
#include "k8s/machinery/scalars.h"

namespace k8s::fakeapiserver {
namespace {

// Where in the tree the reader is, for errors and for the names of unknown members.
struct Place {
  std::string go_path{};      // dotted, without indices, as Go's errors have it
  std::string strict_path{};  // with indices
  std::string_view owner{};   // the Go struct around the field

  Place Member(std::string_view name, std::string_view struct_name) const {
    const auto join = [&](const std::string& path) {
      return path.empty() ? std::string(name) : Cat(path, ".", name);
    };
    return {join(go_path), join(strict_path), struct_name};
  }
  Place Element(size_t index) const {
    return {go_path, Cat(strict_path, "[", std::to_string(index), "]"), owner};
  }
  Place Entry(std::string_view key) const { return {go_path, Cat(strict_path, ".", key), owner}; }
};

std::string_view GoJsonName(const Value& value) {
  switch (value.type()) {
    case Value::Type::kNull:
      return "null";
    case Value::Type::kBool:
      return "bool";
    case Value::Type::kInt:
    case Value::Type::kDouble:
      return "number";
    case Value::Type::kString:
      return "string";
    case Value::Type::kArray:
      return "array";
    case Value::Type::kObject:
      return "object";
  }
  return "";
}

Error JsonMismatch(const Value& value, const Place& place, std::string_view wanted,
                   bool show_number) {
  std::string what(GoJsonName(value));
  if (show_number && value.is_number()) what += " " + ToJson(value);
  return DecodeError(Cat("json: cannot unmarshal ", what, " into Go struct field ", place.owner,
                         ".", place.go_path, " of type ", wanted));
}

// Go's kind of a value in a tree.
std::string_view GoKind(const Value& value) {
  switch (value.type()) {
    case Value::Type::kInt:
      return "int64";
    case Value::Type::kDouble:
      return "float64";
    case Value::Type::kArray:
      return "slice";
    case Value::Type::kObject:
      return "map";
    default:
      return GoJsonName(value);
  }
}

Error ConverterMismatch(const Value& value, std::string_view wanted) {
  const std::string_view kind = GoKind(value);
  if (wanted.starts_with("[]")) return DecodeError(Cat("cannot restore slice from ", kind));
  if (wanted.starts_with("map[")) return DecodeError(Cat("cannot restore map from ", kind));
  if (wanted.find('.') != std::string_view::npos)
    return DecodeError(Cat("cannot restore struct from: ", kind));
  // Go can convert numbers to numbers and integers to text, and then refuses to.
  const bool convertible = wanted == "string" ? value.is_int() : value.is_number();
  if (convertible && wanted != "bool")
    return DecodeError(Cat("cannot convert ", kind, " to ", wanted));
  return DecodeError(Cat("unrecognized type: ", wanted));
}

class Normaliser {
 public:
  Normaliser(std::vector<std::string>* unknown, Decoder decoder)
      : unknown_(unknown), decoder_(decoder) {}

  Result<Value> Message(Value tree, const TypeInfo& type, const Place& place) {
    if (type.Has(kTransparent)) return Transparent(std::move(tree), type, place);
    if (type.Has(kUnion)) return Union(std::move(tree), type, place);
    if (tree.is_null()) tree = Value::MakeObject();
    if (!tree.is_object())
      return Mismatch(tree, place, Cat(type.group_version->version, ".", type.name));
    Value out = Value::MakeObject();
    auto& members = out.object();
    members.reserve(type.fields.size() + 2);
    if (type.Has(kIsKind)) {
      for (std::string_view name : {std::string_view("kind"), std::string_view("apiVersion")}) {
        Value* member = tree.Find(name);
        if (!member || member->is_null()) continue;
        if (!member->is_string()) return Mismatch(*member, place.Member(name, type.name), "string");
        if (!member->string().empty()) members.AppendNew(std::string(name), std::move(*member));
      }
    }
    for (const Field& field : type.fields) {
      Value* member = tree.Find(field.name());
      auto written = Write(member ? std::move(*member) : Value(), field,
                           place.Member(field.name(), type.name));
      if (!written) return written.error();
      if (keep_) members.AppendNew(std::string(field.name()), *std::move(written));
    }
    if (unknown_) FindUnknown(tree, type, place);
    return out;
  }

 private:
  void FindUnknown(const Value& tree, const TypeInfo& type, const Place& place) {
    for (const auto& member : tree.object()) {
      if (type.Has(kIsKind) && (member.first == "kind" || member.first == "apiVersion")) continue;
      if (!type.Find(member.first))
        unknown_->push_back(place.Member(member.first, type.name).strict_path);
    }
  }

  // Sets keep_: whether JSON shows the member.
  Result<Value> Write(Value value, const Field& field, const Place& place) {
    const bool always = field.Has(kAlways);
    switch (field.shape) {
      case Shape::kOne:
        return One(std::move(value), field, place);
      case Shape::kOptional: {
        if (value.is_null()) return Keep(Value(), always);
        auto element = Element(std::move(value), field, place);
        keep_ = true;
        return element;
      }
      case Shape::kList: {
        if (value.is_null()) return Keep(Value(), always);
        if (!value.is_array()) return Mismatch(value, place, GoTypeName(field));
        for (size_t i = 0; i < value.array().size(); ++i) {
          auto element = Element(std::move(value.array()[i]), field, place.Element(i));
          if (!element) return element;
          value.array()[i] = *std::move(element);
        }
        const bool shown = always || !value.array().empty();
        return Keep(std::move(value), shown);
      }
      case Shape::kMap: {
        if (value.is_null()) return Keep(Value(), always);
        if (!value.is_object()) return Mismatch(value, place, GoTypeName(field));
        for (auto& [key, entry] : value.object()) {
          auto element = Element(std::move(entry), field, place.Entry(key));
          if (!element) return element;
          entry = *std::move(element);
        }
        value.object().SortByName();
        const bool shown = always || !value.object().empty();
        return Keep(std::move(value), shown);
      }
    }
    return Keep(Value(), false);
  }

  Value Keep(Value value, bool keep) {
    keep_ = keep;
    return value;
  }

  Result<Value> One(Value value, const Field& field, const Place& place) {
    const bool absent = value.is_null();
    const bool always = field.Has(kAlways);
    switch (field.kind) {
      case Kind::kMessage: {
        const TypeInfo& type = field.type();
        if (absent && type.Has(kTransparent)) return Keep(Value(), always);
        auto message = Message(std::move(value), type, place);
        if (!message) return message;
        const bool shown = !field.Has(kOmitZero) || !IsZeroMessage(*message, type);
        return Keep(*std::move(message), shown);
      }
      case Kind::kTime:
      case Kind::kMicroTime:
        if (absent) return Keep(Value(), !field.Has(kOmitZero));
        break;
      case Kind::kRawExtension:
      case Kind::kFieldsV1:
      case Kind::kJson:
        if (absent) return Keep(Value(), !field.Has(kOmitZero));
        break;
      case Kind::kQuantity:
        if (absent) return Keep(Value("0"), !field.Has(kOmitZero));
        break;
      case Kind::kIntOrString:
        if (absent) return Keep(Value(0), !field.Has(kOmitZero));
        break;
      case Kind::kDuration:
        if (absent) return Keep(Value("0s"), !field.Has(kOmitZero));
        break;
      case Kind::kBytes:
        if (absent) return Keep(Value(), always);
        break;
      default:
        if (absent) return Keep(ZeroScalar(field.kind), always);
    }
    auto element = Element(std::move(value), field, place);
    if (!element) return element;
    const bool is_struct = field.kind == Kind::kTime || field.kind == Kind::kMicroTime ||
                           field.kind == Kind::kQuantity || field.kind == Kind::kIntOrString ||
                           field.kind == Kind::kDuration || field.kind == Kind::kRawExtension ||
                           field.kind == Kind::kJson || field.kind == Kind::kFieldsV1;
    const bool shown = always || is_struct || !IsZeroScalar(*element);
    return Keep(*std::move(element), shown);
  }

  static bool IsZeroMessage(const Value& message, const TypeInfo& type) {
    for (const auto& [name, value] : message.object()) {
      const Field* field = type.Find(name);
      if (!field) return false;
      if (field->kind == Kind::kMessage && field->shape == Shape::kOne && value.is_object()) {
        if (!IsZeroMessage(value, field->type())) return false;
      } else if (!value.is_null() && !IsZeroScalar(value)) {
        return false;
      }
    }
    return true;
  }
  static bool IsZeroScalar(const Value& value) {
    switch (value.type()) {
      case Value::Type::kNull:
        return true;
      case Value::Type::kBool:
        return !value.boolean();
      case Value::Type::kInt:
      case Value::Type::kDouble:
        return value.number() == 0;
      case Value::Type::kString:
        return value.string().empty();
      default:
        return false;
    }
  }
  static Value ZeroScalar(Kind kind) {
    switch (kind) {
      case Kind::kBool:
        return false;
      case Kind::kString:
        return "";
      default:
        return 0;
    }
  }

  Result<Value> Element(Value value, const Field& field, const Place& place) {
    switch (field.kind) {
      case Kind::kMessage:
        return Message(std::move(value), field.type(), place);
      case Kind::kRawExtension:
      case Kind::kFieldsV1:
      case Kind::kJson:
        return value;
      case Kind::kBool:
        if (value.is_null()) return Value(false);
        if (!value.is_bool()) return Mismatch(value, place, "bool");
        return value;
      case Kind::kInt32:
      case Kind::kInt64:
      case Kind::kUint64:
        return Integer(std::move(value), field.kind, place);
      case Kind::kDouble:
        if (value.is_null()) return Value(0);
        if (!value.is_number()) return Mismatch(value, place, "float64");
        return value;
      case Kind::kString:
        if (value.is_null()) return Value("");
        if (!value.is_string()) return Mismatch(value, place, "string");
        return value;
      default:
        return Scalar(std::move(value), field.kind, place);
    }
  }

  Error Mismatch(const Value& value, const Place& place, std::string_view wanted,
                 bool show_number = false) const {
    return decoder_ == Decoder::kJson ? JsonMismatch(value, place, wanted, show_number)
                                      : ConverterMismatch(value, wanted);
  }

  Result<Value> Integer(Value value, Kind kind, const Place& place) const {
    if (value.is_null()) return Value(0);
    if (decoder_ == Decoder::kConverter && value.is_number() && !value.is_int() &&
        value.number() == std::trunc(value.number()) && std::abs(value.number()) <= INT32_MAX)
      value = Value(static_cast<int64_t>(value.number()));
    const std::string name = kind == Kind::kInt32   ? "int32"
                             : kind == Kind::kInt64 ? "int64"
                                                    : "uint64";
    if (!value.is_int()) return Mismatch(value, place, name, true);
    if (kind == Kind::kInt32 && (value.integer() > INT32_MAX || value.integer() < INT32_MIN)) {
      return Mismatch(value, place, name, true);
    }
    return value;
  }

  // The scalars with rules of their own, which are strings in JSON.
  Result<Value> Scalar(Value value, Kind kind, const Place& place) const {
    switch (kind) {
      case Kind::kBytes: {
        if (value.is_null()) return value;
        if (!value.is_string()) return Mismatch(value, place, "[]uint8");
        const auto bytes = DecodeBase64(value.string());
        if (!bytes)
          return DecodeError(Cat("illegal base64 data at input byte ",
                                 std::to_string(BadBase64At(value.string()))));
        return Value(EncodeBase64(*bytes));
      }
      case Kind::kTime:
        return Moment<Time>(std::move(value), "2006-01-02T15:04:05Z07:00");
      case Kind::kMicroTime:
        return Moment<MicroTime>(std::move(value), "2006-01-02T15:04:05.000000Z07:00");
      case Kind::kDuration: {
        if (value.is_null()) return Value("0s");
        if (!value.is_string())
          return DecodeError(
              Cat("json: cannot unmarshal ", GoJsonName(value), " into Go value of type string"));
        const auto duration = ParseDuration(value.string());
        if (!duration) return DecodeError(Cat("time: invalid duration ", Quote(value.string())));
        return Value(FormatDuration(*duration));
      }
      case Kind::kQuantity: {
        if (value.is_null()) return Value("0");
        const auto quantity = Quantity::Parse(value.is_string() ? value.string() : ToJson(value));
        if (!quantity) return quantity.error();
        return Value(quantity->String());
      }
      case Kind::kIntOrString: {
        if (value.is_null()) return Value(0);
        if (value.is_string()) return value;
        if (!value.is_int() || value.integer() > INT32_MAX || value.integer() < INT32_MIN) {
          return DecodeError(Cat("json: cannot unmarshal ", GoJsonName(value),
                                 value.is_number() ? " " + ToJson(value) : "",
                                 " into Go value of type int32"));
        }
        return value;
      }
      default:
        return value;
    }
  }

  template <class Moments>
  static Result<Value> Moment(Value value, std::string_view layout) {
    if (value.is_null()) return value;
    if (!value.is_string())
      return DecodeError(
          Cat("json: cannot unmarshal ", GoJsonName(value), " into Go value of type string"));
    const auto moment = Moments::Parse(value.string());
    if (!moment) {
      // A whole second where a fraction is due.
      if (const size_t point = layout.find('.');
          point != layout.npos && Time::Parse(value.string()))
        return DecodeError(Cat("parsing time ", Quote(value.string()), " as ", Quote(layout),
                               ": cannot parse ", Quote(value.string().substr(19)), " as ",
                               Quote(layout.substr(point, 7))));
      return DecodeError(Cat("parsing time ", Quote(value.string()), " as ", Quote(layout),
                             ": cannot parse ", Quote(value.string()), " as \"2006\""));
    }
    return moment->IsZero() ? Value() : Value(moment->String());
  }

  static size_t BadBase64At(const std::string& text) {
    static constexpr std::string_view kAlphabet =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/\r\n";
    const size_t at = text.find_first_not_of(kAlphabet);
    if (at != text.npos) return at;
    // The last group is short: Go names where it begins.
    return text.size() - text.size() % 4;
  }

  Result<Value> Transparent(Value tree, const TypeInfo& type, const Place& place) {
    const Field& items = type.fields[0];
    if (tree.is_null()) return tree;
    if (!tree.is_array())
      return Mismatch(tree, place, Cat(type.group_version->version, ".", type.name));
    for (size_t i = 0; i < tree.array().size(); ++i) {
      auto element = Element(std::move(tree.array()[i]), items, place.Element(i));
      if (!element) return element;
      tree.array()[i] = *std::move(element);
    }
    return tree;
  }

  // JSON has the value of one member: a message, a list or a scalar, told apart by its form.
  Result<Value> Union(Value tree, const TypeInfo& type, const Place& place) {
    for (const Field& field : type.fields) {
      const bool fits = field.shape == Shape::kList    ? tree.is_array()
                        : field.kind == Kind::kMessage ? tree.is_object()
                        : field.kind == Kind::kBool    ? tree.is_bool()
                                                       : false;
      if (!fits) continue;
      if (field.kind == Kind::kMessage && field.shape != Shape::kList)
        return Message(std::move(tree), field.type(), place);
      auto written = Write(std::move(tree), field, place);
      return written;
    }
    return tree;
  }

  std::vector<std::string>* unknown_;
  const Decoder decoder_;
  bool keep_ = false;
};

void WalkField(Value& value, const Field& field, const Visit& visit) {
  const TypeInfo& type = field.type();
  if (type.Has(kTransparent) || type.Has(kUnion)) return;
  switch (field.shape) {
    case Shape::kOne:
    case Shape::kOptional:
      if (value.is_object()) WalkMessages(value, type, visit);
      break;
    case Shape::kList:
      if (!value.is_array()) break;
      for (Value& item : value.array()) {
        if (item.is_object()) WalkMessages(item, type, visit);
      }
      break;
    case Shape::kMap:
      if (!value.is_object()) break;
      for (auto& entry : value.object()) {
        if (entry.second.is_object()) WalkMessages(entry.second, type, visit);
      }
      break;
  }
}

}  // namespace

Result<Value> Normalise(Value tree, const TypeInfo& type, std::vector<std::string>* unknown,
                        Decoder decoder) {
  return Normaliser(unknown, decoder).Message(std::move(tree), type, {});
}

void WalkMessages(Value& tree, const TypeInfo& type, const Visit& visit) {
  visit(tree, type);
  for (const Field& field : type.fields) {
    if (field.kind != Kind::kMessage) continue;
    if (Value* member = tree.Find(field.name())) WalkField(*member, field, visit);
  }
}

std::string GoTypeName(const Field& field, bool element) {
  if (!element && field.shape == Shape::kList) return "[]" + GoTypeName(field, true);
  if (!element && field.shape == Shape::kMap) return "map[string]" + GoTypeName(field, true);
  switch (field.kind) {
    case Kind::kBool:
      return "bool";
    case Kind::kInt32:
      return "int32";
    case Kind::kInt64:
      return "int64";
    case Kind::kUint64:
      return "uint64";
    case Kind::kDouble:
      return "float64";
    case Kind::kString:
      return "string";
    case Kind::kBytes:
      return "[]uint8";
    case Kind::kTime:
      return "v1.Time";
    case Kind::kMicroTime:
      return "v1.MicroTime";
    case Kind::kDuration:
      return "v1.Duration";
    case Kind::kQuantity:
      return "resource.Quantity";
    case Kind::kIntOrString:
      return "intstr.IntOrString";
    case Kind::kRawExtension:
      return "runtime.RawExtension";
    case Kind::kFieldsV1:
      return "v1.FieldsV1";
    case Kind::kJson:
      return "v1.JSON";
    case Kind::kMessage:
      return Cat(field.type().group_version->version, ".", field.type().name);
  }
  return "";
}

}  // namespace k8s::fakeapiserver
