// The layers that are too small for a test program of their own, and their order.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "k8s/base/log.h"
#include "k8s/base/thread.h"
#include "k8s/http/authenticate.h"
#include "k8s/http/backoff.h"
#include "k8s/http/chain.h"
#include "k8s/http/deadline.h"
#include "k8s/http/debug.h"
#include "k8s/http/metrics.h"
#include "k8s/http/redirect.h"
#include "k8s/http/stub_for_test.h"
#include "k8s/http/throttle.h"
#include "k8s/http/user_agent.h"

namespace k8s::http {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

Request Get(const char* url = "http://h/p") {
  return {.method = "GET", .url = Url::Parse(url).value()};
}

class LogCapture {
 public:
  explicit LogCapture(int verbosity) : before_(LogVerbosity()) {
    SetLogVerbosity(verbosity);
    SetLogSink([this](int, std::string_view line) { lines.append(line).append("\n"); });
  }
  ~LogCapture() {
    SetLogSink({});
    SetLogVerbosity(before_);
  }
  std::string lines;

 private:
  int before_;
};

TEST(Chain, HasOneOrder) {
  const LogCapture log(6);
  const Layer none = [](std::shared_ptr<RoundTripper> next) { return next; };
  ChainOptions options;
  options.attempt_timeout = 1s;
  options.impersonate.user_name = "u";
  options.user_agent = "a";
  options.authenticate = none;
  options.wrap = {none, none};
  std::vector<std::string> names;
  for (const auto& [name, layer] : Layers(options)) names.push_back(name);
  EXPECT_THAT(names, ElementsAre("Throttle", "Deadline", "Retry", "Trace", "Metrics",
                                 "AttemptTimeout", "FollowRedirects", "Impersonate", "UserAgent",
                                 "Authenticate", "Debug", "wrap", "wrap"));
}

TEST(Chain, PutsTheLastWrapOutside) {
  std::string order;
  const auto wrap = [&](char name) {
    return [&order, name](std::shared_ptr<RoundTripper> next) -> std::shared_ptr<RoundTripper> {
      auto stub = std::make_shared<Stub>();
      stub->Then([&order, name, next](const Request& request, const Context& ctx) {
        order += name;
        return next->RoundTrip(request, ctx);
      });
      return stub;
    };
  };
  auto stub = std::make_shared<Stub>();
  stub->Status(503, {{"Retry-After", "0"}}).Status(200);
  ChainOptions options;
  options.wrap = {wrap('a'), wrap('b')};
  ASSERT_TRUE(BuildChain(options, stub)->RoundTrip(Get(), {}));
  EXPECT_EQ(order, "baba");  // C-1.23: once per attempt
}

TEST(RateLimiter, StartsFullAndRefills) {  // C-5.1, C-5.2
  const auto clock = std::make_shared<FakeClock>();
  const auto limiter = NewTokenBucket(5, 10, clock);
  const TimePoint began = clock->Now();
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(limiter->Wait({}));
  EXPECT_EQ(clock->Now(), began);
  ASSERT_TRUE(limiter->Wait({}));
  EXPECT_GE(clock->Now() - began, 200ms);
  for (int i = 0; i < 9; ++i) ASSERT_TRUE(limiter->Wait({}));
  EXPECT_GE(clock->Now() - began, 2s);
  EXPECT_LT(clock->Now() - began, 2001ms);
  clock->Step(1h);
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(limiter->TryAccept());
  EXPECT_FALSE(limiter->TryAccept());
}

TEST(RateLimiter, RefusesAtOnceWhatWouldComeTooLate) {  // C-5.3
  const auto clock = std::make_shared<FakeClock>();
  const auto limiter = NewTokenBucket(1, 1, clock);
  ASSERT_TRUE(limiter->TryAccept());
  const auto refused = limiter->Wait(Context().WithTimeout(*clock, 300ms));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message(), "rate: Wait(n=1) would exceed context deadline");
  EXPECT_EQ(clock->Slept(), 0s);
  ASSERT_TRUE(limiter->Wait({}));
  EXPECT_LE(clock->Slept(), 1001ms);
}

