// The rules of chapter 7.4, in the order in which they apply.

#include "fakeapiserver/strategic_patch.h"

#include <algorithm>
#include <optional>

#include "fakeapiserver/api_error.h"
#include "k8s/base/strings.h"
#include "k8s/machinery/json.h"

namespace k8s::fakeapiserver {
namespace {

constexpr std::string_view kDirective = "$patch";
constexpr std::string_view kRetainKeys = "$retainKeys";
constexpr std::string_view kSetElementOrder = "$setElementOrder/";
constexpr std::string_view kDeleteFromPrimitiveList = "$deleteFromPrimitiveList/";

// What the table says of one member: how it merges and what its elements are.
struct Schema {
  const TypeInfo* type = nullptr;  // of the member or its elements, when they are messages
  std::string_view strategy{};
  std::string_view merge_key{};
  bool Has(std::string_view word) const {
    const auto words = Split(strategy, ',');
    return std::find(words.begin(), words.end(), word) != words.end();
  }
};

Schema SchemaOf(const TypeInfo* type, std::string_view member) {
  const Field* field = type ? type->Find(member) : nullptr;
  if (!field) return {};
  Schema schema;
  if (field->kind == Kind::kMessage) schema.type = &field->type();
  if (field->rules) {
    schema.strategy = field->rules->patch_strategy;
    schema.merge_key = field->rules->patch_merge_key;
  }
  return schema;
}

bool IsDirective(std::string_view name) {
  return name == kDirective || name == kRetainKeys || name.starts_with(kSetElementOrder) ||
         name.starts_with(kDeleteFromPrimitiveList);
}

// A value that is taken whole: nulls and directives in it mean nothing to the object.
Value Stripped(const Value& value) {
  if (value.is_array()) {
    Value out = Value::MakeArray();
    for (const Value& item : value.array()) {
      if (item.is_object() && item.Find(kDirective)) continue;
      out.Append(Stripped(item));
    }
    return out;
  }
  if (!value.is_object()) return value;
  Value out = Value::MakeObject();
  for (const auto& [name, member] : value.object()) {
    if (member.is_null() || IsDirective(name)) continue;
    out.Set(name, Stripped(member));
  }
  return out;
}

std::string ListText(const Value::Array& list) {
  std::string out = "\n[";
  for (size_t i = 0; i < list.size(); ++i) out += Cat(i ? " " : "", GoMapText(list[i]));
  return out + "]\n";
}

// A directive as Go's %s prints it: what is no text shows its type.
std::string DirectiveText(const Value& directive) {
  switch (directive.type()) {
    case Value::Type::kNull:
      return "%!s(<nil>)";
    case Value::Type::kBool:
      return Cat("%!s(bool=", ToJson(directive), ")");
    case Value::Type::kInt:
      return Cat("%!s(int64=", ToJson(directive), ")");
    case Value::Type::kDouble:
      return Cat("%!s(float64=", ToJson(directive), ")");
    default:
      return GoMapText(directive);
  }
}

Error UnknownDirective(const Value& directive, const Value& map) {
  return Invalid(
      Cat("unknown patch type: ", DirectiveText(directive), " in map: ", GoMapText(map)));
}

// How two elements of a list are the same one: by the merge key, or as scalars.
struct Identity {
  std::string_view key{};
  const Value* Of(const Value& element) const { return key.empty() ? &element : element.Find(key); }
  bool Same(const Value& a, const Value& b) const {
    const Value* left = Of(a);
    const Value* right = Of(b);
    return left && right && *left == *right;
  }
  std::optional<size_t> Find(const Value::Array& list, const Value& element) const {
    for (size_t i = 0; i < list.size(); ++i) {
      if (Same(list[i], element)) return i;
    }
    return std::nullopt;
  }
};

class Merger {
 public:
  Result<void> Map(Value& original, const Value& patch, const TypeInfo* type) {
    if (const Value* directive = patch.Find(kDirective)) {
      const std::string what = DirectiveText(*directive);
      if (what == "replace") {
        Value replaced = patch;
        replaced.Remove(kDirective);
        original = Stripped(replaced);
        return {};
      }
      if (what == "delete") {
        original = Value::MakeObject();
        return {};
      }
      return UnknownDirective(*directive, patch);
    }
    if (auto done = Retain(original, patch); !done) return done;
    for (const auto& [name, value] : patch.object()) {
      if (name == kRetainKeys) continue;
      if (name.starts_with(kDeleteFromPrimitiveList)) {
        if (value.is_array())
          DeleteScalars(original.Find(name.substr(kDeleteFromPrimitiveList.size())), value.array());
        continue;
      }
      if (name.starts_with(kSetElementOrder)) {
        const std::string list = name.substr(kSetElementOrder.size());
        if (!value.is_array())
          return Invalid(Cat("expected a []interface {}, but received a ",
                             value.is_string() ? "string" : "map[string]interface {}"));
        // The list itself, when it is patched too, takes the order there.
        if (!patch.Find(list)) {
          if (Value* present = original.Find(list); present && present->is_array())
            Order(present->array(), value.array(), present->array(),
                  {SchemaOf(type, list).merge_key});
        }
        continue;
      }
      if (auto done = Member(original, patch, name, value, SchemaOf(type, name)); !done)
        return done;
    }
    return {};
  }

