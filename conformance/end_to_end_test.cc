// The client against the fake server, both whole: every verb through the typed client, in process
// and over sockets, in protobuf and in JSON.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fakeapiserver/server.h"
#include "k8s/api/appsv1.h"
#include "k8s/api/autoscalingv1.h"
#include "k8s/api/corev1.h"
#include "k8s/base/strings.h"
#include "k8s/base/thread.h"
#include "k8s/kubernetes/clientset.h"
#include "k8s/kubernetes/dynamic.h"

namespace k8s {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct Way {
  std::string name;
  bool sockets;
  std::string content_type;
};

class EndToEnd : public testing::TestWithParam<Way> {
 protected:
  void SetUp() override {
    if (GetParam().sockets) {
      const auto address = server_.Listen();
      ASSERT_TRUE(address) << address.error();
      config_.host = *address;
    } else {
      config_.host = "http://server";
      config_.transport = server_.Loopback();
    }
    config_.content_type = GetParam().content_type;
    config_.qps = -1;
  }

  Clientset MakeClientset() { return Clientset::NewForConfig(config_).value(); }

  static appsv1::Deployment Web() {
    appsv1::Deployment web{.metadata = {.name = "web", .labels = {{"app", "web"}}}};
    web.spec.selector = metav1::LabelSelector{.matchLabels = {{"app", "web"}}};
    web.spec.template_.metadata.labels = {{"app", "web"}};
    web.spec.template_.spec.containers = {{.name = "web", .image = "nginx:1"}};
    return web;
  }