TEST(RateLimiter, TakesBackTheTokenOfACancelledWait) {  // C-5.4
  const auto clock = std::make_shared<FakeClock>();
  const auto limiter = NewTokenBucket(1, 1, clock);
  ASSERT_TRUE(limiter->TryAccept());
  std::stop_source stop;
  Thread canceller(clock, "canceller", [&](std::stop_token) {
    ASSERT_TRUE(Sleep(*clock, 300ms, {}));
    stop.request_stop();
  });
  const auto canceled = limiter->Wait(Context(stop.get_token()));
  ASSERT_FALSE(canceled);
  EXPECT_EQ(canceled.error().code(), Error::Code::kCanceled);
  canceller.Join();
  const TimePoint now = clock->Now();
  ASSERT_TRUE(limiter->Wait({}));
  EXPECT_LE(clock->Now() - now, 701ms);
}

TEST(RateLimiter, ServesThreadsInTurn) {  // C-5.5
  const auto clock = std::make_shared<FakeClock>();
  const auto limiter = NewTokenBucket(10, 1, clock);
  const TimePoint began = clock->Now();
  std::vector<Thread> threads;
  for (int i = 0; i < 10; ++i) {
    threads.emplace_back(clock, "waiter", [&](std::stop_token) { ASSERT_TRUE(limiter->Wait({})); });
  }
  for (Thread& thread : threads) thread.Join();
  EXPECT_GE(clock->Now() - began, 900ms);
  EXPECT_LT(clock->Now() - began, 1s);
}

TEST(RateLimiter, NeedsABurst) {  // C-5.8
  EXPECT_THAT(NewTokenBucket(1, 0)->Wait({}).error().message(),
              HasSubstr("exceeds limiter's burst 0"));
  EXPECT_FALSE(NewTokenBucket(1, 0)->TryAccept());
  EXPECT_TRUE(AlwaysRateLimiter()->Wait({}));
}

TEST(Throttle, LeavesAWatchAndAnExemptRequestAlone) {  // C-5.6, C-5.7, C-5.10
  auto stub = std::make_shared<Stub>();
  stub->Status(200);
  const auto layer = Throttle(NeverRateLimiter(), RealClock())(stub);
  EXPECT_EQ(layer->RoundTrip(Get(), {}).error().message(),
            "client rate limiter Wait returned an error: can not be accept");
  EXPECT_TRUE(stub->requests.empty());
  Request watch = Get();
  watch.mode = Mode::kWatch;
  EXPECT_TRUE(layer->RoundTrip(watch, {}));
  Request exempt = Get();
  exempt.throttle = false;
  EXPECT_TRUE(layer->RoundTrip(exempt, {}));
}

TEST(Throttle, IsNotChargedToTheTimeout) {  // C-5.11
  const auto clock = std::make_shared<FakeClock>();
  auto stub = std::make_shared<Stub>(clock);
  stub->Status(200);
  ChainOptions options{.rate_limiter = NewTokenBucket(1, 1, clock), .env = {.clock = clock}};
  const auto chain = BuildChain(options, stub);
  Request request = Get();
  request.timeout = 500ms;
  EXPECT_TRUE(chain->RoundTrip(request, {}));
  EXPECT_TRUE(chain->RoundTrip(request, {}));
  EXPECT_EQ(clock->Slept(), 1s);
}

TEST(Throttle, LogsFewLinesAboutLongWaits) {  // C-5.9
  const LogCapture log(0);
  const auto clock = std::make_shared<FakeClock>();
  auto stub = std::make_shared<Stub>();
  stub->Status(200);
  const auto limiter = NewTokenBucket(0.5, 1, clock);
  const auto layer = Throttle(limiter, clock)(stub);
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(layer->RoundTrip(Get(), {}));
  EXPECT_THAT(log.lines, HasSubstr("client-side throttling, not priority and fairness"));
  EXPECT_EQ(std::count(log.lines.begin(), log.lines.end(), '\n'), 1);
}

TEST(Backoff, GrowsUpToItsCap) {
  const auto random = SeededRandom(1);
  Backoff backoff{.duration = 1s, .factor = 2, .jitter = 0, .steps = 10, .cap = 5s};
  std::vector<int64_t> waits;
  for (int i = 0; i < 5; ++i) waits.push_back(backoff.Step(*random) / 1s);
  EXPECT_THAT(waits, ElementsAre(1, 2, 4, 5, 5));
  const Duration jittered = Jitter(1s, 0.5, *random);
  EXPECT_GE(jittered, 1s);
  EXPECT_LE(jittered, 1500ms);
}

