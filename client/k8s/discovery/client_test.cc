#include "k8s/discovery/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "k8s/discovery/server_for_test.h"

namespace k8s::discovery {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Key;
using testing::UnorderedElementsAre;

std::vector<std::string> Versions(const GroupsAndResources& all) {
  std::vector<std::string> versions;
  for (const auto& list : all.resources) versions.push_back(list.groupVersion);
  return versions;
}

std::vector<std::string> Groups(const std::vector<metav1::APIGroup>& groups) {
  std::vector<std::string> names;
  for (const auto& group : groups) names.push_back(group.name);
  return names;
}

// "apps/v1 deployments", without empty lists.
std::vector<std::string> Resources(const GroupsAndResources& all) {
  std::vector<std::string> names;
  for (const auto& list : all.resources) {
    for (const auto& resource : list.resources) {
      names.push_back(Cat(list.groupVersion, " ", resource.name));
    }
  }
  return names;
}

TEST(Discovery, AsksAServerThatAggregatesTwice) {  // C-8.15
  const auto server = AggregatedServer();
  const auto all = ClientOf(server).ServerGroupsAndResources();
  ASSERT_TRUE(all) << all.error();
  EXPECT_THAT(server->paths, ElementsAre("/api", "/apis"));
  EXPECT_EQ(
      server->last.headers.Get("Accept"),
      "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json");
  EXPECT_THAT(Groups(all->groups), ElementsAre("", "apps"));
  EXPECT_THAT(Resources(*all),
              ElementsAre("v1 pods", "apps/v1 deployments", "apps/v1 deployments/scale"));
  EXPECT_EQ(all->resources[1].resources[1].kind, "Scale");
}

TEST(Discovery, AsksALegacyServerForEachGroupVersion) {  // C-8.15
  const auto server = LegacyServer();
  const auto all = ClientOf(server).ServerGroupsAndResources();
  ASSERT_TRUE(all) << all.error();
  EXPECT_THAT(server->paths, ElementsAre("/api", "/apis", "/api/v1", "/apis/apps/v1",
                                         "/apis/apps/v1beta1", "/apis/shop.io/v2"));
  EXPECT_THAT(Groups(all->groups), ElementsAre("", "apps", "shop.io"));
  EXPECT_EQ(all->groups[0].preferredVersion.version, "v1");
}

TEST(Discovery, OneLegacyDocumentMakesAllOfItLegacy) {  // C-8.16
  const auto server = AggregatedServer();
  server->On("/api", R"({"kind":"APIVersions","versions":["v1"]})")
      .On("/api/v1", R"({"groupVersion":"v1","resources":[{"name":"pods","kind":"Pod"}]})")
      .On("/apis/apps/v1", R"({"groupVersion":"apps/v1","resources":[]})");
  const auto all = ClientOf(server).ServerGroupsAndResources();
  ASSERT_TRUE(all) << all.error();
  EXPECT_THAT(server->paths, ElementsAre("/api", "/apis", "/api/v1", "/apis/apps/v1"));
  EXPECT_THAT(Resources(*all), ElementsAre("v1 pods"));
}

TEST(Discovery, UseLegacyDiscoveryAsksForPlainJson) {
  const auto server = LegacyServer();
  ASSERT_TRUE(ClientOf(server).UseLegacyDiscovery().ServerGroups());
  EXPECT_EQ(server->last.headers.Get("Accept"), "application/json");
}

TEST(Discovery, APartialFailureComesWithTheRestAfterASecondRun) {  // C-8.17
  const auto server = LegacyServer();
  server->On("/apis/apps/v1beta1", "", 503);
  const auto all = ClientOf(server).ServerGroupsAndResources();
  ASSERT_TRUE(all) << all.error();
  EXPECT_THAT(Versions(*all), ElementsAre("v1", "apps/v1", "shop.io/v2"));
  EXPECT_THAT(all->failed, ElementsAre(Key("apps/v1beta1")));
  EXPECT_THAT(server->paths,
              ElementsAre("/api", "/apis", "/api/v1", "/apis/apps/v1", "/apis/apps/v1beta1",
                          "/apis/shop.io/v2", "/api", "/apis", "/api/v1", "/apis/apps/v1",
                          "/apis/apps/v1beta1", "/apis/shop.io/v2"));
  const Error error = ErrGroupDiscoveryFailed(all->failed);
  EXPECT_TRUE(IsGroupDiscoveryFailedError(error));
  EXPECT_TRUE(error.message().starts_with(
      "unable to retrieve the complete list of server APIs: apps/v1beta1: "))
      << error;
}

TEST(Discovery, TheErrorOfAPartialFailureIsSorted) {
  EXPECT_EQ(ErrGroupDiscoveryFailed({{"b/v1", Invalid("two")}, {"a/v1", Invalid("one")}}).message(),
            "unable to retrieve the complete list of server APIs: a/v1: one, b/v1: two");
}

TEST(Discovery, TheCoreGroupMayBeMissing) {  // C-8.18
  const auto server = AggregatedServer();
  server->On("/api", "", 404);
  const auto all = ClientOf(server).ServerGroupsAndResources();
  ASSERT_TRUE(all) << all.error();
  EXPECT_THAT(Groups(all->groups), ElementsAre("apps"));
  EXPECT_THAT(server->paths, ElementsAre("/api", "/apis"));
}

TEST(Discovery, TheNamedGroupsMayNotBeMissing) {  // C-8.18
  const auto server = AggregatedServer();
  server->On("/apis", "", 404);
  const auto all = ClientOf(server).ServerGroupsAndResources();
  ASSERT_FALSE(all);
  EXPECT_TRUE(IsNotFound(all.error())) << all.error();
}

TEST(Discovery, AnErrorOfTheCoreGroupEndsTheCall) {
  const auto server = AggregatedServer();
  server->On("/api", "", 403);
  ASSERT_FALSE(ClientOf(server).ServerGroups());
  EXPECT_THAT(server->paths, ElementsAre("/api"));
}

TEST(Discovery, AStaleGroupVersionHasFailed) {  // C-8.19
  const auto all = ClientOf(AggregatedServer("Stale")).ServerGroupsAndResources();
  ASSERT_TRUE(all) << all.error();
  EXPECT_THAT(Resources(*all), ElementsAre("v1 pods"));
  EXPECT_THAT(Groups(all->groups), ElementsAre("", "apps"));
  ASSERT_THAT(all->failed, ElementsAre(Key("apps/v1")));
  EXPECT_EQ(all->failed.begin()->second.message(), "stale GroupVersion discovery: apps/v1");
}

TEST(Discovery, ResourcesOfAGroupVersion) {
  const auto server = LegacyServer();
  const Client client = ClientOf(server);
  EXPECT_EQ(client.ServerResourcesForGroupVersion("").error().message(),
            "groupVersion shouldn't be empty");
  EXPECT_EQ(client.ServerResourcesForGroupVersion("apps/v1")->resources[0].kind, "Deployment");
  server->On("/api/v1", "", 404);
  EXPECT_THAT(client.ServerResourcesForGroupVersion("v1")->resources, IsEmpty());
  EXPECT_TRUE(IsNotFound(client.ServerResourcesForGroupVersion("apps/v3").error()));
}

TEST(Discovery, PrefersTheGroupsVersionAndElseTheFirstThatHasTheResource) {
  const auto preferred = ClientOf(LegacyServer()).ServerPreferredResources();
  ASSERT_TRUE(preferred) << preferred.error();
  EXPECT_THAT(Resources(*preferred),
              ElementsAre("v1 pods", "v1 nodes", "apps/v1 deployments", "apps/v1beta1 olds",
                          "shop.io/v2 pots", "shop.io/v2 pods"));
  const auto namespaced = ClientOf(LegacyServer()).ServerPreferredNamespacedResources();
  EXPECT_THAT(Resources(*namespaced),
              ElementsAre("v1 pods", "apps/v1 deployments", "apps/v1beta1 olds", "shop.io/v2 pots",
                          "shop.io/v2 pods"));
}

TEST(Discovery, ServerVersionMustBeJson) {
  const auto server = std::make_shared<TestServer>();
  server->On("/version", R"({"major":"1","gitVersion":"v1.37.0"})");
  EXPECT_EQ(ClientOf(server).ServerVersion()->gitVersion, "v1.37.0");
  server->On("/version", "<html>");
  EXPECT_TRUE(ClientOf(server).ServerVersion().error().message().starts_with(
      "unable to parse the server version: "));
}

TEST(Discovery, OpenAPIDocumentsAreAskedForInTheirForms) {
  const auto server = std::make_shared<TestServer>();
  server->On("/openapi/v2", "bytes")
      .On("/openapi/v3",
          R"({"paths":{"api/v1":{"serverRelativeURL":"/openapi/v3/api/v1?hash=A"}}})");
  EXPECT_EQ(ClientOf(server).OpenAPISchema().value(), "bytes");
  EXPECT_EQ(server->last.headers.Get("Accept"),
            "application/com.github.proto-openapi.spec.v2@v1.0+protobuf");
  EXPECT_THAT(ClientOf(server).OpenAPIV3Paths().value(),
              UnorderedElementsAre(testing::Pair("api/v1", "/openapi/v3/api/v1?hash=A")));
}

TEST(Discovery, HelpersAnswerYesAndNo) {
  const auto server = LegacyServer();
  const Client client = ClientOf(server);
  EXPECT_TRUE(IsResourceEnabled(client, {"apps", "v1", "deployments"}).value());
  EXPECT_FALSE(IsResourceEnabled(client, {"apps", "v1", "daemonsets"}).value());
  EXPECT_FALSE(IsResourceEnabled(client, {"apps", "v3", "deployments"}).value());
  EXPECT_TRUE(ServerSupportsVersion(client, "shop.io/v2"));
  EXPECT_EQ(ServerSupportsVersion(client, "shop.io/v3").error().message(),
            "server does not support API version \"shop.io/v3\"");
  const auto all = client.ServerGroupsAndResources();
  EXPECT_THAT(Resources({.resources = SupportsAllVerbs(all->resources, {"get", "list"})}),
              ElementsAre("v1 pods"));
}

}  // namespace
}  // namespace k8s::discovery
