#include "fakeapiserver/go_text.h"

#include <charconv>

#include "k8s/base/strings.h"

namespace k8s::fakeapiserver {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

std::string CharText(char c) {
  if (c == '\'') return "'\\''";
  if (c == '"') return "'\"'";
  std::string rune;
  const auto byte = static_cast<unsigned char>(c);
  if (byte >= 0x80 && byte < 0xa0) {
    static constexpr char kHex[] = "0123456789abcdef";
    return std::string("'\\u00") + kHex[byte >> 4] + kHex[byte & 15] + "'";
  }
  if (byte >= 0x80) {
    rune += static_cast<char>(0xc0 | byte >> 6);
    rune += static_cast<char>(0x80 | (byte & 0x3f));
  } else {
    rune += c;
  }
  const std::string quoted = Quote(rune);
  return Cat("'", quoted.substr(1, quoted.size() - 2), "'");
}

// Reads a document as Go's scanner does and remembers the first complaint.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  std::optional<std::string> Run() {
    if (!ScanValue(0)) return complaint_;
    Blanks();
    if (at_ < text_.size()) Refuse("after top-level value");
    return complaint_;
  }

 private:
  static constexpr int kMaxDepth = 10000;

  bool Refuse(std::string_view where) {
    if (at_ >= text_.size()) {
      complaint_ = "unexpected end of JSON input";
    } else {
      complaint_ = Cat("invalid character ", CharText(text_[at_]), " ", where);
    }
    return false;
  }
  void Blanks() {
    while (at_ < text_.size() &&
           (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\r' || text_[at_] == '\n'))
      ++at_;
  }
  char Peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool AtEnd() const { return at_ >= text_.size(); }

  bool ScanValue(int depth) {
    Blanks();
    if (depth > kMaxDepth) {
      complaint_ = "exceeded max depth";
      return false;
    }
    if (AtEnd()) return Refuse("looking for beginning of value");
    switch (Peek()) {
      case '{':
        return ScanObject(depth);
      case '[':
        return ScanArray(depth);
      case '"':
        return ScanString();
      case 't':
        return ScanLiteral("true");
      case 'f':
        return ScanLiteral("false");
      case 'n':
        return ScanLiteral("null");
      default:
        break;
    }
    if (Peek() == '-' || IsDigit(Peek())) return ScanNumber();
    return Refuse("looking for beginning of value");
  }
  bool ScanObject(int depth) {
    ++at_;
    Blanks();
    if (Peek() == '}') return ++at_, true;
    while (true) {
      Blanks();
      if (Peek() != '"') return Refuse("looking for beginning of object key string");
      if (!ScanString()) return false;
      Blanks();
      if (Peek() != ':') return Refuse("after object key");
      ++at_;
      if (!ScanValue(depth + 1)) return false;
      Blanks();
      if (Peek() == '}') return ++at_, true;
      if (Peek() != ',') return Refuse("after object key:value pair");
      ++at_;
    }
  }
  bool ScanArray(int depth) {
    ++at_;
    Blanks();
    if (Peek() == ']') return ++at_, true;
    while (true) {
      if (!ScanValue(depth + 1)) return false;
      Blanks();
      if (Peek() == ']') return ++at_, true;
      if (Peek() != ',') return Refuse("after array element");
      ++at_;
    }
  }
  bool ScanString() {
    for (++at_; !AtEnd(); ++at_) {
      const char c = Peek();
      if (c == '"') return ++at_, true;
      if (static_cast<unsigned char>(c) < 0x20) return Refuse("in string literal");
      if (c != '\\') continue;
      ++at_;
      if (AtEnd()) break;
      if (Peek() == 'u') {
        for (int i = 0; i < 4; ++i) {
          ++at_;
          const char hex = Peek();
          if (!IsDigit(hex) && !(hex >= 'a' && hex <= 'f') && !(hex >= 'A' && hex <= 'F')) {
            return Refuse("in \\u hexadecimal character escape");
          }
        }
      } else if (std::string_view("bfnrt\\/\"").find(Peek()) == std::string_view::npos) {
        return Refuse("in string escape code");
      }
    }
    return Refuse("");
  }
  bool ScanLiteral(std::string_view word) {
    for (size_t i = 1; i < word.size(); ++i) {
      ++at_;
      if (Peek() != word[i])
        return Refuse(Cat("in literal ", word, " (expecting '", word.substr(i, 1), "')"));
    }
    return ++at_, true;
  }
  bool ScanNumber() {
    if (Peek() == '-') ++at_;
    if (Peek() == '0') {
      ++at_;
    } else if (IsDigit(Peek())) {
      while (IsDigit(Peek())) ++at_;
    } else {
      return Refuse("in numeric literal");
    }
    if (Peek() == '.') {
      ++at_;
      if (!IsDigit(Peek())) return Refuse("after decimal point in numeric literal");
      while (IsDigit(Peek())) ++at_;
    }
    if (Peek() == 'e' || Peek() == 'E') {
      ++at_;
      if (Peek() == '+' || Peek() == '-') ++at_;
      if (!IsDigit(Peek())) return Refuse("in exponent of numeric literal");
      while (IsDigit(Peek())) ++at_;
    }
    return true;
  }

  std::string_view text_;
  size_t at_ = 0;
  std::optional<std::string> complaint_;
};

template <class T>
Result<T> Parse(std::string_view function, std::string_view text) {
  T number = 0;
  std::string_view digits = text;
  if (digits.starts_with('+') && std::is_signed_v<T>) digits.remove_prefix(1);
  const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  const bool whole = end == digits.data() + digits.size() && !digits.empty();
  if (failure == std::errc() && whole) return number;
  const bool range = failure == std::errc::result_out_of_range && whole;
  return Invalid(Cat("strconv.", function, ": parsing ", Quote(text), ": ",
                     range ? "value out of range" : "invalid syntax"));
}

}  // namespace

