#include "fakeapiserver/checks.h"

#include <algorithm>
#include <array>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>

#include "fakeapiserver/check_hooks.h"
#include "fakeapiserver/checks_facts.h"
#include "k8s/api/group_versions.h"
#include "k8s/base/strings.h"
#include "k8s/machinery/json.h"
#include "k8s/machinery/name_rules.h"
#include "k8s/machinery/quantity.h"

namespace k8s::fakeapiserver {
namespace {

class Checker;
struct At;
struct Step;
// What a word does: whether the rule goes on behind the step.
using Act = bool (*)(Checker& checker, const Step& step, const At& at);

// One step of a rule: a word and what follows it.
struct Step {
  std::string word{};
  std::vector<std::string> arguments{};
  std::vector<std::string> place{};  // of a guard
  Act act = nullptr;                 // null: no such word
  Complaints (*check_text)(std::string_view text) = nullptr;

  const std::string& Argument(size_t i) const {
    static const std::string kNone;
    return i < arguments.size() ? arguments[i] : kNone;
  }
};
// A part of a place, read.
struct Part {
  enum class Kind : uint8_t { kMember, kItems, kEntries };
  Kind kind = Kind::kMember;
  std::string_view member{};  // without the place that errors name in its stead
};
struct Rule {
  std::vector<std::string> place{};  // "spec", "[]", "host": member, each element, each map value
  std::vector<Step> steps{};
  std::vector<Part> parts{};  // of the place, whose texts they look at
};
// The rules of a type, read when they are first asked for: a server meets few of all types.
class RulesOfType {
 public:
  std::vector<std::string_view> lines{};  // of the facts
  const std::vector<Rule>& Read() const;

