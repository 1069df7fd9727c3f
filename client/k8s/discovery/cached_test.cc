#include "k8s/discovery/cached.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "k8s/discovery/server_for_test.h"

namespace k8s::discovery {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

std::shared_ptr<CachedInterface> CacheOf(const std::shared_ptr<TestServer>& server) {
  return NewMemCacheClient(std::make_shared<const Client>(ClientOf(server)));
}

TEST(MemCacheClient, AsksOnceUntilItIsInvalidated) {  // C-8.20
  const auto server = AggregatedServer();
  const auto cache = CacheOf(server);
  EXPECT_THAT(server->TakePaths(), IsEmpty());
  EXPECT_FALSE(cache->Fresh());
  EXPECT_THAT(cache->ServerGroups()->groups, SizeIs(2));
  EXPECT_TRUE(cache->Fresh());
  EXPECT_THAT(server->TakePaths(), ElementsAre("/api", "/apis"));
  EXPECT_TRUE(cache->ServerGroups());
  EXPECT_THAT(cache->ServerGroupsAndResources()->resources, SizeIs(2));
  EXPECT_EQ(cache->ServerResourcesForGroupVersion("apps/v1")->resources[0].name, "deployments");
  EXPECT_THAT(server->TakePaths(), IsEmpty());
  cache->Invalidate();
  EXPECT_FALSE(cache->Fresh());
  EXPECT_TRUE(cache->ServerGroups());
  EXPECT_THAT(server->TakePaths(), ElementsAre("/api", "/apis"));
}

TEST(MemCacheClient, AGroupVersionThatTheServerHasNotIsNotAskedFor) {  // C-8.20
  const auto server = AggregatedServer();
  const auto cache = CacheOf(server);
  ASSERT_TRUE(cache->ServerGroups());
  server->TakePaths();
  EXPECT_EQ(cache->ServerResourcesForGroupVersion("apps/v7").error().message(), "not found");
  EXPECT_THAT(server->TakePaths(), IsEmpty());
}

TEST(MemCacheClient, AnEntryThatFailedForAWhileIsFetchedAgain) {
  const auto server = LegacyServer();
  server->On("/apis/apps/v1", "", 503).On("/apis/shop.io/v2", "", 403);
  const auto cache = CacheOf(server);
  ASSERT_TRUE(cache->ServerGroups());
  server->On("/apis/apps/v1", R"({"resources":[{"name":"deployments"}]})");
  server->TakePaths();
  EXPECT_THAT(cache->ServerResourcesForGroupVersion("apps/v1")->resources, SizeIs(1));
  EXPECT_THAT(server->TakePaths(), ElementsAre("/apis/apps/v1"));
  // The server's no is an answer.
  EXPECT_TRUE(IsForbidden(cache->ServerResourcesForGroupVersion("shop.io/v2").error()));
  EXPECT_THAT(server->TakePaths(), IsEmpty());
}

TEST(MemCacheClient, AnEmptyListIsAnError) {
  const auto server = LegacyServer();
  server->On("/apis/apps/v1", R"({"resources":[]})");
  EXPECT_EQ(CacheOf(server)->ServerResourcesForGroupVersion("apps/v1").error().message(),
            "received empty response for: apps/v1");
}

TEST(MemCacheClient, AnErrorOfTheGroupsIsNotRemembered) {
  const auto server = AggregatedServer();
  server->On("/apis", "", 500);
  const auto cache = CacheOf(server);
  EXPECT_FALSE(cache->ServerGroups());
  EXPECT_FALSE(cache->Fresh());
  server->OnAggregated("/apis", R"({"items":[]})");
  EXPECT_TRUE(cache->ServerGroups());
}

}  // namespace
}  // namespace k8s::discovery
