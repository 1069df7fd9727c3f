#include "k8s/tools/retry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fakeapiserver/server.h"
#include "k8s/api/appsv1.h"
#include "k8s/base/fake_clock.h"
#include "k8s/kubernetes/clientset.h"

namespace k8s::retry {
namespace {

using namespace std::chrono_literals;

class RetryOnConflictTest : public testing::Test {
 protected:
  RetryOnConflictTest() {
    rest::Config config{.host = "http://server"};
    config.transport = server.Loopback();
    config.qps = -1;
    config.env = env;
    clientset = Clientset::NewForConfig(config).value();
    clientset->CoreV1().ConfigMaps("default").Create({.metadata = {.name = "a"}}).value();
  }
  Result<corev1::ConfigMap> Update() {
    const auto maps = clientset->CoreV1().ConfigMaps("default");
    return RetryOnConflict(
        kDefaultRetry,
        [&] {
          return maps.Get("a").and_then([&](corev1::ConfigMap map) {
            map.data["k"] = "v";
            return maps.Update(map);
          });
        },
        env);
  }
  int Puts() {
    int puts = 0;
    for (const auto& one : server.recorder().Exchanges()) puts += one.method == "PUT";
    return puts;
  }

  std::shared_ptr<FakeClock> clock = std::make_shared<FakeClock>();
  Env env{.clock = clock, .random = SeededRandom(1)};
  fakeapiserver::Server server{{.env = env}};
  std::optional<Clientset> clientset;
};

TEST_F(RetryOnConflictTest, GivesUpAfterFiveConflicts) {  // C-10.4
  server.faults().On(Verb::kUpdate, "configmaps").Reply(409);
  const auto failed = Update();
  ASSERT_FALSE(failed);
  EXPECT_TRUE(IsConflict(failed.error()));
  EXPECT_EQ(Puts(), 5);
  EXPECT_GE(clock->Slept(), 40ms);
  EXPECT_LE(clock->Slept(), 44ms);
}

TEST_F(RetryOnConflictTest, StopsAtTheFirstSuccess) {  // C-10.4
  server.faults().On(Verb::kUpdate, "configmaps").Times(2).Reply(409);
  EXPECT_EQ(Update()->data.at("k"), "v");
  EXPECT_EQ(Puts(), 3);
}

TEST_F(RetryOnConflictTest, StopsAtAnyOtherError) {  // C-10.4
  server.faults().On(Verb::kUpdate, "configmaps").Reply(404);
  EXPECT_TRUE(IsNotFound(Update().error()));
  EXPECT_EQ(Puts(), 1);
}

TEST(OnError, GrowsItsWaitsAndEndsWithItsContext) {
  const auto clock = std::make_shared<FakeClock>();
  const Env env{.clock = clock, .random = SeededRandom(1)};
  const auto always = [](const Error&) { return true; };
  const auto fail = []() -> Result<void> { return Invalid("no"); };
  EXPECT_EQ(OnError({.duration = 1s, .factor = 2, .steps = 4}, always, fail, env).error().message(),
            "no");
  EXPECT_EQ(clock->Slept(), 1s + 2s + 4s);
  const Context ctx = Context().WithTimeout(*clock, 500ms);
  EXPECT_EQ(
      OnError({.duration = 1s, .factor = 2, .steps = 4}, always, fail, env, ctx).error().code(),
      Error::Code::kDeadlineExceeded);
}

}  // namespace
}  // namespace k8s::retry
