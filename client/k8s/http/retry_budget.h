#pragma once

// How many retries a client may make, so that a server in trouble does not get more requests for
// it: each call earns a share of a retry, each retry costs a whole one. Shared by all calls of a
// client; any thread may call any member.

#include <memory>
#include <mutex>
#include <string>

#include "k8s/base/clock.h"

namespace k8s::http {

inline constexpr double kRetryShare = 0.1;
inline constexpr double kRetriesPerSecond = 1;
inline constexpr double kRetryReserve = 20;

struct RetryBudgetOptions {
  double share = kRetryShare;             // of a retry, that a call earns
  double per_second = kRetriesPerSecond;  // retries that time earns, so that the idle have some
  double reserve = kRetryReserve;         // what there is at the start, and at most
};

class RetryBudget {
 public:
  RetryBudget(RetryBudgetOptions options, std::shared_ptr<Clock> clock)
      : options_(options), clock_(std::move(clock)), balance_(options.reserve) {}

  void OnCall();
  // Pays for one retry; false: there is nothing left to pay with.
  bool Take();
  // What to say where Take refused.
  std::string Refusal() const;

 private:
  void Earn(double retries);  // REQUIRES: mutex_ is held

  const RetryBudgetOptions options_;
  const std::shared_ptr<Clock> clock_;
  std::mutex mutex_;
  double balance_;
  TimePoint earned_ = clock_->Now();  // up to here time has paid
};

}  // namespace k8s::http
