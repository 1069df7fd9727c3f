#pragma once

// URLs as client-go sends them: Go's escaping of paths and its form encoding of queries (C-3.3,
// C-3.8). Values and pure functions.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "k8s/base/result.h"

namespace k8s::http {

struct Url {
  std::string scheme{};     // "http" or "https" or what stood there
  std::string user_info{};  // raw, without the @; never printed
  std::string host{};       // without port; IPv6 without brackets
  std::string port{};       // "" when none was written
  std::string path{};       // escaped, as it goes on the wire
  std::string query{};      // raw, without the ?

  static Result<Url> Parse(std::string_view text);
  // "host", "host:port", "[::1]:port".
  std::string Authority() const;
  // The port, or the scheme's: 443 for https, else 80.
  std::string PortOrDefault() const;
  // Path and query, for the request line; "/" for an empty path.
  std::string Target() const;
  // Without user info, so that it may be printed.
  std::string String() const;
};

// Query parameters: several values a key keep their order, keys are sorted when encoded.
class Query {
 public:
  void Add(std::string_view key, std::string value);
  void Set(std::string_view key, std::string value);
  void Remove(std::string_view key);
  const std::string* Get(std::string_view key) const;  // the first value, or null
  std::vector<std::string_view> Values(std::string_view key) const;
  bool Has(std::string_view key) const { return Get(key) != nullptr; }
  bool empty() const { return values_.empty(); }
  std::string Encode() const;
  // Decodes %XX and +; like Go, keeps what is readable and skips pairs that are not.
  static Query Parse(std::string_view raw);
  auto begin() const { return values_.begin(); }
  auto end() const { return values_.end(); }

 private:
  std::vector<std::pair<std::string, std::string>> values_;
};

std::string EscapePath(std::string path);        // one or more segments; '/' stays
std::string EscapeQuery(std::string_view text);  // form encoding: a blank becomes '+'
Result<std::string> UnescapePath(std::string_view text);
Result<std::string> UnescapeQuery(std::string_view text);
// The same URL without what stands before the @: a text must not hold a password.
std::string WithoutUserInfo(std::string_view url);
// Go's path.Clean joined with a leading slash: "a//b/../c/" becomes "/a/c".
std::string CleanPath(std::string path);

}  // namespace k8s::http
