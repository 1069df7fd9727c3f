#pragma once

// Time and waiting, one door: nothing outside base/ reads a clock or sleeps. Every wait in the
// library ends up in Wait; a sleep is a wait for nothing. All members may be called from any
// thread.

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>

#include "k8s/base/context.h"

namespace k8s {

class Clock {
 public:
  virtual ~Clock() = default;
  virtual TimePoint Now() const = 0;
  virtual WallTime WallNow() const = 0;

  // Waits until ready() holds, `until` passes or ctx ends; returns ready(). ready is called under
  // the lock, possibly often; whoever changes what it looks at notifies `changed`.
  // REQUIRES: lock is held. `until` may be kForever.
  virtual bool Wait(std::unique_lock<std::mutex>& lock, std::condition_variable_any& changed,
                    TimePoint until, const Context& ctx, const std::function<bool()>& ready) = 0;

  // A thread of the library begins or ends; and a thread begins or ends to block on something
  // other than Wait (a join). Only a FakeClock cares: it must know when everyone waits.
  virtual void OnThread(int delta) { static_cast<void>(delta); }
  virtual void OnBlocked(int delta) { static_cast<void>(delta); }
};

inline constexpr TimePoint kForever = TimePoint::max();

std::shared_ptr<Clock> RealClock();

// Waits for d or for the end of ctx, whose error it then returns. A d of zero or less returns at
// once.
Result<void> Sleep(Clock& clock, Duration d, const Context& ctx);

}  // namespace k8s
