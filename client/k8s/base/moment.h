#pragma once

// The types of spans and moments, apart from the clock that reads them, because every API type
// needs them and none needs a clock.

#include <chrono>

namespace k8s {

using Duration = std::chrono::nanoseconds;
// A reading of Clock::Now(); a FakeClock hands out the same type.
using TimePoint = std::chrono::time_point<std::chrono::steady_clock, Duration>;
// Wall time, for timestamps and certificate dates; never for measuring a span.
using WallTime = std::chrono::time_point<std::chrono::system_clock, Duration>;

}  // namespace k8s
