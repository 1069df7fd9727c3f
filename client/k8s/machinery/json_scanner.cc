#include "k8s/machinery/json_scanner.h"

#include <vector>

#include "k8s/base/strings.h"
#include "k8s/machinery/json.h"

namespace k8s {
namespace {

void AppendUtf8(uint32_t point, std::string& out) {
  const auto put = [&](uint32_t byte) { out += static_cast<char>(byte); };
  if (point < 0x80) {
    put(point);
  } else if (point < 0x800) {
    put(0xc0 | point >> 6);
    put(0x80 | (point & 63));
  } else if (point < 0x10000) {
    put(0xe0 | point >> 12);
    put(0x80 | (point >> 6 & 63));
    put(0x80 | (point & 63));
  } else {
    put(0xf0 | point >> 18);
    put(0x80 | (point >> 12 & 63));
    put(0x80 | (point >> 6 & 63));
    put(0x80 | (point & 63));
  }
}

constexpr std::string_view kRanOut = "unexpected end of JSON input";

// What the letter after a backslash means; 0: nothing, and u is another matter.
char Meaning(char letter) {
  switch (letter) {
    case '"':
    case '\\':
    case '/':
      return letter;
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return '\0';
  }
}

// The brackets that are open, a bit each, so that depth costs no recursion and mostly no memory.
class OpenBrackets {
 public:
  bool empty() const { return count_ == 0; }
  bool IsObject() const { return (bits_ & 1) != 0; }  // of the innermost
  void Push(bool is_object) {
    if (count_ != 0 && count_ % kBits == 0) outer_.push_back(bits_);
    bits_ = bits_ << 1 | (is_object ? 1 : 0);
    ++count_;
  }
  void Pop() {
    bits_ >>= 1;
    if (--count_ == 0 || count_ % kBits != 0) return;
    bits_ = outer_.back();
    outer_.pop_back();
  }

