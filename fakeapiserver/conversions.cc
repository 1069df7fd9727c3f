// Objects that are visible through several versions: one rests, the others are made of it
// (chapter 9.1).

#include <cctype>

#include "fakeapiserver/core.h"
#include "fakeapiserver/internal_form.h"
#include "fakeapiserver/typed_tree.h"
#include "fakeapiserver/views.h"
#include "k8s/api/autoscalingv2.h"
#include "k8s/base/strings.h"
#include "k8s/machinery/json.h"

namespace k8s::fakeapiserver {
namespace {

void Rename(Value& tree, std::string_view from, std::string_view to) {
  const Value* member = tree.Find(from);
  if (!member) return;
  Value moved = *member;
  tree.Remove(from);
  tree.Set(to, std::move(moved));
}

void EventToNew(Value& tree) {
  Rename(tree, "involvedObject", "regarding");
  Rename(tree, "message", "note");
  Rename(tree, "reportingComponent", "reportingController");
  Rename(tree, "source", "deprecatedSource");
  Rename(tree, "firstTimestamp", "deprecatedFirstTimestamp");
  Rename(tree, "lastTimestamp", "deprecatedLastTimestamp");
  Rename(tree, "count", "deprecatedCount");
}

void EventToOld(Value& tree) {
  Rename(tree, "regarding", "involvedObject");
  Rename(tree, "note", "message");
  Rename(tree, "reportingController", "reportingComponent");
  Rename(tree, "deprecatedSource", "source");
  Rename(tree, "deprecatedFirstTimestamp", "firstTimestamp");
  Rename(tree, "deprecatedLastTimestamp", "lastTimestamp");
  Rename(tree, "deprecatedCount", "count");
}

constexpr std::string_view kMetrics = "autoscaling.alpha.kubernetes.io/metrics";
constexpr std::string_view kCurrentMetrics = "autoscaling.alpha.kubernetes.io/current-metrics";
constexpr std::string_view kConditions = "autoscaling.alpha.kubernetes.io/conditions";
constexpr std::string_view kBehavior = "autoscaling.alpha.kubernetes.io/behavior";

// Where a member of a metric's source stands in v1, in v1's order, and where in v2. "*" is "target"
// in a specification and "current" in a status. v1 writes some numbers even where v2 has none.
struct MetricMember {
  std::string_view source, v1, v2;
  bool always_in_spec = false, always_in_status = false;
};
constexpr MetricMember kMetricMembers[] = {
    {"object", "target", "describedObject"},
    {"object", "metricName", "metric/name"},
    {"object", "*Value", "*/value", true, true},
    {"object", "selector", "metric/selector"},
    {"object", "averageValue", "*/averageValue"},
    {"pods", "metricName", "metric/name"},
    {"pods", "*AverageValue", "*/averageValue", true, true},
    {"pods", "selector", "metric/selector"},
    {"resource", "name", "name"},
    {"resource", "*AverageUtilization", "*/averageUtilization"},
    {"resource", "*AverageValue", "*/averageValue", false, true},
    {"containerResource", "name", "name"},
    {"containerResource", "*AverageUtilization", "*/averageUtilization"},
    {"containerResource", "*AverageValue", "*/averageValue", false, true},
    {"containerResource", "container", "container"},
    {"external", "metricName", "metric/name"},
    {"external", "metricSelector", "metric/selector"},
    {"external", "*Value", "*/value", false, true},
    {"external", "*AverageValue", "*/averageValue"},
};
constexpr int64_t kUsualCpuPercent = 80;
constexpr std::string_view kTarget = "target", kCurrent = "current";

std::string ForUse(std::string_view name, std::string_view use) {
  return name.starts_with('*') ? Cat(use, name.substr(1)) : std::string(name);
}

// The member of a path of at most two names.
const Value* FindPath(const Value& tree, std::string_view path) {
  const size_t slash = path.find('/');
  if (slash == path.npos) return tree.Find(path);
  const Value* outer = tree.Find(path.substr(0, slash));
  return outer ? outer->Find(path.substr(slash + 1)) : nullptr;
}

void SetPath(Value& tree, std::string_view path, Value value) {
  const size_t slash = path.find('/');
  Value& parent = slash == path.npos ? tree : tree[path.substr(0, slash)];
  parent.Set(path.substr(slash == path.npos ? 0 : slash + 1), std::move(value));
}

Value MetricToV1(const Value& metric, std::string_view use) {
  Value out = Value::MakeObject({{"type", Value(metric.StringAt({"type"}))}});
  for (const MetricMember& row : kMetricMembers) {
    const Value* source = metric.Find(row.source);
    if (!source || !source->is_object()) continue;
    const Value* value = FindPath(*source, ForUse(row.v2, use));
    const bool always = use == kTarget ? row.always_in_spec : row.always_in_status;
    if (value && !value->is_null()) {
      out[row.source].Set(ForUse(row.v1, use), *value);
    } else if (always) {
      out[row.source].Set(ForUse(row.v1, use), "0");
    }
  }
  return out;
}

Value MetricToV2(const Value& metric, std::string_view use) {
  Value out = Value::MakeObject({{"type", Value(metric.StringAt({"type"}))}});
  for (const MetricMember& row : kMetricMembers) {
    const Value* source = metric.Find(row.source);
    if (!source || !source->is_object()) continue;
    const Value* value = source->Find(ForUse(row.v1, use));
    if (value && !value->is_null()) SetPath(out[row.source], ForUse(row.v2, use), *value);
    Value* target = use == kTarget ? out.Find({row.source, kTarget}) : nullptr;
    if (!target) continue;
    target->Set("type", target->Find("averageUtilization") ? "Utilization"
                        : target->Find("averageValue")     ? "AverageValue"
                                                           : "Value");
  }
  return out;
}

Value MetricsTo(Value (*convert)(const Value&, std::string_view), const Value& metrics,
                std::string_view use) {
  Value out = Value::MakeArray();
  for (const Value& metric : metrics.array()) out.Append(convert(metric, use));
  return out;
}

bool IsSetList(const Value* list) { return list && list->is_array() && !list->array().empty(); }

// The share of the cpu that a metric speaks of, null when it speaks of something else.
const Value* CpuUtilization(const Value& metric, std::string_view use) {
  if (metric.StringAt({"type"}) != "Resource" || metric.StringAt({"resource", "name"}) != "cpu")
    return nullptr;
  return metric.Find({"resource", use, "averageUtilization"});
}

Value CpuMetric(std::string_view use, int64_t percent) {
  Value amount = Value::MakeObject();
  if (use == kTarget) amount.Set("type", "Utilization");
  amount.Set("averageUtilization", percent);
  return Value::MakeObject(
      {{"type", "Resource"},
       {"resource", Value::MakeObject({{"name", "cpu"}, {std::string(use), std::move(amount)}})}});
}

// The member names of the server's own struct, which stand in the annotation, as on the wire.
Value WireNames(const Value& form) {
  if (form.is_array()) {
    Value out = Value::MakeArray();
    for (const Value& item : form.array()) out.Append(WireNames(item));
    return out;
  }
  if (!form.is_object()) return form;
  Value out = Value::MakeObject();
  for (const auto& [name, value] : form.object()) {
    if (value.is_null()) continue;
    std::string lower = name;
    if (!lower.empty())
      lower[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(lower[0])));
    out.Set(lower, WireNames(value));
  }
  return out;
}

// The cpu has fields of its own in v1; everything else that v1 lacks travels in annotations. The
// present metrics do so in any case, for v1 has no field for the amount.
void AutoscalerToV1(Value& tree) {
  Value& spec = tree["spec"];
  Value others = Value::MakeArray();
  const Value behavior = spec.Find("behavior") ? *spec.Find("behavior") : Value();
  if (const Value* metrics = spec.Find("metrics"); IsSetList(metrics)) {
    Value percent;
    for (const Value& metric : metrics->array()) {
      if (const Value* own = CpuUtilization(metric, kTarget)) {
        if (percent.is_null()) percent = *own;
      } else {
        others.Append(MetricToV1(metric, kTarget));
      }
    }
    if (!percent.is_null()) spec.Set("targetCPUUtilizationPercentage", std::move(percent));
  }
  spec.Remove("metrics");
  spec.Remove("behavior");
  std::vector<std::pair<std::string_view, std::string>> notes;
  if (IsSetList(&others)) notes.emplace_back(kMetrics, ToJson(others));
  if (behavior.is_object()) {
    notes.emplace_back(
        kBehavior,
        ToJson(InternalForm(behavior, TypeOf<autoscalingv2::HorizontalPodAutoscalerBehavior>())));
  }
  if (Value* status = tree.Find("status")) {
    if (const Value* metrics = status->Find("currentMetrics"); IsSetList(metrics)) {
      notes.emplace_back(kCurrentMetrics, ToJson(MetricsTo(MetricToV1, *metrics, kCurrent)));
      Value percent;
      for (const Value& metric : metrics->array()) {
        const Value* own = CpuUtilization(metric, kCurrent);
        if (own && percent.is_null()) percent = *own;
      }
      if (!percent.is_null()) status->Set("currentCPUUtilizationPercentage", std::move(percent));
    }
    if (const Value* conditions = status->Find("conditions"); IsSetList(conditions))
      notes.emplace_back(kConditions, ToJson(*conditions));
    status->Remove("currentMetrics");
    status->Remove("conditions");
    if (!status->Find("currentReplicas")) status->Set("currentReplicas", 0);
  }
  for (auto& [name, text] : notes) tree["metadata"]["annotations"].Set(name, std::move(text));
}

void AutoscalerToV2(Value& tree) {
  // What does not parse is as good as absent.
  const auto note = [&](std::string_view name) {
    auto parsed = ParseJson(tree.StringAt({"metadata", "annotations", name}));
    return parsed ? *std::move(parsed) : Value();
  };
  const auto take_percent = [&](std::string_view part, std::string_view name,
                                std::string_view use) {
    Value list = Value::MakeArray();
    Value* member = tree.Find(part);
    const Value* percent = member ? member->Find(name) : nullptr;
    if (percent && percent->is_int()) list.Append(CpuMetric(use, percent->integer()));
    if (percent) member->Remove(name);
    return list;
  };
  Value cpu = take_percent("spec", "targetCPUUtilizationPercentage", kTarget);
  Value metrics = Value::MakeArray();
  if (const Value others = note(kMetrics); others.is_array())
    metrics = MetricsTo(MetricToV2, others, kTarget);
  for (Value& metric : cpu.array()) metrics.Append(std::move(metric));
  if (metrics.array().empty()) metrics.Append(CpuMetric(kTarget, kUsualCpuPercent));
  tree["spec"].Set("metrics", std::move(metrics));
  if (const Value behavior = note(kBehavior); behavior.is_object())
    tree["spec"].Set("behavior", WireNames(behavior));

  Value current = take_percent("status", "currentCPUUtilizationPercentage", kCurrent);
  if (const Value known = note(kCurrentMetrics); known.is_array())
    current = MetricsTo(MetricToV2, known, kCurrent);
  if (!current.array().empty()) tree["status"].Set("currentMetrics", std::move(current));
  if (Value conditions = note(kConditions); conditions.is_array())
    tree["status"].Set("conditions", std::move(conditions));
  for (std::string_view name : {kMetrics, kBehavior, kCurrentMetrics, kConditions}) {
    if (Value* notes = tree.Find({"metadata", "annotations"})) notes->Remove(name);
  }
}

struct Conversion {
  std::string_view from, to, kind;
  void (*convert)(Value& tree);
};
constexpr Conversion kConversions[] = {
    {"v1", "events.k8s.io/v1", "Event", EventToNew},
    {"events.k8s.io/v1", "v1", "Event", EventToOld},
    {"autoscaling/v2", "autoscaling/v1", "HorizontalPodAutoscaler", AutoscalerToV1},
    {"autoscaling/v1", "autoscaling/v2", "HorizontalPodAutoscaler", AutoscalerToV2},
};

const Conversion* ConversionOf(const Served& from, const Served& to) {
  for (const Conversion& row : kConversions) {
    if (row.from == from.api_version && row.to == to.api_version && row.kind == to.kind)
      return &row;
  }
  return nullptr;
}

constexpr std::string_view kOfVersions[] = {kMetrics, kBehavior, kConditions, kCurrentMetrics,
                                            "deprecated.daemonset.template.generation"};

}  // namespace

