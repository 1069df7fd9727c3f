#pragma once

// The layer that acts as somebody else (6.6): Impersonate-User, -Uid, -Group and -Extra-<key>. Adds
// nothing to a request that names a user already.

#include <map>
#include <string>
#include <vector>

#include "k8s/http/round_tripper.h"

namespace k8s::http {

struct Impersonation {
  std::string user_name{};
  std::string uid{};
  std::vector<std::string> groups{};
  std::map<std::string, std::vector<std::string>> extra{};

  bool empty() const { return user_name.empty() && uid.empty() && groups.empty() && extra.empty(); }
  bool operator==(const Impersonation&) const = default;
};

Layer Impersonate(Impersonation who);
// Bytes that no header name holds, and '%', become %XX.
std::string EscapeExtraKey(std::string_view key);

}  // namespace k8s::http