 private:
  mutable std::once_flag once_;
  mutable std::vector<Rule> rules_;
};
using Rules = std::map<std::string_view, RulesOfType>;  // by "package.Type"

// Words and quoted texts; a ";" is a word of its own.
std::vector<std::string> Words(std::string_view line) {
  std::vector<std::string> words;
  for (size_t at = 0; at < line.size();) {
    if (line[at] == ' ') {
      ++at;
    } else if (line[at] == '"') {
      std::string word;
      for (++at; at < line.size() && line[at] != '"'; ++at) {
        if (line[at] == '\\') ++at;
        word += line[at];
      }
      words.push_back(std::move(word));
      ++at;
    } else if (line[at] == ';') {
      words.emplace_back(";");
      ++at;
    } else {
      const size_t end = std::min(line.find_first_of(" ;", at), line.size());
      words.emplace_back(line.substr(at, end - at));
      at = end;
    }
  }
  return words;
}

std::vector<std::string> PlaceOf(std::string_view text) {
  std::vector<std::string> place;
  if (text == ".") return place;
  for (std::string_view part : Split(text, '.')) {
    const bool list = part.ends_with("[]"), map = part.ends_with("{}");
    if (list || map) part.remove_suffix(2);
    if (!part.empty()) place.emplace_back(part);
    if (list || map) place.emplace_back(list ? "[]" : "{}");
  }
  return place;
}

// Which lines belong to which type.
Rules SortFacts(std::string_view text) {
  Rules rules;
  std::vector<RulesOfType*> current;
  for (std::string_view line : Split(text, '\n')) {
    line = Trim(line.substr(0, line.starts_with('#') ? 0 : line.npos));
    if (line.empty()) continue;
    if (!line.starts_with("type ")) {
      for (RulesOfType* one : current) one->lines.push_back(line);
      continue;
    }
    current.clear();
    for (std::string_view name : Split(line.substr(line.find(' ') + 1), ' ')) {
      if (!name.empty()) current.push_back(&rules[name]);
    }
  }
  return rules;
}

const Rules& AllRules() {
  static const auto* const rules = new Rules(SortFacts(kChecksFacts));
  return *rules;
}

// Null: there are none. Most messages are checked as a whole, by rules that are looked up once.
const std::vector<Rule>* RulesOf(const TypeInfo& type, std::string_view part = "") {
  if (!part.empty()) {
    const auto found = AllRules().find(Cat(type.group_version->package, ".", type.name, part));
    return found == AllRules().end() ? nullptr : &found->second.Read();
  }
  static const auto* const whole = [] {
    auto* made = new std::unordered_map<const TypeInfo*, const RulesOfType*>();
    for (const GroupVersionInfo* version : AllGroupVersions()) {
      const std::string prefix = Cat(version->package, ".");
      for (auto rules = AllRules().lower_bound(prefix);
           rules != AllRules().end() && rules->first.starts_with(prefix); ++rules) {
        const std::string_view name = rules->first.substr(prefix.size());
        for (const TypeInfo* one : version->types) {
          if (one->name == name) made->emplace(one, &rules->second);
        }
      }
    }
    return made;
  }();
  const auto found = whole->find(&type);
  return found == whole->end() ? nullptr : &found->second->Read();
}

bool IsEmpty(const Value* value) {
  if (!value || value->is_null()) return true;
  if (value->is_string()) return value->string().empty();
  if (value->is_array()) return value->array().empty();
  return value->is_object() && value->object().empty();
}

std::string TextOf(const Value* value) {
  if (!value || value->is_null()) return "";
  return value->is_string() ? value->string() : ToJson(*value);
}

// --- texts ---

constexpr std::string_view kBadIp = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";

std::optional<std::vector<int64_t>> Ipv4(std::string_view text) {
  std::vector<int64_t> bytes;
  for (std::string_view part : Split(text, '.')) {
    const auto number = ParseInt(part);
    if (!number || *number < 0 || *number > 255 || part.size() > 3 || part[0] == '+')
      return std::nullopt;
    bytes.push_back(*number);
  }
  if (bytes.size() != 4) return std::nullopt;
  return bytes;
}

bool IsIpv6(std::string_view text) {
  const size_t gap = text.find("::");
  if (gap != text.npos && text.find("::", gap + 1) != text.npos) return false;
  const auto parts = Split(text, ':');
  if (parts.size() < 3 || parts.size() > 8 || (gap == text.npos && parts.size() != 8)) return false;
  return std::all_of(parts.begin(), parts.end(), [](std::string_view part) {
    return part.size() <= 4 && part.find_first_not_of("0123456789abcdefABCDEF") == part.npos;
  });
}

Complaints CheckIp(std::string_view text) {
  if (const auto bytes = Ipv4(text)) {
    for (std::string_view part : Split(text, '.')) {
      if (part.size() > 1 && part[0] == '0') return {"must not have leading 0s"};
    }
    return {};
  }
  if (IsIpv6(text)) return {};
  return {std::string(kBadIp)};
}

Complaints CheckReachableIp(std::string_view text) {
  if (Complaints bad = CheckIp(text); !bad.empty()) return bad;
  if (text == "0.0.0.0" || text == "::") return {Cat("may not be unspecified (", text, ")")};
  if (text.starts_with("127.") || text == "::1")
    return {"may not be in the loopback range (127.0.0.0/8, ::1/128)"};
  if (text.starts_with("169.254."))
    return {"may not be in the link-local range (169.254.0.0/16, fe80::/10)"};
  if (text.starts_with("224.0.0."))
    return {"may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"};
  return {};
}

Complaints CheckCidr(std::string_view text) {
  const size_t slash = text.find('/');
  const auto bits = slash == text.npos ? std::nullopt : ParseInt(text.substr(slash + 1));
  const std::string_view address = text.substr(0, slash);
  const int64_t most = IsIpv6(address) ? 128 : 32;
  if (bits && *bits >= 0 && *bits <= most && CheckIp(address).empty()) return {};
  return {"must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"};
}

Complaints CheckWildcardSubdomain(std::string_view text) {
  if (!text.starts_with("*.") || !CheckDns1123Subdomain(text.substr(2)).empty()) {
    return {
        "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, "
        "which must consist of lower case alphanumeric characters, '-' or '.' and end with an "
        "alphanumeric character (e.g. '*.example.com', regex used for validation is "
        "'\\*\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"};
  }
  return {};
}

Complaints CheckHost(std::string_view text) {
  if (text.find('*') != text.npos) return CheckWildcardSubdomain(text);
  if (Ipv4(text) || IsIpv6(text)) return {"must be a DNS name, not an IP address"};
  return CheckDns1123Subdomain(text);
}

Complaints CheckDriverName(std::string_view text) {
  if (CheckDns1123Subdomain(ToLower(text)).empty()) return {};
  return {
      "an RFC 1123 subdomain must consist of alphanumeric characters, '-' or '.', and must start "
      "and end with an alphanumeric character (e.g. 'Example.com', regex used for validation is "
      "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"};
}

Complaints CheckDomainPath(std::string_view text) {
  const size_t slash = text.find('/');
  if (slash == text.npos || slash == 0 || slash + 1 == text.size())
    return {"must be a domain-prefixed path (such as \"acme.io/foo\")"};
  return CheckDns1123Subdomain(text.substr(0, slash));
}

Complaints CheckPortName(std::string_view text) {
  if (text.size() > 15) return {"must be no more than 15 characters"};
  if (text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") != text.npos)
    return {"must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)"};
  if (text.find_first_of("abcdefghijklmnopqrstuvwxyz") == text.npos)
    return {"must contain at least one letter (a-z)"};
  if (text.find("--") != text.npos) return {"must not contain consecutive hyphens"};
  if (text.empty() || text.front() == '-' || text.back() == '-')
    return {"must not begin or end with a hyphen"};
  return {};
}

Complaints CheckPercentOrCount(std::string_view text) {
  const bool is_percent = text.size() > 1 && text.ends_with('%') &&
                          text.find_first_not_of("0123456789") == text.size() - 1;
  if (is_percent) return {};
  return {
      "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or "
      "'93%', regex used for validation is '[0-9]+%')"};
}

Complaints CheckEnvName(std::string_view text) {
  const bool good = std::all_of(text.begin(), text.end(),
                                [](char c) { return c >= ' ' && c <= '~' && c != '='; });
  if (good) return {};
  return {
      "a valid environment variable name must consist only of printable ASCII characters other "
      "than '='"};
}

// A path inside of something.
Complaints CheckRelativePath(std::string_view text) {
  Complaints bad;
  if (text.starts_with('/')) bad.push_back("must be a relative path");
  const auto parts = Split(text, '/');
  if (std::find(parts.begin(), parts.end(), "..") != parts.end())
    bad.push_back("must not contain '..'");
  return bad;
}

Complaints CheckItemPath(std::string_view text) {
  Complaints bad = CheckRelativePath(text);
  if (text.starts_with("..") && !text.starts_with("../")) bad.push_back("must not start with '..'");
  return bad;
}

Complaints CheckNoBacksteps(std::string_view text) {
  const auto parts = Split(text, '/');
  if (std::find(parts.begin(), parts.end(), "..") == parts.end()) return {};
  return {"must not contain '..'"};
}

Complaints CheckHeaderName(std::string_view text) {
  const bool good = !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return c == '-' || (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
  });
  if (good) return {};
  return {
      "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', "
      "regex used for validation is '[-A-Za-z0-9]+')"};
}

// The name of an attribute of a device, with the domain of the driver.
Complaints CheckAttributeName(std::string_view text) {
  const size_t slash = text.find('/');
  Complaints bad;
  if (slash != text.npos) bad = CheckDns1123Subdomain(text.substr(0, slash));
  const std::string_view name = text.substr(slash == text.npos ? 0 : slash + 1);
  const bool good =
      !name.empty() && !(name[0] >= '0' && name[0] <= '9') &&
      std::all_of(name.begin(), name.end(), [](char c) {
        return c == '_' || (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
      });
  if (!good) {
    bad.push_back(
        "a valid C identifier must start with alphabetic character or '_', followed by a string of "
        "alphanumeric characters or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName', regex used "
        "for validation is '[A-Za-z_][A-Za-z0-9_]*')");
  }
  if (slash == text.npos)
    bad.push_back("a fully qualified name must be a domain and a name separated by a slash");
  return bad;
}

Complaints CheckExtendedResource(std::string_view text) {
  if (text.find('/') == text.npos)
    return {"a name must be a domain-prefixed path, such as 'example.com/my-prop'"};
  return CheckQualifiedName(text);
}

Complaints CheckImage(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\n\r";
  if (text.empty() ||
      (kBlanks.find(text.front()) == kBlanks.npos && kBlanks.find(text.back()) == kBlanks.npos))
    return {};
  return {"must not have leading or trailing whitespace"};
}

bool AreAll(std::string_view text, std::string_view marks) {
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || marks.find(c) != marks.npos;
  });
}
bool HasEdges(std::string_view text, bool underscore_first) {
  if (underscore_first && text.starts_with('_')) text.remove_prefix(1);
  return !text.empty() && AreAll(text.substr(0, 1), "") && AreAll(text.substr(text.size() - 1), "");
}

Complaints CheckSysctl(std::string_view text) {
  constexpr size_t kMostBytes = 253;
  bool good = text.size() <= kMostBytes && AreAll(text, "-_./");
  std::string parts_text(text);
  std::replace(parts_text.begin(), parts_text.end(), '/', '.');
  for (std::string_view part : Split(parts_text, '.')) good = good && HasEdges(part, false);
  if (good) return {};
  return {
      "must have at most 253 characters and match regex "
      "^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$"};
}

Complaints CheckDnsSearch(std::string_view text) {
  bool good = AreAll(text, "-_.");
  for (std::string_view part : Split(text, '.')) good = good && HasEdges(part, true);
  if (good) return {};
  return {
      "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' "
      "or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex "
      "used for validation is "
      "'_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?(\\._?[a-z0-9]([-_a-z0-9]*[a-z0-9])?)*')"};
}

Complaints CheckAbsolutePath(std::string_view text) {
  if (text.starts_with('/')) return {};
  return {"must be an absolute path"};
}

Complaints CheckThreeSegments(std::string_view text) {
  Complaints bad = CheckDns1123Subdomain(text);
  if (bad.empty() && Split(text, '.').size() < 3)
    bad.push_back("should be a domain with at least three segments separated by dots");
  return bad;
}

Complaints CheckStarOrLabel(std::string_view text) {
  if (text == "*") return {};
  Complaints bad = CheckDns1123Label(text);
  for (std::string& one : bad)
    one = Cat("each member of this list must be '*' or a DNS-1123 label; ", one);
  return bad;
}

Complaints CheckStarOrSubdomain(std::string_view text) {
  return text == "*" ? Complaints() : CheckDns1123Subdomain(text);
}

Complaints CheckUrlPattern(std::string_view text) {
  if (text == "*") return {};
  if (!text.starts_with('/')) return {"must start with slash"};
  if (text.find(' ') != text.npos) return {"must not contain white-space"};
  const size_t star = text.find('*');
  if (star == text.npos || (star + 1 == text.size() && text[star - 1] == '/')) return {};
  return {"wildcard can only do suffix matching"};
}

Complaints CheckWebhookPath(std::string_view text) {
  Complaints bad;
  if (text == "/") return bad;
  if (!text.starts_with('/')) bad.push_back("must start with a '/'");
  std::string_view rest = text.starts_with('/') ? text.substr(1) : text;
  if (rest.ends_with('/')) rest.remove_suffix(1);
  auto parts = Split(rest, '/');
  if (!text.starts_with('/')) parts.erase(parts.begin());
  if (parts.empty()) bad.push_back("segment[0] may not be empty");
  for (size_t i = 0; i < parts.size(); ++i) {
    if (parts[i].empty()) {
      bad.push_back(Cat("segment[", std::to_string(i), "] may not be empty"));
      continue;
    }
    for (const std::string& one : CheckDns1123Subdomain(parts[i]))
      bad.push_back(Cat("segment[", std::to_string(i), "]: ", one));
  }
  return bad;
}

using TextCheck = Complaints (*)(std::string_view text);
const std::map<std::string_view, TextCheck>& TextChecks() {
  static const std::map<std::string_view, TextCheck> kChecks = {
      {"dns-label", CheckDns1123Label},
      {"dns-subdomain", CheckDns1123Subdomain},
      {"dns1035-label", CheckDns1035Label},
      {"qualified-name", CheckQualifiedName},
      {"label-key", CheckLabelKey},
      {"label-value", CheckLabelValue},
      {"path-segment", CheckPathSegment},
      {"ip", CheckIp},
      {"reachable-ip", CheckReachableIp},
      {"cidr", CheckCidr},
      {"host", CheckHost},
      {"driver-name", CheckDriverName},
      {"domain-path", CheckDomainPath},
      {"port-name", CheckPortName},
      {"env-name", CheckEnvName},
      {"absolute-path", CheckAbsolutePath},
      {"relative-path", CheckRelativePath},
      {"item-path", CheckItemPath},
      {"no-backsteps", CheckNoBacksteps},
      {"image", CheckImage},
      {"attribute-name", CheckAttributeName},
      {"extended-resource", CheckExtendedResource},
      {"sysctl", CheckSysctl},
      {"dns-search", CheckDnsSearch},
      {"config-map-key", CheckConfigMapKey},
      {"http-header-name", CheckHeaderName},
      {"three-segments", CheckThreeSegments},
      {"star-or-label", CheckStarOrLabel},
      {"star-or-subdomain", CheckStarOrSubdomain},
      {"url-pattern", CheckUrlPattern},
      {"webhook-path", CheckWebhookPath},
  };
  return kChecks;
}

// --- walking ---

constexpr size_t kMaxDepth = 12;

// A rule on its way from the message to the values at its place. Its path is put together when
// somebody complains.
struct At {
  const Rule& rule;
  const Value& message;
  const At* outer;        // where the rule was that said to check the message, or null
  std::string_view base;  // the path of the message, where there is none
  const Value* value;
  const Value* old;
  const TypeInfo* type;  // of the message that was entered last
  bool updates;          // there is an old message, though it may lack what is at the place
  size_t depth = 0;
  std::string_view member{};  // that was entered last
  bool at_list = false;
  std::array<size_t, kMaxDepth> indices{};           // where the part is "[]"
  std::array<const std::string*, kMaxDepth> keys{};  // where it is "{}"

