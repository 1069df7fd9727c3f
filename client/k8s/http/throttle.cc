#include "k8s/http/throttle.h"

#include <mutex>

#include "k8s/base/log.h"
#include "k8s/base/mutant.h"
#include "k8s/base/strings.h"
#include "k8s/http/metrics.h"

namespace k8s::http {
namespace {

constexpr Duration kLongWait = std::chrono::milliseconds(50);
constexpr Duration kExtraLongWait = std::chrono::seconds(1);

// Lines about very long waits are rare, however many requests wait (C-5.9): one a second at
// verbosity 2 and above, one in ten seconds below.
bool MayLogExtraLongWait(const Clock& clock) {
  static std::mutex mutex;
  static const Clock* last_clock = nullptr;
  static TimePoint last;
  const Duration gap =
      LogVerbosity() >= 2 ? std::chrono::seconds(1) : Duration(std::chrono::seconds(10));
  std::lock_guard lock(mutex);
  const TimePoint now = clock.Now();
  // Readings of two clocks do not compare.
  if (last_clock == &clock && now >= last && now - last < gap) return false;
  last_clock = &clock;
  last = now;
  return true;
}

void LogWait(const Request& request, std::string_view reason, Duration waited, const Clock& clock) {
  const auto line = [&] {
    const double seconds = std::chrono::duration<double>(waited).count();
    return Cat("Waited before sending request delay=", std::to_string(seconds),
               "s reason=", Quote(reason), " verb=", request.method,
               " URL=", Quote(request.url.String()));
  };
  if (waited > kExtraLongWait && MayLogExtraLongWait(clock)) {
    Log(0, line());
  } else if (waited > kLongWait && LogVerbosity() >= 3) {
    Log(3, line());
  }
}

class ThrottleLayer final : public RoundTripper {
 public:
  ThrottleLayer(std::shared_ptr<RoundTripper> next, std::shared_ptr<RateLimiter> limiter,
                std::shared_ptr<Clock> clock)
      : next_(std::move(next)), limiter_(std::move(limiter)), clock_(std::move(clock)) {}

  Result<Response> RoundTrip(const Request& request, const Context& ctx) override {
    RateLimiter* limiter = request.rate_limiter ? request.rate_limiter.get() : limiter_.get();
    if (limiter != nullptr && request.throttle &&
        (K8S_MUTANT("watches_wait_for_the_limiter") || request.mode != Mode::kWatch)) {
      auto waited = WaitForLimiter(*limiter, request, kClientSideThrottling, *clock_, ctx);
      if (!waited) return waited.error().WithNothingDone();
    }
    return next_->RoundTrip(request, ctx);
  }
  void CloseIdleConnections() override { next_->CloseIdleConnections(); }

 private:
  std::shared_ptr<RoundTripper> next_;
  std::shared_ptr<RateLimiter> limiter_;
  std::shared_ptr<Clock> clock_;
};

}  // namespace

Result<void> WaitForLimiter(RateLimiter& limiter, const Request& request, std::string_view reason,
                            const Clock& clock, const Context& ctx) {
  const TimePoint began = clock.Now();
  auto result = limiter.Wait(ctx);
  const Duration waited = clock.Now() - began;
  LogWait(request, reason, waited, clock);
  if (metrics::AreWanted()) {
    metrics::Current().rate_limiter_latency(request.method, metrics::UrlTemplate(request.url),
                                            waited);
  }
  if (result) return {};
  const Error& error = result.error();
  if (error.code() == Error::Code::kCanceled || error.code() == Error::Code::kDeadlineExceeded) {
    return error;
  }
  return error.Within("client rate limiter Wait returned an error");
}

Layer Throttle(std::shared_ptr<RateLimiter> limiter, std::shared_ptr<Clock> clock) {
  return [=](std::shared_ptr<RoundTripper> next) -> std::shared_ptr<RoundTripper> {
    return std::make_shared<ThrottleLayer>(std::move(next), limiter, clock);
  };
}

}  // namespace k8s::http
