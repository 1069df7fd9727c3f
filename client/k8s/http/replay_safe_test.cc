#include "k8s/http/replay_safe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "k8s/http/retry.h"
#include "k8s/http/stub_for_test.h"

namespace k8s::http {
namespace {

using namespace std::chrono_literals;

class ReplaySafeTest : public testing::Test {
 protected:
  Result<Response> Run(CallClass call_class) {
    request.call_class = call_class;
    auto shared = std::make_shared<ReplaySafe>(policy);
    if (!budget) budget = std::make_shared<RetryBudget>(policy.budget, clock);
    shared->shared_budget = budget;
    const Env env{.clock = clock, .random = SeededRandom(1), .host = std::make_shared<FakeHost>()};
    return Retry(nullptr, env, shared)(stub)->RoundTrip(request, {});
  }
  size_t Sent(CallClass call_class, const Stub::Answer& first) {
    budget = nullptr;
    stub = std::make_shared<Stub>(clock);
    stub->Then(first).Status(200);
    static_cast<void>(Run(call_class).has_value());
    return stub->requests.size();
  }
  static Stub::Answer Answers(int status, const char* retry_after = nullptr) {
    return [=](const Request&, const Context&) -> Result<Response> {
      Headers headers;
      if (retry_after != nullptr) headers.Set("Retry-After", retry_after);
      return Response{status, headers, StringBody("")};
    };
  }
  static Stub::Answer Fails(TransportCause cause, bool unsent = false) {
    return [=](const Request&, const Context&) -> Result<Response> {
      const Error error = Error::Transport(cause, "x");
      return unsent ? error.WithNothingDone() : error;
    };
  }

  std::shared_ptr<FakeClock> clock = std::make_shared<FakeClock>();
  std::shared_ptr<Stub> stub = std::make_shared<Stub>(clock);
  std::shared_ptr<RetryBudget> budget;
  ReplaySafe policy;
  Request request{.method = "POST", .url = Url::Parse("http://h/p").value()};
};

TEST_F(ReplaySafeTest, SendsAgainWhatTheClassAllows) {
  for (const CallRow& row : CallTable()) {
    SCOPED_TRACE(row.call);
    const bool repeats = row.promise == Promise::kRepeat;
    const bool once = row.promise == Promise::kOnce;
    // In doubt.
    EXPECT_EQ(Sent(row.call_class, Fails(TransportCause::kReset)), repeats ? 2u : 1u);
    EXPECT_EQ(Sent(row.call_class, Fails(TransportCause::kEof)), repeats ? 2u : 1u);
    EXPECT_EQ(Sent(row.call_class, Fails(TransportCause::kTimeout)), repeats ? 2u : 1u);
    EXPECT_EQ(Sent(row.call_class, Answers(500, "1")), repeats ? 2u : 1u);
    EXPECT_EQ(Sent(row.call_class, Answers(504)), repeats ? 2u : 1u);
    EXPECT_EQ(Sent(row.call_class, Answers(503)), repeats ? 2u : 1u);
    // Turned down.
    EXPECT_EQ(Sent(row.call_class, Answers(429)), once ? 1u : 2u);
    EXPECT_EQ(Sent(row.call_class, Answers(503, "1")), once ? 1u : 2u);
    // Never sent.
    EXPECT_EQ(Sent(row.call_class, Fails(TransportCause::kRefused)), 2u);
    EXPECT_EQ(Sent(row.call_class, Fails(TransportCause::kReset, true)), 2u);
    // What waiting does not heal.
    EXPECT_EQ(Sent(row.call_class, Fails(TransportCause::kTls, true)), 1u);
    EXPECT_EQ(Sent(row.call_class, Answers(409)), 1u);
    EXPECT_EQ(Sent(row.call_class, Answers(501)), 1u);
  }
}

TEST_F(ReplaySafeTest, NeverRepeatsAStreamedBody) {
  class Empty final : public BodyReader {
    Result<bool> Read(std::string&) override { return false; }
  };
  request.body_reader = std::make_shared<Empty>();
  EXPECT_EQ(Sent(CallClass::kRead, Answers(429, "0")), 1u);
}

TEST_F(ReplaySafeTest, BacksOffWithJitterAndNeverBeforeTheServerAsks) {
  stub->Status(429, {{"Retry-After", "3"}}).Status(429, {{"Retry-After", "3"}}).Status(429);
  request.max_retries = 5;
  ASSERT_TRUE(Run(CallClass::kRead));
  ASSERT_EQ(stub->times.size(), 6u);
  Duration base = policy.backoff.duration;
  for (size_t i = 1; i < stub->times.size(); ++i, base *= 2) {
    const Duration gap = stub->times[i] - stub->times[i - 1];
    const Duration least = i < 3 ? std::max<Duration>(3s, base) : base;
    EXPECT_GE(gap, least);
    EXPECT_LE(gap, least + least / 2);
  }
  EXPECT_NE(stub->times[2] - stub->times[1], stub->times[1] - stub->times[0]);
}

TEST_F(ReplaySafeTest, StopsWhenTheBudgetIsEmptyAndSaysSo) {
  policy.budget = {.share = 0.1, .per_second = 0, .reserve = 2};
  stub->Fail(TransportCause::kReset, "connection reset by peer");
  const auto failed = Run(CallClass::kRead);
  ASSERT_FALSE(failed);
  EXPECT_EQ(stub->requests.size(), 3u);
  EXPECT_EQ(failed.error().history().ended,
            "not tried again: the retry budget of this client is empty, which is 10% of its calls");
}

TEST(RetryBudget, EarnsFromCallsAndFromTime) {
  const auto clock = std::make_shared<FakeClock>();
  RetryBudget budget({.share = 0.25, .per_second = 1, .reserve = 2}, clock);
  EXPECT_TRUE(budget.Take());
  EXPECT_TRUE(budget.Take());
  EXPECT_FALSE(budget.Take());
  for (int i = 0; i < 4; ++i) budget.OnCall();
  EXPECT_TRUE(budget.Take());
  EXPECT_FALSE(budget.Take());
  clock->Step(100s);  // and no more than the reserve
  EXPECT_TRUE(budget.Take());
  EXPECT_TRUE(budget.Take());
  EXPECT_FALSE(budget.Take());
}

TEST_F(ReplaySafeTest, AWatchThatCannotBeHadIsAnError) {
  request.mode = Mode::kWatch;
  request.max_retries = 1;
  stub->Fail(TransportCause::kReset, "reset");
  EXPECT_FALSE(Run(CallClass::kWatch));
}

// docs/retry.md shows the table: its rows "| call | promise |" are these, in this order.
TEST(CallTable, IsTheOneOfTheDocument) {
  const auto text = RealHost()->ReadFile(K8S_SOURCE_DIR "/docs/retry.md");
  ASSERT_TRUE(text) << text.error();
  std::string rows;
  for (const CallRow& row : CallTable()) {
    rows += "| " + std::string(row.call) + " | " + std::string(TextOf(row.promise)) + " |\n";
  }
  EXPECT_THAT(*text, testing::HasSubstr("| --- | --- |\n" + rows + "\n"));
}

}  // namespace
}  // namespace k8s::http
