#include "fakeapiserver/check_pods.h"

#include <algorithm>
#include <optional>
#include <set>

#include "fakeapiserver/checks.h"
#include "fakeapiserver/internal_form.h"
#include "fakeapiserver/tree_access.h"
#include "k8s/api/corev1.h"
#include "k8s/base/result.h"
#include "k8s/base/strings.h"
#include "k8s/machinery/name_rules.h"
#include "k8s/machinery/quantity.h"

namespace k8s::fakeapiserver {
namespace {

constexpr std::string_view kBadPort = "must be between 1 and 65535, inclusive";

bool IsSet(const Value& message, std::string_view member) {
  const Value* value = message.Find(member);
  return value && !value->is_null();
}

// --- volumes ---

// The kinds of volumes in the order in which a server looks at them.
constexpr std::string_view kSources[] = {"emptyDir",
                                         "hostPath",
                                         "gitRepo",
                                         "gcePersistentDisk",
                                         "awsElasticBlockStore",
                                         "secret",
                                         "nfs",
                                         "iscsi",
                                         "glusterfs",
                                         "persistentVolumeClaim",
                                         "rbd",
                                         "cinder",
                                         "cephfs",
                                         "flocker",
                                         "configMap",
                                         "downwardAPI",
                                         "fc",
                                         "flexVolume",
                                         "azureFile",
                                         "vsphereVolume",
                                         "quobyte",
                                         "photonPersistentDisk",
                                         "portworxVolume",
                                         "azureDisk",
                                         "storageos",
                                         "projected",
                                         "scaleIO",
                                         "csi",
                                         "ephemeral",
                                         "image"};

// One source, and that valid; others are not looked at.
void OneSource(const Value& volume, const Value&, const std::string& path, FieldErrors& errors) {
  bool has_source = false;
  for (std::string_view name : kSources) {
    const Value* source = volume.Find(name);
    if (!source || source->is_null()) continue;
    const std::string place = Cat(path, ".", name);
    if (has_source) {
      errors.push_back(ForbiddenField(place, "may not specify more than 1 volume type"));
    } else if (const Field* field = TypeOf<corev1::Volume>().Find(name)) {
      CheckMessage(*source, field->type(), place, errors);
    }
    has_source = true;
  }
}

// A volume in error does not take its name.
std::set<std::string> CheckVolumes(const Value& spec, const std::string& path,
                                   FieldErrors& errors) {
  std::set<std::string> names;
  const auto& volumes = ListAt(spec, {"volumes"});
  for (size_t i = 0; i < volumes.size(); ++i) {
    const std::string place = Index(Cat(path, ".volumes"), i);
    const std::string name(volumes[i].StringAt({"name"}));
    FieldErrors own;
    CheckMessage(volumes[i], TypeOf<corev1::Volume>(), place, own);
    if (names.contains(name)) own.push_back(Duplicate(Cat(place, ".name"), name));
    if (own.empty()) names.insert(name);
    errors.insert(errors.end(), own.begin(), own.end());
  }
  return names;
}

// --- containers ---

void Mounts(const Value& container, const std::string& path, const std::set<std::string>& volumes,
            FieldErrors& errors) {
  std::set<std::string> places;
  const auto& mounts = ListAt(container, {"volumeMounts"});
  for (size_t i = 0; i < mounts.size(); ++i) {
    const std::string place = Index(Cat(path, ".volumeMounts"), i);
    const std::string name(mounts[i].StringAt({"name"})), at(mounts[i].StringAt({"mountPath"}));
    if (name.empty()) {
      errors.push_back(Required(Cat(place, ".name")));
    } else if (!volumes.contains(name)) {
      errors.push_back(NotFoundField(Cat(place, ".name"), name));
    }
    if (at.empty()) errors.push_back(Required(Cat(place, ".mountPath")));
    if (!at.empty() && !places.insert(at).second)
      errors.push_back(InvalidText(Cat(place, ".mountPath"), at, "must be unique"));
    CheckMessage(mounts[i], TypeOf<corev1::VolumeMount>(), place, errors);
    if (mounts[i].StringAt({"mountPropagation"}) == "Bidirectional" &&
        !container.BoolAt({"securityContext", "privileged"})) {
      errors.push_back(ForbiddenField(
          Cat(place, ".mountPropagation"),
          "Bidirectional mount propagation is available only to privileged containers"));
    }
  }
}

void ContainerPorts(const Value& list, const Value&, const std::string& path, FieldErrors& errors) {
  if (!list.is_array()) return;
  std::set<std::string> names;
  for (size_t i = 0; i < list.array().size(); ++i) {
    const Value& port = list.array()[i];
    const std::string place = Index(path, i), name(port.StringAt({"name"}));
    const size_t before = errors.size();
    if (!name.empty()) CheckText("port-name", name, Cat(place, ".name"), errors);
    if (!name.empty() && errors.size() == before && !names.insert(name).second)
      errors.push_back(Duplicate(Cat(place, ".name"), name));
    const int64_t number = port.IntAt({"containerPort"}), outside = port.IntAt({"hostPort"});
    if (number == 0) {
      errors.push_back(Required(Cat(place, ".containerPort")));
    } else if (number < 1 || number > 65535) {
      errors.push_back(InvalidValue(Cat(place, ".containerPort"), number, std::string(kBadPort)));
    }
    if (outside < 0 || outside > 65535)
      errors.push_back(InvalidValue(Cat(place, ".hostPort"), outside, std::string(kBadPort)));
    const std::string_view protocol = port.StringAt({"protocol"});
    if (protocol.empty()) {
      errors.push_back(Required(Cat(place, ".protocol")));
    } else if (protocol != "TCP" && protocol != "UDP" && protocol != "SCTP") {
      errors.push_back(Unsupported(Cat(place, ".protocol"), protocol, {"SCTP", "TCP", "UDP"}));
    }
  }
}

// Resources without a domain are the ones that every container knows; of those with one of their
// own nothing is lent twice.
bool IsNative(std::string_view resource) {
  return resource.find('/') == resource.npos || resource.find("kubernetes.io/") != resource.npos;
}
bool IsLentTwice(std::string_view resource) {
  return IsNative(resource) && !resource.starts_with("hugepages-");
}

void CheckAmounts(const Value& amounts, const std::string& path, FieldErrors& errors) {
  if (!amounts.is_object()) return;
  for (const auto& [resource, amount] : amounts.object()) {
    const std::string place = Cat(path, "[", resource, "]");
    CheckText("qualified-name", resource, place, errors);
    const bool standard = resource == "cpu" || resource == "memory" ||
                          resource == "ephemeral-storage" || resource.starts_with("hugepages-");
    if (resource.find('/') == std::string::npos && !standard)
      errors.push_back(InvalidText(place, resource, "must be a standard resource for containers"));
    const auto quantity = Quantity::Parse(amount.is_string() ? amount.string() : "");
    if (!quantity) continue;
    if (quantity->Sign() < 0) {
      errors.push_back(
          InvalidText(place, quantity->String(), "must be greater than or equal to 0"));
    }
  }
}

void Resources(const Value& resources, const Value&, const std::string& path, FieldErrors& errors) {
  if (!resources.is_object()) return;
  const std::string limits = Cat(path, ".limits"), requests = Cat(path, ".requests");
  CheckAmounts(At(resources, {"limits"}), limits, errors);
  CheckAmounts(At(resources, {"requests"}), requests, errors);
  const Value& asked = At(resources, {"requests"});
  if (!asked.is_object()) return;
  for (const auto& [resource, amount] : asked.object()) {
    if (!IsLentTwice(resource) && resources.StringAt({"limits", resource}).empty()) {
      errors.push_back(Required(limits, "Limit must be set for non overcommitable resources"));
    }
  }
  for (const auto& [resource, amount] : asked.object()) {
    const auto limit_text = resources.StringAt({"limits", resource});
    const auto request = Quantity::Parse(amount.is_string() ? amount.string() : ""),
               limit = Quantity::Parse(limit_text);
    if (!request || !limit || limit_text.empty()) continue;
    const bool lent_twice = IsLentTwice(resource);
    if (lent_twice ? *request > *limit : !(*request == *limit)) {
      errors.push_back(
          InvalidText(requests, request->String(),
                      Cat(lent_twice ? "must be less than or equal to " : "must be equal to ",
                          resource, " limit of ", limit->String())));
    }
  }
}

void Privileges(const Value& context, const Value&, const std::string& path, FieldErrors& errors) {
  const Value& escalation = At(context, {"allowPrivilegeEscalation"});
  if (!escalation.is_bool() || escalation.boolean()) return;
  const auto refuse = [&](std::string_view why) {
    errors.push_back(InvalidValue(path, InternalForm(context, TypeOf<corev1::SecurityContext>()),
                                  Cat("cannot set `allowPrivilegeEscalation` to false and ", why)));
  };
  if (context.BoolAt({"privileged"})) refuse("`privileged` to true");
  for (const Value& one : ListAt(context, {"capabilities", "add"})) {
    if (one == Value("CAP_SYS_ADMIN")) refuse("`capabilities.Add` CAP_SYS_ADMIN");
  }
}

void PortNumberOrName(const Value& port, const Value&, const std::string& path,
                      FieldErrors& errors) {
  if (port.is_string()) {
    CheckText("port-name", port.string(), path, errors);
  } else if (const int64_t number = port.is_int() ? port.integer() : 0;
             number < 1 || number > 65535) {
    errors.push_back(InvalidValue(path, number, std::string(kBadPort)));
  }
}

// What a probe or a hook of the life cycle does: one thing.
void OneHandler(const Value& message, const Value&, const std::string& path, FieldErrors& errors) {
  bool has_handler = false;
  for (std::string_view name : {"exec", "httpGet", "tcpSocket", "grpc", "sleep"}) {
    const Value* handler = message.Find(name);
    if (!handler || handler->is_null()) continue;
    const std::string place = Cat(path, ".", name);
    if (has_handler) {
      errors.push_back(ForbiddenField(place, "may not specify more than 1 handler type"));
      continue;
    }
    has_handler = true;
    const Field* field = TypeOf<corev1::Probe>().Find(name);
    if (!field) field = TypeOf<corev1::LifecycleHandler>().Find(name);
    if (field) CheckMessage(*handler, field->type(), place, errors);
  }
  if (!has_handler) errors.push_back(Required(path, "must specify a handler type"));
}

// Where the value of a variable, or of many, comes from.
void OneValueSource(const Value& source, const Value& variable, const std::string& path,
                    FieldErrors& errors) {
  if (!source.is_object()) return;
  size_t count = 0;
  for (std::string_view name :
       {"fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef"})
    count += IsSet(source, name);
  if (count == 0) {
    errors.push_back(InvalidText(path, "",
                                 "must specify one of: `fieldRef`, `resourceFieldRef`, "
                                 "`configMapKeyRef`, `secretKeyRef` or `fileKeyRef`"));
  } else if (!variable.StringAt({"value"}).empty()) {
    errors.push_back(InvalidText(path, "", "may not be specified when `value` is not empty"));
  } else if (count > 1) {
    errors.push_back(InvalidText(path, "", "may not have more than one field specified at a time"));
  }
}

void OneBagOfValues(const Value& source, const Value&, const std::string& path,
                    FieldErrors& errors) {
  const size_t count = size_t{IsSet(source, "configMapRef")} + size_t{IsSet(source, "secretRef")};
  if (count == 0) {
    errors.push_back(InvalidText(path, "", "must specify one of: `configMapRef` or `secretRef`"));
  } else if (count > 1) {
    errors.push_back(InvalidText(path, "", "may not have more than one field specified at a time"));
  }
}

// A container, in two parts, for its mounts stand against the volumes of the pod.
void CheckContainer(const Value& container, const std::string& path,
                    const std::set<std::string>& volumes, FieldErrors& errors) {
  const TypeInfo& type = TypeOf<corev1::Container>();
  CheckMessage(container, type, path, errors);
  Mounts(container, path, volumes, errors);
  CheckMessage(container, type, path, errors, "/mounted");
}

void Containers(const Value& spec, const Value&, const std::string& path, FieldErrors& errors) {
  const auto volumes = CheckVolumes(spec, path, errors);
  const TypeInfo& type = TypeOf<corev1::Container>();
  const auto& containers = ListAt(spec, {"containers"});
  if (containers.empty()) errors.push_back(Required(Cat(path, ".containers")));
  std::set<std::string> names;
  const auto take_name = [&](const Value& container, const std::string& place) {
    const std::string name(container.StringAt({"name"}));
    if (!name.empty() && !names.insert(name).second)
      errors.push_back(Duplicate(Cat(place, ".name"), name));
  };
  for (size_t i = 0; i < containers.size(); ++i) {
    const std::string place = Index(Cat(path, ".containers"), i);
    CheckContainer(containers[i], place, volumes, errors);
    take_name(containers[i], place);
    CheckMessage(containers[i], type, place, errors, "/running");
  }
  const auto& init = ListAt(spec, {"initContainers"});
  for (size_t i = 0; i < init.size(); ++i) {
    const std::string place = Index(Cat(path, ".initContainers"), i);
    CheckContainer(init[i], place, volumes, errors);
    take_name(init[i], place);
    // One that always restarts is a side car, which runs as the others do.
    const bool runs_on = init[i].StringAt({"restartPolicy"}) == "Always";
    CheckMessage(init[i], type, place, errors, runs_on ? "/running" : "/ending");
  }
}

// --- around the containers ---

void SchedulingGates(const Value& gates, const Value&, const std::string& path,
                     FieldErrors& errors) {
  std::set<std::string> names;
  for (size_t i = 0; gates.is_array() && i < gates.array().size(); ++i) {
    const std::string name(gates.array()[i].StringAt({"name"}));
    CheckText("qualified-name", name, Index(path, i), errors);
    if (!names.insert(name).second) errors.push_back(Duplicate(Index(path, i), name));
  }
}

void SpreadsAreUnique(const Value& spreads, const Value&, const std::string& path,
                      FieldErrors& errors) {
  std::set<std::string> seen;
  for (size_t i = 0; spreads.is_array() && i < spreads.array().size(); ++i) {
    const std::string pair = Cat("{", spreads.array()[i].StringAt({"topologyKey"}), ", ",
                                 spreads.array()[i].StringAt({"whenUnsatisfiable"}), "}");
    if (!seen.insert(pair).second) errors.push_back(Duplicate(Index(path, i), pair));
  }
}

void NodeRequirement(const Value& one, const Value&, const std::string& path, FieldErrors& errors) {
  const std::string_view word = one.StringAt({"operator"});
  const size_t count = ListAt(one, {"values"}).size();
  if (word == "In" || word == "NotIn") {
    if (count == 0)
      errors.push_back(
          Required(Cat(path, ".values"), "must be specified when `operator` is 'In' or 'NotIn'"));
  } else if (word == "Exists" || word == "DoesNotExist") {
    if (count > 0)
      errors.push_back(
          ForbiddenField(Cat(path, ".values"),
                         "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
  } else if (word == "Gt" || word == "Lt") {
    if (count != 1)
      errors.push_back(Required(Cat(path, ".values"),
                                "must be specified single value when `operator` is 'Lt' or 'Gt'"));
  } else {
    errors.push_back(InvalidText(Cat(path, ".operator"), word, "not a valid selector operator"));
  }
  CheckText("label-key", one.StringAt({"key"}), Cat(path, ".key"), errors);
}

void NodeField(const Value& one, const Value&, const std::string& path, FieldErrors& errors) {
  const std::string_view word = one.StringAt({"operator"});
  if (word != "In" && word != "NotIn") {
    errors.push_back(InvalidText(Cat(path, ".operator"), word, "not a valid selector operator"));
  } else if (ListAt(one, {"values"}).size() != 1) {
    errors.push_back(Required(
        Cat(path, ".values"),
        "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"));
  }
  if (const std::string_view key = one.StringAt({"key"}); key != "metadata.name")
    errors.push_back(InvalidText(Cat(path, ".key"), key, "not a valid field selector key"));
}

void DnsConfig(const Value& config, const Value& spec, const std::string& path,
               FieldErrors& errors) {
  constexpr size_t kMostServers = 3, kMostSearches = 32;
  const bool alone = spec.StringAt({"dnsPolicy"}) == "None";
  if (!config.is_object()) {
    if (alone)
      errors.push_back(Required(path, "must provide `dnsConfig` when `dnsPolicy` is None"));
    return;
  }
  const auto& servers = ListAt(config, {"nameservers"});
  const auto& searches = ListAt(config, {"searches"});
  const std::string at_servers = Cat(path, ".nameservers"), at_searches = Cat(path, ".searches");
  if (alone && servers.empty()) {
    errors.push_back(
        Required(at_servers, "must provide at least one DNS nameserver when `dnsPolicy` is None"));
  }
  if (servers.size() > kMostServers)
    errors.push_back(InvalidValue(at_servers, servers, "must not have more than 3 nameservers"));
  for (size_t i = 0; i < servers.size(); ++i)
    CheckText("ip", servers[i].string(), Index(at_servers, i), errors);
  if (searches.size() > kMostSearches)
    errors.push_back(
        InvalidValue(at_searches, searches, "must not have more than 32 search paths"));
  for (size_t i = 0; i < searches.size(); ++i) {
    std::string_view text = searches[i].string();
    if (text.size() > 1 && text.ends_with('.')) text.remove_suffix(1);
    if (text != ".") CheckText("dns-search", text, Index(at_searches, i), errors);
  }
  const auto& options = ListAt(config, {"options"});
  for (size_t i = 0; i < options.size(); ++i) {
    if (options[i].StringAt({"name"}).empty())
      errors.push_back(Required(Index(Cat(path, ".options"), i), "must not be empty"));
  }
}

}  // namespace

const std::map<std::string_view, CheckHook>& PodCheckHooks() {
  static const std::map<std::string_view, CheckHook> kHooks = {
      {"one-source", OneSource},
      {"containers", Containers},
      {"container-ports", ContainerPorts},
      {"resources", Resources},
      {"privileges", Privileges},
      {"port-number-or-name", PortNumberOrName},
      {"one-handler", OneHandler},
      {"one-value-source", OneValueSource},
      {"one-bag-of-values", OneBagOfValues},
      {"scheduling-gates", SchedulingGates},
      {"spreads-are-unique", SpreadsAreUnique},
      {"node-requirement", NodeRequirement},
      {"node-field", NodeField},
      {"dns-config", DnsConfig},
  };
  return kHooks;
}

}  // namespace k8s::fakeapiserver
