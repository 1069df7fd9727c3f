#include "fakeapiserver/field_set.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

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

bool PathElementLess::operator()(std::string_view a, std::string_view b) const {
  const int left = Rank(a[0]), right = Rank(b[0]);
  if (left != right) return left < right;
  if (left == 0 || a == b) return a < b;
  if (const auto one = PlainKey(a), other = PlainKey(b); one && other)
    return one->name != other->name ? one->name < other->name : one->value < other->value;
  const auto first = ParseJson(a.substr(2)), second = ParseJson(b.substr(2));
  // Clients may send elements that no server wrote: they come last, by their text.
  if (!first || !second) return first.has_value() != second.has_value() ? first.has_value() : a < b;
  return Compared(*first, *second) < 0;
}

namespace {

using Children = FieldSet::Children;

std::string FieldElement(std::string_view name) { return Cat("f:", name); }

bool IsBefore(const FieldSet::Child& a, const FieldSet::Child& b) {
  return PathElementLess()(a.element, b.element);
}

// Of children in order, makes those one that say the same.
void Unite(Children& children) {
  Children united;
  united.reserve(children.size());
  for (FieldSet::Child& child : children) {
    if (!united.empty() && !IsBefore(united.back(), child)) {
      united.back().set = Union(std::move(united.back().set), std::move(child.set));
    } else {
      united.push_back(std::move(child));
    }
  }
  children = std::move(united);
}

// Puts children in order that were added as they came.
void Sort(Children& children) {
  const auto in_order = [&] {
    return std::adjacent_find(children.begin(), children.end(), [](const auto& a, const auto& b) {
             return !IsBefore(a, b);
           }) == children.end();
  };
  if (in_order()) return;
  std::sort(children.begin(), children.end(), IsBefore);
  if (!in_order()) Unite(children);
}

auto Place(Children& children, std::string_view element) {
  return std::lower_bound(
      children.begin(), children.end(), element,
      [](const FieldSet::Child& a, std::string_view b) { return PathElementLess()(a.element, b); });
}

// What follows the one that was found, or null.
FieldSet* At(Children& children, Children::iterator place, std::string_view element) {
  if (place == children.end() || PathElementLess()(element, place->element)) return nullptr;
  return &place->set;
}

// Calls left(child), right(child) or both(child, child) for what one of them has, or both, in
// order.
template <class A, class B, class Left, class Right, class Both>
void Zip(A& a, B& b, const Left& left, const Right& right, const Both& both) {
  auto one = a.begin();
  auto other = b.begin();
  while (one != a.end() && other != b.end()) {
    const bool differ = one->element != other->element;
    if (differ && IsBefore(*one, *other)) {
      left(*one++);
    } else if (differ && IsBefore(*other, *one)) {
      right(*other++);
    } else {
      both(*one++, *other++);
    }
  }
  for (; one != a.end(); ++one) left(*one);
  for (; other != b.end(); ++other) right(*other);
}

// Set is const or not; what is not gives its texts away. `member`: say that the path itself is in
// the set, which at the root nothing says.
template <class Set>
Value ValueOf(Set& set, bool member) {
  Value::Object out;
  out.reserve(set.children.size() + (member ? 1 : 0));
  for (auto& [element, child] : set.children) {
    if (child.empty()) continue;
    if (out.empty() && member) out.AppendNew(".", Value::MakeObject());
    out.AppendNew(std::move(element), ValueOf(child, child.member));
  }
  return out;
}

void AppendSet(const FieldSet& set, bool member, std::string& out) {
  out += '{';
  bool first = true;
  const auto begin = [&](std::string_view element) {
    if (!std::exchange(first, false)) out += ',';
    AppendJsonString(element, out);
    out += ':';
  };
  for (const auto& [element, child] : set.children) {
    if (child.empty()) continue;
    if (std::exchange(member, false)) {
      begin(".");
      out += "{}";
    }
    begin(element);
    AppendSet(child, child.member, out);
  }
  out += '}';
}

}  // namespace

bool FieldSet::empty() const {
  return !member && std::all_of(children.begin(), children.end(),
                                [](const Child& child) { return child.set.empty(); });
}

FieldSet* FieldSet::Find(std::string_view element) {
  return At(children, Place(children, element), element);
}

const FieldSet* FieldSet::Find(std::string_view element) const {
  return const_cast<FieldSet*>(this)->Find(element);
}

void FieldSet::Insert(const std::vector<std::string>& path) {
  FieldSet* at = this;
  for (const std::string& element : path) {
    const auto place = Place(at->children, element);
    FieldSet* found = At(at->children, place, element);
    at = found ? found : &at->children.insert(place, {element, {}})->set;
  }
  at->member = true;
}

void FieldSet::Remove(std::initializer_list<std::string_view> path) {
  FieldSet* at = this;
  for (const auto* element = path.begin(); at && element != path.end(); ++element) {
    const auto place = Place(at->children, *element);
    FieldSet* found = At(at->children, place, *element);
    if (found && element + 1 == path.end()) at->children.erase(place);
    at = found;
  }
}

