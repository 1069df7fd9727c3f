// The promises of docs/retry.md, held against the fake server: for every class of call and every
// way to lose an answer, nothing is done twice. In virtual time.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "fakeapiserver/server.h"
#include "k8s/api/appsv1.h"
#include "k8s/api/corev1.h"
#include "k8s/base/fake_clock.h"
#include "k8s/base/strings.h"
#include "k8s/http/call_class.h"
#include "k8s/http/stub_for_test.h"
#include "k8s/kubernetes/clientset.h"
#include "k8s/kubernetes/dynamic.h"

namespace k8s {
namespace {

using namespace std::chrono_literals;
using fakeapiserver::Place;
using fakeapiserver::Rule;
using http::CallClass;
using http::Promise;
using testing::HasSubstr;

template <class T>
Result<void> Told(const Result<T>& result) {
  if (!result) return result.error();
  return {};
}

class ReplaySafeTest : public testing::Test {
 protected:
  ReplaySafeTest() {
    env.clock = clock;
    env.random = SeededRandom(1);
    env.host = std::make_shared<http::FakeHost>();
    Restart();
  }

  // A server with one ConfigMap and one Deployment, which are a minute old.
  void Restart(const http::ReplaySafe& policy = {}) {
    clientset.reset();
    server = std::make_unique<fakeapiserver::Server>(fakeapiserver::Options{.env = env});
    config = {};
    config.host = "http://server.test:80";
    config.transport = server->WireLoopback();
    config.qps = -1;
    config.timeout = 3s;
    config.env = env;
    config.retry_policy = policy;
    clientset.emplace(Clientset::NewForConfig(config).value());
    map = Maps().Create({.metadata = {.name = "a"}, .data = {{"k", "v"}}}).value();
    clock->Step(60s);
    server->recorder().Clear();
  }

  ResourceClient<corev1::ConfigMap> Maps() const {
    return clientset->CoreV1().ConfigMaps("default");
  }
  static corev1::ConfigMap Map(std::string name) {
    return {.metadata = {.name = std::move(name), .labels = {{"l", "x"}}}, .data = {{"k", "v"}}};
  }
  size_t Held() const { return Maps().List()->items.size(); }

  // Requests that came whole, but for those that look.
  size_t Sent(std::string_view verb) const {
    size_t count = 0;
    for (const auto& exchange : server->recorder().Exchanges()) {
      if (exchange.info.verb == verb) ++count;
    }
    return count;
  }

  // One call of that class.
  struct Scenario {
    Verb verb;              // as the server sees it
    std::string_view name;  // the same in a URL's meaning
    std::function<Result<void>()> call;
  };
  Scenario Of(CallClass call_class);
  Scenario OfPatch(PatchType type, std::string data) {
    return {Verb::kPatch, "patch", [=, this] { return Told(Maps().Patch("a", type, data)); }};
  }
  Rule& On(const Scenario& scenario) {
    // Streams ask for no resource.
    if (scenario.name == "get-raw") return server->faults().OnPath("/readyz").Times(1);
    return server->faults().On(scenario.verb, "configmaps").Times(1);
  }

