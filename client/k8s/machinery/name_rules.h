#pragma once

// What names, label keys and label values may look like, and how an API server words a refusal
// (S-0.5). Each function returns the complaints, none for a good text. Pure functions.

#include <string>
#include <string_view>
#include <vector>

namespace k8s {

using Complaints = std::vector<std::string>;

// Lengths that the rules below enforce.
inline constexpr size_t kMaxLabelLength = 63;
inline constexpr size_t kMaxSubdomainLength = 253;

Complaints CheckDns1123Label(std::string_view text);
Complaints CheckDns1123Subdomain(std::string_view text);
Complaints CheckDns1035Label(std::string_view text);
Complaints CheckPathSegment(std::string_view text);
// Label keys, annotation keys, finalizers: an optional DNS prefix, a slash, a name.
Complaints CheckQualifiedName(std::string_view text);
// The same, said in the words for label keys when there is more than one slash.
Complaints CheckLabelKey(std::string_view text);
Complaints CheckLabelValue(std::string_view text);
Complaints CheckConfigMapKey(std::string_view text);

}  // namespace k8s
