#include "fakeapiserver/own_loops.h"

#include <algorithm>
#include <optional>

#include "fakeapiserver/core.h"
#include "fakeapiserver/managed_fields.h"
#include "fakeapiserver/tree_access.h"
#include "fakeapiserver/typed_tree.h"
#include "k8s/base/strings.h"
#include "k8s/machinery/json.h"

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

// The service's port under that name or number; null when it does not listen there.
const Value* PortOf(const Value& service, int64_t number) {
  for (const Value& port : ListAt(service, {"spec", "ports"})) {
    if (port.IntAt({"port"}) == number) return &port;
  }
  return nullptr;
}

bool HasAddresses(const Value& slice, std::string_view port_name) {
  const auto& ports = ListAt(slice, {"ports"});
  const bool named = std::any_of(ports.begin(), ports.end(), [&](const Value& port) {
    return port.StringAt({"name"}) == port_name;
  });
  const auto& endpoints = ListAt(slice, {"endpoints"});
  return named && std::any_of(endpoints.begin(), endpoints.end(), [](const Value& endpoint) {
           return !ListAt(endpoint, {"addresses"}).empty();
         });
}

struct Availability {
  bool available = false;
  std::string reason{}, message{};
};

// As far as it shows without calling the service; none when only a call would tell.
std::optional<Availability> AvailabilityOf(const Core& core, const Value& api) {
  const Value& target = At(api, {"spec", "service"});
  if (!target.is_object())
    return Availability{true, "Local", "Local APIServices are always available"};
  const std::string name(target.StringAt({"name"})), ns(target.StringAt({"namespace"}));
  const std::string place = Cat("service/", name, " in ", Quote(ns));
  const ObjectPtr service = core.store.Get({"services", ns, name});
  if (!service) return Availability{false, "ServiceNotFound", Cat(place, " is not present")};
  const Value tree = ParseJson(service->json).value();
  const int64_t number = target.IntAt({"port"});
  const Value* port = PortOf(tree, number);
  if (!port) {
    return Availability{false, "ServicePortError",
                        Cat(place, " is not listening on port ", std::to_string(number))};
  }
  Selection slices{.resource = "endpointslices.discovery.k8s.io", .ns = ns};
  const auto page = core.store.List(slices, 0, 0, "");
  bool any = false;
  for (const ObjectPtr& one : page->objects) {
    const Value slice = ParseJson(one->json).value();
    if (slice.StringAt({"metadata", "labels", "kubernetes.io/service-name"}) != name) continue;
    any = true;
    if (HasAddresses(slice, port->StringAt({"name"}))) return std::nullopt;
  }
  if (!any)
    return Availability{false, "EndpointsNotFound", Cat("cannot find endpointslices for ", place)};
  return Availability{false, "MissingEndpoints",
                      Cat("endpointslices for ", place, " have no addresses with port name ",
                          Quote(port->StringAt({"name"})))};
}

}  // namespace

void SettleApiService(Core& core, const Served& served, const ObjectPtr& object) {
  const Value live = TreeOf(*object, served);
  const auto found = AvailabilityOf(core, live);
  if (!found) return;
  Value condition = Value::MakeObject({{"type", "Available"},
                                       {"status", found->available ? "True" : "False"},
                                       {"lastTransitionTime", core.NowText()},
                                       {"reason", found->reason},
                                       {"message", found->message}});
  Value now = live;
  Value conditions = Value::MakeArray();
  for (const Value& one : ListAt(live, {"status", "conditions"})) {
    if (one.StringAt({"type"}) != "Available") {
      conditions.Append(one);
    } else if (one.StringAt({"reason"}) == found->reason &&
               one.StringAt({"message"}) == found->message) {
      return;
    } else if (one.StringAt({"status"}) == condition.StringAt({"status"})) {
      condition.Set("lastTransitionTime", one.StringAt({"lastTransitionTime"}));
    }
  }
  conditions.Append(std::move(condition));
  now["status"].Set("conditions", std::move(conditions));
  TrackUpdate(live, now, {}, *served.type, {"kube-apiserver", false, served.api_version, "status"},
              core.NowText());
  const Revision revision = core.store.NextRevision();
  now["metadata"].Set("resourceVersion", std::to_string(revision));
  auto normal = Normalise(std::move(now), *served.type);
  if (normal) core.store.Put(MakeObject(*std::move(normal), served, revision));
}

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
