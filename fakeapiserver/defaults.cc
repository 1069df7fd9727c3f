#include "fakeapiserver/defaults.h"

#include <algorithm>
#include <map>
#include <unordered_map>
#include <utility>
#include <vector>

#include "fakeapiserver/typed_tree.h"
#include "k8s/api/group_versions.h"
#include "k8s/base/base64.h"
#include "k8s/base/strings.h"
#include "k8s/machinery/json.h"
#include "k8s/machinery/quantity.h"

namespace k8s::fakeapiserver {
namespace {

bool Absent(const Value& in, std::string_view name) {
  const Value* member = in.Find(name);
  return !member || member->is_null();
}
bool Empty(const Value& in, std::string_view name) {
  const Value* member = in.Find(name);
  return !member || member->is_null() || (member->is_string() && member->string().empty()) ||
         (member->is_int() && member->integer() == 0);
}
// Sets a member that has no value yet; a text or number of zero counts as none.
void Default(Value& in, std::string_view name, Value value) {
  if (Empty(in, name)) in.Set(name, std::move(value));
}
// The same for what Go has a pointer to: zero is a value.
void DefaultPointer(Value& in, std::string_view name, Value value) {
  if (Absent(in, name)) in.Set(name, std::move(value));
}
Value* Part(Value& in, std::string_view name) {
  Value* part = in.Find(name);
  return part && part->is_object() ? part : nullptr;
}

// Always for the newest image, IfNotPresent for one that is named by tag or digest (S-10.2).
std::string PullPolicyOf(std::string_view image) {
  const size_t at = image.find('@');
  const std::string_view name = image.substr(0, at);
  const size_t slash = name.rfind('/');
  const size_t colon = name.find(':', slash == name.npos ? 0 : slash);
  const std::string_view tag = colon == name.npos ? std::string_view() : name.substr(colon + 1);
  if (tag == "latest") return "Always";
  if (tag.empty() && at == image.npos) return "Always";
  return "IfNotPresent";
}

void Container(Value& in) {
  Default(in, "terminationMessagePath", "/dev/termination-log");
  Default(in, "terminationMessagePolicy", "File");
  Default(in, "imagePullPolicy", PullPolicyOf(in.StringAt({"image"})));
}

void Probe(Value& in) {
  Default(in, "timeoutSeconds", 1);
  Default(in, "periodSeconds", 10);
  Default(in, "successThreshold", 1);
  Default(in, "failureThreshold", 3);
}

void PodSpec(Value& in) {
  Default(in, "restartPolicy", "Always");
  Default(in, "dnsPolicy", "ClusterFirst");
  Default(in, "schedulerName", "default-scheduler");
  DefaultPointer(in, "terminationGracePeriodSeconds", 30);
  DefaultPointer(in, "securityContext", Value::MakeObject());
  const std::string account(in.StringAt({"serviceAccountName"})),
      old_name(in.StringAt({"serviceAccount"}));
  const std::string& name = account.empty() ? old_name : account;
  if (!name.empty()) {
    in.Set("serviceAccountName", name);
    in.Set("serviceAccount", name);
  }
}

void HostPorts(Value& container) {
  Value* ports = container.Find("ports");
  if (!ports || !ports->is_array()) return;
  for (Value& port : ports->array()) {
    if (port.IntAt({"hostPort"}) == 0) port.Set("hostPort", port.IntAt({"containerPort"}));
  }
}

void Pod(Value& in) {
  Value* spec = Part(in, "spec");
  if (!spec) return;
  DefaultPointer(*spec, "enableServiceLinks", true);
  for (std::string_view list : {"containers", "initContainers"}) {
    Value* containers = spec->Find(list);
    if (!containers || !containers->is_array()) continue;
    for (Value& container : containers->array()) {
      Value* limits = container.Find({"resources", "limits"});
      if (limits && limits->is_object()) {
        for (const auto& [name, amount] : limits->object())
          DefaultPointer(container["resources"]["requests"], name, amount);
      }
      if (spec->BoolAt({"hostNetwork"})) HostPorts(container);
    }
  }
}

// A volume without a source is an empty folder.
void Volume(Value& in) {
  for (const auto& [name, value] : in.object()) {
    if (name != "name" && !value.is_null()) return;
  }
  in.Set("emptyDir", Value::MakeObject());
}

Value IntOrPercent(const char* text) { return Value(text); }

void Deployment(Value& in) {
  Value& spec = in["spec"];
  DefaultPointer(spec, "replicas", 1);
  Value& strategy = spec["strategy"];
  Default(strategy, "type", "RollingUpdate");
  if (strategy.StringAt({"type"}) == "RollingUpdate") {
    Value& rolling = strategy["rollingUpdate"];
    DefaultPointer(rolling, "maxUnavailable", IntOrPercent("25%"));
    DefaultPointer(rolling, "maxSurge", IntOrPercent("25%"));
  }
  DefaultPointer(spec, "revisionHistoryLimit", 10);
  DefaultPointer(spec, "progressDeadlineSeconds", 600);
}

void StatefulSet(Value& in) {
  Value& spec = in["spec"];
  DefaultPointer(spec, "replicas", 1);
  Default(spec, "podManagementPolicy", "OrderedReady");
  Value& strategy = spec["updateStrategy"];
  Default(strategy, "type", "RollingUpdate");
  if (strategy.StringAt({"type"}) == "RollingUpdate") {
    DefaultPointer(strategy["rollingUpdate"], "partition", 0);
    DefaultPointer(strategy["rollingUpdate"], "maxUnavailable", 1);
  }
  DefaultPointer(spec, "revisionHistoryLimit", 10);
  Value& retention = spec["persistentVolumeClaimRetentionPolicy"];
  Default(retention, "whenDeleted", "Retain");
  Default(retention, "whenScaled", "Retain");
  if (Value* claims = spec.Find("volumeClaimTemplates"); claims && claims->is_array()) {
    for (Value& claim : claims->array()) {
      Default(claim, "kind", "PersistentVolumeClaim");
      Default(claim, "apiVersion", "v1");
      Default(claim["spec"], "volumeMode", "Filesystem");
      Default(claim["status"], "phase", "Pending");
    }
  }
}

void DaemonSet(Value& in) {
  Value& spec = in["spec"];
  Value& strategy = spec["updateStrategy"];
  Default(strategy, "type", "RollingUpdate");
  if (strategy.StringAt({"type"}) == "RollingUpdate") {
    DefaultPointer(strategy["rollingUpdate"], "maxUnavailable", 1);
    DefaultPointer(strategy["rollingUpdate"], "maxSurge", 0);
  }
  DefaultPointer(spec, "revisionHistoryLimit", 10);
  DefaultPointer(in["metadata"]["annotations"], "deprecated.daemonset.template.generation",
                 std::to_string(std::max<int64_t>(1, in.IntAt({"metadata", "generation"}))));
}

void ReplicationController(Value& in) {
  Value& spec = in["spec"];
  DefaultPointer(spec, "replicas", 1);
  const Value* labels = spec.Find({"template", "metadata", "labels"});
  if (!labels) return;
  if (Absent(spec, "selector")) spec.Set("selector", *labels);
  if (Absent(in["metadata"], "labels")) in["metadata"].Set("labels", *labels);
}

void Job(Value& in) {
  Value& spec = in["spec"];
  if (const Value* labels = spec.Find({"template", "metadata", "labels"});
      labels && Absent(in["metadata"], "labels")) {
    const Value copy = *labels;
    in["metadata"].Set("labels", copy);
  }
  if (Absent(spec, "completions") && Absent(spec, "parallelism")) {
    spec.Set("completions", 1);
    spec.Set("parallelism", 1);
  }
  DefaultPointer(spec, "parallelism", 1);
  DefaultPointer(spec, "backoffLimit",
                 Absent(spec, "backoffLimitPerIndex") ? Value(6) : Value(int64_t{INT32_MAX}));
  DefaultPointer(spec, "completionMode", "NonIndexed");
  DefaultPointer(spec, "suspend", false);
  DefaultPointer(spec, "manualSelector", false);
  DefaultPointer(spec, "podReplacementPolicy",
                 Absent(spec, "podFailurePolicy") ? "TerminatingOrFailed" : "Failed");
}

void CronJob(Value& in) {
  Value& spec = in["spec"];
  Default(spec, "concurrencyPolicy", "Allow");
  DefaultPointer(spec, "suspend", false);
  DefaultPointer(spec, "successfulJobsHistoryLimit", 3);
  DefaultPointer(spec, "failedJobsHistoryLimit", 1);
}

void Autoscaler(Value& in) {
  Value& spec = in["spec"];
  DefaultPointer(spec, "minReplicas", 1);
  const Value* metrics = spec.Find("metrics");
  if (!metrics || metrics->is_null() || metrics->array().empty()) {
    spec.Set(
        "metrics",
        ParseJson(
            R"([{"type":"Resource","resource":{"name":"cpu","target":{"type":"Utilization","averageUtilization":80}}}])")
            .value());
  }
  Value* behavior = Part(spec, "behavior");
  if (!behavior) return;
  const auto fill = [&](std::string_view name, const char* policies, bool window) {
    Value* rules = Part(*behavior, name);
    if (!rules) {
      behavior->Set(name, Value::MakeObject());
      rules = behavior->Find(name);
    }
    if (window) DefaultPointer(*rules, "stabilizationWindowSeconds", 0);
    DefaultPointer(*rules, "selectPolicy", "Max");
    const Value* own = rules->Find("policies");
    if (!own || own->is_null() || own->array().empty())
      rules->Set("policies", ParseJson(policies).value());
  };
  fill(
      "scaleUp",
      R"([{"type":"Pods","value":4,"periodSeconds":15},{"type":"Percent","value":100,"periodSeconds":15}])",
      true);
  fill("scaleDown", R"([{"type":"Percent","value":100,"periodSeconds":15}])", false);
}

void Service(Value& in) {
  Value& spec = in["spec"];
  Default(spec, "sessionAffinity", "None");
  if (spec.StringAt({"sessionAffinity"}) == "None") spec.Remove("sessionAffinityConfig");
  if (spec.StringAt({"sessionAffinity"}) == "ClientIP")
    DefaultPointer(spec["sessionAffinityConfig"]["clientIP"], "timeoutSeconds", 10800);
  Default(spec, "type", "ClusterIP");
  if (Value* ports = spec.Find("ports"); ports && ports->is_array()) {
    for (Value& port : ports->array()) {
      Default(port, "protocol", "TCP");
      const Value* target = port.Find("targetPort");
      const bool none = !target || (target->is_int() && target->integer() == 0) ||
                        (target->is_string() && target->string().empty());
      if (none) port.Set("targetPort", port.IntAt({"port"}));
    }
  }
  const std::string type(spec.StringAt({"type"}));
  const bool external = type == "NodePort" || type == "LoadBalancer";
  const Value* ips = spec.Find("externalIPs");
  if (external || (ips && ips->is_array() && !ips->array().empty()))
    Default(spec, "externalTrafficPolicy", "Cluster");
  if (type != "ExternalName") DefaultPointer(spec, "internalTrafficPolicy", "Cluster");
  if (type == "LoadBalancer") DefaultPointer(spec, "allocateLoadBalancerNodePorts", true);
  if (Value* ingress = in.Find({"status", "loadBalancer", "ingress"});
      ingress && ingress->is_array()) {
    for (Value& one : ingress->array()) {
      if (!one.StringAt({"ip"}).empty()) DefaultPointer(one, "ipMode", "VIP");
    }
  }
}

void NetworkPolicy(Value& in) {
  Value& spec = in["spec"];
  const Value* types = spec.Find("policyTypes");
  if (types && types->is_array() && !types->array().empty()) return;
  Value list = Value::MakeArray({"Ingress"});
  const Value* egress = spec.Find("egress");
  if (egress && egress->is_array() && !egress->array().empty()) list.Append("Egress");
  spec.Set("policyTypes", std::move(list));
}

// Plain text is merged into the data as soon as it is read, so that owners own the data.
void Secret(Value& in) {
  if (const Value* given = in.Find("stringData"); given && given->is_object()) {
    const Value plain = *given;
    for (const auto& [key, value] : plain.object()) {
      in["data"].Set(key, EncodeBase64(value.is_string() ? value.string() : ""));
    }
  }
  in.Remove("stringData");
  Default(in, "type", "Opaque");
}

void StorageClass(Value& in) {
  DefaultPointer(in, "reclaimPolicy", "Delete");
  DefaultPointer(in, "volumeBindingMode", "Immediate");
}

void CsiDriver(Value& in) {
  Value& spec = in["spec"];
  DefaultPointer(spec, "attachRequired", true);
  DefaultPointer(spec, "podInfoOnMount", false);
  DefaultPointer(spec, "storageCapacity", false);
  DefaultPointer(spec, "fsGroupPolicy", "ReadWriteOnceWithFSType");
  const Value* modes = spec.Find("volumeLifecycleModes");
  if (!modes || !modes->is_array() || modes->array().empty())
    spec.Set("volumeLifecycleModes", Value::MakeArray({"Persistent"}));
  DefaultPointer(spec, "requiresRepublish", false);
  DefaultPointer(spec, "seLinuxMount", false);
  DefaultPointer(spec, "preventPodSchedulingIfMissing", false);
}

void Binding(Value& in) { Default(in["roleRef"], "apiGroup", "rbac.authorization.k8s.io"); }
void Subject(Value& in) {
  const std::string_view kind = in.StringAt({"kind"});
  if (kind == "User" || kind == "Group") Default(in, "apiGroup", "rbac.authorization.k8s.io");
}

void LimitRangeItem(Value& in) {
  if (in.StringAt({"type"}) != "Container") return;
  const auto derive = [&](std::string_view to, std::string_view from) {
    const Value* source = in.Find(from);
    if (!source || !source->is_object()) return;
    const Value copy = *source;
    for (const auto& [name, amount] : copy.object()) DefaultPointer(in[to], name, amount);
  };
  derive("default", "max");
  derive("defaultRequest", "default");
  derive("defaultRequest", "min");
}

void Webhook(Value& in) {
  DefaultPointer(in, "failurePolicy", "Fail");
  DefaultPointer(in, "matchPolicy", "Equivalent");
  DefaultPointer(in, "namespaceSelector", Value::MakeObject());
  DefaultPointer(in, "objectSelector", Value::MakeObject());
  DefaultPointer(in, "timeoutSeconds", 10);
}

using Hook = void (*)(Value& in);

// Long because it is a table: one line a kind and what defaults it.
const std::map<std::string_view, Hook>& Hooks() {
  static const std::map<std::string_view, Hook> kHooks = {
      {"corev1.Container", Container},
      {"corev1.EphemeralContainer", Container},
      {"corev1.Probe", Probe},
      {"corev1.PodSpec", PodSpec},
      {"corev1.Pod", Pod},
      {"corev1.Volume", Volume},
      {"corev1.HTTPGetAction",
       [](Value& in) { Default(in, "path", "/"), Default(in, "scheme", "HTTP"); }},
      {"corev1.ObjectFieldSelector", [](Value& in) { Default(in, "apiVersion", "v1"); }},
      {"corev1.SecretVolumeSource", [](Value& in) { DefaultPointer(in, "defaultMode", 420); }},
      {"corev1.ConfigMapVolumeSource", [](Value& in) { DefaultPointer(in, "defaultMode", 420); }},
      {"corev1.DownwardAPIVolumeSource", [](Value& in) { DefaultPointer(in, "defaultMode", 420); }},
      {"corev1.ProjectedVolumeSource", [](Value& in) { DefaultPointer(in, "defaultMode", 420); }},
      {"corev1.ServiceAccountTokenProjection",
       [](Value& in) { DefaultPointer(in, "expirationSeconds", 3600); }},
      {"corev1.HostPathVolumeSource", [](Value& in) { DefaultPointer(in, "type", ""); }},
      {"corev1.ImageVolumeSource",
       [](Value& in) { Default(in, "pullPolicy", PullPolicyOf(in.StringAt({"reference"}))); }},
      {"corev1.PersistentVolumeClaimTemplate",
       [](Value& in) { Default(in["spec"], "volumeMode", "Filesystem"); }},
      {"corev1.ReplicationController", ReplicationController},
      {"corev1.Service", Service},
      {"corev1.EndpointPort", [](Value& in) { Default(in, "protocol", "TCP"); }},
      {"corev1.PersistentVolume",
       [](Value& in) {
         Default(in["status"], "phase", "Pending");
         Default(in["spec"], "persistentVolumeReclaimPolicy", "Retain");
         DefaultPointer(in["spec"], "volumeMode", "Filesystem");
       }},
      {"corev1.PersistentVolumeClaim",
       [](Value& in) {
         Default(in["status"], "phase", "Pending");
         DefaultPointer(in["spec"], "volumeMode", "Filesystem");
       }},
      {"corev1.Secret", Secret},
      {"corev1.Namespace",
       [](Value& in) {
         Default(in["status"], "phase", "Active");
         const std::string name(in.StringAt({"metadata", "name"}));
         if (!name.empty()) in["metadata"]["labels"].Set("kubernetes.io/metadata.name", name);
       }},
      {"corev1.LimitRangeItem", LimitRangeItem},
      {"appsv1.Deployment", Deployment},
      {"appsv1.ReplicaSet", [](Value& in) { DefaultPointer(in["spec"], "replicas", 1); }},
      {"appsv1.StatefulSet", StatefulSet},
      {"appsv1.DaemonSet", DaemonSet},
      {"batchv1.Job", Job},
      {"batchv1.CronJob", CronJob},
      {"batchv1.PodFailurePolicyOnPodConditionsPattern",
       [](Value& in) { Default(in, "status", "True"); }},
      {"autoscalingv2.HorizontalPodAutoscaler", Autoscaler},
      {"autoscalingv1.HorizontalPodAutoscaler",
       [](Value& in) { DefaultPointer(in["spec"], "minReplicas", 1); }},
      {"corev1.NodeStatus",
       [](Value& in) {
         if (const Value* capacity = in.Find("capacity"); capacity && Absent(in, "allocatable")) {
           const Value copy = *capacity;
           in.Set("allocatable", copy);
         }
       }},
      {"corev1.NodeSpec",
       [](Value& in) {
         const std::string cidr(in.StringAt({"podCIDR"}));
         const Value* all = in.Find("podCIDRs");
         const bool first =
             all && all->is_array() && !all->array().empty() && all->array()[0] == Value(cidr);
         if (!cidr.empty() && !first) in.Set("podCIDRs", Value::MakeArray({cidr}));
       }},
      {"apiextensionsv1.CustomResourceDefinition",
       [](Value& in) {
         Value& names = in["spec"]["names"];
         const std::string kind(names.StringAt({"kind"}));
         if (!kind.empty()) {
           Default(names, "singular", ToLower(kind));
           Default(names, "listKind", kind + "List");
         }
         Default(in["spec"]["conversion"], "strategy", "None");
       }},
      {"networkingv1.NetworkPolicy", NetworkPolicy},
      {"networkingv1.NetworkPolicyPort", [](Value& in) { DefaultPointer(in, "protocol", "TCP"); }},
      {"networkingv1.IngressClassParametersReference",
       [](Value& in) { DefaultPointer(in, "scope", "Cluster"); }},
      {"discoveryv1.EndpointPort",
       [](Value& in) { DefaultPointer(in, "name", ""), DefaultPointer(in, "protocol", "TCP"); }},
      {"storagev1.StorageClass", StorageClass},
      {"storagev1.CSIDriver", CsiDriver},
      {"rbacv1.RoleBinding", Binding},
      {"rbacv1.ClusterRoleBinding", Binding},
      {"rbacv1.Subject", Subject},
      {"schedulingv1.PriorityClass",
       [](Value& in) { DefaultPointer(in, "preemptionPolicy", "PreemptLowerPriority"); }},
      {"admissionregistrationv1.ValidatingWebhook", Webhook},
      {"admissionregistrationv1.MutatingWebhook",
       [](Value& in) { Webhook(in), DefaultPointer(in, "reinvocationPolicy", "Never"); }},
      {"admissionregistrationv1.Rule", [](Value& in) { DefaultPointer(in, "scope", "*"); }},
      {"admissionregistrationv1.RuleWithOperations",
       [](Value& in) { DefaultPointer(in, "scope", "*"); }},
      {"admissionregistrationv1.NamedRuleWithOperations",
       [](Value& in) { DefaultPointer(in, "scope", "*"); }},
      {"admissionregistrationv1.ServiceReference",
       [](Value& in) { DefaultPointer(in, "port", 443); }},
      {"admissionregistrationv1.MatchResources",
       [](Value& in) {
         DefaultPointer(in, "namespaceSelector", Value::MakeObject());
         DefaultPointer(in, "objectSelector", Value::MakeObject());
         DefaultPointer(in, "matchPolicy", "Equivalent");
       }},
      {"admissionregistrationv1.ValidatingAdmissionPolicySpec",
       [](Value& in) { DefaultPointer(in, "failurePolicy", "Fail"); }},
      {"admissionregistrationv1.MutatingAdmissionPolicySpec",
       [](Value& in) { DefaultPointer(in, "failurePolicy", "Fail"); }},
      {"apiregistrationv1.ServiceReference", [](Value& in) { DefaultPointer(in, "port", 443); }},
      {"certificatesv1.PodCertificateRequestSpec",
       [](Value& in) { DefaultPointer(in, "maxExpirationSeconds", 86400); }},
      {"resourcev1.ExactDeviceRequest",
       [](Value& in) {
         Default(in, "allocationMode", "ExactCount");
         if (in.StringAt({"allocationMode"}) == "ExactCount") Default(in, "count", 1);
       }},
      {"resourcev1.DeviceSubRequest",
       [](Value& in) {
         Default(in, "allocationMode", "ExactCount");
         if (in.StringAt({"allocationMode"}) == "ExactCount") Default(in, "count", 1);
       }},
      {"flowcontrolv1.FlowSchemaSpec", [](Value& in) { Default(in, "matchingPrecedence", 1000); }},
      {"flowcontrolv1.LimitedPriorityLevelConfiguration",
       [](Value& in) {
         DefaultPointer(in, "nominalConcurrencyShares", 30);
         DefaultPointer(in, "lendablePercent", 0);
         if (Value* response = Part(in, "limitResponse");
             response && response->StringAt({"type"}) == "Queue") {
           Value& queuing = (*response)["queuing"];
           Default(queuing, "queues", 64);
           Default(queuing, "handSize", 8);
           Default(queuing, "queueLengthLimit", 50);
         }
       }},
      {"flowcontrolv1.ExemptPriorityLevelConfiguration",
       [](Value& in) {
         DefaultPointer(in, "nominalConcurrencyShares", 0);
         DefaultPointer(in, "lendablePercent", 0);
       }},
  };
  return kHooks;
}

bool IsZero(const Value& value) {
  return (value.is_int() && value.integer() == 0) ||
         (value.is_string() && value.string().empty()) || (value.is_bool() && !value.boolean());
}

// All that a type has of defaults: those of its own, and those of the tables.
struct Defaults {
  Hook hook = nullptr;
  std::vector<std::pair<const Field*, Value>> rows{};

