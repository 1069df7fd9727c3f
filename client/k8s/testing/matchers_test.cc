#include "k8s/testing/matchers.h"

#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include "fakeapiserver/server.h"
#include "k8s/api/corev1.h"
#include "k8s/base/fake_clock.h"
#include "k8s/kubernetes/clientset.h"
#include "k8s/testing/faults_must_fire.h"

namespace k8s {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

fakeapiserver::Exchange At(Duration at, std::string method = "GET", std::string target = "/a") {
  fakeapiserver::Exchange one;
  one.at = one.answered_at = TimePoint(1h) + at;
  one.method = std::move(method);
  one.target = std::move(target);
  one.status = one.handled = 200;
  return one;
}

Exchanges Numbered(Exchanges exchanges) {
  for (size_t i = 0; i < exchanges.size(); ++i) exchanges[i].number = i + 1;
  return exchanges;
}

std::string WhyNot(const ExchangesMatcher& matcher, const Exchanges& exchanges) {
  testing::StringMatchResultListener listener;
  EXPECT_FALSE(matcher.MatchAndExplain(exchanges, &listener));
  return listener.str();
}

fakeapiserver::Exchange Watch(Duration at, std::string revision, int64_t last) {
  auto one = At(at, "GET", "/api/v1/pods?watch=true&resourceVersion=" + revision);
  one.info.verb = "watch";
  one.info.path = "/api/v1/pods";
  one.last_revision = last;
  return one;
}

TEST(Matchers, TellResultsApart) {
  const Result<int> three = 3;
  const Result<int> gone = Error::Api({.reason = "NotFound", .code = 404});
  EXPECT_THAT(three, IsOk());
  EXPECT_THAT(three, IsOkAnd(3));
  EXPECT_THAT(three, Not(IsOkAnd(4)));
  EXPECT_THAT(gone, Not(IsOk()));
  EXPECT_THAT(gone, HasReason("NotFound"));
  EXPECT_THAT(gone, Not(HasReason("Conflict")));
  EXPECT_THAT(gone, IsError(Error::Code::kApi));
  EXPECT_THAT(three, Not(IsError(Error::Code::kApi)));
  EXPECT_THAT(Result<void>(), IsOk());
}

TEST(Matchers, SayWhichErrorThereWas) {
  EXPECT_NONFATAL_FAILURE(EXPECT_THAT(Result<int>(Invalid("no name")), IsOk()), "no name");
}

TEST(Matchers, CountTheCreatesThatAreStored) {
  auto create = At(0s, "POST");
  create.info.verb = "create";
  create.info.resource = "pods";
  create.status = 0;  // the client never heard of it
  create.handled = 201;
  auto dry = create;
  dry.target = "/a?dryRun=All";
  EXPECT_THAT((Exchanges{create, dry}), StoredOneCreate("pods"));
  EXPECT_THAT((Exchanges{create, create}), Not(StoredOneCreate("pods")));
  EXPECT_THAT((Exchanges{create}), Not(StoredOneCreate("secrets")));
}

TEST(Matchers, SeeARequestWithinTheTimeOfItsRetryAfter) {
  auto busy = At(0s);
  busy.status = 429;
  busy.retry_after = "7";
  EXPECT_THAT((Exchanges{busy, At(7s)}), HonoursRetryAfter());
  EXPECT_THAT((Exchanges{busy, At(6s, "GET", "/b"), At(7s)}), HonoursRetryAfter());
  EXPECT_THAT(WhyNot(HonoursRetryAfter(), Numbered({busy, At(6s)})),
              HasSubstr("#2 came too early after #1"));
}

TEST(Matchers, CountRequestsInFlight) {
  auto slow = At(0s);
  slow.answered_at += 5s;
  EXPECT_THAT((Exchanges{slow, At(2s), At(3s), At(5s)}), HasInFlightAtMost(2));
  EXPECT_THAT((Exchanges{slow, At(2s)}), Not(HasInFlightAtMost(1)));
  auto unanswered = At(0s);
  unanswered.answered_at = {};
  EXPECT_THAT((Exchanges{unanswered, At(100s)}), Not(HasInFlightAtMost(1)));
}

TEST(Matchers, HoldAWatchAgainstTheOneBeforeIt) {
  EXPECT_THAT((Exchanges{Watch(0s, "5", 9), Watch(1s, "9", 0), Watch(2s, "9", 0)}),
              ResumesWatches());
  EXPECT_THAT(WhyNot(ResumesWatches(), Numbered({Watch(0s, "5", 9), Watch(1s, "5", 0)})),
              HasSubstr("#2 began at 5, but #1 had come to 9"));
  auto left = Watch(0s, "5", 9);
  left.hung_up = true;
  EXPECT_THAT((Exchanges{left, Watch(1s, "7", 0)}), ResumesWatches());
  EXPECT_THAT((Exchanges{left, Watch(1s, "10", 0)}), Not(ResumesWatches()));
  auto list = At(1s, "GET", "/api/v1/pods");
  list.info.verb = "list";
  list.info.path = "/api/v1/pods";
  EXPECT_THAT((Exchanges{Watch(0s, "5", 9), list, Watch(1s, "20", 0)}), ResumesWatches());
}

TEST(Matchers, SeeAHotLoop) {
  EXPECT_THAT((Exchanges{At(0s), At(0s), At(1s), At(1s)}), HasNoHotLoop(2, 1s));
  EXPECT_THAT((Exchanges{At(0s), At(0s, "PUT"), At(500ms), At(900ms)}), Not(HasNoHotLoop(2, 1s)));
}

class TimelineTest : public testing::Test {
 protected:
  TimelineTest() {
    config.host = "http://server";
    config.transport = server.WireLoopback();
    config.qps = -1;
    config.env = env;
  }
  std::shared_ptr<FakeClock> clock = std::make_shared<FakeClock>();
  Env env{.clock = clock, .random = SeededRandom(1)};
  fakeapiserver::Server server{{.env = env}};
  rest::Config config;
};

TEST_F(TimelineTest, ShowsWhatStruckAndWhatWasStored) {
  server.faults().On(Verb::kCreate, "configmaps").Times(1).Reply(429).RetryAfter(7s);
  server.faults().On(Verb::kCreate, "configmaps").Times(1).Stored().Reset();
  const auto clientset = Clientset::NewForConfig(config).value();
  EXPECT_THAT(clientset.CoreV1().ConfigMaps("default").Create({.metadata = {.name = "a"}}),
              Not(IsOk()));
  const auto seen = server.recorder().Exchanges();
  EXPECT_THAT(seen, StoredOneCreate("configmaps"));
  EXPECT_THAT(seen, HonoursRetryAfter());
  EXPECT_EQ(
      Timeline(seen),
      "time      conn  request                                        answer\n"
      "0.000s    c1    #1 POST /api/v1/namespaces/default/configmaps  429, retry after 7 <- "
      "rule-1\n"
      "          ...   7.000s\n"
      "7.000s    c1    #2 POST /api/v1/namespaces/default/configmaps  no answer (the handlers "
      "said 201) <- rule-2\n");
}

TEST_F(TimelineTest, ShowsHowFarAWatchCame) {
  server.faults().On(Verb::kWatch, "configmaps").Times(1).Reset(fakeapiserver::Place::kFrame, 1);
  const auto clientset = Clientset::NewForConfig(config).value();
  const auto maps = clientset.CoreV1().ConfigMaps("default");
  const auto first = maps.Create({.metadata = {.name = "a"}}).value();
  const auto second = maps.Create({.metadata = {.name = "b"}}).value();
  const auto before = std::to_string(std::stoll(first.metadata.resourceVersion) - 1);
  auto watch = maps.Watch({.resourceVersion = before, .timeoutSeconds = 5}).value();
  int events = 0;
  for (auto event = watch.begin(); event != watch.end(); ++event) ++events;
  EXPECT_EQ(events, 1);
  const auto seen = server.recorder().Exchanges().back();
  EXPECT_EQ(std::to_string(seen.last_revision), first.metadata.resourceVersion);
  EXPECT_FALSE(seen.hung_up);
  EXPECT_THAT(testing::PrintToString(seen),
              HasSubstr("200, events to " + first.metadata.resourceVersion +
                        ", ended after 0.000s <- rule-1"));
}

TEST(Timeline, DrawsTheNewestOfMany) {
  const std::string text = Timeline(Exchanges(kMaxTimelineLines + 3, At(0s)));
  EXPECT_THAT(text, HasSubstr("3 earlier ones"));
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), kMaxTimelineLines + 2);
  EXPECT_EQ(Timeline({}), "no exchanges\n");
}

TEST(FaultsMustFire, FailsATestWhoseFaultWasNotMet) {
  FaultsMustFire listener;
  const auto& info = *testing::UnitTest::GetInstance()->current_test_info();
  listener.OnTestStart(info);
  EXPECT_NONFATAL_FAILURE(
      {
        fakeapiserver::Server server({.bootstrap = false});
        server.faults().On(Verb::kGet, "pods").Reply(500);
      },
      "rule-1 struck 0 times");
  listener.OnTestEnd(info);
  fakeapiserver::Server unwatched({.bootstrap = false});
  unwatched.faults().On(Verb::kGet, "pods").Reply(500);
}

}  // namespace
}  // namespace k8s
