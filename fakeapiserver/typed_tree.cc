#include "fakeapiserver/typed_tree.h"

#include <cmath>
#include <iterator>
#include <optional>

#include "k8s/base/base64.h"
#include "k8s/base/strings.h"
#include "k8s/machinery/json.h"
#include "k8s/machinery/quantity.h"
#include "k8s/machinery/scalars.h"

namespace k8s::fakeapiserver {
namespace {

// Where in the tree the reader is, for errors and for the names of unknown members. A link of a
// chain on the stack, whose paths are put together when somebody complains.
struct Place {
  enum class Step : uint8_t { kRoot, kMember, kElement, kEntry };
  const Place* outer = nullptr;
  Step step = Step::kRoot;
  std::string_view name{};  // of a member or an entry
  size_t index = 0;
  std::string_view owner{};  // the Go struct around the field

  Place Member(std::string_view member, std::string_view struct_name) const {
    return {this, Step::kMember, member, 0, struct_name};
  }
  Place Element(size_t at) const { return {this, Step::kElement, {}, at, owner}; }
  Place Entry(std::string_view key) const { return {this, Step::kEntry, key, 0, owner}; }

  // Dotted, without indices, as Go's errors have it.
  std::string GoPath() const {
    std::string path = outer ? outer->GoPath() : "";
    if (step == Step::kMember) path += Cat(path.empty() ? "" : ".", name);
    return path;
  }
  // With indices.
  std::string StrictPath() const {
    std::string path = outer ? outer->StrictPath() : "";
    if (step == Step::kMember) path += Cat(path.empty() ? "" : ".", name);
    if (step == Step::kElement) path += Cat("[", std::to_string(index), "]");
    if (step == Step::kEntry) path += Cat(".", name);
    return path;
  }
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
                         ".", place.GoPath(), " of type ", wanted));
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

// Works in place. Its functions are false on errors, which error() tells.
class Normaliser {
 public:
  Normaliser(std::vector<std::string>* unknown, Decoder decoder)
      : unknown_(unknown), decoder_(decoder) {}

  const Error& error() const { return *error_; }

  bool Message(Value& tree, const TypeInfo& type, const Place& place) {
    if (type.Has(kTransparent)) return Transparent(tree, type, place);
    if (type.Has(kUnion)) return Union(tree, type, place);
    if (tree.is_null()) tree = Value::MakeObject();
    if (!tree.is_object())
      return Mismatch(tree, place, Cat(type.group_version->version, ".", type.name));
    Value::Object& members = tree.object();
    size_t at = 0;
    if (type.Has(kIsKind) && !Head(members, type, place, at)) return false;
    std::vector<std::string> unknown;
    if (!IsOrdered(members, at, type)) unknown = Order(members, at, type, place);
    for (const Field& field : type.fields) {
      const bool given = at < members.size() && members.at(at).first == field.name();
      if (!given && !ShowsWhenAbsent(field)) continue;
      Value zero;
      Value& value = given ? members.at(at).second : zero;
      bool keep = false;
      if (!Write(value, field, place.Member(field.name(), type.name), keep)) return false;
      if (keep && !given) members.InsertNew(at, std::string(field.name()), std::move(value));
      if (given && !keep) members.RemoveAt(at);
      if (keep) ++at;
    }
    if (unknown_) std::move(unknown.begin(), unknown.end(), std::back_inserter(*unknown_));
    return true;
  }

 private:
  // What is a struct in Go and no scalar, though it may be one in JSON.
  static bool IsStruct(Kind kind) {
    return kind == Kind::kTime || kind == Kind::kMicroTime || kind == Kind::kQuantity ||
           kind == Kind::kIntOrString || kind == Kind::kDuration || kind == Kind::kRawExtension ||
           kind == Kind::kJson || kind == Kind::kFieldsV1;
  }
  // Whether Write may keep a member that is not there.
  static bool ShowsWhenAbsent(const Field& field) {
    return field.Has(kAlways) ||
           (field.shape == Shape::kOne && (field.kind == Kind::kMessage || IsStruct(field.kind)));
  }

  // Puts kind and apiVersion first and sets `at` behind them.
  bool Head(Value::Object& members, const TypeInfo& type, const Place& place, size_t& at) {
    for (std::string_view name : {std::string_view("kind"), std::string_view("apiVersion")}) {
      const Value* member = members.Find(name);
      if (!member) continue;
      if (!member->is_null() && !member->is_string())
        return Mismatch(*member, place.Member(name, type.name), "string");
      if (member->is_null() || member->string().empty()) {
        members.Remove(name);
      } else if (members.at(at++).first != name) {
        Value moved = *member;
        members.Remove(name);
        members.InsertNew(at - 1, std::string(name), std::move(moved));
      }
    }
    return true;
  }

