#include "k8s/tools/retry_watcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fakeapiserver/server.h"
#include "k8s/api/corev1.h"
#include "k8s/base/fake_clock.h"
#include "k8s/kubernetes/clientset.h"
#include "k8s/tools/until.h"

namespace k8s::watch {
namespace {

using namespace std::chrono_literals;
using corev1::ConfigMap;
using testing::HasSubstr;

class RetryWatcherTest : public testing::Test {
 protected:
  ResourceClient<ConfigMap> Maps() const { return clientset.CoreV1().ConfigMaps("default"); }
  std::string Create(const std::string& name) {
    return Maps().Create({.metadata = {.name = name}})->metadata.resourceVersion;
  }
  RetryWatcher<ConfigMap>::Open Open() const {
    return [this](const metav1::ListOptions& options, const Context& ctx) {
      return Maps().Watch(options, ctx);
    };
  }
  RetryWatcher<ConfigMap> From(const std::string& version, const Context& ctx = {}) {
    return RetryWatcher<ConfigMap>::New(version, Open(), {}, env, ctx).value();
  }
  static std::string NameOf(const std::optional<WatchEvent<ConfigMap>>& event) {
    return event ? event->object.metadata.name : "nothing";
  }
  // The watches that were asked for: since when, from where.
  std::vector<std::pair<Duration, std::string>> Openings() {
    std::vector<std::pair<Duration, std::string>> out;
    for (const auto& one : server.recorder().Exchanges()) {
      if (one.info.verb != "watch") continue;
      const size_t at = one.target.find("resourceVersion=");
      out.emplace_back(one.at - start,
                       one.target.substr(at + 16, one.target.find('&', at) - at - 16));
    }
    return out;
  }
  fakeapiserver::Rule& OnWatch() { return server.faults().On(Verb::kWatch, "configmaps").Times(1); }

