#pragma once

// What of CEL can be told without compiling it: an expression that is empty, one literal, or one
// name with members. Everything else is taken for good. Pure functions.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace k8s::fakeapiserver {

struct CelVerdict {
  std::string broken{};  // the compiler's words, when it does not compile
  std::string type{};    // "int", when it is known
};
// `names` are the variables that the expression may use.
CelVerdict LookAtCel(std::string_view text, const std::vector<std::string_view>& names);

}  // namespace k8s::fakeapiserver
