#include "fakeapiserver/field_set.h"

#include <algorithm>
#include <optional>

#include "fakeapiserver/typed_tree.h"
#include "k8s/base/strings.h"
#include "k8s/machinery/json.h"

namespace k8s::fakeapiserver {
namespace {

using Form = FieldSchema::Form;

int Rank(char kind) { return kind == 'f' ? 0 : kind == 'k' ? 1 : kind == 'v' ? 2 : 3; }

// By value, as structured-merge-diff sorts: numbers, texts, truths, objects, null.
int Compared(const Value& a, const Value& b);

int ComparedObjects(const Value::Object& a, const Value::Object& b) {
  auto right = b.begin();
  for (const auto& [name, value] : a) {
    if (right == b.end()) return 1;
    if (const int names = name.compare(right->first); names != 0) return names;
    if (const int values = Compared(value, right->second); values != 0) return values;
    ++right;
  }
  return right == b.end() ? 0 : -1;
}

int Compared(const Value& a, const Value& b) {
  const auto rank = [](const Value& value) {
    if (value.is_number()) return 0;
    if (value.is_string()) return 1;
    if (value.is_bool()) return 2;
    return value.is_object() ? 3 : 4;
  };
  if (rank(a) != rank(b)) return rank(a) - rank(b);
  if (a.is_int() && b.is_int()) return a.integer() < b.integer() ? -1 : a.integer() > b.integer();
  if (a.is_number()) return a.number() < b.number() ? -1 : a.number() > b.number();
  if (a.is_string()) return a.string().compare(b.string());
  if (a.is_bool()) return a.boolean() - b.boolean();
  return a.is_object() ? ComparedObjects(a.object(), b.object()) : 0;
}

// `k:{"name":"a"}`: the key of most lists.
struct OneKey {
  std::string_view name, value;
};
std::optional<OneKey> PlainKey(std::string_view element) {
  constexpr std::string_view kOpen = R"(k:{")", kMiddle = R"(":")", kClose = R"("})";
  if (!element.starts_with(kOpen) || !element.ends_with(kClose)) return std::nullopt;
  const bool plain = std::all_of(element.begin(), element.end(),
                                 [](char c) { return c >= 0x20 && c < 0x7f && c != '\\'; });
  if (!plain || std::count(element.begin(), element.end(), '"') != 4) return std::nullopt;
  const size_t middle = element.find(kMiddle);
  if (middle == element.npos) return std::nullopt;
  const size_t value = middle + kMiddle.size();
  return OneKey{element.substr(kOpen.size(), middle - kOpen.size()),
                element.substr(value, element.size() - kClose.size() - value)};
}

std::string ElementText(const std::string& element) {
  const std::string body = element.substr(2);
  if (element[0] == 'f') return "." + body;
  if (element[0] == 'v') return Cat("[=", body, "]");
  if (element[0] == 'i') return Cat("[", body, "]");
  std::string out = "[";
  const auto keys = ParseJson(body);
  if (!keys || !keys->is_object()) return out + "]";
  for (const auto& [name, value] : keys->object())
    out += Cat(out.size() > 1 ? "," : "", name, "=", ToJson(value));
  return out + "]";
}

void CollectPaths(const FieldSet& set, const std::string& prefix, std::vector<std::string>& out) {
  for (const auto& [element, child] : set.children) {
    const std::string path = prefix + ElementText(element);
    if (child.member) out.push_back(path);
    CollectPaths(child, path, out);
  }
}

bool IsEmptyContainer(const Value& value) {
  return value.is_null() || (value.is_object() && value.object().empty()) ||
         (value.is_array() && value.array().empty());
}

bool IsLeaf(const FieldSchema& schema) {
  return schema.form == Form::kScalar || schema.form == Form::kAtomic;
}

FieldSchema ElementSchema(const Field& field) {
  FieldSchema schema;
  switch (field.kind) {
    case Kind::kMessage:
      return SchemaOfType(field.type());
    case Kind::kRawExtension:
    case Kind::kJson:
    case Kind::kFieldsV1:
      schema.form = Form::kAtomic;
      break;
    default:
      schema.form = Form::kScalar;
  }
  return schema;
}

}  // namespace

bool PathElementLess::operator()(const std::string& a, const std::string& b) const {
  const int left = Rank(a[0]), right = Rank(b[0]);
  if (left != right) return left < right;
  if (left == 0 || a == b) return a < b;
  if (const auto one = PlainKey(a), other = PlainKey(b); one && other)
    return one->name != other->name ? one->name < other->name : one->value < other->value;
  const auto first = ParseJson(std::string_view(a).substr(2)),
             second = ParseJson(std::string_view(b).substr(2));
  // Clients may send elements that no server wrote: they come last, by their text.
  if (!first || !second) return first.has_value() != second.has_value() ? first.has_value() : a < b;
  return Compared(*first, *second) < 0;
}

bool FieldSet::empty() const {
  return !member && std::all_of(children.begin(), children.end(),
                                [](const auto& child) { return child.second.empty(); });
}

void FieldSet::Insert(const std::vector<std::string>& path) {
  FieldSet* at = this;
  for (const std::string& element : path) at = &at->children[element];
  at->member = true;
}

void FieldSet::Remove(const std::vector<std::string>& path) {
  FieldSet* at = this;
  for (size_t i = 0; i + 1 < path.size(); ++i) {
    const auto found = at->children.find(path[i]);
    if (found == at->children.end()) return;
    at = &found->second;
  }
  at->children.erase(path.back());
}

bool FieldSet::Has(const std::vector<std::string>& path) const {
  const FieldSet* at = this;
  for (const std::string& element : path) {
    const auto found = at->children.find(element);
    if (found == at->children.end()) return false;
    at = &found->second;
  }
  return at->member;
}

FieldSet FieldSet::Parse(const Value& fields_v1) {
  FieldSet set;
  if (!fields_v1.is_object()) return set;
  for (const auto& [element, value] : fields_v1.object()) {
    if (element == ".") {
      set.member = true;
    } else if (element.size() >= 2 && element[1] == ':') {
      FieldSet child = Parse(value);
      if (!value.is_object() || value.object().empty()) child.member = true;
      set.children.emplace(element, std::move(child));
    }
  }
  return set;
}

Value FieldSet::ToValue() const {
  Value::Object out;
  out.reserve(children.size());
  for (const auto& [element, child] : children) {
    if (child.empty()) continue;
    Value value = child.ToValue();
    if (child.member && !value.object().empty())
      value.object().InsertNew(0, ".", Value::MakeObject());
    out.AppendNew(element, std::move(value));
  }
  return out;
}

bool operator==(const FieldSet& a, const FieldSet& b) {
  return Difference(a, b).empty() && Difference(b, a).empty();
}

std::vector<std::string> FieldSet::Paths() const {
  std::vector<std::string> out;
  CollectPaths(*this, "", out);
  return out;
}

FieldSet Union(FieldSet a, FieldSet b) {
  a.member |= b.member;
  // Nodes that only b has move over; what is left of it is in both.
  a.children.merge(b.children);
  for (auto& [element, child] : b.children) {
    FieldSet& own = a.children.find(element)->second;
    own = Union(std::move(own), std::move(child));
  }
  return a;
}

FieldSet Difference(const FieldSet& a, const FieldSet& b) {
  FieldSet out;
  out.member = a.member && !b.member;
  for (const auto& [element, child] : a.children) {
    const auto found = b.children.find(element);
    FieldSet rest = found == b.children.end() ? child : Difference(child, found->second);
    if (!rest.empty()) out.children.emplace(element, std::move(rest));
  }
  return out;
}

FieldSet Intersection(const FieldSet& a, const FieldSet& b) {
  FieldSet out;
  out.member = a.member && b.member;
  for (const auto& [element, child] : a.children) {
    const auto found = b.children.find(element);
    if (found == b.children.end()) continue;
    FieldSet both = Intersection(child, found->second);
    if (!both.empty()) out.children.emplace(element, std::move(both));
  }
  return out;
}

namespace {

bool IsMember(const Value& fields) {
  return fields.object().empty() || fields.object().begin()->first == ".";
}

// As a server writes it: ToJson of what it says gives it again.
bool IsCanonicalElement(const std::string& element) {
  if (element.size() < 2 || element[1] != ':') return false;
  if (element[0] == 'f') return true;
  if (const auto key = PlainKey(element))
    return std::none_of(element.begin(), element.end(),
                        [](char c) { return c == '<' || c == '>' || c == '&'; });
  const auto parsed = ParseJson(std::string_view(element).substr(2));
  return parsed && ToJson(*parsed) == std::string_view(element).substr(2);
}

bool AreCanonicalMembers(const Value& fields, bool is_root) {
  if (!fields.is_object()) return false;
  const std::string* last = nullptr;
  for (const auto& [element, child] : fields.object()) {
    if (element == ".") {
      if (is_root || last || fields.object().size() < 2 || !child.is_object() ||
          !child.object().empty())
        return false;
      continue;
    }
    if (!IsCanonicalElement(element) || (last && !PathElementLess()(*last, element)) ||
        !AreCanonicalMembers(child, false))
      return false;
    last = &element;
  }
  return true;
}

// The child of a set, or null.
const FieldSet* ChildOf(const FieldSet& set, const std::string& element) {
  const auto found = set.children.find(element);
  return found == set.children.end() ? nullptr : &found->second;
}

}  // namespace

bool IsCanonical(const Value& fields_v1) { return AreCanonicalMembers(fields_v1, true); }

bool Touches(const Value& fields_v1, const FieldSet& set) {
  return std::any_of(set.children.begin(), set.children.end(), [&](const auto& child) {
    const Value* own = fields_v1.Find(child.first);
    return own && ((child.second.member && IsMember(*own)) || Touches(*own, child.second));
  });
}

bool Holds(const Value& fields_v1, const FieldSet& set) {
  return std::all_of(set.children.begin(), set.children.end(), [&](const auto& child) {
    const Value* own = fields_v1.Find(child.first);
    if (!own) return child.second.empty();
    return (!child.second.member || IsMember(*own)) && Holds(*own, child.second);
  });
}

bool HeldBy(const Value& fields_v1, const FieldSet& set) {
  return std::all_of(fields_v1.object().begin(), fields_v1.object().end(), [&](const auto& child) {
    if (child.first == ".") return true;
    const FieldSet* other = ChildOf(set, child.first);
    return other && (other->member || !IsMember(child.second)) && HeldBy(child.second, *other);
  });
}

FieldSchema SchemaOfType(const TypeInfo& type) {
  FieldSchema schema;
  schema.type = &type;
  schema.form = type.Has(kStructAtomic) || type.Has(kTransparent) || type.Has(kUnion)
                    ? Form::kAtomic
                    : Form::kStruct;
  return schema;
}

FieldSchema SchemaOfField(const Field& field) {
  FieldSchema schema;
  schema.field = &field;
  switch (field.shape) {
    case Shape::kOne:
    case Shape::kOptional:
      schema = ElementSchema(field);
      if (field.rules && field.rules->struct_atomic) schema.form = Form::kAtomic;
      return schema;
    case Shape::kMap:
      schema.form = field.rules && field.rules->map_atomic ? Form::kAtomic : Form::kMap;
      return schema;
    case Shape::kList: {
      const ListType type = field.rules ? field.rules->list_type : ListType::kAtomic;
      schema.form = type == ListType::kMap   ? Form::kKeyedList
                    : type == ListType::kSet ? Form::kSet
                                             : Form::kAtomic;
      if (type == ListType::kMap && field.kind == Kind::kMessage) schema.type = &field.type();
      return schema;
    }
  }
  return schema;
}

FieldSchema SchemaOfMember(const FieldSchema& parent, std::string_view name, bool* known) {
  if (known) *known = true;
  if (parent.form == Form::kMap) return ElementSchema(*parent.field);
  if (parent.type) {
    if (const Field* field = parent.type->Find(name)) return SchemaOfField(*field);
    if (parent.type->Has(kIsKind) && (name == "kind" || name == "apiVersion"))
      return {Form::kScalar, nullptr, nullptr};
  }
  if (known) *known = false;
  return {};
}

FieldSchema SchemaOfItem(const FieldSchema& list) {
  if (list.form == Form::kKeyedList && list.type) {
    FieldSchema item = SchemaOfType(*list.type);
    return item;
  }
  return {Form::kScalar, nullptr, nullptr};
}

std::string ItemElement(const FieldSchema& list, const Value& item) {
  if (list.form == Form::kSet) return "v:" + ToJson(item);
  std::vector<std::string_view> keys = Split(list.field->rules->list_keys, ',');
  std::sort(keys.begin(), keys.end());
  std::string out = "k:{";
  const auto add = [&](std::string_view key, const Value& value) {
    if (out.back() != '{') out += ',';
    AppendJsonString(key, out);
    out += ':';
    AppendJson(value, out);
  };
  for (std::string_view key : keys) {
    const Field* field = list.type ? list.type->Find(key) : nullptr;
    if (const Value* value = item.Find(key); value && !value->is_null()) {
      add(key, *value);
    } else if (field && field->rules && !field->rules->default_json.empty()) {
      if (auto fallback = ParseJson(field->rules->default_json)) add(key, *fallback);
    } else if (field && field->Has(kRequired)) {
      add(key, field->kind == Kind::kString ? Value("") : Value(0));
    }
  }
  return out += '}';
}

namespace {

void AddPaths(const Value& value, const FieldSchema& schema, FieldSet& set) {
  switch (schema.form) {
    case Form::kScalar:
    case Form::kAtomic:
      set.member = true;
      return;
    case Form::kSet:
    case Form::kKeyedList:
      if (!value.is_array()) return;
      for (const Value& item : value.array()) {
        FieldSet& child = set.children[ItemElement(schema, item)];
        child.member = true;
        AddPaths(item, SchemaOfItem(schema), child);
        child.member = true;
      }
      return;
    case Form::kStruct:
    case Form::kMap:
      if (!value.is_object()) return;
      for (const auto& [name, member] : value.object()) {
        FieldSet& child = set.children["f:" + name];
        AddPaths(member, SchemaOfMember(schema, name), child);
        if (member.is_null() || (member.is_object() && member.object().empty()) ||
            schema.form == Form::kMap)
          child.member = true;
      }
      return;
  }
}

// Everything at and below a part that is only on one side.
void AddWhole(const Value& value, const FieldSchema& schema, FieldSet& set) {
  set.member = true;
  if (IsLeaf(schema)) return;
  if (value.is_array()) {
    for (const Value& item : value.array())
      AddWhole(item, SchemaOfItem(schema), set.children[ItemElement(schema, item)]);
  } else if (value.is_object()) {
    for (const auto& [name, member] : value.object())
      AddWhole(member, SchemaOfMember(schema, name), set.children["f:" + name]);
  }
}

struct Sides {
  FieldSet &added, &modified, &removed;
  Sides Child(const std::string& element) const {
    return {added.children[element], modified.children[element], removed.children[element]};
  }
};

void ComparePart(const Value& before, const Value& now, const FieldSchema& schema,
                 const Sides& sides) {
  if (before == now) return;
  if (IsLeaf(schema) || (IsEmptyContainer(before) && IsEmptyContainer(now))) {
    sides.modified.member = true;
    return;
  }
  if (schema.form == Form::kSet || schema.form == Form::kKeyedList) {
    static const Value::Array kNone;
    const Value::Array& old_items = before.is_array() ? before.array() : kNone;
    const Value::Array& new_items = now.is_array() ? now.array() : kNone;
    const FieldSchema item_schema = SchemaOfItem(schema);
    std::map<std::string, const Value*> old_by_element;
    for (const Value& item : old_items) old_by_element.emplace(ItemElement(schema, item), &item);
    std::map<std::string, bool> seen;
    for (const Value& item : new_items) {
      const std::string element = ItemElement(schema, item);
      if (std::exchange(seen[element], true)) continue;
      const auto found = old_by_element.find(element);
      if (found == old_by_element.end()) {
        AddWhole(item, item_schema, sides.added.children[element]);
      } else {
        ComparePart(*found->second, item, item_schema, sides.Child(element));
      }
    }
    for (const auto& [element, item] : old_by_element) {
      if (!seen.contains(element)) AddWhole(*item, item_schema, sides.removed.children[element]);
    }
    return;
  }
  static const Value kEmpty = Value::MakeObject();
  const Value& old_map = before.is_object() ? before : kEmpty;
  const Value& new_map = now.is_object() ? now : kEmpty;
  for (const auto& [name, member] : new_map.object()) {
    const std::string element = "f:" + name;
    const FieldSchema member_schema = SchemaOfMember(schema, name);
    if (const Value* old_member = old_map.Find(name)) {
      ComparePart(*old_member, member, member_schema, sides.Child(element));
    } else {
      AddWhole(member, member_schema, sides.added.children[element]);
    }
  }
  for (const auto& [name, member] : old_map.object()) {
    if (!new_map.Find(name))
      AddWhole(member, SchemaOfMember(schema, name), sides.removed.children["f:" + name]);
  }
}

Value MergePart(Value live, const Value& applied, const FieldSchema& schema);

// Items only in live keep their place, shared ones follow the applied order, new ones stand where
// the applied list has them (chapter 7.5).
Value MergeItems(Value::Array live, const Value::Array& applied, const FieldSchema& schema) {
  const FieldSchema item_schema = SchemaOfItem(schema);
  std::vector<std::string> left, right;
  for (const Value& item : live) left.push_back(ItemElement(schema, item));
  for (const Value& item : applied) right.push_back(ItemElement(schema, item));
  const auto in = [](const std::vector<std::string>& list, const std::string& element) {
    return std::find(list.begin(), list.end(), element);
  };
  // What both have, in the order that is applied; the next of it steers the walk.
  std::vector<std::string> shared;
  for (const std::string& element : right) {
    if (in(left, element) != left.end()) shared.push_back(element);
  }
  std::map<std::string, bool> done;
  Value::Array out;
  size_t a = 0, b = 0, next = 0;
  while (a < live.size() || b < applied.size()) {
    if (a < live.size() && b < applied.size() && left[a] != right[b] &&
        in(right, left[a]) != right.end() && next < shared.size() && shared[next] != left[a]) {
      ++a;
      continue;
    }
    if (a < live.size() && in(right, left[a]) == right.end()) {
      out.push_back(std::move(live[a++]));
      continue;
    }
    if (a < live.size() && done[left[a]]) {
      ++a;
      continue;
    }
    if (b < applied.size()) {
      const auto counterpart = in(left, right[b]);
      done[right[b]] = true;
      if (next < shared.size() && shared[next] == right[b]) ++next;
      if (counterpart == left.end()) {
        out.push_back(applied[b]);
      } else {
        Value& same = live[static_cast<size_t>(counterpart - left.begin())];
        out.push_back(MergePart(std::move(same), applied[b], item_schema));
      }
      ++b;
      continue;
    }
    ++a;
  }
  return Value(std::move(out));
}

Value MergePart(Value live, const Value& applied, const FieldSchema& schema) {
  switch (schema.form) {
    case Form::kScalar:
    case Form::kAtomic:
      return applied;
    case Form::kSet:
    case Form::kKeyedList:
      if (!live.is_array() || !applied.is_array()) return applied.is_null() ? live : applied;
      return MergeItems(std::move(live.array()), applied.array(), schema);
    case Form::kStruct:
    case Form::kMap: {
      if (!live.is_object() || !applied.is_object())
        return applied.is_null() && live.is_object() ? live : applied;
      for (const auto& [name, member] : applied.object()) {
        Value& present = live[name];
        present = MergePart(std::move(present), member, SchemaOfMember(schema, name));
      }
      return live;
    }
  }
  return applied;
}

class SchemaChecker {
 public:
  std::vector<std::string> problems;