  const Field* field() const { return member.empty() ? nullptr : type->Find(member); }

  std::string Path() const {
    std::string path = outer ? outer->Path() : std::string(base);
    for (size_t i = 0; i < depth; ++i) {
      const std::string& part = rule.place[i];
      if (part == "[]") {
        path += Cat("[", std::to_string(indices[i]), "]");
      } else if (part == "{}") {
        path += Cat("[", *keys[i], "]");
      } else if (const size_t alias = part.find('@'); alias != part.npos) {
        path = part.substr(alias + 1);
        std::replace(path.begin(), path.end(), '/', '.');
      } else {
        if (!path.empty()) path += '.';
        path += part;
      }
    }
    if (at_list) path.resize(path.rfind('['));
    return path;
  }

  // A message without members is still one.
  bool IsMissing() const {
    if (!value || value->is_null()) return true;
    if (!IsEmpty(value)) return false;
    const Field* of = field();
    const bool message =
        of && of->kind == Kind::kMessage && of->shape != Shape::kMap && of->shape != Shape::kList;
    return !message;
  }
  std::string text() const { return TextOf(value); }
};

Value Shown(const Value* value) { return value ? *value : Value(); }

class Checker {
 public:
  Checker(FieldErrors& errors, std::vector<std::string>* warnings)
      : errors_(errors), warnings_(warnings) {}

