#pragma once

// The scalars of the API that have rules of their own (chapters 9.2 to 9.4). Plain values.

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "k8s/base/moment.h"
#include "k8s/base/shared_text.h"

namespace k8s {

// metav1.Time: a moment; JSON knows whole seconds of UTC. Go's zero time is the default.
struct Time {
  static constexpr int64_t kZeroSeconds = -62135596800;  // 0001-01-01T00:00:00Z
  int64_t seconds = kZeroSeconds;                        // since 1970-01-01T00:00:00Z
  int32_t nanos = 0;

  bool IsZero() const { return seconds == kZeroSeconds && nanos == 0; }
  static Time From(WallTime moment);
  // RFC 3339 with any zone and fraction; nullopt for anything else.
  static std::optional<Time> Parse(std::string_view text);
  std::string String() const;                                   // "2024-01-02T03:04:05Z"
  friend auto operator<=>(const Time&, const Time&) = default;  // NOLINT(modernize-use-nullptr)
};

// metav1.MicroTime: always six digits of fraction, and read only so (C-9.7).
struct MicroTime {
  int64_t seconds = Time::kZeroSeconds;
  int32_t nanos = 0;

  bool IsZero() const { return seconds == Time::kZeroSeconds && nanos == 0; }
  static MicroTime From(WallTime moment);
  static std::optional<MicroTime> Parse(std::string_view text);
  std::string String() const;  // "2024-01-02T03:04:05.000006Z"
  friend auto operator<=>(const MicroTime&, const MicroTime&) = default;
};

// Go's spelling of a duration: "1m30s", "250ms", "0s".
std::string FormatDuration(Duration d);
std::optional<Duration> ParseDuration(std::string_view text);

// A bool with an address of its own, which std::vector<bool> does not give its elements.
struct Bool {
  bool value = false;
  Bool() = default;
  Bool(bool b) : value(b) {}               // NOLINT
  operator bool() const { return value; }  // NOLINT
};

// IntOrString: "http" or 8080, and written as it came.
struct IntOrString {
  bool is_string = false;
  int32_t int_value = 0;
  std::string string_value{};

  IntOrString() = default;
  IntOrString(int32_t value) : int_value(value) {}                                     // NOLINT
  IntOrString(std::string value) : is_string(true), string_value(std::move(value)) {}  // NOLINT
  IntOrString(const char* value) : IntOrString(std::string(value)) {}                  // NOLINT
  std::string String() const;
  friend bool operator==(const IntOrString&, const IntOrString&) = default;
};

// "25%" of total, rounded up or down, or the number itself. nullopt: a text without a percent sign.
std::optional<int> ScaledValueFromIntOrPercent(const IntOrString& value, int total, bool round_up);

// Any JSON value, kept as its text; "" is absent. C-9.16: the order of members stays.
struct RawExtension {
  std::string raw{};
  friend bool operator==(const RawExtension&, const RawExtension&) = default;
};
// The same of managedFields. Objects that are read one after the other, as those of a list, share
// the sets that are alike (docs/adr/0006).
struct FieldsV1 {
  static constexpr size_t kMaxShared = size_t{16} << 10;  // bytes; larger ones are rare
  SharedText raw{};
  friend bool operator==(const FieldsV1&, const FieldsV1&) = default;
};
struct Json {
  std::string raw{};
  friend bool operator==(const Json&, const Json&) = default;
};

}  // namespace k8s
