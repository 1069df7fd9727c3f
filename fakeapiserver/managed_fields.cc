#include "fakeapiserver/managed_fields.h"

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>

#include "fakeapiserver/field_set.h"
#include "fakeapiserver/strategy.h"
#include "fakeapiserver/typed_tree.h"
#include "k8s/base/strings.h"
#include "k8s/machinery/json.h"

namespace k8s::fakeapiserver {
namespace {

constexpr size_t kMaxUpdateManagers = 10;
constexpr std::string_view kLastApplied = "kubectl.kubernetes.io/last-applied-configuration";
constexpr size_t kMaxLastApplied = size_t{256} << 10;

// What a manager owns. Most entries that a change meets it leaves as they are: these stay as they
// were written, and nothing but text is compared.
class Entry {
 public:
  FieldOwner owner{};
  std::string time{};

  Entry(FieldOwner who, std::string when, FieldSet set)
      : owner(std::move(who)), time(std::move(when)), set_(std::move(set)) {}
  Entry(FieldOwner who, std::string when, Value fields)
      : owner(std::move(who)), time(std::move(when)), written_(std::move(fields)) {
    if (!IsCanonical(written_)) Become(FieldSet::Parse(written_));
  }

  bool Is(const FieldOwner& other) const {
    return owner.manager == other.manager && owner.apply == other.apply &&
           owner.subresource == other.subresource &&
           (owner.apply || owner.api_version == other.api_version);
  }
  bool empty() const { return IsWritten() ? written_.object().empty() : set_.empty(); }
  const FieldSet& set() const {
    if (IsWritten()) {
      set_ = FieldSet::Parse(written_);
      written_ = {};
    }
    return set_;
  }
  Value TakeValue() { return IsWritten() ? std::move(written_) : std::move(set_).ToValue(); }

  bool Shares(const FieldSet& other) const {
    return IsWritten() ? Touches(written_, other) : !Intersection(set_, other).empty();
  }
  bool Covers(const FieldSet& other) const {
    return IsWritten() ? Holds(written_, other) : Difference(other, set_).empty();
  }
  bool IsWithin(const FieldSet& other) const {
    return IsWritten() ? HeldBy(written_, other) : Difference(set_, other).empty();
  }

  void Drop(const FieldSet& gone) {
    if (Shares(gone)) Become(Difference(set(), gone));
  }
  void Add(const FieldSet& more) {
    if (Covers(more)) return;
    FieldSet both = Union(TakeSet(), more);
    Become(std::move(both));
  }
  void Become(FieldSet other) {
    written_ = {};
    set_ = std::move(other);
  }

 private:
  bool IsWritten() const { return !written_.is_null(); }
  FieldSet TakeSet() { return set(), std::move(set_); }

  // One of the two: the fields as they were written, or what came of them.
  mutable Value written_{};
  mutable FieldSet set_{};
};
using Entries = std::vector<Entry>;

Entries ReadEntries(Value managed) {
  Entries entries;
  if (!managed.is_array()) return entries;
  for (Value& one : managed.array()) {
    Value* fields = one.Find("fieldsV1");
    entries.emplace_back(
        FieldOwner{std::string(one.StringAt({"manager"})), one.StringAt({"operation"}) == "Apply",
                   std::string(one.StringAt({"apiVersion"})),
                   std::string(one.StringAt({"subresource"}))},
        std::string(one.StringAt({"time"})), fields ? std::move(*fields) : Value::MakeObject());
  }
  return entries;
}

Value WriteEntries(Entries entries) {
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    const auto key = [](const Entry& e) {
      return std::tie(e.time, e.owner.manager, e.owner.api_version, e.owner.subresource);
    };
    if (a.owner.apply != b.owner.apply) return a.owner.apply;
    return key(a) < key(b);
  });
  Value out = Value::MakeArray();
  for (Entry& entry : entries) {
    Value::Object one;
    one.reserve(7);
    one.AppendNew("manager", std::move(entry.owner.manager));
    one.AppendNew("operation", entry.owner.apply ? "Apply" : "Update");
    one.AppendNew("apiVersion", std::move(entry.owner.api_version));
    if (!entry.time.empty()) one.AppendNew("time", std::move(entry.time));
    one.AppendNew("fieldsType", "FieldsV1");
    one.AppendNew("fieldsV1", entry.TakeValue());
    if (!entry.owner.subresource.empty())
      one.AppendNew("subresource", std::move(entry.owner.subresource));
    out.Append(std::move(one));
  }
  return out;
}