  fakeapiserver::Server server_;
  rest::Config config_;
};

INSTANTIATE_TEST_SUITE_P(Ways, EndToEnd,
                         testing::Values(Way{"LoopbackProtobuf", false, ""},
                                         Way{"LoopbackJson", false, "application/json"},
                                         Way{"SocketsProtobuf", true, ""},
                                         Way{"SocketsJson", true, "application/json"}),
                         [](const auto& way) { return way.param.name; });

TEST_P(EndToEnd, AnObjectLivesThroughEveryVerb) {
  const Clientset clientset = MakeClientset();
  const auto deployments = clientset.AppsV1().Deployments("default");

  const auto created = deployments.Create(Web());
  ASSERT_TRUE(created) << created.error();
  EXPECT_FALSE(created->metadata.uid.empty());
  EXPECT_EQ(created->spec.replicas, 1);  // a default of the server
  EXPECT_EQ(created->metadata.generation, 1);

  auto changed = deployments.Get("web").value();
  changed.spec.replicas = 3;
  const auto updated = deployments.Update(changed);
  ASSERT_TRUE(updated) << updated.error();
  EXPECT_EQ(updated->metadata.generation, 2);
  const auto stale = deployments.Update(*created);
  ASSERT_FALSE(stale);
  EXPECT_TRUE(IsConflict(stale.error())) << stale.error();

  changed = *updated;
  changed.status.replicas = 3;
  EXPECT_EQ(deployments.UpdateStatus(changed).value().status.replicas, 3);

  const auto patched =
      deployments.Patch("web", PatchType::kMergePatch, R"({"metadata":{"annotations":{"a":"b"}}})");
  ASSERT_TRUE(patched) << patched.error();
  EXPECT_EQ(patched->metadata.annotations.at("a"), "b");

  auto scale = deployments.GetScale("web").value();
  EXPECT_EQ(scale.spec.replicas, 3);
  scale.spec.replicas = 5;
  EXPECT_EQ(deployments.UpdateScale("web", scale).value().spec.replicas, 5);

  const auto list = deployments.List({.labelSelector = "app=web"}).value();
  ASSERT_EQ(list.items.size(), 1u);
  EXPECT_EQ(list.items[0].spec.replicas, 5);
  EXPECT_TRUE(deployments.List({.labelSelector = "app=other"}).value().items.empty());

  ASSERT_TRUE(deployments.Delete("web"));
  const auto gone = deployments.Get("web");
  ASSERT_FALSE(gone);
  EXPECT_TRUE(IsNotFound(gone.error()));
  EXPECT_EQ(gone.error().message(), "deployments.apps \"web\" not found");
}

TEST_P(EndToEnd, AWatchSeesWhatHappens) {
  const Clientset clientset = MakeClientset();
  const auto maps = clientset.CoreV1().ConfigMaps("default");
  const std::string before = maps.List().value().metadata.resourceVersion;
  ASSERT_TRUE(maps.Create({.metadata = {.name = "a"}, .data = {{"k", "1"}}}));
  auto watch = maps.Watch({.resourceVersion = before});
  ASSERT_TRUE(watch) << watch.error();
  ASSERT_TRUE(maps.Patch("a", PatchType::kMergePatch, R"({"data":{"k":"2"}})"));
  ASSERT_TRUE(maps.Delete("a"));
  std::vector<std::string> seen;
  for (const auto& [type, map] : *watch) {
    seen.push_back(Cat(type, " ", map.metadata.name, " ", map.data.at("k")));
    if (type == rest::kDeleted) watch->Stop();
  }
  EXPECT_THAT(seen, ElementsAre("ADDED a 1", "MODIFIED a 2", "DELETED a 2"));
  ASSERT_TRUE(watch->error());
  EXPECT_EQ(watch->error()->code(), Error::Code::kCanceled);
}

TEST_P(EndToEnd, AWatchIsStoppedFromAnotherThread) {
  const Clientset clientset = MakeClientset();
  auto watch = clientset.CoreV1().Pods("default").Watch().value();
  Thread stopper(RealClock(), "stopper", [&](std::stop_token) { watch.Stop(); });
  for (const auto& event : watch) ADD_FAILURE() << event.type;
  ASSERT_TRUE(watch.error());
  EXPECT_EQ(watch.error()->code(), Error::Code::kCanceled);
}

TEST_P(EndToEnd, ApplySendsOnlyWhatWasSet) {
  const Clientset clientset = MakeClientset();
  const auto maps = clientset.CoreV1().ConfigMaps("default");
  ASSERT_TRUE(
      maps.Apply({.metadata = {.name = "a"}, .data = {{"k", "1"}}}, {.fieldManager = "me"}));
  EXPECT_EQ(maps.Get("a").value().data.at("k"), "1");
}

TEST_P(EndToEnd, PagesJoinToTheWholeList) {
  const Clientset clientset = MakeClientset();
  const auto maps = clientset.CoreV1().ConfigMaps("default");
  for (int i = 0; i < 7; ++i) {
    ASSERT_TRUE(maps.Create({.metadata = {.name = Cat("m", std::to_string(i))}}));
  }
  std::vector<std::string> names;
  std::string next;
  do {
    const auto page = maps.List({.limit = 3, .continue_ = next}).value();
    for (const auto& map : page.items) names.push_back(map.metadata.name);
    next = page.metadata.continue_;
  } while (!next.empty());
  EXPECT_THAT(names, ElementsAre("m0", "m1", "m2", "m3", "m4", "m5", "m6"));
}

TEST_P(EndToEnd, TheDynamicClientNeedsNoType) {
  const auto client = dynamic::Client::NewForConfig(config_).value();
  const auto maps = client.Resource({"", "v1", "configmaps"}).Namespace("default");
  Unstructured object;
  object.SetAPIVersion("v1");
  object.SetKind("ConfigMap");
  object.SetName("free");
  object.content["data"]["k"] = "v";
  const auto created = maps.Create(object);
  ASSERT_TRUE(created) << created.error();
  EXPECT_FALSE(created->GetUID().empty());
  const auto list = maps.List();
  ASSERT_TRUE(list) << list.error();
  ASSERT_EQ(list->items.size(), 1u);
  EXPECT_EQ(list->items[0].GetKind(), "ConfigMap");
  EXPECT_EQ(maps.Get("").error().message(), "name is required");
  EXPECT_TRUE(maps.Delete("free"));
}

TEST_P(EndToEnd, DiscoveryKnowsWhatIsServed) {
  const Clientset clientset = MakeClientset();
  EXPECT_EQ(clientset.Discovery().ServerVersion().value().gitVersion, "v1.37.2");
  const auto all = clientset.Discovery().ServerGroupsAndResources().value();
  EXPECT_TRUE(all.failed.empty());
  EXPECT_EQ(all.groups.front().name, "");
  std::vector<std::string> apps;
  for (const auto& list : all.resources) {
    if (list.groupVersion != "apps/v1") continue;
    for (const auto& resource : list.resources) apps.push_back(resource.name);
  }
  EXPECT_THAT(apps, testing::IsSupersetOf({"deployments", "deployments/scale", "statefulsets"}));
  const auto legacy = clientset.Discovery().ServerResourcesForGroupVersion("apps/v1").value();
  EXPECT_EQ(legacy.resources.size(), apps.size());
}

TEST_P(EndToEnd, ErrorsAreTheServersOwnWords) {
  const Clientset clientset = MakeClientset();
  const auto nowhere = clientset.CoreV1().ConfigMaps("nowhere").Create({.metadata = {.name = "a"}});
  ASSERT_FALSE(nowhere);
  EXPECT_EQ(nowhere.error().message(), "namespaces \"nowhere\" not found");
  const auto empty = clientset.AppsV1().Deployments("default").Get("");
  EXPECT_EQ(empty.error().message(), "resource name may not be empty");
  auto bad = Web();
  bad.spec.template_.metadata.labels = {{"app", "other"}};
  const auto invalid = clientset.AppsV1().Deployments("default").Create(bad);
  ASSERT_FALSE(invalid);
  EXPECT_TRUE(IsInvalid(invalid.error()));
  EXPECT_THAT(invalid.error().message(), HasSubstr("`selector` does not match template `labels`"));
}

}  // namespace
}  // namespace k8s
