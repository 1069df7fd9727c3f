#pragma once

// Waits that grow: Backoff is client-go's wait.Backoff, a value; KeyedBackoff is flowcontrol's
// Backoff (5.4), which remembers one wait per key; BackoffManager says how long a request waits
// before its attempts (4.7). All but Backoff may be shared by threads.

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "k8s/base/clock.h"
#include "k8s/base/env.h"
#include "k8s/base/random.h"
#include "k8s/http/url.h"

namespace k8s::http {

// Each Step returns the next wait: `duration`, then times `factor`, up to `cap`, `steps` times;
// after that it stays. `jitter` j makes a wait w up to w*(1+j) long.
struct Backoff {
  Duration duration{};
  double factor = 0;
  double jitter = 0;
  int steps = 0;
  Duration cap{};  // zero: none

  Duration Step(Random& random);
};

Duration Jitter(Duration duration, double factor, Random& random);

class KeyedBackoff {
 public:
  KeyedBackoff(Duration base, Duration max, std::shared_ptr<Clock> clock, double jitter = 0,
               std::shared_ptr<Random> random = SystemRandom());

  // The current wait, zero when there is none.
  Duration Get(const std::string& key) const;
  // A failure at `at`: the base first, then double, at most max. Starts over when the last one is
  // more than twice max ago.
  void Next(const std::string& key, TimePoint at);
  void Reset(const std::string& key);
  bool IsInBackOffSince(const std::string& key, TimePoint at) const;
  bool IsInBackOffSinceUpdate(const std::string& key, TimePoint at) const;
  // Forgets keys that were idle for more than twice max.
  void Gc();

 private:
  struct Entry {
    Duration wait{};
    TimePoint updated{};
  };
  bool Expired(const Entry& entry, TimePoint at) const { return at - entry.updated > max_ * 2; }

  const Duration base_;
  const Duration max_;
  const double jitter_;
  const std::shared_ptr<Clock> clock_;
  const std::shared_ptr<Random> random_;
  mutable std::mutex mutex_;
  std::map<std::string, Entry> entries_;
};

// Asked before each attempt of a request, and told of its outcome. A backoff alone repeats nothing;
// it makes the wait of a retry longer, and that of a first attempt if earlier requests failed.
class BackoffManager {
 public:
  virtual ~BackoffManager() = default;
  virtual Duration CalculateBackoff(const Url& url) = 0;
  // `status` is 0 without an answer.
  virtual void UpdateBackoff(const Url& url, int status) = 0;
};

class NoBackoff final : public BackoffManager {
 public:
  Duration CalculateBackoff(const Url&) override { return {}; }
  void UpdateBackoff(const Url&, int) override {}
};

// By host and port: grows on 429 and above 499, and starts over on any other outcome.
class URLBackoff final : public BackoffManager {
 public:
  URLBackoff(Duration base, Duration max, std::shared_ptr<Clock> clock)
      : backoff_(base, max, clock), clock_(std::move(clock)) {}
  Duration CalculateBackoff(const Url& url) override { return backoff_.Get(url.Authority()); }
  void UpdateBackoff(const Url& url, int status) override;

 private:
  KeyedBackoff backoff_;
  const std::shared_ptr<Clock> clock_;
};

// A new URLBackoff of KUBE_CLIENT_BACKOFF_BASE and KUBE_CLIENT_BACKOFF_DURATION, both in seconds;
// null when one of them is no number.
std::shared_ptr<BackoffManager> BackoffFromEnvironment(const Env& env);

}  // namespace k8s::http
