#include "k8s/machinery/labels.h"

#include <algorithm>
#include <charconv>

#include "k8s/base/strings.h"
#include "k8s/machinery/name_rules.h"

namespace k8s::labels {
namespace {

enum class Token : uint8_t {
  kEnd,
  kIdentifier,
  kIn,
  kNotIn,
  kComma,
  kOpen,
  kClose,
  kNot,
  kEquals,
  kDoubleEquals,
  kNotEquals,
  kGreater,
  kLess,
  kError
};

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
bool IsSymbol(char c) { return std::string_view("=!(),<>").find(c) != std::string_view::npos; }

struct Lexeme {
  Token token;
  std::string text;
};

std::vector<Lexeme> Scan(std::string_view text) {
  static constexpr std::pair<std::string_view, Token> kSymbols[] = {
      {"==", Token::kDoubleEquals}, {"!=", Token::kNotEquals}, {"=", Token::kEquals},
      {"!", Token::kNot},           {"(", Token::kOpen},       {")", Token::kClose},
      {",", Token::kComma},         {"<", Token::kLess},       {">", Token::kGreater}};
  std::vector<Lexeme> found;
  for (size_t at = 0; at < text.size();) {
    if (IsBlank(text[at])) {
      ++at;
      continue;
    }
    if (IsSymbol(text[at])) {
      // The longest run of symbol characters that is a token: "=!" is no token, so "=" is taken
      // first.
      for (const auto& [symbol, token] : kSymbols) {
        if (text.substr(at).starts_with(symbol)) {
          found.push_back({token, std::string(symbol)});
          at += symbol.size();
          break;
        }
      }
      continue;
    }
    size_t end = at;
    while (end < text.size() && !IsBlank(text[end]) && !IsSymbol(text[end])) ++end;
    std::string word(text.substr(at, end - at));
    const Token token = word == "in"      ? Token::kIn
                        : word == "notin" ? Token::kNotIn
                                          : Token::kIdentifier;
    found.push_back({token, std::move(word)});
    at = end;
  }
  found.push_back({Token::kEnd, ""});
  return found;
}

std::string FieldInvalid(std::string_view path, std::string_view value,
                         const Complaints& complaints) {
  return Cat(path, ": Invalid value: ", Quote(value), ": ", Join(complaints, "; "));
}

Result<void> CheckKey(std::string_view key) {
  const auto complaints = CheckLabelKey(key);
  if (complaints.empty()) return {};
  return Invalid(FieldInvalid("<nil>", key, complaints));
}

Result<Requirement> MakeRequirement(std::string key, Operator op, std::vector<std::string> values) {
  if (auto good = CheckKey(key); !good) return good.error();
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
  if (op == Operator::kGreaterThan || op == Operator::kLessThan) {
    for (size_t i = 0; i < values.size(); ++i) {
      if (!ParseInt(values[i])) {
        return Invalid(Cat("values[", std::to_string(i), "]: Invalid value: ", Quote(values[i]),
                           ": for 'Gt', 'Lt' operators, the value must be an integer"));
      }
    }
  }
  for (size_t i = 0; i < values.size(); ++i) {
    const auto complaints = CheckLabelValue(values[i]);
    if (complaints.empty()) continue;
    return Invalid(
        FieldInvalid(Cat("values[", std::to_string(i), "][", key, "]"), values[i], complaints));
  }
  return Requirement{std::move(key), op, std::move(values)};
}

class Parser {
 public:
  explicit Parser(std::string_view text) : lexemes_(Scan(text)) {}

  Result<std::vector<Requirement>> All() {
    std::vector<Requirement> found;
    while (true) {
      const Token next = Peek();
      if (next == Token::kEnd) return found;
      if (next != Token::kIdentifier && next != Token::kNot) {
        return Found(Text(), ", expected: !, identifier, or 'end of string'");
      }
      auto requirement = One();
      if (!requirement) {
        return requirement.error().WithMessage("unable to parse requirement: " +
                                               requirement.error().message());
      }
      found.push_back(*std::move(requirement));
      const Lexeme after = Take();
      if (after.token == Token::kEnd) return found;
      if (after.token != Token::kComma)
        return Found(after.text, ", expected: ',' or 'end of string'");
      if (Peek() != Token::kIdentifier && Peek() != Token::kNot) {
        return Found(Text(), ", expected: identifier after ','");
      }
    }
  }