bool FieldSet::Has(const std::vector<std::string>& path) const {
  const FieldSet* at = this;
  for (size_t i = 0; at && i < path.size(); ++i) at = at->Find(path[i]);
  return at && at->member;
}

FieldSet FieldSet::Parse(const Value& fields_v1) {
  FieldSet set;
  if (!fields_v1.is_object()) return set;
  set.children.reserve(fields_v1.object().size());
  for (const auto& [element, value] : fields_v1.object()) {
    if (element == ".") {
      set.member = true;
    } else if (element.size() >= 2 && element[1] == ':') {
      FieldSet child = Parse(value);
      if (!value.is_object() || value.object().empty()) child.member = true;
      set.children.push_back({element, std::move(child)});
    }
  }
  Sort(set.children);
  return set;
}

Value FieldSet::ToValue() const& { return ValueOf(*this, false); }
Value FieldSet::ToValue() && { return ValueOf(*this, false); }
void FieldSet::AppendJson(std::string& out) const { AppendSet(*this, false, out); }

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
  if (b.children.empty()) return a;
  Children all;
  all.reserve(a.children.size() + b.children.size());
  const auto take = [&](FieldSet::Child& child) { all.push_back(std::move(child)); };
  Zip(a.children, b.children, take, take, [&](FieldSet::Child& own, FieldSet::Child& other) {
    all.push_back({std::move(own.element), Union(std::move(own.set), std::move(other.set))});
  });
  a.children = std::move(all);
  return a;
}

FieldSet Difference(const FieldSet& a, const FieldSet& b) {
  FieldSet out;
  out.member = a.member && !b.member;
  const auto add = [&](const FieldSet::Child& child) {
    if (!child.set.empty()) out.children.push_back(child);
  };
  const auto add_rest = [&](const FieldSet::Child& one, const FieldSet::Child& other) {
    FieldSet rest = Difference(one.set, other.set);
    if (!rest.empty()) out.children.push_back({one.element, std::move(rest)});
  };
  Zip(
      a.children, b.children, add, [](const FieldSet::Child&) {}, add_rest);
  return out;
}

FieldSet Intersection(const FieldSet& a, const FieldSet& b) {
  FieldSet out;
  out.member = a.member && b.member;
  const auto skip = [](const FieldSet::Child&) {};
  const auto add_both = [&](const FieldSet::Child& one, const FieldSet::Child& other) {
    FieldSet both = Intersection(one.set, other.set);
    if (!both.empty()) out.children.push_back({one.element, std::move(both)});
  };
  Zip(a.children, b.children, skip, skip, add_both);
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

}  // namespace

bool IsCanonical(const Value& fields_v1) { return AreCanonicalMembers(fields_v1, true); }

bool Touches(const Value& fields_v1, const FieldSet& set) {
  return std::any_of(set.children.begin(), set.children.end(), [&](const FieldSet::Child& child) {
    const Value* own = fields_v1.Find(child.element);
    return own && ((child.set.member && IsMember(*own)) || Touches(*own, child.set));
  });
}

bool Holds(const Value& fields_v1, const FieldSet& set) {
  return std::all_of(set.children.begin(), set.children.end(), [&](const FieldSet::Child& child) {
    const Value* own = fields_v1.Find(child.element);
    if (!own) return child.set.empty();
    return (!child.set.member || IsMember(*own)) && Holds(*own, child.set);
  });
}

