#include "k8s/kubernetes/scale.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "k8s/base/strings.h"
#include "k8s/discovery/server_for_test.h"

namespace k8s::scale {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kPath = "/apis/apps/v1/namespaces/n/deployments/d/scale";

struct Rig {
  std::shared_ptr<discovery::TestServer> server = discovery::AggregatedServer();
  std::shared_ptr<discovery::CachedInterface> cache = discovery::NewMemCacheClient(
      std::make_shared<const discovery::Client>(discovery::ClientOf(server)));
  ScaleInterface scales =
      Client::NewForConfig({.host = "http://server", .transport = server, .qps = -1},
                           discovery::NewDeferredDiscoveryRESTMapper(cache), cache)
          ->Scales("n");
};

TEST(ScaleClient, DiscoversOnceAndThenAsksForTheScale) {  // C-8.24
  Rig rig;
  rig.server->On(kPath, R"({"kind":"Scale","apiVersion":"autoscaling/v1","spec":{"replicas":3}})");
  const auto scale = rig.scales.Get({"apps", "deployments"}, "d");
  ASSERT_TRUE(scale) << scale.error();
  EXPECT_EQ(scale->spec.replicas, 3);
  EXPECT_THAT(rig.server->TakePaths(), ElementsAre("/api", "/apis", kPath));
  ASSERT_TRUE(rig.scales.Get({"apps", "deployments"}, "d"));
  EXPECT_THAT(rig.server->TakePaths(), ElementsAre(kPath));
}

TEST(ScaleClient, OldScalesAreConverted) {
  for (const char* version : {"extensions/v1beta1", "apps/v1beta1", "apps/v1beta2"}) {
    for (const char* selector :
         {R"("selector":{"a":"b","c":"d"})", R"("targetSelector":"a=b,c=d")"}) {
      Rig rig;
      rig.server->On(kPath, Cat(R"({"kind":"Scale","apiVersion":")", version,
                                R"(","metadata":{"name":"d"},"spec":{"replicas":3},)",
                                R"("status":{"replicas":2,)", selector, "}}"));
      const auto scale = rig.scales.Get({"apps", "deployments"}, "d");
      ASSERT_TRUE(scale) << scale.error();
      EXPECT_EQ(scale->metadata.name, "d");
      EXPECT_EQ(scale->spec.replicas, 3);
      EXPECT_EQ(scale->status.replicas, 2);
      EXPECT_EQ(scale->status.selector, "a=b,c=d");
    }
  }
}

// A server of old whose deployments have that scale.
void ScaledAs(Rig& rig, std::string_view group, std::string_view version) {
  rig.server->On("/api", R"({"versions":[]})")
      .On("/apis", R"({"groups":[{"name":"apps","versions":[{"groupVersion":"apps/v1",)"
                   R"("version":"v1"}],"preferredVersion":{"groupVersion":"apps/v1",)"
                   R"("version":"v1"}}]})")
      .On("/apis/apps/v1",
          Cat(R"({"groupVersion":"apps/v1","resources":[{"name":"deployments","kind":"Deployment"},)",
              R"({"name":"deployments/scale","kind":"Scale","group":")", group, R"(","version":")",
              version, R"("}]})"))
      .On(kPath, R"({"kind":"Scale","apiVersion":"autoscaling/v1"})");
}

TEST(ScaleClient, UpdatesTheScaleThatTheResourceHas) {
  const autoscalingv1::Scale scale{
      .metadata = {.name = "d"}, .spec = {.replicas = 4}, .status = {.selector = "a=b"}};
  for (const auto& [group, version] :
       {std::pair("autoscaling", "v1"), std::pair("extensions", "v1beta1"),
        std::pair("apps", "v1beta1"), std::pair("apps", "v1beta2")}) {
    Rig rig;
    ScaledAs(rig, group, version);
    const auto updated = rig.scales.Update({"apps", "deployments"}, scale);
    ASSERT_TRUE(updated) << updated.error();
    EXPECT_EQ(rig.server->last.method, "PUT");
    const std::string& body = *rig.server->last.body;
    EXPECT_THAT(body, HasSubstr(Cat(R"("apiVersion":")", group, "/", version, "\"")));
    EXPECT_THAT(body, HasSubstr(R"("spec":{"replicas":4})"));
    EXPECT_THAT(body, HasSubstr(std::string_view(version) == "v1" ? R"("selector":"a=b")"
                                                                  : R"("selector":{"a":"b"})"));
  }
}

TEST(ScaleClient, SaysWhichResourceHasNoScale) {
  Rig rig;
  const auto updated = rig.scales.Update({"", "pods"}, {.metadata = {.name = "p"}});
  ASSERT_FALSE(updated);
  EXPECT_EQ(
      updated.error().message(),
      "could not find proper group-version for scale subresource of /v1, Resource=pods: could "
      "not find scale subresource for /v1, Resource=pods in discovery information");
}

TEST(ScaleClient, PatchesTheVersionThatItIsTold) {
  Rig rig;
  rig.server->On(kPath, R"({"kind":"Scale","apiVersion":"autoscaling/v1","spec":{"replicas":5}})");
  const auto patched = rig.scales.Patch({"apps", "v1", "deployments"}, "d",
                                        kubernetes::PatchType::kMergePatch, "{}");
  ASSERT_TRUE(patched) << patched.error();
  EXPECT_EQ(patched->spec.replicas, 5);
  EXPECT_THAT(rig.server->paths, ElementsAre(kPath));
  EXPECT_EQ(rig.server->last.method, "PATCH");
}

}  // namespace
}  // namespace k8s::scale
