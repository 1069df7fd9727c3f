#pragma once

// YAML text to Value and back, as kubectl and kube-apiserver read and print it: YAML 1.1 booleans,
// their number rules, merge keys, quoting that keeps text text. The only machinery file that knows
// a YAML library is yaml.cc. Pure functions. Errors say the line: "line 3: ...".

#include <string>
#include <string_view>
#include <vector>

#include "k8s/base/result.h"
#include "k8s/machinery/value.h"

namespace k8s {

// Documents that nest deeper, or whose aliases unfold to more nodes, are refused.
inline constexpr int kMaxYamlDepth = 1000;
inline constexpr size_t kMaxYamlNodes = 4'000'000;

struct YamlDocument {
  Value value{};
  int line = 1;                           // of its first node
  std::vector<std::string> duplicates{};  // `line 3: key "x" already set in map`, in order
};

// Every document of the text, empty ones (null) included. Of duplicate keys the last value wins.
Result<std::vector<YamlDocument>> ParseYaml(std::string_view text);
// The first document; null for an empty text.
Result<Value> ParseYamlDocument(std::string_view text);

// The line on which the value at a path such as "users[0].user.token" begins, in the first
// document; of a path that leaves it, the line of the last part that is there. 0: the text does not
// parse.
int YamlLineOf(std::string_view text, std::string_view path);

// Keys sorted, two blanks an indentation, a list as deep as its key; ends with a line end.
std::string ToYaml(const Value& value);

}  // namespace k8s
