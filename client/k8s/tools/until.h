#pragma once

// Waiting for what a watch brings (client-go's tools/watch.UntilWithoutRetry and Until). Blocks its
// caller until the conditions have been met, one after the other, or the context ends.

#include <functional>
#include <optional>
#include <vector>

#include "k8s/tools/retry_watcher.h"

namespace k8s::watch {

// True: met. An error ends the waiting.
template <class T>
using Condition = std::function<Result<bool>(const WatchEvent<T>& event)>;

// Why nothing came: "timed out waiting for the condition" (kDeadlineExceeded) when ctx has ended.
Error WhyNothingCame(const Env& env, const Context& ctx);

// `watcher` is a Watcher or a RetryWatcher, made with the same ctx. Each further condition is tried
// on the event that met the one before it. The event that met the last one; none without
// conditions.
template <class T, class AnyWatcher>
Result<std::optional<WatchEvent<T>>> UntilWithoutRetry(AnyWatcher& watcher,
                                                       const std::vector<Condition<T>>& conditions,
                                                       const Env& env = {},
                                                       const Context& ctx = {}) {
  std::optional<WatchEvent<T>> last;
  for (const Condition<T>& condition : conditions) {
    bool met = false;
    if (last) {
      auto tried = condition(*last);
      if (!tried) return tried.error();
      met = *tried;
    }
    while (!met) {
      last = watcher.Next();
      if (!last) return WhyNothingCame(env, ctx);
      auto tried = condition(*last);
      if (!tried) return tried.error();
      met = *tried;
    }
  }
  return last;
}

// The same on a watch that outlives its connections, from that resource version on.
template <class T>
Result<std::optional<WatchEvent<T>>> Until(std::string_view resource_version,
                                           typename RetryWatcher<T>::Open open,
                                           const std::vector<Condition<T>>& conditions,
                                           const Env& env = {}, const Context& ctx = {}) {
  auto watcher = RetryWatcher<T>::New(resource_version, std::move(open), {}, env, ctx);
  if (!watcher) return watcher.error();
  return UntilWithoutRetry<T>(*watcher, conditions, env, ctx);
}

}  // namespace k8s::watch
