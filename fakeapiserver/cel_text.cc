#include "fakeapiserver/cel_text.h"

#include <algorithm>
#include <cctype>

#include "k8s/base/strings.h"

namespace k8s::fakeapiserver {
namespace {

bool IsNameByte(char c) { return c == '_' || std::isalnum(static_cast<unsigned char>(c)) != 0; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

std::string Shown(std::string_view text, size_t column, std::string_view what) {
  return Cat("ERROR: <input>:1:", std::to_string(column), ": ", what, "\n | ", text, "\n | ",
             std::string(column - 1, '.'), "^");
}

// The names between the dots; none when it is anything else.
std::vector<std::string_view> MembersOf(std::string_view text) {
  std::vector<std::string_view> parts;
  for (std::string_view part : Split(text, '.')) {
    if (part.empty() || IsDigit(part[0]) || !std::all_of(part.begin(), part.end(), IsNameByte))
      return {};
    parts.push_back(part);
  }
  return parts;
}

std::string LiteralType(std::string_view text) {
  if (text == "true" || text == "false") return "bool";
  if (text == "null") return "null_type";
  if (std::all_of(text.begin(), text.end(), IsDigit)) return "int";
  const char quote = text.front();
  const bool is_string = text.size() > 1 && (quote == '"' || quote == '\'') &&
                         text.find(quote, 1) == text.size() - 1 && text.find('\\') == text.npos;
  return is_string ? "string" : "";
}

constexpr std::string_view kTypeNames[] = {"bool", "bytes", "double",    "duration", "dyn",
                                           "int",  "list",  "map",       "string",   "timestamp",
                                           "type", "uint",  "null_type", "google"};

}  // namespace

CelVerdict LookAtCel(std::string_view text, const std::vector<std::string_view>& names) {
  if (text.empty()) {
    return {.broken =
                "ERROR: <input>:1:0: Syntax error: mismatched input '<EOF>' expecting {'[', "
                "'{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, "
                "NUM_UINT, STRING, BYTES, IDENTIFIER}"};
  }
  if (std::string type = LiteralType(text); !type.empty()) return {.type = std::move(type)};
  if (text.ends_with('.') && !MembersOf(text.substr(0, text.size() - 1)).empty()) {
    return {.broken =
                Shown(text, text.size() + 1, "Syntax error: no viable alternative at input '.'")};
  }
  const auto members = MembersOf(text);
  if (members.empty()) return {};
  const auto knows = [&](const auto& all) {
    return std::find(std::begin(all), std::end(all), members[0]) != std::end(all);
  };
  if (knows(names) || knows(kTypeNames)) return {};
  return {.broken =
              Shown(text, 1, Cat("undeclared reference to '", members[0], "' (in container '')"))};
}

}  // namespace k8s::fakeapiserver
