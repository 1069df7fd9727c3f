// Objects that are visible through several versions: one rests, the others are made of it
// (chapter 9.1).

#include "fakeapiserver/core.h"
#include "fakeapiserver/typed_tree.h"
#include "fakeapiserver/views.h"
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
constexpr std::string_view kBehavior = "autoscaling.alpha.kubernetes.io/behavior";

bool IsCpuUtilization(const Value& metric) {
  return metric.StringAt({"type"}) == "Resource" &&
         metric.StringAt({"resource", "name"}) == "cpu" &&
         metric.Find({"resource", "target", "averageUtilization"});
}

// The cpu target has a field of its own in v1; every other metric travels in an annotation.
void AutoscalerToV1(Value& tree) {
  Value& spec = tree["spec"];
  Value others = Value::MakeArray();
  if (const Value* metrics = spec.Find("metrics"); metrics && metrics->is_array()) {
    for (const Value& metric : metrics->array()) {
      if (IsCpuUtilization(metric) && !spec.Find("targetCPUUtilizationPercentage")) {
        const int64_t percent = metric.IntAt({"resource", "target", "averageUtilization"});
        spec.Set("targetCPUUtilizationPercentage", percent);
      } else {
        Value old = metric;
        if (Value* target = old.Find({"resource", "target"})) {
          if (const Value* value = target->Find("averageValue"))
            old["resource"].Set("targetAverageValue", *value);
          if (const Value* value = target->Find("averageUtilization"))
            old["resource"].Set("targetAverageUtilization", *value);
          old["resource"].Remove("target");
        }
        others.Append(std::move(old));
      }
    }
  }
  spec.Remove("metrics");
  if (!others.array().empty()) tree["metadata"]["annotations"].Set(kMetrics, ToJson(others));
  if (const Value* behavior = tree.Find({"spec", "behavior"})) {
    tree["metadata"]["annotations"].Set(kBehavior, ToJson(*behavior));
    tree["spec"].Remove("behavior");
  }
  if (Value* status = tree.Find("status")) {
    status->Remove("currentMetrics");
    status->Remove("conditions");
    if (!status->Find("currentReplicas")) status->Set("currentReplicas", 0);
  }
}

void AutoscalerToV2(Value& tree) {
  Value metrics = Value::MakeArray();
  Value& spec = tree["spec"];
  if (const Value* percent = spec.Find("targetCPUUtilizationPercentage");
      percent && percent->is_int()) {
    metrics.Append(Value::MakeObject(
        {{"type", "Resource"},
         {"resource",
          Value::MakeObject(
              {{"name", "cpu"},
               {"target", Value::MakeObject({{"type", "Utilization"},
                                             {"averageUtilization", percent->integer()}})}})}}));
  }
  spec.Remove("targetCPUUtilizationPercentage");
  if (auto others = ParseJson(tree.StringAt({"metadata", "annotations", kMetrics}));
      others && others->is_array()) {
    for (Value& old : others->array()) {
      if (Value* resource = old.Find("resource")) {
        Value target = Value::MakeObject();
        if (const Value* value = resource->Find("targetAverageValue")) {
          target.Set("type", "AverageValue");
          target.Set("averageValue", *value);
        }
        if (const Value* value = resource->Find("targetAverageUtilization")) {
          target.Set("type", "Utilization");
          target.Set("averageUtilization", *value);
        }
        resource->Remove("targetAverageValue");
        resource->Remove("targetAverageUtilization");
        resource->Set("target", std::move(target));
      }
      metrics.Append(std::move(old));
    }
    tree["metadata"]["annotations"].Remove(kMetrics);
  }
  if (!metrics.array().empty()) tree["spec"].Set("metrics", std::move(metrics));
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

constexpr std::string_view kOfVersions[] = {
    kMetrics, kBehavior, "autoscaling.alpha.kubernetes.io/conditions",
    "autoscaling.alpha.kubernetes.io/current-metrics", "deprecated.daemonset.template.generation"};

}  // namespace

void DropConversionAnnotations(Value& metadata) {
  Value* annotations = metadata.Find("annotations");
  if (!annotations) return;
  for (std::string_view name : kOfVersions) annotations->Remove(name);
  if (annotations->is_object() && annotations->object().empty()) metadata.Remove("annotations");
}

void Convert(Value& tree, const Served& from, const Served& to) {
  if (&from == &to) return;
  for (const Conversion& row : kConversions) {
    if (row.from == from.api_version && row.to == to.api_version && row.kind == to.kind)
      row.convert(tree);
  }
  tree.Set("apiVersion", to.api_version);
  auto normal = Normalise(tree, *to.type);
  if (normal) tree = *std::move(normal);
}

}  // namespace k8s::fakeapiserver
