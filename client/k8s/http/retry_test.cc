#include "k8s/http/retry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "k8s/http/backoff.h"
#include "k8s/http/redirect.h"
#include "k8s/http/stub_for_test.h"

namespace k8s::http {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

class RetryLayerTest : public testing::Test {
 protected:
  Result<Response> Run(const Context& ctx = {}) {
    const Env env{.clock = clock, .random = SeededRandom(1), .host = host};
    return Retry(limiter, env)(FollowRedirects(clock)(stub))->RoundTrip(request, ctx);
  }
  static Headers After(const char* value) { return {{"Retry-After", value}}; }
  void FailTimes(int times, TransportCause cause, const std::string& text) {
    for (int i = 0; i < times; ++i) stub->Fail(cause, text);
  }

  std::shared_ptr<FakeClock> clock = std::make_shared<FakeClock>();
  std::shared_ptr<FakeHost> host = std::make_shared<FakeHost>();
  std::shared_ptr<Stub> stub = std::make_shared<Stub>(clock);
  std::shared_ptr<RateLimiter> limiter;
  Request request{.method = "GET", .url = Url::Parse("http://h/p").value()};
};

TEST_F(RetryLayerTest, GivesUpAfterElevenAttempts) {  // C-4.1
  stub->Status(429, After("0"));
  EXPECT_EQ(Run()->status, 429);
  EXPECT_EQ(stub->requests.size(), 11u);
  EXPECT_EQ(clock->Slept(), 0s);
  EXPECT_EQ(stub->requests[10].attempt, 11);
}

TEST_F(RetryLayerTest, WaitsAsLongAsTheServerAsksForEveryVerb) {  // C-4.2, C-4.3, C-4.4
  for (const char* method : {"GET", "POST", "PUT", "PATCH", "DELETE"}) {
    stub = std::make_shared<Stub>(clock);
    stub->Status(429, After("1")).Status(429, After("1")).Status(200);
    request.method = method;
    request.body = std::make_shared<const std::string>("body");
    EXPECT_EQ(Run()->status, 200);
    EXPECT_THAT(stub->Gaps(), ElementsAre(1, 1)) << method;
    EXPECT_EQ(stub->requests[2].body, request.body);
  }
}

TEST_F(RetryLayerTest, NeedsAnIntegerInRetryAfter) {  // C-4.5, C-4.8, C-4.9
  stub->Status(429);
  EXPECT_EQ(Run()->status, 429);
  for (const char* value :
       {"Wed, 21 Oct 2026 07:28:00 GMT", "1.5", "abc", "", "1s", "99999999999999999999"}) {
    EXPECT_FALSE(ParseRetryAfter(value)) << value;
  }
  EXPECT_EQ(ParseRetryAfter("-1"), Duration(0s));
  EXPECT_EQ(ParseRetryAfter("-0"), Duration(0s));
  EXPECT_EQ(ParseRetryAfter("+1"), Duration(1s));
  EXPECT_EQ(ParseRetryAfter("007"), Duration(7s));
  EXPECT_GT(ParseRetryAfter("9223372036854775807").value(), 0s);
  EXPECT_EQ(stub->requests.size(), 1u);
}

TEST_F(RetryLayerTest, RepeatsServerErrorsAndNothingElse) {  // C-4.6, C-4.7
  for (const int status : {500, 501, 502, 503, 504, 505, 599}) {
    stub = std::make_shared<Stub>(clock);
    stub->Status(status, After("1")).Status(200);
    EXPECT_EQ(Run()->status, 200) << status;
  }
  for (const int status : {200, 302, 401, 403, 404, 408, 409, 425}) {
    stub = std::make_shared<Stub>(clock);
    stub->Status(status, After("1")).Status(200);
    EXPECT_EQ(Run()->status, status);
  }
}

TEST_F(RetryLayerTest, ObeysMaxRetries) {  // C-4.10
  for (const auto& [retries, attempts] :
       std::vector<std::pair<int, size_t>>{{0, 1}, {3, 4}, {-5, 1}}) {
    stub = std::make_shared<Stub>(clock);
    stub->Status(429, After("0"));
    request.max_retries = retries;
    ASSERT_TRUE(Run());
    EXPECT_EQ(stub->requests.size(), attempts);
  }
}

class NoBytes final : public BodyReader {
 public:
  Result<bool> Read(std::string&) override { return false; }
};

TEST_F(RetryLayerTest, NeverRepeatsAStreamedBody) {  // C-4.11
  stub->Status(429, After("0"));
  request.body_reader = std::make_shared<NoBytes>();
  ASSERT_TRUE(Run());
  EXPECT_EQ(stub->requests.size(), 1u);
}

TEST_F(RetryLayerTest, RepeatsAGetOnABrokenConnection) {  // C-4.12, C-4.13
  stub->Fail(TransportCause::kReset, "reset").Fail(TransportCause::kEof, "EOF").Status(200);
  EXPECT_EQ(Run()->status, 200);
  EXPECT_THAT(stub->Gaps(), ElementsAre(1, 1));
}

TEST_F(RetryLayerTest, DoesNotRepeatOtherVerbsOnABrokenConnection) {  // C-4.14
  for (const char* method : {"POST", "PUT", "PATCH", "DELETE", "HEAD"}) {
    stub = std::make_shared<Stub>(clock);
    stub->Fail(TransportCause::kReset, "connection reset by peer");
    request.method = method;
    const auto failed = Run();
    ASSERT_FALSE(failed);
    EXPECT_THAT(failed.error().message(), testing::EndsWith("connection reset by peer"));
    EXPECT_EQ(stub->requests.size(), 1u);
  }
}

TEST_F(RetryLayerTest, KeepsTheLastTransportErrorWhenTheBudgetIsUsedUp) {  // C-4.15
  stub->Fail(TransportCause::kReset, "connection reset by peer");
  const auto failed = Run();
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().cause(), TransportCause::kReset);
  EXPECT_EQ(failed.error().status(), nullptr);
  EXPECT_EQ(stub->requests.size(), 11u);
  EXPECT_EQ(clock->Slept(), 10s);
}