void DropConversionAnnotations(Value& metadata) {
  Value* annotations = metadata.Find("annotations");
  if (!annotations) return;
  for (std::string_view name : kOfVersions) annotations->Remove(name);
  if (annotations->is_object() && annotations->object().empty()) metadata.Remove("annotations");
}

void Convert(Value& tree, const Served& from, const Served& to) {
  if (&from == &to) return;
  if (const Conversion* row = ConversionOf(from, to)) row->convert(tree);
  tree.Set("apiVersion", to.api_version);
  auto normal = Normalise(tree, *to.type);
  if (normal) tree = *std::move(normal);
}

void ConvertThroughStorage(Value& tree, const Served& served) {
  if (!ConversionOf(served, *served.storage)) return;
  Convert(tree, served, *served.storage);
  Convert(tree, *served.storage, served);
}

OtherVersions OtherVersionsOf(const Core& core, const Served& served) {
  return [&core, &served](std::string_view api_version) -> std::optional<OtherVersion> {
    const Served* other = core.registry.FindKind(api_version, served.kind);
    if (!other || other->storage != served.storage || !ConversionOf(served, *other))
      return std::nullopt;
    const auto carry = [](const Served& from, const Served& to) {
      return [&from, &to](Value tree) {
        Convert(tree, from, to);
        return tree;
      };
    };
    return OtherVersion{other->type, carry(served, *other), carry(*other, served)};
  };
}

}  // namespace k8s::fakeapiserver
