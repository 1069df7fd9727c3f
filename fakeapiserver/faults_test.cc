#include "fakeapiserver/faults.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fakeapiserver/router.h"
#include "fakeapiserver/server.h"
#include "k8s/base/fake_clock.h"
#include "k8s/base/strings.h"
#include "k8s/machinery/json.h"

namespace k8s::fakeapiserver {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

constexpr std::string_view kMaps = "/api/v1/namespaces/default/configmaps";

class FaultsTest : public testing::Test {
 protected:
  static http::Request Make(std::string_view method, std::string_view target, std::string body = {},
                            http::Headers headers = {}) {
    http::Request request{.method = std::string(method),
                          .url = http::Url::Parse(Cat("http://server", target)).value(),
                          .headers = std::move(headers)};
    if (!body.empty()) {
      request.headers.Set("Content-Type", "application/json");
      request.body = std::make_shared<const std::string>(std::move(body));
    }
    return request;
  }
  struct Told {
    int status = 0;  // 0: no answer
    std::string text{};
    http::Headers headers{};
  };
  Told Send(const http::Request& request) {
    auto response = transport->RoundTrip(request, {});
    if (!response) return {0, response.error().message()};
    auto body = response->body->ReadAll();
    return {response->status, body ? *body : body.error().message(), response->headers};
  }
  Told Get(std::string_view target, http::Headers headers = {}) {
    return Send(Make("GET", target, {}, std::move(headers)));
  }
  int Status(std::string_view target, http::Headers headers = {}) {
    return Get(target, std::move(headers)).status;
  }
  static std::string Map(std::string_view name) {
    return Cat(R"({"metadata":{"name":")", name, "\"}}");
  }

  std::shared_ptr<FakeClock> clock = std::make_shared<FakeClock>();
  Server server{Options{.env = {.clock = clock, .random = SeededRandom(1)}, .fault_objects = true}};
  Faults& faults = server.faults();
  std::shared_ptr<http::RoundTripper> transport = server.Loopback();
};

TEST_F(FaultsTest, StrikeWhatAllTheirConditionsMatch) {
  faults.On(Verb::kGet, "configmaps").Namespace("default").Name("a").Reply(500);
  faults.OnPath("/readyz*").Reply(500);
  faults.On(Verb::kList, "secrets").Header("X-Test", "one").Reply(500);
  faults.On(Verb::kList, "pods").UserAgent("kubectl/").User("jane").Reply(500);
  faults.OnEvery("deployments").Group("apps").SubResource("scale").Reply(500);
  EXPECT_EQ(Status(Cat(kMaps, "/a")), 500);
  EXPECT_EQ(Status(Cat(kMaps, "/b")), 404);
  EXPECT_EQ(Status(kMaps), 200);
  EXPECT_EQ(Status("/readyz/ping"), 500);
  EXPECT_EQ(Status("/livez"), 200);
  EXPECT_EQ(Status("/api/v1/secrets"), 200);
  EXPECT_EQ(Status("/api/v1/secrets", {{"X-Test", "two"}}), 200);
  EXPECT_EQ(Status("/api/v1/secrets", {{"X-Test", "one"}}), 500);
  EXPECT_EQ(Status("/api/v1/pods", {{"User-Agent", "kubectl/v1"}}), 200);
  EXPECT_EQ(Status("/api/v1/pods", {{"User-Agent", "kubectl/v1"}, {"Impersonate-User", "jane"}}),
            500);
  EXPECT_EQ(Status("/apis/apps/v1/namespaces/default/deployments/a"), 404);
  EXPECT_EQ(Status("/apis/apps/v1/namespaces/default/deployments/a/scale"), 500);
}

TEST_F(FaultsTest, AreTriedInOrderAndStepAsideWhenSpent) {
  faults.On(Verb::kList, "configmaps").Skip(1).Times(2).Reply(429);
  faults.On(Verb::kList, "configmaps").Times(1).Reply(503);
  std::vector<int> told;
  for (int i = 0; i < 5; ++i) told.push_back(Status(kMaps));
  EXPECT_THAT(told, testing::ElementsAre(503, 429, 429, 200, 200));
  EXPECT_EQ(faults.Unspent(), 0);
}

