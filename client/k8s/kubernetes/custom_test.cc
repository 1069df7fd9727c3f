// Kinds of one's own, from their lines in k8s/api/custom.h to what goes over the wire.

#include "k8s/api/custom.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "k8s/base/strings.h"
#include "k8s/http/stub_for_test.h"
#include "k8s/kubernetes/clientset.h"
#include "k8s/machinery/json.h"
#include "k8s/machinery/json_codec.h"
#include "k8s/machinery/random_object.h"
#include "k8s/machinery/yaml.h"
#include "k8s/rest/content.h"

struct CronTabSpec {
  std::string cronSpec{};
  std::string image{};
  std::optional<int32_t> replicas{};
};
struct CronTab {
  k8s::metav1::ObjectMeta metadata{};
  CronTabSpec spec{};
};
K8S_FIELDS(CronTabSpec, cronSpec, image, replicas)
K8S_FIELDS(CronTab, metadata, spec)
K8S_RESOURCE(CronTab, "stable.example.com/v1", "crontabs")

k8s::Result<CronTab> Schedule(const k8s::Clientset& clientset) {
  return clientset.For<CronTab>("default").Create(
      {.metadata = {.name = "nightly"},
       .spec = {.cronSpec = "0 3 * * *", .image = "backup:1", .replicas = 1}});
}

namespace shop {

// Everything that a member may be.
struct Part {
  std::string name{};
  k8s::Box<Part> next{};
};
K8S_FIELDS(Part, name, next)

struct MachineSpec {
  bool on{};
  int32_t small{};
  int64_t large{};
  uint64_t positive{};
  double ratio{};
  std::string template_{};
  k8s::Time since{};
  k8s::MicroTime exactly{};
  k8s::Duration pause{};
  k8s::Quantity memory{};
  k8s::IntOrString port{};
  k8s::RawExtension raw{};
  k8s::Json any{};
  std::optional<bool> maybe{};
  std::optional<double> share{};
  k8s::Box<Part> part{};
  std::vector<std::string> words{};
  std::vector<k8s::Bool> flags{};
  std::vector<Part> parts{};
  std::map<std::string, std::string> labels{};
  std::map<std::string, k8s::Quantity> limits{};
  std::map<std::string, Part> named{};
  k8s::metav1::LabelSelector selector{};
};
K8S_FIELDS(MachineSpec, on, small, large, positive, ratio, template_, since, exactly, pause, memory,
           port, raw, any, maybe, share, part, words, flags, parts, labels, limits, named, selector)

struct MachineStatus {
  std::string phase{};
};
struct Machine {
  k8s::metav1::ObjectMeta metadata{};
  MachineSpec spec{};
  MachineStatus status{};
};
K8S_FIELDS(MachineStatus, phase)
K8S_FIELDS(Machine, metadata, spec, status)
K8S_CLUSTER_RESOURCE(Machine, "shop.example.com/v1alpha1", "machines")

}  // namespace shop

namespace k8s {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

struct Server {
  std::shared_ptr<http::Stub> stub = std::make_shared<http::Stub>();
  rest::Config config{.host = "http://server", .transport = stub, .qps = -1};