TEST(KeyedBackoff, DoublesAndForgets) {  // C-5.12
  const auto clock = std::make_shared<FakeClock>();
  KeyedBackoff backoff(1s, 10s, clock);
  std::vector<int64_t> waits;
  EXPECT_EQ(backoff.Get("a"), 0s);
  for (int i = 0; i < 6; ++i) {
    backoff.Next("a", clock->Now());
    waits.push_back(backoff.Get("a") / 1s);
  }
  EXPECT_THAT(waits, ElementsAre(1, 2, 4, 8, 10, 10));
  EXPECT_TRUE(backoff.IsInBackOffSince("a", clock->Now()));
  EXPECT_TRUE(backoff.IsInBackOffSinceUpdate("a", clock->Now() + 9s));
  EXPECT_FALSE(backoff.IsInBackOffSinceUpdate("a", clock->Now() + 10s));
  clock->Step(21s);
  backoff.Next("a", clock->Now());
  EXPECT_EQ(backoff.Get("a"), 1s);
  clock->Step(21s);
  backoff.Gc();
  EXPECT_EQ(backoff.Get("a"), 0s);
}

TEST(Impersonate, SendsExactHeaders) {  // C-6.3, C-6.4, C-6.5
  auto stub = std::make_shared<Stub>();
  stub->Status(200);
  const Impersonation who{"a", "u", {"g1", "g2"}, {{"scopes", {"x", "y"}}, {"a/b%", {"z"}}}};
  ASSERT_TRUE(Impersonate(who)(stub)->RoundTrip(Get(), {}));
  const Headers& headers = stub->requests[0].headers;
  EXPECT_EQ(headers.Get("Impersonate-User"), "a");
  EXPECT_EQ(headers.Get("Impersonate-Uid"), "u");
  EXPECT_THAT(headers.Values("Impersonate-Group"), ElementsAre("g1", "g2"));
  EXPECT_THAT(headers.Values("Impersonate-Extra-scopes"), ElementsAre("x", "y"));
  EXPECT_EQ(headers.Get("Impersonate-Extra-a%2Fb%25"), "z");
  EXPECT_EQ(headers.size(), 7u);

  ASSERT_TRUE(Impersonate({.groups = {"g"}})(stub)->RoundTrip(Get(), {}));
  EXPECT_THAT(stub->requests[1].headers.Values("Impersonate-User"), ElementsAre(""));
  Request own = Get();
  own.headers.Set("Impersonate-User", "me");
  ASSERT_TRUE(Impersonate(who)(stub)->RoundTrip(own, {}));
  EXPECT_EQ(stub->requests[2].headers.size(), 1u);
}

TEST(UserAgent, LeavesTheRequestsOwn) {  // C-1.15
  auto stub = std::make_shared<Stub>();
  stub->Status(200);
  ASSERT_TRUE(UserAgent("agent/1")(stub)->RoundTrip(Get(), {}));
  EXPECT_EQ(stub->requests[0].headers.Get("User-Agent"), "agent/1");
  Request own = Get();
  own.headers.Set("user-agent", "mine");
  ASSERT_TRUE(UserAgent("agent/1")(stub)->RoundTrip(own, {}));
  EXPECT_THAT(stub->requests[1].headers.Values("User-Agent"), ElementsAre("mine"));
}

std::string AuthorizationOf(const Credentials& credentials, const Env& env = {},
                            Request request = Get()) {
  auto layer = Authenticate(credentials, env);
  if (!layer) return layer.error().message();
  auto stub = std::make_shared<Stub>();
  stub->Status(200);
  EXPECT_TRUE((*layer)(stub)->RoundTrip(request, {}));
  return std::string(stub->requests[0].headers.Get("Authorization"));
}

TEST(Authenticate, KnowsTokensAndBasicAuth) {  // C-1.16, C-6.2
  EXPECT_EQ(AuthorizationOf({.bearer_token = "t"}), "Bearer t");
  EXPECT_EQ(AuthorizationOf({.username = "u", .password = "p"}), "Basic dTpw");
  EXPECT_EQ(AuthorizationOf({}), "");
  EXPECT_EQ(AuthorizationOf({.username = "u", .bearer_token = "t"}),
            "username/password or bearer token may be set, but not both");
  Request own = Get();
  own.headers.Set("Authorization", "X");
  EXPECT_EQ(AuthorizationOf({.bearer_token = "t"}, {}, own), "X");
}

