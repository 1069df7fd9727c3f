#include "k8s/base/context.h"

#include <algorithm>

#include "k8s/base/clock.h"

namespace k8s {

Context Context::WithDeadline(TimePoint deadline) const {
  Context child = *this;
  child.deadline_ = deadline_ ? std::min(*deadline_, deadline) : deadline;
  return child;
}

Context Context::WithTimeout(Duration timeout) const { return WithTimeout(*RealClock(), timeout); }

Context Context::WithTimeout(const Clock& clock, Duration timeout) const {
  const TimePoint now = clock.Now();
  return WithDeadline(timeout >= kForever - now ? kForever : now + timeout);
}

Context Context::WithStop(std::stop_token stop) const {
  Context child = *this;
  child.stop_ = std::move(stop);
  return child;
}

Result<void> Context::Check(const Clock& clock) const {
  if (Canceled()) return CanceledError();
  if (deadline_ && clock.Now() >= *deadline_) return DeadlineExceededError();
  return {};
}

Error CanceledError() { return {Error::Code::kCanceled, "context canceled"}; }

Error DeadlineExceededError() {
  return {Error::Code::kDeadlineExceeded, "context deadline exceeded"};
}

}  // namespace k8s
