#include "k8s/http/url.h"

#include <algorithm>
#include <array>

#include "k8s/base/strings.h"

namespace k8s::http {
namespace {

constexpr bool IsAlpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
constexpr bool IsDigit(char c) { return c >= '0' && c <= '9'; }
constexpr bool IsUnreserved(char c) {
  return IsAlpha(c) || IsDigit(c) || c == '-' || c == '_' || c == '.' || c == '~';
}
constexpr auto kRawInPath = [] {
  std::array<bool, 256> table{};
  for (int c = 0; c < 0x80; ++c) table[static_cast<size_t>(c)] = IsUnreserved(static_cast<char>(c));
  for (const char c : std::string_view("$&+,/:;=@")) table[static_cast<unsigned char>(c)] = true;
  return table;
}();
bool RawInPath(char c) { return kRawInPath[static_cast<unsigned char>(c)]; }

int HexDigit(char c) {
  if (IsDigit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

void AppendPercent(char c, std::string& out) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  const auto byte = static_cast<unsigned char>(c);
  out += '%';
  out += kHex[byte >> 4];
  out += kHex[byte & 15];
}

Result<std::string> Unescape(std::string_view text, bool plus_is_blank) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_blank) {
      out += ' ';
    } else if (text[i] != '%') {
      out += text[i];
    } else {
      const int high = i + 2 < text.size() ? HexDigit(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? HexDigit(text[i + 2]) : -1;
      if (high < 0 || low < 0) {
        return Invalid(Cat("invalid URL escape ", Quote(text.substr(i, 3))));
      }
      out += static_cast<char>(high * 16 + low);
      i += 2;
    }
  }
  return out;
}

// What stands in a URL may already be escaped in another, equally valid way; it is then kept.
Result<std::string> NormalizePath(std::string_view raw) {
  auto plain = UnescapePath(raw);
  if (!plain) return plain.error();
  const bool valid = std::all_of(raw.begin(), raw.end(), [](char c) {
    return RawInPath(c) || std::string_view("!'()*[]%").find(c) != std::string_view::npos;
  });
  return valid ? std::string(raw) : EscapePath(*std::move(plain));
}

// The scheme in front of "://" or ":", as Go splits it: "" when there is none.
Result<std::string_view> SchemeOf(std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (IsAlpha(c)) continue;
    if (IsDigit(c) || c == '+' || c == '-' || c == '.') {
      if (i == 0) return std::string_view();
      continue;
    }
    if (c != ':') return std::string_view();
    if (i == 0) return Invalid("missing protocol scheme");
    return text.substr(0, i);
  }
  return std::string_view();
}

Result<void> ParseAuthority(std::string_view authority, Url& url) {
  if (const size_t at = authority.rfind('@'); at != std::string_view::npos) {
    url.user_info = authority.substr(0, at);
    authority.remove_prefix(at + 1);
  }
  std::string_view host = authority;
  std::string_view port;
  if (host.starts_with('[')) {
    const size_t end = host.find(']');
    if (end == std::string_view::npos) return Invalid("missing ']' in host");
    port = host.substr(end + 1);
    host = host.substr(1, end - 1);
    if (!port.empty() && port[0] != ':') return Invalid(Cat("invalid port ", Quote(port)));
  } else if (const size_t colon = host.find(':'); colon != std::string_view::npos) {
    port = host.substr(colon);
    host = host.substr(0, colon);
  }
  if (!port.empty()) port.remove_prefix(1);
  if (!std::all_of(port.begin(), port.end(), IsDigit)) {
    return Invalid(Cat("invalid port ", Quote(Cat(":", port)), " after host"));
  }
  auto plain = UnescapePath(host);
  if (!plain) return plain.error();
  for (const char c : *plain) {
    if (std::string_view(" <>\"\\^`{}|/?#@").find(c) != std::string_view::npos) {
      return Invalid(Cat("invalid character ", Quote(std::string_view(&c, 1)), " in host name"));
    }
  }
  url.host = std::move(*plain);
  url.port = port;
  return {};
}

}  // namespace

Result<Url> Url::Parse(std::string_view text) {
  const auto failed = [&](std::string_view why) {
    return Invalid(Cat("parse ", Quote(WithoutUserInfo(text)), ": ", why));
  };
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      return failed("net/url: invalid control character in URL");
    }
  }
  std::string_view rest = text.substr(0, text.find('#'));
  const auto scheme = SchemeOf(rest);
  if (!scheme) return failed(scheme.error().message());
  Url url;
  url.scheme = ToLower(*scheme);
  if (!scheme->empty()) rest.remove_prefix(scheme->size() + 1);
  if (const size_t mark = rest.find('?'); mark != std::string_view::npos) {
    url.query = rest.substr(mark + 1);
    rest = rest.substr(0, mark);
  }
  if (rest.starts_with("//")) {
    rest.remove_prefix(2);
    const std::string_view authority = rest.substr(0, rest.find('/'));
    if (auto parsed = ParseAuthority(authority, url); !parsed) {
      return failed(parsed.error().message());
    }
    rest.remove_prefix(authority.size());
  } else if (url.scheme.empty() && !rest.starts_with('/')) {
    // "10.0.0.1:6443" and "[::1]:6443" end here: a port must not be taken for a path.
    if (rest.substr(0, rest.find('/')).find(':') != std::string_view::npos) {
      return failed("first path segment in URL cannot contain colon");
    }
  }
  auto path = NormalizePath(rest);
  if (!path) return failed(path.error().message());
  url.path = std::move(*path);
  return url;
}