 private:
  static Error Found(std::string_view text, std::string_view rest) {
    return Invalid(Cat("found '", text, "'", rest));
  }

  // Where a value may stand, "in" and "notin" are ordinary words.
  Token Peek() const {
    const Token token = lexemes_[at_].token;
    return token == Token::kIn || token == Token::kNotIn ? Token::kIdentifier : token;
  }
  const std::string& Text() const { return lexemes_[at_].text; }
  Lexeme Take() {
    Lexeme taken = TakeOperator();
    if (taken.token == Token::kIn || taken.token == Token::kNotIn) taken.token = Token::kIdentifier;
    return taken;
  }
  Lexeme TakeOperator() {
    const Lexeme& taken = lexemes_[at_];
    if (at_ + 1 < lexemes_.size()) ++at_;
    return taken;
  }

  Result<Requirement> One() {
    Lexeme key = Take();
    const bool negated = key.token == Token::kNot;
    if (negated) key = TakeOperator();
    if (key.token != Token::kIdentifier) return Found(key.text, ", expected: identifier");
    if (auto good = CheckKey(key.text); !good) return good.error();
    if (negated) return MakeRequirement(key.text, Operator::kDoesNotExist, {});
    const Token next = lexemes_[at_].token;
    if (next == Token::kEnd || next == Token::kComma)
      return MakeRequirement(key.text, Operator::kExists, {});

    const Lexeme sign = TakeOperator();
    Operator op;
    switch (sign.token) {
      case Token::kIn:
        op = Operator::kIn;
        break;
      case Token::kNotIn:
        op = Operator::kNotIn;
        break;
      case Token::kEquals:
        op = Operator::kEquals;
        break;
      case Token::kDoubleEquals:
        op = Operator::kDoubleEquals;
        break;
      case Token::kNotEquals:
        op = Operator::kNotEquals;
        break;
      case Token::kGreater:
        op = Operator::kGreaterThan;
        break;
      case Token::kLess:
        op = Operator::kLessThan;
        break;
      default:
        return Found(sign.text, ", expected: in, notin, =, ==, !=, gt, lt");
    }
    auto values = op == Operator::kIn || op == Operator::kNotIn ? ListOfValues() : OneValue();
    if (!values) return values.error();
    return MakeRequirement(key.text, op, *std::move(values));
  }

  Result<std::vector<std::string>> OneValue() {
    if (Peek() == Token::kEnd || Peek() == Token::kComma) return std::vector<std::string>{""};
    Lexeme value = Take();
    if (value.token != Token::kIdentifier) return Found(value.text, ", expected: identifier");
    return std::vector<std::string>{std::move(value.text)};
  }

  Result<std::vector<std::string>> ListOfValues() {
    if (Lexeme open = Take(); open.token != Token::kOpen) return Found(open.text, " expected: '('");
    if (Peek() != Token::kIdentifier && Peek() != Token::kComma && Peek() != Token::kClose) {
      return Found(Text(), ", expected: ',', ')' or identifier");
    }
    // Between two commas, or a comma and a parenthesis, stands the empty value.
    std::vector<std::string> values;
    bool wants_value = true;
    while (true) {
      Lexeme next = Take();
      if (next.token == Token::kIdentifier && wants_value) {
        values.push_back(std::move(next.text));
        wants_value = false;
        if (Peek() != Token::kComma && Peek() != Token::kClose)
          return Found(Text(), ", expected: ',' or ')'");
      } else if (next.token == Token::kComma || next.token == Token::kClose) {
        if (wants_value) values.emplace_back();
        if (next.token == Token::kClose) return values;
        wants_value = true;
      } else {
        return Found(next.text, ", expected: ',', or identifier");
      }
    }
  }

