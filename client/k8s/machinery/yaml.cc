#include "k8s/machinery/yaml.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <optional>
#include <sstream>
#include <stdexcept>

#include "k8s/base/base64.h"
#include "k8s/base/strings.h"
#include "k8s/machinery/json.h"

namespace k8s {
namespace {

// Thrown through the library's parser and caught in ParseYaml.
struct Refused {
  std::string message;
};

std::string AtLine(int line, std::string_view what) {
  return Cat("line ", std::to_string(line), ": ", what);
}

std::optional<Value> Integer(std::string_view digits, int base, bool negative) {
  uint64_t number = 0;
  const auto [end, failure] =
      std::from_chars(digits.data(), digits.data() + digits.size(), number, base);
  if (digits.empty() || failure != std::errc() || end != digits.data() + digits.size())
    return std::nullopt;
  if (number > static_cast<uint64_t>(INT64_MAX)) {
    return Value(negative ? -static_cast<double>(number) : static_cast<double>(number));
  }
  const auto value = static_cast<int64_t>(number);
  return Value(negative ? -value : value);
}

bool LooksLikeFloat(std::string_view text) {
  size_t at = 0;
  if (at < text.size() && (text[at] == '-' || text[at] == '+')) ++at;
  size_t digits = 0;
  const auto run = [&] {
    while (at < text.size() && text[at] >= '0' && text[at] <= '9') ++at, ++digits;
  };
  run();
  if (at < text.size() && text[at] == '.') ++at, run();
  if (digits == 0) return false;
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '-' || text[at] == '+')) ++at;
    digits = 0;
    run();
    if (digits == 0) return false;
  }
  return at == text.size();
}

std::optional<Value> Number(std::string_view text) {
  if (text.empty() || std::string_view("+-.0123456789").find(text[0]) == text.npos)
    return std::nullopt;
  std::string plain;
  for (char c : text) {
    if (c != '_') plain += c;
  }
  std::string_view digits = plain;
  const bool negative = digits.starts_with('-');
  if (negative || digits.starts_with('+')) digits.remove_prefix(1);
  std::optional<Value> number;
  if (digits.starts_with("0x") || digits.starts_with("0X"))
    number = Integer(digits.substr(2), 16, negative);
  else if (digits.starts_with("0b"))
    number = Integer(digits.substr(2), 2, negative);
  else if (digits.starts_with("0o"))
    number = Integer(digits.substr(2), 8, negative);
  else if (digits.size() > 1 && digits[0] == '0')
    number = Integer(digits.substr(1), 8, negative);
  else
    number = Integer(digits, 10, negative);
  if (number) return number;
  if (!LooksLikeFloat(plain)) return std::nullopt;
  double value = 0;
  const char* start = plain.data() + (plain[0] == '+' ? 1 : 0);
  const auto parsed = std::from_chars(start, plain.data() + plain.size(), value);
  if (parsed.ec == std::errc::result_out_of_range || parsed.ptr != plain.data() + plain.size())
    return std::nullopt;
  return Value(value);
}

// What a plain scalar means.
Value Resolve(const std::string& text) {
  static const std::map<std::string_view, bool> kBooleans = {
      {"y", true},      {"Y", true},     {"yes", true},  {"Yes", true},  {"YES", true},
      {"on", true},     {"On", true},    {"ON", true},   {"true", true}, {"True", true},
      {"TRUE", true},   {"n", false},    {"N", false},   {"no", false},  {"No", false},
      {"NO", false},    {"off", false},  {"Off", false}, {"OFF", false}, {"false", false},
      {"False", false}, {"FALSE", false}};
  if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL")
    return nullptr;
  if (const auto found = kBooleans.find(text); found != kBooleans.end()) return found->second;
  if (auto number = Number(text)) return *std::move(number);
  return text;
}

std::string KeyText(const Value& key, int line) {
  switch (key.type()) {
    case Value::Type::kString:
      return key.string();
    case Value::Type::kNull:
      return "null";
    case Value::Type::kBool:
      return key.boolean() ? "true" : "false";
    case Value::Type::kInt:
    case Value::Type::kDouble:
      return ToJson(key);
    default:
      throw Refused{AtLine(line, "a map or a list cannot be a key")};
  }
}

class Builder final : public YAML::EventHandler {
 public:
  std::vector<YamlDocument> documents;