  void Check(const Value& message, const Value* old, const TypeInfo& type, std::string_view path,
             std::string_view part = "") {
    Check(message, old, type, nullptr, path, part);
  }
  // The message at a place that a rule has come to.
  void Check(const Value& message, const Value* old, const TypeInfo& type, const At& at) {
    Check(message, old, type, &at, {}, {});
  }

  void Add(FieldError error) { errors_.push_back(std::move(error)); }
  size_t count() const { return errors_.size(); }
  FieldErrors& errors() { return errors_; }
  void Warn(std::string text) {
    if (warnings_) warnings_->push_back(std::move(text));
  }

 private:
  void Check(const Value& message, const Value* old, const TypeInfo& type, const At* outer,
             std::string_view path, std::string_view part) {
    const auto* rules = RulesOf(type, part);
    if (!rules) return;
    for (const Rule& rule : *rules) {
      At at{rule, message, outer, path, &message, old, &type, old != nullptr};
      Visit(at);
    }
  }

  void Visit(At& at) {
    while (at.depth < at.rule.parts.size()) {
      const size_t here = at.depth++;
      const Part& part = at.rule.parts[here];
      if (part.kind == Part::Kind::kItems) return VisitItems(at, here);
      if (part.kind == Part::Kind::kEntries) return VisitEntries(at, here);
      // What is not there has no members, but for the message itself.
      if (here > 0 && (!at.value || at.value->is_null())) return;
      if (const Field* field = at.field(); field && field->type) at.type = &field->type();
      at.member = part.member;
      at.value = at.value->Find(at.member);
      at.old = at.old ? at.old->Find(at.member) : nullptr;
    }
    for (const Step& step : at.rule.steps) {
      if (!step.act) {
        at.at_list |= step.word == "at-list";
      } else if (!step.act(*this, step, at)) {
        return;
      }
    }
  }