  void Check(const Value& value, const FieldSchema& schema, const Field* field,
             const std::string& path) {
    if (value.is_null()) return;
    switch (schema.form) {
      case Form::kScalar:
        CheckScalar(value, field, path);
        return;
      case Form::kAtomic:
      case Form::kStruct:
      case Form::kMap:
        if (schema.form == Form::kAtomic && field && field->shape == Shape::kList)
          return CheckList(value, schema, field, path);
        CheckMap(value, schema, field, path);
        return;
      case Form::kSet:
      case Form::kKeyedList:
        CheckList(value, schema, field, path);
        return;
    }
  }

 private:
  static std::string Shown(const Value& value) {
    if (value.is_string()) return "string";
    if (value.is_object()) return "map";
    if (value.is_array()) return "list";
    return Cat("&value.valueUnstructured{Value:", ToJson(value), "}");
  }

  void CheckScalar(const Value& value, const Field* field, const std::string& path) {
    if (!field) return;
    switch (field->kind) {
      case Kind::kString:
      case Kind::kBytes:
      case Kind::kTime:
      case Kind::kMicroTime:
        if (!value.is_string())
          problems.push_back(Cat(path, ": expected string, got ", Shown(value)));
        return;
      case Kind::kInt32:
      case Kind::kInt64:
      case Kind::kUint64:
      case Kind::kDouble:
        if (!value.is_number())
          problems.push_back(Cat(path, ": expected numeric (int or float), got ", Shown(value)));
        return;
      case Kind::kBool:
        if (!value.is_bool())
          problems.push_back(Cat(path, ": expected boolean, got ", Shown(value)));
        return;
      default:
        return;
    }
  }

