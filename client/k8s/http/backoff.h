#pragma once

// Waits that grow: Backoff is client-go's wait.Backoff, a value; KeyedBackoff is flowcontrol's
// Backoff (5.4), which remembers one wait per key and may be shared by threads.

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "k8s/base/clock.h"
#include "k8s/base/random.h"

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

}  // namespace k8s::http
