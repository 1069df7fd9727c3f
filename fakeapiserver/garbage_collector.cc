// Dependants follow their owners: what is owned only by objects that are gone is deleted, an owner
// that is deleted in the foreground waits for those that block it, and one that is orphaned lets
// its dependants go.

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>

#include "fakeapiserver/controllers.h"

namespace k8s::fakeapiserver {
namespace {

constexpr std::string_view kForeground = "foregroundDeletion";
constexpr std::string_view kOrphan = "orphan";

struct Owner {
  std::string uid, api_version, kind, name;
  bool blocks = false;  // blockOwnerDeletion
};

struct Node {
  Key key{};
  std::vector<Owner> owners{};
  bool terminating = false, foreground = false, orphan = false;
};

enum class Standing : uint8_t { kSolid, kGone, kWaiting, kUnknown };

class GarbageCollector final : public Controller {
 public:
  explicit GarbageCollector(const ControllerClient& client) : client_(client) {}

  void Restart() override {
    nodes_.clear();
    dependents_.clear();
    look_at_.clear();
  }

  void See(const Change& change) override {
    if (change.before && (!change.now || change.now->uid != change.before->uid))
      Forget(change.before->uid);
    if (!change.now) return;
    const Object& object = *change.now;
    Node node = Read(object);
    Node& known = nodes_[object.uid];
    for (const Owner& owner : known.owners) Unlink(owner.uid, object.uid);
    for (const Owner& owner : node.owners) dependents_[owner.uid].insert(object.uid);
    const bool begins_to_wait =
        node.terminating && node.foreground && !(known.terminating && known.foreground);
    known = std::move(node);
    if (!known.owners.empty() || known.terminating) look_at_.insert(object.uid);
    if (begins_to_wait) LookAtDependents(object.uid);
  }

  void Work() override {
    for (const std::string& uid : std::exchange(look_at_, {})) {
      const auto found = nodes_.find(uid);
      if (found == nodes_.end()) continue;
      const Node node = found->second;
      const ObjectPtr object = client_.Get(node.key);
      if (!object || object->uid != uid) continue;
      if (node.terminating && node.orphan) {
        Orphan(*object);
      } else if (node.terminating && node.foreground) {
        FinishForeground(*object);
      } else if (!node.terminating && !node.owners.empty()) {
        Collect(*object, node);
      }
    }
  }

 private:
  Node Read(const Object& object) const {
    Node node{.key = object.key, .terminating = object.terminating};
    // Most objects have neither; their trees need not be made.
    const std::string_view text = object.json;
    const bool owned = text.find("\"ownerReferences\"") != text.npos;
    if (!owned && !object.terminating) return node;
    const Value tree = client_.TreeOf(object);
    if (const Value* owners = tree.Find({"metadata", "ownerReferences"})) {
      for (const Value& one : owners->array()) {
        node.owners.push_back(
            {std::string(one.StringAt({"uid"})), std::string(one.StringAt({"apiVersion"})),
             std::string(one.StringAt({"kind"})), std::string(one.StringAt({"name"})),
             one.BoolAt({"blockOwnerDeletion"})});
      }
    }
    if (const Value* finalizers = tree.Find({"metadata", "finalizers"})) {
      for (const Value& one : finalizers->array()) {
        node.foreground |= one.string() == kForeground;
        node.orphan |= one.string() == kOrphan;
      }
    }
    return node;
  }

  void Forget(const std::string& uid) {
    const auto found = nodes_.find(uid);
    if (found != nodes_.end()) {
      for (const Owner& owner : found->second.owners) {
        Unlink(owner.uid, uid);
        // It may wait for this one.
        if (nodes_.contains(owner.uid)) look_at_.insert(owner.uid);
      }
      nodes_.erase(found);
    }
    LookAtDependents(uid);
  }

  void Unlink(const std::string& owner, const std::string& dependent) {
    const auto found = dependents_.find(owner);
    if (found == dependents_.end()) return;
    found->second.erase(dependent);
    if (found->second.empty()) dependents_.erase(found);
  }

  void LookAtDependents(const std::string& uid) {
    if (const auto found = dependents_.find(uid); found != dependents_.end())
      look_at_.insert(found->second.begin(), found->second.end());
  }

