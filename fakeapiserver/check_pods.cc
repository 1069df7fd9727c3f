#include "fakeapiserver/check_pods.h"

#include <algorithm>
#include <optional>
#include <set>
#include <span>

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

using Names = std::set<std::string>;

bool HasMember(const Value::Array& list, std::string_view member, std::string_view text) {
  return std::any_of(list.begin(), list.end(),
                     [&](const Value& one) { return one.StringAt({member}) == text; });
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
Names CheckVolumes(const Value& spec, const std::string& path, FieldErrors& errors) {
  Names names;
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

// Complaints about paths inside of a volume name the list: so does a real server.
void MountParts(const Value& mount, const Value& container, const std::string& list,
                const std::string& place, FieldErrors& errors) {
  const std::string part(mount.StringAt({"subPath"})), pattern(mount.StringAt({"subPathExpr"}));
  if (!part.empty()) CheckText("relative-path", part, Cat(list, ".subPath"), errors);
  if (!pattern.empty() && !part.empty()) {
    errors.push_back(InvalidText(Cat(place, ".subPathExpr"), pattern,
                                 "subPathExpr and subPath are mutually exclusive"));
  }
  if (!pattern.empty()) CheckText("relative-path", pattern, Cat(list, ".subPathExpr"), errors);
  CheckMessage(mount, TypeOf<corev1::VolumeMount>(), list, errors);
  if (mount.StringAt({"mountPropagation"}) == "Bidirectional" &&
      !container.BoolAt({"securityContext", "privileged"})) {
    errors.push_back(ForbiddenField(
        Cat(list, ".mountPropagation"),
        "Bidirectional mount propagation is available only to privileged containers"));
  }
}

void Mounts(const Value& container, const std::string& path, const Names& volumes,
            FieldErrors& errors) {
  Names places;
  const std::string list = Cat(path, ".volumeMounts");
  const auto& mounts = ListAt(container, {"volumeMounts"});
  const auto& devices = ListAt(container, {"volumeDevices"});
  for (size_t i = 0; i < mounts.size(); ++i) {
    const std::string place = Index(list, i);
    const std::string name(mounts[i].StringAt({"name"})), at(mounts[i].StringAt({"mountPath"}));
    if (name.empty()) errors.push_back(Required(Cat(place, ".name")));
    if (!volumes.contains(name)) errors.push_back(NotFoundField(Cat(place, ".name"), name));
    if (at.empty()) errors.push_back(Required(Cat(place, ".mountPath")));
    if (!places.insert(at).second)
      errors.push_back(InvalidText(Cat(place, ".mountPath"), at, "must be unique"));
    if (HasMember(devices, "name", name)) {
      errors.push_back(
          InvalidText(Cat(place, ".name"), name, "must not already exist in volumeDevices"));
    }
    if (HasMember(devices, "devicePath", at)) {
      errors.push_back(InvalidText(Cat(place, ".mountPath"), at,
                                   "must not already exist as a path in volumeDevices"));
    }
    MountParts(mounts[i], container, list, place, errors);
  }
}

// Whether a volume can be a block device.
bool IsClaim(const Value& spec, std::string_view volume) {
  for (const Value& one : ListAt(spec, {"volumes"})) {
    if (one.StringAt({"name"}) == volume)
      return IsSet(one, "persistentVolumeClaim") || IsSet(one, "ephemeral");
  }
  return false;
}

void BlockDevices(const Value& container, const Value& spec, const std::string& path,
                  const Names& volumes, FieldErrors& errors) {
  Names names, places;
  const auto& mounts = ListAt(container, {"volumeMounts"});
  const auto& devices = ListAt(container, {"volumeDevices"});
  for (size_t i = 0; i < devices.size(); ++i) {
    const std::string place = Index(Cat(path, ".volumeDevices"), i);
    const std::string name(devices[i].StringAt({"name"})), at(devices[i].StringAt({"devicePath"}));
    const auto refuse = [&](std::string_view member, const std::string& value, std::string why) {
      errors.push_back(InvalidText(Cat(place, ".", member), value, std::move(why)));
    };
    if (name.empty()) errors.push_back(Required(Cat(place, ".name")));
    if (names.contains(name)) refuse("name", name, "must be unique");
    if (!volumes.contains(name)) {
      errors.push_back(NotFoundField(Cat(place, ".name"), name));
    } else if (!IsClaim(spec, name)) {
      refuse(
          "name", name,
          "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode");
    }
    if (at.empty()) errors.push_back(Required(Cat(place, ".devicePath")));
    if (places.contains(at)) refuse("devicePath", at, "must be unique");
    const auto parts = Split(at, '/');
    if (std::find(parts.begin(), parts.end(), "..") != parts.end()) {
      refuse("devicePath", at, "can not contain backsteps ('..')");
    } else {
      places.insert(at);
    }
    if (HasMember(mounts, "name", name))
      refuse("name", name, "must not already exist in volumeMounts");
    if (HasMember(mounts, "mountPath", at))
      refuse("devicePath", at, "must not already exist as a path in volumeMounts");
    if (!name.empty()) names.insert(name);
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

// A field of the pod that its containers can be told of.
void CheckFieldReference(const Value& reference, const std::string& path,
                         const std::vector<std::string_view>& plain, FieldErrors& errors) {
  static const std::set<std::string_view> kReadable = {
      "metadata.annotations", "metadata.labels", "metadata.name",      "metadata.namespace",
      "metadata.uid",         "spec.nodeName",   "spec.restartPolicy", "spec.serviceAccountName",
      "spec.schedulerName",   "status.phase",    "status.hostIP",      "status.hostIPs",
      "status.podIP",         "status.podIPs"};
  if (!reference.is_object()) return;
  const std::string field(reference.StringAt({"fieldPath"}));
  const std::string place = Cat(path, ".fieldPath");
  if (reference.StringAt({"apiVersion"}).empty())
    return errors.push_back(Required(Cat(path, ".apiVersion")));
  if (field.empty()) return errors.push_back(Required(place));
  const size_t bracket = field.find("['");
  const bool subscript = bracket != field.npos && field.ends_with("']");
  const std::string name = field.substr(0, subscript ? bracket : field.npos);
  const bool map = name == "metadata.annotations" || name == "metadata.labels";
  if (!kReadable.contains(name) || (subscript && !map)) {
    return errors.push_back(InvalidText(
        place, field, Cat("error converting fieldPath: field label not supported: ", field)));
  }
  if (subscript) {
    const std::string key = field.substr(bracket + 2, field.size() - bracket - 4);
    CheckText("qualified-name", name == "metadata.labels" ? key : ToLower(key), path, errors);
  } else if (std::find(plain.begin(), plain.end(), name) == plain.end()) {
    errors.push_back(Unsupported(place, name, plain));
  }
}

void FieldOfVariable(const Value& reference, const Value&, const std::string& path,
                     FieldErrors& errors) {
  CheckFieldReference(reference, path,
                      {"metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName",
                       "spec.serviceAccountName", "status.hostIP", "status.hostIPs", "status.podIP",
                       "status.podIPs"},
                      errors);
}

void FieldOfVolume(const Value& reference, const Value&, const std::string& path,
                   FieldErrors& errors) {
  CheckFieldReference(reference, path,
                      {"metadata.annotations", "metadata.labels", "metadata.name",
                       "metadata.namespace", "metadata.uid"},
                      errors);
}

void ResourceOfContainer(const Value& reference, const Value&, const std::string& path,
                         FieldErrors& errors) {
  static const std::vector<std::string_view> kKnown = {
      "limits.cpu",   "limits.ephemeral-storage",   "limits.memory",
      "requests.cpu", "requests.ephemeral-storage", "requests.memory"};
  if (!reference.is_object()) return;
  const std::string_view name = reference.StringAt({"resource"});
  if (name.empty()) {
    errors.push_back(Required(Cat(path, ".resource")));
  } else if (std::find(kKnown.begin(), kKnown.end(), name) == kKnown.end() &&
             !name.starts_with("limits.hugepages-") && !name.starts_with("requests.hugepages-")) {
    errors.push_back(Unsupported(Cat(path, ".resource"), name, kKnown));
  }
}

void HeaderNames(const Value& headers, const Value&, const std::string& path, FieldErrors& errors) {
  for (size_t i = 0; headers.is_array() && i < headers.array().size(); ++i)
    CheckText("http-header-name", headers.array()[i].StringAt({"name"}), path, errors);
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

void OneBagOfValues(const Value& source, const Value&, const std::string& element,
                    FieldErrors& errors) {
  const std::string path = element.substr(0, element.rfind('['));
  const size_t count = size_t{IsSet(source, "configMapRef")} + size_t{IsSet(source, "secretRef")};
  if (count == 0) {
    errors.push_back(InvalidText(path, "", "must specify one of: `configMapRef` or `secretRef`"));
  } else if (count > 1) {
    errors.push_back(InvalidText(path, "", "may not have more than one field specified at a time"));
  }
}

// What all kinds of containers have, in two parts, for mounts stand against the volumes of the pod.
void CheckContainer(const Value& container, const Value& spec, const std::string& path,
                    const Names& volumes, FieldErrors& errors) {
  const TypeInfo& type = TypeOf<corev1::Container>();
  CheckMessage(container, type, path, errors);
  Mounts(container, path, volumes, errors);
  BlockDevices(container, spec, path, volumes, errors);
  CheckMessage(container, type, path, errors, "/mounted");
}

// Ports of the node that are asked for twice.
void HostPorts(std::span<const Value> containers, const std::string& path, FieldErrors& errors) {
  Names taken;
  for (size_t i = 0; i < containers.size(); ++i) {
    const auto& ports = ListAt(containers[i], {"ports"});
    for (size_t j = 0; j < ports.size(); ++j) {
      const int64_t number = ports[j].IntAt({"hostPort"});
      const std::string text = Cat(ports[j].StringAt({"protocol"}), "/",
                                   ports[j].StringAt({"hostIP"}), "/", std::to_string(number));
      if (number != 0 && !taken.insert(text).second) {
        errors.push_back(
            Duplicate(Cat(Index(Cat(Index(path, i), ".ports"), j), ".hostPort"), text));
      }
    }
  }
}

// What a container to look around with may not have.
constexpr std::string_view kNotEphemeral[] = {
    "ports",         "resources",      "resizePolicy", "restartPolicy", "restartPolicyRules",
    "livenessProbe", "readinessProbe", "startupProbe", "lifecycle"};
constexpr std::string_view kNotForEphemeral = "cannot be set for an Ephemeral Container";

void EphemeralContainers(const Value& spec, const std::string& path, const Names& volumes,
                         const Names& others, FieldErrors& errors) {
  Names names = others;
  const auto& all = ListAt(spec, {"ephemeralContainers"});
  for (size_t i = 0; i < all.size(); ++i) {
    const std::string place = Index(Cat(path, ".ephemeralContainers"), i);
    const std::string name(all[i].StringAt({"name"}));
    const std::string target(all[i].StringAt({"targetContainerName"}));
    CheckContainer(all[i], spec, place, volumes, errors);
    CheckText("image", all[i].StringAt({"image"}), Cat(place, ".image"), errors);
    if (!names.insert(name).second) errors.push_back(Duplicate(Cat(place, ".name"), name));
    if (!target.empty() && !others.contains(target))
      errors.push_back(NotFoundField(Cat(place, ".targetContainerName"), target));
    for (std::string_view member : kNotEphemeral) {
      const Value* value = all[i].Find(member);
      const bool empty = !value || value->is_null() ||
                         (value->is_array() && value->array().empty()) ||
                         (member == "resources" && value->is_object() && value->object().empty());
      if (!empty)
        errors.push_back(ForbiddenField(Cat(place, ".", member), std::string(kNotForEphemeral)));
    }
    const auto& mounts = ListAt(all[i], {"volumeMounts"});
    for (size_t j = 0; j < mounts.size(); ++j) {
      for (std::string_view member : {"subPath", "subPathExpr"}) {
        if (mounts[j].StringAt({member}).empty()) continue;
        errors.push_back(ForbiddenField(Cat(Index(Cat(place, ".volumeMounts"), j), ".", member),
                                        std::string(kNotForEphemeral)));
      }
    }
  }
}

void Containers(const Value& spec, const Value&, const std::string& path, FieldErrors& errors) {
  const auto volumes = CheckVolumes(spec, path, errors);
  const TypeInfo& type = TypeOf<corev1::Container>();
  const auto& containers = ListAt(spec, {"containers"});
  if (containers.empty()) errors.push_back(Required(Cat(path, ".containers")));
  Names names;
  const auto take_name = [&](const Value& container, const std::string& place) {
    const std::string name(container.StringAt({"name"}));
    if (!name.empty() && !names.insert(name).second)
      errors.push_back(Duplicate(Cat(place, ".name"), name));
  };
  for (size_t i = 0; i < containers.size(); ++i) {
    const std::string place = Index(Cat(path, ".containers"), i);
    CheckContainer(containers[i], spec, place, volumes, errors);
    take_name(containers[i], place);
    CheckMessage(containers[i], type, place, errors, "/running");
  }
  HostPorts(containers, Cat(path, ".containers"), errors);
  const auto& init = ListAt(spec, {"initContainers"});
  for (size_t i = 0; i < init.size(); ++i) {
    const std::string place = Index(Cat(path, ".initContainers"), i);
    CheckContainer(init[i], spec, place, volumes, errors);
    take_name(init[i], place);
    // They run one by one, so that each counts for itself.
    HostPorts(std::span(&init[i], 1), Cat(path, ".initContainers"), errors);
    // One that always restarts is a side car, which runs as the others do.
    const bool runs_on = init[i].StringAt({"restartPolicy"}) == "Always";
    CheckMessage(init[i], type, place, errors, runs_on ? "/running" : "/ending");
  }
  EphemeralContainers(spec, path, volumes, names, errors);
}

// On the network of the node a port is what it is.
void HostNetwork(const Value& spec, const Value&, const std::string& path, FieldErrors& errors) {
  if (!spec.BoolAt({"hostNetwork"})) return;
  const auto& containers = ListAt(spec, {"containers"});
  for (size_t i = 0; i < containers.size(); ++i) {
    const auto& ports = ListAt(containers[i], {"ports"});
    for (size_t j = 0; j < ports.size(); ++j) {
      const int64_t outside = ports[j].IntAt({"hostPort"});
      if (outside == 0 || outside == ports[j].IntAt({"containerPort"})) continue;
      errors.push_back(InvalidValue(
          Cat(Index(Cat(Index(Cat(path, ".containers"), i), ".ports"), j), ".hostPort"), outside,
          "must match `containerPort` when `hostNetwork` is true"));
    }
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
      {"host-network", HostNetwork},
      {"field-of-variable", FieldOfVariable},
      {"field-of-volume", FieldOfVolume},
      {"resource-of-container", ResourceOfContainer},
      {"header-names", HeaderNames},
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
