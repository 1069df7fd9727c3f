#include "k8s/machinery/name_rules.h"

#include <algorithm>

#include "k8s/base/strings.h"

namespace k8s {
namespace {

bool IsLower(char c) { return c >= 'a' && c <= 'z'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLowerAlphanumeric(char c) { return IsLower(c) || IsDigit(c); }
bool IsAlphanumeric(char c) { return IsLowerAlphanumeric(c) || (c >= 'A' && c <= 'Z'); }

bool IsDnsLabel(std::string_view text, bool starts_with_letter) {
  if (text.empty() || !IsLowerAlphanumeric(text.front()) || !IsLowerAlphanumeric(text.back()))
    return false;
  if (starts_with_letter && !IsLower(text.front())) return false;
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return IsLowerAlphanumeric(c) || c == '-'; });
}

bool IsDnsSubdomain(std::string_view text) {
  for (std::string_view part : Split(text, '.')) {
    if (!IsDnsLabel(part, false)) return false;
  }
  return true;
}

bool IsNamePart(std::string_view text) {
  if (text.empty() || !IsAlphanumeric(text.front()) || !IsAlphanumeric(text.back())) return false;
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return IsAlphanumeric(c) || c == '-' || c == '_' || c == '.'; });
}

std::string TooLong(size_t limit, std::string_view unit = "characters") {
  return Cat("must be no more than ", std::to_string(limit), " ", unit);
}

constexpr std::string_view kSubdomainText =
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
    "'.', and must start "
    "and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
constexpr std::string_view kLabelText =
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and "
    "must start and end "
    "with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
constexpr std::string_view kDns1035Text =
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an "
    "alphabetic "
    "character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used "
    "for validation "
    "is '[a-z]([-a-z0-9]*[a-z0-9])?')";
constexpr std::string_view kNameRule =
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
    "alphanumeric "
    "character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
constexpr std::string_view kLabelValueText =
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', "
    "and must start "
    "and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex "
    "used for "
    "validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
constexpr std::string_view kConfigKeyText =
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name', "
    " or "
    "'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";

Complaints Qualified(std::string_view text, std::string_view what) {
  Complaints found;
  const auto parts = Split(text, '/');
  std::string_view name = text;
  if (parts.size() == 2) {
    const std::string_view prefix = parts[0];
    name = parts[1];
    if (prefix.empty()) {
      found.push_back("prefix part must be non-empty");
    } else {
      for (auto& complaint : CheckDns1123Subdomain(prefix))
        found.push_back("prefix part " + complaint);
    }
  } else if (parts.size() > 2) {
    found.push_back(
        Cat(what, " ", kNameRule,
            " with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"));
    return found;
  }
  if (name.empty()) {
    found.push_back("name part must be non-empty");
  } else if (name.size() > kMaxLabelLength) {
    found.push_back("name part " + TooLong(kMaxLabelLength, "bytes"));
  }
  if (!IsNamePart(name)) found.push_back(Cat("name part ", kNameRule));
  return found;
}

}  // namespace

Complaints CheckDns1123Label(std::string_view text) {
  Complaints found;
  if (text.size() > kMaxLabelLength) found.push_back(TooLong(kMaxLabelLength));
  if (!IsDnsLabel(text, false)) {
    // A name that would be a good subdomain only has dots too many.
    if (text.find('.') != text.npos && IsDnsSubdomain(text)) {
      found.push_back("must not contain dots");
    } else {
      found.emplace_back(kLabelText);
    }
  }
  return found;
}

Complaints CheckDns1123Subdomain(std::string_view text) {
  Complaints found;
  if (text.size() > kMaxSubdomainLength) found.push_back(TooLong(kMaxSubdomainLength));
  if (!IsDnsSubdomain(text)) found.emplace_back(kSubdomainText);
  return found;
}

Complaints CheckDns1035Label(std::string_view text) {
  Complaints found;
  if (text.size() > kMaxLabelLength) found.push_back(TooLong(kMaxLabelLength));
  if (!IsDnsLabel(text, true)) found.emplace_back(kDns1035Text);
  return found;
}

Complaints CheckPathSegment(std::string_view text) {
  if (text == ".") return {"may not be '.'"};
  if (text == "..") return {"may not be '..'"};
  Complaints found;
  if (text.find('/') != text.npos) found.push_back("may not contain '/'");
  if (text.find('%') != text.npos) found.push_back("may not contain '%'");
  return found;
}

Complaints CheckQualifiedName(std::string_view text) { return Qualified(text, "a qualified name"); }
Complaints CheckLabelKey(std::string_view text) { return Qualified(text, "a valid label key"); }

Complaints CheckLabelValue(std::string_view text) {
  Complaints found;
  if (text.size() > kMaxLabelLength) found.push_back(TooLong(kMaxLabelLength, "bytes"));
  if (!text.empty() && !IsNamePart(text)) found.emplace_back(kLabelValueText);
  return found;
}

Complaints CheckConfigMapKey(std::string_view text) {
  Complaints found;
  if (text.size() > kMaxSubdomainLength) found.push_back(TooLong(kMaxSubdomainLength));
  const bool good = !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return IsAlphanumeric(c) || c == '-' || c == '_' || c == '.';
  });
  if (!good) found.emplace_back(kConfigKeyText);
  if (text == ".") found.push_back("must not be '.'");
  if (text == "..") {
    found.push_back("must not be '..'");
  } else if (text.substr(0, 2) == "..") {
    found.push_back("must not start with '..'");
  }
  return found;
}

}  // namespace k8s
