#pragma once

// Read, change, write; again if somebody was faster (client-go's util/retry). Blocks its caller for
// the waits between the tries.
//
//   retry::RetryOnConflict(retry::kDefaultRetry, [&] {
//     return deployments.Get("web").and_then([&](appsv1::Deployment web) {
//       web.spec.replicas = 3;
//       return deployments.Update(web);
//     });
//   });

#include <functional>
#include <utility>

#include "k8s/base/env.h"
#include "k8s/base/error.h"
#include "k8s/http/backoff.h"

namespace k8s::retry {

// For objects that several clients write now and then.
inline constexpr http::Backoff kDefaultRetry{
    .duration = std::chrono::milliseconds(10), .factor = 1.0, .jitter = 0.1, .steps = 5};
// For objects that somebody writes all the time.
inline constexpr http::Backoff kDefaultBackoff{
    .duration = std::chrono::milliseconds(10), .factor = 5.0, .jitter = 0.1, .steps = 4};

// Calls `call`, which returns a Result, up to backoff.steps times, with a wait before each further
// time. Returns its first success, its first error that is not retriable, or its last error.
template <class Call>
auto OnError(http::Backoff backoff, const std::function<bool(const Error&)>& retriable, Call call,
             const Env& env = {}, const Context& ctx = {}) -> decltype(call()) {
  while (true) {
    auto result = call();
    // The last step has no wait behind it.
    if (result || !retriable(result.error()) || backoff.steps <= 1) return result;
    const Duration wait = backoff.Step(*env.random);
    if (auto slept = Sleep(*env.clock, wait, ctx); !slept) return slept.error();
  }
}

template <class Call>
auto RetryOnConflict(const http::Backoff& backoff, Call call, const Env& env = {},
                     const Context& ctx = {}) -> decltype(call()) {
  return OnError(backoff, IsConflict, std::move(call), env, ctx);
}

}  // namespace k8s::retry
