#include "k8s/machinery/json.h"

#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "k8s/base/strings.h"
#include "k8s/machinery/json_scanner.h"

namespace k8s {
namespace {

// Room for so many from the first on, as most objects have more than one.
constexpr size_t kFirstMembers = 4;

// Recursive descent; JsonScanner bounds the depth. A frame is small, so that 10,000 of them fit.
class TreeReader {
 public:
  TreeReader(std::string_view text, std::vector<std::string>* duplicates)
      : scanner_(text), duplicates_(duplicates) {}

  Result<Value> Document() {
    Value root;
    const char* const at = ReadValue(scanner_.begin(), root);
    if (at == nullptr) return scanner_.error();
    if (!scanner_.IsAtEnd(at)) {
      scanner_.FailUnexpected(at, "the end of the document");
      return scanner_.error();
    }
    return root;
  }

 private:
  const char* ReadValue(const char* at, Value& out) {
    switch (scanner_.Peek(at)) {
      case '{':
        return ReadObject(at, out);
      case '[':
        return ReadArray(at, out);
      case '"': {
        std::string_view text;
        if ((at = scanner_.String(at, text, scratch_)) == nullptr) return nullptr;
        out = Value(std::string(text));
        return at;
      }
      case 't':
        out = true;
        return scanner_.Literal(at, "true");
      case 'f':
        out = false;
        return scanner_.Literal(at, "false");
      case 'n':
        out = nullptr;
        return scanner_.Literal(at, "null");
      default:
        return ReadNumber(at, out);
    }
  }

  const char* ReadNumber(const char* at, Value& out) {
    std::string_view text;
    bool is_integer;
    if ((at = scanner_.Number(at, text, is_integer)) == nullptr) return nullptr;
    if (is_integer) {
      int64_t number;
      if (std::from_chars(text.data(), text.data() + text.size(), number).ec == std::errc()) {
        out = number;
        return at;
      }
    }
    double number = 0;
    if (std::from_chars(text.data(), text.data() + text.size(), number).ec != std::errc()) {
      return scanner_.Fail(at, Cat("number ", text, " is out of range"));
    }
    out = number;
    return at;
  }

  const char* ReadArray(const char* at, Value& out) {
    if (!scanner_.Enter(++at)) return nullptr;
    out = Value::Array();
    Value::Array& items = out.array();
    if (!scanner_.Take(at, ']')) {
      const size_t mark = path_.size();
      do {
        if (duplicates_ != nullptr) path_ += Cat("[", std::to_string(items.size()), "]");
        items.emplace_back();
        if ((at = ReadValue(at, items.back())) == nullptr) return nullptr;
        path_.resize(mark);
      } while (scanner_.Take(at, ','));
      if (!scanner_.Take(at, ']')) return scanner_.FailUnexpected(at, "',' or ']'");
    }
    scanner_.Leave();
    return at;
  }

  const char* ReadObject(const char* at, Value& out) {
    if (!scanner_.Enter(++at)) return nullptr;
    out = Value::Object();
    Value::Object& members = out.object();
    if (!scanner_.Take(at, '}')) {
      const size_t mark = path_.size();
      do {
        std::string_view name;
        if (scanner_.Peek(at) != '"') return scanner_.FailUnexpected(at, "a member name");
        if ((at = scanner_.String(at, name, scratch_)) == nullptr) return nullptr;
        Value* slot = members.Find(name);
        if (duplicates_ != nullptr) {
          if (mark > 0) path_ += '.';
          path_ += name;
          if (slot != nullptr) duplicates_->push_back(path_);
        }
        if (members.empty()) members.reserve(kFirstMembers);
        if (slot == nullptr) slot = &members.AppendNew(std::string(name), Value());
        if (!scanner_.Take(at, ':')) return scanner_.FailUnexpected(at, "':'");
        if ((at = ReadValue(at, *slot)) == nullptr) return nullptr;
        path_.resize(mark);
      } while (scanner_.Take(at, ','));
      if (!scanner_.Take(at, '}')) return scanner_.FailUnexpected(at, "',' or '}'");
    }
    scanner_.Leave();
    return at;
  }

  JsonScanner scanner_;
  std::vector<std::string>* duplicates_;
  std::string scratch_;
  std::string path_;
};

void AppendPretty(const Value& value, size_t depth, std::string& out) {
  const auto line = [&](size_t levels) {
    out += '\n';
    out.append(levels * 4, ' ');
  };
  if (value.is_object() && !value.object().empty()) {
    out += '{';
    for (bool first = true; const auto& [name, member] : value.object()) {
      if (!first) out += ',';
      first = false;
      line(depth + 1);
      AppendJsonString(name, out);
      out += ": ";
      AppendPretty(member, depth + 1, out);
    }
    line(depth);
    out += '}';
  } else if (value.is_array() && !value.array().empty()) {
    out += '[';
    for (bool first = true; const Value& item : value.array()) {
      if (!first) out += ',';
      first = false;
      line(depth + 1);
      AppendPretty(item, depth + 1, out);
    }
    line(depth);
    out += ']';
  } else {
    AppendJson(value, out);
  }
}

}  // namespace

Result<Value> ParseJson(std::string_view text, std::vector<std::string>* duplicates) {
  return TreeReader(text, duplicates).Document();
}

static constexpr auto kStandsForItself = [] {
  std::array<bool, 256> table{};
  for (size_t byte = 0x20; byte < 0x80; ++byte) table[byte] = true;
  for (const char c : std::string_view("\"\\<>&")) table[static_cast<unsigned char>(c)] = false;
  return table;
}();

#if defined(__SSE2__)
// A bit for each byte that does not stand for itself.
static unsigned NotPlain(__m128i bytes) {
  const auto is = [bytes](char c) { return _mm_cmpeq_epi8(bytes, _mm_set1_epi8(c)); };
  __m128i special = _mm_or_si128(is('"'), is('\\'));
  special = _mm_or_si128(special, _mm_or_si128(is('<'), is('>')));
  special = _mm_or_si128(special, _mm_or_si128(is('&'), bytes));  // high bits too
  special = _mm_or_si128(special, _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes));
  // Only the top bit of each byte counts, and plain bytes have it clear in all of the above.
  return static_cast<unsigned>(_mm_movemask_epi8(special));
}
#endif

