#include "k8s/testing/every_fault.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "k8s/api/appsv1.h"
#include "k8s/api/corev1.h"
#include "k8s/base/strings.h"
#include "k8s/discovery/client.h"
#include "k8s/kubernetes/clientset.h"

namespace k8s {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

corev1::ConfigMap Map(std::string name, std::string value = "1") {
  return {.metadata = {.name = std::move(name)}, .data = {{"value", std::move(value)}}};
}

// So many maps, put where faults do not reach.
void Seed(FaultRun& run, int count) {
  for (int i = 0; i < count; ++i) {
    const Value metadata = Value::MakeObject({{"name", Cat("map-", std::to_string(i))}});
    const Value map =
        Value::MakeObject({{"kind", "ConfigMap"}, {"apiVersion", "v1"}, {"metadata", metadata}});
    ASSERT_TRUE(run.server.Seed(map));
  }
}

// The map as the store has it; "": it has none.
std::string Stored(FaultRun& run, std::string name) {
  const auto object = run.server.store().Get({"configmaps", "default", std::move(name)});
  return object ? object->json : "";
}

// --- what the scenarios of users meet ---

class EveryFault : public testing::TestWithParam<const char*> {
 protected:
  // The scenario over the content type of the parameter.
  void Try(std::function<Result<void>(FaultRun&, const Clientset&)> scenario) {
    ForEveryFault([&](FaultRun& run) -> Result<void> {
      run.config.content_type = GetParam();
      const auto clientset = Clientset::NewForConfig(run.config);
      if (!clientset) return clientset.error();
      return scenario(run, *clientset);
    });
  }
};

INSTANTIATE_TEST_SUITE_P(ContentTypes, EveryFault,
                         testing::Values("application/json", "application/vnd.kubernetes.protobuf"),
                         [](const auto& info) {
                           return info.param[12] == 'j' ? "Json" : "Protobuf";
                         });

TEST_P(EveryFault, OfCreateGetUpdateDeleteEndsWellOrCleanly) {
  Try([](FaultRun& run, const Clientset& clientset) -> Result<void> {
    const auto maps = clientset.CoreV1().ConfigMaps("default");
    if (auto created = maps.Create(Map("a")); !created) return created.error();
    auto map = maps.Get("a");
    if (!map) return map.error();
    map->data["value"] = "2";
    if (auto updated = maps.Update(*map); !updated) return updated.error();
    EXPECT_THAT(Stored(run, "a"), HasSubstr(R"("value":"2")"));
    if (auto deleted = maps.Delete("a"); !deleted) return deleted.error();
    EXPECT_EQ(Stored(run, "a"), "");
    return {};
  });
}

TEST_P(EveryFault, OfAPagedListEndsWellOrCleanly) {
  Try([](FaultRun& run, const Clientset& clientset) -> Result<void> {
    Seed(run, 5);
    const auto maps = clientset.CoreV1().ConfigMaps("default");
    ListOptions options{.limit = 2};
    do {
      auto page = maps.List(options);
      if (!page) return page.error();
      options.continue_ = page->metadata.continue_;
    } while (!options.continue_.empty());
    return {};
  });
}

TEST_P(EveryFault, OfAListAndItsWatchEndsWellOrCleanly) {
  Try([](FaultRun& run, const Clientset& clientset) -> Result<void> {
    const auto maps = clientset.CoreV1().ConfigMaps("default");
    const auto list = maps.List();
    if (!list) return list.error();
    Seed(run, 3);
    auto watch = maps.Watch({.allowWatchBookmarks = true,
                             .resourceVersion = list->metadata.resourceVersion,
                             .timeoutSeconds = 10});
    if (!watch) return watch.error();
    while (watch->Next()) {
    }
    if (watch->error()) return *watch->error();
    return {};
  });
}

TEST_P(EveryFault, OfPatchAndApplyEndsWellOrCleanly) {
  Try([](FaultRun& run, const Clientset& clientset) -> Result<void> {
    Seed(run, 1);
    const auto maps = clientset.CoreV1().ConfigMaps("default");
    const auto patched = maps.Patch("map-0", PatchType::kMergePatch, R"({"data":{"value":"2"}})");
    if (!patched) return patched.error();
    const auto applied = maps.Apply(Map("map-0", "3"), {.force = true, .fieldManager = "test"});
    if (!applied) return applied.error();
    EXPECT_THAT(Stored(run, "map-0"), HasSubstr(R"("value":"3")"));
    return {};
  });
}

TEST_P(EveryFault, OfADeletedCollectionEndsWellOrCleanly) {
  Try([](FaultRun& run, const Clientset& clientset) -> Result<void> {
    Seed(run, 2);
    const auto maps = clientset.CoreV1().ConfigMaps("default");
    if (auto deleted = maps.DeleteCollection(); !deleted) return deleted.error();
    EXPECT_EQ(Stored(run, "map-0") + Stored(run, "map-1"), "");
    return {};
  });
}

TEST(EveryFaultAnywhere, OfDiscoveryEndsWellOrCleanly) {
  ForEveryFault([](FaultRun& run) -> Result<void> {
    const auto client = discovery::Client::NewForConfig(run.config);
    if (!client) return client.error();
    if (auto version = client->ServerVersion(); !version) return version.error();
    if (auto groups = client->ServerGroups(); !groups) return groups.error();
    auto resources = client->ServerResourcesForGroupVersion("apps/v1");
    if (!resources) return resources.error();
    if (auto all = client->ServerPreferredResources(); !all) return all.error();
    auto paths = client->OpenAPIV3Paths();
    if (!paths) return paths.error();
    return {};
  });
}

// --- that the helper sees what it should ---

FaultKind Unavailable() {
  return {"503", FaultKind::At::kExchange, [](fakeapiserver::Rule& rule) { rule.Reply(503); }};
}

Result<void> GetTwice(FaultRun& run) {
  const auto maps = Clientset::NewForConfig(run.config).value().CoreV1().ConfigMaps("default");
  for (int i = 0; i < 2; ++i) {
    if (auto got = maps.Get("kube-root-ca.crt"); !got && !IsNotFound(got.error()))
      return got.error();
  }
  return {};
}

TEST(ForEveryFault, TriesEachExchangeUntilNoneIsHit) {
  const FaultReport report = TryEveryFault(GetTwice, {Unavailable()});
  EXPECT_EQ(report.runs, 4);  // without a fault, at 1, at 2, at 3, which does not come
  EXPECT_EQ(report.ended_well, 2);
  EXPECT_EQ(report.failed_cleanly, 2);
  EXPECT_THAT(report.problems, IsEmpty());
}

TEST(ForEveryFault, SaysWhichFaultMadeAnUncleanError) {
  const auto scenario = [](FaultRun& run) -> Result<void> {
    if (auto got = GetTwice(run); !got) return got.error().WithMessage("two\nlines");
    return {};
  };
  EXPECT_THAT(TryEveryFault(scenario, {Unavailable()}).problems,
              ElementsAre(HasSubstr("503 at exchange 1: the error has several lines"),
                          HasSubstr("503 at exchange 2: the error has several lines")));
}

TEST(ForEveryFault, SeesHangsLoopsAndWhatIsLeft) {
  std::shared_ptr<http::RoundTripper> kept;
  const auto problems = [](const Scenario& scenario) {
    return Join(TryEveryFault(scenario, {}).problems, "\n");
  };
  EXPECT_THAT(problems([](FaultRun& run) { return Sleep(run.clock, kFaultRunLimit, {}); }),
              HasSubstr("it hangs"));
  EXPECT_THAT(problems([](FaultRun& run) -> Result<void> {
                while (true) {
                  if (auto got = GetTwice(run); !got) return got;
                }
              }),
              HasSubstr("it loops"));
  EXPECT_THAT(problems([&](FaultRun& run) {
                kept = run.config.transport;
                return GetTwice(run);
              }),
              HasSubstr("it leaves 1 connections"));
  EXPECT_THAT(problems([](FaultRun&) -> Result<void> { return Invalid("of its own"); }),
              HasSubstr("it fails without a fault: of its own"));
  EXPECT_THAT(problems([](FaultRun& run) -> Result<void> {
                return Invalid(Cat("bearer ", run.config.bearer_token));
              }),
              HasSubstr("the error tells the token"));
}

}  // namespace
}  // namespace k8s
