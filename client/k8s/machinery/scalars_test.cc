#include "k8s/machinery/scalars.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "k8s/base/random.h"
#include "k8s/base/result.h"
#include "k8s/machinery/quantity.h"

namespace k8s {
namespace {

using namespace std::chrono_literals;

TEST(Time, IsWrittenInUtcAndWholeSeconds) {  // C-9.6
  EXPECT_EQ(Time::Parse("2024-01-02T05:04:05.9+02:00")->String(), "2024-01-02T03:04:05Z");
  EXPECT_EQ(Time::Parse("1969-12-31T23:59:59Z")->seconds, -1);
  EXPECT_EQ(Time().String(), "0001-01-01T00:00:00Z");
  for (const char* bad : {"", "2024-01-02", "2024-13-02T00:00:00Z", "2024-01-02T00:00:00",
                          "2024-02-30T00:00:00Z", "2024-01-02T00:00:00Z ", "2024-01-02T24:00:00Z",
                          "2024-01-02 00:00:00Z", "2024-01-02T00-00:00Z", "2024-01-/2T00:00:00Z",
                          "2O24-01-02T00:00:00Z", "2024-01-02T00:00:0:Z"}) {
    EXPECT_EQ(Time::Parse(bad), std::nullopt) << bad;
  }
}

TEST(MicroTime, HasExactlySixDigits) {  // C-9.7
  EXPECT_EQ(MicroTime::Parse("2024-01-02T03:04:05.000006Z")->String(),
            "2024-01-02T03:04:05.000006Z");
  EXPECT_EQ(MicroTime::Parse("2024-01-02T03:04:05.123Z"), std::nullopt);
  EXPECT_EQ(MicroTime::Parse("2024-01-02T03:04:05Z"), std::nullopt);
}

TEST(Duration, IsSpelledAsInGo) {
  const std::pair<Duration, const char*> spellings[] = {{0s, "0s"},
                                                        {1s, "1s"},
                                                        {90s, "1m30s"},
                                                        {1500ms, "1.5s"},
                                                        {1h, "1h0m0s"},
                                                        {250ms, "250ms"},
                                                        {100us, "100µs"},
                                                        {7ns, "7ns"},
                                                        {432s, "7m12s"},
                                                        {-90s, "-1m30s"},
                                                        {25h + 1ms, "25h0m0.001s"}};
  for (const auto& [duration, text] : spellings) {
    EXPECT_EQ(FormatDuration(duration), text);
    EXPECT_EQ(ParseDuration(text), duration) << text;
  }
  for (const char* bad : {"", "1", "s", "1x", "-", ".s", "1.5"}) {
    EXPECT_EQ(ParseDuration(bad), std::nullopt) << bad;
  }
}

TEST(Duration, SurvivesItsSpellingToTheNanosecond) {
  constexpr uint64_t kSeed = 5;
  const auto random = SeededRandom(kSeed);
  for (int i = 0; i < 2000; ++i) {
    const Duration duration(static_cast<int64_t>(random->Next()) >> random->Below(64));
    ASSERT_EQ(ParseDuration(FormatDuration(duration)), duration)
        << FormatDuration(duration) << " (seed " << kSeed << ")";
  }
  EXPECT_EQ(ParseDuration("-2562047h47m16.854775808s"), Duration::min());
  EXPECT_EQ(ParseDuration("2562047h47m16.854775808s"), std::nullopt);
  EXPECT_EQ(ParseDuration("99999999999999999999h"), std::nullopt);
  EXPECT_EQ(ParseDuration("0.3333333333333333333h"), Duration(1'200'000'000'000));
}

TEST(Time, BeyondWhatACalendarHoldsIsStillText) {
  for (const int64_t seconds : {std::numeric_limits<int64_t>::min(),
                                std::numeric_limits<int64_t>::max(), int64_t{253402300800}}) {
    EXPECT_THAT((Time{seconds, 0}).String(), testing::EndsWith("Z"));
  }
}

TEST(IntOrString, PercentsRoundAsAsked) {
  EXPECT_EQ(ScaledValueFromIntOrPercent("25%", 10, true), 3);
  EXPECT_EQ(ScaledValueFromIntOrPercent("25%", 10, false), 2);
  EXPECT_EQ(ScaledValueFromIntOrPercent(7, 10, false), 7);
  EXPECT_EQ(ScaledValueFromIntOrPercent("25", 10, false), std::nullopt);
}

TEST(Quantity, IsCanonicalAfterParsing) {  // C-9.8
  const std::pair<const char*, const char*> rows[] = {
      {"1.5", "1500m"},
      {"0.5", "500m"},
      {"1000m", "1"},
      {"0.1m", "100u"},
      {"0.5Gi", "512Mi"},
      {"1.5Gi", "1536Mi"},
      {"1024Ki", "1Mi"},
      {"1000k", "1M"},
      {"1000Ki", "1000Ki"},
      {"1.1Ki", "1126400m"},
      {"0.9Ki", "921600m"},
      {"1.25Mi", "1280Ki"},
      {"1e3", "1e3"},
      {"1E3", "1E3"},
      {"1.2e3", "1200"},
      {"4.5e3", "4500"},
      {"1e1", "10"},
      {"10e0", "10e0"},
      {"1e-3", "1e-3"},
      {"1e-10", "1e-9"},
      {"1E", "1E"},
      {"0.1n", "1n"},
      {"2048Mi", "2Gi"},
      {"1000000", "1M"},
      {"1000P", "1E"},
      {"8Ei", "9223372036854775807"},
      {"16Ei", "9223372036854775807"},
      {"-1.5", "-1500m"},
      {"1.0", "1"},
      {"0.0", "0"},
      {"-0", "0"},
      {".", "0"},
      {"5.", "5."},
      {"+1", "+1"},
      {"01", "01"},
      {"1Ki", "1Ki"},
      {"1023", "1023"},
      {"123456789012345678901234567890", "123456789012345678901234567890"},
      {"100m", "100m"},
      {"1Gi", "1Gi"},
      {"250M", "250M"},
      {"0", "0"}};
  for (const auto& [in, out] : rows) EXPECT_EQ(Quantity::Parse(in).value().String(), out) << in;
}

// What is plainly canonical takes a shorter way than the same number with a fraction.
TEST(Quantity, IsTheSameByBothWays) {
  for (const std::string suffix : {"n", "u", "m", "", "k", "M", "G", "Ki", "Mi", "Gi", "Ti"}) {
    for (const int64_t number :
         {1, 9, 10, 100, 999, 1000, 1001, 1023, 1024, 1500, 2048, 4000, 1'048'576, 999'999'999}) {
      const std::string whole = std::to_string(number);
      EXPECT_EQ(Quantity::Parse(whole + suffix).value().String(),
                Quantity::Parse(whole + ".0" + suffix).value().String())
          << whole << suffix;
    }
  }
}

TEST(Quantity, WhatIsCanonicalStaysAsItIs) {
  constexpr uint64_t kSeed = 9;
  const auto random = SeededRandom(kSeed);
  constexpr std::string_view kDigits = "0123456789.", kSuffix = "numkMGTPEeKi+-0123456789";
  for (int i = 0; i < 20000; ++i) {
    std::string text;
    for (uint64_t n = 1 + random->Below(12); n > 0; --n) {
      text += kDigits[random->Below(kDigits.size())];
    }
    for (uint64_t n = random->Below(4); n > 0; --n) text += kSuffix[random->Below(kSuffix.size())];
    const auto parsed = Quantity::Parse(text);
    if (!parsed) continue;
    const auto again = Quantity::Parse(parsed->String());
    ASSERT_TRUE(again) << text << " became " << parsed->String() << " (seed " << kSeed << ")";
    EXPECT_EQ(again->String(), parsed->String()) << text << " (seed " << kSeed << ")";
    EXPECT_EQ(*again, *parsed) << text << " (seed " << kSeed << ")";
  }
}

TEST(Quantity, CapsLargeBinaryNumbersWithFractionsToo) {  // chapter 9.3
  EXPECT_EQ(Quantity::Parse("100000000000000000000.5Gi")->String(), "9223372036854775807");
  EXPECT_EQ(Quantity::Parse("-9.5Ei")->String(), "-9223372036854775807");
  EXPECT_EQ(Quantity::Parse("1.5Gi")->String(), "1536Mi");
}

TEST(Quantity, RefusesWhatGoRefuses) {  // C-9.8
  using testing::HasSubstr;
  for (const char* bad : {"", "1 Gi", "1_000", "1,5", "abc"}) {
    EXPECT_THAT(Quantity::Parse(bad).error().message(), HasSubstr("must match the regular")) << bad;
  }
  for (const char* bad : {"1K", "1ki", "1e", "1m1"}) {
    EXPECT_THAT(Quantity::Parse(bad).error().message(), HasSubstr("quantity's suffix")) << bad;
  }
  EXPECT_THAT(Quantity::Parse("1.2.3").error().message(), HasSubstr("numeric part"));
}

TEST(Quantity, AddsAndCompares) {  // C-9.9
  Quantity sum;
  sum += "1Gi";
  EXPECT_EQ(sum.String(), "1Gi");
  sum += "500M";
  EXPECT_EQ(sum.String(), "1573741824");
  EXPECT_EQ(Quantity("1"), Quantity("1000m"));
  EXPECT_LT(Quantity("999m"), Quantity("1"));
  EXPECT_EQ(Quantity("1500m").Value(), 2);
  EXPECT_EQ(Quantity("0.1m").MilliValue(), 1);
  sum -= "1573741824";
  EXPECT_TRUE(sum.IsZero());
}

}  // namespace
}  // namespace k8s