TEST_F(FaultsTest, CountThoseThatStruckTooLittle) {
  Rule& twice = faults.On(Verb::kList, "configmaps").Times(2).Reply(429);
  faults.On(Verb::kList, "pods").Reply(429);
  Status(kMaps);
  EXPECT_EQ(faults.Unspent(), 2);
  EXPECT_THAT(faults.DescribeUnspent(), HasSubstr("rule-1 struck 1 times of 2"));
  Status(kMaps);
  Status("/api/v1/pods");
  EXPECT_EQ(faults.Unspent(), 0);
  EXPECT_EQ(twice.fired(), 2);
}

TEST_F(FaultsTest, StrikeByChanceFromTheirSeed) {
  const auto run = [&](uint64_t seed) {
    faults.Clear();
    faults.On(Verb::kList, "configmaps").Probability(0.5, seed).Reply(500);
    std::string out;
    for (int i = 0; i < 40; ++i) out += Status(kMaps) == 500 ? 'x' : '.';
    return out;
  };
  const std::string first = run(7);
  EXPECT_EQ(first, run(7));
  EXPECT_NE(first, run(8));
  EXPECT_THAT(first, HasSubstr("x"));
  EXPECT_THAT(first, HasSubstr("."));
}

TEST_F(FaultsTest, StrikeWithinTheirTimeAndOncePerClient) {
  faults.On(Verb::kList, "configmaps").From(5s).Until(10s).Reply(500);
  EXPECT_EQ(Status(kMaps), 200);
  clock->Step(5s);
  EXPECT_EQ(Status(kMaps), 500);
  clock->Step(5s);
  EXPECT_EQ(Status(kMaps), 200);
  faults.On(Verb::kList, "pods").OncePerClient().Reply(500);
  for (const char* agent : {"a", "b"}) {
    EXPECT_EQ(Status("/api/v1/pods", {{"User-Agent", agent}}), 500);
    EXPECT_EQ(Status("/api/v1/pods", {{"User-Agent", agent}}), 200);
  }
}

TEST_F(FaultsTest, AnswerWithAStatusInTheFormThatWasAskedFor) {
  faults.On(Verb::kList, "configmaps").Reply(429).RetryAfter(7s).Message("slow down");
  const Told told = Get(kMaps);
  EXPECT_EQ(told.headers.Get("Retry-After"), "7");
  const Value status = ParseJson(told.text).value();
  EXPECT_EQ(status.StringAt({"reason"}), "TooManyRequests");
  EXPECT_EQ(status.StringAt({"message"}), "slow down");
  EXPECT_EQ(status.IntAt({"details", "retryAfterSeconds"}), 7);
  EXPECT_THAT(Get(kMaps, {{"Accept", "application/vnd.kubernetes.protobuf"}}).text,
              testing::StartsWith(std::string("k8s\0", 4)));
}

TEST_F(FaultsTest, AnswerAsRealServersAndProxiesDo) {  // S-14.1, S-14.6, S-14.7
  faults.On(Verb::kList, "configmaps").Times(1).ReplyLike("too-many-requests");
  faults.On(Verb::kList, "configmaps").Times(1).ReplyLike("leader-changed");
  faults.On(Verb::kList, "configmaps").Times(1).ReplyLike("login-page");
  const Told busy = Get(kMaps);
  EXPECT_EQ(busy.status, 429);
  EXPECT_EQ(busy.text, "Too many requests, please try again later.\n");
  EXPECT_EQ(busy.headers.Get("Retry-After"), "1");
  EXPECT_EQ(busy.headers.Get("Content-Type"), "text/plain; charset=utf-8");
  const Value leader = ParseJson(Get(kMaps).text).value();
  EXPECT_EQ(leader.StringAt({"message"}), "etcdserver: leader changed");
  EXPECT_EQ(leader.Find("reason"), nullptr);
  const Told page = Get(kMaps);
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.headers.Get("Content-Type"), "text/html");
}