  explicit Server(std::string body) {
    stub->Status(200, {{"Content-Type", "application/json"}}, std::move(body));
  }
  Clientset Client() const { return Clientset::NewForConfig(config).value(); }
  std::string Asked() const {
    return Cat(stub->requests.back().method, " ", stub->requests.back().url.Target());
  }
};

constexpr std::string_view kNightly =
    R"({"kind":"CronTab","apiVersion":"stable.example.com/v1","metadata":{"name":"nightly"},)"
    R"("spec":{"cronSpec":"0 3 * * *","image":"backup:1","replicas":1}})";

template <class T>
std::string JsonOf(const T& object) {
  const TypeInfo& type = TypeOf<T>();
  std::string text;
  EncodeJson(type, &object, {std::string(type.api_version()), std::string(type.name)}, text);
  return text;
}

template <class T>
T FromJson(std::string_view text) {
  T object;
  EXPECT_TRUE(DecodeJson(text, TypeOf<T>(), &object)) << text;
  return object;
}

TEST(CustomResource, IsCreatedAsTheHouseSays) {
  const Server server{std::string(kNightly)};
  const auto created = Schedule(server.Client());
  ASSERT_TRUE(created) << created.error();
  EXPECT_EQ(created->spec.replicas, 1);
  EXPECT_EQ(server.Asked(), "POST /apis/stable.example.com/v1/namespaces/default/crontabs");
  EXPECT_EQ(*server.stub->requests.back().body, Cat(kNightly, "\n"));
}

TEST(CustomResource, NeverSpeaksProtobuf) {
  for (const char* configured : {"", "application/vnd.kubernetes.protobuf"}) {
    Server server{std::string(kNightly)};
    server.config.content_type = configured;
    ASSERT_TRUE(Schedule(server.Client()));
    EXPECT_EQ(server.stub->requests.back().headers.Get("Accept"), "application/json");
    EXPECT_EQ(server.stub->requests.back().headers.Get("Content-Type"), "application/json");
  }
}

TEST(CustomResource, IsListed) {
  const Server server{R"({"kind":"CronTabList","apiVersion":"stable.example.com/v1",)"
                      R"("metadata":{"resourceVersion":"7"},"items":[{"spec":{"image":"a"}},{}]})"};
  const auto list = server.Client().For<CronTab>().List({.labelSelector = "a=b"});
  ASSERT_TRUE(list) << list.error();
  EXPECT_THAT(list->items, SizeIs(2));
  EXPECT_EQ(list->items[0].spec.image, "a");
  EXPECT_EQ(list->metadata.resourceVersion, "7");
  EXPECT_EQ(server.Asked(), "GET /apis/stable.example.com/v1/crontabs?labelSelector=a%3Db");
}

TEST(CustomResource, IsWatched) {
  const Server server{Cat(R"({"type":"ADDED","object":)", kNightly, "}\n")};
  auto watch = server.Client().For<CronTab>("default").Watch();
  ASSERT_TRUE(watch) << watch.error();
  std::vector<std::string> names;
  for (const auto& [type, object] : *watch) names.push_back(Cat(type, " ", object.metadata.name));
  EXPECT_THAT(names, ElementsAre("ADDED nightly"));
}

template <class T>
concept CanUpdateStatus = requires(ResourceClient<T> client) {
  client.UpdateStatus(T{});
};

TEST(CustomResource, HasMethodsForItsStatusWhenItHasOne) {
  static_assert(CanUpdateStatus<shop::Machine> && !CanUpdateStatus<CronTab>);
  const Server server{"{}"};
  const shop::Machine machine{.metadata = {.name = "mill"}, .status = {.phase = "Running"}};
  ASSERT_TRUE(server.Client().For<shop::Machine>().UpdateStatus(machine));
  EXPECT_EQ(server.Asked(), "PUT /apis/shop.example.com/v1alpha1/machines/mill/status");
}

TEST(CustomResource, ItsTableIsThatOfAnyKind) {
  const TypeInfo& type = TypeOf<shop::Machine>();
  EXPECT_EQ(type.name, "Machine");
  EXPECT_EQ(type.group_version->group, "shop.example.com");
  EXPECT_EQ(type.group_version->version, "v1alpha1");
  EXPECT_EQ(type.resource->resource, "machines");
  EXPECT_EQ(type.resource->singular, "machine");
  EXPECT_FALSE(type.resource->namespaced);
  ASSERT_THAT(type.resource->subresources, SizeIs(1));
  EXPECT_EQ(type.resource->subresources[0].name, "status");
  EXPECT_EQ(type.list().name, "MachineList");
  EXPECT_EQ(&type.list().list_of(), &type);
  EXPECT_TRUE(TypeOf<CronTab>().resource->namespaced);
  EXPECT_THAT(TypeOf<CronTab>().resource->subresources, SizeIs(0));
  EXPECT_EQ(TypeOf<CronTabSpec>().name, "CronTabSpec");
}

TEST(CustomResource, AMembersUnderscoreIsNotInItsName) {
  EXPECT_NE(TypeOf<shop::MachineSpec>().Find("template"), nullptr);
  EXPECT_EQ(TypeOf<shop::MachineSpec>().Find("template_"), nullptr);
}

TEST(CustomResource, WhatIsZeroIsNotWritten) {
  EXPECT_EQ(JsonOf(shop::Machine{}),
            R"({"kind":"Machine","apiVersion":"shop.example.com/v1alpha1"})");
  EXPECT_EQ(
      JsonOf(shop::Machine{.spec = {.maybe = false, .part = shop::Part{}}}),
      R"({"kind":"Machine","apiVersion":"shop.example.com/v1alpha1","spec":{"maybe":false,"part":{}}})");
}

TEST(CustomResource, EveryMemberSurvivesJson) {
  constexpr std::string_view kWhole =
      R"({"kind":"Machine","apiVersion":"shop.example.com/v1alpha1","metadata":{"name":"mill"},)"
      R"("spec":{"on":true,"small":-1,"large":9007199254740993,"positive":18446744073709551615,)"
      R"("ratio":0.5,"template":"t","since":"2024-01-02T03:04:05Z",)"
      R"("exactly":"2024-01-02T03:04:05.000006Z","pause":"1m30s","memory":"128Mi","port":"http",)"
      R"("raw":{"a":1},"any":[null],"maybe":false,"share":0.25,)"
      R"("part":{"name":"a","next":{"name":"b"}},"words":["x",""],"flags":[true,false],)"
      R"("parts":[{"name":"c"}],"labels":{"k":"v"},"limits":{"cpu":"100m"},)"
      R"("named":{"d":{"name":"d"}},"selector":{"matchLabels":{"app":"web"}}},)"
      R"("status":{"phase":"Running"}})";
  const auto machine = FromJson<shop::Machine>(kWhole);
  EXPECT_EQ(machine.spec.large, 9007199254740993);
  EXPECT_EQ(machine.spec.part->next->name, "b");
  EXPECT_EQ(JsonOf(machine), kWhole);
}

TEST(CustomResource, AnyObjectSurvivesJsonAndATree) {
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE(seed);
    const auto random = SeededRandom(seed);
    shop::Machine machine;
    FillRandom(TypeOf<shop::Machine>(), &machine, *random);
    const std::string text = JsonOf(machine);
    EXPECT_EQ(JsonOf(FromJson<shop::Machine>(text)), text);
    const auto tree = FromJson<Unstructured>(text);
    EXPECT_EQ(tree.GetKind(), "Machine");
    EXPECT_EQ(tree.GetName(), machine.metadata.name);
    EXPECT_EQ(JsonOf(FromJson<shop::Machine>(ToJson(tree.content))), text);
  }
}

