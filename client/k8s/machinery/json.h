#pragma once

// JSON text to Value and back, with Go's conventions: one line, <, > and & escaped, invalid UTF-8
// replaced (C-9.5). Pure functions. Errors say the byte offset.

#include <string>
#include <string_view>
#include <vector>

#include "k8s/base/result.h"
#include "k8s/machinery/value.h"

namespace k8s {

// Deeper documents are refused: recursion is bounded.
inline constexpr int kMaxJsonDepth = 10000;

// One document and nothing but blanks after it. Of duplicate names the last value wins; with
// `duplicates` given, the path of each such name is added to it.
Result<Value> ParseJson(std::string_view text, std::vector<std::string>* duplicates = nullptr);

void AppendJson(const Value& value, std::string& out);
std::string ToJson(const Value& value);
std::string ToPrettyJson(const Value& value);  // four blanks an indentation, as kubectl prints
// The text in double quotes with Go's escapes.
void AppendJsonString(std::string_view text, std::string& out);
// As Go's encoding/json prints a float64.
void AppendJsonDouble(double number, std::string& out);

}  // namespace k8s