  void VisitItems(const At& at, size_t here) {
    if (!at.value || !at.value->is_array()) return;
    for (size_t i = 0; i < at.value->array().size(); ++i) {
      At next = at;
      next.value = &at.value->array()[i];
      next.old = at.old && at.old->is_array() && i < at.old->array().size() ? &at.old->array()[i]
                                                                            : nullptr;
      next.indices[here] = i;
      Visit(next);
    }
  }

  void VisitEntries(const At& at, size_t here) {
    if (!at.value || !at.value->is_object()) return;
    for (const auto& [key, value] : at.value->object()) {
      At next = at;
      next.value = &value;
      next.old = at.old ? at.old->Find(key) : nullptr;
      next.keys[here] = &key;
      Visit(next);
    }
  }

  FieldErrors& errors_;
  std::vector<std::string>* const warnings_;
};

// --- words ---

bool Guard(const Step& step, const At& at) {
  const Value* value = &at.message;
  for (const std::string& part : step.place) value = value ? value->Find(part) : value;
  const bool missing = IsEmpty(value) && !(value && value->is_object());
  if (step.word == "when-set") return !missing;
  if (step.word == "unless-set") return missing;
  const bool found = std::find(step.arguments.begin() + 1, step.arguments.end(), TextOf(value)) !=
                     step.arguments.end();
  return found == (step.word == "when");
}

bool CheckAnyText(Checker& checker, const Step& step, const At& at) {
  const std::string text = step.Argument(0) == "lower" ? ToLower(at.text()) : at.text();
  const size_t before = checker.count();
  for (std::string& complaint :
       step.check_text(step.Argument(0) == "any-case" ? ToLower(text) : text))
    checker.Add(InvalidText(at.Path(), text, std::move(complaint)));
  return checker.count() == before;
}

void CheckNumber(Checker& checker, const Step& step, const At& at) {
  const bool given = at.value && at.value->is_int();
  const int64_t number = given ? at.value->integer() : 0;
  const int64_t low = ParseInt(step.Argument(0)).value_or(0);
  const auto complain = [&](const std::string& usual, size_t own) {
    const std::string& text = step.Argument(own);
    checker.Add(InvalidValue(at.Path(), number, text.empty() ? usual : text));
  };
  if (step.word == "min" && number < low) {
    complain(Cat("must be greater than or equal to ", std::to_string(low)), 1);
  } else if (step.word == "range" && (number < low || number > *ParseInt(step.Argument(1)))) {
    complain(Cat("must be between ", step.Argument(0), " and ", step.Argument(1), ", inclusive"),
             2);
  }
}

void CheckUnique(Checker& checker, const std::string& key, const At& at) {
  if (!at.value || !at.value->is_array()) return;
  std::vector<const Value*> seen;
  for (size_t i = 0; i < at.value->array().size(); ++i) {
    const Value* one = &at.value->array()[i];
    const std::string path = Cat(at.Path(), "[", std::to_string(i), "]");
    if (!key.empty()) one = one->Find(key);
    if (!one || (!key.empty() && IsEmpty(one))) continue;
    const bool known = std::any_of(seen.begin(), seen.end(), [&](auto* s) { return *s == *one; });
    if (known) checker.Add(Duplicate(key.empty() ? path : Cat(path, ".", key), *one));
    seen.push_back(one);
  }
}

void CheckStar(Checker& checker, const std::string& what, const At& at) {
  if (!at.value || !at.value->is_array() || at.value->array().size() < 2) return;
  const auto& all = at.value->array();
  if (std::find(all.begin(), all.end(), Value("*")) != all.end())
    checker.Add(InvalidValue(at.Path(), *at.value,
                             Cat("if '*' is present, must not specify other ", what)));
}

void CheckLabels(Checker& checker, const At& at) {
  if (!at.value || !at.value->is_object()) return;
  for (const auto& [key, value] : at.value->object()) {
    for (std::string& complaint : CheckLabelKey(key))
      checker.Add(InvalidText(at.Path(), key, std::move(complaint)));
    for (std::string& complaint : CheckLabelValue(TextOf(&value)))
      checker.Add(InvalidText(at.Path(), TextOf(&value), std::move(complaint)));
  }
}

void CheckCountOrPercent(Checker& checker, const At& at) {
  if (!at.value || at.value->is_null()) return;
  if (at.value->is_int()) {
    if (at.value->integer() < 0)
      checker.Add(InvalidValue(at.Path(), *at.value, "must be greater than or equal to 0"));
    return;
  }
  const std::string text = TextOf(at.value);
  const size_t before = checker.count();
  for (std::string& complaint : CheckPercentOrCount(text))
    checker.Add(InvalidText(at.Path(), text, std::move(complaint)));
  if (checker.count() == before && ParseInt(text.substr(0, text.size() - 1)).value_or(101) > 100)
    checker.Add(InvalidText(at.Path(), text, "must not be greater than 100%"));
}

// The words that ask, and end the rule when the answer is no.
struct Question {
  std::string_view word;
  Act act;
};
constexpr Question kQuestions[] = {
    {"set", [](Checker&, const Step&, const At& at) { return !at.IsMissing(); }},
    {"present",
     [](Checker&, const Step&, const At& at) { return at.value && !at.value->is_null(); }},
    {"negative",
     [](Checker&, const Step&, const At& at) {
       const auto amount = Quantity::Parse(at.text());
       return amount && amount->Sign() < 0;
     }},
    {"new", [](Checker&, const Step&, const At& at) { return !at.updates; }},
    {"warn",
     [](Checker& checker, const Step& step, const At& at) {
       checker.Warn(Cat(at.Path(), step.Argument(0)));
       return true;
     }},
    {"when", [](Checker&, const Step& step, const At& at) { return Guard(step, at); }},
    {"unless", [](Checker&, const Step& step, const At& at) { return Guard(step, at); }},
    {"when-set", [](Checker&, const Step& step, const At& at) { return Guard(step, at); }},
    {"unless-set", [](Checker&, const Step& step, const At& at) { return Guard(step, at); }},
    {"check",
     [](Checker& checker, const Step&, const At& at) {
       const Field* field = at.field();
       if (at.value && at.value->is_object() && (!field || field->type))
         checker.Check(*at.value, at.old, field ? field->type() : *at.type, at);
       return true;
     }},
};

// The words that complain, which ends the rule too.
struct Demand {
  std::string_view word;
  void (*check)(Checker& checker, const Step& step, const At& at);
};
constexpr Demand kDemands[] = {
    {"required",
     [](Checker& checker, const Step& step, const At& at) {
       if (at.IsMissing()) checker.Add(Required(at.Path(), step.Argument(0)));
     }},
    {"one-of",
     [](Checker& checker, const Step& step, const At& at) {
       const std::string text = at.text();
       if (std::find(step.arguments.begin(), step.arguments.end(), text) == step.arguments.end())
         checker.Add(Unsupported(at.Path(), text, {step.arguments.begin(), step.arguments.end()}));
     }},
    {"forbidden", [](Checker& checker, const Step& step,
                     const At& at) { checker.Add(ForbiddenField(at.Path(), step.Argument(0))); }},
    {"invalid",
     [](Checker& checker, const Step& step, const At& at) {
       checker.Add(InvalidValue(at.Path(), Shown(at.value), step.Argument(0)));
     }},
    {"needs", [](Checker& checker, const Step& step,
                 const At& at) { checker.Add(Required(at.Path(), step.Argument(0))); }},
    {"invalid-member",
     [](Checker& checker, const Step& step, const At& at) {
       checker.Add(
           InvalidValue(at.Path(), Shown(at.message.Find(step.Argument(0))), step.Argument(1)));
     }},
    {"object",
     [](Checker& checker, const Step& step, const At& at) {
       if (!at.value || !at.value->is_object()) checker.Add(Required(at.Path(), step.Argument(0)));
     }},
    {"no-part",
     [](Checker& checker, const Step& step, const At& at) {
       const std::string text = at.text();
       for (const std::string& part : step.arguments) {
         if (text.find(part) != text.npos)
           checker.Add(InvalidText(at.Path(), text, Cat("must not contain '", part, "'")));
       }
     }},
    {"keys",
     [](Checker& checker, const Step& step, const At& at) {
       if (at.value && at.value->Find(""))
         checker.Add(InvalidText(at.Path(), "", step.Argument(0)));
     }},
    {"star", [](Checker& checker, const Step& step,
                const At& at) { CheckStar(checker, step.Argument(0), at); }},
    {"hook",
     [](Checker& checker, const Step& step, const At& at) {
       static const Value kNone;
       CheckHooks().at(step.Argument(0))(at.value ? *at.value : kNone, at.message, at.Path(),
                                         checker.errors());
     }},
    {"invalid-shown",
     [](Checker& checker, const Step& step, const At& at) {
       checker.Add({FieldError::Type::kInvalid, at.Path(), step.Argument(0), step.Argument(1)});
     }},
    {"max-bytes",
     [](Checker& checker, const Step& step, const At& at) {
       const auto most = static_cast<size_t>(*ParseInt(step.Argument(0)));
       if (at.text().size() > most) checker.Add(TooLong(at.Path(), most));
     }},
    {"unique", [](Checker& checker, const Step& step,
                  const At& at) { CheckUnique(checker, step.Argument(0), at); }},
    {"labels", [](Checker& checker, const Step&, const At& at) { CheckLabels(checker, at); }},
    {"selector",
     [](Checker& checker, const Step&, const At& at) {
       if (at.value && at.value->is_object()) CheckSelector(*at.value, at.Path(), checker.errors());
     }},
    {"quantity-min",
     [](Checker& checker, const Step& step, const At& at) {
       const std::string text = at.text();
       const auto amount = Quantity::Parse(text);
       if (amount && amount->Sign() < *ParseInt(step.Argument(0)))
         checker.Add(InvalidText(at.Path(), text, step.Argument(1)));
     }},
    {"count-or-percent",
     [](Checker& checker, const Step&, const At& at) { CheckCountOrPercent(checker, at); }},
    {"constant",
     [](Checker& checker, const Step& step, const At& at) {
       if (at.updates && !(Shown(at.value) == Shown(at.old)))
         checker.Add(InvalidValue(at.Path(),
                                  step.Argument(0) == "hidden" ? Value() : Shown(at.value),
                                  "field is immutable"));
     }},
    {"min", CheckNumber},
    {"range", CheckNumber},
};

template <const Demand& demand>
bool Meets(Checker& checker, const Step& step, const At& at) {
  const size_t before = checker.count();
  demand.check(checker, step, at);
  return checker.count() == before;
}

template <size_t... i>
Act ActOfDemand(std::string_view word, std::index_sequence<i...>) {
  Act act = nullptr;
  ((kDemands[i].word == word ? act = Meets<kDemands[i]> : act), ...);
  return act;
}

// Null for a word that is none.
Act ActOf(std::string_view word) {
  for (const Question& one : kQuestions) {
    if (one.word == word) return one.act;
  }
  return ActOfDemand(word, std::make_index_sequence<std::size(kDemands)>());
}

std::vector<Part> PartsOf(const std::vector<std::string>& place) {
  std::vector<Part> parts;
  for (const std::string& text : place) {
    const Part::Kind kind = text == "[]"   ? Part::Kind::kItems
                            : text == "{}" ? Part::Kind::kEntries
                                           : Part::Kind::kMember;
    parts.push_back({kind, std::string_view(text).substr(0, text.find('@'))});
  }
  return parts;
}

Rule ReadRule(std::string_view line) {
  auto words = Words(line);
  Rule rule{PlaceOf(words[0]), {{}}, {}};
  for (size_t i = 1; i < words.size(); ++i) {
    if (words[i] == ";") {
      rule.steps.emplace_back();
    } else if (rule.steps.back().word.empty()) {
      rule.steps.back().word = std::move(words[i]);
    } else {
      rule.steps.back().arguments.push_back(std::move(words[i]));
    }
  }
  for (Step& step : rule.steps) {
    if (step.word.starts_with("when") || step.word.starts_with("unless"))
      step.place = PlaceOf(step.Argument(0));
    const auto check = TextChecks().find(step.word);
    if (check != TextChecks().end()) step.check_text = check->second;
    step.act = step.check_text ? CheckAnyText : ActOf(step.word);
  }
  rule.parts = PartsOf(rule.place);
  return rule;
}

const std::vector<Rule>& RulesOfType::Read() const {
  std::call_once(once_, [this] {
    rules_.reserve(lines.size());
    for (std::string_view line : lines) rules_.push_back(ReadRule(line));
  });
  return rules_;
}

}  // namespace

