#include "k8s/machinery/json_patch.h"

#include <algorithm>
#include <optional>

#include "k8s/base/strings.h"

namespace k8s {
namespace {

std::vector<std::string> SplitPointer(std::string_view pointer) {
  std::vector<std::string> parts;
  for (std::string_view raw : Split(pointer, '/')) {
    std::string part;
    for (size_t i = 0; i < raw.size(); ++i) {
      if (raw[i] == '~' && i + 1 < raw.size() && (raw[i + 1] == '0' || raw[i + 1] == '1')) {
        part += raw[++i] == '0' ? '~' : '/';
      } else {
        part += raw[i];
      }
    }
    parts.push_back(std::move(part));
  }
  parts.erase(parts.begin());  // what stands before the first slash
  return parts;
}

// Equal as written: 2 is not 2.0.
bool SameAsWritten(const Value& a, const Value& b) {
  if (a.type() != b.type()) return false;
  if (a.is_array()) {
    return std::equal(a.array().begin(), a.array().end(), b.array().begin(), b.array().end(),
                      SameAsWritten);
  }
  if (!a.is_object()) return a == b;
  if (a.object().size() != b.object().size()) return false;
  return std::all_of(a.object().begin(), a.object().end(), [&](const auto& member) {
    const Value* other = b.object().Find(member.first);
    return other && SameAsWritten(member.second, *other);
  });
}

Error Missing(std::string_view what, std::string_view path) {
  return Invalid(Cat(what, " operation does not apply: path ", path, " is missing"));
}

// Where an operation acts: the container and the key in it.
struct Place {
  Value* parent = nullptr;
  std::string key{};
};

// An index of the array; with `past_end` one more than the last is good too, as "-" or as a number.
std::optional<size_t> Index(const Value::Array& array, const std::string& key, bool past_end) {
  if (key == "-") return past_end ? std::optional(array.size()) : std::nullopt;
  const auto number = ParseInt(key);
  if (!number) return std::nullopt;
  const auto size = static_cast<int64_t>(array.size());
  const int64_t limit = past_end ? size + 1 : size;
  const int64_t index = *number < 0 ? *number + limit : *number;
  if (index < 0 || index >= limit) return std::nullopt;
  return static_cast<size_t>(index);
}

Value* Child(Value& parent, const std::string& key) {
  if (parent.is_object()) return parent.Find(key);
  if (!parent.is_array()) return nullptr;
  const auto index = Index(parent.array(), key, false);
  return index ? &parent.array()[*index] : nullptr;
}

std::optional<Place> FindPlace(Value& document, std::string_view pointer) {
  auto parts = SplitPointer(pointer);
  if (parts.empty()) return std::nullopt;
  Value* at = &document;
  for (size_t i = 0; i + 1 < parts.size(); ++i) {
    at = Child(*at, parts[i]);
    if (!at) return std::nullopt;
  }
  if (!at->is_object() && !at->is_array()) return std::nullopt;
  return Place{at, std::move(parts.back())};
}

bool Add(const Place& place, Value value) {
  if (place.parent->is_object()) {
    place.parent->Set(place.key, std::move(value));
    return true;
  }
  auto& array = place.parent->array();
  const auto index = Index(array, place.key, true);
  if (!index) return false;
  array.insert(array.begin() + static_cast<std::ptrdiff_t>(*index), std::move(value));
  return true;
}

bool Remove(const Place& place) {
  if (place.parent->is_object()) return place.parent->Remove(place.key);
  auto& array = place.parent->array();
  const auto index = Index(array, place.key, false);
  if (!index) return false;
  array.erase(array.begin() + static_cast<std::ptrdiff_t>(*index));
  return true;
}

Result<void> Replace(Value& document, const std::string& path, Value value) {
  if (path.empty()) {
    document = std::move(value);
    return {};
  }
  const auto place = FindPlace(document, path);
  if (!place) return Missing("replace", path);
  if (place->parent->is_object()) {  // S-7.22: a missing member is added
    place->parent->Set(place->key, std::move(value));
    return {};
  }
  Value* old = Child(*place->parent, place->key);
  if (!old) return Missing("replace", path);
  *old = std::move(value);
  return {};
}

Result<void> Test(Value& document, const std::string& path, const Value& wanted) {
  const Value* found = &document;
  if (!path.empty()) {
    const auto place = FindPlace(document, path);
    if (!place) return Missing("test", path);
    if (place->parent->is_array() && !Child(*place->parent, place->key))
      return Missing("test", path);
    found = Child(*place->parent, place->key);
  }
  const bool same = found ? SameAsWritten(*found, wanted) : wanted.is_null();
  if (!same) return Invalid(Cat("testing value ", path, " failed"));
  return {};
}

Result<void> Transfer(Value& document, const std::string& from, const std::string& path,
                      bool remove) {
  const std::string_view what = remove ? "move" : "copy";
  const auto source = FindPlace(document, from);
  if (!source) return Missing(what, from);
  Value* found = Child(*source->parent, source->key);
  if (!found && (remove || source->parent->is_array())) return Missing(what, from);
  Value value = found ? *found : Value();
  if (remove) Remove(*source);
  const auto target = FindPlace(document, path);
  if (!target || !Add(*target, std::move(value))) return Missing(what, path);
  return {};
}

Result<void> ApplyOne(const Value& operation, Value& document) {
  const std::string op(operation.StringAt({"op"}));
  const Value* path_member = operation.Find("path");
  if (!path_member || !path_member->is_string()) return Invalid("json patch operation has no path");
  const std::string& path = path_member->string();
  const Value* value_member = operation.Find("value");

  if (op == "remove") {
    const auto place = FindPlace(document, path);
    if (!place || !Remove(*place)) return Missing(op, path);
    return {};
  }
  if (op == "move" || op == "copy") {
    return Transfer(document, std::string(operation.StringAt({"from"})), path, op == "move");
  }
  if (op == "test") return Test(document, path, value_member ? *value_member : Value());
  if (op == "replace") return Replace(document, path, value_member ? *value_member : Value());
  if (op == "add") {
    if (path.empty()) {
      document = value_member ? *value_member : Value();
      return {};
    }
    const auto place = FindPlace(document, path);
    if (!place || !Add(*place, value_member ? *value_member : Value())) return Missing(op, path);
    return {};
  }
  return Invalid(Cat("unexpected json patch operation ", Quote(op)));
}

}  // namespace

Result<void> ApplyJsonPatch(const Value& operations, Value& document) {
  for (const Value& operation : operations.array()) {
    if (auto done = ApplyOne(operation, document); !done) return done;
  }
  return {};
}

}  // namespace k8s
