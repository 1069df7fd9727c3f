// Statements of chapter 4 that need a whole client and a whole server: over the loopback, in
// virtual time, by client-go's rules. The others stand in http/retry_test.cc.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fakeapiserver/server.h"
#include "k8s/api/corev1.h"
#include "k8s/base/fake_clock.h"
#include "k8s/base/strings.h"
#include "k8s/http/metrics.h"
#include "k8s/http/stub_for_test.h"
#include "k8s/kubernetes/clientset.h"

namespace k8s {
namespace {

using namespace std::chrono_literals;
using fakeapiserver::Place;
using testing::HasSubstr;

class RetryTest : public testing::Test {
 protected:
  RetryTest() {
    config.host = "http://server.test:80";
    config.transport = server.WireLoopback();
    config.qps = -1;
    config.env = env;
  }
  ResourceClient<corev1::ConfigMap> Maps() {
    if (!clientset) clientset.emplace(Clientset::NewForConfig(config).value());
    return clientset->CoreV1().ConfigMaps("default");
  }
  static corev1::ConfigMap Map(std::string name) { return {.metadata = {.name = std::move(name)}}; }
  size_t Count() const { return server.recorder().Count(); }

  std::shared_ptr<FakeClock> clock = std::make_shared<FakeClock>();
  Env env{.clock = clock, .random = SeededRandom(1), .host = std::make_shared<http::FakeHost>()};
  mutable fakeapiserver::Server server{{.env = env}};
  rest::Config config;
  std::optional<Clientset> clientset;
};

TEST_F(RetryTest, KeepsTheSecondsOfAnswersThatItDoesNotRepeat) {  // C-4.7
  for (const int status : {408, 409, 404, 403, 401}) {
    server.recorder().Clear();
    server.faults()
        .On(Verb::kGet, "configmaps")
        .Times(1)
        .Reply(status)
        .RetryAfter(1s)
        .Body("text/plain", "no");
    const auto got = Maps().Get("a");
    ASSERT_FALSE(got);
    EXPECT_EQ(SuggestsClientDelay(got.error()), 1) << status;
    EXPECT_EQ(Count(), 1u);
  }
}

TEST_F(RetryTest, DoesNotRepeatAnAnswerThatBreaksOffInItsBody) {  // C-4.18
  server.faults().On(Verb::kList, "configmaps").Times(1).Close(Place::kBody, 3);
  server.faults().On(Verb::kList, "configmaps").Times(1).Reset(Place::kBody, 3);
  for (const char* why : {"unexpected EOF", "connection reset by peer"}) {
    const auto list = Maps().List();
    ASSERT_FALSE(list);
    EXPECT_THAT(list.error().message(), HasSubstr("error when reading response body"));
    EXPECT_THAT(list.error().message(), HasSubstr(why));
  }
  EXPECT_EQ(Count(), 2u);
  EXPECT_EQ(clock->Slept(), 0s);
}

TEST_F(RetryTest, EndsWithTheTimeoutOfTheRequestHoweverManyAnswers) {  // C-4.29
  server.faults().OnEvery("configmaps").Delay(300ms).Reply(429).RetryAfter(0s);
  Maps();
  const TimePoint start = clock->Now();
  const auto got = clientset->CoreV1()
                       .RESTClient()
                       .Get()
                       .Namespace("default")
                       .Resource("configmaps")
                       .Name("a")
                       .Timeout(1s)
                       .Do();
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code(), Error::Code::kDeadlineExceeded);
  EXPECT_LE(Count(), 4u);
  EXPECT_EQ(clock->Now() - start, 1s);
}

TEST_F(RetryTest, ARetryReusesTheConnectionOfAShortAnswer) {  // C-4.36
  ASSERT_TRUE(Maps().Create(Map("a")));
  for (const size_t length : {1024, 10000}) {
    server.recorder().Clear();
    server.faults()
        .On(Verb::kGet, "configmaps")
        .Times(1)
        .Reply(429)
        .RetryAfter(0s)
        .Body("text/plain", std::string(length, 'x'));
    EXPECT_TRUE(Maps().Get("a"));
    const auto seen = server.recorder().Exchanges();
    ASSERT_EQ(seen.size(), 2u);
    EXPECT_EQ(seen[0].connection == seen[1].connection, length == 1024);
  }
}

TEST_F(RetryTest, TheLastAnswerAloneShapesTheError) {  // C-4.37
  auto& faults = server.faults();
  faults.On(Verb::kGet, "configmaps").Times(10).Reply(429).RetryAfter(0s).Message("the first");
  faults.On(Verb::kGet, "configmaps").Times(1).Reply(503).RetryAfter(0s).Message("the last");
  const auto got = Maps().Get("a");
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().message(), "the last");
  EXPECT_TRUE(IsServiceUnavailable(got.error()));
  EXPECT_EQ(Count(), 11u);
}

TEST_F(RetryTest, AWatchThatIsToldGoneIsNotRepeated) {  // C-4.24
  server.faults().On(Verb::kWatch, "configmaps").Times(1).Reply(410).RetryAfter(1s);
  const auto watch = Maps().Watch();
  ASSERT_FALSE(watch);
  EXPECT_TRUE(IsResourceExpired(watch.error()));
  server.faults().OnConnection().Times(1).Refuse();
  clientset.reset();
  config.transport = server.WireLoopback();
  EXPECT_FALSE(Maps().Watch());
  EXPECT_EQ(Count(), 1u);
}

TEST_F(RetryTest, ReportsACallOnceAndItsAttemptsEach) {  // C-4.35
  int results = 0, retries = 0, latencies = 0;
  http::metrics::ReplaceForTest(
      {.request_latency = [&](const auto&, const auto&, Duration) { ++latencies; },
       .request_result = [&](const auto&, const auto&, const auto&) { ++results; },
       .request_retry = [&](const auto&, const auto&, const auto&) { ++retries; }});
  server.faults().On(Verb::kList, "configmaps").Times(2).Reply(429).RetryAfter(1s);
  EXPECT_TRUE(Maps().List());
  http::metrics::ReplaceForTest({});
  EXPECT_EQ(results, 3);
  EXPECT_EQ(retries, 2);
  EXPECT_EQ(latencies, 1);
}

TEST_F(RetryTest, ACreateThatWasStoredMeetsItselfWhenItIsSentAgain) {  // C-4.40
  server.faults().On(Verb::kCreate, "configmaps").Times(1).Stored().Reply(500).RetryAfter(0s);
  const auto created = Maps().Create(Map("a"));
  ASSERT_FALSE(created);
  EXPECT_TRUE(IsAlreadyExists(created.error()));
  EXPECT_FALSE(created.error().nothing_done());
  EXPECT_EQ(Count(), 2u);
  std::ostringstream text;
  text << created.error();
  EXPECT_EQ(text.str(), R"(configmaps "a" already exists (attempt 2 of 11; 0s: 500; 0s: 409))");
}

}  // namespace
}  // namespace k8s