bool HeldBy(const Value& fields_v1, const FieldSet& set) {
  return std::all_of(fields_v1.object().begin(), fields_v1.object().end(), [&](const auto& child) {
    if (child.first == ".") return true;
    const FieldSet* other = set.Find(child.first);
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

FieldSet PathsOfPart(const Value& value, const FieldSchema& schema) {
  FieldSet set;
  switch (schema.form) {
    case Form::kScalar:
    case Form::kAtomic:
      set.member = true;
      break;
    case Form::kSet:
    case Form::kKeyedList: {
      if (!value.is_array()) break;
      const FieldSchema item_schema = SchemaOfItem(schema);
      set.children.reserve(value.array().size());
      for (const Value& item : value.array()) {
        FieldSet child = PathsOfPart(item, item_schema);
        child.member = true;
        set.children.push_back({ItemElement(schema, item), std::move(child)});
      }
      break;
    }
    case Form::kStruct:
    case Form::kMap:
      if (!value.is_object()) break;
      set.children.reserve(value.object().size());
      for (const auto& [name, member] : value.object()) {
        FieldSet child = PathsOfPart(member, SchemaOfMember(schema, name));
        child.member |= member.is_null() || (member.is_object() && member.object().empty()) ||
                        schema.form == Form::kMap;
        set.children.push_back({FieldElement(name), std::move(child)});
      }
      break;
  }
  Sort(set.children);
  return set;
}

// The members in the order of their names, which is that of their elements.
std::vector<const Value::Member*> ByName(const Value::Object& object) {
  std::vector<const Value::Member*> members;
  members.reserve(object.size());
  for (const Value::Member& member : object) members.push_back(&member);
  std::sort(members.begin(), members.end(),
            [](const auto* a, const auto* b) { return a->first < b->first; });
  return members;
}

// Everything at and below a part that is only on one side.
FieldSet Whole(const Value& value, const FieldSchema& schema) {
  FieldSet set;
  set.member = true;
  if (IsLeaf(schema)) return set;
  if (value.is_array()) {
    const FieldSchema item_schema = SchemaOfItem(schema);
    set.children.reserve(value.array().size());
    for (const Value& item : value.array())
      set.children.push_back({ItemElement(schema, item), Whole(item, item_schema)});
    Sort(set.children);
  } else if (value.is_object()) {
    set.children.reserve(value.object().size());
    for (const Value::Member* member : ByName(value.object())) {
      set.children.push_back({FieldElement(member->first),
                              Whole(member->second, SchemaOfMember(schema, member->first))});
    }
  }
  return set;
}

void ComparePart(const Value& before, const Value& now, const FieldSchema& schema,
                 Comparison& sides);

// Compares what both have of a child. Only sides that have something to say get it.
void CompareChild(const Value& before, const Value& now, const FieldSchema& schema,
                  std::string element, Comparison& sides) {
  if (before == now) return;
  Comparison found;
  ComparePart(before, now, schema, found);
  for (FieldSet Comparison::*side :
       {&Comparison::added, &Comparison::modified, &Comparison::removed}) {
    if (!(found.*side).empty()) (sides.*side).children.push_back({element, std::move(found.*side)});
  }
}

void CompareItems(const Value& before, const Value& now, const FieldSchema& schema,
                  Comparison& sides) {
  static const Value::Array kNone;
  const Value::Array& old_items = before.is_array() ? before.array() : kNone;
  const Value::Array& new_items = now.is_array() ? now.array() : kNone;
  const FieldSchema item_schema = SchemaOfItem(schema);
  std::map<std::string, const Value*> old_by_element;
  for (const Value& item : old_items) old_by_element.emplace(ItemElement(schema, item), &item);
  std::set<std::string> seen;
  for (const Value& item : new_items) {
    std::string element = ItemElement(schema, item);
    if (!seen.insert(element).second) continue;
    const auto found = old_by_element.find(element);
    if (found == old_by_element.end()) {
      sides.added.children.push_back({std::move(element), Whole(item, item_schema)});
    } else {
      CompareChild(*found->second, item, item_schema, element, sides);
    }
  }
  for (const auto& [element, item] : old_by_element) {
    if (!seen.contains(element))
      sides.removed.children.push_back({element, Whole(*item, item_schema)});
  }
}

void CompareMembers(const Value& before, const Value& now, const FieldSchema& schema,
                    Comparison& sides) {
  static const Value kEmpty = Value::MakeObject();
  const Value& old_map = before.is_object() ? before : kEmpty;
  const Value& new_map = now.is_object() ? now : kEmpty;
  for (const Value::Member* one : ByName(new_map.object())) {
    const auto& [name, member] = *one;
    if (const Value* old_member = old_map.Find(name)) {
      CompareChild(*old_member, member, SchemaOfMember(schema, name), FieldElement(name), sides);
    } else {
      sides.added.children.push_back(
          {FieldElement(name), Whole(member, SchemaOfMember(schema, name))});
    }
  }
  for (const auto& [name, member] : old_map.object()) {
    if (!new_map.Find(name))
      sides.removed.children.push_back(
          {FieldElement(name), Whole(member, SchemaOfMember(schema, name))});
  }
}

// Of a part that differs.
void ComparePart(const Value& before, const Value& now, const FieldSchema& schema,
                 Comparison& sides) {
  if (IsLeaf(schema) || (IsEmptyContainer(before) && IsEmptyContainer(now))) {
    sides.modified.member = true;
    return;
  }
  if (schema.form == Form::kSet || schema.form == Form::kKeyedList) {
    CompareItems(before, now, schema, sides);
  } else {
    CompareMembers(before, now, schema, sides);
  }
  for (FieldSet* side : {&sides.added, &sides.modified, &sides.removed}) Sort(side->children);
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
  return PathsOfPart(tree, SchemaOfType(type));
}

Comparison Compare(const Value& before, const Value& now, const TypeInfo& type) {
  Comparison found;
  if (!(before == now)) ComparePart(before, now, SchemaOfType(type), found);
  return found;
}

Value MergeApplied(Value live, const Value& applied, const TypeInfo& type) {
  return MergePart(std::move(live), applied, SchemaOfType(type));
}

void RemovePaths(Value& tree, const FieldSchema& schema, const FieldSet& doomed,
                 const FieldSet& kept) {
  for (const auto& [element, child] : doomed.children) {
    static const FieldSet kNothing;
    const FieldSet* found = kept.Find(element);
    const FieldSet& kept_child = found ? *found : kNothing;
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