TEST(CustomResource, IsReadFromYaml) {
  CronTab nightly;
  TypeMeta meta;
  const auto read = rest::FindCodec(rest::kYaml)
                        ->decode(R"(
apiVersion: stable.example.com/v1
kind: CronTab
metadata:
  name: nightly
spec:
  cronSpec: 0 3 * * *
  image: backup:1
  replicas: 1
)",
                                 TypeOf<CronTab>(), &nightly, &meta);
  ASSERT_TRUE(read) << read.error();
  EXPECT_EQ(meta.kind, "CronTab");
  EXPECT_EQ(JsonOf(nightly), kNightly);
}

TEST(CustomResource, ApplySendsWhatWasSet) {
  const Server server{std::string(kNightly)};
  ASSERT_TRUE(server.Client().For<CronTab>("default").Apply(
      {.metadata = {.name = "nightly"}, .spec = {.image = "backup:2"}}, {.fieldManager = "me"}));
  EXPECT_EQ(server.Asked(),
            "PATCH /apis/stable.example.com/v1/namespaces/default/crontabs/nightly"
            "?fieldManager=me&force=false");
  EXPECT_EQ(*server.stub->requests.back().body,
            R"({"kind":"CronTab","apiVersion":"stable.example.com/v1",)"
            R"("metadata":{"name":"nightly"},"spec":{"image":"backup:2"}})");
}

}  // namespace
}  // namespace k8s