// How many bytes at the front of text stand for themselves: no quote, backslash or control
// character, none of <, > and &, all ASCII.
static size_t PlainRun(std::string_view text) {
  size_t i = 0;
#if defined(__SSE2__)
  for (; i + 16 <= text.size(); i += 16) {
    const unsigned stop =
        NotPlain(_mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data() + i)));
    if (stop != 0) return i + static_cast<size_t>(__builtin_ctz(stop));
  }
  // Of the rest, which is most names as a whole, two halves that overlap.
  if (const size_t rest = text.size() - i; rest >= 8) {
    const auto load = [&](size_t at) {
      return _mm_loadl_epi64(reinterpret_cast<const __m128i*>(text.data() + at));
    };
    if (NotPlain(_mm_unpacklo_epi64(load(i), load(text.size() - 8))) == 0) return text.size();
  }
#endif
  while (i < text.size() && kStandsForItself[static_cast<unsigned char>(text[i])]) ++i;
  return i;
}

void AppendJsonString(std::string_view text, std::string& out) {
  constexpr std::string_view kHex = "0123456789abcdef";
  out += '"';
  size_t plain = 0;
  const auto flush = [&](size_t upto) { out.append(text.substr(plain, upto - plain)); };
  for (size_t i = PlainRun(text); i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte >= 0x80) {
      // U+2028 and U+2029 end lines in JavaScript, so Go escapes them; bad UTF-8 is replaced.
      if (byte == 0xe2 && i + 2 < text.size() && text[i + 1] == '\x80' &&
          (text[i + 2] == '\xa8' || text[i + 2] == '\xa9')) {
        flush(i);
        out += text[i + 2] == '\xa8' ? "\\u2028" : "\\u2029";
        plain = i + 3;
        i += 2;
        continue;
      }
      size_t length = 1;
      while (length < 4 && i + length < text.size() &&
             (static_cast<unsigned char>(text[i + length]) & 0xc0) == 0x80) {
        ++length;
      }
      if (!IsValidUtf8(text.substr(i, length))) {
        flush(i);
        const std::string mended = ToValidUtf8(text.substr(i, length));
        out += "\\ufffd";
        // One replacement for each bad byte, as Go writes it.
        for (size_t rest = 3; rest < mended.size(); rest += 3) out += "\\ufffd";
        plain = i + length;
      }
      i += length - 1;
      continue;
    }
    if (kStandsForItself[byte]) continue;
    flush(i);
    plain = i + 1;
    constexpr std::string_view kNamed = "\"\\\b\f\n\r\t", kLetters = "\"\\bfnrt";
    if (const size_t at = kNamed.find(text[i]); at != std::string_view::npos) {
      out += '\\';
      out += kLetters[at];
    } else {
      out += "\\u00";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
  }
  flush(text.size());
  out += '"';
}

void AppendJsonDouble(double number, std::string& out) {
  if (!std::isfinite(number)) {
    out += "null";
    return;
  }
  char buffer[64];
  const double magnitude = std::fabs(number);
  const bool plain = magnitude == 0 || (magnitude >= 1e-6 && magnitude < 1e21);
  auto end = std::to_chars(buffer, buffer + sizeof buffer, number,
                           plain ? std::chars_format::fixed : std::chars_format::scientific)
                 .ptr;
  // Go writes e-9 where C++ writes e-09.
  if (!plain && end - buffer >= 4 && end[-2] == '0' && (end[-3] == '-' || end[-3] == '+')) {
    end[-2] = end[-1];
    --end;
  }
  out.append(buffer, end);
}

void AppendJson(const Value& value, std::string& out) {
  switch (value.type()) {
    case Value::Type::kNull:
      out += "null";
      return;
    case Value::Type::kBool:
      out += value.boolean() ? "true" : "false";
      return;
    case Value::Type::kInt: {
      char buffer[24];
      out.append(buffer, std::to_chars(buffer, buffer + sizeof buffer, value.integer()).ptr);
      return;
    }
    case Value::Type::kDouble:
      AppendJsonDouble(value.number(), out);
      return;
    case Value::Type::kString:
      AppendJsonString(value.string(), out);
      return;
    case Value::Type::kArray:
      out += '[';
      for (bool first = true; const Value& item : value.array()) {
        if (!first) out += ',';
        first = false;
        AppendJson(item, out);
      }
      out += ']';
      return;
    case Value::Type::kObject:
      out += '{';
      for (bool first = true; const auto& [name, member] : value.object()) {
        if (!first) out += ',';
        first = false;
        AppendJsonString(name, out);
        out += ':';
        AppendJson(member, out);
      }
      out += '}';
      return;
  }
}

std::string ToJson(const Value& value) {
  std::string out;
  AppendJson(value, out);
  return out;
}

std::string ToPrettyJson(const Value& value) {
  std::string out;
  AppendPretty(value, 0, out);
  return out;
}

}  // namespace k8s