void Store(Value& tree, Entries entries) {
  std::erase_if(entries, [](const Entry& entry) { return entry.empty(); });
  if (entries.empty()) {
    tree["metadata"].Remove("managedFields");
  } else {
    tree["metadata"].Set("managedFields", WriteEntries(std::move(entries)));
  }
}

// What nobody owns (chapter 7.5), and what this path does not write.
void Strip(FieldSet& set, const TypeInfo& type, const std::string& subresource) {
  set.member = false;
  set.Remove({"f:kind"});
  set.Remove({"f:apiVersion"});
  if (FieldSet* metadata = set.Find("f:metadata")) {
    metadata->member = false;
    for (std::string_view name :
         {"f:name", "f:namespace", "f:creationTimestamp", "f:selfLink", "f:uid", "f:clusterName",
          "f:generation", "f:managedFields", "f:resourceVersion"}) {
      metadata->Remove({name});
    }
  }
  bool has_status = false;
  if (type.resource) {
    for (const SubresourceInfo& one : type.resource->subresources)
      has_status |= one.name == "status";
  }
  const Strategy& strategy = StrategyOf(type);
  if (strategy.resets_spec) set.Remove({"f:spec"});
  if (!has_status) return;
  if (subresource == "status") {
    set.Remove({"f:spec"});
    if (strategy.status_keeps_labels) set.Remove({"f:metadata", "f:labels"});
    if (strategy.status_keeps_metadata) set.Remove({"f:metadata"});
  } else {
    set.Remove({"f:status"});
  }
}

Value Without(std::string_view name, const Value& object) {
  Value::Object out;
  out.reserve(object.object().size());
  for (const auto& [member, value] : object.object()) {
    if (member != name) out.AppendNew(member, value);
  }
  return out;
}

Value WithoutManagedFields(const Value& tree) {
  const Value* metadata = tree.Find("metadata");
  if (!metadata || !metadata->is_object()) return tree;
  Value::Object out;
  out.reserve(tree.object().size());
  for (const auto& [name, member] : tree.object())
    out.AppendNew(name, name == "metadata" ? Without("managedFields", member) : member);
  return out;
}

Value ZeroOf(const TypeInfo& type) {
  auto zero = Normalise(Value::MakeObject(), type);
  return zero ? *std::move(zero) : Value::MakeObject();
}

// The oldest of too many Update entries become one (S-7.19).
void Cap(Entries& entries) {
  std::vector<Entry*> updates;
  for (Entry& entry : entries) {
    if (!entry.owner.apply) updates.push_back(&entry);
  }
  if (updates.size() <= kMaxUpdateManagers) return;
  std::sort(updates.begin(), updates.end(), [](const Entry* a, const Entry* b) {
    return std::tie(a->time, a->owner.manager) < std::tie(b->time, b->owner.manager);
  });
  size_t excess = updates.size() - kMaxUpdateManagers + 1;
  Entries merged;
  for (Entry* entry : updates) {
    if (excess == 0) break;
    --excess;
    const FieldOwner ancient{"ancient-changes", false, entry->owner.api_version, ""};
    const auto found = std::find_if(merged.begin(), merged.end(),
                                    [&](const Entry& one) { return one.Is(ancient); });
    if (found == merged.end()) {
      merged.emplace_back(ancient, entry->time, entry->set());
    } else {
      found->Add(entry->set());
      found->time = std::max(found->time, entry->time);
    }
    entry->Become({});
  }
  std::erase_if(entries, [](const Entry& entry) { return entry.empty(); });
  for (Entry& entry : merged) entries.push_back(std::move(entry));
}

