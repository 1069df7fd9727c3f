#include "k8s/machinery/scalars.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdio>

#include "k8s/base/strings.h"

namespace k8s {
namespace {

bool TakeChar(std::string_view& text, char c) {
  if (text.empty() || text[0] != c) return false;
  text.remove_prefix(1);
  return true;
}

struct Moment {
  int64_t seconds;
  int32_t nanos;
};

// RFC 3339. fraction_digits: how many there must be, or -1 for any number, none included.
std::optional<Moment> ParseMoment(std::string_view text, int fraction_digits) {
  constexpr size_t kFixed = std::string_view("2006-01-02T15:04:05").size();
  if (text.size() < kFixed) return std::nullopt;
  bool bad =
      text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' || text[16] != ':';
  const auto two = [&](size_t at) {
    const int tens = text[at] - '0', ones = text[at + 1] - '0';
    bad |= tens < 0 || tens > 9 || ones < 0 || ones > 9;
    return tens * 10 + ones;
  };
  const int year = two(0) * 100 + two(2), month = two(5), day = two(8);
  const int hour = two(11), minute = two(14), second = two(17);
  if (bad) return std::nullopt;
  text.remove_prefix(kFixed);
  if (hour > 23 || minute > 59 || second > 59) return std::nullopt;
  int32_t nanos = 0;
  int digits = 0;
  if (TakeChar(text, '.')) {
    int32_t unit = 100'000'000;
    for (; !text.empty() && text[0] >= '0' && text[0] <= '9'; ++digits, unit /= 10) {
      nanos += (text[0] - '0') * unit;
      text.remove_prefix(1);
    }
    if (digits == 0) return std::nullopt;
  }
  if (fraction_digits >= 0 && digits != fraction_digits) return std::nullopt;
  int offset = 0;
  if (!TakeChar(text, 'Z')) {
    const bool minus = TakeChar(text, '-');
    if (!minus && !TakeChar(text, '+')) return std::nullopt;
    constexpr size_t kOffset = std::string_view("07:00").size();
    if (text.size() < kOffset || text[2] != ':') return std::nullopt;
    const int hours = two(0), minutes = two(3);
    if (bad || hours > 24 || minutes > 59) return std::nullopt;
    text.remove_prefix(kOffset);
    offset = (hours * 60 + minutes) * (minus ? -60 : 60);
  }
  if (!text.empty()) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return std::nullopt;
  const int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  return Moment{days * 86400 + hour * 3600 + minute * 60 + second - offset, nanos};
}

// As printf's %0<width>d.
void AppendPadded(int value, size_t width, std::string& out) {
  if (value < 0) {
    out += '-';
    --width;
  }
  char digits[16];
  const auto* end = std::to_chars(digits, digits + sizeof digits, std::abs(value)).ptr;
  const auto size = static_cast<size_t>(end - digits);
  out.append(width - std::min(width, size), '0').append(digits, size);
}

std::string FormatSeconds(int64_t seconds) {
  // A message may carry any number; the calendar of <chrono> ends at the year 32767.
  constexpr int64_t kFirst = -1'000'000'000'000, kLast = 900'000'000'000;
  seconds = std::clamp(seconds, kFirst, kLast);
  const int64_t days = seconds >= 0 ? seconds / 86400 : -((86399 - seconds) / 86400);
  const auto rest = static_cast<int>(seconds - days * 86400);
  const std::chrono::year_month_day date{
      std::chrono::sys_days(std::chrono::days(static_cast<int>(days)))};
  std::string text;
  text.reserve(32);
  AppendPadded(static_cast<int>(date.year()), 4, text);
  for (const auto& [separator, value] :
       {std::pair('-', static_cast<int>(static_cast<unsigned>(date.month()))),
        std::pair('-', static_cast<int>(static_cast<unsigned>(date.day()))),
        std::pair('T', rest / 3600), std::pair(':', rest / 60 % 60), std::pair(':', rest % 60)}) {
    text += separator;
    AppendPadded(value, 2, text);
  }
  return text;
}

Moment Split(WallTime moment) {
  const int64_t nanos = moment.time_since_epoch().count();
  int64_t seconds = nanos / 1'000'000'000;
  if (nanos % 1'000'000'000 < 0) --seconds;
  return {seconds, static_cast<int32_t>(nanos - seconds * 1'000'000'000)};
}

// value in units of 10^-digits, without trailing zeros: 1500, 3 -> "1.5".
std::string Decimal(uint64_t value, int digits) {
  std::string fraction;
  for (int i = 0; i < digits; ++i, value /= 10) {
    const char digit = static_cast<char>('0' + value % 10);
    if (digit != '0' || !fraction.empty()) fraction.insert(fraction.begin(), digit);
  }
  return fraction.empty() ? std::to_string(value) : Cat(std::to_string(value), ".", fraction);
}

}  // namespace

Time Time::From(WallTime moment) { return {Split(moment).seconds, 0}; }

std::optional<Time> Time::Parse(std::string_view text) {
  const auto moment = ParseMoment(text, -1);
  if (!moment) return std::nullopt;
  return Time{moment->seconds, moment->nanos};
}

std::string Time::String() const { return FormatSeconds(seconds) + "Z"; }

MicroTime MicroTime::From(WallTime moment) {
  const Moment split = Split(moment);
  return {split.seconds, split.nanos / 1000 * 1000};
}

std::optional<MicroTime> MicroTime::Parse(std::string_view text) {
  const auto moment = ParseMoment(text, 6);
  if (!moment) return std::nullopt;
  return MicroTime{moment->seconds, moment->nanos};
}

std::string MicroTime::String() const {
  char fraction[16];
  std::snprintf(fraction, sizeof fraction, ".%06dZ", nanos / 1000);
  return FormatSeconds(seconds) + fraction;
}

std::string FormatDuration(Duration d) {
  if (d.count() == 0) return "0s";
  // Through the unsigned type, because the smallest duration has no positive twin.
  uint64_t nanos = static_cast<uint64_t>(d.count());
  if (d.count() < 0) nanos = 0 - nanos;
  const std::string sign = d.count() < 0 ? "-" : "";
  if (nanos < 1000) return Cat(sign, std::to_string(nanos), "ns");
  if (nanos < 1'000'000) return Cat(sign, Decimal(nanos, 3), "µs");
  if (nanos < 1'000'000'000) return Cat(sign, Decimal(nanos, 6), "ms");
  const uint64_t minutes = nanos / 60'000'000'000;
  std::string text = sign;
  if (minutes >= 60) text += std::to_string(minutes / 60) + "h";
  if (minutes > 0) text += std::to_string(minutes % 60) + "m";
  return Cat(text, Decimal(nanos % 60'000'000'000, 9), "s");
}

namespace {

struct DurationUnit {
  std::string_view name;
  uint64_t nanos;
};
constexpr std::array<DurationUnit, 8> kDurationUnits = {{{"ns", 1},
                                                         {"us", 1'000},
                                                         {"µs", 1'000},
                                                         {"μs", 1'000},
                                                         {"ms", 1'000'000},
                                                         {"s", 1'000'000'000},
                                                         {"m", 60'000'000'000},
                                                         {"h", 3'600'000'000'000}}};

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// One number and its unit from the front, added to total; false also when that exceeds 2^63.
bool TakeDurationPart(std::string_view& text, uint64_t& total) {
  constexpr uint64_t kLimit = uint64_t{1} << 63;
  uint64_t whole = 0, fraction = 0;
  double place = 1;
  size_t digits = 0;
  for (; !text.empty() && IsDigit(text[0]); text.remove_prefix(1), ++digits) {
    if (whole > kLimit / 10) return false;
    whole = whole * 10 + static_cast<uint64_t>(text[0] - '0');
    if (whole > kLimit) return false;
  }
  if (TakeChar(text, '.')) {
    for (; !text.empty() && IsDigit(text[0]); text.remove_prefix(1), ++digits) {
      if (fraction > kLimit / 10 - 1) continue;  // beyond what counts
      fraction = fraction * 10 + static_cast<uint64_t>(text[0] - '0');
      place *= 10;
    }
  }
  if (digits == 0) return false;
  size_t length = 0;
  while (length < text.size() && text[length] != '.' && !IsDigit(text[length])) ++length;
  const auto unit = std::find_if(
      kDurationUnits.begin(), kDurationUnits.end(),
      [&](const DurationUnit& candidate) { return candidate.name == text.substr(0, length); });
  if (unit == kDurationUnits.end()) return false;
  text.remove_prefix(length);
  if (whole > kLimit / unit->nanos) return false;
  total += whole * unit->nanos;
  // As Go rounds: towards zero.
  total += static_cast<uint64_t>(static_cast<double>(fraction) *
                                 (static_cast<double>(unit->nanos) / place));
  return total <= kLimit;
}

}  // namespace

std::optional<Duration> ParseDuration(std::string_view text) {
  const bool negative = TakeChar(text, '-');
  if (!negative) TakeChar(text, '+');
  if (text == "0") return Duration(0);
  if (text.empty()) return std::nullopt;
  uint64_t total = 0;
  while (!text.empty()) {
    if (!TakeDurationPart(text, total)) return std::nullopt;
  }
  constexpr uint64_t kMostNegative = uint64_t{1} << 63;
  if (negative) return Duration(static_cast<int64_t>(0 - total));
  if (total == kMostNegative) return std::nullopt;
  return Duration(static_cast<int64_t>(total));
}

std::string IntOrString::String() const {
  return is_string ? string_value : std::to_string(int_value);
}

std::optional<int> ScaledValueFromIntOrPercent(const IntOrString& value, int total, bool round_up) {
  if (!value.is_string) return value.int_value;
  std::string_view text = value.string_value;
  if (!text.ends_with('%')) return std::nullopt;
  text.remove_suffix(1);
  const auto percent = ParseInt(text);
  if (!percent) return std::nullopt;
  const double share = static_cast<double>(*percent) * total / 100;
  return static_cast<int>(round_up ? std::ceil(share) : std::floor(share));
}

}  // namespace k8s
