#pragma once

// The layer that tells a tracer of every attempt: when it began, when its header was in, and how it
// ended. The function is called on the thread of the request.

#include <functional>
#include <string>

#include "k8s/base/clock.h"
#include "k8s/http/round_tripper.h"

namespace k8s::http {

struct AttemptTrace {
  const Request& request;
  TimePoint began;
  TimePoint ended;
  int status;          // 0 without an answer
  const Error* error;  // null with an answer
};
using TraceFunction = std::function<void(const AttemptTrace&)>;

// An empty function: no layer.
Layer Trace(TraceFunction trace, std::shared_ptr<Clock> clock);

}  // namespace k8s::http
