#include "fakeapiserver/field_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "k8s/api/appsv1.h"
#include "k8s/api/corev1.h"
#include "k8s/machinery/json.h"

namespace k8s::fakeapiserver {
namespace {

using testing::ElementsAre;

const TypeInfo& Pod() { return TypeOf<corev1::Pod>(); }
const TypeInfo& Service() { return TypeOf<corev1::Service>(); }
const TypeInfo& ConfigMap() { return TypeOf<corev1::ConfigMap>(); }

Value Json(std::string_view text) { return ParseJson(text).value(); }
FieldSet Set(std::string_view fields_v1) { return FieldSet::Parse(Json(fields_v1)); }
std::string Text(const FieldSet& set) { return ToJson(set.ToValue()); }
std::string PathsText(const TypeInfo& type, std::string_view object) {
  return Text(PathsOf(Json(object), type));
}

TEST(FieldSet, KeepsWhatFieldsV1Says) {
  constexpr std::string_view kFields =
      R"({"f:metadata":{"f:finalizers":{".":{},"v:\"a/x\"":{}}},"f:spec":{"f:containers":{"k:{\"name\":\"a\"}":{".":{},"f:image":{}}}}})";
  EXPECT_EQ(Text(Set(kFields)), kFields);
}

TEST(FieldSet, SortsFieldsThenKeysThenValuesThenIndices) {
  EXPECT_EQ(Text(Set(R"({"i:0":{},"v:1":{},"k:{\"a\":1}":{},"f:z":{},"f:a":{}})")),
            R"({"f:a":{},"f:z":{},"k:{\"a\":1}":{},"v:1":{},"i:0":{}})");
}

TEST(FieldSet, SortsKeysAndValuesByWhatTheySay) {
  EXPECT_EQ(Text(Set(R"({"v:10":{},"v:9":{},"v:\"a b\"":{},"v:\"a\"":{},"v:true":{}})")),
            R"({"v:9":{},"v:10":{},"v:\"a\"":{},"v:\"a b\"":{},"v:true":{}})");
  EXPECT_EQ(
      Text(Set(
          R"({"k:{\"port\":443,\"protocol\":\"TCP\"}":{},"k:{\"port\":80,\"protocol\":\"UDP\"}":{},"k:{\"port\":80,\"protocol\":\"TCP\"}":{}})")),
      R"({"k:{\"port\":80,\"protocol\":\"TCP\"}":{},"k:{\"port\":80,\"protocol\":\"UDP\"}":{},"k:{\"port\":443,\"protocol\":\"TCP\"}":{}})");
}

TEST(FieldSet, KeepsElementsThatAreNoJson) {
  EXPECT_EQ(Text(Set(R"({"k:b":{},"k:a":{},"k:{\"x\":1}":{}})")),
            R"({"k:{\"x\":1}":{},"k:a":{},"k:b":{}})");
}

TEST(FieldSet, CombinesPathByPath) {
  const FieldSet a = Set(R"({"f:x":{".":{},"f:y":{}},"f:z":{}})");
  const FieldSet b = Set(R"({"f:x":{"f:y":{}},"f:w":{}})");
  EXPECT_EQ(Text(Union(a, b)), R"({"f:w":{},"f:x":{".":{},"f:y":{}},"f:z":{}})");
  EXPECT_EQ(Text(Difference(a, b)), R"({"f:x":{},"f:z":{}})");
  EXPECT_EQ(Text(Intersection(a, b)), R"({"f:x":{"f:y":{}}})");
  EXPECT_TRUE(a == Union(a, Intersection(a, b)));
  EXPECT_FALSE(a == b);
  EXPECT_TRUE(Difference(a, a).empty());
}

TEST(FieldSet, PathsOfItemsWithOneKeyAreOneSet) {
  EXPECT_EQ(Text(Set(R"({"k:{\"a\":1}":{"f:x":{}},"k:{ \"a\": 1 }":{"f:y":{}},"f:z":{}})")),
            R"({"f:z":{},"k:{\"a\":1}":{"f:x":{},"f:y":{}}})");
  EXPECT_EQ(PathsText(Pod(), R"({"spec":{"containers":[{"name":"a","image":"i"},{"name":"b"},)"
                             R"({"name":"a","tty":true}]}})"),
            R"({"f:spec":{"f:containers":{"k:{\"name\":\"a\"}":{".":{},"f:image":{},"f:name":{},)"
            R"("f:tty":{}},"k:{\"name\":\"b\"}":{".":{},"f:name":{}}}}})");
}

TEST(FieldSet, IsWrittenTheSameWhenItGivesItsTextsAway) {
  FieldSet set = Set(R"({"f:a":{".":{},"f:b":{}},"f:c":{}})");
  set.member = true;  // of the root, which nobody writes
  const Value kept = set.ToValue();
  EXPECT_EQ(ToJson(kept), R"({"f:a":{".":{},"f:b":{}},"f:c":{}})");
  std::string text;
  set.AppendJson(text);
  EXPECT_EQ(text, ToJson(kept));
  EXPECT_EQ(std::move(set).ToValue(), kept);
}

TEST(FieldSet, InsertsFindsAndRemoves) {
  FieldSet set;
  set.Insert({"f:a", "f:b"});
  EXPECT_TRUE(set.Has({"f:a", "f:b"}));
  EXPECT_FALSE(set.Has({"f:a"}));  // on the way only
  set.Remove({"f:c", "f:b"});
  set.Remove({"f:a"});
  EXPECT_TRUE(set.empty());
}

TEST(FieldSet, WritesPathsAsConflictsNameThem) {
  EXPECT_THAT(
      Set(R"({"f:spec":{"f:containers":{"k:{\"name\":\"a\"}":{".":{},"f:image":{}}}},"f:l":{"v:1":{},"i:2":{}}})")
          .Paths(),
      ElementsAre(".l[=1]", ".l[2]", R"(.spec.containers[name="a"])",
                  R"(.spec.containers[name="a"].image)"));
}

