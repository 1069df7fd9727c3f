#include "fakeapiserver/quotas.h"

#include <map>
#include <optional>

#include "fakeapiserver/core.h"
#include "fakeapiserver/managed_fields.h"
#include "fakeapiserver/tree_access.h"
#include "fakeapiserver/typed_tree.h"
#include "k8s/base/strings.h"
#include "k8s/machinery/json.h"
#include "k8s/machinery/quantity.h"

namespace k8s::fakeapiserver {
namespace {

using Amounts = std::map<std::string, Quantity>;

Amounts AmountsOf(const Value& tree) {
  Amounts amounts;
  if (!tree.is_object()) return amounts;
  for (const auto& [name, text] : tree.object()) {
    if (const auto amount = Quantity::Parse(text.is_string() ? text.string() : ""))
      amounts[name] = *amount;
  }
  return amounts;
}

void Add(Amounts& sum, const Amounts& more) {
  for (const auto& [name, amount] : more) sum[name] += amount;
}

std::optional<Quantity> Find(const Amounts& amounts, const std::string& name) {
  const auto found = amounts.find(name);
  return found == amounts.end() ? std::nullopt : std::optional(found->second);
}

// The objects of that resource in the namespace of the call.
std::vector<Value> AllOf(Core& core, const Call& call, std::string_view resource) {
  std::vector<Value> all;
  const auto page = core.store.List({std::string(resource), call.info.ns, {}, {}}, 0, 0, "");
  for (const ObjectPtr& object : page->objects) all.push_back(ParseJson(object->json).value());
  return all;
}

// "cpu, memory request for container main", or "" where nothing was missing.
std::string FillIn(Value& container, std::string_view part, const Value& defaults,
                   std::string_view what) {
  std::vector<std::string> names;
  if (!defaults.is_object()) return "";
  for (const auto& [name, amount] : defaults.object()) {
    if (container.Find({"resources", part, name})) continue;
    container["resources"][part].Set(name, amount);
    names.push_back(name);
  }
  if (names.empty()) return "";
  return Cat(Join(names, ", "), " ", what, " for container ", container.StringAt({"name"}));
}

struct Asked {
  Amounts requests{};
  Amounts limits{};
};

// What one row of a LimitRange has against it.
void CheckAgainst(const Value& row, const Asked& asked, std::vector<std::string>& errors) {
  const std::string type(row.StringAt({"type"}));
  const auto say = [&](std::string_view bound, const std::string& name, const Quantity& amount,
                       std::string_view rest) {
    errors.push_back(Cat(bound, " ", name, " usage per ", type, " is ", amount.String(), rest));
  };
  for (const auto& [name, least] : AmountsOf(At(row, {"min"}))) {
    const auto request = Find(asked.requests, name), limit = Find(asked.limits, name);
    if (!request) {
      say("minimum", name, least, ".  No request is specified");
    } else if (*request < least) {
      say("minimum", name, least, Cat(", but request is ", request->String()));
    } else if (limit && *limit < least) {
      say("minimum", name, least, Cat(", but limit is ", limit->String()));
    }
  }
  for (const auto& [name, most] : AmountsOf(At(row, {"max"}))) {
    const auto request = Find(asked.requests, name), limit = Find(asked.limits, name);
    // Claims have no limits.
    if (!limit && type != "PersistentVolumeClaim") {
      say("maximum", name, most, ".  No limit is specified");
    } else if (limit && *limit > most) {
      say("maximum", name, most, Cat(", but limit is ", limit->String()));
    } else if (request && *request > most) {
      say("maximum", name, most, Cat(", but request is ", request->String()));
    }
  }
  for (const auto& [name, ratio] : AmountsOf(At(row, {"maxLimitRequestRatio"}))) {
    const auto request = Find(asked.requests, name), limit = Find(asked.limits, name);
    if (!request || !limit || request->MilliValue() == 0) continue;
    const double provided =
        static_cast<double>(limit->MilliValue()) / static_cast<double>(request->MilliValue());
    if (provided <= static_cast<double>(ratio.MilliValue()) / 1000) continue;
    errors.push_back(Cat(name, " max limit to request ratio per ", type, " is ", ratio.String(),
                         ", but provided ratio is ", std::to_string(provided)));
  }
}

Result<void> Verdict(const Call& call, const Value& object,
                     const std::vector<std::string>& errors) {
  if (errors.empty()) return {};
  return Forbidden(call.resource(), object.StringAt({"metadata", "name"}),
                   errors.size() == 1 ? errors[0] : Cat("[", Join(errors, ", "), "]"));
}

Asked AskedBy(const Value& container) {
  return {AmountsOf(At(container, {"resources", "requests"})),
          AmountsOf(At(container, {"resources", "limits"}))};
}

// What the object counts for, by the names that quotas have for it.
Amounts UsageOf(const Call& call, const Value& object) {
  Amounts usage;
  const Quantity one = Quantity::FromInt(1);
  const std::string resource = call.resource().String();
  usage["count/" + resource] = one;
  if (call.served->group.empty()) usage[resource] = one;
  if (resource == "pods") {
    for (const Value& container : ListAt(object, {"spec", "containers"})) {
      const Asked asked = AskedBy(container);
      for (const auto& [name, amount] : asked.requests) {
        usage[name] += amount;
        usage["requests." + name] += amount;
      }
      for (const auto& [name, amount] : asked.limits) usage["limits." + name] += amount;
    }
  } else if (resource == "services") {
    const std::string_view type = object.StringAt({"spec", "type"});
    if (type == "LoadBalancer") usage["services.loadbalancers"] = one;
    if (type == "NodePort" || type == "LoadBalancer") {
      usage["services.nodeports"] =
          Quantity::FromInt(static_cast<int64_t>(ListAt(object, {"spec", "ports"}).size()));
    }
  } else if (resource == "persistentvolumeclaims") {
    for (const auto& [name, amount] : AmountsOf(At(object, {"spec", "resources", "requests"})))
      usage["requests." + name] = amount;
  }
  return usage;
}

// The containers that do not say what the quota counts: "requests.cpu for: main".
std::string Unsaid(const Amounts& hard, const Value& pod) {
  std::vector<std::string> all;
  for (const auto& [name, amount] : hard) {
    const bool limits = name.starts_with("limits.");
    if (!limits && !name.starts_with("requests.") && name != "cpu" && name != "memory") continue;
    const size_t dot = name.find('.');
    const std::string resource = dot == name.npos ? name : name.substr(dot + 1);
    std::vector<std::string> containers;
    for (const Value& container : ListAt(pod, {"spec", "containers"})) {
      if (!container.Find({"resources", limits ? "limits" : "requests", resource}))
        containers.emplace_back(container.StringAt({"name"}));
    }
    if (!containers.empty()) all.push_back(Cat(name, " for: ", Join(containers, ",")));
  }
  return Join(all, "; ");
}

Result<void> CheckQuota(const Call& call, const Value& quota, const Value& object,
                        const Amounts& usage) {
  const std::string name(quota.StringAt({"metadata", "name"}));
  const std::string_view of = object.StringAt({"metadata", "name"});
  const Amounts hard = AmountsOf(At(quota, {"status", "hard"})),
                used = AmountsOf(At(quota, {"status", "used"}));
  if (call.resource().String() == "pods") {
    if (const std::string unsaid = Unsaid(hard, object); !unsaid.empty())
      return Forbidden(call.resource(), of, Cat("failed quota: ", name, ": must specify ", unsaid));
  }
  std::vector<std::string> requested, taken, limited;
  for (const auto& [resource, most] : hard) {
    const auto more = Find(usage, resource);
    if (!more) continue;
    const Quantity before = Find(used, resource).value_or(Quantity());
    Quantity sum = before;
    sum += *more;
    if (!(sum > most)) continue;
    requested.push_back(Cat(resource, "=", more->String()));
    taken.push_back(Cat(resource, "=", before.String()));
    limited.push_back(Cat(resource, "=", most.String()));
  }
  if (requested.empty()) return {};
  return Forbidden(call.resource(), of,
                   Cat("exceeded quota: ", name, ", requested: ", Join(requested, ","),
                       ", used: ", Join(taken, ","), ", limited: ", Join(limited, ",")));
}

}  // namespace

Result<void> LimitPod(Core& core, const Call& call, Value& pod) {
  std::vector<std::string> filled, errors;
  const auto ranges = AllOf(core, call, "limitranges");
  Value* containers = pod.Find({"spec", "containers"});
  if (!containers || !containers->is_array()) return {};
  for (const Value& range : ranges) {
    for (const Value& row : ListAt(range, {"spec", "limits"})) {
      if (row.StringAt({"type"}) != "Container") continue;
      for (Value& container : containers->array()) {
        for (std::string text :
             {FillIn(container, "requests", At(row, {"defaultRequest"}), "request"),
              FillIn(container, "limits", At(row, {"default"}), "limit")}) {
          if (!text.empty()) filled.push_back(std::move(text));
        }
      }
    }
  }
  if (!filled.empty()) {
    pod["metadata"]["annotations"].Set("kubernetes.io/limit-ranger",
                                       Cat("LimitRanger plugin set: ", Join(filled, "; ")));
  }
  Asked sum;
  for (const Value& container : containers->array()) {
    const Asked asked = AskedBy(container);
    Add(sum.requests, asked.requests);
    Add(sum.limits, asked.limits);
  }
  for (const Value& range : ranges) {
    for (const Value& row : ListAt(range, {"spec", "limits"})) {
      const std::string_view type = row.StringAt({"type"});
      if (type == "Pod") CheckAgainst(row, sum, errors);
      if (type != "Container") continue;
      for (const Value& container : containers->array())
        CheckAgainst(row, AskedBy(container), errors);
    }
  }
  return Verdict(call, pod, errors);
}

Result<void> LimitClaim(Core& core, const Call& call, const Value& claim) {
  std::vector<std::string> errors;
  const Asked asked{AmountsOf(At(claim, {"spec", "resources", "requests"})), {}};
  for (const Value& range : AllOf(core, call, "limitranges")) {
    for (const Value& row : ListAt(range, {"spec", "limits"})) {
      if (row.StringAt({"type"}) == "PersistentVolumeClaim") CheckAgainst(row, asked, errors);
    }
  }
  return Verdict(call, claim, errors);
}

Result<void> ChargeQuotas(Core& core, const Call& call, const Value& object) {
  if (!call.served->namespaced || call.served->resource == "resourcequotas") return {};
  const auto quotas = AllOf(core, call, "resourcequotas");
  if (quotas.empty()) return {};
  const Amounts usage = UsageOf(call, object);
  for (const Value& quota : quotas) {
    if (auto good = CheckQuota(call, quota, object, usage); !good) return good;
  }
  if (call.dry_run) return {};
  const Served& served = *core.registry.Find("", "v1", "resourcequotas");
  for (const Value& quota : quotas) {
    Value now = quota;
    bool changed = false;
    for (const auto& [resource, most] : AmountsOf(At(quota, {"status", "hard"}))) {
      const auto more = Find(usage, resource);
      if (!more) continue;
      Quantity sum = Find(AmountsOf(At(quota, {"status", "used"})), resource).value_or(Quantity());
      sum += *more;
      now["status"]["used"].Set(resource, sum.String());
      changed = true;
    }
    if (!changed) continue;
    TrackUpdate(quota, now, {}, *served.type, {"kube-apiserver", false, "v1", "status"},
                core.NowText());
    const Revision revision = core.store.NextRevision();
    now["metadata"].Set("resourceVersion", std::to_string(revision));
    auto normal = Normalise(std::move(now), *served.type);
    if (normal) core.store.Put(MakeObject(*std::move(normal), served, revision));
  }
  return {};
}

}  // namespace k8s::fakeapiserver
