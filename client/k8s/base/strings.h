#pragma once

// Small things about text that the standard library lacks. Pure functions.

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace k8s {

std::vector<std::string_view> Split(std::string_view text, char separator);
std::string_view Trim(std::string_view text);  // blanks, tabs and line ends
std::string ToLower(std::string_view text);    // ASCII only
bool EqualsIgnoreCase(std::string_view a, std::string_view b);
std::string Join(const std::vector<std::string>& parts, std::string_view separator);
// Go's %q: in double quotes, with backslash escapes.
std::string Quote(std::string_view text);
// The whole text as a base-10 integer, an optional sign in front; nothing else is accepted.
std::optional<int64_t> ParseInt(std::string_view text);
// Concatenates what converts to string_view.
template <class... Parts>
std::string Cat(const Parts&... parts) {
  std::string out;
  out.reserve((std::string_view(parts).size() + ... + 0));
  (out.append(std::string_view(parts)), ...);
  return out;
}
// As assign, without doubling what out had. REQUIRES: text is no part of out.
inline void AssignExactly(std::string_view text, std::string& out) {
  if (text.size() <= out.capacity()) {
    out.clear();
    out.append(text);
  } else {
    out = std::string(text);
  }
}
// Replaces invalid UTF-8 by U+FFFD, as Go does when it writes JSON.
std::string ToValidUtf8(std::string_view text);
bool IsValidUtf8(std::string_view text);

}  // namespace k8s