  std::shared_ptr<FakeClock> clock = std::make_shared<FakeClock>();
  Env env;
  std::unique_ptr<fakeapiserver::Server> server;
  rest::Config config;
  std::optional<Clientset> clientset;
  corev1::ConfigMap map;
};

ReplaySafeTest::Scenario ReplaySafeTest::Of(CallClass call_class) {
  corev1::ConfigMap changed = map;
  changed.data["k"] = "w";
  const std::string version = map.metadata.resourceVersion;
  switch (call_class) {
    case CallClass::kRead:
      return {Verb::kGet, "get", [this] { return Told(Maps().Get("a")); }};
    case CallClass::kWatch:
      return {Verb::kWatch, "watch", [this] { return Told(Maps().Watch({.timeoutSeconds = 1})); }};
    case CallClass::kStream:
      return {Verb::kGet, "get-raw", [this]() -> Result<void> {
                auto stream = clientset->CoreV1().RESTClient().Get().AbsPath({"readyz"}).Stream();
                if (!stream) return stream.error();
                return Told(stream->body->ReadAll());
              }};
    case CallClass::kCreate:
      return {Verb::kCreate, "create", [this] { return Told(Maps().Create(Map("b"))); }};
    case CallClass::kCreateUnnamed:
      return {Verb::kCreate, "create",
              [this] { return Told(Maps().Create({.metadata = {.generateName = "b-"}})); }};
    case CallClass::kUpdateVersioned:
      return {Verb::kUpdate, "update", [=, this] { return Told(Maps().Update(changed)); }};
    case CallClass::kUpdate:
      changed.metadata.resourceVersion.clear();
      return {Verb::kUpdate, "update", [=, this] { return Told(Maps().Update(changed)); }};
    case CallClass::kPatchVersioned:
      return OfPatch(PatchType::kMergePatch, Cat(R"({"metadata":{"resourceVersion":")", version,
                                                 R"("},"data":{"k":"w"}})"));
    case CallClass::kMergePatch:
      return OfPatch(PatchType::kMergePatch, R"({"data":{"k":"w","l":null}})");
    case CallClass::kStrategicMergePatch:
      return OfPatch(PatchType::kStrategicMergePatch, R"({"data":{"k":"w"}})");
    case CallClass::kJsonPatch:
      return OfPatch(PatchType::kJSONPatch, R"([{"op":"add","path":"/data/k","value":"w"}])");
    case CallClass::kApply:
      return {Verb::kPatch, "patch", [this] {
                return Told(Maps().Apply(Map("b"), {.force = true, .fieldManager = "test"}));
              }};
    case CallClass::kDeleteByUid:
      return {Verb::kDelete, "delete", [this] {
                return Maps().Delete(
                    "a", {.preconditions = metav1::Preconditions{.uid = map.metadata.uid}});
              }};
    case CallClass::kDelete:
      return {Verb::kDelete, "delete", [this] { return Maps().Delete("a"); }};
    case CallClass::kDeleteCollection:
      return {Verb::kDeleteCollection, "deletecollection",
              [this] { return Maps().DeleteCollection(); }};
    case CallClass::kOther:
      return {Verb::kUpdate, "update", [this] {
                return Told(clientset->CoreV1()
                                .RESTClient()
                                .Put()
                                .Namespace("default")
                                .Resource("configmaps")
                                .Name("a")
                                .SetHeader("Content-Type", "application/json")
                                .Body(R"({"metadata":{"name":"a"},"data":{"k":"w"}})")
                                .Do());
              }};
  }
  return {};
}

using Harm = std::pair<std::string, std::function<void(Rule&)>>;

// The store has done its part, and nobody hears of it.
const std::vector<Harm>& AnswersLost() {
  static const std::vector<Harm> all = {
      {"reset", [](Rule& rule) { rule.Stored().Reset(); }},
      {"closed", [](Rule& rule) { rule.Stored().Close(); }},
      {"500", [](Rule& rule) { rule.Stored().Reply(500); }},
      {"500 with Retry-After", [](Rule& rule) { rule.Stored().Reply(500).RetryAfter(1s); }},
      {"504", [](Rule& rule) { rule.Stored().Reply(504); }},
      {"headers cut", [](Rule& rule) { rule.Answered().Reset(Place::kAnswer, 9); }},
      {"timeout", [](Rule& rule) { rule.Stored().Hang(); }},
  };
  return all;
}

// The timeout of a call is that of its attempts together; an opening watch or stream has none.
bool HasTimeAfter(std::string_view harm, CallClass call_class) {
  return harm != "timeout" || call_class == CallClass::kWatch || call_class == CallClass::kStream;
}

TEST_F(ReplaySafeTest, WhatWasDoneIsNotDoneAgain) {
  for (const http::CallRow& row : http::CallTable()) {
    for (const auto& [harm, strike] : AnswersLost()) {
      SCOPED_TRACE(Cat(row.call, ": ", harm));
      Restart();
      const Scenario scenario = Of(row.call_class);
      strike(On(scenario));
      const auto result = scenario.call();
      ASSERT_EQ(server->faults().Unspent(), 0);
      const bool repeats = row.promise == Promise::kRepeat && HasTimeAfter(harm, row.call_class);
      const bool succeeds = repeats || row.promise == Promise::kReadBack;
      EXPECT_EQ(result.has_value(), succeeds) << (result ? Invalid("none") : result.error());
      EXPECT_TRUE(result || !result.error().nothing_done());
      if (scenario.name != "get-raw" && scenario.name != "get") {
        EXPECT_EQ(Sent(scenario.name), repeats ? 2u : 1u);
      }
      EXPECT_LE(Held(), 2u);
    }
  }
}

