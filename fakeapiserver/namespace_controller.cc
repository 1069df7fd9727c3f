// Empties a namespace that is being deleted, says in its conditions what is left, and lets it go
// when nothing is.

#include <map>
#include <set>

#include "fakeapiserver/controllers.h"
#include "k8s/base/strings.h"

namespace k8s::fakeapiserver {
namespace {

// What is left in a namespace: of each resource so many, and of each finalizer.
struct Remaining {
  std::map<std::string, int> resources;  // "configmaps.", with the group behind the dot
  std::map<std::string, int> finalizers;
};

std::string Joined(std::string_view what, const std::map<std::string, int>& counts,
                   std::string_view verb) {
  std::vector<std::string> parts;
  for (const auto& [name, count] : counts)
    parts.push_back(Cat(name, " ", verb, " ", std::to_string(count), " resource instances"));
  return Cat(what, Join(parts, ", "));
}

class NamespaceController final : public Controller {
 public:
  explicit NamespaceController(const ControllerClient& client) : client_(client) {}

  void Restart() override {
    ending_.clear();
    look_at_.clear();
  }

  void See(const Change& change) override {
    const Key& key = (change.now ? change.now : change.before)->key;
    if (key.resource != "namespaces") {
      if (ending_.contains(key.ns)) look_at_.insert(key.ns);
    } else if (!change.now) {
      ending_.erase(key.name);
    } else if (change.now->terminating && ending_.insert(key.name).second) {
      look_at_.insert(key.name);
    }
  }

  void Work() override {
    for (const std::string& ns : std::exchange(look_at_, {})) {
      const ObjectPtr space = client_.Get({"namespaces", "", ns});
      if (space && space->terminating) Empty(*space);
    }
  }

 private:
  void Empty(const Object& space) const {
    for (const ObjectPtr& object : client_.Objects(space.key.name)) {
      if (!object->terminating) client_.Delete(*object, "Background");
    }
    const Remaining remaining = Count(space.key.name);
    Value tree = client_.TreeOf(space);
    const Value* before = tree.Find({"status", "conditions"});
    const Value conditions = Conditions(remaining);
    if (before == nullptr || !SameButForTimes(*before, conditions)) {
      tree["status"].Set("conditions", conditions);
      client_.Update(space, tree, "status");
    }
    if (!remaining.resources.empty()) return;
    const ObjectPtr now = client_.Get(space.key);
    if (now) Finalize(*now);
  }

  Remaining Count(const std::string& ns) const {
    Remaining remaining;
    for (const ObjectPtr& object : client_.Objects(ns)) {
      const std::string& name = object->key.resource;
      ++remaining.resources[name.find('.') == std::string::npos ? name + "." : name];
      const Value tree = client_.TreeOf(*object);
      const Value* finalizers = tree.Find({"metadata", "finalizers"});
      if (finalizers == nullptr) continue;
      for (const Value& one : finalizers->array()) ++remaining.finalizers[one.string()];
    }
    return remaining;
  }

  static bool SameButForTimes(Value before, Value now) {
    for (Value* list : {&before, &now}) {
      for (Value& one : list->array()) one.Remove("lastTransitionTime");
    }
    return before == now;
  }

  Value Conditions(const Remaining& remaining) const {
    Value out = Value::MakeArray();
    const auto add = [&](const char* type, bool holds, const char* reason, std::string message) {
      out.Append(Value::MakeObject({{"type", type},
                                    {"status", holds ? "True" : "False"},
                                    {"lastTransitionTime", client_.NowText()},
                                    {"reason", reason},
                                    {"message", std::move(message)}}));
    };
    add("NamespaceDeletionDiscoveryFailure", false, "ResourcesDiscovered",
        "All resources successfully discovered");
    add("NamespaceDeletionGroupVersionParsingFailure", false, "ParsedGroupVersions",
        "All legacy kube types successfully parsed");
    add("NamespaceDeletionContentFailure", false, "ContentDeleted",
        "All content successfully deleted, may be waiting on finalization");
    if (remaining.resources.empty()) {
      add("NamespaceContentRemaining", false, "ContentRemoved", "All content successfully removed");
    } else {
      add("NamespaceContentRemaining", true, "SomeResourcesRemain",
          Joined("Some resources are remaining: ", remaining.resources, "has"));
    }
    if (remaining.finalizers.empty()) {
      add("NamespaceFinalizersRemaining", false, "ContentHasNoFinalizers",
          "All content-preserving finalizers finished");
    } else {
      add("NamespaceFinalizersRemaining", true, "SomeFinalizersRemain",
          Joined("Some content in the namespace has finalizers remaining: ", remaining.finalizers,
                 "in"));
    }
    return out;
  }

  void Finalize(const Object& space) const {
    Value tree = client_.TreeOf(space);
    Value kept = Value::MakeArray();
    if (const Value* finalizers = tree.Find({"spec", "finalizers"})) {
      for (const Value& one : finalizers->array()) {
        if (one.string() != "kubernetes") kept.Append(one);
      }
    }
    tree["spec"].Set("finalizers", std::move(kept));
    client_.Update(space, tree, "finalize");
  }

  const ControllerClient& client_;
  std::set<std::string> ending_;   // namespaces that are being deleted
  std::set<std::string> look_at_;  // those of them where something has changed
};

}  // namespace

std::unique_ptr<Controller> NewNamespaceController(const ControllerClient& client) {
  return std::make_unique<NamespaceController>(client);
}

}  // namespace k8s::fakeapiserver