  void OnDocumentStart(const YAML::Mark& mark) override {
    documents.emplace_back();
    documents.back().line = mark.line + 1;
    anchors_.clear();
    started_ = false;
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Add(mark, anchor, nullptr);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end())
      throw Refused{AtLine(mark.line + 1, "an alias refers to a value that contains it")};
    Count(Size(found->second), mark);
    Add(mark, 0, found->second);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    if (tag == "?" || tag.empty()) {
      Value value = Resolve(text);
      merge_key_ =
          text == "<<" && !stack_.empty() && !stack_.back().value.is_array() && !stack_.back().key;
      Add(mark, anchor, std::move(value));
    } else if (tag == "tag:yaml.org,2002:binary") {
      const auto bytes = DecodeBase64(text);
      if (!bytes)
        throw Refused{AtLine(mark.line + 1, "!!binary value contains invalid base64 data")};
      Add(mark, anchor, *bytes);
    } else if (tag == "!" || tag == "tag:yaml.org,2002:str") {
      Add(mark, anchor, text);
    } else {
      Add(mark, anchor, Resolve(text));
    }
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    Push(mark, anchor, Value::MakeArray());
  }
  void OnSequenceEnd() override { Pop(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    Push(mark, anchor, Value::MakeObject());
  }
  void OnMapEnd() override { Pop(); }

 private:
  struct Open {
    Value value;
    YAML::anchor_t anchor = 0;
    int line = 1;
    std::optional<std::string> key{};
    bool merge = false;              // the key is <<
    std::vector<std::string> own{};  // keys written here, not merged in
  };

  static size_t Size(const Value& value) {
    size_t size = 1;
    if (value.is_array()) {
      for (const Value& item : value.array()) size += Size(item);
    } else if (value.is_object()) {
      for (const auto& member : value.object()) size += Size(member.second);
    }
    return size;
  }
  void Count(size_t nodes, const YAML::Mark& mark) {
    nodes_ += nodes;
    if (nodes_ > kMaxYamlNodes)
      throw Refused{AtLine(mark.line + 1, "document contains excessive aliasing")};
  }
  void Push(const YAML::Mark& mark, YAML::anchor_t anchor, Value value) {
    Began(mark);
    Count(1, mark);
    if (stack_.size() >= kMaxYamlDepth) throw Refused{AtLine(mark.line + 1, "exceeded max depth")};
    Open open;
    open.value = std::move(value);
    open.anchor = anchor;
    open.line = mark.line + 1;
    stack_.push_back(std::move(open));
  }
  void Pop() {
    Open done = std::move(stack_.back());
    stack_.pop_back();
    YAML::Mark mark;
    mark.line = done.line - 1;
    merge_key_ = false;
    Add(mark, done.anchor, std::move(done.value));
  }
  void Began(const YAML::Mark& mark) {
    if (!started_) documents.back().line = mark.line + 1;
    started_ = true;
  }
  void Add(const YAML::Mark& mark, YAML::anchor_t anchor, Value value) {
    Began(mark);
    Count(1, mark);
    const bool merge_key = std::exchange(merge_key_, false);
    if (anchor) anchors_[anchor] = value;
    if (stack_.empty()) {
      documents.back().value = std::move(value);
      return;
    }
    Open& open = stack_.back();
    if (open.value.is_array()) {
      open.value.Append(std::move(value));
    } else if (!open.key) {
      open.key = KeyText(value, mark.line + 1);
      open.merge = merge_key;
      open.line = mark.line + 1;
    } else {
      AddMember(open, std::move(value));
      open.key.reset();
    }
  }
  void AddMember(Open& open, Value value) {
    if (open.merge) {
      MergeInto(open, value);
      return;
    }
    if (std::find(open.own.begin(), open.own.end(), *open.key) != open.own.end()) {
      documents.back().duplicates.push_back(
          AtLine(open.line, Cat("key ", Quote(*open.key), " already set in map")));
    } else {
      open.own.push_back(*open.key);
    }
    open.value.Set(*open.key, std::move(value));
  }
  // Merged members never replace what is there; of a list of maps the first that has a key wins.
  void MergeInto(Open& open, const Value& from) {
    if (from.is_object()) {
      for (const auto& [key, value] : from.object()) {
        if (!open.value.Find(key)) open.value.Set(key, value);
      }
    } else if (from.is_array()) {
      for (const Value& one : from.array()) MergeInto(open, one);
    } else {
      throw Refused{AtLine(open.line, "map merge requires map or sequence of maps as the value")};
    }
  }

  std::vector<Open> stack_;
  std::map<YAML::anchor_t, Value> anchors_;
  size_t nodes_ = 0;
  bool started_ = false;
  bool merge_key_ = false;
};

// --- printing ---

bool HasSpecial(const std::string& text) {
  for (unsigned char c : text) {
    if ((c < 0x20 && c != '\n') || c == 0x7f) return true;
  }
  return !IsValidUtf8(text) || text.find("\xEF\xBB\xBF") != text.npos ||
         text.find("\xC2\x85") != text.npos;
}

