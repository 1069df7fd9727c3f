#include "fakeapiserver/kinds.h"

#include <algorithm>
#include <set>

#include "fakeapiserver/bootstrap.h"
#include "fakeapiserver/check_hooks.h"
#include "fakeapiserver/checks.h"
#include "fakeapiserver/core.h"
#include "fakeapiserver/immutables.h"
#include "fakeapiserver/own_loops.h"
#include "fakeapiserver/quotas.h"
#include "fakeapiserver/tree_access.h"
#include "k8s/base/base64.h"
#include "k8s/base/strings.h"
#include "k8s/machinery/json.h"
#include "k8s/machinery/labels.h"
#include "k8s/machinery/quantity.h"

namespace k8s::fakeapiserver {
namespace {

constexpr std::string_view kImmutable = "field is immutable";
constexpr size_t kMaxPayload = 1048576;
constexpr int kFirstNodePort = 30000, kLastNodePort = 32767;

// The old value stays: shown as it is now.
void CheckSame(const Value& now, const Value& old, std::initializer_list<std::string_view> path,
               std::string_view shown, FieldErrors& errors) {
  const Value& a = At(now, path);
  if (!(a == At(old, path)))
    errors.push_back(InvalidValue(std::string(shown), a, std::string(kImmutable)));
}

// --- pods ---

// Keys that a term of affinity takes from the pod's own labels join its selector.
void MergeLabelKeys(const Value& pod, Value& term) {
  for (const auto& [keys, word] :
       {std::pair("matchLabelKeys", "In"), std::pair("mismatchLabelKeys", "NotIn")}) {
    const Value* list = term.Find(keys);
    if (!list || !list->is_array() || !term.Find("labelSelector")) continue;
    const Value names = *list;
    for (const Value& key : names.array()) {
      const Value& value = At(pod, {"metadata", "labels", key.string()});
      if (value.is_null()) continue;
      term["labelSelector"]["matchExpressions"].Append(Value::MakeObject(
          {{"key", key}, {"operator", word}, {"values", Value::MakeArray({value})}}));
    }
  }
}

void MergeAffinityKeys(Value& pod) {
  for (std::string_view side : {"podAffinity", "podAntiAffinity"}) {
    Value* affinity = pod.Find({"spec", "affinity", side});
    if (!affinity) continue;
    if (Value* list = affinity->Find("requiredDuringSchedulingIgnoredDuringExecution");
        list && list->is_array()) {
      for (Value& term : list->array()) MergeLabelKeys(pod, term);
    }
    if (Value* list = affinity->Find("preferredDuringSchedulingIgnoredDuringExecution");
        list && list->is_array()) {
      for (Value& weighted : list->array()) {
        if (Value* term = weighted.Find("podAffinityTerm")) MergeLabelKeys(pod, *term);
      }
    }
  }
}

void PreparePod(Core& core, Value& pod) {
  MergeAffinityKeys(pod);
  pod.Set("status", Value::MakeObject({{"phase", "Pending"}, {"qosClass", QosClass(pod["spec"])}}));
  if (ListAt(pod, {"spec", "schedulingGates"}).empty()) return;
  pod["status"].Set(
      "conditions",
      Value::MakeArray({Value::MakeObject(
          {{"type", "PodScheduled"},
           {"status", "False"},
           {"lastTransitionTime", core.NowText()},
           {"reason", "SchedulingGated"},
           {"message", "Scheduling is blocked due to non-empty scheduling gates"}})}));
}

void KeepPod(Core&, Value& now, const Value& old) {
  const Value* status = old.Find("status");
  if (status) now.Set("status", *status);
}

// What the class of a pod's runtime asks for: overhead, nodes, tolerations.
Result<void> AdmitRuntime(Core& core, const Call& call, Value& pod) {
  Value& spec = pod["spec"];
  const auto refuse = [&](std::string_view why) {
    return Forbidden(call.resource(), pod.StringAt({"metadata", "name"}), std::string(why));
  };
  const std::string name(spec.StringAt({"runtimeClassName"}));
  const Value given = At(spec, {"overhead"});
  Value overhead, scheduling;
  if (!name.empty()) {
    const ObjectPtr found = core.store.Get({"runtimeclasses.node.k8s.io", "", name});
    if (!found) return refuse(Cat("pod rejected: RuntimeClass ", Quote(name), " not found"));
    const Value tree = ParseJson(found->json).value();
    overhead = At(tree, {"overhead", "podFixed"});
    scheduling = At(tree, {"scheduling"});
  }
  if (!overhead.is_null()) {
    if (!given.is_null() && !(given == overhead))
      return refuse("pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead");
    spec.Set("overhead", std::move(overhead));
  } else if (!given.is_null()) {
    return refuse(
        "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead");
  }
  if (const Value* selector = scheduling.Find("nodeSelector"); selector && selector->is_object()) {
    for (const auto& [key, value] : selector->object()) {
      const Value* own = spec.Find({"nodeSelector", key});
      if (own && !(*own == value)) {
        return refuse(Cat("conflict: runtimeClass.scheduling.nodeSelector[", key, "] = ",
                          value.string(), "; pod.spec.nodeSelector[", key, "] = ", own->string()));
      }
      spec["nodeSelector"].Set(key, value);
    }
  }
  for (const Value& toleration : ListAt(scheduling, {"tolerations"})) {
    const auto& known = ListAt(spec, {"tolerations"});
    if (std::find(known.begin(), known.end(), toleration) == known.end())
      spec["tolerations"].Append(toleration);
  }
  return {};
}

// Priority, tolerations and account of a new pod (chapter 10.1, admission).
Result<void> AdmitPod(Core& core, Call& call, Value& now, const Value* old) {
  if (old) return {};
  if (auto limited = LimitPod(core, call, now); !limited) return limited;
  Value& spec = now["spec"];
  Value& tolerations = spec["tolerations"];
  if (!tolerations.is_array()) tolerations = Value::MakeArray();
  for (std::string_view key : {"node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"}) {
    const bool tolerated =
        std::any_of(tolerations.array().begin(), tolerations.array().end(), [&](const Value& one) {
          const auto effect = one.StringAt({"effect"});
          return (one.StringAt({"key"}) == key || one.StringAt({"key"}).empty()) &&
                 (effect == "NoExecute" || effect.empty());
        });
    if (tolerated) continue;
    tolerations.Append(Value::MakeObject({{"key", key},
                                          {"operator", "Exists"},
                                          {"effect", "NoExecute"},
                                          {"tolerationSeconds", 300}}));
  }
  int64_t priority = 0;
  std::string policy = "PreemptLowerPriority";
  const std::string name(spec.StringAt({"priorityClassName"}));
  if (!name.empty()) {
    const ObjectPtr found = core.store.Get({"priorityclasses.scheduling.k8s.io", "", name});
    if (!found)
      return Forbidden(call.resource(), now.StringAt({"metadata", "name"}),
                       Cat("no PriorityClass with name ", name, " was found"));
    const Value tree = ParseJson(found->json).value();
    priority = tree.IntAt({"value"});
    policy = std::string(tree.StringAt({"preemptionPolicy"}, policy));
  }
  if (const Value* given = spec.Find("priority");
      given && given->is_int() && given->integer() != priority) {
    return Forbidden(
        call.resource(), now.StringAt({"metadata", "name"}),
        Cat("the integer value of priority (", std::to_string(given->integer()),
            ") must not be provided in pod spec; priority admission controller computed ",
            std::to_string(priority), " from the given PriorityClass name"));
  }
  spec.Set("priority", priority);
  if (const Value* given = spec.Find("preemptionPolicy"); given && !(*given == Value(policy))) {
    return Forbidden(
        call.resource(), now.StringAt({"metadata", "name"}),
        Cat("the string value of PreemptionPolicy (", given->is_string() ? given->string() : "",
            ") must not be provided in pod spec; priority admission controller computed ", policy,
            " from the given PriorityClass name"));
  }
  spec.Set("preemptionPolicy", policy);
  if (auto fits = AdmitRuntime(core, call, now); !fits) return fits;
  const std::string pod_name(now.StringAt({"metadata", "name"}));
  Complaints hostname = CheckDns1123Label(pod_name);
  if (!hostname.empty() && CheckDns1123Subdomain(pod_name).empty()) {
    call.Warn(
        Cat("metadata.name: this is used in the Pod's hostname, which can result in surprising "
            "behavior; a DNS label is recommended: [",
            Join(hostname, " "), "]"));
  }
  return {};
}

// Devices that are in use can be looked at from namespaces with a label only.
Result<void> AdmitDeviceRequests(Core& core, const Call& call, const Value& now,
                                 const Value& claim) {
  constexpr std::string_view kLabel = "resource.kubernetes.io/admin-access";
  const ObjectPtr ns = core.store.Get({"namespaces", "", call.info.ns});
  const bool allowed =
      ns && std::any_of(ns->labels.begin(), ns->labels.end(), [&](const auto& label) {
        return label.first == kLabel && label.second == "true";
      });
  FieldErrors errors;
  const auto& requests = ListAt(claim, {"devices", "requests"});
  for (size_t i = 0; !allowed && i < requests.size(); ++i) {
    if (!requests[i].BoolAt({"exactly", "adminAccess"})) continue;
    errors.push_back(ForbiddenField(Cat(Index("spec.devices.requests", i), ".adminAccess"),
                                    Cat("admin access to devices requires the `", kLabel,
                                        ": true` label on the containing namespace")));
  }
  if (errors.empty()) return {};
  return InvalidObject(call.served->group_kind(), now.StringAt({"metadata", "name"}), errors);
}

// The template of a DaemonSet has a number, which grows with each change.
void CountTemplates(Core&, Value& now, const Value& old) {
  constexpr std::string_view kNumber = "deprecated.daemonset.template.generation";
  const bool same = At(now, {"spec", "template"}) == At(old, {"spec", "template"});
  const int64_t number =
      ParseInt(old.StringAt({"metadata", "annotations", kNumber})).value_or(1) + (same ? 0 : 1);
  now["metadata"]["annotations"].Set(kNumber, std::to_string(number));
}

// --- workloads with a selector and a template ---

void SelectorStays(const Value& now, const Value& old, FieldErrors& errors) {
  CheckSame(now, old, {"spec", "selector"}, "spec.selector", errors);
}

void StatefulSetStays(const Value& now, const Value& old, FieldErrors& errors) {
  CheckSame(now, old, {"spec", "selector"}, "spec.selector", errors);
  CheckSame(now, old, {"spec", "serviceName"}, "spec.serviceName", errors);
  CheckSame(now, old, {"spec", "podManagementPolicy"}, "spec.podManagementPolicy", errors);
  CheckSame(now, old, {"spec", "volumeClaimTemplates"}, "spec.volumeClaimTemplates", errors);
}

void PrepareJob(Core&, Value& job) {
  Value& spec = job["spec"];
  // Labels that come from the template by default are the template's own.
  const bool shares_labels =
      At(job, {"metadata", "labels"}) == At(spec, {"template", "metadata", "labels"});
  if (!spec.BoolAt({"manualSelector"})) {
    const std::string uid(job.StringAt({"metadata", "uid"})),
        name(job.StringAt({"metadata", "name"}));
    Value& labels = spec["template"]["metadata"]["labels"];
    labels.Set("controller-uid", uid);
    labels.Set("batch.kubernetes.io/controller-uid", uid);
    labels.Set("job-name", name);
    labels.Set("batch.kubernetes.io/job-name", name);
    spec["selector"]["matchLabels"].Set("batch.kubernetes.io/controller-uid", uid);
  }
  if (shares_labels) job["metadata"].Set("labels", At(spec, {"template", "metadata", "labels"}));
}

void JobStays(const Value& now, const Value& old, FieldErrors& errors) {
  CheckSame(now, old, {"spec", "completions"}, "spec.completions", errors);
  CheckSame(now, old, {"spec", "selector"}, "spec.selector", errors);
  JobTemplateStays(now, old, errors);
  CheckSame(now, old, {"spec", "completionMode"}, "spec.completionMode", errors);
  CheckSame(now, old, {"spec", "podFailurePolicy"}, "spec.podFailurePolicy", errors);
  CheckSame(now, old, {"spec", "backoffLimitPerIndex"}, "spec.backoffLimitPerIndex", errors);
  CheckSame(now, old, {"spec", "managedBy"}, "spec.managedBy", errors);
}

void ValidateJob(const Value& job, FieldErrors& errors) {
  const Value& labels = At(job, {"spec", "template", "metadata", "labels"});
  labels::Set set;
  if (labels.is_object()) {
    for (const auto& [name, value] : labels.object())
      set.emplace_back(name, value.is_string() ? value.string() : "");
  }
  const auto selector = labels::Selector::FromValue(job.Find({"spec", "selector"}));
  if (selector && !selector->Matches(set)) {
    errors.push_back(InvalidValue("spec.template.metadata.labels", labels,
                                  "`selector` does not match template `labels`"));
  }
  const Value& per_index = At(job, {"spec", "backoffLimitPerIndex"});
  if (!per_index.is_null() && job.StringAt({"spec", "completionMode"}) != "Indexed") {
    errors.push_back(
        InvalidValue("spec.backoffLimitPerIndex", per_index, "requires indexed completion mode"));
  }
}

// --- configuration ---

void ValidatePayload(const Value& object, const std::string& too_long_path, FieldErrors& errors) {
  size_t size = 0;
  for (std::string_view bag : {"data", "binaryData"}) {
    const Value& entries = At(object, {bag});
    if (!entries.is_object()) continue;
    for (const auto& [key, value] : entries.object()) {
      for (const std::string& complaint : CheckConfigMapKey(key))
        errors.push_back(InvalidText(Cat(bag, "[", key, "]"), key, complaint));
      size += value.is_string() ? value.string().size() : 0;
    }
  }
  if (size > kMaxPayload) errors.push_back(TooLong(too_long_path, kMaxPayload));
}

void ValidateConfigMap(const Value& object, FieldErrors& errors) {
  const Value& binary = At(object, {"binaryData"});
  if (const Value& data = At(object, {"data"}); data.is_object() && binary.is_object()) {
    for (const auto& [key, value] : data.object()) {
      if (binary.Find(key))
        errors.push_back(
            InvalidText(Cat("data[", key, "]"), key, "duplicate of key present in binaryData"));
    }
  }
  ValidatePayload(object, "", errors);
}

void StaysImmutable(const Value& now, const Value& old, FieldErrors& errors) {
  if (!old.BoolAt({"immutable"})) return;
  const std::string why = "field is immutable when `immutable` is set";
  if (!now.BoolAt({"immutable"})) errors.push_back(ForbiddenField("immutable", why));
  for (std::string_view bag : {"data", "binaryData"}) {
    if (!(At(now, {bag}) == At(old, {bag})))
      errors.push_back(ForbiddenField(std::string(bag), why));
  }
}

void ValidateSecret(const Value& secret, FieldErrors& errors) {
  struct Needs {
    std::string_view type;
    std::vector<std::string_view> keys;
  };
  static const std::vector<Needs> kNeeds = {
      {"kubernetes.io/tls", {"tls.crt", "tls.key"}},
      {"kubernetes.io/dockerconfigjson", {".dockerconfigjson"}},
      {"kubernetes.io/dockercfg", {".dockercfg"}},
      {"kubernetes.io/ssh-auth", {"ssh-privatekey"}}};
  ValidatePayload(secret, "data", errors);
  const std::string_view type = secret.StringAt({"type"});
  for (const Needs& row : kNeeds) {
    if (row.type != type) continue;
    for (std::string_view key : row.keys) {
      if (!secret.Find({"data", key})) errors.push_back(Required(Cat("data[", key, "]")));
    }
  }
  if (type == "kubernetes.io/basic-auth" && !secret.Find({"data", "username"}) &&
      !secret.Find({"data", "password"})) {
    errors.push_back(Required("data[username]"));
    errors.push_back(Required("data[password]"));
  }
  if (type == "kubernetes.io/service-account-token" &&
      secret.StringAt({"metadata", "annotations", "kubernetes.io/service-account.name"}).empty()) {
    errors.push_back(Required("metadata.annotations[kubernetes.io/service-account.name]"));
  }
}

// A pair of certificate and key that cannot be one is stored, with a warning.
Result<void> AdmitSecret(Core&, Call& call, Value& now, const Value*) {
  if (now.StringAt({"type"}) != "kubernetes.io/tls") return {};
  const auto has_pem = [&](std::string_view name) {
    const auto text = DecodeBase64(now.StringAt({"data", name}));
    return text && text->find("-----BEGIN ") != std::string::npos;
  };
  if (!now.Find({"data", "tls.crt"}) || !now.Find({"data", "tls.key"})) return {};
  if (!has_pem("tls.crt")) {
    call.Warn("tls: failed to find any PEM data in certificate input");
  } else if (!has_pem("tls.key")) {
    call.Warn("tls: failed to find any PEM data in key input");
  }
  return {};
}

// --- services ---

std::set<std::string> TakenAddresses(Core& core, const std::string& except_uid) {
  std::set<std::string> taken;
  const auto page = core.store.List({"services", "", {}, {}}, 0, 0, "");
  for (const ObjectPtr& object : page->objects) {
    if (object->uid == except_uid) continue;
    const Value tree = ParseJson(object->json).value();
    for (const Value& one : ListAt(tree, {"spec", "clusterIPs"}))
      taken.insert(one.is_string() ? one.string() : "");
  }
  return taken;
}

// A free address of 10.0.0.0/24, or "". As in Kubernetes the lowest sixteen are given out last, so
// that whoever asks for one of them by name mostly gets it.
std::string FreeAddress(const std::set<std::string>& taken, Random& random) {
  constexpr uint64_t kFirst = 2, kKept = 17, kEnd = 255;
  const auto free_one = [&](uint64_t begin, uint64_t end, uint64_t start) -> std::string {
    for (uint64_t i = 0; i < end - begin; ++i) {
      std::string address = Cat("10.0.0.", std::to_string(begin + (start + i) % (end - begin)));
      if (!taken.contains(address)) return address;
    }
    return {};
  };
  const std::string usual = free_one(kKept, kEnd, random.Below(kEnd - kKept));
  return usual.empty() ? free_one(kFirst, kKept, random.Below(kKept - kFirst)) : usual;
}

std::set<int64_t> TakenPorts(Core& core, const std::string& except_uid) {
  std::set<int64_t> taken;
  const auto page = core.store.List({"services", "", {}, {}}, 0, 0, "");
  for (const ObjectPtr& object : page->objects) {
    if (object->uid == except_uid) continue;
    const Value tree = ParseJson(object->json).value();
    for (const Value& port : ListAt(tree, {"spec", "ports"}))
      taken.insert(port.IntAt({"nodePort"}));
  }
  return taken;
}

FieldErrors FamiliesAgainstAddresses(const Value& spec, bool headless) {
  FieldErrors errors;
  const auto &addresses = ListAt(spec, {"clusterIPs"}), &families = ListAt(spec, {"ipFamilies"});
  for (size_t i = 0; !headless && i < addresses.size() && i < families.size(); ++i) {
    const std::string &address = addresses[i].string(), &family = families[i].string();
    const bool is_six = address.find(':') != address.npos;
    if ((family != "IPv4" && family != "IPv6") || is_six == (family == "IPv6")) continue;
    errors.push_back(InvalidText(Index("spec.clusterIPs", i), address,
                                 Cat("expected an ", family, " value as indicated by `ipFamilies[",
                                     std::to_string(i), "]`")));
  }
  return errors;
}

// A cluster address out of 10.0.0.0/24; the first is the server's own.
Result<void> AllocateAddress(Core& core, Call& call, Value& service) {
  Value& spec = service["spec"];
  const std::string type(spec.StringAt({"type"})), name(service.StringAt({"metadata", "name"}));
  if (type == "ExternalName") return {};
  const auto refuse = [&](FieldError error) {
    return InvalidObject({call.served->group, call.served->kind}, name, {std::move(error)});
  };
  const bool headless =
      spec.StringAt({"clusterIP"}) == "None" ||
      (!ListAt(spec, {"clusterIPs"}).empty() && ListAt(spec, {"clusterIPs"})[0] == Value("None"));
  const bool bare = !spec.Find("selector");
  if (FieldErrors wrong = FamiliesAgainstAddresses(spec, headless); !wrong.empty())
    return InvalidObject({call.served->group, call.served->kind}, name, wrong);
  if (!headless || !bare) {
    const auto& families = ListAt(spec, {"ipFamilies"});
    for (size_t i = 0; i < families.size(); ++i) {
      if (families[i] == Value("IPv6"))
        return refuse(
            InvalidText(Index("spec.ipFamilies", i), "IPv6", "not configured on this cluster"));
    }
    if (spec.StringAt({"ipFamilyPolicy"}) == "RequireDualStack") {
      return refuse(InvalidText("spec.ipFamilyPolicy", "RequireDualStack",
                                "this cluster is not configured for dual-stack services"));
    }
  }
  if (!spec.Find("ipFamilies")) {
    spec.Set("ipFamilies",
             headless && bare ? Value::MakeArray({"IPv4", "IPv6"}) : Value::MakeArray({"IPv4"}));
  }
  if (!spec.Find("ipFamilyPolicy"))
    spec.Set("ipFamilyPolicy", headless && bare ? "RequireDualStack" : "SingleStack");
  if (headless) {
    spec.Set("clusterIP", "None");
    spec.Set("clusterIPs", Value::MakeArray({"None"}));
    return {};
  }
  std::string wanted(spec.StringAt({"clusterIP"}));
  const auto taken = TakenAddresses(core, std::string(service.StringAt({"metadata", "uid"})));
  if (wanted.empty()) {
    wanted = FreeAddress(taken, *core.env.random);
    if (wanted.empty()) return InternalError("failed to allocate a serviceIP: range is full");
  } else {
    std::string why;
    const auto last = wanted.starts_with("10.0.0.") ? ParseInt(wanted.substr(7)) : std::nullopt;
    if (!last || *last < 1 || *last > 254) {
      why = "the provided network does not match the current range";
    } else if (taken.contains(wanted)) {
      why = "provided IP is already allocated";
    }
    if (!why.empty()) {
      return InvalidObject({call.served->group, call.served->kind}, name,
                           {InvalidValue("spec.clusterIPs", Value::MakeArray({wanted}),
                                         Cat("failed to allocate IP ", wanted, ": ", why))});
    }
  }
  spec.Set("clusterIP", wanted);
  spec.Set("clusterIPs", Value::MakeArray({wanted}));
  return {};
}

Result<void> AllocatePorts(Core& core, Call& call, Value& service) {
  Value& spec = service["spec"];
  const std::string type(spec.StringAt({"type"})), name(service.StringAt({"metadata", "name"}));
  if (type != "NodePort" && type != "LoadBalancer") return {};
  if (type == "LoadBalancer" && !spec.BoolAt({"allocateLoadBalancerNodePorts"}, true)) return {};
  auto taken = TakenPorts(core, std::string(service.StringAt({"metadata", "uid"})));
  if (type == "LoadBalancer" && spec.StringAt({"externalTrafficPolicy"}) == "Local" &&
      spec.IntAt({"healthCheckNodePort"}) == 0) {
    int64_t number = kLastNodePort;
    while (taken.contains(number)) --number;
    taken.insert(number);
    spec.Set("healthCheckNodePort", number);
  }
  Value* ports = spec.Find("ports");
  if (!ports || !ports->is_array()) return {};
  for (size_t i = 0; i < ports->array().size(); ++i) {
    Value& port = ports->array()[i];
    int64_t number = port.IntAt({"nodePort"});
    if (number) {
      std::string why;
      if (number < kFirstNodePort || number > kLastNodePort)
        why = "provided port is not in the valid range. The range of valid ports is 30000-32767";
      else if (taken.contains(number))
        why = "provided port is already allocated";
      if (!why.empty()) {
        return InvalidObject({call.served->group, call.served->kind}, name,
                             {InvalidValue(Index("spec.ports", i) + ".nodePort", number, why)});
      }
      continue;
    }
    // The same port under another protocol shares the number.
    for (size_t j = 0; j < i && !number; ++j) {
      if (ports->array()[j].IntAt({"port"}) == port.IntAt({"port"}))
        number = ports->array()[j].IntAt({"nodePort"});
    }
    for (int tries = 0; !number && tries < kLastNodePort - kFirstNodePort + 1; ++tries) {
      const auto candidate =
          static_cast<int64_t>(static_cast<uint64_t>(kFirstNodePort) +
                               core.env.random->Below(kLastNodePort - kFirstNodePort + 1));
      if (!taken.contains(candidate)) number = candidate;
    }
    if (!number) return InternalError("failed to allocate a nodePort: range is full");
    taken.insert(number);
    port.Set("nodePort", number);
  }
  return {};
}

void ValidateService(const Value& service, FieldErrors& errors);

bool IsExternal(std::string_view type) { return type == "NodePort" || type == "LoadBalancer"; }

// What the old type needed and the new one does not goes, unless the client just changed it.
void DropTypeDependent(Value& spec, const Value& old) {
  const std::string type(spec.StringAt({"type"})), before(old.StringAt({"type"}));
  const auto drop = [&](std::string_view name) {
    if (At(spec, {name}) == At(old, {name})) spec.Remove(name);
  };
  if (type == "ExternalName" && before != "ExternalName") {
    for (std::string_view name :
         {"clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "internalTrafficPolicy"})
      drop(name);
  }
  if (IsExternal(before) && !IsExternal(type)) {
    drop("externalTrafficPolicy");
    Value* ports = spec.Find("ports");
    for (size_t i = 0; ports && ports->is_array() && i < ports->array().size(); ++i) {
      const auto& old_ports = ListAt(old, {"ports"});
      Value& port = ports->array()[i];
      if (i < old_ports.size() && port.IntAt({"nodePort"}) == old_ports[i].IntAt({"nodePort"}))
        port.Remove("nodePort");
    }
  }
  if (old.StringAt({"externalTrafficPolicy"}) == "Local" &&
      spec.StringAt({"externalTrafficPolicy"}) != "Local")
    drop("healthCheckNodePort");
  if (before == "LoadBalancer" && type != "LoadBalancer") {
    for (std::string_view name :
         {"allocateLoadBalancerNodePorts", "loadBalancerClass", "healthCheckNodePort"})
      drop(name);
  }
}

Result<void> AdmitService(Core& core, Call& call, Value& now, const Value* old) {
  Value& spec = now["spec"];
  if (const std::string ip(spec.StringAt({"clusterIP"}));
      !old && !ip.empty() && !spec.Find("clusterIPs"))
    spec.Set("clusterIPs", Value::MakeArray({ip}));
  if (old) {
    // What the server chose stays when the client says nothing of it.
    for (std::string_view name : {"clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"}) {
      const Value* before = old->Find({"spec", name});
      if (before && !spec.Find(name) && spec.StringAt({"type"}) != "ExternalName")
        spec.Set(name, *before);
    }
    const auto& old_ports = ListAt(*old, {"spec", "ports"});
    if (Value* ports = spec.Find("ports"); ports && ports->is_array() &&
                                           spec.StringAt({"type"}) != "ClusterIP" &&
                                           spec.StringAt({"type"}) != "ExternalName") {
      for (Value& port : ports->array()) {
        if (port.IntAt({"nodePort"})) continue;
        for (const Value& before : old_ports) {
          if (before.IntAt({"port"}) == port.IntAt({"port"}) &&
              before.StringAt({"protocol"}) == port.StringAt({"protocol"}) &&
              before.IntAt({"nodePort"}))
            port.Set("nodePort", before.IntAt({"nodePort"}));
        }
      }
    }
    DropTypeDependent(spec, At(*old, {"spec"}));
    if (spec.StringAt({"clusterIP"}) != old->StringAt({"spec", "clusterIP"})) return {};
  }
  FieldErrors errors;
  ValidateService(now, errors);
  CheckByFacts(now, old, *call.served->type, errors);
  if (!errors.empty()) return {};  // said by the validation, before anything is taken
  if (auto done = AllocateAddress(core, call, now); !done) return done;
  return AllocatePorts(core, call, now);
}

void ValidateService(const Value& service, FieldErrors& errors) {
  const Value& spec = At(service, {"spec"});
  const std::string_view type = spec.StringAt({"type"});
  const auto& ports = ListAt(spec, {"ports"});
  const bool headless = spec.StringAt({"clusterIP"}) == "None";
  if (type != "ClusterIP" && type != "NodePort" && type != "LoadBalancer" &&
      type != "ExternalName") {
    errors.push_back(
        Unsupported("spec.type", type, {"ClusterIP", "ExternalName", "LoadBalancer", "NodePort"}));
  }
  if (ports.empty() && !headless && type != "ExternalName")
    errors.push_back(Required("spec.ports"));
  if (headless && type == "LoadBalancer")
    errors.push_back(InvalidText("spec.clusterIPs[0]", "None",
                                 "may not be set to 'None' for LoadBalancer services"));
  if (headless && type == "NodePort")
    errors.push_back(InvalidText("spec.clusterIPs[0]", "None",
                                 "may not be set to 'None' for NodePort services"));
  std::set<std::string> names;
  for (size_t i = 0; i < ports.size(); ++i) {
    const std::string path = Index("spec.ports", i);
    const std::string name(ports[i].StringAt({"name"}));
    if (name.empty() && ports.size() > 1) errors.push_back(Required(Cat(path, ".name")));
    if (!name.empty()) {
      for (const std::string& complaint : CheckDns1123Label(name))
        errors.push_back(InvalidText(Cat(path, ".name"), name, complaint));
      if (!names.insert(name).second) errors.push_back(Duplicate(Cat(path, ".name"), name));
    }
    const int64_t number = ports[i].IntAt({"port"});
    if (number < 1 || number > 65535)
      errors.push_back(
          InvalidValue(Cat(path, ".port"), number, "must be between 1 and 65535, inclusive"));
    const std::string_view protocol = ports[i].StringAt({"protocol"});
    if (protocol != "TCP" && protocol != "UDP" && protocol != "SCTP")
      errors.push_back(Unsupported(Cat(path, ".protocol"), protocol, {"SCTP", "TCP", "UDP"}));
  }
  if (type == "ClusterIP") {
    for (size_t i = 0; i < ports.size(); ++i) {
      if (ports[i].IntAt({"nodePort"}))
        errors.push_back(ForbiddenField(Index("spec.ports", i) + ".nodePort",
                                        "may not be used when `type` is 'ClusterIP'"));
    }
    const std::string policy(spec.StringAt({"externalTrafficPolicy"}));
    if (!policy.empty() && ListAt(spec, {"externalIPs"}).empty()) {
      errors.push_back(InvalidText("spec.externalTrafficPolicy", policy,
                                   "may only be set for externally-accessible services"));
    }
  }
}

// Each cluster address is an object of its own, which names the service.
void RecordAddress(Core& core, const Value& service) {
  const std::string ip(service.StringAt({"spec", "clusterIP"}));
  if (ip.empty() || ip == "None") return;
  if (core.store.Get({"ipaddresses.networking.k8s.io", "", ip})) return;
  Value address =
      Value::MakeObject({{"apiVersion", "networking.k8s.io/v1"}, {"kind", "IPAddress"}});
  address["metadata"].Set("name", ip);
  address["metadata"]["labels"].Set("ipaddress.kubernetes.io/ip-family", "IPv4");
  address["metadata"]["labels"].Set("ipaddress.kubernetes.io/managed-by", "ipallocator.k8s.io");
  address["spec"].Set("parentRef",
                      Value::MakeObject({{"resource", "services"},
                                         {"namespace", At(service, {"metadata", "namespace"})},
                                         {"name", At(service, {"metadata", "name"})}}));
  CreateAsServer(core, address);
}

void ForgetAddress(Core& core, const Object& object) {
  const Value service = ParseJson(object.json).value();
  core.store.Remove(
      {"ipaddresses.networking.k8s.io", "", std::string(service.StringAt({"spec", "clusterIP"}))});
}

void ServiceStays(const Value& now, const Value& old, FieldErrors& errors) {
  const std::string before(old.StringAt({"spec", "clusterIP"})),
      after(now.StringAt({"spec", "clusterIP"}));
  if (before.empty() || after.empty() || before == after ||
      now.StringAt({"spec", "type"}) == "ExternalName")
    return;
  errors.push_back(
      InvalidValue("spec.clusterIPs[0]", Value::MakeArray({after}), "may not change once set"));
}

// --- others ---

void PrepareNamespace(Core&, Value& ns) {
  ns["metadata"]["labels"].Set("kubernetes.io/metadata.name", ns.StringAt({"metadata", "name"}));
  Value& finalizers = ns["spec"]["finalizers"];
  if (!finalizers.is_array()) finalizers = Value::MakeArray();
  const bool has = std::any_of(finalizers.array().begin(), finalizers.array().end(),
                               [](const Value& one) { return one == Value("kubernetes"); });
  if (!has) finalizers.Append("kubernetes");
  ns.Set("status", Value::MakeObject({{"phase", "Active"}}));
}
void KeepNamespace(Core&, Value& now, const Value& old) {
  now["metadata"]["labels"].Set("kubernetes.io/metadata.name", now.StringAt({"metadata", "name"}));
  if (const Value* finalizers = old.Find({"spec", "finalizers"})) {
    now["spec"].Set("finalizers", *finalizers);
  } else {
    now["spec"].Remove("finalizers");
  }
}

// The class that an annotation makes the default: the newest, of equals the first by name.
std::string DefaultClass(Core& core, std::string_view resource, std::string_view annotation) {
  std::string name, created;
  const auto page = core.store.List({std::string(resource), "", {}, {}}, 0, 0, "");
  for (const ObjectPtr& object : page->objects) {
    const Value tree = ParseJson(object->json).value();
    const std::string time(tree.StringAt({"metadata", "creationTimestamp"}));
    if (tree.StringAt({"metadata", "annotations", annotation}) != "true" || time <= created)
      continue;
    name = object->key.name;
    created = time;
  }
  return name;
}

void AddProtection(Value& object, std::string_view finalizer) {
  Value& finalizers = object["metadata"]["finalizers"];
  if (!finalizers.is_array()) finalizers = Value::MakeArray();
  const bool has = std::any_of(finalizers.array().begin(), finalizers.array().end(),
                               [&](const Value& one) { return one == Value(finalizer); });
  if (!has) finalizers.Append(finalizer);
}

// A new claim gets the default class; a bound one grows only where its class lets it.
Result<void> AdmitClaim(Core& core, Call& call, Value& now, const Value* old) {
  if (!old) {
    if (auto limited = LimitClaim(core, call, now); !limited) return limited;
    AddProtection(now, "kubernetes.io/pvc-protection");
    if (const std::string name = DefaultClass(core, "storageclasses.storage.k8s.io",
                                              "storageclass.kubernetes.io/is-default-class");
        !name.empty() && !now.Find({"spec", "storageClassName"}))
      now["spec"].Set("storageClassName", name);
    return {};
  }
  const auto size = [](const Value& claim) {
    return Quantity::Parse(claim.StringAt({"spec", "resources", "requests", "storage"}));
  };
  const auto before = size(*old), after = size(now);
  if (!before || !after || !(*after > *before) || old->StringAt({"status", "phase"}) != "Bound")
    return {};
  const ObjectPtr found = core.store.Get({"storageclasses.storage.k8s.io", "",
                                          std::string(now.StringAt({"spec", "storageClassName"}))});
  if (found && ParseJson(found->json).value().BoolAt({"allowVolumeExpansion"})) return {};
  return Forbidden(call.resource(), call.info.name,
                   "only dynamically provisioned pvc can be resized and the storageclass that "
                   "provisions the pvc must support resize");
}

Result<void> AdmitIngress(Core& core, Call& call, Value& now, const Value* old) {
  constexpr std::string_view kOldWay = "kubernetes.io/ingress.class";
  if (old) return {};
  if (now.Find({"metadata", "annotations", kOldWay})) {
    call.Warn(Cat("annotation ", Quote(kOldWay),
                  " is deprecated, please use 'spec.ingressClassName' instead"));
    return {};
  }
  const std::string name = DefaultClass(core, "ingressclasses.networking.k8s.io",
                                        "ingressclass.kubernetes.io/is-default-class");
  if (!name.empty() && !now.Find({"spec", "ingressClassName"}))
    now["spec"].Set("ingressClassName", name);
  return {};
}
Result<void> AdmitVolume(Core&, Call&, Value& now, const Value* old) {
  if (!old) AddProtection(now, "kubernetes.io/pv-protection");
  return {};
}

Result<void> AdmitNode(Core&, Call&, Value& now, const Value* old) {
  if (old) return {};
  Value& taints = now["spec"]["taints"];
  if (!taints.is_array()) taints = Value::MakeArray();
  const bool has = std::any_of(taints.array().begin(), taints.array().end(), [](const Value& one) {
    return one.StringAt({"key"}) == "node.kubernetes.io/not-ready";
  });
  if (!has)
    taints.Append(
        Value::MakeObject({{"key", "node.kubernetes.io/not-ready"}, {"effect", "NoSchedule"}}));
  return {};
}

void RoleRefStays(const Value& now, const Value& old, FieldErrors& errors) {
  const Value& a = At(now, {"roleRef"});
  if (a == At(old, {"roleRef"})) return;
  const Value shown = Value::MakeObject({{"APIGroup", a.StringAt({"apiGroup"})},
                                         {"Kind", a.StringAt({"kind"})},
                                         {"Name", a.StringAt({"name"})}});
  errors.push_back(InvalidValue("roleRef", shown, std::string(kImmutable)));
}

void ValidateLease(const Value& lease, FieldErrors& errors) {
  const Value* seconds = lease.Find({"spec", "leaseDurationSeconds"});
  if (seconds && seconds->is_int() && seconds->integer() <= 0) {
    errors.push_back(InvalidValue("spec.leaseDurationSeconds", *seconds, "must be greater than 0"));
  }
}

void StorageClassStays(const Value& now, const Value& old, FieldErrors& errors) {
  for (std::string_view name :
       {"provisioner", "parameters", "reclaimPolicy", "volumeBindingMode"}) {
    if (!(At(now, {name}) == At(old, {name})))
      errors.push_back(InvalidValue(std::string(name), Value(), std::string(kImmutable)));
  }
}

void PriorityClassStays(const Value& now, const Value& old, FieldErrors& errors) {
  if (now.IntAt({"value"}) != old.IntAt({"value"}))
    errors.push_back(ForbiddenField("value", "may not be changed in an update."));
  CheckSame(now, old, {"preemptionPolicy"}, "preemptionPolicy", errors);
}

}  // namespace

// Long because it is a table: one entry a kind, each a few lines that belong to that kind alone.
void AddKinds(std::map<std::string_view, Strategy>& rows) {
  Strategy& pod = rows["/Pod"];
  pod.prepare_create = PreparePod;
  pod.prepare_update = KeepPod;
  pod.admit = AdmitPod;
  pod.validate_update = PodStays;
  pod.validate_subresource = PodSubresourceStays;
  for (std::string_view kind : {"apps/Deployment", "apps/ReplicaSet", "apps/DaemonSet"})
    rows[kind].validate_update = SelectorStays;
  rows["apps/StatefulSet"].validate_update = StatefulSetStays;
  rows["apps/StatefulSet"].prepare_create = [](Core&, Value& set) {
    set.Set("status", Value::MakeObject({{"replicas", 0}, {"availableReplicas", 0}}));
  };
  rows["batch/Job"].prepare_create = PrepareJob;
  rows["batch/Job"].validate = ValidateJob;
  rows["batch/Job"].validate_update = JobStays;
  rows["/ConfigMap"].validate = ValidateConfigMap;
  rows["/ConfigMap"].validate_update = StaysImmutable;
  Strategy& secret = rows["/Secret"];
  secret.admit = AdmitSecret;
  secret.validate = ValidateSecret;
  secret.validate_update = [](const Value& now, const Value& old, FieldErrors& errors) {
    CheckSame(now, old, {"type"}, "type", errors);
    StaysImmutable(now, old, errors);
  };
  Strategy& service = rows["/Service"];
  service.admit = AdmitService;
  service.acquire = RecordAddress;
  service.release = ForgetAddress;
  service.validate = ValidateService;
  service.validate_update = ServiceStays;
  rows["/Namespace"].prepare_create = PrepareNamespace;
  rows["/Namespace"].prepare_update = KeepNamespace;
  rows["networking.k8s.io/Ingress"].admit = AdmitIngress;
  rows["storage.k8s.io/VolumeAttributesClass"].admit = [](Core&, Call&, Value& now,
                                                          const Value* old) -> Result<void> {
    if (!old) AddProtection(now, "kubernetes.io/vac-protection");
    return {};
  };
  rows["/PersistentVolumeClaim"].admit = AdmitClaim;
  rows["/PersistentVolumeClaim"].prepare_create = [](Core&, Value& o) {
    o.Set("status", Value::MakeObject({{"phase", "Pending"}}));
  };
  rows["/PersistentVolume"].admit = AdmitVolume;
  rows["/PersistentVolume"].prepare_create = [](Core& core, Value& o) {
    o.Set("status",
          Value::MakeObject({{"phase", "Pending"}, {"lastPhaseTransitionTime", core.NowText()}}));
  };
  rows["certificates.k8s.io/CertificateSigningRequest"].prepare_create = [](Core&, Value& o) {
    o["spec"].Set("username", "admin");
    o["spec"].Set("uid", "admin");
    o["spec"].Set("groups", Value::MakeArray({"system:masters", "system:authenticated"}));
  };
  rows["certificates.k8s.io/CertificateSigningRequest"].prepare_update =
      [](Core&, Value& now, const Value& old) { now.Set("spec", At(old, {"spec"})); };
  rows["certificates.k8s.io/CertificateSigningRequest"].resets_spec = true;
  rows["certificates.k8s.io/CertificateSigningRequest"].validate_subresource = RequestStays;
  rows["/PersistentVolumeClaim"].validate_update = ClaimStays;
  rows["/PersistentVolume"].validate_update = VolumeStays;
  rows["flowcontrol.apiserver.k8s.io/FlowSchema"].settle = SettleFlowSchema;
  rows["resource.k8s.io/ResourceClaim"].admit = [](Core& core, Call& call, Value& now,
                                                   const Value* old) -> Result<void> {
    return old ? Result<void>() : AdmitDeviceRequests(core, call, now, At(now, {"spec"}));
  };
  rows["resource.k8s.io/ResourceClaimTemplate"].admit = [](Core& core, Call& call, Value& now,
                                                           const Value* old) -> Result<void> {
    return old ? Result<void>() : AdmitDeviceRequests(core, call, now, At(now, {"spec", "spec"}));
  };
  rows["apiregistration.k8s.io/APIService"].settle = SettleApiService;
  rows["networking.k8s.io/ServiceCIDR"].settle = SettleServiceRange;
  rows["/ComponentStatus"].called_in_errors = "componentstatus";
  rows["/Node"].validate_update = NodeStays;
  rows["storage.k8s.io/CSINode"].validate_update = DriversStay;
  rows["storagemigration.k8s.io/StorageVersionMigration"].validate_update = MigrationStays;
  rows["storagemigration.k8s.io/StorageVersionMigration"].validate_subresource =
      MigrationStatusStays;
  rows["apps/DaemonSet"].prepare_update = CountTemplates;
  rows["apps/ControllerRevision"].constant_bytes = "data";
  rows["networking.k8s.io/IngressClass"].validate_update = [](const Value& now, const Value& old,
                                                              FieldErrors& errors) {
    CheckSame(now, old, {"spec", "controller"}, "spec.controller", errors);
  };
  for (std::string_view kind : {"node.k8s.io/RuntimeClass"}) {
    rows[kind].validate_update = [](const Value& now, const Value& old, FieldErrors& errors) {
      if (!(At(now, {"handler"}) == At(old, {"handler"})))
        errors.push_back(InvalidValue("handler", Value(), std::string(kImmutable)));
    };
  }
  rows["discovery.k8s.io/EndpointSlice"].validate_update = [](const Value& now, const Value& old,
                                                              FieldErrors& errors) {
    if (!(At(now, {"addressType"}) == At(old, {"addressType"})))
      errors.push_back(InvalidValue("addressType", Value(), std::string(kImmutable)));
  };
  rows["storage.k8s.io/VolumeAttributesClass"].validate_update =
      [](const Value& now, const Value& old, FieldErrors& errors) {
        for (std::string_view name : {"driverName", "parameters"}) {
          if (!(At(now, {name}) == At(old, {name})))
            errors.push_back(
                ForbiddenField(std::string(name), Cat("updates to ", name, " are forbidden.")));
        }
      };
  for (std::string_view kind :
       {"storage.k8s.io/VolumeAttachment", "resource.k8s.io/ResourceClaim"}) {
    rows[kind].validate_update = [](const Value& now, const Value& old, FieldErrors& errors) {
      if (!(At(now, {"spec"}) == At(old, {"spec"})))
        errors.push_back(InvalidValue("spec", Value(), std::string(kImmutable)));
    };
  }
  rows["networking.k8s.io/IPAddress"].validate_update = [](const Value& now, const Value& old,
                                                           FieldErrors& errors) {
    if (!(At(now, {"spec", "parentRef"}) == At(old, {"spec", "parentRef"})))
      errors.push_back(InvalidValue("spec.parentRef", Value(), std::string(kImmutable)));
  };
  rows["autoscaling/HorizontalPodAutoscaler"].validate = [](const Value& object,
                                                            FieldErrors& errors) {
    const Value& spec = At(object, {"spec"});
    if (const int64_t least = spec.IntAt({"minReplicas"}, 1); spec.IntAt({"maxReplicas"}) < least) {
      errors.push_back(InvalidValue("spec.maxReplicas", spec.IntAt({"maxReplicas"}),
                                    "must be greater than or equal to `minReplicas`"));
    }
    if (spec.StringAt({"scaleTargetRef", "apiVersion"}).empty()) {
      errors.push_back(
          InvalidText("spec.scaleTargetRef.apiVersion", "", "apiVersion must specify API group"));
    }
  };
  rows["batch/CronJob"].validate = [](const Value& object, FieldErrors& errors) {
    const std::string schedule(object.StringAt({"spec", "schedule"}));
    size_t fields = 0;
    std::string shown;
    for (std::string_view part : Split(schedule, ' ')) {
      if (part.empty()) continue;
      ++fields;
      shown += Cat(shown.empty() ? "" : " ", part);
    }
    if (schedule.empty()) {
      errors.push_back(Required("spec.schedule"));
    } else if (fields != 5 && !schedule.starts_with("@")) {
      errors.push_back(InvalidText(
          "spec.schedule", schedule,
          Cat("expected exactly 5 fields, found ", std::to_string(fields), ": [", shown, "]")));
    }
  };
  rows["/Node"].admit = AdmitNode;
  rows["/Node"].creates_with_status = true;
  // No server keeps this any more.
  rows["/Node"].prepare_create = [](Core&, Value& node) { node["spec"].Remove("configSource"); };
  rows["/Node"].prepare_update = [](Core&, Value& node, const Value&) {
    node["spec"].Remove("configSource");
  };
  rows["rbac.authorization.k8s.io/RoleBinding"].validate_update = RoleRefStays;
  rows["rbac.authorization.k8s.io/ClusterRoleBinding"].validate_update = RoleRefStays;
  rows["coordination.k8s.io/Lease"].validate = ValidateLease;
  rows["storage.k8s.io/StorageClass"].validate_update = StorageClassStays;
  rows["scheduling.k8s.io/PriorityClass"].validate_update = PriorityClassStays;
}

}  // namespace k8s::fakeapiserver
