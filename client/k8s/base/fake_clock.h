#pragma once

// Time under a test's hand. Left alone, it steps by itself: when every thread of the library and
// the thread that created the clock wait in Wait, it jumps to the earliest moment that one of them
// waits for. So a test of an hour's backoff takes a millisecond, and always in the same order.
//
// A thread counts when it was started through Thread with this clock. Any thread may call any
// member.

#include <atomic>
#include <vector>

#include "k8s/base/clock.h"

namespace k8s {

class FakeClock final : public Clock {
 public:
  // Starts at 2026-01-01T00:00:00Z by the wall.
  FakeClock();
  ~FakeClock() override;

  TimePoint Now() const override;
  WallTime WallNow() const override;
  bool Wait(std::unique_lock<std::mutex>& lock, std::condition_variable_any& changed,
            TimePoint until, const Context& ctx, const std::function<bool()>& ready) override;
  void OnThread(int delta) override;
  void OnBlocked(int delta) override;

  void Step(Duration d);
  // Someone is in Wait with a finite end.
  bool HasWaiters() const;
  // Threads of the library that run.
  int Threads() const;
  // The sum of the steps that the clock took by itself.
  Duration Slept() const;
  // With false, only Step moves time.
  void SetAutoAdvance(bool on);

 private:
  struct Waiter {
    TimePoint until;
    uint64_t checked;  // value of activity_ when it last found nothing to do
  };
  bool TryAdvance();

  mutable std::mutex mutex_;
  Duration elapsed_{};
  Duration slept_{};
  int live_ = 1;  // the creating thread
  int blocked_ = 0;
  bool auto_advance_ = true;
  uint64_t activity_ = 0;  // grows whenever somebody may have become able to go on
  std::vector<Waiter*> waiters_;
};

}  // namespace k8s
