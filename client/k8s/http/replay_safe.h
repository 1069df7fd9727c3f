#pragma once

// The policy under which no change is made twice (docs/retry.md), in place of client-go's rules,
// which repeat a POST on every 5xx with Retry-After and give up on others. A value; the functions
// are pure.

#include <memory>

#include "k8s/http/backoff.h"
#include "k8s/http/call_class.h"
#include "k8s/http/retry_budget.h"
#include "k8s/http/round_tripper.h"

namespace k8s::http {

// Server and client agree on the time to within this; timestamps of objects are compared with the
// time of calls.
inline constexpr Duration kClockSkew = std::chrono::seconds(1);

struct ReplaySafe {
  RetryBudgetOptions budget{};
  // Between attempts, at least what the server asks for, and that with the same jitter.
  Backoff backoff{.duration = std::chrono::milliseconds(200),
                  .factor = 2,
                  .jitter = 0.5,
                  .steps = 10,
                  .cap = std::chrono::seconds(10)};
  Duration clock_skew = kClockSkew;
  std::shared_ptr<RetryBudget> shared_budget{};  // null: each Clientset makes its own of `budget`
};

// The server certainly did not do what this attempt asked.
bool NothingDone(const Result<Response>& outcome);
bool NothingDone(int status, const Headers& headers);
// The decision: may a call of that class be sent again after this? Whether it is worth while is
// another question.
bool MayRepeat(CallClass call_class, const Result<Response>& outcome);
// Waiting may help: a connection that broke or was refused, a server that is overloaded or ill.
bool MayHeal(const Result<Response>& outcome);

}  // namespace k8s::http
