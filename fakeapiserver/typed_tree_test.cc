#include "fakeapiserver/typed_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "k8s/api/appsv1.h"
#include "k8s/api/coordinationv1.h"
#include "k8s/api/corev1.h"
#include "k8s/machinery/json.h"

namespace k8s::fakeapiserver {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// The document as its type has it, or the error's text.
template <class T>
std::string Normal(std::string_view document) {
  const auto normal = Normalise(ParseJson(document).value(), TypeOf<T>());
  return normal ? ToJson(*normal) : normal.error().message();
}

template <class T>
std::vector<std::string> Unknown(std::string_view document) {
  std::vector<std::string> unknown;
  EXPECT_TRUE(Normalise(ParseJson(document).value(), TypeOf<T>(), &unknown));
  return unknown;
}

TEST(TypedTree, MembersTakeTheOrderOfTheStructAndMapsThatOfTheirKeys) {
  EXPECT_EQ(Normal<corev1::ConfigMap>(
                R"({"data":{"b":"2","a":"1"},"metadata":{"namespace":"n","name":"m"},)"
                R"("apiVersion":"v1","immutable":false,"kind":"ConfigMap"})"),
            R"({"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"m","namespace":"n"},)"
            R"("immutable":false,"data":{"a":"1","b":"2"}})");
}

TEST(TypedTree, ZeroValuesVanishUnlessTheTypeAlwaysShowsThem) {
  EXPECT_EQ(Normal<corev1::Container>(
                R"({"name":"","image":"","tty":false,"args":[],"env":null,"livenessProbe":null})"),
            R"({"name":"","resources":{}})");
  EXPECT_EQ(Normal<corev1::ContainerStateTerminated>("{}"),
            R"({"exitCode":0,"startedAt":null,"finishedAt":null})");
}

TEST(TypedTree, OptionalZerosAreValues) {
  EXPECT_EQ(Normal<coordinationv1::LeaseSpec>(R"({"leaseTransitions":0,"holderIdentity":""})"),
            R"({"holderIdentity":"","leaseTransitions":0})");
}

TEST(TypedTree, UnknownMembersGoAndAreNamedWithTheirIndices) {
  constexpr std::string_view kPod =
      R"({"kind":"Pod","spec":{"containers":[{"name":"a"},{"name":"b","imagee":"x"}],"y":1},"z":2})";
  EXPECT_EQ(Normal<corev1::Pod>(kPod),
            R"({"kind":"Pod","metadata":{},"spec":{"containers":[{"name":"a","resources":{}},)"
            R"({"name":"b","resources":{}}]},"status":{}})");
  EXPECT_THAT(Unknown<corev1::Pod>(kPod), ElementsAre("spec.containers[1].imagee", "spec.y", "z"));
}

TEST(TypedTree, KeysOfMapsAreNoUnknownMembers) {
  EXPECT_THAT(Unknown<corev1::ConfigMap>(R"({"data":{"x":"1"}})"), IsEmpty());
}

TEST(TypedTree, ScalarsBecomeCanonical) {  // S-10.14
  EXPECT_EQ(Normal<corev1::ResourceRequirements>(
                R"({"limits":{"cpu":"0.5","memory":"1024Mi","b":1,"c":"1000m","e":"12E6"}})"),
            R"({"limits":{"b":"1","c":"1","cpu":"500m","e":"12E6","memory":"1Gi"}})");
  EXPECT_EQ(Normal<metav1::ObjectMeta>(R"({"creationTimestamp":"2026-01-02T03:04:05+02:00"})"),
            R"({"creationTimestamp":"2026-01-02T01:04:05Z"})");
  EXPECT_EQ(
      Normal<coordinationv1::LeaseSpec>(R"({"renewTime":"2026-01-02T05:04:05.123456+02:00"})"),
      R"({"renewTime":"2026-01-02T03:04:05.123456Z"})");
  EXPECT_EQ(Normal<corev1::Secret>(R"({"data":{"a":"aGk=","b":null,"c":""}})"),
            R"({"metadata":{},"data":{"a":"aGk=","b":null,"c":""}})");
}

TEST(TypedTree, NullsInListsAndMapsAreZeros) {
  EXPECT_EQ(Normal<corev1::PodSpec>(R"({"containers":[null]})"),
            R"({"containers":[{"name":"","resources":{}}]})");
  EXPECT_EQ(Normal<corev1::ConfigMap>(R"({"data":{"a":null}})"),
            R"({"metadata":{},"data":{"a":""}})");
}

