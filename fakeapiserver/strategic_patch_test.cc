#include "fakeapiserver/strategic_patch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "k8s/api/appsv1.h"
#include "k8s/api/corev1.h"
#include "k8s/base/strings.h"
#include "k8s/machinery/json.h"

namespace k8s::fakeapiserver {
namespace {

// What the patch makes of the object, or the error's text.
std::string Patched(const TypeInfo& type, std::string_view object, std::string_view patch) {
  Value document = ParseJson(object).value();
  const auto done = ApplyStrategicPatch(ParseJson(patch).value(), type, document);
  return done ? ToJson(document) : done.error().message();
}
std::string PatchedPod(std::string_view object, std::string_view patch) {
  return Patched(TypeOf<corev1::Pod>(), object, patch);
}
// The same inside of a pod's spec.
std::string PatchedSpec(std::string_view object, std::string_view patch) {
  return Patched(TypeOf<corev1::PodSpec>(), object, patch);
}

TEST(StrategicPatch, MergesListsByTheirKeyAtEveryLevel) {  // S-7.6
  EXPECT_EQ(
      PatchedSpec(
          R"({"containers":[{"name":"a","env":[{"name":"X","value":"1"},{"name":"Y","value":"2"}]},{"name":"b"}]})",
          R"({"containers":[{"name":"a","env":[{"name":"Y","value":"3"}]}]})"),
      R"({"containers":[{"name":"a","env":[{"name":"X","value":"1"},{"name":"Y","value":"3"}]},{"name":"b"}]})");
}

TEST(StrategicPatch, PutsNewItemsBeforeTheServers) {  // S-7.21
  EXPECT_EQ(PatchedSpec(R"({"containers":[{"name":"a"},{"name":"b"}]})",
                        R"({"containers":[{"name":"c"}]})"),
            R"({"containers":[{"name":"c"},{"name":"a"},{"name":"b"}]})");
}

TEST(StrategicPatch, ReplacesListsWithoutAStrategy) {
  EXPECT_EQ(PatchedSpec(R"({"tolerations":[{"key":"a"}]})", R"({"tolerations":[{"key":"b"}]})"),
            R"({"tolerations":[{"key":"b"}]})");
}

TEST(StrategicPatch, UnitesScalars) {
  EXPECT_EQ(PatchedPod(R"({"metadata":{"finalizers":["a/x","b/x"]}})",
                       R"({"metadata":{"finalizers":["b/x","c/x","c/x"]}})"),
            R"({"metadata":{"finalizers":["a/x","b/x","c/x"]}})");
  EXPECT_EQ(PatchedPod(R"({"metadata":{"finalizers":["a/x","b/x"]}})",
                       R"({"metadata":{"$deleteFromPrimitiveList/finalizers":["a/x","z/x"]}})"),
            R"({"metadata":{"finalizers":["b/x"]}})");
}

TEST(StrategicPatch, NullDeletesAndMeansNothingInWhatIsNew) {
  EXPECT_EQ(PatchedPod(R"({"metadata":{"labels":{"a":"1","b":"2"}}})",
                       R"({"metadata":{"labels":{"a":null,"c":null},"annotations":{"d":null}}})"),
            R"({"metadata":{"labels":{"b":"2"},"annotations":{}}})");
}

TEST(StrategicPatch, DirectivesOfMapsReplaceAndEmptyThem) {
  constexpr std::string_view kPod = R"({"metadata":{"labels":{"a":"1","b":"2"}}})";
  EXPECT_EQ(PatchedPod(kPod, R"({"metadata":{"labels":{"$patch":"replace","c":"3"}}})"),
            R"({"metadata":{"labels":{"c":"3"}}})");
  EXPECT_EQ(PatchedPod(kPod, R"({"metadata":{"labels":{"$patch":"delete","c":"3"}}})"),
            R"({"metadata":{"labels":{}}})");
}

TEST(StrategicPatch, UnknownDirectivesAreNamedAsGoPrintsThem) {  // S-7.20
  const auto directive = [](std::string_view value) {
    return PatchedPod(R"({"metadata":{"labels":{}}})",
                      Cat(R"({"metadata":{"labels":{"$patch":)", value, "}}}"));
  };
  EXPECT_EQ(directive("\"merge\""), "unknown patch type: merge in map: map[$patch:merge]");
  EXPECT_EQ(directive("1"), "unknown patch type: %!s(int64=1) in map: map[$patch:1]");
  EXPECT_EQ(directive("true"), "unknown patch type: %!s(bool=true) in map: map[$patch:true]");
  EXPECT_EQ(directive("null"), "unknown patch type: %!s(<nil>) in map: map[$patch:<nil>]");
}

TEST(StrategicPatch, DirectivesOfItemsDeleteAndReplace) {  // S-7.6
  constexpr std::string_view kSpec =
      R"({"containers":[{"name":"a","image":"1"},{"name":"b"},{"name":"c"}]})";
  EXPECT_EQ(PatchedSpec(kSpec, R"({"containers":[{"$patch":"delete","name":"b"}]})"),
            R"({"containers":[{"name":"a","image":"1"},{"name":"c"}]})");
  EXPECT_EQ(PatchedSpec(kSpec, R"({"containers":[{"$patch":"replace","x":1},{"name":"a"}]})"),
            R"({"containers":[{"name":"a"}]})");
}

TEST(StrategicPatch, DeletesBeforeItMergesWhereverTheDirectiveStands) {
  EXPECT_EQ(
      PatchedSpec(R"({"containers":[{"name":"a","image":"1","tty":true}]})",
                  R"({"containers":[{"name":"a","image":"2"},{"$patch":"delete","name":"a"}]})"),
      R"({"containers":[{"name":"a","image":"2"}]})");
}

TEST(StrategicPatch, WantsTheMergeKey) {  // S-7.20
  EXPECT_EQ(PatchedSpec(R"({"containers":[{"name":"a"}]})", R"({"containers":[{"image":"1"}]})"),
            "map: map[image:1] does not contain declared merge key: name");
  EXPECT_EQ(
      PatchedSpec(R"({"containers":[{"name":"a"}]})", R"({"containers":[{"$patch":"delete"}]})"),
      "map: map[$patch:delete] does not contain declared merge key: name");
}

TEST(StrategicPatch, RetainKeysDropsTheOthers) {  // S-7.7
  constexpr std::string_view kDeployment =
      R"({"spec":{"strategy":{"type":"RollingUpdate","rollingUpdate":{"maxSurge":1}}}})";
  const auto patched = [&](std::string_view strategy) {
    return Patched(TypeOf<appsv1::Deployment>(), kDeployment,
                   Cat(R"({"spec":{"strategy":)", strategy, "}}"));
  };
  EXPECT_EQ(patched(R"({"$retainKeys":["type"],"type":"Recreate"})"),
            R"({"spec":{"strategy":{"type":"Recreate"}}})");
  EXPECT_EQ(patched(R"({"$retainKeys":["rollingUpdate"],"type":"Recreate"})"),
            "invalid patch format of retainKeys");
  EXPECT_EQ(patched(R"({"$retainKeys":["type"],"type":"Recreate","rollingUpdate":null})"),
            R"({"spec":{"strategy":{"type":"Recreate"}}})");
}

TEST(StrategicPatch, SetElementOrderSortsAndLeavesTheServersItemsNearTheirNeighbours) {
  constexpr std::string_view kSpec =
      R"({"containers":[{"name":"a"},{"name":"s"},{"name":"b"},{"name":"c"}]})";
  EXPECT_EQ(
      PatchedSpec(kSpec,
                  R"({"$setElementOrder/containers":[{"name":"c"},{"name":"a"},{"name":"b"}]})"),
      R"({"containers":[{"name":"s"},{"name":"c"},{"name":"a"},{"name":"b"}]})");
  // Also where the object has no such list yet.
  EXPECT_EQ(PatchedSpec("{}", R"({"$setElementOrder/containers":[{"name":"x"}],)"
                              R"("containers":[{"name":"y"}]})"),
            "The order in patch list:\n[map[name:y]]\n doesn't match $setElementOrder list:\n"
            "[map[name:x]]\n");
}

TEST(StrategicPatch, SetElementOrderMustNameThePatchsItemsInTheirOrder) {
  const auto ordered = [](std::string_view order, std::string_view patch) {
    return PatchedSpec(
        R"({"containers":[{"name":"a"},{"name":"b"}]})",
        Cat(R"({"$setElementOrder/containers":)", order, R"(,"containers":)", patch, "}"));
  };
  constexpr std::string_view kBoth = R"([{"name":"b","image":"1"},{"name":"a","image":"2"}])";
  EXPECT_EQ(ordered(R"([{"name":"b"},{"name":"a"}])", kBoth),
            R"({"containers":[{"name":"b","image":"1"},{"name":"a","image":"2"}]})");
  EXPECT_EQ(ordered(R"([{"name":"a"},{"name":"b"}])", kBoth),
            "The order in patch list:\n[map[image:1 name:b] map[image:2 name:a]]\n doesn't match "
            "$setElementOrder list:\n[map[name:a] map[name:b]]\n");
  // A deletion needs no place.
  EXPECT_EQ(ordered(R"([{"name":"b"}])", R"([{"$patch":"delete","name":"a"}])"),
            R"({"containers":[{"name":"b"}]})");
  EXPECT_EQ(PatchedSpec("{}", R"({"$setElementOrder/containers":"x"})"),
            "expected a []interface {}, but received a string");
}

TEST(StrategicPatch, MatchesByOneKeySoThatTwoPortsOfANumberCollide) {
  // The first takes the change; the second stays, beside it.
  EXPECT_EQ(
      PatchedSpec(
          R"({"containers":[{"name":"a","ports":[{"containerPort":80,"protocol":"TCP"},{"containerPort":80,"protocol":"UDP"},{"containerPort":81}]}]})",
          R"({"containers":[{"name":"a","ports":[{"containerPort":80,"name":"x"}]}]})"),
      R"({"containers":[{"name":"a","ports":[{"containerPort":80,"protocol":"TCP","name":"x"},{"containerPort":80,"protocol":"UDP"},{"containerPort":81}]}]})");
}

TEST(StrategicPatch, ElementsOfAListAreOfOneType) {
  EXPECT_EQ(PatchedSpec(R"({"containers":[{"name":"a"}]})", R"({"containers":["x"]})"),
            "list element types are not identical: [[map[name:a]] [x]]");
  EXPECT_EQ(
      PatchedPod(R"({"metadata":{"finalizers":["a"]}})", R"({"metadata":{"finalizers":["b",1]}})"),
      "list element types are not identical: [[a] [b 1]]");
  EXPECT_EQ(PatchedPod("{}", R"({"metadata":{"finalizers":[["a"]]}})"),
            "lists of lists are not supported");
}

TEST(StrategicPatch, AnotherTypeTakesThePlaceOfTheOld) {
  EXPECT_EQ(PatchedSpec(R"({"containers":[{"name":"a"}]})", R"({"containers":"x"})"),
            R"({"containers":"x"})");
}

}  // namespace
}  // namespace k8s::fakeapiserver