TEST_F(ReplaySafeTest, AnAnswerCutInItsBodyIsReadBackToo) {
  for (const http::CallRow& row : http::CallTable()) {
    if (row.promise != Promise::kReadBack && row.promise != Promise::kOnce) continue;
    SCOPED_TRACE(row.call);
    Restart();
    const Scenario scenario = Of(row.call_class);
    On(scenario).Answered().Truncate(5);
    const auto result = scenario.call();
    EXPECT_EQ(result.has_value(), row.promise == Promise::kReadBack);
    EXPECT_EQ(Sent(scenario.name), 1u);
    ASSERT_EQ(server->faults().Unspent(), 0);
  }
}

TEST_F(ReplaySafeTest, WhatWasNotDoneIsSentAgainWhereThatCanBeKnown) {
  const std::vector<Harm> harms = {{"reset", [](Rule& rule) { rule.Reset(); }},
                                   {"500", [](Rule& rule) { rule.Reply(500); }},
                                   {"timeout", [](Rule& rule) { rule.Hang(); }}};
  for (const http::CallRow& row : http::CallTable()) {
    for (const auto& [harm, strike] : harms) {
      SCOPED_TRACE(Cat(row.call, ": ", harm));
      Restart();
      const Scenario scenario = Of(row.call_class);
      strike(On(scenario));
      const auto result = scenario.call();
      ASSERT_EQ(server->faults().Unspent(), 0);
      // Without a version an object that differs may have been changed back.
      const bool unversioned =
          row.call_class == CallClass::kUpdate || row.call_class == CallClass::kMergePatch;
      const bool again = (row.promise == Promise::kRepeat && HasTimeAfter(harm, row.call_class)) ||
                         (row.promise == Promise::kReadBack && !unversioned);
      EXPECT_EQ(result.has_value(), again) << (result ? Invalid("none") : result.error());
      EXPECT_TRUE(result || !result.error().nothing_done());
      EXPECT_TRUE(!unversioned || result.error().message().find("in doubt") != std::string::npos);
      EXPECT_TRUE(scenario.name == "get-raw" || Sent(scenario.name) == (again ? 2u : 1u));
    }
  }
}

TEST_F(ReplaySafeTest, WhatWasTurnedDownIsSentAgain) {
  for (const http::CallRow& row : http::CallTable()) {
    for (const int status : {429, 503}) {
      SCOPED_TRACE(Cat(row.call, ": ", std::to_string(status)));
      Restart();
      const Scenario scenario = Of(row.call_class);
      On(scenario).Reply(status).RetryAfter(1s);
      const auto result = scenario.call();
      ASSERT_EQ(server->faults().Unspent(), 0);
      EXPECT_EQ(result.has_value(), row.promise != Promise::kOnce);
      EXPECT_TRUE(result || result.error().nothing_done());
    }
  }
}

TEST_F(ReplaySafeTest, WhatNeverWentOutGoesOutOfAnyClass) {
  for (const http::CallRow& row : http::CallTable()) {
    SCOPED_TRACE(row.call);
    Restart();
    // Set-up has left an idle connection.
    config.transport = server->WireLoopback();
    clientset.emplace(Clientset::NewForConfig(config).value());
    server->faults().OnConnection().Times(2).Refuse();
    const auto result = Of(row.call_class).call();
    EXPECT_TRUE(result) << result.error();
    EXPECT_EQ(server->faults().Unspent(), 0);
  }
}

TEST_F(ReplaySafeTest, ACreateComesBackAsTheServerHoldsIt) {
  appsv1::Deployment web{.metadata = {.name = "web", .labels = {{"app", "web"}}}};
  web.spec.selector = metav1::LabelSelector{.matchLabels = {{"app", "web"}}};
  web.spec.template_.metadata.labels = {{"app", "web"}};
  web.spec.template_.spec.containers = {{.name = "web", .image = "nginx:1"}};
  server->faults().On(Verb::kCreate, "deployments").Times(1).Stored().Reset();
  const auto created = clientset->AppsV1().Deployments("default").Create(web);
  ASSERT_TRUE(created) << created.error();
  EXPECT_FALSE(created->metadata.uid.empty());
  EXPECT_EQ(created->spec.replicas, 1);  // a default of the server
  EXPECT_EQ(Sent("create"), 1u);
}

