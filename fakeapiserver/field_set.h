#pragma once

// A set of paths into an object, as metadata.managedFields records them: a tree of path elements in
// the spelling of fieldsV1 ("f:spec", `k:{"name":"a"}`, "v:1"). A value; pure functions.

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "k8s/base/result.h"
#include "k8s/machinery/type_info.h"
#include "k8s/machinery/value.h"

namespace k8s::fakeapiserver {

// Fields before keys, keys before values, values before indices; inside a kind by what they say:
// port 80 before port 443.
struct PathElementLess {
  bool operator()(std::string_view a, std::string_view b) const;
};

struct FieldSet {
  struct Child;
  // Sorted. One allocation holds them all, since sets are made and read far more than changed.
  using Children = std::vector<Child>;
  bool member = false;  // this path itself is in the set
  Children children{};

  bool empty() const;
  const FieldSet* Find(std::string_view element) const;  // null: nothing there
  FieldSet* Find(std::string_view element);
  void Insert(const std::vector<std::string>& path);
  // With everything below.
  void Remove(std::initializer_list<std::string_view> path);
  bool Has(const std::vector<std::string>& path) const;
  static FieldSet Parse(const Value& fields_v1);
  Value ToValue() const&;
  Value ToValue() &&;
  void AppendJson(std::string& out) const;  // what ToValue gives, as text
  friend bool operator==(const FieldSet& a, const FieldSet& b);
  // `.spec.template.spec.containers[name="a"].image` of each member, in order.
  std::vector<std::string> Paths() const;
};
struct FieldSet::Child {
  std::string element{};
  FieldSet set{};
};

FieldSet Union(FieldSet a, FieldSet b);
FieldSet Difference(const FieldSet& a, const FieldSet& b);
FieldSet Intersection(const FieldSet& a, const FieldSet& b);

// The same of sets that stand as fieldsV1 has them, without reading them.
// Whether Parse and ToValue would give the same text again. The others REQUIRE it.
bool IsCanonical(const Value& fields_v1);
bool Touches(const Value& fields_v1, const FieldSet& set);  // have they a member in common
bool Holds(const Value& fields_v1, const FieldSet& set);    // are all members of the set in it
bool HeldBy(const Value& fields_v1, const FieldSet& set);   // the other way round

// How a part of an object merges and is owned.
struct FieldSchema {
  enum class Form : uint8_t { kScalar, kStruct, kMap, kAtomic, kSet, kKeyedList };
  Form form = Form::kAtomic;
  const TypeInfo* type = nullptr;  // kStruct, and the items of kKeyedList
  const Field* field = nullptr;    // kMap: what its elements are; kKeyedList: its keys
};
FieldSchema SchemaOfType(const TypeInfo& type);
FieldSchema SchemaOfField(const Field& field);
FieldSchema SchemaOfMember(const FieldSchema& parent, std::string_view name, bool* known = nullptr);
FieldSchema SchemaOfItem(const FieldSchema& list);
// The path element of a list's item.
std::string ItemElement(const FieldSchema& list, const Value& item);

// The paths that an applied configuration owns.
FieldSet PathsOf(const Value& tree, const TypeInfo& type);

struct Comparison {
  FieldSet added{}, modified{}, removed{};
};
Comparison Compare(const Value& before, const Value& now, const TypeInfo& type);

// The live object with the applied fields in it.
Value MergeApplied(Value live, const Value& applied, const TypeInfo& type);
// Takes the paths away for which `doomed` has members and `kept` has none at or below.
void RemovePaths(Value& tree, const FieldSchema& schema, const FieldSet& doomed,
                 const FieldSet& kept);

// What of a configuration does not fit the schema, in the words of chapter 7.5; empty when all
// fits.
std::string CheckAgainstSchema(const Value& tree, const TypeInfo& type);

}  // namespace k8s::fakeapiserver
