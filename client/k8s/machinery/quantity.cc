#include "k8s/machinery/quantity.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>

#include "k8s/base/result.h"
#include "k8s/base/strings.h"

namespace k8s {
namespace {

using Wide = __int128;
using Format = Quantity::Format;

constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
constexpr int kMaxDigits = 36;  // what a Wide holds with room for a factor of ten
constexpr int kNano = -9;       // nothing finer is kept

// number = mantissa * 10^scale.
struct Number {
  Wide mantissa = 0;
  int scale = 0;
  Format format = Format::kDecimalSI;
  char exponent_letter = 'e';
  bool verbatim = false;  // the text was canonical as it stood
};

struct Suffix {
  std::string_view text;
  int exponent;  // of 10, or of 2 for the binary ones
  Format format;
};

constexpr std::array<Suffix, 16> kSuffixes = {{{"", 0, Format::kDecimalSI},
                                               {"n", -9, Format::kDecimalSI},
                                               {"u", -6, Format::kDecimalSI},
                                               {"m", -3, Format::kDecimalSI},
                                               {"k", 3, Format::kDecimalSI},
                                               {"M", 6, Format::kDecimalSI},
                                               {"G", 9, Format::kDecimalSI},
                                               {"T", 12, Format::kDecimalSI},
                                               {"P", 15, Format::kDecimalSI},
                                               {"E", 18, Format::kDecimalSI},
                                               {"Ki", 10, Format::kBinarySI},
                                               {"Mi", 20, Format::kBinarySI},
                                               {"Gi", 30, Format::kBinarySI},
                                               {"Ti", 40, Format::kBinarySI},
                                               {"Pi", 50, Format::kBinarySI},
                                               {"Ei", 60, Format::kBinarySI}}};

std::optional<Suffix> ParseSuffix(std::string_view text) {
  for (const Suffix& suffix : kSuffixes) {
    if (suffix.text == text) return suffix;
  }
  if (text.size() < 2 || (text[0] != 'e' && text[0] != 'E')) return std::nullopt;
  const auto exponent = ParseInt(text.substr(1));
  if (!exponent || *exponent > 64 || *exponent < -64) return std::nullopt;
  return Suffix{text, static_cast<int>(*exponent), Format::kDecimalExponent};
}

Wide DivideAwayFromZero(Wide value, Wide divisor) {
  const Wide quotient = value / divisor;
  if (quotient * divisor == value) return quotient;
  return value > 0 ? quotient + 1 : quotient - 1;
}

// REQUIRES: scale is not positive.
Wide WholePart(Wide mantissa, int scale) {
  for (; scale < 0; ++scale) mantissa /= 10;
  return mantissa;
}

// Rounds away what is finer than 1n and takes trailing zeros into the scale.
void Normalise(Number& number) {
  for (; number.scale < kNano && number.mantissa != 0; ++number.scale) {
    number.mantissa = DivideAwayFromZero(number.mantissa, 10);
  }
  while (number.mantissa != 0 && number.mantissa % 10 == 0) {
    number.mantissa /= 10;
    ++number.scale;
  }
  if (number.mantissa == 0) number.scale = 0;
}

constexpr std::string_view kPattern =
    "quantities must match the regular expression "
    "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

bool SuffixLooksRight(std::string_view suffix) {
  size_t i = suffix.find_first_not_of("eEinumkKMGTP");
  if (i == std::string_view::npos) return true;
  if (suffix[i] == '+' || suffix[i] == '-') ++i;
  return suffix.find_first_not_of("0123456789", i) == std::string_view::npos;
}

// The text is what most are and what Go keeps as it stands: a few digits and a suffix that no
// larger one can take the place of. False says nothing.
bool IsPlainlyCanonical(std::string_view text) {
  uint32_t number = 0;
  size_t size = 0;
  for (; size < text.size() && text[size] >= '0' && text[size] <= '9'; ++size) {
    number = number * 10 + static_cast<uint32_t>(text[size] - '0');
  }
  if (size == 0 || size > 9 || text[0] == '0') return false;
  const std::string_view suffix = text.substr(size);
  if (suffix == "Ki" || suffix == "Mi" || suffix == "Gi") return number % 1024 != 0;
  return (suffix.empty() || suffix == "m" || suffix == "k" || suffix == "M" || suffix == "G") &&
         number % 1000 != 0;
}

Result<Number> ParseNumber(std::string_view text) {
  if (text.empty()) return DecodeError(std::string(kPattern));
  std::string_view rest = text;
  const bool negative = rest[0] == '-';
  if (negative || rest[0] == '+') rest.remove_prefix(1);
  const size_t size = std::min(rest.find_first_not_of("0123456789."), rest.size());
  const std::string_view digits = rest.substr(0, size), suffix_text = rest.substr(size);
  if (digits.empty() || !SuffixLooksRight(suffix_text)) return DecodeError(std::string(kPattern));
  const auto suffix = ParseSuffix(suffix_text);
  if (!suffix) return DecodeError("unable to parse quantity's suffix");

  Number number{.format = suffix->format};
  if (suffix->format == Format::kDecimalExponent) number.exponent_letter = suffix_text[0];
  const size_t point = digits.find('.');
  const std::string_view whole = digits.substr(0, point);
  const std::string_view fraction =
      point == std::string_view::npos ? std::string_view() : digits.substr(point + 1);
  if (fraction.find('.') != std::string_view::npos) {
    return DecodeError("unable to parse numeric part of quantity");
  }
  int significant = 0;
  bool lost = false;
  for (const std::string_view part : {whole, fraction}) {
    for (const char c : part) {
      if (significant > 0 || c != '0') ++significant;
      if (significant > kMaxDigits) {
        // Digits of the fraction beyond this only decide that something is rounded up.
        if (part.data() != fraction.data()) {
          return DecodeError("unable to parse numeric part of quantity");
        }
        lost |= c != '0';
        continue;
      }
      number.mantissa = number.mantissa * 10 + (c - '0');
      if (part.data() == fraction.data() && !fraction.empty()) --number.scale;
    }
  }
  if (lost) ++number.mantissa;
  if (negative) number.mantissa = -number.mantissa;
  if (suffix->format == Format::kBinarySI) {
    Wide scaled;
    const Wide limit = Wide{kMax};
    if (__builtin_mul_overflow(number.mantissa, Wide{1} << suffix->exponent, &scaled) ||
        WholePart(scaled, number.scale) > limit || WholePart(scaled, number.scale) < -limit) {
      scaled = negative ? -limit : limit;
      number.scale = 0;
    }
    number.mantissa = scaled;
  } else {
    number.scale += suffix->exponent;
  }
  // What Go keeps as it stands: no fraction, and no factor that a larger suffix could take.
  const Wide base = suffix->format == Format::kBinarySI ? Wide{1} << suffix->exponent : 1;
  const Wide step = suffix->format == Format::kBinarySI ? 1024 : 1000;
  number.verbatim = fraction.empty() && significant > 0 && significant <= 15 &&
                    number.scale >= kNano && suffix->exponent % (base > 1 ? 10 : 3) == 0 &&
                    number.mantissa / base % step != 0 &&
                    (suffix->format != Format::kBinarySI || number.mantissa < Wide{kMax});
  if (number.verbatim && base > 1 && number.mantissa > -1024 && number.mantissa < 1024) {
    number.verbatim = false;
  }
  Normalise(number);
  return number;
}

std::string ToText(Wide value) {
  if (value == 0) return "0";
  std::string text;
  const bool negative = value < 0;
  for (Wide rest = negative ? -value : value; rest != 0; rest /= 10) {
    text += static_cast<char>('0' + static_cast<int>(rest % 10));
  }
  if (negative) text += '-';
  std::reverse(text.begin(), text.end());
  return text;
}

// The value as an integer, rounded away from zero; nullopt when a Wide cannot hold it.
std::optional<Wide> ScaledTo(const Number& number, int scale) {
  Wide value = number.mantissa;
  int difference = number.scale - scale;
  for (; difference < 0 && value != 0; ++difference) value = DivideAwayFromZero(value, 10);
  for (; difference > 0 && value != 0; --difference) {
    if (__builtin_mul_overflow(value, Wide{10}, &value)) return std::nullopt;
  }
  return value;
}

std::string CanonicalBinary(Wide value) {
  constexpr std::string_view kNames[] = {"", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"};
  size_t power = 0;
  while (power < 6 && value % 1024 == 0) {
    value /= 1024;
    ++power;
  }
  return Cat(ToText(value), kNames[power]);
}

std::string CanonicalDecimal(Number number) {
  while (number.scale % 3 != 0) {
    number.mantissa *= 10;
    --number.scale;
  }
  if (number.format == Format::kDecimalExponent) {
    if (number.scale == 0) return ToText(number.mantissa);
    return Cat(ToText(number.mantissa), std::string(1, number.exponent_letter),
               std::to_string(number.scale));
  }
  for (; number.scale > 18; number.scale -= 3) number.mantissa *= 1000;
  for (const Suffix& suffix : kSuffixes) {
    if (suffix.format == Format::kDecimalSI && suffix.exponent == number.scale) {
      return Cat(ToText(number.mantissa), suffix.text);
    }
  }
  return ToText(number.mantissa);
}

std::string Canonical(const Number& number) {
  if (number.mantissa == 0) return "0";
  if (number.format == Format::kBinarySI && number.scale >= 0) {
    const auto value = ScaledTo(number, 0);
    if (value && (*value >= 1024 || *value <= -1024)) return CanonicalBinary(*value);
  }
  Number decimal = number;
  if (decimal.format == Format::kBinarySI) decimal.format = Format::kDecimalSI;
  return CanonicalDecimal(decimal);
}

// REQUIRES: text came out of Canonical or was accepted by ParseNumber.
Number Known(const std::string& text) {
  if (text.empty()) return {};
  auto number = ParseNumber(text);
  return number ? *number : Number{};
}

int64_t Saturated(std::optional<Wide> value, bool negative) {
  constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
  if (!value) return negative ? kMin : kMax;
  return static_cast<int64_t>(std::clamp<Wide>(*value, kMin, kMax));
}

}  // namespace

Result<Quantity> Quantity::Parse(std::string_view text) {
  Quantity quantity;
  if (IsPlainlyCanonical(text)) {
    quantity.text_ = text;
    return quantity;
  }
  const auto number = ParseNumber(text);
  if (!number) return number.error();
  quantity.text_ = number->verbatim ? std::string(text) : Canonical(*number);
  return quantity;
}

Quantity::Quantity(const char* text) {
  if (auto parsed = Parse(text)) *this = *std::move(parsed);
}

Quantity Quantity::FromInt(int64_t value, Format format) {
  Number number{.mantissa = value, .format = format};
  Normalise(number);
  Quantity quantity;
  quantity.text_ = Canonical(number);
  return quantity;
}

Quantity Quantity::FromMilli(int64_t value, Format format) {
  Number number{.mantissa = value, .scale = -3, .format = format};
  Normalise(number);
  Quantity quantity;
  quantity.text_ = Canonical(number);
  return quantity;
}

const std::string& Quantity::String() const {
  static const std::string kZero = "0";
  return text_.empty() ? kZero : text_;
}

bool Quantity::IsZero() const { return Sign() == 0; }

int Quantity::Sign() const {
  const Wide mantissa = Known(text_).mantissa;
  return mantissa == 0 ? 0 : mantissa > 0 ? 1 : -1;
}

int64_t Quantity::Value() const {
  const Number number = Known(text_);
  return Saturated(ScaledTo(number, 0), number.mantissa < 0);
}

int64_t Quantity::MilliValue() const {
  const Number number = Known(text_);
  return Saturated(ScaledTo(number, -3), number.mantissa < 0);
}

Quantity::Format Quantity::format() const { return Known(text_).format; }

Quantity& Quantity::operator+=(const Quantity& other) {
  const Number left = Known(text_), right = Known(other.text_);
  if (left.mantissa == 0) return *this = other;
  const int scale = std::min(left.scale, right.scale);
  const auto a = ScaledTo(left, scale), b = ScaledTo(right, scale);
  Number sum{.scale = scale, .format = left.format, .exponent_letter = left.exponent_letter};
  if (a && b) sum.mantissa = *a + *b;
  Normalise(sum);
  text_ = Canonical(sum);
  return *this;
}

Quantity& Quantity::operator-=(const Quantity& other) {
  Quantity negated = other;
  const std::string& text = other.String();
  negated.text_ = text.starts_with('-')   ? text.substr(1)
                  : text.starts_with('+') ? Cat("-", text.substr(1))
                  : text == "0"           ? text
                                          : Cat("-", text);
  return *this += negated;
}

std::strong_ordering Quantity::Compare(const Quantity& other) const {
  if (text_ == other.text_) return std::strong_ordering::equal;
  const Number left = Known(text_), right = Known(other.text_);
  const int scale = std::min(left.scale, right.scale);
  const auto a = ScaledTo(left, scale), b = ScaledTo(right, scale);
  if (a && b)
    return *a < *b   ? std::strong_ordering::less
           : *a > *b ? std::strong_ordering::greater
                     : std::strong_ordering::equal;
  // Too far apart for one scale: the larger magnitude decides.
  const auto magnitude = [](const Number& n) {
    return static_cast<long double>(n.mantissa) * std::pow(10.0L, n.scale);
  };
  return magnitude(left) < magnitude(right) ? std::strong_ordering::less
                                            : std::strong_ordering::greater;
}

}  // namespace k8s