std::optional<std::string> GoJsonError(std::string_view text) { return Scanner(text).Run(); }
std::string GoYamlError(std::string_view ours) {
  struct Words {
    std::string_view ours, gos;
    bool scanner;
  };
  static constexpr Words kWords[] = {
      {"illegal map value", "mapping values are not allowed in this context", true},
      {"illegal block entry", "block sequence entries are not allowed in this context", true},
      {"illegal map key", "mapping keys are not allowed in this context", true},
      {"unknown token", "found character that cannot start any token", true},
      {"illegal EOF in scalar", "found unexpected end of stream", true},
      {"end of map flow not found", "did not find expected ',' or '}'", false},
      {"end of sequence flow not found", "did not find expected ',' or ']'", false},
      {"end of map not found", "did not find expected key", false},
      {"end of sequence not found", "did not find expected '-' indicator", false},
  };
  std::string_view what = ours;
  int64_t line = 0;
  if (const size_t colon = ours.find(": "); ours.starts_with("line ") && colon != ours.npos) {
    line = ParseInt(ours.substr(5, colon - 5)).value_or(0);
    what = ours.substr(colon + 2);
  }
  bool scanner = true;
  for (const Words& row : kWords) {
    if (what != row.ours) continue;
    what = row.gos;
    scanner = row.scanner;
    break;
  }
  if (line <= 1) return Cat("yaml: ", what);
  return Cat("yaml: line ", std::to_string(scanner ? line : line - 1), ": ", what);
}

Result<int64_t> GoParseInt(std::string_view text) { return Parse<int64_t>("ParseInt", text); }
Result<uint64_t> GoParseUint(std::string_view text) { return Parse<uint64_t>("ParseUint", text); }

Result<Duration> GoParseDuration(std::string_view text) {
  const auto invalid = [&] { return Invalid(Cat("time: invalid duration ", Quote(text))); };
  std::string_view rest = text;
  bool negative = false;
  if (!rest.empty() && (rest[0] == '-' || rest[0] == '+')) {
    negative = rest[0] == '-';
    rest.remove_prefix(1);
  }
  if (rest == "0") return Duration::zero();
  if (rest.empty()) return invalid();
  double total = 0;
  while (!rest.empty()) {
    size_t end = 0;
    while (end < rest.size() && (IsDigit(rest[end]) || rest[end] == '.')) ++end;
    double number = 0;
    const auto parsed = std::from_chars(rest.data(), rest.data() + end, number);
    if (end == 0 || parsed.ec != std::errc()) return invalid();
    rest.remove_prefix(end);
    size_t unit_end = 0;
    while (unit_end < rest.size() && !IsDigit(rest[unit_end]) && rest[unit_end] != '.') ++unit_end;
    const std::string_view unit = rest.substr(0, unit_end);
    if (unit.empty()) return Invalid(Cat("time: missing unit in duration ", Quote(text)));
    rest.remove_prefix(unit_end);
    double scale;
    if (unit == "ns")
      scale = 1;
    else if (unit == "us" || unit == "\u00b5s" || unit == "\u03bcs")
      scale = 1e3;
    else if (unit == "ms")
      scale = 1e6;
    else if (unit == "s")
      scale = 1e9;
    else if (unit == "m")
      scale = 60e9;
    else if (unit == "h")
      scale = 3600e9;
    else
      return Invalid(Cat("time: unknown unit ", Quote(unit), " in duration ", Quote(text)));
    total += number * scale;
  }
  if (total > 9.2e18) return invalid();
  const auto count = static_cast<int64_t>(total);
  return Duration(negative ? -count : count);
}

}  // namespace k8s::fakeapiserver