TEST_F(ReplaySafeTest, ACreateThatMeetsAnotherObjectSaysThatItWasInDoubt) {
  server->faults().On(Verb::kCreate, "configmaps").Times(1).Reset();
  const auto older = Maps().Create({.metadata = {.name = "a"}, .data = {{"k", "v"}}});
  ASSERT_FALSE(older);
  EXPECT_TRUE(IsAlreadyExists(older.error()));
  EXPECT_THAT(older.error().message(), HasSubstr("in doubt"));
  EXPECT_THAT(older.error().message(), HasSubstr("connection reset by peer"));
  EXPECT_EQ(Sent("create"), 1u);
  // Certain without any doubt before it.
  EXPECT_THAT(Maps().Create(Map("a")).error().message(), testing::Not(HasSubstr("in doubt")));
}

TEST_F(ReplaySafeTest, AnUpdateThatOnlyTookAwayIsNotTakenForDone) {
  corev1::ConfigMap emptied = map;
  emptied.data.clear();
  emptied.metadata.resourceVersion.clear();
  server->faults().On(Verb::kUpdate, "configmaps").Times(1).Reset();
  EXPECT_FALSE(Maps().Update(emptied));
  EXPECT_EQ(Maps().Get("a")->data.size(), 1u);
}

TEST_F(ReplaySafeTest, AJsonPatchThatTestsTheVersionIsSentAgainOnlyToThatVersion) {
  const std::string patch =
      Cat(R"([{"op":"test","path":"/metadata/resourceVersion","value":")",
          map.metadata.resourceVersion, R"("},{"op":"add","path":"/data/n","value":"1"}])");
  server->faults().On(Verb::kPatch, "configmaps").Times(1).Reset();
  EXPECT_TRUE(Maps().Patch("a", PatchType::kJSONPatch, patch));
  EXPECT_EQ(Sent("patch"), 2u);
  Restart();
  server->faults().On(Verb::kPatch, "configmaps").Times(1).Stored().Reset();
  const auto lost = Maps().Patch("a", PatchType::kJSONPatch, patch);
  ASSERT_FALSE(lost);
  EXPECT_THAT(lost.error().message(), HasSubstr("in doubt"));
  EXPECT_EQ(Sent("patch"), 1u);
}

TEST_F(ReplaySafeTest, ADeleteGoesOutAgainWithTheUidThatWasRead) {
  server->faults().On(Verb::kDelete, "configmaps").Times(1).Reset();
  EXPECT_TRUE(Maps().Delete("a"));
  const auto seen = server->recorder().Exchanges();
  ASSERT_EQ(seen.back().info.verb, "delete");
  EXPECT_THAT(*seen.back().body, HasSubstr(map.metadata.uid));
  // Of an object about as old as the call nobody can tell.
  ASSERT_TRUE(Maps().Create(Map("b")));
  server->faults().On(Verb::kDelete, "configmaps").Times(1).Reset();
  EXPECT_THAT(Maps().Delete("b").error().message(), HasSubstr("in doubt"));
}

TEST_F(ReplaySafeTest, ASecondLossIsReadBackLikeTheFirst) {
  server->faults().On(Verb::kCreate, "configmaps").Times(1).Reset();
  server->faults().On(Verb::kCreate, "configmaps").Times(1).Stored().Reply(500);
  EXPECT_TRUE(Maps().Create(Map("b")));
  EXPECT_EQ(Sent("create"), 2u);
  EXPECT_EQ(Held(), 2u);
}

// As when the first sending was still on its way while the object was read.
TEST_F(ReplaySafeTest, ARefusalOfTheSecondSendingMayBeTheFirstOnesDoing) {
  server->faults().On(Verb::kCreate, "configmaps").Times(1).Stored().Reset();
  server->faults().On(Verb::kGet, "configmaps").Times(1).Stale(1);
  const auto created = Maps().Create(Map("b"));
  ASSERT_TRUE(created) << created.error();
  EXPECT_EQ(Sent("create"), 2u);

  server->faults().On(Verb::kDelete, "configmaps").Times(1).Stored().Reset();
  server->faults().On(Verb::kGet, "configmaps").Times(1).Stale(1);
  EXPECT_TRUE(Maps().Delete("a"));
  EXPECT_EQ(Sent("delete"), 2u);
  EXPECT_EQ(server->faults().Unspent(), 0);
}