  std::vector<Lexeme> lexemes_;
  size_t at_ = 0;
};

const std::string* Lookup(const Set& labels, std::string_view key) {
  for (const auto& [name, value] : labels) {
    if (name == key) return &value;
  }
  return nullptr;
}

}  // namespace

bool Requirement::Matches(const Set& labels) const {
  const std::string* value = Lookup(labels, key);
  const auto listed = [&] {
    return std::find(values.begin(), values.end(), *value) != values.end();
  };
  switch (op) {
    case Operator::kIn:
    case Operator::kEquals:
    case Operator::kDoubleEquals:
      return value && listed();
    case Operator::kNotIn:
    case Operator::kNotEquals:
      return !value || !listed();
    case Operator::kExists:
      return value != nullptr;
    case Operator::kDoesNotExist:
      return value == nullptr;
    case Operator::kGreaterThan:
    case Operator::kLessThan: {
      if (!value || values.size() != 1) return false;
      const auto number = ParseInt(*value), bound = ParseInt(values[0]);
      if (!number || !bound) return false;
      return op == Operator::kGreaterThan ? *number > *bound : *number < *bound;
    }
  }
  return false;
}

Selector::Selector(std::vector<Requirement> requirements) : requirements_(std::move(requirements)) {
  std::stable_sort(requirements_.begin(), requirements_.end(),
                   [](const auto& a, const auto& b) { return a.key < b.key; });
}

Result<Selector> Selector::Parse(std::string_view text) {
  auto requirements = Parser(text).All();
  if (!requirements) return requirements.error();
  return Selector(*std::move(requirements));
}

Result<Selector> Selector::FromValue(const Value* selector) {
  Selector nothing;
  nothing.nothing_ = true;
  if (!selector || !selector->is_object()) return nothing;
  std::vector<Requirement> requirements;
  if (const Value* pairs = selector->Find("matchLabels"); pairs && pairs->is_object()) {
    for (const auto& [key, value] : pairs->object()) {
      auto made =
          MakeRequirement(key, Operator::kEquals, {value.is_string() ? value.string() : ""});
      if (!made) return made.error();
      requirements.push_back(*std::move(made));
    }
  }
  if (const Value* expressions = selector->Find("matchExpressions");
      expressions && expressions->is_array()) {
    for (const Value& expression : expressions->array()) {
      const std::string_view name = expression.StringAt({"operator"});
      Operator op;
      if (name == "In")
        op = Operator::kIn;
      else if (name == "NotIn")
        op = Operator::kNotIn;
      else if (name == "Exists")
        op = Operator::kExists;
      else if (name == "DoesNotExist")
        op = Operator::kDoesNotExist;
      else
        return Invalid(Cat(Quote(name), " is not a valid label selector operator"));
      std::vector<std::string> values;
      if (const Value* list = expression.Find("values"); list && list->is_array()) {
        for (const Value& value : list->array())
          values.push_back(value.is_string() ? value.string() : "");
      }
      auto made = MakeRequirement(std::string(expression.StringAt({"key"})), op, std::move(values));
      if (!made) return made.error();
      requirements.push_back(*std::move(made));
    }
  }
  return Selector(std::move(requirements));
}

bool Selector::Matches(const Set& labels) const {
  return !nothing_ && std::all_of(requirements_.begin(), requirements_.end(),
                                  [&](const auto& r) { return r.Matches(labels); });
}

std::string Selector::String() const {
  std::string out;
  for (const auto& r : requirements_) {
    if (!out.empty()) out += ',';
    if (r.op == Operator::kDoesNotExist) out += '!';
    out += r.key;
    switch (r.op) {
      case Operator::kExists:
      case Operator::kDoesNotExist:
        break;
      case Operator::kIn:
        out += Cat(" in (", Join(r.values, ","), ")");
        break;
      case Operator::kNotIn:
        out += Cat(" notin (", Join(r.values, ","), ")");
        break;
      case Operator::kEquals:
        out += Cat("=", Join(r.values, ","));
        break;
      case Operator::kDoubleEquals:
        out += Cat("==", Join(r.values, ","));
        break;
      case Operator::kNotEquals:
        out += Cat("!=", Join(r.values, ","));
        break;
      case Operator::kGreaterThan:
        out += Cat(">", Join(r.values, ","));
        break;
      case Operator::kLessThan:
        out += Cat("<", Join(r.values, ","));
        break;
    }
  }
  return out;
}

}  // namespace k8s::labels
