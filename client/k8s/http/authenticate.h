#pragma once

// The layer that proves who is calling: a bearer token, fixed or from a file that is read again, or
// basic auth (2.7). A request that has an Authorization header keeps it.

#include <memory>
#include <string>

#include "k8s/base/env.h"
#include "k8s/http/round_tripper.h"

namespace k8s::http {

struct Credentials {
  std::string username{};
  std::string password{};
  std::string bearer_token{};
  std::string bearer_token_file{};

  bool HasBasic() const { return !username.empty(); }
  bool HasToken() const { return !bearer_token.empty() || !bearer_token_file.empty(); }
};

// How long a token that was read from a file is used before the file is read again.
inline constexpr Duration kTokenFileLifetime = std::chrono::seconds(50);

// Fails (kConfig) when both kinds are set, and when there is only a token file and it cannot be
// read now. Without credentials the layer does nothing.
Result<Layer> Authenticate(const Credentials& credentials, const Env& env);

}  // namespace k8s::http
