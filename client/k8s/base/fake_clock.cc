#include "k8s/base/fake_clock.h"

#include <algorithm>

namespace k8s {
namespace {

// How long a waiter sleeps in real time before it looks again. Virtual time does not depend on it.
constexpr auto kPoll = std::chrono::microseconds(200);
constexpr WallTime kStart{std::chrono::seconds(1767225600)};

}  // namespace

FakeClock::FakeClock() = default;
FakeClock::~FakeClock() = default;

TimePoint FakeClock::Now() const {
  std::lock_guard lock(mutex_);
  return TimePoint(std::chrono::hours(1)) + elapsed_;
}

WallTime FakeClock::WallNow() const {
  std::lock_guard lock(mutex_);
  return kStart + elapsed_;
}

bool FakeClock::Wait(std::unique_lock<std::mutex>& lock, std::condition_variable_any& changed,
                     TimePoint until, const Context& ctx, const std::function<bool()>& ready) {
  const TimePoint end = ctx.deadline() ? std::min(until, *ctx.deadline()) : until;
  Waiter self{end, 0};
  {
    std::lock_guard guard(mutex_);
    waiters_.push_back(&self);
    ++activity_;
  }
  bool result = false;
  while (true) {
    uint64_t seen;
    {
      std::lock_guard guard(mutex_);
      seen = activity_;
    }
    result = ready();
    if (result || ctx.Canceled() || Now() >= end) break;
    {
      std::lock_guard guard(mutex_);
      self.checked = seen;
    }
    if (TryAdvance()) continue;
    changed.wait_for(lock, kPoll);
  }
  std::lock_guard guard(mutex_);
  std::erase(waiters_, &self);
  ++activity_;
  return result;
}

// Moves to the earliest end when every live thread waits and each of them has looked since the last
// time anything happened.
bool FakeClock::TryAdvance() {
  std::lock_guard guard(mutex_);
  if (!auto_advance_ || static_cast<int>(waiters_.size()) + blocked_ < live_) return false;
  TimePoint earliest = kForever;
  for (const Waiter* waiter : waiters_) {
    if (waiter->checked != activity_) return false;
    earliest = std::min(earliest, waiter->until);
  }
  const TimePoint now = TimePoint(std::chrono::hours(1)) + elapsed_;
  if (earliest == kForever || earliest <= now) return false;
  slept_ += earliest - now;
  elapsed_ += earliest - now;
  ++activity_;
  return true;
}

void FakeClock::OnThread(int delta) {
  std::lock_guard lock(mutex_);
  live_ += delta;
  ++activity_;
}

void FakeClock::OnBlocked(int delta) {
  std::lock_guard lock(mutex_);
  blocked_ += delta;
  ++activity_;
}

void FakeClock::Step(Duration d) {
  std::lock_guard lock(mutex_);
  elapsed_ += d;
  ++activity_;
}

bool FakeClock::HasWaiters() const {
  std::lock_guard lock(mutex_);
  return std::any_of(waiters_.begin(), waiters_.end(),
                     [](const Waiter* waiter) { return waiter->until != kForever; });
}

int FakeClock::Threads() const {
  std::lock_guard lock(mutex_);
  return live_ - 1;
}

Duration FakeClock::Slept() const {
  std::lock_guard lock(mutex_);
  return slept_;
}

void FakeClock::SetAutoAdvance(bool on) {
  std::lock_guard lock(mutex_);
  auto_advance_ = on;
}

}  // namespace k8s
