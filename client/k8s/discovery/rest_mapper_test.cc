#include "k8s/discovery/rest_mapper.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "k8s/discovery/server_for_test.h"

namespace k8s::discovery {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::string Text(const GroupVersionResource& resource) {
  return Cat(resource.group, "/", resource.version, "/", resource.resource);
}
std::string Text(const GroupVersionKind& kind) {
  return Cat(kind.group, "/", kind.version, "/", kind.kind);
}
template <class T>
std::string Text(const Result<T>& result) {
  return result ? Text(*result) : result.error().message();
}
template <class T>
std::vector<std::string> Texts(const Result<std::vector<T>>& all) {
  if (!all) return {all.error().message()};
  std::vector<std::string> texts;
  for (const T& one : *all) texts.push_back(Text(one));
  return texts;
}

std::shared_ptr<const RESTMapper> Mapper() {
  return NewDiscoveryRESTMapper(ClientOf(LegacyServer()).ServerGroupsAndResources().value());
}

TEST(RESTMapper, FindsResourcesByPluralAndSingular) {
  for (const char* name : {"deployments", "deployment", "Deployments"}) {
    EXPECT_EQ(Text(Mapper()->ResourceFor({"", "", name})), "apps/v1/deployments");
    EXPECT_EQ(Text(Mapper()->KindFor({"", "", name})), "apps/v1/Deployment");
  }
}

TEST(RESTMapper, TheCoreGroupComesFirstThenThePreferredVersion) {
  EXPECT_EQ(Text(Mapper()->ResourceFor({"", "", "pods"})), "/v1/pods");
  EXPECT_THAT(Texts(Mapper()->ResourcesFor({"", "", "pods"})),
              ElementsAre("/v1/pods", "shop.io/v2/pods"));
  EXPECT_THAT(Texts(Mapper()->KindsFor({"apps", "", "deployments"})),
              ElementsAre("apps/v1/Deployment", "apps/v1beta1/Deployment"));
  EXPECT_EQ(Text(Mapper()->ResourceFor({"apps", "", "olds"})), "apps/v1beta1/olds");
}

TEST(RESTMapper, TheBeginningOfAGroupWillDo) {
  EXPECT_EQ(Text(Mapper()->ResourceFor({"shop", "", "pods"})), "shop.io/v2/pods");
  EXPECT_EQ(Text(Mapper()->ResourceFor({"shop", "v2", "pods"})),
            "no matches for shop/v2, Resource=pods");
}

TEST(RESTMapper, AVersionAloneNarrowsToo) {
  EXPECT_EQ(Text(Mapper()->ResourceFor({"", "v1beta1", "deployments"})),
            "apps/v1beta1/deployments");
}

TEST(RESTMapper, SubresourcesHaveNoMapping) {
  EXPECT_TRUE(IsNoMatchError(Mapper()->ResourceFor({"", "", "pods/log"}).error()));
}

TEST(RESTMapper, MapsAKindToItsResourceAndScope) {
  const auto pod = Mapper()->RESTMappingFor({"", "Pod"});
  ASSERT_TRUE(pod) << pod.error();
  EXPECT_EQ(Text(pod->resource), "/v1/pods");
  EXPECT_TRUE(pod->namespaced);
  EXPECT_FALSE(Mapper()->RESTMappingFor({"", "Node"})->namespaced);
  EXPECT_EQ(Text(Mapper()->RESTMappingFor({"apps", "Deployment"})->kind), "apps/v1/Deployment");
  EXPECT_EQ(Text(Mapper()->RESTMappingFor({"apps", "Deployment"}, {"v1beta1"})->kind),
            "apps/v1beta1/Deployment");
  EXPECT_EQ(Text(Mapper()->RESTMappingFor({"apps", "Deployment"}, {"v7", "v1beta1", "v1"})->kind),
            "apps/v1beta1/Deployment");
  EXPECT_EQ(Text(Mapper()->RESTMappingFor({"apps", "DeploymentList"})->resource),
            "apps/v1/deploymentlists");
}

TEST(RESTMapper, SaysWhatItDidNotFind) {
  const auto said = [](const std::vector<std::string>& versions) {
    const auto mapping = Mapper()->RESTMappingFor({"apps", "Nix"}, versions);
    EXPECT_TRUE(IsNoMatchError(mapping.error()));
    return mapping.error().message();
  };
  EXPECT_EQ(said({}), "no matches for kind \"Nix\" in group \"apps\"");
  EXPECT_EQ(said({"v1"}), "no matches for kind \"Nix\" in version \"apps/v1\"");
  EXPECT_EQ(said({"v2", "v1"}),
            "no matches for kind \"Nix\" in versions [\"apps/v1\" \"apps/v2\"]");
  EXPECT_EQ(Text(Mapper()->KindFor({"apps", "v1", "nixes"})),
            "no matches for apps/v1, Resource=nixes");
}

TEST(RESTMapper, WithoutPrioritySeveralMatchesAreAmbiguous) {
  // Groups that discovery names twice, which leaves no priority between two of their resources.
  GroupsAndResources served;
  metav1::APIGroup group{.name = "g"};
  group.versions = {{"g/v1", "v1"}};
  group.preferredVersion = group.versions[0];
  served.groups = {group};
  metav1::APIResource one{.name = "ones", .singularName = "same", .kind = "One"};
  metav1::APIResource two{.name = "twos", .singularName = "same", .kind = "Two"};
  served.resources = {{.groupVersion = "g/v1", .resources = {one, two}}};
  const auto mapper = NewDiscoveryRESTMapper(served);
  EXPECT_EQ(
      Text(mapper->ResourceFor({"", "", "same"})),
      "/, Resource=same matches multiple resources [g/v1, Resource=ones g/v1, Resource=twos]");
  EXPECT_EQ(Text(mapper->KindFor({"", "", "same"})),
            "/, Resource=same matches multiple kinds [g/v1, Kind=One g/v1, Kind=Two]");
}

TEST(RESTMapper, GuessesPlurals) {
  for (const auto& [kind, plural] :
       {std::pair("Pod", "pods"), std::pair("Endpoints", "endpoints"),
        std::pair("Ingress", "ingresses"), std::pair("NetworkPolicy", "networkpolicies")}) {
    EXPECT_EQ(UnsafeGuessKindToResource(kind).plural, plural);
  }
}

// A cache on a disk that another program filled is not fresh until it is invalidated.
class OldCache final : public CachedInterface {
 public:
  explicit OldCache(std::shared_ptr<TestServer> server)
      : cache_(NewMemCacheClient(std::make_shared<const Client>(ClientOf(server)))) {}
  Result<ServedGroups> GroupsAndMaybeResources(const Context& ctx) const override {
    return cache_->GroupsAndMaybeResources(ctx);
  }
  Result<metav1::APIResourceList> ServerResourcesForGroupVersion(
      std::string_view group_version, const Context& ctx) const override {
    return cache_->ServerResourcesForGroupVersion(group_version, ctx);
  }
  bool Fresh() const override { return invalidated > 0; }
  void Invalidate() override {
    ++invalidated;
    cache_->Invalidate();
  }
  int invalidated = 0;

