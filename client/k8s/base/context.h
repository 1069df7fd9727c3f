#pragma once

// How long a call may take and who may stop it: a stop token and a deadline, handed down to every
// blocking call, never stored beyond it. Copying is cheap; any thread may request the stop.

#include <optional>
#include <stop_token>

#include "k8s/base/moment.h"
#include "k8s/base/result.h"

namespace k8s {

class Clock;

class Context {
 public:
  Context() = default;  // no deadline, nobody stops it
  explicit Context(std::stop_token stop) : stop_(std::move(stop)) {}

  // A child: the earlier deadline of the two, the same stop token.
  Context WithDeadline(TimePoint deadline) const;
  Context WithTimeout(Duration timeout) const;  // counted by the real clock
  Context WithTimeout(const Clock& clock, Duration timeout) const;
  // A child that heeds this stop token instead; the deadline stays.
  Context WithStop(std::stop_token stop) const;

  const std::stop_token& stop() const { return stop_; }
  const std::optional<TimePoint>& deadline() const { return deadline_; }
  bool Canceled() const { return stop_.stop_requested(); }

  // kCanceled, kDeadlineExceeded, or success: Go's texts "context canceled" and
  // "context deadline exceeded". Cancelling wins.
  Result<void> Check(const Clock& clock) const;

 private:
  std::stop_token stop_;
  std::optional<TimePoint> deadline_;
};

Error CanceledError();
Error DeadlineExceededError();

}  // namespace k8s
