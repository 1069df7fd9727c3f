#include "k8s/machinery/json_codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "k8s/api/admissionregistrationv1.h"
#include "k8s/api/apiextensionsv1.h"
#include "k8s/api/appsv1.h"
#include "k8s/api/coordinationv1.h"
#include "k8s/api/corev1.h"
#include "k8s/base/strings.h"
#include "k8s/machinery/json.h"
#include "k8s/machinery/unstructured.h"

namespace k8s {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;

template <class T>
Result<T> Decode(std::string_view text, std::vector<std::string>* strict = nullptr) {
  T object{};
  if (auto read = DecodeJson(text, TypeOf<T>(), &object, nullptr, strict); !read) {
    return read.error();
  }
  return object;
}

template <class T>
std::string Encode(const T& object) {
  std::string out;
  const TypeInfo& type = TypeOf<T>();
  TypeMeta meta;
  if (type.Has(kIsKind)) meta = {std::string(type.api_version()), std::string(type.name)};
  EncodeJson(type, &object, meta, out);
  return out;
}

TEST(JsonCodec, WritesADeploymentOfANameAsGoDoes) {  // C-9.1; the line end is the serializer's
  EXPECT_EQ(Encode(appsv1::Deployment{.metadata = {.name = "x"}}),
            R"({"kind":"Deployment","apiVersion":"apps/v1","metadata":{"name":"x"},)"
            R"("spec":{"selector":null,"template":{"metadata":{},"spec":{"containers":null}},)"
            R"("strategy":{}},"status":{}})");
}

TEST(JsonCodec, MindsTheCaseOfNames) {  // C-9.2
  const auto pod =
      Decode<corev1::Pod>(R"({"kind":"Pod","apiVersion":"v1","Metadata":{"name":"x"}})");
  ASSERT_TRUE(pod) << pod.error();
  EXPECT_EQ(pod->metadata.name, "");
}

TEST(JsonCodec, TakesTheLastOfDuplicateMembers) {  // C-9.3
  std::vector<std::string> strict;
  const auto deployment =
      Decode<appsv1::Deployment>(R"({"spec":{"replicas":1,"replicas":2}})", &strict);
  ASSERT_TRUE(deployment) << deployment.error();
  EXPECT_EQ(deployment->spec.replicas, 2);
  EXPECT_THAT(strict, ElementsAre(R"(duplicate field "spec.replicas")"));
}

TEST(JsonCodec, WantsIntegersToBeIntegers) {  // C-9.4
  for (const char* bad :
       {"1.5", "1.0", "1e3", R"("3")", "2147483648", "-2147483649", "true", "{}"}) {
    const auto deployment = Decode<appsv1::Deployment>(Cat(R"({"spec":{"replicas":)", bad, "}}"));
    ASSERT_FALSE(deployment) << bad;
    EXPECT_THAT(deployment.error().message(), HasSubstr("spec.replicas")) << bad;
  }
  for (const int32_t good : {INT32_MIN, -1, 0, 9, 999'999'999, 1'000'000'000, INT32_MAX}) {
    const auto deployment =
        Decode<appsv1::Deployment>(Cat(R"({"spec":{"replicas": )", std::to_string(good), " }}"));
    EXPECT_EQ(deployment.value().spec.replicas, good);
  }
  EXPECT_FALSE(Decode<appsv1::Deployment>(R"({"spec":{"replicas":007}})"));
}

TEST(JsonCodec, EscapesWhatBrowsersWouldRead) {  // C-9.5
  corev1::ConfigMap map;
  map.metadata.annotations = {{"a", "<a&b>"}, {"b", "\u2028"}, {"c", "é"}, {"d", "\xff"}};
  EXPECT_THAT(Encode(map),
              HasSubstr(R"({"a":"\u003ca\u0026b\u003e","b":"\u2028","c":"é","d":"\ufffd"})"));
}

TEST(JsonCodec, WritesTimesInUtcAndWholeSeconds) {  // C-9.6
  const auto pod =
      Decode<corev1::Pod>(R"({"metadata":{"creationTimestamp":"2024-01-02T05:04:05.9+02:00"}})");
  ASSERT_TRUE(pod) << pod.error();
  EXPECT_THAT(Encode(*pod), HasSubstr(R"("creationTimestamp":"2024-01-02T03:04:05Z")"));
}

TEST(JsonCodec, WantsSixDigitsOfMicroTimes) {  // C-9.7
  const std::string good = R"({"spec":{"renewTime":"2024-01-02T03:04:05.000006Z"}})";
  const auto lease = Decode<coordinationv1::Lease>(good);
  ASSERT_TRUE(lease) << lease.error();
  EXPECT_THAT(Encode(*lease), HasSubstr(good.substr(1, good.size() - 2)));
  EXPECT_FALSE(
      Decode<coordinationv1::Lease>(R"({"spec":{"renewTime":"2024-01-02T03:04:05.006Z"}})"));
}

TEST(JsonCodec, ReadsQuantitiesFromTextAndNumbers) {  // C-9.8
  const auto list = Decode<corev1::ResourceQuota>(
      R"({"spec":{"hard":{"a":"1.5","b":2,"c":0.5," d":" 1Gi ","e":null,"f":1e3}}})");
  ASSERT_TRUE(list) << list.error();
  EXPECT_THAT(Encode(*list),
              HasSubstr(R"({" d":"1Gi","a":"1500m","b":"2","c":"500m","e":"0","f":"1e3"})"));
  const auto bad = Decode<corev1::ResourceQuota>(R"({"spec":{"hard":{"a":"1 Gi"}}})");
  ASSERT_FALSE(bad);
  EXPECT_THAT(bad.error().message(), HasSubstr("quantities must match the regular expression"));
}

TEST(JsonCodec, KeepsTheKindOfAnIntOrString) {  // C-9.10
  for (const char* port : {"8080", R"("http")"}) {
    const std::string text = Cat(R"({"port":80,"targetPort":)", port, "}");
    const auto service = Decode<corev1::ServicePort>(text);
    ASSERT_TRUE(service) << service.error();
    EXPECT_EQ(Encode(*service), text);
  }
  for (const char* bad : {"1.5", "2147483648", "true", "[]"}) {
    EXPECT_FALSE(Decode<corev1::ServicePort>(Cat(R"({"targetPort":)", bad, "}"))) << bad;
  }
}

TEST(JsonCodec, KeepsIntegersOfTreesExactly) {  // C-9.14
  const std::string text = R"({"kind":"Foo","apiVersion":"a/v1","n":9007199254740993,"x":1.5})";
  const auto foo = Decode<Unstructured>(text);
  ASSERT_TRUE(foo) << foo.error();
  std::string again;
  EncodeJson(TypeOf<Unstructured>(), &*foo, {}, again);
  EXPECT_EQ(again, text);
}

TEST(JsonCodec, ReadsBytesAsBase64) {  // C-9.15
  const auto secret = Decode<corev1::Secret>(R"({"data":{"k":"aGk=","empty":"","nil":null}})");
  ASSERT_TRUE(secret) << secret.error();
  EXPECT_EQ(secret->data.at("k"), "hi");
  EXPECT_EQ(secret->data.at("empty"), "");
  EXPECT_EQ(secret->data.at("nil"), "");
  for (const char* bad : {"aGk", "a-k=", "====", "aGk=aGk="}) {
    EXPECT_FALSE(Decode<corev1::Secret>(Cat(R"({"data":{"k":")", bad, R"("}})"))) << bad;
  }
}

TEST(JsonCodec, PassesRawJsonOnAsItCame) {  // C-9.16
  const auto revision =
      Decode<appsv1::ControllerRevision>(R"({"data": { "b":1, "a": [2, null] }})");
  ASSERT_TRUE(revision) << revision.error();
  EXPECT_THAT(Encode(*revision), HasSubstr(R"("data":{"b":1,"a":[2,null]})"));
}

// What was read before is compared first, so each of these follows one that it is nearly.
TEST(JsonCodec, ReadsFieldSetsWhateverCameBefore) {
  const auto read = [](const std::string& first, const std::string& second) -> std::string {
    const auto pod = Decode<corev1::Pod>(Cat(R"({"metadata":{"managedFields":[{"fieldsV1":)", first,
                                             R"(},{"fieldsV1":)", second, "}]}}"));
    if (!pod) return pod.error().message();
    const auto& entries = pod->metadata.managedFields;
    return Cat(entries[0].fieldsV1->raw, " ", entries[1].fieldsV1->raw);
  };
  const std::string set = R"({"f:data":{"f:a":{}}})", other = R"({"f:data":{"f:b":{}}})";
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(read(set, other), Cat(set, " ", other));
    EXPECT_EQ(read(other, set), Cat(other, " ", set));
  }
  EXPECT_EQ(read(R"( {"f:data": {"f:b":{}}})", set), Cat(other, " ", set));
  EXPECT_EQ(read(set, "7"), Cat(set, " 7"));
  EXPECT_EQ(read(set, "71"), Cat(set, " 71"));
  EXPECT_THAT(read(set + "}", other), HasSubstr("at byte"));
  EXPECT_THAT(read(set.substr(0, set.size() - 1), other), HasSubstr("at byte"));
}

TEST(JsonCodec, KeepsFieldSetsThatAreAlikeOnce) {
  const std::string text = R"({"metadata":{"managedFields":[{"fieldsV1":{"f:data":{}}}]}})";
  const auto first = Decode<corev1::Pod>(text), second = Decode<corev1::Pod>(text);
  ASSERT_TRUE(first && second);
  EXPECT_TRUE(first->metadata.managedFields[0].fieldsV1->raw.IsSharedWith(
      second->metadata.managedFields[0].fieldsV1->raw));
}

TEST(JsonCodec, ReadsNullAsAnEmptyList) {  // C-9.19
  for (const char* items : {R"({"items":null})", R"({"items":[]})", "{}"}) {
    const auto list = Decode<corev1::PodList>(items);
    ASSERT_TRUE(list) << list.error();
    EXPECT_TRUE(list->items.empty());
  }
}

TEST(JsonCodec, RefusesWhatFollowsTheDocument) {
  EXPECT_FALSE(Decode<corev1::Pod>("{} {}"));
  EXPECT_FALSE(Decode<corev1::Pod>("{}]"));
  EXPECT_TRUE(Decode<corev1::Pod>(" {} \n"));
}

TEST(JsonCodec, NamesTheFieldThatItCannotRead) {
  const auto pod = Decode<corev1::Pod>(
      R"({"spec":{"containers":[{"name":"a"},{"ports":[{"containerPort":"x"}]}]}})");
  ASSERT_FALSE(pod);
  EXPECT_THAT(pod.error().message(), EndsWith("in spec.containers[1].ports[0].containerPort"));

  const auto map = Decode<corev1::ConfigMap>(R"({"data":{"a":"","\u0062":1}})");
  ASSERT_FALSE(map);
  EXPECT_THAT(map.error().message(), EndsWith("in data.b"));
  const auto name = Decode<corev1::Pod>(R"({"spec":{"containers":[{"name":"a"},{3}]}})");
  ASSERT_FALSE(name);
  EXPECT_THAT(name.error().message(), EndsWith("in spec.containers[1]"));
}

TEST(JsonCodec, ReadsUnionsByTheirForm) {
  const auto read = [](std::string_view text) {
    const auto schema = Decode<apiextensionsv1::JSONSchemaProps>(text);
    return schema ? Encode(*schema) : schema.error().message();
  };
  for (const char* text :
       {R"({"items":{"type":"string"}})", R"({"items":[{"type":"string"},{}]})",
        R"({"additionalItems":false})", R"({"additionalProperties":true})",
        R"({"additionalProperties":{"type":"integer"}})", R"({"default":null})",
        R"({"enum":[1,"a",null]})", R"({"dependencies":{"a":["b"],"c":{"type":"x"}}})"}) {
    EXPECT_EQ(read(text), text);
  }
  EXPECT_THAT(read(R"({"additionalItems":1})"), HasSubstr("additionalItems"));
}

TEST(JsonCodec, ReadsAWatchEventInAnyOrder) {
  for (const char* frame : {R"({"type":"ADDED","object":{"metadata":{"name":"x"}}})",
                            R"({"object":{"metadata":{"name":"x"}},"more":[1],"type":"ADDED"})"}) {
    corev1::Pod pod;
    JsonWatchEvent event;
    const auto read = DecodeJsonWatchEvent(frame, TypeOf<corev1::Pod>(), &pod, event);
    ASSERT_TRUE(read) << read.error();
    EXPECT_EQ(event.type, "ADDED");
    EXPECT_EQ(pod.metadata.name, "x");
    EXPECT_EQ(event.object_text, R"({"metadata":{"name":"x"}})");
  }
}

TEST(JsonCodec, SparseJsonHoldsOnlyWhatIsSet) {
  appsv1::Deployment deployment{.metadata = {.name = "x"}};
  deployment.spec.replicas = 0;
  std::string out;
  EncodeSparseJson(TypeOf<appsv1::Deployment>(), &deployment, {"apps/v1", "Deployment"}, out);
  EXPECT_EQ(out, R"({"kind":"Deployment","apiVersion":"apps/v1","metadata":{"name":"x"},)"
                 R"("spec":{"replicas":0}})");
}

}  // namespace
}  // namespace k8s