 private:
  std::shared_ptr<CachedInterface> cache_;
};

TEST(DeferredDiscoveryRESTMapper, AMissAsksOnceMoreWhatMayBeOld) {  // C-8.25
  const auto server = AggregatedServer();
  const auto cache = std::make_shared<OldCache>(server);
  const auto mapper = NewDeferredDiscoveryRESTMapper(cache);
  EXPECT_THAT(server->TakePaths(), IsEmpty());
  EXPECT_TRUE(mapper->RESTMappingFor({"apps", "Deployment"}));
  EXPECT_THAT(server->TakePaths(), ElementsAre("/api", "/apis"));
  const auto missed = mapper->RESTMappingFor({"apps", "Nix"});
  EXPECT_EQ(missed.error().message(), "no matches for kind \"Nix\" in group \"apps\"");
  EXPECT_THAT(server->TakePaths(), ElementsAre("/api", "/apis"));
  EXPECT_EQ(cache->invalidated, 1);
  EXPECT_FALSE(mapper->RESTMappingFor({"apps", "Nix"}));
  EXPECT_THAT(server->TakePaths(), IsEmpty());
}

TEST(DeferredDiscoveryRESTMapper, FindsWhatCameLater) {
  const auto server = AggregatedServer("Stale");
  const auto mapper = NewDeferredDiscoveryRESTMapper(std::make_shared<OldCache>(server));
  EXPECT_TRUE(mapper->KindFor({"", "", "pods"}));
  server->OnAggregated("/apis",
                       R"({"items":[{"metadata":{"name":"shop.io"},"versions":[{"version":)"
                       R"("v1","resources":[{"resource":"pots","responseKind":)"
                       R"({"kind":"Pot"}}]}]}]})");
  EXPECT_EQ(Text(mapper->KindFor({"", "", "pots"})), "shop.io/v1/Pot");
}

TEST(DeferredDiscoveryRESTMapper, ResetAsksAgain) {
  const auto server = AggregatedServer();
  const auto mapper = NewDeferredDiscoveryRESTMapper(std::make_shared<OldCache>(server));
  EXPECT_TRUE(mapper->KindFor({"", "", "pods"}));
  server->TakePaths();
  mapper->Reset();
  EXPECT_THAT(server->TakePaths(), IsEmpty());
  EXPECT_TRUE(mapper->KindFor({"", "", "pods"}));
  EXPECT_THAT(server->TakePaths(), ElementsAre("/api", "/apis"));
}

struct Expander {
  std::vector<std::string> warnings;
  std::shared_ptr<const RESTMapper> mapper =
      NewShortcutExpander(Mapper(), std::make_shared<const Client>(ClientOf(LegacyServer())),
                          [this](std::string_view warning) { warnings.emplace_back(warning); });
};

TEST(ShortcutExpander, KnowsShortNames) {
  Expander expander;
  EXPECT_EQ(Text(expander.mapper->KindFor({"", "", "no"})), "/v1/Node");
  EXPECT_EQ(Text(expander.mapper->ResourceFor({"", "", "deploy"})), "apps/v1/deployments");
  EXPECT_THAT(expander.warnings, IsEmpty());
}

TEST(ShortcutExpander, AFullNameWinsAndTheFirstOfSeveralShortOnes) {
  Expander expander;
  EXPECT_EQ(Text(expander.mapper->ResourceFor({"", "", "pod"})), "/v1/pods");
  EXPECT_THAT(expander.warnings, IsEmpty());
  EXPECT_EQ(Text(expander.mapper->ResourceFor({"", "", "po"})), "/v1/pods");
  EXPECT_THAT(expander.warnings, ElementsAre("short name \"po\" could also match lower priority "
                                             "resource pots.shop.io"));
}

TEST(ShortcutExpander, TheBeginningOfAGroupWillDo) {
  Expander expander;
  EXPECT_EQ(Text(expander.mapper->ResourceFor({"shop", "", "po"})), "shop.io/v2/pots");
  EXPECT_THAT(expander.warnings, IsEmpty());
}

TEST(ShortcutExpander, ConsultsDiscoveryOnEachCallAndTwiceOnANoMatch) {
  const auto server = AggregatedServer();
  const auto mapper =
      NewShortcutExpander(Mapper(), std::make_shared<const Client>(ClientOf(server)));
  EXPECT_TRUE(mapper->KindFor({"", "", "pods"}));
  EXPECT_THAT(server->TakePaths(), ElementsAre("/api", "/apis"));
  EXPECT_FALSE(mapper->KindFor({"", "", "nix"}));
  EXPECT_THAT(server->TakePaths(), ElementsAre("/api", "/apis", "/api", "/apis"));
}

std::vector<std::string> Expand(const CategoryExpander& expander, std::string_view category) {
  std::vector<std::string> names;
  const auto all = expander(category, {});
  if (!all) return {"none"};
  for (const auto& resource : *all) names.push_back(Cat(resource.resource, ".", resource.group));
  return names;
}

TEST(CategoryExpander, KnowsWhatDiscoverySaysAndWhatItIsTold) {
  const auto discovered =
      NewDiscoveryCategoryExpander(std::make_shared<const Client>(ClientOf(LegacyServer())));
  EXPECT_THAT(Expand(discovered, "all"), ElementsAre("pods.", "deployments.apps"));
  EXPECT_THAT(Expand(discovered, "nix"), ElementsAre("none"));
  const auto simple = SimpleCategoryExpander({{"all", {{"", "pods"}, {"", "nodes"}}}});
  EXPECT_THAT(Expand(simple, "all"), ElementsAre("pods.", "nodes."));
  EXPECT_THAT(Expand(UnionCategoryExpander({discovered, simple}), "all"),
              ElementsAre("pods.", "deployments.apps", "nodes."));
  EXPECT_THAT(Expand(UnionCategoryExpander({discovered, simple}), "nix"), ElementsAre("none"));
}

}  // namespace
}  // namespace k8s::discovery
