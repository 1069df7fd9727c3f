#pragma once

// The one retry loop of the client (chapter 4): which answers and failures are tried again depends
// on the request's mode and method, how often on Request::max_retries, how long it waits on
// Retry-After and, when the environment asks for it, on a backoff per host. Every further attempt
// asks the rate limiter again. Under the policy ReplaySafe the request's class decides instead, and
// a budget bounds all retries together. May be called from many threads at once.

#include <memory>

#include "k8s/base/env.h"
#include "k8s/http/rate_limiter.h"
#include "k8s/http/replay_safe.h"
#include "k8s/http/round_tripper.h"

namespace k8s::http {

// A null limiter makes nobody wait. A null policy: client-go's rules.
// REQUIRES: the policy has its shared_budget.
Layer Retry(std::shared_ptr<RateLimiter> limiter, Env env,
            std::shared_ptr<const ReplaySafe> policy = nullptr);

// Seconds that a Retry-After value asks for; nullopt when it is no base-10 integer (4.1). Negative
// values are zero, and absurd ones a long but finite wait.
std::optional<Duration> ParseRetryAfter(std::string_view value);

}  // namespace k8s::http