TEST_F(RetryLayerTest, DoesNotRepeatWhatWillNotHeal) {  // C-4.16, C-4.17
  for (const auto cause : {TransportCause::kRefused, TransportCause::kTls, TransportCause::kResolve,
                           TransportCause::kTimeout, TransportCause::kProtocol,
                           TransportCause::kTruncated, TransportCause::kUnreachable}) {
    stub = std::make_shared<Stub>(clock);
    stub->Fail(cause, "x");
    EXPECT_FALSE(Run());
    EXPECT_EQ(stub->requests.size(), 1u);
  }
}

TEST_F(RetryLayerTest, CountsFailuresAndAnswersTogether) {  // C-4.19
  stub->Fail(TransportCause::kReset, "reset").Status(429, After("0"));
  request.max_retries = 2;
  EXPECT_EQ(Run()->status, 429);
  EXPECT_EQ(stub->requests.size(), 3u);
}

TEST_F(RetryLayerTest, TellsOfAnEarlierFailureThatDiffers) {  // C-4.20, C-4.21
  stub->Fail(TransportCause::kEof, "EOF").Fail(TransportCause::kReset, "connection reset by peer");
  request.max_retries = 1;
  EXPECT_EQ(Run().error().message(),
            "Get \"http://h/p\": connection reset by peer - error from a previous attempt: EOF");
  stub = std::make_shared<Stub>(clock);
  stub->Fail(TransportCause::kEof, "EOF");
  EXPECT_EQ(Run().error().message(), "Get \"http://h/p\": EOF");
}

TEST_F(RetryLayerTest, ErrorsAndAnswersCarryTheAttempts) {
  stub->Status(503, After("1")).Fail(TransportCause::kEof, "EOF");
  request.max_retries = 2;
  const auto failed = Run();
  ASSERT_FALSE(failed);
  const auto& attempts = failed.error().attempts();
  ASSERT_EQ(attempts.size(), 3u);
  EXPECT_EQ(attempts[0].cause, "503");
  EXPECT_EQ(attempts[0].waited, 1s);
  EXPECT_EQ(attempts[1].began, 1s);
  EXPECT_EQ(attempts[2].cause, "EOF");
  EXPECT_EQ(failed.error().history().allowed, 3);
  stub = std::make_shared<Stub>(clock);
  stub->Status(429, After("0")).Status(404);
  EXPECT_EQ(Run()->attempts->latest.size(), 2u);
  stub = std::make_shared<Stub>(clock);
  stub->Status(200);
  EXPECT_EQ(Run()->attempts, nullptr);
}

TEST_F(RetryLayerTest, KeepsTheLatestAttemptsOnly) {
  stub->Status(429, After("0"));
  request.max_retries = 100;
  const auto response = Run();
  ASSERT_TRUE(response);
  EXPECT_EQ(response->attempts->made, 101);
  EXPECT_EQ(response->attempts->latest.size(), kMaxAttemptsKept);
}