// Whether a plain scalar of this text reads back as this text and as text.
bool PlainIsSafe(const std::string& text) {
  if (text.empty() || HasSpecial(text)) return false;
  if (!Resolve(text).is_string() || text == "<<" || text == "=") return false;
  static const std::string_view kLetters = "y Y n N";
  if (text.size() == 1 && kLetters.find(text) != kLetters.npos) return false;
  if (text.starts_with("---") || text.starts_with("...")) return false;
  static constexpr std::string_view kIndicators = "#,[]{}&*!|>'\"%@`";
  if (kIndicators.find(text[0]) != kIndicators.npos) return false;
  const auto followed = [&](size_t at) {
    return at + 1 == text.size() || text[at + 1] == ' ' || text[at + 1] == '\n';
  };
  if ((text[0] == '-' || text[0] == '?' || text[0] == ':') && followed(0)) return false;
  if (text.front() == ' ' || text.back() == ' ') return false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n') return false;
    if (text[i] == ':' && followed(i)) return false;
    if (text[i] == '#' && i > 0 && text[i - 1] == ' ') return false;
  }
  // Dates, times and sixty-based numbers of YAML 1.1 are quoted too.
  if (text[0] >= '0' && text[0] <= '9') {
    const bool only_digits = text.find_first_not_of("0123456789:._-+TtZz ") == text.npos;
    if (only_digits &&
        (text.find(':') != text.npos || std::count(text.begin(), text.end(), '-') == 2)) {
      return false;
    }
  }
  return true;
}

std::string Quoted(const std::string& text) {
  if (!HasSpecial(text) && text.find('\n') == text.npos) {
    // What reads as something else goes into double quotes, what needs it for its characters into
    // single ones.
    if (text.empty() || !Resolve(text).is_string() || text.size() == 1 ||
        text.find_first_of("'\\") != text.npos) {
      std::string out = "\"";
      for (char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
      }
      return out + "\"";
    }
    return Cat("'", text, "'");
  }
  std::string out;
  AppendJsonString(text, out);
  return out;
}

class Printer {
 public:
  std::string out;

  void Print(const Value& value, int indent) {
    if (value.is_object() && !value.object().empty()) {
      PrintMap(value, indent, false);
    } else if (value.is_array() && !value.array().empty()) {
      PrintList(value, indent);
    } else {
      PrintScalar(value, indent);
      out += '\n';
    }
  }

 private:
  void Indent(int indent) { out.append(static_cast<size_t>(indent), ' '); }

  void PrintMap(const Value& value, int indent, bool first_stands) {
    std::vector<const Value::Member*> members;
    for (const auto& member : value.object()) members.push_back(&member);
    std::sort(members.begin(), members.end(),
              [](auto* a, auto* b) { return KeyLess(a->first, b->first); });
    for (const auto* member : members) {
      if (!first_stands) Indent(indent);
      first_stands = false;
      out += PlainIsSafe(member->first) ? member->first : Quoted(member->first);
      out += ':';
      const Value& inner = member->second;
      if (inner.is_object() && !inner.object().empty()) {
        out += '\n';
        PrintMap(inner, indent + 2, false);
      } else if (inner.is_array() && !inner.array().empty()) {
        out += '\n';
        PrintList(inner, indent);
      } else {
        out += ' ';
        PrintScalar(inner, indent);
        out += '\n';
      }
    }
  }

  void PrintList(const Value& value, int indent) {
    for (const Value& item : value.array()) {
      Indent(indent);
      out += "- ";
      if (item.is_object() && !item.object().empty()) {
        PrintMap(item, indent + 2, true);
      } else if (item.is_array() && !item.array().empty()) {
        // The first dash of an inner list stands behind the outer one.
        const size_t at = out.size();
        PrintList(item, indent + 2);
        out.erase(at, static_cast<size_t>(indent) + 2);
      } else {
        PrintScalar(item, indent);
        out += '\n';
      }
    }
  }

  void PrintScalar(const Value& value, int indent) {
    if (value.is_object()) {
      out += "{}";
    } else if (value.is_array()) {
      out += "[]";
    } else if (!value.is_string()) {
      AppendJson(value, out);
    } else if (PlainIsSafe(value.string())) {
      out += value.string();
    } else if (value.string().find('\n') != std::string::npos && !HasSpecial(value.string())) {
      PrintBlock(value.string(), indent + 2);
    } else {
      out += Quoted(value.string());
    }
  }

  void PrintBlock(const std::string& text, int indent) {
    out += '|';
    if (text[0] == ' ' || text[0] == '\n') out += '2';
    if (text.back() != '\n') {
      out += '-';
    } else if (text.size() == 1 || text[text.size() - 2] == '\n') {
      out += '+';
    }
    std::string_view rest = text;
    if (rest.back() == '\n') rest.remove_suffix(1);
    for (std::string_view line : Split(rest, '\n')) {
      out += '\n';
      if (!line.empty()) Indent(indent);
      out += line;
    }
  }