  Standing StandingOf(const Owner& owner, const Key& dependent) const {
    const Served* served = client_.FindKind(owner.api_version, owner.kind);
    // A kind that is not served may be one tomorrow; a namespaced owner of what has no namespace
    // cannot be looked up.
    if (served == nullptr || (served->namespaced && dependent.ns.empty()))
      return Standing::kUnknown;
    const ObjectPtr object =
        client_.Get({served->StoreName(), served->namespaced ? dependent.ns : "", owner.name});
    if (!object || object->uid != owner.uid) return Standing::kGone;
    const auto node = nodes_.find(owner.uid);
    const bool waits = node != nodes_.end() && node->second.terminating && node->second.foreground;
    return waits ? Standing::kWaiting : Standing::kSolid;
  }

  void Collect(const Object& object, const Node& node) {
    std::set<std::string> gone, waiting;
    size_t solid = 0;
    for (const Owner& owner : node.owners) {
      switch (StandingOf(owner, node.key)) {
        case Standing::kUnknown:
          return;
        case Standing::kSolid:
          ++solid;
          break;
        case Standing::kGone:
          gone.insert(owner.uid);
          break;
        case Standing::kWaiting:
          waiting.insert(owner.uid);
          break;
      }
    }
    if (solid > 0) {
      gone.insert(waiting.begin(), waiting.end());
      if (!gone.empty()) DropOwners(object, gone);
      return;
    }
    if (!waiting.empty() && dependents_.contains(object.uid)) {
      client_.Delete(object, "Foreground");
      return;
    }
    client_.Delete(object, node.orphan ? "Orphan" : node.foreground ? "Foreground" : "Background");
  }

  // Takes the elements of a list in the metadata away that `drops` names.
  template <class Drops>
  void Drop(const Object& object, const char* list, const Drops& drops) const {
    const Value tree = client_.TreeOf(object);
    Value kept = Value::MakeArray();
    for (const Value& one : tree.Find({"metadata", list})->array()) {
      if (!drops(one)) kept.Append(one);
    }
    client_.MergePatch(
        object,
        Value::MakeObject(
            {{"metadata", Value::MakeObject({{"uid", object.uid}, {list, std::move(kept)}})}}));
  }

  void DropOwners(const Object& object, const std::set<std::string>& uids) const {
    Drop(object, "ownerReferences",
         [&](const Value& one) { return uids.contains(std::string(one.StringAt({"uid"}))); });
  }

  void DropFinalizer(const Object& object, std::string_view name) const {
    Drop(object, "finalizers", [&](const Value& one) { return one.string() == name; });
  }

  void Orphan(const Object& object) {
    if (const auto found = dependents_.find(object.uid); found != dependents_.end()) {
      for (const std::string& uid : std::set<std::string>(found->second)) {
        const ObjectPtr dependent = client_.Get(nodes_.at(uid).key);
        if (dependent && dependent->uid == uid) DropOwners(*dependent, {object.uid});
      }
    }
    DropFinalizer(object, kOrphan);
  }

  // Whatever blocks the owner is on its way; when none of it is left, the owner may go.
  void FinishForeground(const Object& object) {
    if (const auto found = dependents_.find(object.uid); found != dependents_.end()) {
      const bool blocked =
          std::any_of(found->second.begin(), found->second.end(), [&](const std::string& uid) {
            const std::vector<Owner>& owners = nodes_.at(uid).owners;
            return std::any_of(owners.begin(), owners.end(), [&](const Owner& one) {
              return one.uid == object.uid && one.blocks;
            });
          });
      if (blocked) return;
    }
    DropFinalizer(object, kForeground);
  }

  const ControllerClient& client_;
  std::unordered_map<std::string, Node> nodes_;  // by uid
  std::unordered_map<std::string, std::set<std::string>>
      dependents_;  // uids, by the uid of an owner
  std::set<std::string> look_at_;
};

}  // namespace

std::unique_ptr<Controller> NewGarbageCollector(const ControllerClient& client) {
  return std::make_unique<GarbageCollector>(client);
}

}  // namespace k8s::fakeapiserver