TEST_F(RetryLayerTest, KnowsWhetherAnEarlierAttemptMayHaveActed) {
  request.method = "POST";
  stub->Status(500, After("0")).Fail(TransportCause::kRefused, "connection refused");
  EXPECT_FALSE(Run().error().nothing_done());
  stub = std::make_shared<Stub>(clock);
  stub->Status(429, After("0")).Fail(TransportCause::kRefused, "connection refused");
  EXPECT_TRUE(Run().error().nothing_done());
}

TEST_F(RetryLayerTest, RepeatsAWatchOnBrokenConnectionsAndTimeouts) {  // C-4.22, C-4.24
  request.mode = Mode::kWatch;
  stub->Fail(TransportCause::kReset, "reset")
      .Fail(TransportCause::kTimeout, "i/o timeout")
      .Status(429, After("1"))
      .Status(200, {}, "event");
  EXPECT_EQ(Run()->body->ReadAll().value(), "event");
  EXPECT_THAT(stub->Gaps(), ElementsAre(1, 1, 1));
  for (const auto cause : {TransportCause::kRefused, TransportCause::kTls}) {
    stub = std::make_shared<Stub>(clock);
    stub->Fail(cause, "x");
    EXPECT_FALSE(Run());
    EXPECT_EQ(stub->requests.size(), 1u);
  }
}

TEST_F(RetryLayerTest, TurnsAWatchThatKeepsFailingIntoAnEmptyOne) {  // C-4.23
  request.mode = Mode::kWatch;
  request.max_retries = 1;
  stub->Fail(TransportCause::kReset, "reset");
  const auto response = Run();
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(response->body->ReadAll().value(), "");
  EXPECT_EQ(stub->requests.size(), 2u);
}

TEST_F(RetryLayerTest, RepeatsAStreamOnAnswersOnly) {  // C-4.25
  request.mode = Mode::kStream;
  stub->Status(503, After("1")).Status(200);
  EXPECT_EQ(Run()->status, 200);
  stub = std::make_shared<Stub>(clock);
  stub->Fail(TransportCause::kReset, "reset");
  EXPECT_FALSE(Run());
  EXPECT_EQ(stub->requests.size(), 1u);
}

TEST_F(RetryLayerTest, EndsWithItsContextDuringAWait) {  // C-4.26, C-4.27
  std::stop_source stop;
  stub->Then([&](const Request&, const Context&) -> Result<Response> {
    stop.request_stop();
    return Response{429, After("30"), StringBody("")};
  });
  EXPECT_EQ(Run(Context(stop.get_token())).error().code(), Error::Code::kCanceled);
  EXPECT_EQ(stub->requests.size(), 1u);
  stub = std::make_shared<Stub>(clock);
  stub->Status(429, After("30"));
  const auto late = Run(Context().WithTimeout(*clock, 1s));
  EXPECT_EQ(late.error().code(), Error::Code::kDeadlineExceeded);
  EXPECT_EQ(late.error().message(), "Get \"http://h/p\": context deadline exceeded");
  EXPECT_EQ(clock->Slept(), 1s);
  EXPECT_EQ(stub->requests.size(), 1u);
}

TEST_F(RetryLayerTest, SendsNothingForAContextThatHasEnded) {  // C-4.28
  std::stop_source stop;
  stop.request_stop();
  stub->Status(200);
  EXPECT_EQ(Run(Context(stop.get_token())).error().message(), "context canceled");
  EXPECT_TRUE(stub->requests.empty());
}

TEST_F(RetryLayerTest,
       BacksOffPerRequestWhenTheEnvironmentSaysSo) {  // C-4.30, C-4.31, C-4.32, C-4.33
  host->variables = {{"KUBE_CLIENT_BACKOFF_BASE", "1"}, {"KUBE_CLIENT_BACKOFF_DURATION", "4"}};
  request.max_retries = 4;
  stub->Status(429, After("0"));
  ASSERT_TRUE(Run());
  EXPECT_THAT(stub->Gaps(), ElementsAre(1, 2, 4, 4));
  request.max_retries = 2;
  stub = std::make_shared<Stub>(clock);
  stub->Status(429, After("3"));
  ASSERT_TRUE(Run());
  ASSERT_TRUE(Run());
  EXPECT_THAT(stub->Gaps(), ElementsAre(3, 3, 0, 3, 3));
  host->variables["KUBE_CLIENT_BACKOFF_BASE"] = "x";
  stub = std::make_shared<Stub>(clock);
  stub->Status(429, After("0"));
  ASSERT_TRUE(Run());
  EXPECT_THAT(stub->Gaps(), ElementsAre(0, 0));
}

