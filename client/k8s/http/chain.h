#pragma once

// The order of the client's layers, decided here and nowhere else. Pure; the stack that it builds
// may be called from many threads at once and owns everything that it was given.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "k8s/base/env.h"
#include "k8s/http/impersonate.h"
#include "k8s/http/rate_limiter.h"
#include "k8s/http/replay_safe.h"
#include "k8s/http/round_tripper.h"
#include "k8s/http/trace.h"

namespace k8s::http {

struct ChainOptions {
  std::shared_ptr<RateLimiter> rate_limiter{};       // null: none
  std::shared_ptr<const ReplaySafe> retry_policy{};  // null: client-go's rules
  Duration attempt_timeout{};                        // Config.Timeout; zero: none
  TraceFunction trace{};
  Impersonation impersonate{};
  std::string user_agent{};   // empty: no header
  Layer authenticate{};       // of Authenticate(); empty: none
  std::vector<Layer> wrap{};  // the user's layers; the last one is the outermost
  Env env{};
};

// The layers with their names, outermost first; those that have nothing to do are left out.
std::vector<std::pair<std::string, Layer>> Layers(const ChainOptions& options);
std::shared_ptr<RoundTripper> BuildChain(const ChainOptions& options,
                                         std::shared_ptr<RoundTripper> transport);

}  // namespace k8s::http