  void Set(Value& message) const {
    if (hook) hook(message);
    for (const auto& [field, value] : rows) {
      if (field->shape == Shape::kOptional) {
        DefaultPointer(message, field->name(), value);
      } else {
        Default(message, field->name(), value);
      }
    }
  }
};

Defaults ReadDefaults(const TypeInfo& type) {
  Defaults defaults;
  const auto hook = Hooks().find(Cat(type.group_version->package, ".", type.name));
  if (hook != Hooks().end()) defaults.hook = hook->second;
  for (const Field& field : type.fields) {
    if (!field.rules || field.rules->default_json.empty()) continue;
    auto value = ParseJson(field.rules->default_json);
    if (!value) continue;
    if (field.shape == Shape::kOptional || (field.shape == Shape::kOne && !IsZero(*value)))
      defaults.rows.emplace_back(&field, *std::move(value));
  }
  return defaults;
}

// Those of the API are read once; null for types that are not of it.
const Defaults* KnownDefaults(const TypeInfo& type) {
  static const auto* const all = [] {
    auto* made = new std::unordered_map<const TypeInfo*, Defaults>();
    for (const GroupVersionInfo* version : AllGroupVersions()) {
      for (const TypeInfo* one : version->types) made->emplace(one, ReadDefaults(*one));
    }
    return made;
  }();
  const auto found = all->find(&type);
  return found == all->end() ? nullptr : &found->second;
}

}  // namespace

void SetDefaults(Value& tree, const TypeInfo& type) {
  WalkMessages(tree, type, [](Value& message, const TypeInfo& of) {
    if (const Defaults* known = KnownDefaults(of)) {
      known->Set(message);
    } else {
      ReadDefaults(of).Set(message);
    }
  });
}

}  // namespace k8s::fakeapiserver
