#include "k8s/machinery/fields.h"

#include <algorithm>

#include "k8s/base/strings.h"

namespace k8s::fields {
namespace {

// At commas that no backslash precedes; a comma at the very end separates nothing.
std::vector<std::string_view> SplitTerms(std::string_view text) {
  std::vector<std::string_view> terms;
  size_t start = 0;
  for (size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '\\') {
      ++at;
    } else if (text[at] == ',') {
      terms.push_back(text.substr(start, at - start));
      start = at + 1;
    }
  }
  terms.push_back(text.substr(std::min(start, text.size())));
  return terms;
}

Result<std::string> Unescape(std::string_view value) {
  std::string out;
  for (size_t at = 0; at < value.size(); ++at) {
    const char c = value[at];
    if (c == '\\') {
      if (at + 1 == value.size())
        return Invalid("invalid field selector: invalid escape sequence: \\");
      const char next = value[++at];
      if (next != '\\' && next != ',' && next != '=') {
        return Invalid(
            Cat("invalid field selector: invalid escape sequence: \\", std::string(1, next)));
      }
      out += next;
    } else if (c == ',' || c == '=') {
      // The character is shown as a decimal number.
      return Invalid(Cat("invalid field selector: unescaped character in value: ",
                         std::to_string(static_cast<unsigned char>(c))));
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

std::string EscapeValue(std::string_view value) {
  std::string out;
  for (char c : value) {
    if (c == '\\' || c == ',' || c == '=') out += '\\';
    out += c;
  }
  return out;
}

Result<Selector> Selector::Parse(std::string_view text) {
  auto parts = SplitTerms(text);
  std::sort(parts.begin(), parts.end());
  std::vector<Term> terms;
  for (std::string_view part : parts) {
    if (part.empty()) continue;
    // The operator is the first of !=, == and = that stands anywhere, tried at each place in this
    // order.
    size_t at = 0;
    std::string_view sign;
    for (; at < part.size() && sign.empty(); ++at) {
      for (std::string_view candidate :
           {std::string_view("!="), std::string_view("=="), std::string_view("=")}) {
        if (part.substr(at).starts_with(candidate)) {
          sign = candidate;
          break;
        }
      }
      if (!sign.empty()) break;
    }
    if (sign.empty())
      return Invalid(Cat("invalid selector: '", text, "'; can't understand '", part, "'"));
    auto value = Unescape(part.substr(at + sign.size()));
    if (!value) return value.error();
    terms.push_back({std::string(part.substr(0, at)), *std::move(value), sign != "!="});
  }
  return Selector(std::move(terms));
}

std::string_view Get(const Set& fields, std::string_view field) {
  const auto found = std::find_if(fields.begin(), fields.end(),
                                  [&](const auto& one) { return one.first == field; });
  return found == fields.end() ? std::string_view() : found->second;
}

bool Selector::Matches(const Set& fields) const {
  return MatchesValues([&](std::string_view field) { return Get(fields, field); });
}

bool Selector::MatchesValues(
    const std::function<std::string_view(std::string_view field)>& value_of) const {
  return std::all_of(terms_.begin(), terms_.end(), [&](const Term& term) {
    return (value_of(term.field) == term.value) == term.equal;
  });
}

const std::string* Selector::RequiresExactMatch(std::string_view field) const {
  for (const Term& term : terms_) {
    if (term.equal && term.field == field) return &term.value;
  }
  return nullptr;
}

std::string Selector::String() const {
  std::string out;
  for (const Term& term : terms_) {
    if (!out.empty()) out += ',';
    out += Cat(term.field, term.equal ? "=" : "!=", EscapeValue(term.value));
  }
  return out;
}

}  // namespace k8s::fields