  void CheckMap(const Value& value, const FieldSchema& schema, const Field* field,
                const std::string& path) {
    if (schema.form == Form::kAtomic && !schema.type && !(field && field->shape == Shape::kMap))
      return;
    if (schema.type && (schema.type->Has(kTransparent) || schema.type->Has(kUnion))) return;
    if (!value.is_object()) {
      problems.push_back(Cat(path, ": expected map, got ",
                             value.is_string() ? Cat("&{", value.string(), "}") : Shown(value)));
      return;
    }
    for (const auto& [name, member] : value.object()) {
      const std::string member_path = Cat(path, ".", name);
      if (field && field->shape == Shape::kMap && !schema.type) {
        Check(member, ElementSchema(*field), ElementField(*field), member_path);
        continue;
      }
      bool known = false;
      const FieldSchema member_schema = SchemaOfMember(schema, name, &known);
      if (!known) {
        problems.push_back(Cat(member_path, ": field not declared in schema"));
      } else {
        Check(member, member_schema, schema.type ? schema.type->Find(name) : nullptr, member_path);
      }
    }
  }

  static const Field* ElementField(const Field& field) {
    return field.kind == Kind::kMessage ? nullptr : &field;
  }

  void CheckList(const Value& value, const FieldSchema& schema, const Field* field,
                 const std::string& path) {
    if (!value.is_array()) {
      problems.push_back(Cat(path, ": expected list, got ", Shown(value)));
      return;
    }
    std::map<std::string, int> seen;
    for (size_t i = 0; i < value.array().size(); ++i) {
      const Value& item = value.array()[i];
      std::string item_path = Cat(path, "[", std::to_string(i), "]");
      if (schema.form != Form::kAtomic) {
        const std::string element = ItemElement(schema, item);
        item_path = path + ElementText(element);
        if (++seen[element] == 2)
          problems.push_back(Cat(path, ": duplicate entries for key ", ElementText(element)));
      }
      if (field && field->kind == Kind::kMessage) {
        FieldSchema item_schema = SchemaOfType(field->type());
        Check(item, item_schema, nullptr, item_path);
      } else if (field) {
        CheckScalar(item, field, item_path);
      }
    }
  }
};

}  // namespace

FieldSet PathsOf(const Value& tree, const TypeInfo& type) {
  FieldSet set;
  AddPaths(tree, SchemaOfType(type), set);
  return set;
}

Comparison Compare(const Value& before, const Value& now, const TypeInfo& type) {
  Comparison found;
  ComparePart(before, now, SchemaOfType(type), {found.added, found.modified, found.removed});
  return found;
}

Value MergeApplied(Value live, const Value& applied, const TypeInfo& type) {
  return MergePart(std::move(live), applied, SchemaOfType(type));
}

void RemovePaths(Value& tree, const FieldSchema& schema, const FieldSet& doomed,
                 const FieldSet& kept) {
  for (const auto& [element, child] : doomed.children) {
    const auto found = kept.children.find(element);
    static const FieldSet kNothing;
    const FieldSet& kept_child = found == kept.children.end() ? kNothing : found->second;
    const bool whole = child.member && kept_child.empty();
    if (element[0] == 'f') {
      const std::string name = element.substr(2);
      Value* member = tree.Find(name);
      if (!member) continue;
      const FieldSchema member_schema = SchemaOfMember(schema, name);
      if (whole &&
          (IsLeaf(member_schema) || schema.form == Form::kMap || IsEmptyContainer(*member))) {
        tree.Remove(name);
        continue;
      }
      RemovePaths(*member, member_schema, child, kept_child);
      if (IsEmptyContainer(*member) && kept_child.empty()) tree.Remove(name);
      continue;
    }
    if (!tree.is_array()) continue;
    auto& items = tree.array();
    for (size_t i = 0; i < items.size(); ++i) {
      if (ItemElement(schema, items[i]) != element) continue;
      if (whole) {
        items.erase(items.begin() + static_cast<std::ptrdiff_t>(i));
      } else {
        RemovePaths(items[i], SchemaOfItem(schema), child, kept_child);
      }
      break;
    }
  }
}

std::string CheckAgainstSchema(const Value& tree, const TypeInfo& type) {
  SchemaChecker checker;
  checker.Check(tree, SchemaOfType(type), nullptr, "");
  if (checker.problems.empty()) return "";
  if (checker.problems.size() == 1) return checker.problems[0];
  std::string out = "errors:";
  for (const std::string& problem : checker.problems) out += "\n  " + problem;
  return out;
}

}  // namespace k8s::fakeapiserver