TEST(FieldSet, AnAppliedConfigurationOwnsLeavesItemsAndEmptyMaps) {
  EXPECT_EQ(PathsText(ConfigMap(), R"({"data":{"a":"1"}})"), R"({"f:data":{"f:a":{}}})");
  EXPECT_EQ(PathsText(ConfigMap(), R"({"data":{}})"), R"({"f:data":{}})");
  EXPECT_EQ(
      PathsText(Pod(), R"({"spec":{"containers":[{"name":"a","args":["x"],"resources":{}}]}})"),
      R"({"f:spec":{"f:containers":{"k:{\"name\":\"a\"}":{".":{},"f:args":{},"f:name":{},"f:resources":{}}}}})");
}

TEST(FieldSet, AtomicPartsAreOwnedAsAWhole) {
  EXPECT_EQ(PathsText(Service(), R"({"spec":{"selector":{"a":"b"}}})"),
            R"({"f:spec":{"f:selector":{}}})");
  EXPECT_EQ(
      PathsText(TypeOf<appsv1::Deployment>(), R"({"spec":{"selector":{"matchLabels":{"a":"b"}}}})"),
      R"({"f:spec":{"f:selector":{}}})");
  EXPECT_EQ(PathsText(Pod(), R"({"spec":{"tolerations":[{"key":"a"}]}})"),
            R"({"f:spec":{"f:tolerations":{}}})");
}

TEST(FieldSet, SetsOwnTheirValues) {
  EXPECT_EQ(PathsText(Pod(), R"({"metadata":{"finalizers":["b/x","a/x"]}})"),
            R"({"f:metadata":{"f:finalizers":{"v:\"a/x\"":{},"v:\"b/x\"":{}}}})");
}