 private:
  Result<void> Retain(Value& original, const Value& patch) {
    const Value* keys = patch.Find(kRetainKeys);
    if (!keys) return {};
    if (!keys->is_array()) return BadRequest("invalid patch format of retainKeys");
    const auto listed = [&](std::string_view name) {
      return std::any_of(keys->array().begin(), keys->array().end(),
                         [&](const Value& one) { return one.is_string() && one.string() == name; });
    };
    for (const auto& member : patch.object()) {
      if (!IsDirective(member.first) && !listed(member.first) && !member.second.is_null())
        return BadRequest("invalid patch format of retainKeys");
    }
    std::vector<std::string> gone;
    for (const auto& member : original.object()) {
      if (!listed(member.first)) gone.push_back(member.first);
    }
    for (const std::string& name : gone) original.Remove(name);
    return {};
  }

  static void DeleteScalars(Value* list, const Value::Array& values) {
    if (!list || !list->is_array()) return;
    std::erase_if(list->array(), [&](const Value& item) {
      return std::find(values.begin(), values.end(), item) != values.end();
    });
  }

  Result<void> Member(Value& original, const Value& patch, const std::string& name,
                      const Value& value, const Schema& schema) {
    if (value.is_null()) {
      original.Remove(name);
      return {};
    }
    Value* present = original.Find(name);
    const bool both_maps = present && present->is_object() && value.is_object();
    const bool both_lists = present && present->is_array() && value.is_array();
    if (both_maps && !schema.Has("replace")) return Map(*present, value, schema.type);
    const Value* order_value = patch.Find(Cat(kSetElementOrder, name));
    const Value::Array* order =
        order_value && order_value->is_array() ? &order_value->array() : nullptr;
    if (both_lists && schema.Has("merge"))
      return List(present->array(), value.array(), order, schema);
    if (!present && value.is_object()) {
      // Directives inside count as if the map were there and empty.
      Value fresh = Value::MakeObject();
      if (auto done = Map(fresh, value, schema.type); !done) return done;
      original.Set(name, std::move(fresh));
      return {};
    }
    if (!present && value.is_array() && schema.Has("merge")) {
      Value fresh = Value::MakeArray();
      if (auto done = List(fresh.array(), value.array(), order, schema); !done) return done;
      original.Set(name, std::move(fresh));
      return {};
    }
    original.Set(name, Stripped(value));
    return {};
  }

  Result<void> List(Value::Array& original, const Value::Array& patch, const Value::Array* order,
                    const Schema& schema) {
    if (original.empty() && patch.empty()) return {};
    if (auto done = CheckElements(original, patch); !done) return done;
    const bool maps = (patch.empty() ? original[0] : patch[0]).is_object();
    const Identity identity{maps ? schema.merge_key : std::string_view()};
    if (order) {
      if (auto done = CheckOrder(patch, *order, identity); !done) return done;
    }
    Value::Array before = original;
    Value::Array named;  // what the patch names, in its order
    if (maps) {
      if (auto done = MergeMaps(original, patch, schema, named); !done) return done;
    } else {
      for (const Value& item : patch) {
        if (!identity.Find(original, item)) original.push_back(item);
      }
      named = patch;
    }
    Order(original, order ? *order : named, std::move(before), identity);
    return {};
  }

  // Every element of both lists is of one type, and that is no list.
  static Result<void> CheckElements(const Value::Array& original, const Value::Array& patch) {
    const Value& sample = original.empty() ? patch[0] : original[0];
    if (sample.is_array()) return Invalid("lists of lists are not supported");
    const auto same = [&](const Value& item) { return item.type() == sample.type(); };
    if (std::all_of(original.begin(), original.end(), same) &&
        std::all_of(patch.begin(), patch.end(), same))
      return {};
    return Invalid(Cat("list element types are not identical: [", GoMapText(Value(original)), " ",
                       GoMapText(Value(patch)), "]"));
  }

