#pragma once

// The layer that asks the rate limiter before the first attempt of a call (5.2): outermost, so that
// its wait is charged to no timeout. A watch's first attempt is free; retries ask again, in Retry.

#include <memory>

#include "k8s/base/clock.h"
#include "k8s/http/rate_limiter.h"
#include "k8s/http/round_tripper.h"

namespace k8s::http {

// A null limiter makes nobody wait. The clock measures the waits, for the log and the metrics.
Layer Throttle(std::shared_ptr<RateLimiter> limiter, std::shared_ptr<Clock> clock);

inline constexpr std::string_view kClientSideThrottling =
    "client-side throttling, not priority and fairness";

// One wait for a request: logs long ones with `reason`, reports it to the metrics, and wraps the
// limiter's own errors; those of ctx stay bare (5.1).
Result<void> WaitForLimiter(RateLimiter& limiter, const Request& request, std::string_view reason,
                            const Clock& clock, const Context& ctx);

}  // namespace k8s::http
