#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "k8s/base/base64.h"
#include "k8s/base/byte_buffer.h"
#include "k8s/base/fake_clock.h"
#include "k8s/base/random.h"
#include "k8s/base/result.h"
#include "k8s/base/shared_text.h"
#include "k8s/base/strings.h"
#include "k8s/base/thread.h"

namespace k8s {
namespace {

using namespace std::chrono_literals;

TEST(SharedText, IsInMemoryOnceUntilTheLastCopyGoes) {
  SharedText kept;
  {
    const SharedText first = std::string(100, 'x');
    kept = first;
    EXPECT_EQ(kept.view().data(), first.view().data());
    const SharedText moved = std::exchange(kept, first);
    EXPECT_TRUE(moved.IsSharedWith(kept));
  }
  EXPECT_EQ(kept, std::string(100, 'x'));
}

TEST(SharedText, ComparesByWhatItSays) {
  EXPECT_EQ(SharedText("a"), SharedText("a"));
  EXPECT_FALSE(SharedText("a").IsSharedWith(SharedText("a")));
  EXPECT_NE(SharedText("a"), SharedText("b"));
  EXPECT_EQ(SharedText(), "");
  EXPECT_TRUE(SharedText("").empty());
}

TEST(ByteBuffer, KeepsWhatWasNotTakenWhileItGrowsAndMovesUp) {
  ByteBuffer buffer;
  std::string model;
  const auto random = SeededRandom(7);
  for (int i = 0; i < 2000; ++i) {
    const size_t size = random->Below(40);
    const std::string more(size, static_cast<char>('a' + i % 26));
    // As a read does it: room for more than what comes.
    more.copy(buffer.Extend(size + 5), size);
    buffer.RemoveSuffix(5);
    model += more;
    const size_t taken = random->Below(model.size() + 1);
    buffer.RemovePrefix(taken);
    model.erase(0, taken);
    ASSERT_EQ(buffer.view(), model);
    ASSERT_GE(buffer.capacity(), buffer.size());
  }
}

TEST(ByteBuffer, AnEmptyOneBeginsAgainAtItsFront) {
  ByteBuffer buffer;
  buffer.Append("abc");
  const size_t capacity = buffer.capacity();
  buffer.RemovePrefix(3);
  buffer.Append("def");
  EXPECT_EQ(buffer.view(), "def");
  EXPECT_EQ(buffer.capacity(), capacity);
}

TEST(Result, HoldsAValueOrAnError) {
  const Result<int> good = 7;
  const Result<int> bad = Invalid("no");
  EXPECT_EQ(*good, 7);
  EXPECT_EQ(bad.error().message(), "no");
  EXPECT_THROW(bad.value(), BadResult);
}

TEST(Result, ChainsUntilTheFirstError) {
  const auto half = [](int n) -> Result<int> {
    if (n % 2 != 0) return Invalid("odd");
    return n / 2;
  };
  EXPECT_EQ(Result<int>(8).and_then(half).and_then(half).value(), 2);
  EXPECT_EQ(Result<int>(6).and_then(half).and_then(half).error().message(), "odd");
  EXPECT_EQ(Result<int>(Invalid("x")).or_else([](const Error&) { return Result<int>(1); }).value(),
            1);
}

TEST(Error, ReasonDecidesBeforeTheCode) {
  Status status{.reason = "AlreadyExists", .code = 404};
  EXPECT_TRUE(IsAlreadyExists(Error::Api(status)));
  EXPECT_FALSE(IsNotFound(Error::Api(status)));
  status.reason = "SomethingNew";
  EXPECT_TRUE(IsNotFound(Error::Api(status)));
}

std::string Printed(const Error& error) {
  std::ostringstream out;
  out << error;
  return out.str();
}

TEST(Error, TellsItsAttemptsInOneLine) {
  using namespace std::chrono_literals;
  const Error error = Error::Transport(TransportCause::kReset, "connection reset by peer");
  const auto with = [&](Attempts attempts) {
    return Printed(error.WithAttempts(std::make_shared<const Attempts>(std::move(attempts))));
  };
  EXPECT_EQ(Printed(error), "connection reset by peer");
  EXPECT_TRUE(error.attempts().empty());
  EXPECT_EQ(with({.made = 1, .allowed = 11, .latest = {{0s, "connection reset by peer"}}}),
            "connection reset by peer");
  EXPECT_EQ(with({.made = 2,
                  .allowed = 11,
                  .latest = {{0s, "503", 1250ms}, {1250ms, "connection reset by peer"}}}),
            "connection reset by peer (attempt 2 of 11; 0s: 503, waited 1.25s; 1.25s: connection "
            "reset by peer)");
  EXPECT_EQ(with({.made = 1, .allowed = 11, .latest = {{0s, "429", 30s}}}),
            "connection reset by peer (attempt 1 of 11; 0s: 429, waited 30s)");
  EXPECT_EQ(with({.made = 20, .allowed = 21, .latest = {{19s, "503"}}, .ended = "enough"}),
            "connection reset by peer (attempt 20 of 21; 19 earlier; 19s: 503; enough)");
}

TEST(Error, KnowsWhetherNothingWasDone) {
  EXPECT_TRUE(Invalid("x").nothing_done());
  EXPECT_TRUE(Error::Transport(TransportCause::kRefused, "x").nothing_done());
  const Error reset = Error::Transport(TransportCause::kReset, "x");
  EXPECT_FALSE(reset.nothing_done());
  EXPECT_TRUE(reset.WithNothingDone().Within("dial").nothing_done());
}

TEST(Error, GoneAndExpiredAreApart) {  // C-3.22
  EXPECT_TRUE(IsGone(Error::Api({.code = 410})));
  EXPECT_FALSE(IsResourceExpired(Error::Api({.code = 410})));
  EXPECT_FALSE(IsGone(Error::Api({.reason = "Expired", .code = 410})));
  EXPECT_TRUE(IsResourceExpired(Error::Api({.reason = "Expired", .code = 410})));
}

TEST(Error, SuggestsTheDelayOfTheDetails) {
  Status status{.reason = "TooManyRequests"};
  EXPECT_EQ(SuggestsClientDelay(Error::Api(status)), -1);
  status.details = StatusDetails{.retryAfterSeconds = 7};
  EXPECT_EQ(SuggestsClientDelay(Error::Api(status)), 7);
}

TEST(FakeClock, SleepingAloneMovesTimeAtOnce) {
  FakeClock clock;
  const TimePoint start = clock.Now();
  EXPECT_TRUE(Sleep(clock, 3h, {}));
  EXPECT_EQ(clock.Now() - start, 3h);
  EXPECT_EQ(clock.Slept(), 3h);
}

TEST(FakeClock, ADeadlineEndsASleepEarly) {
  FakeClock clock;
  const auto slept = Sleep(clock, 1h, Context().WithTimeout(clock, 5s));
  ASSERT_FALSE(slept);
  EXPECT_EQ(slept.error().code(), Error::Code::kDeadlineExceeded);
  EXPECT_EQ(clock.Slept(), 5s);
}

TEST(FakeClock, ACancelledContextWinsOverItsDeadline) {
  FakeClock clock;
  std::stop_source source;
  source.request_stop();
  const auto slept = Sleep(clock, 1h, Context(source.get_token()).WithTimeout(clock, -1s));
  EXPECT_EQ(slept.error().code(), Error::Code::kCanceled);
}

TEST(FakeClock, ThreadsWakeInTheOrderOfTheirMoments) {
  const auto clock = std::make_shared<FakeClock>();
  std::mutex mutex;
  std::vector<int> order;
  const auto sleeper = [&](int number, Duration d) {
    return Thread(clock, "sleeper", [&, number, d](const std::stop_token&) {
      EXPECT_TRUE(Sleep(*clock, d, {}));
      std::lock_guard lock(mutex);
      order.push_back(number);
    });
  };
  {
    Thread late = sleeper(2, 20s), early = sleeper(1, 10s), last = sleeper(3, 30s);
    late.Join();
    early.Join();
    last.Join();
  }
  EXPECT_THAT(order, testing::ElementsAre(1, 2, 3));
  EXPECT_EQ(clock->Slept(), 30s);
}

TEST(Clock, RealWaitsHeedTheStopToken) {
  std::stop_source source;
  Thread stopper(RealClock(), "stopper", [&](const std::stop_token&) { source.request_stop(); });
  const auto slept = Sleep(*RealClock(), 1h, Context(source.get_token()));
  EXPECT_EQ(slept.error().code(), Error::Code::kCanceled);
}

TEST(Base64, RoundTripsEveryLength) {
  std::string bytes;
  for (int i = 0; i < 70; ++i) {
    EXPECT_EQ(DecodeBase64(EncodeBase64(bytes)), bytes);
    bytes += static_cast<char>(i * 37);
  }
}

TEST(Base64, RefusesWhatGoRefuses) {
  for (const char* bad : {"a", "ab", "abc", "ab=", "a===", "ab==c", "ab c", "====", "aGk=="}) {
    EXPECT_EQ(DecodeBase64(bad), std::nullopt) << bad;
  }
  EXPECT_EQ(DecodeBase64("aG\nk="), "hi");
}

TEST(Strings, ParseIntTakesOneSignAndDigitsOnly) {
  EXPECT_EQ(ParseInt("+5"), 5);
  EXPECT_EQ(ParseInt("007"), 7);
  EXPECT_EQ(ParseInt("-1"), -1);
  for (const char* bad : {"", "+", "+-5", "1.5", " 3", "3 ", "99999999999999999999"}) {
    EXPECT_EQ(ParseInt(bad), std::nullopt) << bad;
  }
}

TEST(Strings, InvalidUtf8BecomesTheReplacementCharacter) {
  EXPECT_EQ(ToValidUtf8("a\xffz"), "a\xef\xbf\xbdz");
  EXPECT_TRUE(IsValidUtf8("\xe2\x82\xac"));
  EXPECT_FALSE(IsValidUtf8("\xed\xa0\x80"));  // a surrogate
  EXPECT_EQ(Quote("a\"\\\n"), "\"a\\\"\\\\\\n\"");
}

TEST(Random, TheSameSeedGivesTheSameUuid) {
  EXPECT_EQ(NewUuid(*SeededRandom(1)), NewUuid(*SeededRandom(1)));
  EXPECT_THAT(
      NewUuid(*SystemRandom()),
      testing::MatchesRegex("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"));
}

}  // namespace
}  // namespace k8s