TEST(FieldSet, KeysWithADefaultAreFilledIn) {  // S-7.17
  EXPECT_EQ(
      PathsText(Service(), R"({"spec":{"ports":[{"port":80},{"port":80,"protocol":"UDP"}]}})"),
      R"({"f:spec":{"f:ports":{"k:{\"port\":80,\"protocol\":\"TCP\"}":{".":{},"f:port":{}},"k:{\"port\":80,\"protocol\":\"UDP\"}":{".":{},"f:port":{},"f:protocol":{}}}}})");
}

TEST(FieldSet, ComparesIntoAddedModifiedAndRemoved) {
  const Comparison found = Compare(
      Json(R"({"data":{"same":"1","changed":"1","gone":"1"}})"),
      Json(R"({"data":{"same":"1","changed":"2","new":"1"},"binaryData":{}})"), ConfigMap());
  EXPECT_EQ(Text(found.added), R"({"f:binaryData":{},"f:data":{"f:new":{}}})");
  EXPECT_EQ(Text(found.modified), R"({"f:data":{"f:changed":{}}})");
  EXPECT_EQ(Text(found.removed), R"({"f:data":{"f:gone":{}}})");
}

TEST(FieldSet, ComparesItemsByTheirKeysWhateverTheirOrder) {
  const Comparison found =
      Compare(Json(R"({"spec":{"containers":[{"name":"a","image":"1"},{"name":"b"}]}})"),
              Json(R"({"spec":{"containers":[{"name":"b"},{"name":"a","image":"2"}]}})"), Pod());
  EXPECT_TRUE(found.added.empty());
  EXPECT_TRUE(found.removed.empty());
  EXPECT_THAT(found.modified.Paths(), ElementsAre(R"(.spec.containers[name="a"].image)"));
}

std::string Merged(const TypeInfo& type, std::string_view live, std::string_view applied) {
  return ToJson(MergeApplied(Json(live), Json(applied), type));
}

TEST(FieldSet, MergedItemsOfTheLiveObjectKeepTheirPlace) {
  EXPECT_EQ(
      Merged(Pod(),
             R"({"spec":{"containers":[{"name":"l","tty":true},{"name":"a"},{"name":"b"}]}})",
             R"({"spec":{"containers":[{"name":"b"},{"name":"n"},{"name":"a","image":"1"}]}})"),
      R"({"spec":{"containers":[{"name":"l","tty":true},{"name":"b"},{"name":"n"},{"name":"a","image":"1"}]}})");
}

TEST(FieldSet, MergingReplacesAtomsAndUnitesSetsAndMaps) {
  EXPECT_EQ(Merged(Pod(), R"({"metadata":{"finalizers":["a/x"],"labels":{"a":"1","b":"1"}}})",
                   R"({"metadata":{"finalizers":["b/x"],"labels":{"b":"2"}}})"),
            R"({"metadata":{"finalizers":["a/x","b/x"],"labels":{"a":"1","b":"2"}}})");
  EXPECT_EQ(
      Merged(Service(), R"({"spec":{"selector":{"a":"1"}}})", R"({"spec":{"selector":{"b":"1"}}})"),
      R"({"spec":{"selector":{"b":"1"}}})");
}

