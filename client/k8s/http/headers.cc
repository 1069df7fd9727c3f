#include "k8s/http/headers.h"

#include <algorithm>

#include "k8s/base/strings.h"

namespace k8s::http {
namespace {

constexpr size_t kUsualFields = 8;  // of a request or an answer

}  // namespace

std::string_view Headers::Get(std::string_view name) const {
  for (const Field& field : fields_) {
    if (EqualsIgnoreCase(field.first, name)) return field.second;
  }
  return {};
}

bool Headers::Has(std::string_view name) const {
  for (const Field& field : fields_) {
    if (EqualsIgnoreCase(field.first, name)) return true;
  }
  return false;
}

std::vector<std::string_view> Headers::Values(std::string_view name) const {
  std::vector<std::string_view> values;
  for (const Field& field : fields_) {
    if (EqualsIgnoreCase(field.first, name)) values.push_back(field.second);
  }
  return values;
}

void Headers::Set(std::string_view name, std::string value) {
  for (size_t i = 0; i < fields_.size(); ++i) {
    if (!EqualsIgnoreCase(fields_[i].first, name)) continue;
    fields_[i].second = std::move(value);
    const auto rest = fields_.begin() + static_cast<std::ptrdiff_t>(i) + 1;
    fields_.erase(
        std::remove_if(rest, fields_.end(),
                       [&](const Field& field) { return EqualsIgnoreCase(field.first, name); }),
        fields_.end());
    return;
  }
  Add(name, std::move(value));
}

void Headers::Add(std::string_view name, std::string value) {
  if (fields_.empty()) fields_.reserve(kUsualFields);
  fields_.emplace_back(std::string(name), std::move(value));
}

void Headers::Remove(std::string_view name) {
  std::erase_if(fields_, [&](const Field& field) { return EqualsIgnoreCase(field.first, name); });
}

std::string CanonicalName(std::string_view name) {
  constexpr std::string_view kBesideAlphanumerics = "!#$%&'*+-.^_`|~";
  std::string out;
  bool starts_word = true;
  for (const char c : name) {
    const bool lower = c >= 'a' && c <= 'z', upper = c >= 'A' && c <= 'Z';
    if (!lower && !upper && !(c >= '0' && c <= '9') &&
        kBesideAlphanumerics.find(c) == kBesideAlphanumerics.npos)
      return std::string(name);
    const bool changes = starts_word ? lower : upper;
    out += changes ? static_cast<char>(c ^ 0x20) : c;
    starts_word = c == '-';
  }
  return out;
}

}  // namespace k8s::http