bool AreSentEmpty(const Value& sent) {
  if (!sent.is_array()) return false;
  if (sent.array().empty()) return true;
  return sent.array().size() == 1 && sent.array()[0].is_object() &&
         sent.array()[0].StringAt({"manager"}).empty() &&
         sent.array()[0].StringAt({"operation"}).empty();
}

// Elements of paths are spelled with a letter that says what they are.
bool ArePaths(const Value& fields) {
  if (!fields.is_object()) return false;
  return std::all_of(fields.object().begin(), fields.object().end(), [](const auto& member) {
    const std::string& name = member.first;
    const bool known = name == "." || name.starts_with("f:") || name.starts_with("k:") ||
                       name.starts_with("v:") || name.starts_with("i:");
    return known && ArePaths(member.second);
  });
}

// Entries that cannot be read count as none at all.
bool AreBroken(const Value& sent) {
  return sent.is_array() &&
         std::any_of(sent.array().begin(), sent.array().end(), [](const Value& one) {
           const Value* fields = one.Find("fieldsV1");
           return fields && fields->is_object() && !ArePaths(*fields);
         });
}

bool AreUsable(const Value& sent) {
  return sent.is_array() &&
         std::all_of(sent.array().begin(), sent.array().end(), [](const Value& one) {
           const auto operation = one.StringAt({"operation"});
           return (operation == "Apply" || operation == "Update") &&
                  one.StringAt({"fieldsType"}) == "FieldsV1";
         });
}

// Fields that an apply writes and somebody else owns.
using Conflicts = std::vector<std::pair<const Entry*, FieldSet>>;

Error ConflictError(const Conflicts& conflicts) {
  struct Group {
    std::string said;
    std::vector<std::string> fields;
  };
  std::vector<Group> groups;
  size_t count = 0;
  Status status;
  status.status = "Failure";
  status.reason = "Conflict";
  status.code = 409;
  StatusDetails& details = status.details.emplace();
  for (const auto& [entry, set] : conflicts) {
    std::string said = Quote(entry->owner.manager);
    if (!entry->owner.subresource.empty())
      said += Cat(" with subresource ", Quote(entry->owner.subresource));
    if (!entry->owner.apply) said += Cat(" using ", entry->owner.api_version);
    Group group{said, set.Paths()};
    count += group.fields.size();
    for (const std::string& field : group.fields)
      details.causes.push_back({"FieldManagerConflict", Cat("conflict with ", said), field});
    groups.push_back(std::move(group));
  }
  std::sort(groups.begin(), groups.end(),
            [](const Group& a, const Group& b) { return a.said < b.said; });
  if (count == 1) {
    status.message = Cat("Apply failed with 1 conflict: conflict with ", groups[0].said, ": ",
                         groups[0].fields[0]);
  } else {
    status.message = Cat("Apply failed with ", std::to_string(count), " conflicts: ");
    for (size_t i = 0; i < groups.size(); ++i) {
      status.message += Cat(i ? "\n" : "", "conflicts with ", groups[i].said, ":");
      for (const std::string& field : groups[i].fields) status.message += "\n- " + field;
    }
  }
  return Error::Api(std::move(status));
}

std::string PlaceOf(const Value& applied) {
  const std::string api_version(applied.StringAt({"apiVersion"}));
  return Cat("(", applied.StringAt({"metadata", "namespace"}), "/",
             applied.StringAt({"metadata", "name"}), "; ",
             api_version.find('/') == std::string::npos ? "/" + api_version : api_version,
             ", Kind=", applied.StringAt({"kind"}), ")");
}