TEST_F(ReplaySafeTest, TheAttemptsOfAllSendingsAreToldTogether) {
  server->faults().On(Verb::kCreate, "configmaps").Times(1).Reset();
  server->faults().On(Verb::kCreate, "configmaps").Times(1).Reply(403);
  const auto created = Maps().Create(Map("b"));
  ASSERT_FALSE(created);
  EXPECT_FALSE(created.error().nothing_done());
  const auto& attempts = created.error().attempts();
  ASSERT_EQ(attempts.size(), 2u);
  EXPECT_THAT(attempts[0].cause, HasSubstr("connection reset by peer"));
  EXPECT_GT(attempts[0].waited, 0s);
  EXPECT_EQ(attempts[1].began, attempts[0].waited);
  EXPECT_EQ(attempts[1].cause, "403");
}

TEST_F(ReplaySafeTest, ANotFoundThatIsNotTheServersIsNotBelieved) {
  server->faults().On(Verb::kDelete, "configmaps").Times(1).Reset();
  server->faults().On(Verb::kGet, "configmaps").Times(1).Reply(404).Body("text/html", "<html>");
  const auto deleted = Maps().Delete("a");
  ASSERT_FALSE(deleted);
  EXPECT_THAT(deleted.error().message(), HasSubstr("reading it back failed"));
}

TEST_F(ReplaySafeTest, StatusIsComparedWhereItIsWhatChanges) {
  const auto namespaces = clientset->CoreV1().Namespaces();
  auto object = namespaces.Get("default").value();
  object.status.phase = "Terminating";
  server->faults().On(Verb::kUpdate, "namespaces").Times(1).Stored().Reset();
  const auto updated = namespaces.UpdateStatus(object);
  ASSERT_TRUE(updated) << updated.error();
  EXPECT_EQ(updated->status.phase, "Terminating");
  EXPECT_EQ(Sent("update"), 1u);
}

TEST_F(ReplaySafeTest, TheDynamicClientKeepsTheSamePromises) {
  const auto maps = dynamic::Client::NewForConfig(config)
                        .value()
                        .Resource({"", "v1", "configmaps"})
                        .Namespace("default");
  Unstructured object;
  object.SetAPIVersion("v1");
  object.SetKind("ConfigMap");
  object.SetName("b");
  object.content["data"]["k"] = "v";
  server->faults().On(Verb::kCreate, "configmaps").Times(1).Stored().Reset();
  auto created = maps.Create(object);
  ASSERT_TRUE(created) << created.error();
  EXPECT_FALSE(created->GetUID().empty());

  created->content["data"]["k"] = "w";
  server->faults().On(Verb::kUpdate, "configmaps").Times(1).Stored().Reset();
  const auto updated = maps.Update(*created);
  ASSERT_TRUE(updated) << updated.error();
  EXPECT_NE(updated->GetResourceVersion(), created->GetResourceVersion());

  server->faults().On(Verb::kPatch, "configmaps").Times(1).Stored().Reset();
  EXPECT_TRUE(maps.Patch("b", PatchType::kMergePatch, R"({"data":{"k":"x"}})"));
  server->faults().On(Verb::kDelete, "configmaps").Times(1).Stored().Reset();
  EXPECT_TRUE(maps.Delete("b"));
  for (const char* verb : {"create", "update", "patch", "delete"}) EXPECT_EQ(Sent(verb), 1u);
  EXPECT_EQ(server->faults().Unspent(), 0);
}

TEST_F(ReplaySafeTest, WhatCannotBeReadBackStaysInDoubt) {
  server->faults().On(Verb::kCreate, "configmaps").Times(1).Stored().Reset();
  server->faults().On(Verb::kGet, "configmaps").Times(1).Reply(403);
  const auto created = Maps().Create(Map("b"));
  ASSERT_FALSE(created);
  EXPECT_THAT(created.error().message(), HasSubstr("in doubt: reading it back failed"));
  EXPECT_FALSE(created.error().nothing_done());
}

TEST_F(ReplaySafeTest, GivesUpAfterTenReadings) {
  server->faults().On(Verb::kCreate, "configmaps").Reset();
  const auto created = Maps().Create(Map("b"));
  ASSERT_FALSE(created);
  EXPECT_THAT(created.error().message(), HasSubstr("in doubt: it was read back too often"));
  EXPECT_EQ(Sent("create"), 11u);
  EXPECT_EQ(Sent("get"), 10u);
  EXPECT_EQ(created.error().attempts().size(), kMaxAttemptsKept);
}

