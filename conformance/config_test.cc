// Statements of chapter 1 as a caller of the whole client meets them: over the loopback, in virtual
// time. What a Config alone shows is in rest/config_test.cc.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fakeapiserver/server.h"
#include "k8s/api/appsv1.h"
#include "k8s/api/corev1.h"
#include "k8s/base/fake_clock.h"
#include "k8s/http/stub_for_test.h"
#include "k8s/kubernetes/clientset.h"
#include "k8s/rest/transport_for.h"

namespace k8s {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class ConfigTest : public testing::Test {
 protected:
  rest::Config Base() {
    rest::Config config{.host = "http://server"};
    config.transport = server.Loopback();
    config.env = env;
    return config;
  }
  std::string Target(size_t exchange) { return server.recorder().Exchanges().at(exchange).target; }
  // How long so many lists of both groups take.
  Duration Lists(const rest::Config& config, int of_core, int of_apps) {
    const Clientset clientset = Clientset::NewForConfig(config).value();
    const TimePoint start = clock->Now();
    for (int i = 0; i < of_core; ++i) EXPECT_TRUE(clientset.CoreV1().ConfigMaps("default").List());
    for (int i = 0; i < of_apps; ++i) EXPECT_TRUE(clientset.AppsV1().Deployments("default").List());
    return clock->Now() - start;
  }

  std::shared_ptr<FakeClock> clock = std::make_shared<FakeClock>();
  Env env{.clock = clock, .random = SeededRandom(1), .host = std::make_shared<http::FakeHost>()};
  fakeapiserver::Server server{{.env = env}};
};

TEST_F(ConfigTest, PutsThePathOfTheHostInFrontOfEveryRequest) {  // C-1.2
  rest::Config config = Base();
  config.host = "http://h:1/pre/fix";
  const Clientset clientset = Clientset::NewForConfig(config).value();
  static_cast<void>(clientset.CoreV1().Pods("n").List().has_value());
  static_cast<void>(clientset.Discovery().ServerGroups().has_value());
  EXPECT_EQ(Target(0), "/pre/fix/api/v1/namespaces/n/pods");
  EXPECT_THAT(Target(1), testing::StartsWith("/pre/fix/api"));
}

TEST_F(ConfigTest, GivesEachGroupABucketOfItsOwnWithoutQps) {  // C-1.5, C-1.6
  EXPECT_EQ(Lists(Base(), 10, 10), 0s);
  EXPECT_GE(Lists(Base(), 11, 0), 200ms);
  EXPECT_GE(Lists(Base(), 20, 0), 2s);
}

TEST_F(ConfigTest, SharesOneBucketWithQps) {  // C-1.7
  rest::Config config = Base();
  config.qps = 5;
  config.burst = 10;
  EXPECT_GE(Lists(config, 10, 10), 2s);
}

TEST_F(ConfigTest, NeverWaitsWithANegativeQps) {  // C-1.8
  rest::Config config = Base();
  config.qps = -1;
  EXPECT_EQ(Lists(config, 200, 0), 0s);
}

TEST_F(ConfigTest, WantsABurstForAClientsetAndNotForOneClient) {  // C-1.9
  rest::Config config = Base();
  config.qps = 1;
  const auto clientset = Clientset::NewForConfig(config);
  ASSERT_FALSE(clientset);
  EXPECT_THAT(clientset.error().message(), HasSubstr("burst is required to be greater than 0"));
  const auto client = kubernetes::RESTClientFor(config, "", "v1").value();
  const TimePoint start = clock->Now();
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(client->Get().Resource("nodes").Do());
  EXPECT_EQ(clock->Now() - start, 0s);
  EXPECT_TRUE(client->Get().Resource("nodes").Do());
  EXPECT_GE(clock->Now() - start, 1s);
}

TEST_F(ConfigTest, AsksTheServerForItsTimeoutToo) {  // C-1.11
  rest::Config config = Base();
  config.timeout = 2s;
  const Clientset clientset = Clientset::NewForConfig(config).value();
  const auto maps = clientset.CoreV1().ConfigMaps("default");
  static_cast<void>(maps.Get("a").has_value());
  ASSERT_TRUE(maps.List());
  ASSERT_TRUE(maps.List({.timeoutSeconds = 7}));
  EXPECT_THAT(Target(0), HasSubstr("timeout=2s"));
  EXPECT_THAT(Target(1), Not(HasSubstr("timeout")));
  EXPECT_THAT(Target(2), AllOf(HasSubstr("timeout=7s"), HasSubstr("timeoutSeconds=7")));
}

TEST_F(ConfigTest, FailsAGetThatIsNeverAnsweredAfterItsTimeout) {  // C-1.12
  server.faults().On(Verb::kGet, "configmaps").Hang();
  rest::Config config = Base();
  config.timeout = 1s;
  const Clientset clientset = Clientset::NewForConfig(config).value();
  const TimePoint start = clock->Now();
  const auto late = clientset.CoreV1().ConfigMaps("default").Get("a");
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code(), Error::Code::kDeadlineExceeded) << late.error();
  EXPECT_EQ(clock->Now() - start, 1s);
  EXPECT_EQ(server.recorder().Count(), 1u);
}

TEST_F(ConfigTest, EndsAQuietWatchAfterItsTimeoutWithoutAnError) {  // C-1.13
  rest::Config config = Base();
  config.timeout = 1s;
  const Clientset clientset = Clientset::NewForConfig(config).value();
  const std::string now = clientset.CoreV1().ConfigMaps("default").List()->metadata.resourceVersion;
  const TimePoint start = clock->Now();
  auto watch = clientset.CoreV1().ConfigMaps("default").Watch({.resourceVersion = now});
  ASSERT_TRUE(watch) << watch.error();
  EXPECT_FALSE(watch->Next());
  EXPECT_FALSE(watch->status());
  EXPECT_EQ(clock->Now() - start, 1s);
}

TEST_F(ConfigTest, IsLeftAsItWasByAClientset) {  // C-1.19
  rest::Config config = Base();
  config.qps = 5;
  config.burst = 10;
  ASSERT_TRUE(Clientset::NewForConfig(config));
  EXPECT_EQ(config.user_agent, "");
  EXPECT_EQ(config.rate_limiter, nullptr);
}

}  // namespace
}  // namespace k8s
