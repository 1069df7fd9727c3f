#pragma once

// resource.Quantity: "500m", "1Gi", "1e3" (chapter 9.3). A value: the canonical text is what is
// stored, numbers are worked out when asked for. Pure; no locking.

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "k8s/base/result_forward.h"

namespace k8s {

class Quantity {
 public:
  Quantity() = default;  // 0
  // Canonicalises: "1000m" becomes "1", "1024Ki" becomes "1Mi".
  static Result<Quantity> Parse(std::string_view text);
  // REQUIRES: text parses; for literals in programs. A bad one becomes 0.
  Quantity(const char* text);  // NOLINT
  enum class Format : uint8_t { kDecimalSI, kBinarySI, kDecimalExponent };
  static Quantity FromInt(int64_t value, Format format = Format::kDecimalSI);
  static Quantity FromMilli(int64_t value, Format format = Format::kDecimalSI);

  const std::string& String() const;  // canonical; "0" for the zero value
  bool IsZero() const;
  int Sign() const;            // -1, 0, 1
  int64_t Value() const;       // rounded up to an integer, saturating
  int64_t MilliValue() const;  // in thousandths, rounded up, saturating
  Format format() const;

  // Keeps the left format, or takes the right one when left is zero.
  Quantity& operator+=(const Quantity& other);
  Quantity& operator-=(const Quantity& other);
  std::strong_ordering Compare(const Quantity& other) const;  // by number: 1 equals 1000m
  friend bool operator==(const Quantity& a, const Quantity& b) {
    return a.Compare(b) == std::strong_ordering::equal;
  }
  friend std::strong_ordering operator<=>(const Quantity& a, const Quantity& b) {
    return a.Compare(b);
  }

 private:
  std::string text_;  // canonical, or empty for 0
};

}  // namespace k8s
