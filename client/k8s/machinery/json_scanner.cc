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

// The first byte of [at, end) that a plain run of string characters cannot hold: a quote, a
// backslash, a control character. high is set when a byte above 0x7f was passed.
inline const char* PlainRun(const char* at, const char* end, bool& high) {
#if defined(__SSE2__)
  const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\');
  const __m128i control = _mm_set1_epi8(0x1f);
  while (end - at >= 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const __m128i special =
        _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash)),
                     _mm_cmpeq_epi8(_mm_min_epu8(bytes, control), bytes));
    const unsigned stop = static_cast<unsigned>(_mm_movemask_epi8(special));
    const unsigned above = static_cast<unsigned>(_mm_movemask_epi8(bytes));
    if (stop != 0) {
      const int length = __builtin_ctz(stop);
      high |= (above & ((1U << length) - 1)) != 0;
      return at + length;
    }
    high |= above != 0;
    at += 16;
  }
#endif
  for (; at != end; ++at) {
    const auto byte = static_cast<unsigned char>(*at);
    if (byte == '"' || byte == '\\' || byte < 0x20) return at;
    high |= byte >= 0x80;
  }
  return at;
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

char JsonScanner::PeekPastBlanks() {
  while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\t' || *at_ == '\r')) {
    ++at_;
    passed_blanks_ = true;
  }
  return at_ == end_ ? '\0' : *at_;
}

bool JsonScanner::Fail(std::string_view what) {
  if (what_.empty()) {
    what_ = what;
    failed_at_ = offset();
    ran_out_ = what == kRanOut;
  }
  return false;
}

bool JsonScanner::FailUnexpected(std::string_view expected) {
  const char next = Peek();
  if (at_ == end_) return Fail(kRanOut);
  const auto byte = static_cast<unsigned char>(next);
  const std::string seen = byte >= 0x20 && byte < 0x7f ? Cat("'", std::string(1, next), "'")
                                                       : Cat("byte ", std::to_string(byte));
  return Fail(Cat("expected ", expected, ", found ", seen));
}

Error JsonScanner::error() const {
  return DecodeError(Cat("json: ", what_, " at byte ", std::to_string(failed_at_)));
}

bool JsonScanner::Enter() {
  if (++depth_ > kMaxJsonDepth) return Fail("nested deeper than 10000 levels");
  return true;
}

bool JsonScanner::String(std::string_view& out, std::string& scratch) {
  if (Peek() != '"' || at_ == end_) return FailUnexpected("a string");
  const char* start = ++at_;
  bool high = false;
  at_ = PlainRun(at_, end_, high);
  if (at_ != end_ && *at_ == '"') {
    out = {start, static_cast<size_t>(at_ - start)};
    ++at_;
    if (high && !IsValidUtf8(out)) {
      scratch = ToValidUtf8(out);
      out = scratch;
    }
    return true;
  }
  scratch.assign(start, static_cast<size_t>(at_ - start));
  while (true) {
    if (at_ == end_) return Fail(kRanOut);
    if (*at_ == '"') break;
    if (*at_ != '\\') return Fail("control character in a string");
    if (!UnescapeInto(scratch)) return false;
    const char* run = at_;
    at_ = PlainRun(at_, end_, high);
    scratch.append(run, static_cast<size_t>(at_ - run));
  }
  ++at_;
  if (high && !IsValidUtf8(scratch)) scratch = ToValidUtf8(scratch);
  out = scratch;
  return true;
}

bool JsonScanner::Hex4(uint32_t& out) {
  if (end_ - at_ < 4) return Fail(kRanOut);
  out = 0;
  for (int i = 0; i < 4; ++i) {
    const char c = *at_++;
    const int digit = c >= '0' && c <= '9'   ? c - '0'
                      : c >= 'a' && c <= 'f' ? c - 'a' + 10
                      : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                             : -1;
    if (digit < 0) return Fail("bad \\u escape");
    out = out << 4 | static_cast<uint32_t>(digit);
  }
  return true;
}