  std::shared_ptr<FakeClock> clock = std::make_shared<FakeClock>();
  Env env{.clock = clock, .random = SeededRandom(1)};
  fakeapiserver::Server server{{.env = env}};
  rest::Config config = [&] {
    rest::Config made{.host = "http://server"};
    made.transport = server.Loopback();
    made.qps = -1;
    made.env = env;
    return made;
  }();
  Clientset clientset = Clientset::NewForConfig(config).value();
  const TimePoint start = clock->Now();
};

TEST_F(RetryWatcherTest, NeedsAPlaceToStartFrom) {  // C-7.15
  for (const char* version : {"", "0"}) {
    const auto refused = RetryWatcher<ConfigMap>::New(version, Open(), {}, env);
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().message(),
                HasSubstr("is not supported due to issues with underlying WATCH"));
  }
}

TEST_F(RetryWatcherTest, GoesOnWhereItWasWhenTheStreamEnds) {  // C-7.16
  const std::string before = Create("a");
  const std::string b = Create("b");
  Create("c");
  OnWatch().EndWatch(1);
  auto watcher = From(before);
  EXPECT_EQ(NameOf(watcher.Next()), "b");
  EXPECT_EQ(NameOf(watcher.Next()), "c");
  const auto openings = Openings();
  ASSERT_EQ(openings.size(), 2u);
  EXPECT_EQ(openings[0], std::pair(Duration(0s), before));
  EXPECT_EQ(openings[1], std::pair(Duration(1s), b));
}

TEST_F(RetryWatcherTest, GoesOnFromABookmarkThatNobodySees) {  // C-7.17
  const std::string before = Create("a");
  // Another resource moves the revision on; a bookmark tells of it after a minute.
  clientset.CoreV1().Secrets("default").Create({.metadata = {.name = "s"}}).value();
  OnWatch().EndWatch(1);
  auto watcher = From(before, Context().WithTimeout(*clock, 90s));
  EXPECT_EQ(NameOf(watcher.Next()), "nothing");
  const auto openings = Openings();
  ASSERT_GE(openings.size(), 2u);
  EXPECT_GT(std::stoi(openings[1].second), std::stoi(before));
}

TEST_F(RetryWatcherTest, WaitsAsLongAsAnErrorSays) {  // C-7.18
  const std::string before = Create("a");
  Create("b");
  const std::string error =
      R"({"type":"ERROR","object":{"kind":"Status","apiVersion":"v1","status":"Failure",)"
      R"("code":500,"details":{"retryAfterSeconds":2}}})"
      "\n";
  OnWatch().Reply(200).Body("application/json", error);
  auto watcher = From(before);
  EXPECT_EQ(NameOf(watcher.Next()), "b");
  EXPECT_EQ(Openings().at(1).first, 2s);
}

TEST_F(RetryWatcherTest, EndsWithAnErrorWhenThePlaceIsGone) {  // C-7.19
  const std::string before = Create("a");
  OnWatch().ExpireWatch(0);
  auto watcher = From(before);
  const auto event = watcher.Next();
  ASSERT_TRUE(event);
  EXPECT_EQ(event->type, rest::kError);
  EXPECT_EQ(watcher.status()->code, 410);
  EXPECT_FALSE(watcher.Next());
  EXPECT_EQ(Openings().size(), 1u);
}

TEST_F(RetryWatcherTest, EndsWhenItIsForbiddenAndTriesAgainWhenItIsGone) {  // C-7.20
  const std::string before = Create("a");
  Create("b");
  server.faults().On(Verb::kWatch, "configmaps").Times(3).Reply(410);
  auto gone = From(before);
  EXPECT_EQ(NameOf(gone.Next()), "b");
  EXPECT_EQ(Openings().at(3).first, 3s);
  OnWatch().Reply(403).Message("no");
  auto forbidden = From(before);
  const auto event = forbidden.Next();
  ASSERT_TRUE(event);
  EXPECT_EQ(event->type, rest::kError);
  EXPECT_EQ(forbidden.status()->message, "no");
  EXPECT_FALSE(forbidden.Next());
}

TEST_F(RetryWatcherTest, EndsWhenItIsStopped) {
  auto watcher = From(Create("a"));
  watcher.Stop();
  EXPECT_FALSE(watcher.Next());
}

TEST_F(RetryWatcherTest, EndsUntilAfterTheEventThatMeetsEveryCondition) {  // C-7.21
  const std::string before = Create("a");
  Create("b");
  Create("c");
  auto watcher = Maps().Watch({.resourceVersion = before}).value();
  int tried = 0;
  const Condition<ConfigMap> is_b = [&](const WatchEvent<ConfigMap>& event) -> Result<bool> {
    ++tried;
    return event.object.metadata.name == "b";
  };
  const auto met = UntilWithoutRetry<ConfigMap>(watcher, {is_b, is_b}, env);
  ASSERT_TRUE(met) << met.error();
  EXPECT_EQ((*met)->object.metadata.name, "b");
  EXPECT_EQ(tried, 2);
}

TEST_F(RetryWatcherTest, SaysWhyNothingCame) {  // section 7.6
  const std::string before = Create("a");
  const Condition<ConfigMap> never = [](const WatchEvent<ConfigMap>&) -> Result<bool> {
    return false;
  };
  const Context ctx = Context().WithTimeout(*clock, 5s);
  const auto late = Until<ConfigMap>(before, Open(), {never}, env, ctx);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().message(), "timed out waiting for the condition");
  OnWatch().EndWatch(0);
  auto watcher = Maps().Watch({.resourceVersion = before}).value();
  const auto closed = UntilWithoutRetry<ConfigMap>(watcher, {never}, env);
  ASSERT_FALSE(closed);
  EXPECT_EQ(closed.error().message(), "watch closed before UntilWithoutRetry timeout");
  Create("b");
  const Condition<ConfigMap> breaks = [](const WatchEvent<ConfigMap>&) -> Result<bool> {
    return Invalid("no");
  };
  EXPECT_EQ(Until<ConfigMap>(before, Open(), {breaks}, env).error().message(), "no");
}

}  // namespace
}  // namespace k8s::watch