// Members of every object in the order of their names, as Go writes maps.
void SortMembers(Value& value) {
  if (value.is_array()) {
    for (Value& item : value.array()) SortMembers(item);
  } else if (value.is_object()) {
    for (auto& member : value.object()) SortMembers(member.second);
    value.object().SortByName();
  }
}

// The annotation of client-side apply follows what its successor applies (chapter 7.5).
void RefreshLastApplied(Value& merged, const Value& applied) {
  Value* annotations = merged.Find({"metadata", "annotations"});
  if (!annotations || !annotations->Find(kLastApplied)) return;
  Value plain = applied;
  if (Value* own = plain.Find({"metadata", "annotations"})) {
    own->Remove(kLastApplied);
  }
  SortMembers(plain);
  const std::string text = ToJson(plain) + "\n";
  if (text.size() > kMaxLastApplied) {
    annotations->Remove(kLastApplied);
  } else {
    annotations->Set(kLastApplied, text);
  }
}

// What changed between the two, as far as this path writes it and anybody can own it.
Comparison OwnableChanges(const Value& before, const Value& now, const TypeInfo& type,
                          const std::string& subresource) {
  Comparison changes = Compare(before, now, type);
  for (FieldSet* set : {&changes.added, &changes.modified, &changes.removed})
    Strip(*set, type, subresource);
  return changes;
}

// The changes as the owners of fields see them, each in the version of its entry.
class ChangesByVersion {
 public:
  ChangesByVersion(const Value& before, const Value& now, const TypeInfo& type,
                   const FieldOwner& owner, const OtherVersions& versions)
      : before_(before),
        now_(now),
        own_(OwnableChanges(before, now, type, owner.subresource)),
        owner_(owner),
        versions_(versions) {}

  const Comparison& own() const { return own_; }
  const Comparison& In(const std::string& api_version) {
    if (api_version == owner_.api_version || !versions_) return own_;
    const auto known = others_.find(api_version);
    if (known != others_.end()) return known->second;
    const auto other = versions_(api_version);
    return others_
        .emplace(api_version, other ? OwnableChanges(other->there(before_), other->there(now_),
                                                     *other->type, owner_.subresource)
                                    : own_)
        .first->second;
  }

 private:
  const Value& before_;
  const Value& now_;
  const Comparison own_;
  const FieldOwner& owner_;
  const OtherVersions& versions_;
  std::map<std::string, Comparison> others_;
};

// What an update owns that makes the object out of nothing.
FieldSet OwnedWhenNew(const Value& tree, const TypeInfo& type, const std::string& subresource) {
  Comparison made = OwnableChanges(ZeroOf(type), tree, type, subresource);
  return Union(std::move(made.added), std::move(made.modified));
}

// The owners that an apply meets. An object without any, which existed before somebody applied to
// it, is ascribed to one.
Entries OwnersBeforeApply(const Value* live, const TypeInfo& type, const FieldOwner& owner,
                          std::string_view time) {
  if (!live) return {};
  const Value* managed = live->Find({"metadata", "managedFields"});
  Entries entries = ReadEntries(managed ? *managed : Value());
  if (!entries.empty()) return entries;
  entries.emplace_back(FieldOwner{"before-first-apply", false, owner.api_version, ""},
                       std::string(time), OwnedWhenNew(WithoutManagedFields(*live), type, ""));
  return entries;
}

// Takes out what the owner applied the last time and now does not, unless others own it too.
void RemoveGivenUp(Value& merged, const TypeInfo& type, const Entries& entries,
                   const FieldOwner& owner, const FieldSet& wanted) {
  const auto own = std::find_if(entries.begin(), entries.end(),
                                [&](const Entry& entry) { return entry.Is(owner); });
  if (own == entries.end() || own->IsWithin(wanted)) return;
  const FieldSet given_up = Difference(own->set(), wanted);
  FieldSet kept = wanted;
  for (const Entry& entry : entries) {
    if (!entry.Is(owner)) kept = Union(std::move(kept), entry.set());
  }
  RemovePaths(merged, SchemaOfType(type), given_up, kept);
}

