#include "fakeapiserver/strategy.h"

#include <algorithm>
#include <map>

#include "fakeapiserver/core.h"
#include "fakeapiserver/kinds.h"
#include "fakeapiserver/typed_tree.h"
#include "k8s/base/strings.h"
#include "k8s/machinery/json.h"

namespace k8s::fakeapiserver {
namespace {

constexpr size_t kMaxAnnotationBytes = 262144;

using Rows = std::map<std::string_view, Strategy>;  // by "group/Kind"

Strategy Row(Generation generation) {
  Strategy row;
  row.generation = generation;
  return row;
}

void ValidateFault(const Value& object, FieldErrors& errors) {
  const Value* spec = object.Find("spec");
  if (auto good = CheckFault(spec ? *spec : Value::MakeObject()); !good)
    errors.push_back({FieldError::Type::kInvalid, "spec", "", good.error().message()});
}

// Long because it is a table: one row a kind.
Rows MakeRows() {
  Rows rows;
  for (std::string_view kind : {"apps/Deployment",
                                "apps/ReplicaSet",
                                "apps/StatefulSet",
                                "apps/DaemonSet",
                                "/ReplicationController",
                                "batch/Job",
                                "batch/CronJob",
                                "networking.k8s.io/Ingress",
                                "networking.k8s.io/NetworkPolicy",
                                "networking.k8s.io/IngressClass",
                                "policy/PodDisruptionBudget",
                                "flowcontrol.apiserver.k8s.io/PriorityLevelConfiguration",
                                "flowcontrol.apiserver.k8s.io/FlowSchema",
                                "autoscaling/HorizontalPodAutoscaler",
                                "/Pod",
                                "/PodTemplate",
                                "resource.k8s.io/DeviceClass",
                                "resource.k8s.io/DeviceTaintRule",
                                "resource.k8s.io/ResourceSlice",
                                "apiextensions.k8s.io/CustomResourceDefinition",
                                "admissionregistration.k8s.io/ValidatingAdmissionPolicy",
                                "admissionregistration.k8s.io/ValidatingAdmissionPolicyBinding",
                                "admissionregistration.k8s.io/MutatingAdmissionPolicy",
                                "admissionregistration.k8s.io/MutatingAdmissionPolicyBinding"}) {
    rows[kind].generation = Generation::kSpec;
  }
  rows["storage.k8s.io/CSIDriver"].generation = Generation::kSpecFromZero;
  rows["apps/Deployment"].generation = Generation::kSpecAndAnnotations;
  rows["discovery.k8s.io/EndpointSlice"] = Row(Generation::kAllButMetadata);
  rows["scheduling.k8s.io/PriorityClass"] = Row(Generation::kConstant);
  for (std::string_view kind : {"admissionregistration.k8s.io/MutatingWebhookConfiguration",
                                "admissionregistration.k8s.io/ValidatingWebhookConfiguration"}) {
    rows[kind] = Row(Generation::kWebhooks);
  }
  for (std::string_view kind :
       {"/Service", "/Endpoints", "/LimitRange", "coordination.k8s.io/Lease", "/Event",
        "events.k8s.io/Event", "node.k8s.io/RuntimeClass", "rbac.authorization.k8s.io/Role",
        "rbac.authorization.k8s.io/ClusterRole", "rbac.authorization.k8s.io/RoleBinding",
        "rbac.authorization.k8s.io/ClusterRoleBinding"}) {
    rows[kind].creates_on_update = true;
  }
  for (std::string_view kind :
       {"coordination.k8s.io/Lease", "policy/PodDisruptionBudget",
        "admissionregistration.k8s.io/MutatingWebhookConfiguration",
        "admissionregistration.k8s.io/ValidatingWebhookConfiguration", "node.k8s.io/RuntimeClass",
        "storage.k8s.io/CSIDriver", "storage.k8s.io/VolumeAttachment",
        "apiextensions.k8s.io/CustomResourceDefinition", "storage.k8s.io/CSINode",
        "storage.k8s.io/CSIStorageCapacity", "apiregistration.k8s.io/APIService",
        "admissionregistration.k8s.io/ValidatingAdmissionPolicy",
        "admissionregistration.k8s.io/ValidatingAdmissionPolicyBinding",
        "admissionregistration.k8s.io/MutatingAdmissionPolicy",
        "admissionregistration.k8s.io/MutatingAdmissionPolicyBinding"}) {
    rows[kind].unconditional_update = false;
  }
  for (std::string_view kind :
       {"/Pod", "/Service", "/ServiceAccount", "/PersistentVolume", "/PersistentVolumeClaim",
        "/PodTemplate", "/ResourceQuota", "/Namespace", "storage.k8s.io/StorageClass",
        "storage.k8s.io/VolumeAttachment", "storage.k8s.io/CSIDriver", "storage.k8s.io/CSINode",
        "storage.k8s.io/VolumeAttributesClass", "resource.k8s.io/ResourceClaim",
        "resource.k8s.io/ResourceClaimTemplate", "resource.k8s.io/DeviceClass",
        "resource.k8s.io/ResourceSlice"}) {
    rows[kind].returns_deleted = true;
  }
  for (std::string_view kind : {"batch/Job", "/ReplicationController"})
    rows[kind].orphans_by_default = true;
  for (std::string_view kind :
       {"rbac.authorization.k8s.io/Role", "rbac.authorization.k8s.io/ClusterRole",
        "rbac.authorization.k8s.io/RoleBinding", "rbac.authorization.k8s.io/ClusterRoleBinding",
        "certificates.k8s.io/CertificateSigningRequest", "apiregistration.k8s.io/APIService"}) {
    rows[kind].check_name = CheckPathSegment;
  }
  // Colons stand in the name after the signer's.
  rows["certificates.k8s.io/ClusterTrustBundle"].check_name = CheckPathSegment;
  for (std::string_view kind : {"/Namespace", "/Service"})
    rows[kind].check_name = CheckDns1123Label;
  for (std::string_view kind :
       {"flowcontrol.apiserver.k8s.io/FlowSchema",
        "flowcontrol.apiserver.k8s.io/PriorityLevelConfiguration",
        "storage.k8s.io/VolumeAttachment", "certificates.k8s.io/CertificateSigningRequest",
        "apiextensions.k8s.io/CustomResourceDefinition"}) {
    rows[kind].status_keeps_metadata = true;
  }
  rows["apps/Deployment"].status_keeps_labels = true;

  rows["/Pod"].selectable = {"spec.nodeName",
                             "spec.host",
                             "spec.restartPolicy",
                             "spec.schedulerName",
                             "spec.serviceAccountName",
                             "spec.hostNetwork",
                             "status.phase",
                             "status.podIP",
                             "status.podIPs",
                             "status.nominatedNodeName"};
  rows["fakeapiserver.test/Fault"].validate = ValidateFault;
  rows["fakeapiserver.test/Fault"].generation = Generation::kSpec;
  rows["/Node"].selectable = {"spec.unschedulable"};
  rows["/Namespace"].selectable = {"status.phase"};
  rows["/Event"].selectable = {"involvedObject.kind",
                               "involvedObject.namespace",
                               "involvedObject.name",
                               "involvedObject.uid",
                               "involvedObject.apiVersion",
                               "involvedObject.resourceVersion",
                               "involvedObject.fieldPath",
                               "reason",
                               "reportingComponent",
                               "source",
                               "type"};
  rows["events.k8s.io/Event"].selectable = {"regarding.kind",       "regarding.namespace",
                                            "regarding.name",       "regarding.uid",
                                            "regarding.apiVersion", "regarding.resourceVersion",
                                            "regarding.fieldPath",  "reason",
                                            "reportingController",  "type"};
  rows["/Secret"].selectable = {"type"};
  rows["/Service"].selectable = {"spec.clusterIP", "spec.type"};
  rows["/ReplicationController"].selectable = {"status.replicas"};
  rows["apps/ReplicaSet"].selectable = {"status.replicas"};
  rows["batch/Job"].selectable = {"status.successful"};
  rows["certificates.k8s.io/CertificateSigningRequest"].selectable = {"spec.signerName"};
  rows["resource.k8s.io/ResourceSlice"].selectable = {"spec.nodeName", "spec.driver"};
  rows["apps/ReplicaSet"].selectable.clear();
  AddKinds(rows);
  return rows;
}

std::string ScalarText(const Value& value) {
  if (value.is_string()) return value.string();
  if (value.is_null() || value.is_object() || value.is_array()) return "";
  return ToJson(value);
}

std::string PathText(const Value& object, std::string_view path) {
  const Value* at = &object;
  while (at) {
    const size_t end = path.find('.');
    at = at->Find(path.substr(0, end));
    if (end == path.npos) break;
    path.remove_prefix(end + 1);
  }
  return at ? ScalarText(*at) : "";
}

// Values of fields that are not found under their own path.
struct Derived {
  std::string_view kind, field;
  std::string (*value)(const Value& object);
};
const Derived kDerived[] = {
    {"/Pod", "spec.host",
     [](const Value& o) {
       return std::string(o.StringAt({"spec", "nodeName"}));
     }},
    {"/Pod", "spec.hostNetwork",
     [](const Value& o) {
       return std::string(o.BoolAt({"spec", "hostNetwork"}) ? "true" : "false");
     }},
    {"/Pod", "status.podIPs", [](const Value&) { return std::string(); }},  // known, but of no pod
    {"/Node", "spec.unschedulable",
     [](const Value& o) {
       return std::string(o.BoolAt({"spec", "unschedulable"}) ? "true" : "false");
     }},
    {"/Event", "source",
     [](const Value& o) {
       const auto component = o.StringAt({"source", "component"});
       return std::string(component.empty() ? o.StringAt({"reportingComponent"}) : component);
     }},
    {"/ReplicationController", "status.replicas",
     [](const Value& o) {
       return std::to_string(o.IntAt({"status", "replicas"}));
     }},
    {"batch/Job", "status.successful",
     [](const Value& o) {
       return std::to_string(o.IntAt({"status", "succeeded"}));
     }},
};

std::string RowName(const Served& served) { return Cat(served.group, "/", served.kind); }

bool IsConstantFinalizer(std::string_view name) {
  return name == "orphan" || name == "foregroundDeletion" || name == "kubernetes";
}

void CheckOwners(const Value& metadata, FieldErrors& errors) {
  const Value* owners = metadata.Find("ownerReferences");
  if (!owners || !owners->is_array()) return;
  std::string controller;
  for (size_t i = 0; i < owners->array().size(); ++i) {
    const Value& owner = owners->array()[i];
    const std::string path = Cat("metadata.ownerReferences[", std::to_string(i), "]");
    for (std::string_view member : {"apiVersion", "kind", "name", "uid"}) {
      if (owner.StringAt({member}).empty())
        errors.push_back(Required(Cat(path, ".", member), "must not be empty"));
    }
    if (owner.StringAt({"apiVersion"}) == "v1" && owner.StringAt({"kind"}) == "Event") {
      errors.push_back(
          InvalidValue(path, owner, "/v1, Kind=Event is disallowed from being an owner"));
    }
    if (!owner.BoolAt({"controller"})) continue;
    if (!controller.empty()) {
      errors.push_back(InvalidValue("metadata.ownerReferences", *owners,
                                    Cat("Only one reference can have Controller set to true. Found "
                                        "\"true\" in references for ",
                                        controller, " and ", owner.StringAt({"name"}))));
    }
    controller = std::string(owner.StringAt({"name"}));
  }
}

void CheckFinalizers(const Value& metadata, const Value* old, FieldErrors& errors) {
  const Value* finalizers = metadata.Find("finalizers");
  if (!finalizers || !finalizers->is_array()) return;
  bool orphan = false, foreground = false;
  for (const Value& one : finalizers->array()) {
    const std::string name = one.is_string() ? one.string() : "";
    for (const std::string& complaint : CheckQualifiedName(name))
      errors.push_back(InvalidText("metadata.finalizers", name, complaint));
    orphan |= name == "orphan";
    foreground |= name == "foregroundDeletion";
  }
  if (orphan && foreground)
    errors.push_back(InvalidValue("metadata.finalizers", *finalizers,
                                  "finalizer orphan and foregroundDeletion cannot be both set"));
  for (size_t i = 0; i < finalizers->array().size(); ++i) {
    const std::string name =
        finalizers->array()[i].is_string() ? finalizers->array()[i].string() : "";
    if (name.find('/') != std::string::npos || IsConstantFinalizer(name)) continue;
    errors.push_back(
        InvalidText(Cat("metadata.finalizers[", std::to_string(i), "]"), name,
                    "name is neither a standard finalizer name nor is it fully qualified"));
  }
  if (!old || !old->Find({"metadata", "deletionTimestamp"})) return;
  const Value* before = old->Find({"metadata", "finalizers"});
  std::string added;
  for (const Value& one : finalizers->array()) {
    const bool known = before && before->is_array() &&
                       std::any_of(before->array().begin(), before->array().end(),
                                   [&](const Value& b) { return b == one; });
    if (!known) added += Cat(added.empty() ? "" : ", ", Quote(one.string()));
  }
  if (!added.empty()) {
    errors.push_back(
        ForbiddenField("metadata.finalizers", Cat("no new finalizers can be added if the object is "
                                                  "being deleted, found new finalizers []string{",
                                                  added, "}")));
  }
}

void CheckLabelsAndAnnotations(const Value& metadata, FieldErrors& errors) {
  if (const Value* all = metadata.Find("labels"); all && all->is_object()) {
    for (const auto& [key, value] : all->object()) {
      for (const std::string& complaint : CheckLabelKey(key))
        errors.push_back(InvalidText("metadata.labels", key, complaint));
      for (const std::string& complaint : CheckLabelValue(value.string()))
        errors.push_back(InvalidText("metadata.labels", value.string(), complaint));
    }
  }
  if (const Value* all = metadata.Find("annotations"); all && all->is_object()) {
    size_t size = 0;
    for (const auto& [key, value] : all->object()) {
      for (const std::string& complaint : CheckQualifiedName(ToLower(key)))
        errors.push_back(InvalidText("metadata.annotations", key, complaint));
      size += key.size() + value.string().size();
    }
    if (size > kMaxAnnotationBytes)
      errors.push_back(TooLong("metadata.annotations", kMaxAnnotationBytes));
  }
}

}  // namespace

const Strategy& StrategyOf(const TypeInfo& type) {
  static const auto* const rows = new Rows(MakeRows());
  static const Strategy kPlain;
  const auto found = rows->find(Cat(type.group_version->group, "/", type.name));
  return found == rows->end() ? kPlain : found->second;
}

Result<void> CheckFieldLabel(const Served& served, std::string_view label) {
  const auto& own = served.strategy->selectable;
  if (label == "metadata.name" || (label == "metadata.namespace" && served.kind != "Node"))
    return {};
  if (std::find(own.begin(), own.end(), label) != own.end()) return {};
  if (own.empty())
    return Invalid(
        Cat(Quote(label),
            " is not a known field selector: only \"metadata.name\", \"metadata.namespace\""));
  if (served.kind == "Job")
    return Invalid(Cat("field label ", Quote(label), " not supported for Job"));
  return Invalid(Cat("field label not supported: ", label));
}

fields::Set SelectableFields(const Value& object, const Served& served) {
  fields::Set fields;
  const std::string name = RowName(served);
  for (std::string_view label : served.strategy->selectable) {
    const auto derived =
        std::find_if(std::begin(kDerived), std::end(kDerived),
                     [&](const Derived& d) { return d.field == label && d.kind == name; });
    fields.emplace_back(
        label, derived == std::end(kDerived) ? PathText(object, label) : derived->value(object));
  }
  // Selectors of another version of the resource find the same values under their names.
  if (name == "/Event") {
    const size_t count = fields.size();
    for (size_t i = 0; i < count; ++i) {
      if (fields[i].first.starts_with("involvedObject."))
        fields.emplace_back("regarding." + fields[i].first.substr(15), fields[i].second);
      if (fields[i].first == "reportingComponent")
        fields.emplace_back("reportingController", fields[i].second);
    }
  }
  return fields;
}

Value ZeroObject(const Served& served) {
  auto zero = Normalise(
      Value::MakeObject({{"kind", served.kind}, {"apiVersion", served.api_version}}), *served.type);
  Value value = zero ? *std::move(zero) : Value::MakeObject();
  // Where the server's own struct has a plain number, its zero shows.
  static constexpr std::string_view kPlainReplicas[] = {"Deployment", "ReplicaSet", "StatefulSet"};
  if (std::find(std::begin(kPlainReplicas), std::end(kPlainReplicas), served.kind) !=
      std::end(kPlainReplicas)) {
    value["spec"].Set("replicas", 0);
    auto ordered = Normalise(value, *served.type);
    if (ordered) return *std::move(ordered);
  }
  return value;
}

void ValidateMetadata(const Value& object, const Value* old, const Served& served,
                      FieldErrors& errors) {
  const Value* metadata = object.Find("metadata");
  if (!metadata) return;
  const std::string name(metadata->StringAt({"name"})), base(metadata->StringAt({"generateName"}));
  if (!old) {
    if (!base.empty()) {
      // A base may end in dashes: the suffix follows.
      std::string trimmed = base;
      while (trimmed.size() > 1 && trimmed.back() == '-') trimmed.pop_back();
      if (trimmed.size() < base.size()) trimmed += 'a';
      for (const std::string& complaint : served.strategy->check_name(trimmed))
        errors.push_back(InvalidText("metadata.generateName", base, complaint));
    }
    if (name.empty()) {
      errors.push_back(Required("metadata.name", "name or generateName is required"));
    } else {
      for (const std::string& complaint : served.strategy->check_name(name))
        errors.push_back(InvalidText("metadata.name", name, complaint));
    }
    if (served.namespaced) {
      const std::string ns(metadata->StringAt({"namespace"}));
      for (const std::string& complaint : CheckDns1123Label(ns))
        errors.push_back(InvalidText("metadata.namespace", ns, complaint));
    }
  }
  if (const int64_t generation = metadata->IntAt({"generation"}); generation < 0) {
    errors.push_back(
        InvalidValue("metadata.generation", generation, "must be greater than or equal to 0"));
  }
  CheckLabelsAndAnnotations(*metadata, errors);
  CheckOwners(*metadata, errors);
  CheckFinalizers(*metadata, old, errors);
}

}  // namespace k8s::fakeapiserver