TEST(Authenticate, ReadsTheTokenFileAgain) {  // C-2.16, C-2.17
  const auto clock = std::make_shared<FakeClock>();
  const auto host = std::make_shared<FakeHost>();
  const Env env{.clock = clock, .random = SeededRandom(1), .host = host};
  const Credentials credentials{.bearer_token = "static", .bearer_token_file = "tok"};
  EXPECT_EQ(AuthorizationOf(credentials, env), "Bearer static");
  host->files["tok"] = " one\n";
  auto stub = std::make_shared<Stub>();
  stub->Status(200);
  const auto layer = Authenticate(credentials, env).value()(stub);
  const auto token = [&] {
    EXPECT_TRUE(layer->RoundTrip(Get(), {}));
    return std::string(stub->requests.back().headers.Get("Authorization"));
  };
  EXPECT_EQ(token(), "Bearer one");
  host->files["tok"] = "two";
  clock->Step(45s);
  EXPECT_EQ(token(), "Bearer one");
  clock->Step(16s);
  EXPECT_EQ(token(), "Bearer two");
  const LogCapture log(0);
  host->files.clear();
  clock->Step(61s);
  EXPECT_EQ(token(), "Bearer two");
  EXPECT_THAT(log.lines, HasSubstr("unable to rotate token"));
}

TEST(Authenticate, NeedsTheTokenFileWhenThereIsNothingElse) {
  const auto host = std::make_shared<FakeHost>();
  const Env env{.clock = RealClock(), .random = SeededRandom(1), .host = host};
  EXPECT_THAT(AuthorizationOf({.bearer_token_file = "tok"}, env),
              HasSubstr("failed to read token file \"tok\": "));
  host->files["tok"] = " \n";
  EXPECT_EQ(AuthorizationOf({.bearer_token_file = "tok"}, env),
            "read empty token from file \"tok\"");
}

TEST(Debug, MasksCredentials) {  // C-6.15
  for (const int verbosity : {6, 7, 8, 9, 10}) {
    const LogCapture log(verbosity);
    auto stub = std::make_shared<Stub>();
    stub->Status(200, {{"X-A", "b"}});
    Request request = Get("http://u:s3cret@h/p");
    request.headers.Set("Authorization", "Bearer s3cret");
    ASSERT_TRUE(Debug(RealClock())(stub)->RoundTrip(request, {}));
    EXPECT_THAT(log.lines, Not(HasSubstr("s3cret"))) << verbosity;
    EXPECT_EQ(log.lines.find("<masked>") != std::string::npos, verbosity >= 7);
    EXPECT_EQ(log.lines.find("X-A: b") != std::string::npos, verbosity >= 8);
  }
  EXPECT_EQ(MaskAuthorization("Custom abc"), "<masked>");
  EXPECT_EQ(MaskAuthorization("Basic abc"), "Basic <masked>");
}

TEST(Debug, CutsBodies) {
  const LogCapture log(8);
  LogBody("Body", std::string(1030, 'x'));
  LogBody("Body", std::string("\x01\xff", 2));
  EXPECT_THAT(log.lines, HasSubstr("x [truncated 6 chars]"));
  EXPECT_THAT(log.lines, HasSubstr("Body: 01 ff"));
}

TEST(Metrics, CountAttempts) {  // C-4.35
  std::vector<std::string> results;
  std::vector<std::string> retries;
  metrics::ReplaceForTest(
      {.request_result = [&](const auto& code, const auto& method,
                             const auto& host) { results.push_back(code + method + host); },
       .request_retry = [&](const auto& code, const auto&,
                            const auto&) { retries.push_back(code); }});
  auto stub = std::make_shared<Stub>();
  stub->Status(429, {{"Retry-After", "0"}}).Fail(TransportCause::kRefused, "x");
  EXPECT_FALSE(BuildChain({}, stub)->RoundTrip(Get(), {}));
  metrics::ReplaceForTest({});
  EXPECT_THAT(results, ElementsAre("429GETh", "<error>GETh"));
  EXPECT_THAT(retries, ElementsAre("<error>"));
}