TEST(TypedTree, WrongTypesAreRefusedInGosWords) {
  EXPECT_EQ(Normal<appsv1::Deployment>(R"({"spec":{"replicas":"x"}})"),
            "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of "
            "type int32");
  EXPECT_EQ(Normal<appsv1::Deployment>(R"({"spec":{"replicas":1.5}})"),
            "json: cannot unmarshal number 1.5 into Go struct field DeploymentSpec.spec.replicas "
            "of type int32");
  EXPECT_EQ(Normal<appsv1::Deployment>(R"({"spec":{"replicas":3000000000}})"),
            "json: cannot unmarshal number 3000000000 into Go struct field "
            "DeploymentSpec.spec.replicas of type int32");
  EXPECT_EQ(Normal<corev1::Pod>(R"({"spec":{"containers":"x"}})"),
            "json: cannot unmarshal string into Go struct field PodSpec.spec.containers of type "
            "[]v1.Container");
  EXPECT_EQ(Normal<corev1::Pod>(R"({"spec":{"containers":[{"image":true}]}})"),
            "json: cannot unmarshal bool into Go struct field Container.spec.containers.image of "
            "type string");
  EXPECT_EQ(Normal<corev1::ConfigMap>(R"({"data":[]})"),
            "json: cannot unmarshal array into Go struct field ConfigMap.data of type "
            "map[string]string");
}

TEST(TypedTree, ScalarsOfTheirOwnAreRefusedByTheirParsers) {
  EXPECT_EQ(Normal<corev1::Secret>(R"({"data":{"a":"a*b"}})"),
            "illegal base64 data at input byte 1");
  EXPECT_EQ(Normal<corev1::ContainerPort>(R"({"containerPort":true})"),
            "json: cannot unmarshal bool into Go struct field ContainerPort.containerPort of type "
            "int32");
  EXPECT_EQ(Normal<corev1::HTTPGetAction>(R"({"port":1.5})"),
            "json: cannot unmarshal number 1.5 into Go value of type int32");
}

TEST(TypedTree, TheConverterOfTreesHasWordsOfItsOwn) {
  const auto converted = [](std::string_view spec) {
    const auto normal =
        Normalise(ParseJson(spec).value(), TypeOf<corev1::PodSpec>(), nullptr, Decoder::kConverter);
    return normal ? ToJson(*normal) : normal.error().message();
  };
  EXPECT_EQ(converted(R"({"priority":"x"})"), "unrecognized type: int32");
  EXPECT_EQ(converted(R"({"priority":1.5})"), "cannot convert float64 to int32");
  EXPECT_EQ(converted(R"({"priority":2.0})"), R"({"containers":null,"priority":2})");
  EXPECT_EQ(converted(R"({"hostname":5})"), "cannot convert int64 to string");
  EXPECT_EQ(converted(R"({"hostname":true})"), "unrecognized type: string");
  EXPECT_EQ(converted(R"({"hostNetwork":1})"), "unrecognized type: bool");
  EXPECT_EQ(converted(R"({"containers":"x"})"), "cannot restore slice from string");
  EXPECT_EQ(converted(R"({"nodeSelector":[]})"), "cannot restore map from slice");
  EXPECT_EQ(converted(R"({"affinity":"x"})"), "cannot restore struct from: string");
}

TEST(TypedTree, IsItsOwnNormalForm) {
  const std::string once = Normal<corev1::Pod>(
      R"({"spec":{"containers":[{"name":"a","resources":{"limits":{"cpu":"1000m"}}}]}})");
  EXPECT_EQ(Normal<corev1::Pod>(once), once);
}

TEST(TypedTree, AMemberThatIsSetInOrderLeavesANormalTreeNormal) {
  const TypeInfo& type = TypeOf<metav1::ObjectMeta>();
  for (std::string_view before :
       {R"({})", R"({"name":"a","labels":{"b":"c"}})", R"({"labels":{"b":"c"}})",
        R"({"name":"a","resourceVersion":"1","labels":{"b":"c"}})", R"({"name":"a"})"}) {
    Value metadata = ParseJson(before).value();
    SetInOrder(metadata, type, "resourceVersion", "7");
    EXPECT_EQ(metadata.StringAt({"resourceVersion"}), "7");
    EXPECT_EQ(ToJson(metadata), Normal<metav1::ObjectMeta>(ToJson(metadata)));
  }
  Value map = ParseJson(R"({"kind":"ConfigMap","apiVersion":"v1","metadata":{}})").value();
  SetInOrder(map, TypeOf<corev1::ConfigMap>(), "immutable", true);
  EXPECT_EQ(ToJson(map),
            R"({"kind":"ConfigMap","apiVersion":"v1","metadata":{},"immutable":true})");
}

TEST(TypedTree, WalksOuterMessagesFirstAndTheMembersThatTheVisitAdds) {
  Value pod = ParseJson(R"({"spec":{"containers":[{"name":"a"},{"name":"b"}]}})").value();
  std::vector<std::string> visited;
  WalkMessages(pod, TypeOf<corev1::Pod>(), [&](Value& message, const TypeInfo& type) {
    visited.emplace_back(type.name);
    if (type.name == "Container") message.Set("resources", Value::MakeObject());
  });
  EXPECT_THAT(visited, ElementsAre("Pod", "PodSpec", "Container", "ResourceRequirements",
                                   "Container", "ResourceRequirements"));
}

}  // namespace
}  // namespace k8s::fakeapiserver
