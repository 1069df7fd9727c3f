#pragma once

// The lexer under every JSON reader of the library: one pass over bytes, no allocation of its own,
// errors with the byte offset. Belongs to one thread.
//
// Its functions read from `at`, which is a place in the text or its end, and say where they
// stopped; null: see error(). So the place stays in a register of whoever reads, and not in memory,
// through which every step of a document would have to pass. What is small moves the place that it
// is given.

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "k8s/base/result.h"
#include "k8s/machinery/json.h"

namespace k8s {

class JsonScanner {
 public:
  explicit JsonScanner(std::string_view text)
      : begin_(text.data()), end_(text.data() + text.size()) {}

  const char* begin() const { return begin_; }
  size_t OffsetOf(const char* at) const { return static_cast<size_t>(at - begin_); }
  size_t RemainingAt(const char* at) const { return static_cast<size_t>(end_ - at); }

  // The next byte that is no blank, unread; 0 at the end of the text.
  char Peek(const char*& at) {
    if (at != end_ && static_cast<unsigned char>(*at) > ' ') [[likely]]
      return *at;
    at = PastBlanks(at);
    return at == end_ ? '\0' : *at;
  }
  // Reads the byte c, which is none of the blanks and not 0, if it comes next.
  bool Take(const char*& at, char c) {
    if (Peek(at) != c) return false;
    ++at;
    return true;
  }
  // After the document only blanks may follow.
  bool IsAtEnd(const char* at) { return Peek(at) == '\0' && at == end_; }

  // A string, its opening quote next. The view is into the text when nothing was escaped, else into
  // scratch.
  const char* String(const char* at, std::string_view& out, std::string& scratch) {
    return TakePlainString(at, out) ? at : UnusualString(at, out, scratch);
  }
  // A string as most are, all ASCII and nothing escaped. False, and nothing is read, for every
  // other and for what is none. Inlined, because a pod has a hundred.
  [[gnu::always_inline]] bool TakePlainString(const char*& at, std::string_view& out) {
    if (Peek(at) != '"') return false;
    bool high = false;
    const char* const end = PlainRun(at + 1, end_, high);
    if (end == end_ || *end != '"' || high) return false;
    out = {at + 1, static_cast<size_t>(end - at - 1)};
    at = end + 1;
    return true;
  }
  // Inside an object at a name: true when the bytes are exactly "name": (quotes and colon
  // included), which are then read. The fast way through documents in the expected order.
  bool TakeName(const char*& at, std::string_view quoted_name_and_colon) const {
    if (RemainingAt(at) < quoted_name_and_colon.size() ||
        !AreSame(at, quoted_name_and_colon.data(), quoted_name_and_colon.size())) {
      return false;
    }
    at += quoted_name_and_colon.size();
    return true;
  }
  // The same of any text that was read before and has no blanks around it.
  bool TakeText(const char*& at, std::string_view text) const {
    if (!std::string_view(at, RemainingAt(at)).starts_with(text)) return false;
    at += text.size();
    return true;
  }
  // FirstFour of what comes next.
  uint32_t FourAt(const char* at) const {
    uint32_t four = 0;
    if (RemainingAt(at) >= sizeof four) std::memcpy(&four, at, sizeof four);
    return four;
  }
  // A whole number as most are: up to nine digits, with what may follow a number in a document
  // right behind them. False, and nothing is read, for every other.
  bool TakeShortNumber(const char*& at, uint32_t& out) const {
    const char* digit = at;
    uint32_t number = 0;
    for (; digit != end_ && *digit >= '0' && *digit <= '9'; ++digit) {
      number = number * 10 + static_cast<uint32_t>(*digit - '0');
    }
    const auto count = digit - at;
    if (count == 0 || count > 9 || (count > 1 && *at == '0') || digit == end_ ||
        (*digit != ',' && *digit != '}' && *digit != ']')) {
      return false;
    }
    out = number;
    at = digit;
    return true;
  }
  // A number as it stands in the text, checked against JSON's grammar.
  const char* Number(const char* at, std::string_view& out, bool& is_integer);
  const char* Literal(const char* at, std::string_view word);  // true, false, null
  // Reads any value, checking its grammar, and returns its bytes.
  const char* Skip(const char* at, std::string_view& out);
  // The value that Skip read last has blanks between its tokens.
  bool passed_blanks() const { return passed_blanks_; }

  // One level deeper; false when too deep.
  bool Enter(const char* at) {
    if (++depth_ <= kMaxJsonDepth) [[likely]]
      return true;
    Fail(at, "nested deeper than 10000 levels");
    return false;
  }
  void Leave() { --depth_; }

  // Always null, so that a reader can `return Fail(...)`. The first failure stays.
  const char* Fail(const char* at, std::string_view what);
  const char* FailUnexpected(const char* at, std::string_view expected);
  // It failed where the text ends: more of it could have helped.
  bool ran_out() const { return ran_out_; }
  // "json: <what> at byte <offset>".
  Error error() const;

 private:
  // memcmp without a call: the texts are short. REQUIRES: size is 4 or more.
  static bool AreSame(const char* a, const char* b, size_t size) {
    const auto differ = [&]<class Word>(Word, size_t at) {
      Word x, y;
      std::memcpy(&x, a + at, sizeof x);
      std::memcpy(&y, b + at, sizeof y);
      return x != y;
    };
    if (size < 8) return !differ(uint32_t{}, 0) && !differ(uint32_t{}, size - 4);
    for (size_t at = 0; at + 8 < size; at += 8) {
      if (differ(uint64_t{}, at)) return false;
    }
    return !differ(uint64_t{}, size - 8);
  }
  // The first byte of [at, end) that a plain run of string characters cannot hold: a quote, a
  // backslash, a control character. high is set when a byte above 0x7f was passed.
  static const char* PlainRun(const char* at, const char* end, bool& high) {
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

  const char* PastBlanks(const char* at);
  const char* UnusualString(const char* at, std::string_view& out, std::string& scratch);
  const char* SkipString(const char* at);
  const char* Unescape(const char* at, std::string& scratch);
  const char* Hex4(const char* at, uint32_t& out);

  const char* const begin_;
  const char* const end_;
  int depth_ = 0;
  std::string what_;
  size_t failed_at_ = 0;
  bool ran_out_ = false;
  bool passed_blanks_ = false;
};

}  // namespace k8s
