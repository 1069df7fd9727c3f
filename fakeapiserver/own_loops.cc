#include "fakeapiserver/own_loops.h"

#include "fakeapiserver/core.h"
#include "fakeapiserver/managed_fields.h"
#include "fakeapiserver/typed_tree.h"
#include "k8s/base/strings.h"

namespace k8s::fakeapiserver {
namespace {

// Applies the condition to the status, unless it stands there already.
void ApplyCondition(Core& core, const Served& served, const ObjectPtr& object,
                    std::string_view manager, Value condition) {
  const Value live = TreeOf(*object, served);
  if (const Value* all = live.Find({"status", "conditions"}); all && all->is_array()) {
    for (const Value& one : all->array()) {
      if (one.StringAt({"type"}) == condition.StringAt({"type"}) &&
          one.StringAt({"message"}) == condition.StringAt({"message"}))
        return;
    }
  }
  condition.Set("lastTransitionTime", core.NowText());
  Value applied = Value::MakeObject({{"kind", served.kind}, {"apiVersion", served.api_version}});
  applied["metadata"].Set("name", object->key.name);
  applied["status"].Set("conditions", Value::MakeArray({std::move(condition)}));
  auto merged =
      ApplyObject(&live, applied, *served.type,
                  {std::string(manager), true, served.api_version, "status"}, true, core.NowText());
  if (!merged) return;
  const Revision revision = core.store.NextRevision();
  (*merged)["metadata"].Set("resourceVersion", std::to_string(revision));
  auto normal = Normalise(*std::move(merged), *served.type);
  if (normal) core.store.Put(MakeObject(*std::move(normal), served, revision));
}

}  // namespace

void SettleFlowSchema(Core& core, const Served& served, const ObjectPtr& object) {
  const Value schema = TreeOf(*object, served);
  const std::string level(schema.StringAt({"spec", "priorityLevelConfiguration", "name"}));
  const bool found = core.store.Get({"prioritylevelconfigurations.flowcontrol.apiserver.k8s.io", "",
                                     level}) != nullptr;
  ApplyCondition(
      core, served, object, "api-priority-and-fairness-config-consumer-v1",
      Value::MakeObject(
          {{"type", "Dangling"},
           {"status", found ? "False" : "True"},
           {"reason", found ? "Found" : "NotFound"},
           {"message",
            Cat("This FlowSchema references the PriorityLevelConfiguration object named ",
                Quote(level), found ? " and it exists" : " but there is no such object")}}));
}

void SettleServiceRange(Core& core, const Served& served, const ObjectPtr& object) {
  if (object->key.name != "kubernetes") return;
  ApplyCondition(core, served, object, "kubernetes-service-cidr-controller",
                 Value::MakeObject({{"type", "Ready"},
                                    {"status", "True"},
                                    {"message", "Kubernetes default Service CIDR is ready"}}));
}

}  // namespace k8s::fakeapiserver