// The same, in the version in which the owner applied the last time.
void RemoveGivenUpThere(Value& merged, const Value& applied, const TypeInfo& type,
                        const Entries& entries, const FieldOwner& owner, const FieldSet& wanted,
                        const OtherVersions& versions) {
  const auto last = std::find_if(entries.begin(), entries.end(),
                                 [&](const Entry& entry) { return entry.Is(owner); });
  if (last == entries.end()) return;
  const bool moved = versions && last->owner.api_version != owner.api_version;
  const auto other = moved ? versions(last->owner.api_version) : std::nullopt;
  if (!other) return RemoveGivenUp(merged, type, entries, owner, wanted);
  FieldSet wanted_there = PathsOf(other->there(applied), *other->type);
  Strip(wanted_there, *other->type, owner.subresource);
  Value there = other->there(merged);
  RemoveGivenUp(there, *other->type, entries, owner, wanted_there);
  merged = other->back(std::move(there));
}

Conflicts FindConflicts(const Entries& entries, const FieldOwner& owner, ChangesByVersion& changes,
                        const Value& live, const TypeInfo& type) {
  // What client-side apply of the same user wrote is taken over in peace.
  FieldSet peaceful;
  if (owner.manager == "kubectl") {
    const auto last = ParseJson(live.StringAt({"metadata", "annotations", kLastApplied}));
    if (last) peaceful = PathsOf(*last, type);
  }
  Conflicts conflicts;
  for (const Entry& entry : entries) {
    if (entry.Is(owner)) continue;
    const Comparison& seen = changes.In(entry.owner.api_version);
    if (!entry.Shares(seen.added) && !entry.Shares(seen.modified)) continue;
    FieldSet both =
        Difference(Intersection(entry.set(), Union(seen.added, seen.modified)), peaceful);
    if (!both.empty()) conflicts.emplace_back(&entry, std::move(both));
  }
  return conflicts;
}

// What another has changed is the owner's no more. Whether that is news.
bool DropChanges(Entry& entry, const Comparison& seen) {
  bool changed = false;
  for (const FieldSet* gone : {&seen.added, &seen.modified, &seen.removed}) {
    changed |= entry.Shares(*gone);
    entry.Drop(*gone);
  }
  return changed;
}

// The applier owns what it wants, the others what is left to them. Whether that is news.
bool HandOver(Entries& entries, const FieldOwner& owner, const FieldSet& wanted,
              ChangesByVersion& changes) {
  bool changed = false, known = false;
  for (Entry& entry : entries) {
    if (!entry.Is(owner)) {
      changed |= DropChanges(entry, changes.In(entry.owner.api_version));
      continue;
    }
    known = true;
    entry.owner.api_version = owner.api_version;
    if (entry.Covers(wanted) && entry.IsWithin(wanted)) continue;
    changed = true;
    entry.Become(wanted);
  }
  if (!known) entries.emplace_back(owner, "", wanted);
  return changed || !known;
}

}  // namespace

std::string OwnersOfNew(const Value& made, const TypeInfo& type, const FieldOwner& owner,
                        std::string_view time) {
  const FieldSet owned = OwnedWhenNew(made, type, owner.subresource);
  if (owned.empty()) return {};
  std::string out = "[{";
  const auto text = [&](std::string_view name, std::string_view value) {
    out.append(name);
    AppendJsonString(value, out);
  };
  // As WriteEntries does it.
  text("\"manager\":", owner.manager);
  text(",\"operation\":", owner.apply ? "Apply" : "Update");
  text(",\"apiVersion\":", owner.api_version);
  text(",\"time\":", time);
  out += ",\"fieldsType\":\"FieldsV1\",\"fieldsV1\":";
  owned.AppendJson(out);
  if (!owner.subresource.empty()) text(",\"subresource\":", owner.subresource);
  return out += "}]";
}