TEST(Metrics, NameTemplatesInsteadOfObjects) {
  const auto name = [](const char* url) { return metrics::UrlTemplate(Url::Parse(url).value()); };
  EXPECT_EQ(name("http://h/api/v1/namespaces/n/pods/p/log?a=b"),
            "http://h/api/v1/namespaces/{namespace}/pods/{name}/log?a=%7Bvalue%7D");
  EXPECT_EQ(name("http://h/apis/apps/v1/deployments"), "http://h/apis/apps/v1/deployments");
  EXPECT_EQ(name("http://h/api/v1/nodes/x"), "http://h/api/v1/nodes/{name}");
  EXPECT_EQ(name("http://h/a/b"), "http://h/{prefix}");
  EXPECT_EQ(name("http://h/healthz"), "http://h/healthz");
}

TEST(Deadline, BoundsDoAndNothingElse) {  // chapter 3.6
  const auto clock = std::make_shared<FakeClock>();
  auto stub = std::make_shared<Stub>();
  bool bounded = false;
  stub->Then([&](const Request&, const Context& ctx) -> Result<Response> {
    bounded = ctx.deadline().has_value();
    return Response{200, {}, StringBody("")};
  });
  Request request = Get();
  request.timeout = 1s;
  for (const auto& [mode, expected] : std::vector<std::pair<Mode, bool>>{{Mode::kDo, true},
                                                                         {Mode::kDoRaw, true},
                                                                         {Mode::kStream, false},
                                                                         {Mode::kWatch, false}}) {
    request.mode = mode;
    ASSERT_TRUE(Deadline(clock)(stub)->RoundTrip(request, {}));
    EXPECT_EQ(bounded, expected);
  }
}

TEST(AttemptTimeout, IsATransportTimeoutAndNotTheCallersEnd) {  // C-1.12
  const auto clock = std::make_shared<FakeClock>();
  auto stub = std::make_shared<Stub>();
  stub->Then([&](const Request&, const Context& ctx) -> Result<Response> {
    return Sleep(*clock, 1h, ctx).error();
  });
  const auto layer = AttemptTimeout(1s, clock)(stub);
  const auto late = layer->RoundTrip(Get(), {});
  EXPECT_EQ(late.error().cause(), TransportCause::kTimeout);
  EXPECT_EQ(late.error().message(),
            "context deadline exceeded (Client.Timeout exceeded while awaiting headers)");
  EXPECT_EQ(clock->Slept(), 1s);
  const auto ended = layer->RoundTrip(Get(), Context().WithTimeout(*clock, 500ms));
  EXPECT_EQ(ended.error().code(), Error::Code::kDeadlineExceeded);
}

TEST(Redirects, TurnOtherMethodsIntoGet) {  // section 4.9
  auto stub = std::make_shared<Stub>();
  stub->Status(302, {{"Location", "http://other/x"}}).Status(200);
  Request request = Get();
  request.method = "POST";
  request.body = std::make_shared<const std::string>("b");
  request.headers.Set("Authorization", "mine");
  ASSERT_TRUE(FollowRedirects(RealClock())(stub)->RoundTrip(request, {}));
  EXPECT_EQ(stub->requests[1].method, "GET");
  EXPECT_EQ(stub->requests[1].body, nullptr);
  EXPECT_FALSE(stub->requests[1].headers.Has("Authorization"));
}

TEST(Redirects, EndAfterTen) {
  auto stub = std::make_shared<Stub>();
  stub->Status(301, {{"Location", "/x"}});
  const auto looped = FollowRedirects(RealClock())(stub)->RoundTrip(Get(), {});
  EXPECT_EQ(looped.error().message(), "Get \"http://h/x\": stopped after 10 redirects");
  EXPECT_EQ(stub->requests.size(), 10u);
}

TEST(Redirects, WithoutALocationAreAnswers) {  // C-3.37
  auto stub = std::make_shared<Stub>();
  stub->Status(302);
  EXPECT_EQ(FollowRedirects(RealClock())(stub)->RoundTrip(Get(), {})->status, 302);
}

TEST(Redirects, ResolveRelativeTargets) {
  const Url base = Url::Parse("http://h:1/a/b?c").value();
  EXPECT_EQ(ResolveReference(base, "../x").value().String(), "http://h:1/x");
  EXPECT_EQ(ResolveReference(base, "x/?y").value().String(), "http://h:1/a/x/?y");
  EXPECT_EQ(ResolveReference(base, "//o/z").value().String(), "http://o/z");
  EXPECT_EQ(ResolveReference(base, "?q").value().String(), "http://h:1/a/b?q");
}

}  // namespace
}  // namespace k8s::http