TEST_F(FaultsTest, ChangeAnswersThatAreOtherwiseTheServersOwn) {
  faults.On(Verb::kList, "configmaps").Times(1).Warning("this is old").AnswerHeader("X-A", "b");
  faults.On(Verb::kList, "configmaps").Times(1).Body("", "");
  faults.On(Verb::kList, "configmaps").Times(1).Body("text/html", "<html>");
  const Told warned = Get(kMaps);
  EXPECT_EQ(warned.status, 200);
  EXPECT_EQ(warned.headers.Get("Warning"), R"(299 - "this is old")");
  EXPECT_EQ(warned.headers.Get("X-A"), "b");
  EXPECT_EQ(Get(kMaps).text, "");
  EXPECT_EQ(Get(kMaps).headers.Get("Content-Type"), "text/html");
}

TEST_F(FaultsTest, RefuseATokenUntilItChanges) {
  faults.OnEvery("configmaps").UnauthorizedUntil("second");
  EXPECT_EQ(Status(kMaps, {{"Authorization", "Bearer first"}}), 401);
  EXPECT_EQ(Status(kMaps, {{"Authorization", "Bearer second"}}), 200);
}

TEST_F(FaultsTest, StrikeBeforeOrAfterTheChangeIsStored) {
  faults.On(Verb::kCreate, "configmaps").Times(1).Reply(500);
  faults.On(Verb::kCreate, "configmaps").Times(1).Stored().Reply(500);
  EXPECT_EQ(Send(Make("POST", kMaps, Map("a"))).status, 500);
  EXPECT_EQ(Send(Make("POST", kMaps, Map("b"))).status, 500);
  EXPECT_EQ(Status(Cat(kMaps, "/a")), 404);
  EXPECT_EQ(Status(Cat(kMaps, "/b")), 200);
}

TEST_F(FaultsTest, DelayTheRequestOrTheAnswer) {
  faults.On(Verb::kCreate, "configmaps").Times(1).Delay(3s);
  faults.On(Verb::kCreate, "configmaps").Times(1).Stored().Delay(3s);
  EXPECT_EQ(Send(Make("POST", kMaps, Map("a"))).status, 201);
  EXPECT_EQ(Send(Make("POST", kMaps, Map("b"))).status, 201);
  EXPECT_EQ(clock->Slept(), 6s);
  const auto seen = server.recorder().Exchanges();
  EXPECT_EQ(seen[0].answered_at - seen[0].at, 3s);
  EXPECT_EQ(seen[1].answered_at - seen[1].at, 0s);
}

TEST_F(FaultsTest, AnswerReadsFromThePast) {
  ASSERT_EQ(Send(Make("POST", kMaps, Map("a"))).status, 201);
  ASSERT_EQ(Send(Make("POST", kMaps, Map("b"))).status, 201);
  faults.OnEvery("configmaps").Stale(1);
  EXPECT_EQ(Status(Cat(kMaps, "/a")), 200);
  EXPECT_EQ(Status(Cat(kMaps, "/b")), 404);
  EXPECT_THAT(Get(kMaps).text, testing::Not(HasSubstr(R"("name":"b")")));
}

TEST_F(FaultsTest, AnswerReadsFromThePastThatHadToWait) {
  const Told made = Send(Make("POST", kMaps, Map("a")));
  const int64_t newest = *ParseInt(ParseJson(made.text)->StringAt({"metadata", "resourceVersion"}));
  faults.On(Verb::kList, "configmaps").Stale(1);
  Answer answer =
      server.Serve(Make("GET", Cat(kMaps, "?resourceVersion=", std::to_string(newest + 1))), 1);
  ASSERT_TRUE(answer.decide);
  ASSERT_EQ(Send(Make("POST", kMaps, Map("b"))).status, 201);
  answer = answer.decide();
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(Gather(answer.body), HasSubstr(R"("name":"a")"));
  EXPECT_THAT(Gather(answer.body), testing::Not(HasSubstr(R"("name":"b")")));
}