 private:
  static constexpr size_t kBits = 64;
  uint64_t bits_ = 0;
  size_t count_ = 0;
  std::vector<uint64_t> outer_;
};

}  // namespace

const char* JsonScanner::PastBlanks(const char* at) {
  while (at != end_ && (*at == ' ' || *at == '\n' || *at == '\t' || *at == '\r')) {
    ++at;
    passed_blanks_ = true;
  }
  return at;
}

const char* JsonScanner::Fail(const char* at, std::string_view what) {
  if (what_.empty()) {
    what_ = what;
    failed_at_ = OffsetOf(at);
    ran_out_ = what == kRanOut;
  }
  return nullptr;
}

const char* JsonScanner::FailUnexpected(const char* at, std::string_view expected) {
  const char next = Peek(at);
  if (at == end_) return Fail(at, kRanOut);
  const auto byte = static_cast<unsigned char>(next);
  const std::string seen = byte >= 0x20 && byte < 0x7f ? Cat("'", std::string(1, next), "'")
                                                       : Cat("byte ", std::to_string(byte));
  return Fail(at, Cat("expected ", expected, ", found ", seen));
}

Error JsonScanner::error() const {
  return DecodeError(Cat("json: ", what_, " at byte ", std::to_string(failed_at_)));
}

const char* JsonScanner::UnusualString(const char* at, std::string_view& out,
                                       std::string& scratch) {
  if (Peek(at) != '"') return FailUnexpected(at, "a string");
  const char* const start = ++at;
  bool high = false;
  at = PlainRun(at, end_, high);
  out = {start, static_cast<size_t>(at - start)};
  if (at == end_ || *at != '"') {
    scratch = out;
    while (true) {
      if (at == end_) return Fail(at, kRanOut);
      if (*at == '"') break;
      if (*at != '\\') return Fail(at, "control character in a string");
      const char* const run = Unescape(at, scratch);
      if (run == nullptr) return nullptr;
      at = PlainRun(run, end_, high);
      scratch.append(run, static_cast<size_t>(at - run));
    }
    out = scratch;
  }
  if (high && !IsValidUtf8(out)) out = scratch = ToValidUtf8(out);
  return at + 1;
}

const char* JsonScanner::Hex4(const char* at, uint32_t& out) {
  if (end_ - at < 4) return Fail(at, kRanOut);
  out = 0;
  for (int i = 0; i < 4; ++i) {
    const char c = *at++;
    const int digit = c >= '0' && c <= '9'   ? c - '0'
                      : c >= 'a' && c <= 'f' ? c - 'a' + 10
                      : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                             : -1;
    if (digit < 0) return Fail(at, "bad \\u escape");
    out = out << 4 | static_cast<uint32_t>(digit);
  }
  return at;
}

// REQUIRES: *at is a backslash.
const char* JsonScanner::Unescape(const char* at, std::string& scratch) {
  ++at;
  if (at == end_) return Fail(at, kRanOut);
  const char c = *at++;
  if (const char meaning = Meaning(c); meaning != '\0') {
    scratch += meaning;
    return at;
  }
  if (c != 'u') return Fail(at, "bad escape in a string");
  uint32_t point = 0;
  if ((at = Hex4(at, point)) == nullptr) return nullptr;
  if (point >= 0xd800 && point < 0xdc00 && end_ - at >= 6 && at[0] == '\\' && at[1] == 'u') {
    uint32_t low = 0;
    const char* const after = Hex4(at + 2, low);
    if (after == nullptr) return nullptr;
    if (low >= 0xdc00 && low < 0xe000) {
      point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
      at = after;
    }
  }
  if (point >= 0xd800 && point < 0xe000) point = 0xfffd;  // half of a pair
  AppendUtf8(point, scratch);
  return at;
}

const char* JsonScanner::Number(const char* at, std::string_view& out, bool& is_integer) {
  Peek(at);
  const char* start = at;
  const auto digits = [&] {
    const char* first = at;
    while (at != end_ && *at >= '0' && *at <= '9') ++at;
    return at != first;
  };
  is_integer = true;
  if (at != end_ && *at == '-') ++at;
  if (at != end_ && *at == '0') {
    ++at;
  } else if (!digits()) {
    return FailUnexpected(at, "a number");
  }
  if (at != end_ && *at == '.') {
    is_integer = false;
    ++at;
    if (!digits()) return FailUnexpected(at, "a digit");
  }
  if (at != end_ && (*at == 'e' || *at == 'E')) {
    is_integer = false;
    ++at;
    if (at != end_ && (*at == '+' || *at == '-')) ++at;
    if (!digits()) return FailUnexpected(at, "a digit");
  }
  out = {start, static_cast<size_t>(at - start)};
  return at;
}

const char* JsonScanner::Literal(const char* at, std::string_view word) {
  if (TakeName(at, word)) return at;
  if (word.starts_with(std::string_view(at, RemainingAt(at)))) at = end_;
  return FailUnexpected(at, "a value");
}

// As String, for those who want only to know where it ends. REQUIRES: its opening quote is next.
inline const char* JsonScanner::SkipString(const char* at) {
  ++at;
  bool high = false;
  while (true) {
    at = PlainRun(at, end_, high);
    if (at == end_ || *at < ' ') break;
    if (*at == '"') return at + 1;
    if (++at == end_) break;
    uint32_t unused;
    if (*at == 'u') {
      if ((at = Hex4(at + 1, unused)) == nullptr) return nullptr;
    } else if (Meaning(*at) == '\0') {
      return Fail(at, "bad escape in a string");
    } else {
      ++at;
    }
  }
  return Fail(at, at == end_ ? kRanOut : "control character in a string");
}

const char* JsonScanner::Skip(const char* at, std::string_view& out) {
  Peek(at);
  passed_blanks_ = false;
  const char* start = at;
  const int bottom = depth_;
  OpenBrackets open;
  bool is_name = false;  // a member's name comes next
  std::string_view text;
  bool is_integer;
  while (true) {
    const char next = Peek(at);
    if (is_name && next != '"') return FailUnexpected(at, "a string");
    switch (next) {
      case '"':
        if ((at = SkipString(at)) == nullptr) return nullptr;
        if (!is_name) break;
        // Field sets are nearly nothing but such members.
        if (depth_ < kMaxJsonDepth && TakeName(at, ":{},")) continue;
        if (!Take(at, ':')) return FailUnexpected(at, "':'");
        is_name = false;
        continue;
      case '{':
      case '[':
        if (!Enter(++at)) return nullptr;
        if (!Take(at, next == '{' ? '}' : ']')) {
          is_name = next == '{';
          open.Push(is_name);
          continue;
        }
        Leave();
        break;
      case 't':
        at = Literal(at, "true");
        break;
      case 'f':
        at = Literal(at, "false");
        break;
      case 'n':
        at = Literal(at, "null");
        break;
      default:
        at = Number(at, text, is_integer);
    }
    if (at == nullptr) return nullptr;
    while (!open.empty() && Take(at, open.IsObject() ? '}' : ']')) {
      open.Pop();
      Leave();
    }
    if (open.empty()) break;
    is_name = open.IsObject();
    if (!Take(at, ',')) return FailUnexpected(at, is_name ? "',' or '}'" : "',' or ']'");
  }
  depth_ = bottom;
  out = {start, static_cast<size_t>(at - start)};
  return at;
}

}  // namespace k8s
