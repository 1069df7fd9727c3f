#pragma once

// Client-side flow control (chapter 5): the token bucket of client-go's flowcontrol package and its
// two doubles. All members may be called from any thread.

#include <memory>

#include "k8s/base/clock.h"

namespace k8s::http {

class RateLimiter {
 public:
  virtual ~RateLimiter() = default;
  // Takes a token if there is one now; never waits.
  virtual bool TryAccept() = 0;
  // Waits for a token. Fails with the error of ctx, or at once when the token would come after the
  // deadline of ctx; then no token is taken.
  virtual Result<void> Wait(const Context& ctx) = 0;
  virtual double Qps() const = 0;
  // For limiters that hold something; the token bucket does not.
  virtual void Stop() {}
};

// Starts full with `burst` tokens and gains `qps` of them a second; waiters are served in the order
// in which they came.
std::shared_ptr<RateLimiter> NewTokenBucket(double qps, int burst,
                                            std::shared_ptr<Clock> clock = RealClock());

// Never makes anybody wait; and never lets anybody pass ("can not be accept").
std::shared_ptr<RateLimiter> AlwaysRateLimiter();
std::shared_ptr<RateLimiter> NeverRateLimiter();

}  // namespace k8s::http
