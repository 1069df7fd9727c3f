#pragma once

// The lexer under every JSON reader of the library: one pass over bytes, no allocation of its own,
// errors with the byte offset. Belongs to one thread.

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "k8s/base/result.h"

namespace k8s {

class JsonScanner {
 public:
  explicit JsonScanner(std::string_view text)
      : begin_(text.data()), at_(text.data()), end_(text.data() + text.size()) {}

  // The next byte that is no blank, unread; 0 at the end of the text.
  char Peek() {
    if (at_ != end_ && static_cast<unsigned char>(*at_) > ' ') [[likely]]
      return *at_;
    return PeekPastBlanks();
  }
  // Reads the byte c if it comes next.
  bool Take(char c) {
    if (Peek() != c || at_ == end_) return false;
    ++at_;
    return true;
  }
  void Advance() { ++at_; }

  // A string, its opening quote next. The view is into the text when nothing was escaped, else into
  // scratch. False: see error().
  bool String(std::string_view& out, std::string& scratch);
  // Inside an object at a name: true when the bytes are exactly "name": (quotes and colon
  // included), which are then read. The fast way through documents in the expected order.
  bool TakeName(std::string_view quoted_name_and_colon) {
    if (remaining() < quoted_name_and_colon.size() ||
        !AreSame(at_, quoted_name_and_colon.data(), quoted_name_and_colon.size())) {
      return false;
    }
    at_ += quoted_name_and_colon.size();
    return true;
  }
  // The same of any text that was read before and has no blanks around it.
  bool TakeText(std::string_view text) {
    if (!std::string_view(at_, remaining()).starts_with(text)) return false;
    at_ += text.size();
    return true;
  }
  // FirstFour of what comes next.
  uint32_t NextFour() const {
    uint32_t four = 0;
    if (remaining() >= sizeof four) std::memcpy(&four, at_, sizeof four);
    return four;
  }
  // A number as it stands in the text, checked against JSON's grammar.
  bool Number(std::string_view& out, bool& is_integer);
  bool Literal(std::string_view word);  // true, false, null
  // Reads any value, checking its grammar, and returns its bytes.
  bool Skip(std::string_view& out);
  // The value that Skip read last has blanks between its tokens.
  bool passed_blanks() const { return passed_blanks_; }
  // REQUIRES: nothing; after the document only blanks may follow.
  bool AtEnd() { return Peek() == '\0' && at_ == end_; }

  bool Enter();  // one level deeper; false when too deep
  void Leave() { --depth_; }

  size_t remaining() const { return static_cast<size_t>(end_ - at_); }
  size_t offset() const { return static_cast<size_t>(at_ - begin_); }
  const char* position() const { return at_; }
  // Always false, so that a reader can `return Fail(...)`. The first failure stays.
  bool Fail(std::string_view what);
  bool FailUnexpected(std::string_view expected);
  bool failed() const { return !what_.empty(); }
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
  char PeekPastBlanks();
  bool SkipString();
  bool UnescapeInto(std::string& scratch);
  bool Hex4(uint32_t& out);

  const char* begin_;
  const char* at_;
  const char* end_;
  int depth_ = 0;
  std::string what_;
  size_t failed_at_ = 0;
  bool ran_out_ = false;
  bool passed_blanks_ = false;
};

}  // namespace k8s