TEST(FieldSet, RemovesWhatNobodyKeeps) {  // S-7.11, S-7.12
  const auto removed = [](std::string_view object, std::string_view doomed, std::string_view kept) {
    Value tree = Json(object);
    RemovePaths(tree, SchemaOfType(Pod()), Set(doomed), Set(kept));
    return ToJson(tree);
  };
  constexpr std::string_view kLabels = R"({"metadata":{"labels":{"a":"1","b":"2"}}})";
  EXPECT_EQ(removed(kLabels, R"({"f:metadata":{"f:labels":{"f:a":{}}}})", "{}"),
            R"({"metadata":{"labels":{"b":"2"}}})");
  EXPECT_EQ(removed(kLabels, R"({"f:metadata":{"f:labels":{"f:a":{},"f:b":{}}}})",
                    R"({"f:metadata":{"f:labels":{"f:b":{}}}})"),
            R"({"metadata":{"labels":{"b":"2"}}})");
  constexpr std::string_view kItem =
      R"({"f:spec":{"f:containers":{"k:{\"name\":\"a\"}":{".":{},"f:image":{},"f:name":{}}}}})";
  constexpr std::string_view kPod =
      R"({"spec":{"containers":[{"name":"a","image":"1","tty":true},{"name":"b"}]}})";
  EXPECT_EQ(removed(kPod, kItem, "{}"), R"({"spec":{"containers":[{"name":"b"}]}})");
  // Another owner below keeps the item, without the fields that only the first had.
  EXPECT_EQ(
      removed(
          kPod, kItem,
          R"({"f:spec":{"f:containers":{"k:{\"name\":\"a\"}":{".":{},"f:name":{},"f:tty":{}}}}})"),
      R"({"spec":{"containers":[{"name":"a","tty":true},{"name":"b"}]}})");
}

TEST(FieldSet, SaysWhatDoesNotFitTheSchema) {  // S-7.14
  const auto problem = [](std::string_view object) {
    return CheckAgainstSchema(Json(object), Pod());
  };
  EXPECT_EQ(problem(R"({"apiVersion":"v1","kind":"Pod","metadata":{"labels":null}})"), "");
  EXPECT_EQ(problem(R"({"spec":{"foo":1}})"), ".spec.foo: field not declared in schema");
  EXPECT_EQ(problem(R"({"spec":{"priority":"x"}})"),
            ".spec.priority: expected numeric (int or float), got string");
  EXPECT_EQ(problem(R"({"metadata":{"labels":{"a":5}}})"),
            ".metadata.labels.a: expected string, got &value.valueUnstructured{Value:5}");
  EXPECT_EQ(problem(R"({"spec":{"containers":{}}})"), ".spec.containers: expected list, got map");
  EXPECT_EQ(problem(R"({"spec":{"containers":[{"name":"a"},{"name":"a"}]}})"),
            R"(.spec.containers: duplicate entries for key [name="a"])");
  EXPECT_EQ(problem(R"({"metadata":{"finalizers":["a/x","a/x"]}})"),
            R"(.metadata.finalizers: duplicate entries for key [="a/x"])");
  EXPECT_EQ(problem(R"({"x":1,"spec":[]})"),
            "errors:\n  .x: field not declared in schema\n  .spec: expected map, got list");
}

TEST(FieldSet, IsComparedAsItIsWritten) {
  const Value written =
      ParseJson(R"({"f:a":{},"f:b":{".":{},"k:{\"name\":\"x\"}":{".":{},"f:name":{}}}})").value();
  ASSERT_TRUE(IsCanonical(written));
  const FieldSet all = FieldSet::Parse(written);
  EXPECT_TRUE(Holds(written, all) && HeldBy(written, all) && Touches(written, all));
  FieldSet part;
  part.Insert({"f:b", R"(k:{"name":"x"})", "f:name"});
  EXPECT_TRUE(Holds(written, part) && Touches(written, part));
  EXPECT_FALSE(HeldBy(written, part));
  FieldSet other;
  other.Insert({"f:b", R"(k:{"name":"y"})"});
  EXPECT_FALSE(Holds(written, other) || Touches(written, other));
}

TEST(FieldSet, IsNotCanonicalWhenAServerWroteItOtherwise) {
  for (const char* text : {R"({"f:b":{},"f:a":{}})", R"({".":{}})", R"({"f:a":{".":{}}})",
                           R"({"f:a":{"f:b":{},".":{}}})", R"({"k:{\"name\": \"x\"}":{}})",
                           R"({"f:a":1})", R"({"x":{}})", R"({"v:1.0":{}})"}) {
    EXPECT_FALSE(IsCanonical(ParseJson(text).value())) << text;
  }
}

}  // namespace
}  // namespace k8s::fakeapiserver