void TrackCreate(Value& made, const TypeInfo& type, const FieldOwner& owner,
                 std::string_view time) {
  const std::string owners = OwnersOfNew(made, type, owner, time);
  if (owners.empty()) return;
  if (auto read = ParseJson(owners)) made["metadata"].Set("managedFields", *std::move(read));
}

void TrackUpdate(const Value& old, Value& now, Value sent, const TypeInfo& type,
                 const FieldOwner& owner, std::string_view time, const OtherVersions& versions) {
  const Value* stored = old.Find({"metadata", "managedFields"});
  if (AreSentEmpty(sent) || AreBroken(sent)) {
    now["metadata"].Remove("managedFields");
    return;
  }
  if (!AreUsable(sent)) sent = stored ? *stored : Value();
  Entries entries = ReadEntries(std::move(sent));
  if (entries.empty()) {
    now["metadata"].Remove("managedFields");
    return;
  }
  ChangesByVersion changes(old, now, type, owner, versions);
  Entry* own = nullptr;
  for (Entry& entry : entries) {
    if (entry.Is(owner)) {
      own = &entry;
    } else {
      DropChanges(entry, changes.In(entry.owner.api_version));
    }
  }
  if (!own) {
    entries.emplace_back(owner, "", FieldSet());
    own = &entries.back();
  }
  const Comparison& seen = changes.own();
  const FieldSet lost = Difference(Difference(seen.removed, seen.added), seen.modified);
  if (own->Shares(lost) || !own->Covers(seen.added) || !own->Covers(seen.modified) ||
      own->time.empty())
    own->time = std::string(time);
  own->Drop(lost);
  own->Add(seen.added);
  own->Add(seen.modified);
  std::erase_if(entries, [](const Entry& entry) { return entry.empty(); });
  Cap(entries);
  Store(now, std::move(entries));
}

Result<Value> ApplyObject(const Value* live_in, const Value& applied, const TypeInfo& type,
                          const FieldOwner& owner, bool force, std::string_view time,
                          const OtherVersions& versions) {
  const auto untyped = [&](std::string_view problem) {
    return Untyped(Cat("failed to create typed patch object ", PlaceOf(applied), ": ", problem));
  };
  if (const std::string problem = CheckAgainstSchema(applied, type); !problem.empty())
    return untyped(problem);
  Value live = live_in ? WithoutManagedFields(*live_in) : ZeroOf(type);
  Entries entries = OwnersBeforeApply(live_in, type, owner, time);
  FieldSet wanted = PathsOf(applied, type);
  Strip(wanted, type, owner.subresource);

  Value merged = live_in ? MergeApplied(live, applied, type) : applied;
  RemoveGivenUpThere(merged, applied, type, entries, owner, wanted, versions);
  const auto normal_live = Normalise(std::move(live), type);
  if (!normal_live) return normal_live.error();
  const auto normal_merged = Normalise(merged, type);
  if (!normal_merged) return untyped(normal_merged.error().message());

  ChangesByVersion changes(*normal_live, *normal_merged, type, owner, versions);
  const Conflicts conflicts = FindConflicts(entries, owner, changes, *normal_live, type);
  if (!conflicts.empty() && !force) return ConflictError(conflicts);

  const bool owners_changed = HandOver(entries, owner, wanted, changes);
  const bool object_changed = !live_in || !(*normal_live == *normal_merged);
  if (!object_changed && !owners_changed) return *live_in;
  if (object_changed) {
    for (Entry& entry : entries) {
      if (entry.Is(owner)) entry.time = std::string(time);
    }
  }
  if (owner.manager == "kubectl" && owner.subresource.empty()) RefreshLastApplied(merged, applied);
  Store(merged, std::move(entries));
  return merged;
}

}  // namespace k8s::fakeapiserver
