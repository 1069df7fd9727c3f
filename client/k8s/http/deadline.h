#pragma once

// The two timeouts of a request. Deadline bounds all attempts of Do and DoRaw together, waits
// included, by Request::timeout (4.4). AttemptTimeout is Go's http.Client.Timeout: it bounds each
// attempt of every mode, the reading of the body included, and starts anew for the next attempt.

#include <memory>

#include "k8s/base/clock.h"
#include "k8s/http/round_tripper.h"

namespace k8s::http {

Layer Deadline(std::shared_ptr<Clock> clock);
// Zero: no limit.
Layer AttemptTimeout(Duration timeout, std::shared_ptr<Clock> clock);

}  // namespace k8s::http