  // Runs of digits compare as numbers and letters stand behind other characters, as in Go's yaml.
  static bool KeyLess(std::string_view a, std::string_view b) {
    const auto digit = [](char c) { return c >= '0' && c <= '9'; };
    const auto letter = [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c & 0x80);
    };
    size_t at = 0;
    bool digits = false;
    while (at < a.size() && at < b.size() && a[at] == b[at]) digits = digit(a[at]), ++at;
    if (at == a.size() || at == b.size()) return a.size() < b.size();
    const bool a_letter = letter(a[at]), b_letter = letter(b[at]);
    if (a_letter && b_letter)
      return static_cast<unsigned char>(a[at]) < static_cast<unsigned char>(b[at]);
    if (a_letter || b_letter) return digits ? a_letter : b_letter;
    const auto run = [&](std::string_view text) {
      size_t end = at;
      while (end < text.size() && digit(text[end])) ++end;
      return end - at;
    };
    const size_t a_run = run(a), b_run = run(b);
    if (a_run && b_run && a_run != b_run) return a_run < b_run;
    return static_cast<unsigned char>(a[at]) < static_cast<unsigned char>(b[at]);
  }
};

// Whether YAML reads the tree's numbers and names as JSON does, and lets it nest so deep.
bool IsYamlToo(const Value& value, int depth = 1) {
  constexpr size_t kMaxName = 1000;  // YAML bounds what stands before a colon
  if (value.type() == Value::Type::kDouble || depth > kMaxYamlDepth / 2) return false;
  if (value.is_array()) {
    return std::all_of(value.array().begin(), value.array().end(),
                       [&](const Value& item) { return IsYamlToo(item, depth + 1); });
  }
  return !value.is_object() ||
         std::all_of(value.object().begin(), value.object().end(), [&](const auto& member) {
           return member.first.size() <= kMaxName && IsYamlToo(member.second, depth + 1);
         });
}

// Whether each byte of a JSON text means the same to YAML: ASCII, no tab, and escapes of what YAML
// escapes alike, which halves of UTF-16 pairs are not.
bool HasPlainBytes(std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if ((byte < 0x20 && byte != '\n') || byte >= 0x7f) return false;
    if (byte != '\\') continue;
    const std::string_view escape = text.substr(++i, 3);
    if (escape.empty()) return false;
    const bool is_half = escape.size() == 3 && (escape[1] == 'd' || escape[1] == 'D') &&
                         (escape[2] < '0' || escape[2] > '7');
    if (escape[0] == 'u' && is_half) return false;
  }
  return true;
}

// A text that is a JSON object, as most programs write it. YAML gives the same tree, in a multiple
// of the time and the memory.
std::optional<Value> PlainJson(std::string_view text) {
  if (!text.starts_with('{') || !HasPlainBytes(text)) return std::nullopt;
  std::vector<std::string> duplicates;
  auto parsed = ParseJson(text, &duplicates);
  if (!parsed || !duplicates.empty() || !IsYamlToo(*parsed)) return std::nullopt;
  return *std::move(parsed);
}

}  // namespace

Result<std::vector<YamlDocument>> ParseYaml(std::string_view text) {
  if (auto json = PlainJson(text)) return std::vector{YamlDocument{*std::move(json)}};
  std::istringstream stream{std::string(text)};
  Builder builder;
  try {
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const Refused& refused) {
    return DecodeError(refused.message);
  } catch (const YAML::Exception& exception) {
    return DecodeError(AtLine(exception.mark.line + 1, exception.msg));
  }
  return std::move(builder.documents);
}

Result<Value> ParseYamlDocument(std::string_view text) {
  auto documents = ParseYaml(text);
  if (!documents) return documents.error();
  if (documents->empty()) return Value();
  return std::move(documents->front().value);
}

int YamlLineOf(std::string_view text, std::string_view path) {
  try {
    YAML::Node node = YAML::Load(std::string(text));
    int line = node.Mark().line + 1;
    for (const std::string_view part : Split(path, '.')) {
      const size_t bracket = part.find('[');
      const std::string name(part.substr(0, bracket));
      if (!node.IsMap()) break;
      YAML::Node next = node[name];
      if (!next) break;
      if (bracket != part.npos) {
        const auto index = ParseInt(part.substr(bracket + 1, part.size() - bracket - 2));
        if (!index || *index < 0 || !next.IsSequence()) break;
        next.reset(next[static_cast<size_t>(*index)]);
        if (!next) break;
      }
      node.reset(next);
      line = node.Mark().line + 1;
    }
    return line;
  } catch (const YAML::Exception&) {
    return 0;
  }
}

std::string ToYaml(const Value& value) {
  Printer printer;
  printer.Print(value, 0);
  return std::move(printer.out);
}

}  // namespace k8s