// REQUIRES: *at_ is a backslash.
bool JsonScanner::UnescapeInto(std::string& scratch) {
  ++at_;
  if (at_ == end_) return Fail(kRanOut);
  const char c = *at_++;
  if (const char meaning = Meaning(c); meaning != '\0') {
    scratch += meaning;
    return true;
  }
  if (c != 'u') return Fail("bad escape in a string");
  uint32_t point = 0;
  if (!Hex4(point)) return false;
  if (point >= 0xd800 && point < 0xdc00 && end_ - at_ >= 6 && at_[0] == '\\' && at_[1] == 'u') {
    const char* back = at_;
    at_ += 2;
    uint32_t low = 0;
    if (!Hex4(low)) return false;
    if (low >= 0xdc00 && low < 0xe000) {
      point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
    } else {
      at_ = back;
    }
  }
  if (point >= 0xd800 && point < 0xe000) point = 0xfffd;  // half of a pair
  AppendUtf8(point, scratch);
  return true;
}

bool JsonScanner::Number(std::string_view& out, bool& is_integer) {
  Peek();
  const char* start = at_;
  const auto digits = [&] {
    const char* first = at_;
    while (at_ != end_ && *at_ >= '0' && *at_ <= '9') ++at_;
    return at_ != first;
  };
  is_integer = true;
  if (at_ != end_ && *at_ == '-') ++at_;
  if (at_ != end_ && *at_ == '0') {
    ++at_;
  } else if (!digits()) {
    return FailUnexpected("a number");
  }
  if (at_ != end_ && *at_ == '.') {
    is_integer = false;
    ++at_;
    if (!digits()) return FailUnexpected("a digit");
  }
  if (at_ != end_ && (*at_ == 'e' || *at_ == 'E')) {
    is_integer = false;
    ++at_;
    if (at_ != end_ && (*at_ == '+' || *at_ == '-')) ++at_;
    if (!digits()) return FailUnexpected("a digit");
  }
  out = {start, static_cast<size_t>(at_ - start)};
  return true;
}

bool JsonScanner::Literal(std::string_view word) {
  if (TakeName(word)) return true;
  if (word.starts_with(std::string_view(at_, remaining()))) at_ = end_;
  return FailUnexpected("a value");
}

// As String, for those who want only to know where it ends. REQUIRES: its opening quote is next.
inline bool JsonScanner::SkipString() {
  const char* at = at_ + 1;
  bool high = false;
  while (true) {
    at = PlainRun(at, end_, high);
    if (at == end_ || *at < ' ') break;
    if (*at == '"') {
      at_ = at + 1;
      return true;
    }
    at_ = ++at;
    if (at == end_) break;
    uint32_t unused;
    if (*at == 'u') {
      ++at_;
      if (!Hex4(unused)) return false;
      at = at_;
    } else if (Meaning(*at++) == '\0') {
      return Fail("bad escape in a string");
    }
  }
  at_ = at;
  return Fail(at == end_ ? kRanOut : "control character in a string");
}

bool JsonScanner::Skip(std::string_view& out) {
  Peek();
  passed_blanks_ = false;
  const char* start = at_;
  const int bottom = depth_;
  OpenBrackets open;
  bool is_name = false;  // a member's name comes next
  std::string_view text;
  bool is_integer;
  while (true) {
    const char next = Peek();
    if (is_name && next != '"') return FailUnexpected("a string");
    switch (next) {
      case '"':
        if (!SkipString()) return false;
        if (!is_name) break;
        // Field sets are nearly nothing but such members.
        if (depth_ < kMaxJsonDepth && TakeName(":{},")) continue;
        if (!Take(':')) return FailUnexpected("':'");
        is_name = false;
        continue;
      case '{':
      case '[':
        Advance();
        if (!Enter()) return false;
        if (!Take(next == '{' ? '}' : ']')) {
          is_name = next == '{';
          open.Push(is_name);
          continue;
        }
        Leave();
        break;
      case 't':
        if (!Literal("true")) return false;
        break;
      case 'f':
        if (!Literal("false")) return false;
        break;
      case 'n':
        if (!Literal("null")) return false;
        break;
      default:
        if (!Number(text, is_integer)) return false;
    }
    while (!open.empty() && Take(open.IsObject() ? '}' : ']')) {
      open.Pop();
      Leave();
    }
    if (open.empty()) break;
    is_name = open.IsObject();
    if (!Take(',')) return FailUnexpected(is_name ? "',' or '}'" : "',' or ']'");
  }
  depth_ = bottom;
  out = {start, static_cast<size_t>(at_ - start)};
  return true;
}

}  // namespace k8s