TEST_F(RetryLayerTest, SharesABackoffThatItsCallersShare) {  // section 4.7
  request.backoff = std::make_shared<URLBackoff>(1s, 4s, clock);
  request.max_retries = 1;
  stub->Status(429, After("0"));
  ASSERT_TRUE(Run());
  ASSERT_TRUE(Run());
  EXPECT_THAT(stub->Gaps(), ElementsAre(1, 2, 4));
  stub = std::make_shared<Stub>(clock);
  stub->Status(200);
  ASSERT_TRUE(Run());
  EXPECT_EQ(request.backoff->CalculateBackoff(request.url), 0s);
  host->variables = {{"KUBE_CLIENT_BACKOFF_BASE", "9"}, {"KUBE_CLIENT_BACKOFF_DURATION", "9"}};
  request.backoff = std::make_shared<NoBackoff>();
  stub = std::make_shared<Stub>(clock);
  stub->Status(429, After("0"));
  ASSERT_TRUE(Run());
  EXPECT_THAT(stub->Gaps(), ElementsAre(0));
}

TEST_F(RetryLayerTest, AsksTheLimiterOfItsRequest) {  // section 5.2
  limiter = NewTokenBucket(0.001, 1, clock);
  request.rate_limiter = NewTokenBucket(1, 1, clock);
  ASSERT_TRUE(request.rate_limiter->TryAccept());
  stub->Status(429, After("0")).Status(200);
  ASSERT_TRUE(Run());
  EXPECT_THAT(stub->Gaps(), ElementsAre(1));
}

TEST_F(RetryLayerTest, TakesATokenPerRetry) {  // C-4.34
  limiter = NewTokenBucket(1, 1, clock);
  ASSERT_TRUE(limiter->TryAccept());
  stub->Status(429, After("0")).Status(429, After("0")).Status(200);
  ASSERT_TRUE(Run());
  EXPECT_THAT(stub->Gaps(), ElementsAre(1, 1));
}

TEST_F(RetryLayerTest, EndsWhenTheLimiterRefuses) {
  limiter = NeverRateLimiter();
  stub->Fail(TransportCause::kEof, "EOF");
  EXPECT_EQ(Run().error().message(),
            "client rate limiter Wait returned an error: can not be accept - error from a "
            "previous attempt: EOF");
  EXPECT_EQ(stub->requests.size(), 1u);
}

class Observed final : public Body {
 public:
  Observed(int64_t length, size_t* read) : length_(length), read_(read) {}
  Result<size_t> Read(std::string& out) override {
    if (*read_ >= static_cast<size_t>(length_)) return size_t{0};
    const size_t count = std::min<size_t>(1000, static_cast<size_t>(length_) - *read_);
    out.append(count, 'x');
    *read_ += count;
    return count;
  }
  int64_t ContentLength() const override { return length_; }

 private:
  int64_t length_;
  size_t* read_;
};

TEST_F(RetryLayerTest, DrainsShortBodiesOnly) {  // C-4.36
  size_t read = 0;
  int64_t length = 1024;
  for (int i = 0; i < 2; ++i) {
    stub->Then([&](const Request&, const Context&) -> Result<Response> {
      return Response{429, After("0"), std::make_unique<Observed>(length, &read)};
    });
    stub->Status(200);
    ASSERT_TRUE(Run());
    EXPECT_EQ(read, i == 0 ? 1024u : 0u);
    stub = std::make_shared<Stub>(clock);
    read = 0;
    length = 10000;
  }
}

TEST_F(RetryLayerTest, CountsARedirectChainAsOneAttempt) {  // C-4.38
  stub->Status(307, {{"Location", "/other?x=1"}}).Status(200);
  request.method = "PUT";
  request.body = std::make_shared<const std::string>("b");
  request.max_retries = 0;
  EXPECT_EQ(Run()->status, 200);
  ASSERT_EQ(stub->requests.size(), 2u);
  EXPECT_EQ(stub->requests[1].url.String(), "http://h/other?x=1");
  EXPECT_EQ(stub->requests[1].method, "PUT");
  EXPECT_EQ(stub->requests[1].body, request.body);
}

}  // namespace
}  // namespace k8s::http
