// Statements of chapter 5 as a caller of the whole client meets them: over the loopback, in virtual
// time. The token bucket alone is in http/layers_test.cc.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mutex>

#include "fakeapiserver/server.h"
#include "k8s/api/corev1.h"
#include "k8s/base/fake_clock.h"
#include "k8s/base/log.h"
#include "k8s/base/thread.h"
#include "k8s/http/stub_for_test.h"
#include "k8s/kubernetes/clientset.h"

namespace k8s {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

class FlowControlTest : public testing::Test {
 protected:
  FlowControlTest() {
    SetLogSink([](int, std::string_view) {});
  }
  ~FlowControlTest() override { SetLogSink({}); }

  Clientset Limited(double qps, int burst, std::shared_ptr<http::RateLimiter> limiter = nullptr) {
    rest::Config config{.host = "http://server", .transport = server.Loopback()};
    config.qps = qps;
    config.burst = burst;
    config.rate_limiter = std::move(limiter);
    config.env = env;
    return Clientset::NewForConfig(config).value();
  }
  static Result<void> List(const Clientset& clientset, const Context& ctx = {}) {
    const auto list = clientset.CoreV1().ConfigMaps("default").List({}, ctx);
    return list ? Result<void>() : Result<void>(list.error());
  }
  Duration Began(size_t exchange) const {
    return server.recorder().Exchanges().at(exchange).at - start;
  }

  std::shared_ptr<FakeClock> clock = std::make_shared<FakeClock>();
  Env env{.clock = clock, .random = SeededRandom(1), .host = std::make_shared<http::FakeHost>()};
  mutable fakeapiserver::Server server{{.env = env}};
  const TimePoint start = clock->Now();
};

TEST_F(FlowControlTest, LetsABurstPassAndThenItsRate) {  // C-5.1, C-5.2
  const Clientset clientset = Limited(5, 10);
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(List(clientset));
  EXPECT_EQ(Began(9), 0s);
  EXPECT_GE(Began(10), 200ms);
  EXPECT_GE(Began(19), 2s);
  for (const Duration idle : {2s, 60s}) {  // full again, and no fuller
    clock->Step(idle);
    server.recorder().Clear();
    const TimePoint now = clock->Now();
    for (int i = 0; i < 11; ++i) ASSERT_TRUE(List(clientset));
    EXPECT_EQ(Began(9), now - start);
    EXPECT_GE(Began(10), now - start + 200ms);
  }
}

TEST_F(FlowControlTest, RefusesAtOnceWhatWouldComeTooLate) {  // C-5.3
  const Clientset clientset = Limited(1, 1);
  const Context ctx = Context().WithTimeout(*clock, 300ms);
  ASSERT_TRUE(List(clientset, ctx));
  const auto refused = List(clientset, ctx);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message(),
            "client rate limiter Wait returned an error: rate: Wait(n=1) would exceed context "
            "deadline");
  EXPECT_TRUE(refused.error().nothing_done());
  EXPECT_EQ(clock->Slept(), 0s);
  EXPECT_EQ(server.recorder().Count(), 1u);
}

TEST_F(FlowControlTest, ACancelledWaitCostsNobodyAToken) {  // C-5.4
  const Clientset clientset = Limited(1, 1);
  ASSERT_TRUE(List(clientset));
  std::stop_source stop;
  Thread canceller(clock, "canceller", [&](std::stop_token) {
    ASSERT_TRUE(Sleep(*clock, 300ms, {}));
    stop.request_stop();
  });
  const auto canceled = List(clientset, Context(stop.get_token()));
  ASSERT_FALSE(canceled);
  EXPECT_EQ(canceled.error().message(), "context canceled");
  canceller.Join();
  ASSERT_TRUE(List(clientset));
  EXPECT_LE(Began(1), 1001ms);
}

TEST_F(FlowControlTest, AWatchStartsWithAnEmptyBucket) {  // C-5.6
  const Clientset clientset = Limited(1, 1);
  ASSERT_TRUE(List(clientset));
  EXPECT_TRUE(clientset.CoreV1().ConfigMaps("default").Watch());
  EXPECT_EQ(Began(1), 0s);
}

TEST_F(FlowControlTest, ALimiterThatNeverAgreesLetsNothingOut) {  // C-5.7
  const auto refused = List(Limited(0, 0, http::NeverRateLimiter()));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message(),
            "client rate limiter Wait returned an error: can not be accept");
  EXPECT_EQ(server.recorder().Count(), 0u);
}

// Makes everyone wait as long.
class Slow final : public http::RateLimiter {
 public:
  explicit Slow(std::shared_ptr<Clock> clock) : clock_(std::move(clock)) {}
  bool TryAccept() override { return true; }
  Result<void> Wait(const Context& ctx) override { return Sleep(*clock_, 1500ms, ctx); }
  double Qps() const override { return 1; }

 private:
  std::shared_ptr<Clock> clock_;
};

TEST_F(FlowControlTest, LogsOneOfManyLongWaits) {  // C-5.9
  std::mutex mutex;
  std::vector<std::string> lines;
  SetLogSink([&](int, std::string_view line) {
    std::lock_guard lock(mutex);
    lines.emplace_back(line);
  });
  const Clientset clientset = Limited(0, 0, std::make_shared<Slow>(clock));
  std::vector<Thread> threads;
  for (int i = 0; i < 20; ++i) {
    threads.emplace_back(clock, "caller", [&](std::stop_token) { ASSERT_TRUE(List(clientset)); });
  }
  for (Thread& thread : threads) thread.Join();
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_THAT(lines[0], HasSubstr("delay=1.5"));
  EXPECT_THAT(lines[0], HasSubstr("client-side throttling, not priority and fairness"));
}

TEST_F(FlowControlTest, ARequestMayPassTheBucket) {  // C-5.10
  const Clientset clientset = Limited(1, 1);
  ASSERT_TRUE(List(clientset));
  EXPECT_TRUE(clientset.CoreV1().RESTClient().Get().Resource("nodes").Throttle(nullptr).Do());
  EXPECT_EQ(Began(1), 0s);
}

TEST_F(FlowControlTest, AWaitForATokenIsNotChargedToTheTimeout) {  // C-5.11
  const Clientset clientset = Limited(1, 1);
  ASSERT_TRUE(List(clientset));
  EXPECT_TRUE(clientset.CoreV1().RESTClient().Get().Resource("nodes").Timeout(500ms).Do());
  EXPECT_EQ(Began(1), 1s);
}

}  // namespace
}  // namespace k8s
