#include "k8s/base/clock.h"

#include <algorithm>

namespace k8s {
namespace {

class SystemClock final : public Clock {
 public:
  TimePoint Now() const override { return std::chrono::steady_clock::now(); }
  WallTime WallNow() const override { return std::chrono::system_clock::now(); }

  bool Wait(std::unique_lock<std::mutex>& lock, std::condition_variable_any& changed,
            TimePoint until, const Context& ctx, const std::function<bool()>& ready) override {
    const TimePoint end = ctx.deadline() ? std::min(until, *ctx.deadline()) : until;
    // wait_until(max) overflows inside libstdc++, so forever is its own call.
    if (end == kForever) return changed.wait(lock, ctx.stop(), ready);
    return changed.wait_until(lock, ctx.stop(), end, ready);
  }
};

}  // namespace

std::shared_ptr<Clock> RealClock() {
  static const auto clock = std::make_shared<SystemClock>();
  return clock;
}

Result<void> Sleep(Clock& clock, Duration d, const Context& ctx) {
  if (auto over = ctx.Check(clock); !over) return over;
  if (d <= Duration::zero()) return {};
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  const TimePoint now = clock.Now();
  const TimePoint until = d >= kForever - now ? kForever : now + d;
  clock.Wait(lock, never, until, ctx, [] { return false; });
  if (clock.Now() >= until) return {};
  return ctx.Check(clock);
}

}  // namespace k8s