  // Whether the members from `at` on are all known and in the order of the table.
  static bool IsOrdered(const Value::Object& members, size_t at, const TypeInfo& type) {
    for (const Field& field : type.fields) {
      if (at == members.size()) return true;
      if (members.at(at).first == field.name()) ++at;
    }
    return at == members.size();
  }

  // Makes it so. The paths of the unknown members, which go, where somebody asks for them.
  std::vector<std::string> Order(Value::Object& members, size_t at, const TypeInfo& type,
                                 const Place& place) const {
    std::vector<std::string> unknown;
    if (unknown_) {
      for (size_t i = at; i < members.size(); ++i) {
        if (!type.Find(members.at(i).first))
          unknown.push_back(place.Member(members.at(i).first, type.name).StrictPath());
      }
    }
    Value::Object ordered;
    ordered.reserve(members.size());
    for (size_t i = 0; i < at; ++i)
      ordered.AppendNew(std::move(members.at(i).first), std::move(members.at(i).second));
    for (const Field& field : type.fields) {
      if (Value* member = members.Find(field.name()))
        ordered.AppendNew(std::string(field.name()), std::move(*member));
    }
    members = std::move(ordered);
    return unknown;
  }

  // Sets keep: whether JSON shows the member.
  bool Write(Value& value, const Field& field, const Place& place, bool& keep) {
    if (field.shape == Shape::kOne) return One(value, field, place, keep);
    keep = field.Has(kAlways);
    if (value.is_null()) return true;
    switch (field.shape) {
      case Shape::kOne:
        break;
      case Shape::kOptional:
        keep = true;
        return Element(value, field, place);
      case Shape::kList: {
        if (!value.is_array()) return Mismatch(value, place, GoTypeName(field));
        for (size_t i = 0; i < value.array().size(); ++i) {
          if (!Element(value.array()[i], field, place.Element(i))) return false;
        }
        keep |= !value.array().empty();
        break;
      }
      case Shape::kMap: {
        if (!value.is_object()) return Mismatch(value, place, GoTypeName(field));
        for (auto& [key, entry] : value.object()) {
          if (!Element(entry, field, place.Entry(key))) return false;
        }
        value.object().SortByName();
        keep |= !value.object().empty();
        break;
      }
    }
    return true;
  }

