#include "k8s/kubernetes/change.h"

#include <gtest/gtest.h>

#include "k8s/api/appsv1.h"
#include "k8s/api/corev1.h"
#include "k8s/base/strings.h"
#include "k8s/machinery/json.h"

namespace k8s::kubernetes {
namespace {

using namespace std::chrono_literals;
using http::CallClass;

const WallTime kBegan{std::chrono::seconds(1767225660)};  // 2026-01-01T00:01:00Z

Finding Look(const Change& change, std::string_view live) {
  const Value tree = ParseJson(live).value();
  return Judge(IntentOf(change), &tree, kBegan, 1s);
}

corev1::Pod Web() {
  corev1::Pod pod{.metadata = {.name = "web", .labels = {{"app", "web"}}}};
  pod.spec.containers = {{.name = "main", .image = "nginx:1"}};
  return pod;
}

TEST(Change, HasItsClass) {
  const auto class_of = [](const Change& change) { return IntentOf(change).call_class; };
  corev1::Pod pod = Web();
  Change change{.type = &TypeOf<corev1::Pod>(), .sent = &pod};
  EXPECT_EQ(class_of(change), CallClass::kCreate);
  change.verb = Verb::kUpdate;
  EXPECT_EQ(class_of(change), CallClass::kUpdate);
  change.verb = Verb::kApply;
  EXPECT_EQ(class_of(change), CallClass::kApply);
  pod.metadata.resourceVersion = "7";
  EXPECT_EQ(class_of(change), CallClass::kPatchVersioned);
  change.verb = Verb::kUpdate;
  EXPECT_EQ(class_of(change), CallClass::kUpdateVersioned);
  change.subresource = "resize";
  EXPECT_EQ(class_of(change), CallClass::kOther);
  pod.metadata.name.clear();
  change = {.type = &TypeOf<corev1::Pod>(), .sent = &pod};
  EXPECT_EQ(class_of(change), CallClass::kCreateUnnamed);

  const auto patch = [&](PatchType type, std::string_view text) {
    return class_of({.verb = Verb::kPatch, .patch_type = type, .patch = text});
  };
  EXPECT_EQ(patch(PatchType::kMergePatch, "{}"), CallClass::kMergePatch);
  EXPECT_EQ(patch(PatchType::kStrategicMergePatch, R"({"metadata":{"resourceVersion":"7"}})"),
            CallClass::kPatchVersioned);
  EXPECT_EQ(patch(PatchType::kJSONPatch,
                  R"([{"op":"test","path":"/metadata/resourceVersion","value":"7"}])"),
            CallClass::kPatchVersioned);
  EXPECT_EQ(patch(PatchType::kJSONPatch, R"([{"op":"test","path":"/data/a","value":"7"}])"),
            CallClass::kJsonPatch);
  EXPECT_EQ(patch(PatchType::kApplyYAML, "metadata: {resourceVersion: '7'}"), CallClass::kOther);
}

TEST(Judge, ACreateIsThereWhenAllThatWasSentIs) {
  const corev1::Pod pod = Web();
  const Change change{.type = &TypeOf<corev1::Pod>(), .sent = &pod};
  const auto live = [](std::string_view created, std::string_view containers) {
    return Cat(R"({"metadata":{"name":"web","uid":"1","labels":{"app":"web","more":"x"},)",
               R"("creationTimestamp":")", created, R"("},"spec":{"nodeName":"n","containers":[)",
               containers, "]}}");
  };
  constexpr std::string_view kMain = R"({"name":"main","image":"nginx:1","x":1})";
  constexpr std::string_view kBoth = R"({"name":"side"},{"name":"main","image":"nginx:1"})";
  EXPECT_EQ(Look(change, live("2026-01-01T00:01:00Z", kMain)), Finding::kDone);
  EXPECT_EQ(Look(change, live("2026-01-01T00:00:59Z", kBoth)), Finding::kDone);
  EXPECT_EQ(Look(change, live("2026-01-01T00:00:58Z", kMain)), Finding::kUnclear);
  EXPECT_EQ(Look(change, live("2026-01-01T00:01:00Z", R"({"name":"main"})")), Finding::kUnclear);
  EXPECT_EQ(Judge(IntentOf(change), nullptr, kBegan, 1s), Finding::kNotDone);
}

TEST(Judge, AnUpdateIsThereWhenNothingElseIs) {
  corev1::Pod pod = Web();
  pod.metadata.resourceVersion = "7";
  const Change change{.verb = Verb::kUpdate, .type = &TypeOf<corev1::Pod>(), .sent = &pod};
  const auto live = [](std::string_view version, std::string_view labels) {
    return Cat(R"({"metadata":{"name":"web","uid":"1","generation":2,"resourceVersion":")", version,
               R"(","labels":{)", labels,
               R"(}},"spec":{"containers":[{"name":"main","image":"nginx:1"}]},)",
               R"("status":{"phase":"Running"}})");
  };
  EXPECT_EQ(Look(change, live("7", R"("app":"web")")), Finding::kNotDone);
  EXPECT_EQ(Look(change, live("8", R"("app":"web")")), Finding::kDone);
  EXPECT_EQ(Look(change, live("8", R"("app":"web","b":"c")")), Finding::kUnclear);
  EXPECT_EQ(Judge(IntentOf(change), nullptr, kBegan, 1s), Finding::kUnclear);
}

TEST(Judge, ADeleteIsDoneWhenTheObjectIsGoneGoingOrAnother) {
  metav1::DeleteOptions options;
  Change change{.verb = Verb::kDelete, .name = "web", .options = &options};
  const auto live = [](std::string_view created, std::string_view more = "") {
    return Cat(R"({"metadata":{"uid":"1","creationTimestamp":")", created, "\"", more, "}}");
  };
  constexpr std::string_view kLongAgo = "2025-01-01T00:00:00Z";
  EXPECT_EQ(Judge(IntentOf(change), nullptr, kBegan, 1s), Finding::kDone);
  EXPECT_EQ(Look(change, live(kLongAgo, R"(,"deletionTimestamp":"2026-01-01T00:01:00Z")")),
            Finding::kDone);
  EXPECT_EQ(Look(change, live(kLongAgo)), Finding::kNotDone);
  EXPECT_EQ(Look(change, live("2026-01-01T00:00:58Z")), Finding::kNotDone);
  EXPECT_EQ(Look(change, live("2026-01-01T00:00:59Z")), Finding::kUnclear);
  EXPECT_EQ(Look(change, live("2026-01-01T00:01:01Z")), Finding::kUnclear);
  EXPECT_EQ(Look(change, live("2026-01-01T00:01:02Z")), Finding::kDone);
  options.preconditions = metav1::Preconditions{.uid = "1"};
  EXPECT_EQ(Look(change, live("2026-01-01T00:01:01Z")), Finding::kNotDone);
  options.preconditions->uid = "2";
  EXPECT_EQ(Look(change, live(kLongAgo)), Finding::kDone);
}

TEST(Judge, AMergePatchIsThereWhenItWouldChangeNothing) {
  const auto look = [](std::string_view patch) {
    return Look({.verb = Verb::kPatch, .patch_type = PatchType::kMergePatch, .patch = patch},
                R"({"metadata":{"resourceVersion":"8"},"data":{"a":"1"}})");
  };
  EXPECT_EQ(look(R"({"data":{"a":"1","b":null}})"), Finding::kDone);
  EXPECT_EQ(look(R"({"data":{"a":"2"}})"), Finding::kUnclear);
  EXPECT_EQ(look(R"({"metadata":{"resourceVersion":"8"},"data":{"a":"2"}})"), Finding::kNotDone);
  EXPECT_EQ(look(R"({"metadata":{"resourceVersion":"7"},"data":{"a":"1"}})"), Finding::kDone);
}

}  // namespace
}  // namespace k8s::kubernetes