  static Error NoMergeKey(const Value& item, std::string_view key) {
    return Invalid(Cat("map: ", GoMapText(item), " does not contain declared merge key: ", key));
  }

  // The order names what the patch does, in the patch's own order; it may name more.
  static Result<void> CheckOrder(const Value::Array& patch, const Value::Array& order,
                                 const Identity& identity) {
    if (order.empty()) return {};
    size_t at = 0;
    for (const Value& item : patch) {
      if (item.is_object() && item.Find(kDirective)) continue;
      if (!identity.Of(item)) return NoMergeKey(item, identity.key);
      while (at < order.size() && !identity.Same(item, order[at])) ++at;
      if (at++ < order.size()) continue;
      return Invalid(Cat("The order in patch list:", ListText(patch),
                         " doesn't match $setElementOrder list:", ListText(order)));
    }
    return {};
  }

  // Directives come first, wherever they stand: they speak of the list as it was.
  Result<void> MergeMaps(Value::Array& original, const Value::Array& patch, const Schema& schema,
                         Value::Array& named) {
    const Identity identity{schema.merge_key};
    bool replaces = false;
    for (const Value& item : patch) {
      const Value* directive = item.Find(kDirective);
      const std::string what = directive ? DirectiveText(*directive) : "";
      if (what == "merge") return Invalid("merging lists cannot yet be specified in the patch");
      if (directive && what != "delete" && what != "replace")
        return UnknownDirective(*directive, item);
      replaces |= what == "replace";
      if (what == "replace") continue;
      if (!item.Find(schema.merge_key)) return NoMergeKey(item, schema.merge_key);
      if (what == "delete")
        std::erase_if(original, [&](const Value& one) { return identity.Same(one, item); });
    }
    if (replaces) original.clear();
    for (const Value& item : patch) {
      if (item.Find(kDirective)) continue;
      named.push_back(item);
      const auto found = identity.Find(original, item);
      if (replaces) {
        original.push_back(Stripped(item));
      } else if (found) {
        if (auto done = Map(original[*found], item, schema.type); !done) return done;
      } else {
        Value fresh = Value::MakeObject();
        if (auto done = Map(fresh, item, schema.type); !done) return done;
        original.push_back(std::move(fresh));
      }
    }
    return {};
  }

  // Items that `order` names stand in its order; the others, the server's own, keep their order
  // among themselves and their place relative to the known named ones.
  static void Order(Value::Array& list, const Value::Array& order, Value::Array before,
                    const Identity& identity) {
    Value::Array ordered, others;
    for (Value& item : list)
      (identity.Find(order, item) ? ordered : others).push_back(std::move(item));
    std::stable_sort(ordered.begin(), ordered.end(), [&](const Value& a, const Value& b) {
      return identity.Find(order, a) < identity.Find(order, b);
    });
    Value::Array merged;
    size_t a = 0, b = 0;
    const auto place = [&](const Value& item) { return identity.Find(before, item); };
    while (a < ordered.size() && b < others.size()) {
      const auto left = place(ordered[a]), right = place(others[b]);
      // A new item stands before the server's items that follow it.
      const bool take_other = left && right && *right < *left;
      merged.push_back(take_other ? std::move(others[b++]) : std::move(ordered[a++]));
    }
    while (a < ordered.size()) merged.push_back(std::move(ordered[a++]));
    while (b < others.size()) merged.push_back(std::move(others[b++]));
    list = std::move(merged);
  }
};

}  // namespace

Result<void> ApplyStrategicPatch(const Value& patch, const TypeInfo& type, Value& document) {
  return Merger().Map(document, patch, &type);
}

std::string GoMapText(const Value& value) {
  switch (value.type()) {
    case Value::Type::kNull:
      return "<nil>";
    case Value::Type::kString:
      return value.string();
    case Value::Type::kArray: {
      std::string out = "[";
      for (size_t i = 0; i < value.array().size(); ++i)
        out += Cat(i ? " " : "", GoMapText(value.array()[i]));
      return out + "]";
    }
    case Value::Type::kObject: {
      std::vector<const Value::Member*> members;
      for (const auto& member : value.object()) members.push_back(&member);
      std::sort(members.begin(), members.end(),
                [](auto* a, auto* b) { return a->first < b->first; });
      std::string out = "map[";
      for (size_t i = 0; i < members.size(); ++i)
        out += Cat(i ? " " : "", members[i]->first, ":", GoMapText(members[i]->second));
      return out + "]";
    }
    default:
      return ToJson(value);
  }
}

}  // namespace k8s::fakeapiserver
