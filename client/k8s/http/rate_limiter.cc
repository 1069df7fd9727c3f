#include "k8s/http/rate_limiter.h"

#include <algorithm>
#include <cmath>
#include <mutex>

#include "k8s/base/mutant.h"
#include "k8s/base/strings.h"

namespace k8s::http {
namespace {

constexpr double kNanosecond = 1e9;

Error LimiterError(std::string text) { return {Error::Code::kInvalid, std::move(text)}; }

class TokenBucket final : public RateLimiter {
 public:
  TokenBucket(double qps, int burst, std::shared_ptr<Clock> clock)
      : qps_(qps), burst_(burst), clock_(std::move(clock)), tokens_(burst), last_(clock_->Now()) {}

  bool TryAccept() override {
    std::lock_guard lock(mutex_);
    Refill(clock_->Now());
    if (burst_ < 1 || tokens_ < 1) return false;
    tokens_ -= 1;
    return true;
  }

  Result<void> Wait(const Context& ctx) override {
    if (burst_ < 1) {
      return LimiterError(Cat("rate: Wait(n=1) exceeds limiter's burst ", std::to_string(burst_)));
    }
    if (auto over = ctx.Check(*clock_); !over) return over;
    TimePoint due;
    {
      std::lock_guard lock(mutex_);
      const TimePoint now = clock_->Now();
      Refill(now);
      due = now + TimeFor(1 - tokens_);
      if (ctx.deadline() && due > *ctx.deadline()) {
        return LimiterError("rate: Wait(n=1) would exceed context deadline");
      }
      tokens_ -= 1;
      last_due_ = std::max(last_due_, due);
    }
    auto slept = Sleep(*clock_, due - clock_->Now(), ctx);
    if (!slept) GiveBack(due);
    return slept;
  }

  double Qps() const override { return qps_; }

 private:
  // REQUIRES: mutex_ is held.
  void Refill(TimePoint now) {
    if (now <= last_) return;
    const double gained = static_cast<double>((now - last_).count()) / kNanosecond * qps_ *
                          K8S_MUTATED("limiter_is_twice_as_fast", 2, 1);
    tokens_ = std::min(static_cast<double>(burst_), tokens_ + gained);
    last_ = now;
  }

  Duration TimeFor(double tokens) const {
    if (tokens <= 0) return Duration::zero();
    const double wanted = tokens / qps_ * kNanosecond;
    constexpr double kLongest = 3e17;  // ten years
    // Rounded up: a waiter must never find its token not there yet.
    return Duration(static_cast<int64_t>(std::ceil(std::min(wanted, kLongest))));
  }

  // A cancelled wait returns its token, less what later reservations have built upon it (C-5.4).
  void GiveBack(TimePoint due) {
    std::lock_guard lock(mutex_);
    const TimePoint now = clock_->Now();
    if (due <= now) return;
    const double later = static_cast<double>((last_due_ - due).count()) / kNanosecond * qps_;
    const double back = 1 - later;
    if (back <= 0) return;
    Refill(now);
    tokens_ = std::min(static_cast<double>(burst_), tokens_ + back);
    if (due == last_due_) last_due_ -= TimeFor(1);
  }

  const double qps_;
  const int burst_;
  const std::shared_ptr<Clock> clock_;
  std::mutex mutex_;
  double tokens_;  // below zero: reserved by those who wait
  TimePoint last_;
  TimePoint last_due_{};
};

class Always final : public RateLimiter {
 public:
  bool TryAccept() override { return true; }
  Result<void> Wait(const Context&) override { return {}; }
  double Qps() const override { return 1; }
};

class Never final : public RateLimiter {
 public:
  bool TryAccept() override { return false; }
  Result<void> Wait(const Context&) override { return LimiterError("can not be accept"); }
  double Qps() const override { return 1; }
};

}  // namespace

std::shared_ptr<RateLimiter> NewTokenBucket(double qps, int burst, std::shared_ptr<Clock> clock) {
  return std::make_shared<TokenBucket>(qps, burst + K8S_MUTATED("burst_is_one_more", 1, 0),
                                       std::move(clock));
}
std::shared_ptr<RateLimiter> AlwaysRateLimiter() { return std::make_shared<Always>(); }
std::shared_ptr<RateLimiter> NeverRateLimiter() { return std::make_shared<Never>(); }

}  // namespace k8s::http
