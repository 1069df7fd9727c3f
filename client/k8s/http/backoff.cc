#include "k8s/http/backoff.h"

#include <algorithm>

#include "k8s/base/mutant.h"
#include "k8s/base/strings.h"

namespace k8s::http {
namespace {

constexpr int64_t kMaxBackoffSeconds = int64_t{10} * 366 * 24 * 3600;

// Saturates where the product would not fit.
Duration Scale(Duration duration, double factor) {
  const double scaled = static_cast<double>(duration.count()) * factor;
  return scaled >= 9.2e18 ? Duration::max() : Duration(static_cast<int64_t>(scaled));
}

}  // namespace

Duration Jitter(Duration duration, double factor, Random& random) {
  if (factor <= 0) return duration;
  return Scale(duration, 1 + random.NextDouble() * factor);
}

Duration Backoff::Step(Random& random) {
  if (steps < 1) return Jitter(duration, jitter, random);
  --steps;
  const Duration current = duration;
  if (factor != 0) {
    duration = Scale(duration, factor);
    if (cap > Duration::zero() && duration > cap) {
      duration = cap;
      steps = 0;
    }
  }
  return Jitter(current, jitter, random);
}

KeyedBackoff::KeyedBackoff(Duration base, Duration max, std::shared_ptr<Clock> clock, double jitter,
                           std::shared_ptr<Random> random)
    : base_(base),
      max_(max),
      jitter_(jitter),
      clock_(std::move(clock)),
      random_(std::move(random)) {}

Duration KeyedBackoff::Get(const std::string& key) const {
  std::lock_guard lock(mutex_);
  const auto found = entries_.find(key);
  return found == entries_.end() ? Duration::zero() : found->second.wait;
}

void KeyedBackoff::Next(const std::string& key, TimePoint at) {
  std::lock_guard lock(mutex_);
  const auto found = entries_.find(key);
  if (found == entries_.end() || Expired(found->second, at)) {
    // The first wait is the base, even when that is more than max.
    entries_[key] = {Jitter(base_, jitter_, *random_), clock_->Now()};
    return;
  }
  Entry& entry = found->second;
  entry.wait = std::min(K8S_MUTATED("backoff_has_no_limit", Duration::max(), max_),
                        Scale(entry.wait, 2) + Jitter(entry.wait, jitter_, *random_) - entry.wait);
  entry.updated = clock_->Now();
}

void KeyedBackoff::Reset(const std::string& key) {
  std::lock_guard lock(mutex_);
  entries_.erase(key);
}

bool KeyedBackoff::IsInBackOffSince(const std::string& key, TimePoint at) const {
  std::lock_guard lock(mutex_);
  const auto found = entries_.find(key);
  if (found == entries_.end() || Expired(found->second, at)) return false;
  return clock_->Now() - at < found->second.wait;
}

bool KeyedBackoff::IsInBackOffSinceUpdate(const std::string& key, TimePoint at) const {
  std::lock_guard lock(mutex_);
  const auto found = entries_.find(key);
  if (found == entries_.end() || Expired(found->second, at)) return false;
  return at - found->second.updated < found->second.wait;
}

void KeyedBackoff::Gc() {
  std::lock_guard lock(mutex_);
  const TimePoint now = clock_->Now();
  std::erase_if(entries_, [&](const auto& entry) { return Expired(entry.second, now); });
}

void URLBackoff::UpdateBackoff(const Url& url, int status) {
  if ((!K8S_MUTANT("too_many_requests_does_not_back_off") && status == 429) || status > 499) {
    backoff_.Next(url.Authority(), clock_->Now());
  } else {
    if (K8S_MUTANT("success_does_not_end_the_backoff")) return;
    backoff_.Reset(url.Authority());
  }
}

std::shared_ptr<BackoffManager> BackoffFromEnvironment(const Env& env) {
  const auto base = ParseInt(env.host->GetEnv("KUBE_CLIENT_BACKOFF_BASE").value_or(""));
  if (!base) return nullptr;
  const auto duration = ParseInt(env.host->GetEnv("KUBE_CLIENT_BACKOFF_DURATION").value_or(""));
  if (!duration) return nullptr;
  const auto seconds = [](int64_t count) {
    return Duration(std::chrono::seconds(std::clamp<int64_t>(count, 0, kMaxBackoffSeconds)));
  };
  return std::make_shared<URLBackoff>(seconds(*base), seconds(*duration), env.clock);
}

}  // namespace k8s::http