  bool One(Value& value, const Field& field, const Place& place, bool& keep) {
    const bool absent = value.is_null();
    const bool always = field.Has(kAlways);
    keep = !field.Has(kOmitZero);
    switch (field.kind) {
      case Kind::kMessage: {
        const TypeInfo& type = field.type();
        if (absent && type.Has(kTransparent)) {
          keep = always;
          return true;
        }
        if (!Message(value, type, place)) return false;
        keep = keep || !IsZeroMessage(value, type);
        return true;
      }
      case Kind::kTime:
      case Kind::kMicroTime:
      case Kind::kRawExtension:
      case Kind::kFieldsV1:
      case Kind::kJson:
        if (absent) return true;
        break;
      case Kind::kQuantity:
      case Kind::kIntOrString:
      case Kind::kDuration:
        if (absent && !keep) return true;
        break;
      case Kind::kBytes:
        keep = always;
        if (absent) return true;
        break;
      default:
        keep = always;
        if (absent && !keep) return true;
    }
    if (!Element(value, field, place)) return false;
    keep = always || IsStruct(field.kind) || !IsZeroScalar(value);
    return true;
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
  bool Element(Value& value, const Field& field, const Place& place) {
    switch (field.kind) {
      case Kind::kMessage:
        return Message(value, field.type(), place);
      case Kind::kRawExtension:
      case Kind::kFieldsV1:
      case Kind::kJson:
        return true;
      case Kind::kBool:
        if (value.is_null()) value = false;
        return value.is_bool() || Mismatch(value, place, "bool");
      case Kind::kInt32:
      case Kind::kInt64:
      case Kind::kUint64:
        return Integer(value, field.kind, place);
      case Kind::kDouble:
        if (value.is_null()) value = 0;
        return value.is_number() || Mismatch(value, place, "float64");
      case Kind::kString:
        if (value.is_null()) value = "";
        return value.is_string() || Mismatch(value, place, "string");
      default: {
        auto scalar = Scalar(std::move(value), field.kind, place);
        if (!scalar) return Fail(scalar.error());
        value = *std::move(scalar);
        return true;
      }
    }
  }

  bool Fail(Error error) {
    error_ = std::move(error);
    return false;
  }
  Error MismatchError(const Value& value, const Place& place, std::string_view wanted,
                      bool show_number = false) const {
    return decoder_ == Decoder::kJson ? JsonMismatch(value, place, wanted, show_number)
                                      : ConverterMismatch(value, wanted);
  }
  bool Mismatch(const Value& value, const Place& place, std::string_view wanted,
                bool show_number = false) {
    return Fail(MismatchError(value, place, wanted, show_number));
  }

  bool Integer(Value& value, Kind kind, const Place& place) {
    if (value.is_null()) value = 0;
    if (decoder_ == Decoder::kConverter && value.is_number() && !value.is_int() &&
        value.number() == std::trunc(value.number()) && std::abs(value.number()) <= INT32_MAX)
      value = Value(static_cast<int64_t>(value.number()));
    const std::string_view name = kind == Kind::kInt32   ? "int32"
                                  : kind == Kind::kInt64 ? "int64"
                                                         : "uint64";
    const bool fits =
        value.is_int() &&
        (kind != Kind::kInt32 || (value.integer() <= INT32_MAX && value.integer() >= INT32_MIN));
    return fits || Mismatch(value, place, name, true);
  }

  // The scalars with rules of their own, which are strings in JSON.
  Result<Value> Scalar(Value value, Kind kind, const Place& place) const {
    switch (kind) {
      case Kind::kBytes: {
        if (value.is_null()) return value;
        if (!value.is_string()) return MismatchError(value, place, "[]uint8");
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
    if (moment->IsZero()) return Value();
    // What can be read and is of this length is in UTC and spelled as String spells it.
    const size_t canonical = layout.find('.') == layout.npos ? 20 : 27;
    if (value.string().size() == canonical) return value;
    return Value(moment->String());
  }

  static size_t BadBase64At(const std::string& text) {
    static constexpr std::string_view kAlphabet =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/\r\n";
    const size_t at = text.find_first_not_of(kAlphabet);
    if (at != text.npos) return at;
    // The last group is short: Go names where it begins.
    return text.size() - text.size() % 4;
  }

  bool Transparent(Value& tree, const TypeInfo& type, const Place& place) {
    const Field& items = type.fields[0];
    if (tree.is_null()) return true;
    if (!tree.is_array())
      return Mismatch(tree, place, Cat(type.group_version->version, ".", type.name));
    for (size_t i = 0; i < tree.array().size(); ++i) {
      if (!Element(tree.array()[i], items, place.Element(i))) return false;
    }
    return true;
  }

  // JSON has the value of one member: a message, a list or a scalar, told apart by its form.
  bool Union(Value& tree, const TypeInfo& type, const Place& place) {
    for (const Field& field : type.fields) {
      const bool fits = field.shape == Shape::kList    ? tree.is_array()
                        : field.kind == Kind::kMessage ? tree.is_object()
                        : field.kind == Kind::kBool    ? tree.is_bool()
                                                       : false;
      if (!fits) continue;
      if (field.kind == Kind::kMessage && field.shape != Shape::kList)
        return Message(tree, field.type(), place);
      bool keep;
      return Write(tree, field, place, keep);
    }
    return true;
  }

  std::vector<std::string>* unknown_;
  const Decoder decoder_;
  std::optional<Error> error_{};
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
  Normaliser normaliser(unknown, decoder);
  if (!normaliser.Message(tree, type, {})) return normaliser.error();
  return tree;
}

void SetInOrder(Value& message, const TypeInfo& type, std::string_view name, Value value) {
  if (Value* there = message.Find(name)) {
    *there = std::move(value);
    return;
  }
  if (!message.is_object()) message = Value::MakeObject();
  Value::Object& members = message.object();
  size_t at = 0;
  while (at < members.size() && !type.Find(members.at(at).first)) ++at;  // kind and apiVersion
  for (const Field& field : type.fields) {
    if (field.name() == name) break;
    if (at < members.size() && members.at(at).first == field.name()) ++at;
  }
  members.InsertNew(at, std::string(name), std::move(value));
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