void CheckText(std::string_view check, std::string_view text, const std::string& path,
               FieldErrors& errors) {
  for (std::string& complaint : TextChecks().at(check)(text))
    errors.push_back(InvalidText(path, text, std::move(complaint)));
}

void CheckSelector(const Value& selector, const std::string& path, FieldErrors& errors) {
  if (const Value* labels = selector.Find("matchLabels"); labels && labels->is_object()) {
    for (const auto& [key, value] : labels->object()) {
      for (std::string& complaint : CheckLabelKey(key))
        errors.push_back(InvalidText(Cat(path, ".matchLabels"), key, std::move(complaint)));
      for (std::string& complaint : CheckLabelValue(TextOf(&value)))
        errors.push_back(
            InvalidText(Cat(path, ".matchLabels"), TextOf(&value), std::move(complaint)));
    }
  }
  const Value* all = selector.Find("matchExpressions");
  if (!all || !all->is_array()) return;
  for (size_t i = 0; i < all->array().size(); ++i) {
    const Value& one = all->array()[i];
    const std::string place = Cat(path, ".matchExpressions[", std::to_string(i), "]");
    const std::string_view word = one.StringAt({"operator"});
    const bool has_values = !IsEmpty(one.Find("values"));
    if (word == "In" || word == "NotIn") {
      if (!has_values)
        errors.push_back(Required(Cat(place, ".values"),
                                  "must be specified when `operator` is 'In' or 'NotIn'"));
    } else if (word == "Exists" || word == "DoesNotExist") {
      if (has_values)
        errors.push_back(
            ForbiddenField(Cat(place, ".values"),
                           "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
    } else {
      errors.push_back(InvalidText(Cat(place, ".operator"), word, "not a valid selector operator"));
    }
    for (std::string& complaint : CheckLabelKey(one.StringAt({"key"})))
      errors.push_back(
          InvalidText(Cat(place, ".key"), one.StringAt({"key"}), std::move(complaint)));
  }
}

void CheckMessage(const Value& message, const TypeInfo& type, const std::string& path,
                  FieldErrors& errors, std::string_view part) {
  Checker(errors, nullptr).Check(message, nullptr, type, path, part);
}

std::vector<std::string> MistakesInCheckFacts() {
  std::set<std::string> types;
  for (const GroupVersionInfo* version : AllGroupVersions()) {
    for (const TypeInfo* type : version->types)
      types.insert(Cat(version->package, ".", type->name));
  }
  std::vector<std::string> mistakes;
  for (const auto& [type, some] : AllRules()) {
    if (!types.contains(std::string(type.substr(0, type.find('/')))))
      mistakes.push_back(Cat("no type ", type));
    for (const Rule& rule : some.Read()) {
      if (rule.place.size() > kMaxDepth) mistakes.push_back(Cat(type, ": too deep"));
      for (const Step& step : rule.steps) {
        const bool known = step.act || step.word == "at-list";
        if (!known) mistakes.push_back(Cat(type, ": no word ", Quote(step.word)));
        if (step.word == "hook" && !CheckHooks().contains(step.Argument(0)))
          mistakes.push_back(Cat(type, ": no hook ", step.Argument(0)));
      }
    }
  }
  return mistakes;
}

void CheckByFacts(const Value& object, const Value* old, const TypeInfo& type, FieldErrors& errors,
                  std::vector<std::string>* warnings) {
  Checker(errors, warnings).Check(object, old, type, "");
}

}  // namespace k8s::fakeapiserver