TEST_F(FaultsTest, EndConnectionsInMemoryAsOnSockets) {
  faults.OnConnection().Times(1).Refuse();
  faults.OnConnection().Times(1).Reset(Place::kAccept);
  faults.OnEvery("configmaps").Times(1).Reset();
  faults.OnEvery("configmaps").Times(1).Close();
  faults.OnEvery("configmaps").Times(1).Truncate(5);
  faults.OnEvery("configmaps").Times(1).Hang(Place::kRequest, 0, 9s);
  EXPECT_THAT(Get(kMaps).text, HasSubstr("connection refused"));
  EXPECT_THAT(Get(kMaps).text, HasSubstr("connection reset by peer"));
  EXPECT_THAT(Get(kMaps).text, HasSubstr("connection reset by peer"));
  EXPECT_EQ(Get(kMaps).text, "EOF");
  EXPECT_EQ(Get(kMaps).text, "unexpected EOF");
  EXPECT_EQ(Get(kMaps).text, "EOF");
  EXPECT_EQ(clock->Slept(), 9s);
  EXPECT_EQ(faults.Unspent(), 0);
}

TEST_F(FaultsTest, AreReadFromYamlOrNotAtAll) {
  ASSERT_TRUE(faults.Load("f.yaml", R"(
- match: {verb: list, resource: configmaps}
  times: 1
  do:
  - {delay: 2s, reply: 503, retryAfter: 1}
---
kind: Fault
apiVersion: fakeapiserver.test/v1
metadata: {name: named}
spec:
  match: {verb: get}
  do: [{reset: {at: body, after: 3}}]
)"));
  EXPECT_EQ(faults.Rules().size(), 2u);
  EXPECT_EQ(Status(kMaps), 503);
  EXPECT_EQ(clock->Slept(), 2s);
  ASSERT_TRUE(faults.Find("named"));
  const auto error = [&](std::string_view text) {
    const auto loaded = faults.Load("f.yaml", text);
    return loaded ? std::string("none") : loaded.error().message();
  };
  EXPECT_EQ(error("- match: {verb: get}\n  do: [{replay: 4}]"),
            R"(f.yaml: rule 1 (line 1): unknown field "do[0].replay")");
  EXPECT_EQ(
      error("- {match: {}, do: [{reply: 503}]}\n- {match: {}, do: [{reply: nonsense}]}"),
      R"(f.yaml: rule 2 (line 1): do[0]: reply: "nonsense" is neither a status nor a name of )"
      "docs/faults.md");
  EXPECT_THAT(error("- {match: {verb: get}, do: [{reset: {at: accept}}]}"),
              HasSubstr("a connection is met before its requests are known"));
  EXPECT_THAT(error("- {match: {}, do: [{reset: {}, close: {}}]}"),
              HasSubstr("a connection ends only once"));
  EXPECT_THAT(error("- {match: {}, do: [{hang: {at: nowhere}}]}"), HasSubstr("hang.at"));
  EXPECT_THAT(error("- {match: {}}"), HasSubstr("do: says nothing"));
  EXPECT_EQ(faults.Rules().size(), 2u);
}

TEST_F(FaultsTest, AWrongRuleNeverStrikesAndSaysWhy) {
  Rule& rule = faults.On(Verb::kList, "configmaps").Reset(Place::kAccept);
  EXPECT_EQ(Status(kMaps), 200);
  ASSERT_TRUE(rule.error());
  EXPECT_EQ(faults.Unspent(), 1);
  EXPECT_THAT(faults.DescribeUnspent(), HasSubstr("never does"));
}

TEST_F(FaultsTest, AreObjectsThatKubectlCanMakeAndWatch) {
  constexpr std::string_view kFaults = "/apis/fakeapiserver.test/v1/faults";
  const std::string fault =
      R"({"apiVersion":"fakeapiserver.test/v1","kind":"Fault","metadata":{"name":"busy"},)"
      R"("spec":{"match":{"verb":"list","resource":"configmaps"},"times":1,"do":[{"reply":429}]}})";
  ASSERT_EQ(Send(Make("POST", kFaults, fault)).status, 201);
  EXPECT_EQ(Status(kMaps), 429);
  EXPECT_EQ(Status(kMaps), 200);
  const Value live = ParseJson(Get(Cat(kFaults, "/busy")).text).value();
  EXPECT_EQ(live.IntAt({"status", "fired"}), 1);
  EXPECT_EQ(live.IntAt({"status", "left"}, -1), 0);
  EXPECT_EQ(Send(Make("DELETE", Cat(kFaults, "/busy"))).status, 200);
  EXPECT_TRUE(faults.Rules().empty());
  const Told wrong =
      Send(Make("POST", kFaults, R"({"metadata":{"name":"x"},"spec":{"do":[{"corrupt":-1}]}})"));
  EXPECT_EQ(wrong.status, 422);
  EXPECT_THAT(wrong.text, HasSubstr("do[0]: corrupt: -1 is negative"));
}

TEST_F(FaultsTest, HaveADoorOfTheirOwn) {
  EXPECT_EQ(Send(Make("POST", "/fake/v1/faults",
                      R"([{"match":{"resource":"configmaps"},"do":[{"reply":500}]}])"))
                .status,
            201);
  EXPECT_EQ(Status(kMaps), 500);
  const Value rules = ParseJson(Get("/fake/v1/faults").text).value();
  EXPECT_EQ(rules.Find("faults")->array()[0].IntAt({"fired"}), 1);
  EXPECT_EQ(rules.IntAt({"unspent"}, -1), 0);
  const Value seen = ParseJson(Get("/fake/v1/exchanges").text).value();
  ASSERT_EQ(seen.Find("exchanges")->array().size(), 1u);
  EXPECT_EQ(seen.Find("exchanges")->array()[0].StringAt({"fault"}), "rule-1");
  EXPECT_EQ(Send(Make("POST", "/fake/v1/faults", "[{do: [{replay: 1}]}]")).status, 400);
  EXPECT_EQ(Send(Make("DELETE", "/fake/v1/faults/none")).status, 404);
  EXPECT_EQ(Send(Make("DELETE", "/fake/v1/faults/rule-1")).status, 200);
  ASSERT_EQ(Send(Make("POST", kMaps, Map("a"))).status, 201);
  EXPECT_EQ(Send(Make("POST", "/fake/v1/compact")).status, 200);
  EXPECT_EQ(Status(Cat(kMaps, "?resourceVersion=1&resourceVersionMatch=Exact")), 410);
  EXPECT_EQ(Send(Make("POST", "/fake/v1/reset")).status, 200);
  EXPECT_EQ(Status(Cat(kMaps, "/a")), 404);
  EXPECT_EQ(Status("/api/v1/namespaces/default"), 200);
  const auto now = clock->Now();
  EXPECT_EQ(Send(Make("POST", "/fake/v1/time", R"({"step":"5s"})")).status, 200);
  EXPECT_EQ(clock->Now() - now, 5s);
  EXPECT_EQ(Send(Make("POST", "/fake/v1/time", R"({"step":"soon"})")).status, 400);
}

TEST_F(FaultsTest, OnOneServerTwoTestsDoNotDisturbEachOther) {
  const http::Headers one{{"X-Test", "one"}}, two{{"X-Test", "two"}};
  faults.On(Verb::kList, "configmaps").Header("X-Test", "one").Times(1).Reply(500);
  faults.On(Verb::kList, "configmaps").Header("X-Test", "two").Times(1).Reply(503);
  EXPECT_EQ(Status(kMaps, two), 503);
  EXPECT_EQ(Status(kMaps, one), 500);
}

}  // namespace
}  // namespace k8s::fakeapiserver
