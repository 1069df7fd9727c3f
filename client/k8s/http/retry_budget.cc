#include "k8s/http/retry_budget.h"

#include <algorithm>
#include <cmath>

#include "k8s/base/strings.h"

namespace k8s::http {

void RetryBudget::Earn(double retries) {
  balance_ = std::min(balance_ + retries, options_.reserve);
}

void RetryBudget::OnCall() {
  std::lock_guard lock(mutex_);
  Earn(options_.share);
}

bool RetryBudget::Take() {
  // The sum of ten tenths is a little less than one.
  constexpr double kRounding = 1e-9;
  std::lock_guard lock(mutex_);
  const TimePoint now = clock_->Now();
  Earn(std::chrono::duration<double>(now - earned_).count() * options_.per_second);
  earned_ = now;
  if (balance_ + kRounding < 1) return false;
  balance_ -= 1;
  return true;
}

std::string RetryBudget::Refusal() const {
  return Cat("the retry budget of this client is empty, which is ",
             std::to_string(std::lround(options_.share * 100)), "% of its calls");
}

}  // namespace k8s::http