std::string Url::Authority() const {
  const bool ipv6 = host.find(':') != std::string::npos;
  std::string out = ipv6 ? Cat("[", host, "]") : host;
  if (!port.empty()) out += Cat(":", port);
  return out;
}

std::string Url::PortOrDefault() const {
  if (!port.empty()) return port;
  return scheme == "https" ? "443" : "80";
}

std::string Url::Target() const {
  std::string out = path.empty() ? "/" : path;
  if (!query.empty()) out += Cat("?", query);
  return out;
}

std::string Url::String() const {
  std::string out;
  if (!scheme.empty()) out += Cat(scheme, ":");
  if (!scheme.empty() && (!host.empty() || path.starts_with('/'))) out += "//";
  out += Authority();
  out += path;
  if (!query.empty()) out += Cat("?", query);
  return out;
}

void Query::Add(std::string_view key, std::string value) {
  values_.emplace_back(std::string(key), std::move(value));
}

void Query::Set(std::string_view key, std::string value) {
  Remove(key);
  Add(key, std::move(value));
}

void Query::Remove(std::string_view key) {
  std::erase_if(values_, [&](const auto& pair) { return pair.first == key; });
}

const std::string* Query::Get(std::string_view key) const {
  for (const auto& [name, value] : values_) {
    if (name == key) return &value;
  }
  return nullptr;
}

std::vector<std::string_view> Query::Values(std::string_view key) const {
  std::vector<std::string_view> found;
  for (const auto& [name, value] : values_) {
    if (name == key) found.push_back(value);
  }
  return found;
}

std::string Query::Encode() const {
  std::vector<const std::pair<std::string, std::string>*> sorted;
  sorted.reserve(values_.size());
  for (const auto& pair : values_) sorted.push_back(&pair);
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto* a, const auto* b) { return a->first < b->first; });
  std::string out;
  for (const auto* pair : sorted) {
    if (!out.empty()) out += '&';
    out += EscapeQuery(pair->first);
    out += '=';
    out += EscapeQuery(pair->second);
  }
  return out;
}

Query Query::Parse(std::string_view raw) {
  Query query;
  for (const std::string_view pair : Split(raw, '&')) {
    // Go refuses ';' as a separator and drops such pairs.
    if (pair.empty() || pair.find(';') != std::string_view::npos) continue;
    const size_t equals = pair.find('=');
    auto key = UnescapeQuery(pair.substr(0, equals));
    auto value = UnescapeQuery(equals == std::string_view::npos ? "" : pair.substr(equals + 1));
    if (key && value) query.Add(*key, std::move(*value));
  }
  return query;
}

std::string EscapePath(std::string path) {
  if (std::all_of(path.begin(), path.end(), RawInPath)) return path;
  std::string out;
  out.reserve(path.size());
  for (const char c : path) {
    if (RawInPath(c)) {
      out += c;
    } else {
      AppendPercent(c, out);
    }
  }
  return out;
}

std::string EscapeQuery(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (IsUnreserved(c)) {
      out += c;
    } else if (c == ' ') {
      out += '+';
    } else {
      AppendPercent(c, out);
    }
  }
  return out;
}

Result<std::string> UnescapePath(std::string_view text) { return Unescape(text, false); }
Result<std::string> UnescapeQuery(std::string_view text) { return Unescape(text, true); }

std::string WithoutUserInfo(std::string_view url) {
  const size_t slashes = url.find("//");
  const size_t begin = slashes == std::string_view::npos ? 0 : slashes + 2;
  const std::string_view authority = url.substr(begin).substr(0, url.substr(begin).find('/'));
  const size_t at = authority.rfind('@');
  if (at == std::string_view::npos) return std::string(url);
  return Cat(url.substr(0, begin), url.substr(begin + at + 1));
}

std::string CleanPath(std::string path) {
  constexpr auto kNone = std::string::npos;
  const bool is_clean = path.starts_with('/') && !path.ends_with('/') && path.find("//") == kNone &&
                        path.find("/.") == kNone;
  if (is_clean) return path;
  std::vector<std::string_view> kept;
  for (const std::string_view segment : Split(path, '/')) {
    if (segment.empty() || segment == ".") continue;
    if (segment != "..") {
      kept.push_back(segment);
    } else if (!kept.empty()) {
      kept.pop_back();
    }
  }
  std::string out;
  for (const std::string_view segment : kept) out += Cat("/", segment);
  return out.empty() ? "/" : out;
}

}  // namespace k8s::http