TEST_F(ReplaySafeTest, NothingIsReadBackOnceTheContextHasEnded) {
  server->faults().On(Verb::kCreate, "configmaps").Times(1).Stored().Hang();
  const auto created = Maps().Create(Map("b"), {}, Context().WithTimeout(*clock, 1s));
  ASSERT_FALSE(created);
  EXPECT_EQ(created.error().code(), Error::Code::kDeadlineExceeded);
  EXPECT_EQ(server->recorder().Count(), 1u);
}

// Whatever strikes, success means done, nothing_done() means not done, and no name is made up
// twice.
TEST_F(ReplaySafeTest, KeepsItsWordUnderRandomFaults) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(Cat("seed ", std::to_string(seed)));
    Restart({.budget = {.reserve = 1000}});
    config.user_agent = "victim";
    const Clientset victim = Clientset::NewForConfig(config).value();
    const auto maps = victim.CoreV1().ConfigMaps("default");
    auto strike = [&, n = seed * 100](auto change) mutable {
      change(server->faults().OnEvery("configmaps").UserAgent("victim").Probability(0.1, ++n));
    };
    for (const auto& harm : AnswersLost()) strike(harm.second);
    strike([](Rule& rule) { rule.Reset(); });
    strike([](Rule& rule) { rule.Reply(500); });
    strike([](Rule& rule) { rule.Reply(429).RetryAfter(1s); });
    strike([](Rule& rule) { rule.Answered().Truncate(3); });
    const auto exists = [&](const std::string& name) { return Maps().Get(name).has_value(); };
    for (int i = 0; i < 20; ++i) {
      const std::string name = Cat("m", std::to_string(i));
      const auto created = maps.Create(Map(name));
      EXPECT_TRUE(!created || exists(name));
      EXPECT_TRUE(created || !created.error().nothing_done() || !exists(name)) << created.error();

      const std::string prefix = Cat("g", std::to_string(i), "-");
      const auto named = maps.Create({.metadata = {.generateName = prefix}});
      size_t made = 0;
      const auto all = Maps().List().value();
      for (const auto& one : all.items) made += one.metadata.name.starts_with(prefix);
      EXPECT_LE(made, 1u);
      EXPECT_TRUE(!named || made == 1);
      EXPECT_TRUE(named || !named.error().nothing_done() || made == 0) << named.error();

      clock->Step(5s);
      const bool there = exists(name);
      const auto deleted = maps.Delete(name);
      EXPECT_TRUE(!deleted || !exists(name));
      EXPECT_TRUE(deleted || !there || !deleted.error().nothing_done() || exists(name))
          << deleted.error();
    }
  }
}

TEST_F(ReplaySafeTest, ABudgetBoundsAStorm) {
  constexpr size_t kCalls = 300;
  const http::ReplaySafe policy;
  for (const bool writes : {false, true}) {
    Restart(policy);
    server->faults().OnEvery().Stored().Reply(500);
    const TimePoint start = clock->Now();
    std::string last;
    for (size_t i = 0; i < kCalls; ++i) {
      // Copies share it, and so do the group versions.
      const Clientset copy = *clientset;
      const auto maps = copy.CoreV1().ConfigMaps("default");
      const auto result = writes       ? Told(maps.Create(Map(Cat("m", std::to_string(i)))))
                          : i % 2 == 0 ? Told(maps.Get("a"))
                                       : Told(copy.AppsV1().Deployments("default").Get("a"));
      ASSERT_FALSE(result);
      std::ostringstream text;
      text << result.error();
      last = text.str();
    }
    const double seconds = std::chrono::duration<double>(clock->Now() - start).count();
    const double sent = static_cast<double>(server->recorder().Count());
    const double extra = sent - kCalls;
    // Readings back are calls, too, and earn their share.
    EXPECT_LE(extra, policy.budget.reserve + policy.budget.share * sent +
                         policy.budget.per_second * seconds);
    EXPECT_GE(extra, policy.budget.reserve);
    EXPECT_THAT(last, HasSubstr("the retry budget of this client is empty"));
  }
}

}  // namespace
}  // namespace k8s
