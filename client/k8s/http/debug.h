#pragma once

// The layer that logs requests and answers at klog's verbosity 6 and above (6.5), with credentials
// masked. The verbosity is read when the layer is made.

#include <string>
#include <string_view>

#include "k8s/base/clock.h"
#include "k8s/http/round_tripper.h"

namespace k8s::http {

Layer Debug(std::shared_ptr<Clock> clock);

// "Bearer <masked>"; schemes that are not known are masked as well.
std::string MaskAuthorization(std::string_view value);
// The verbosity is such that LogBody says something.
bool LogsBodies();
// Logs a body at verbosity 8 (1,024 bytes), 9 (10,240) or 10 (all); binary ones as a hex dump.
void LogBody(std::string_view title, std::string_view body);

}  // namespace k8s::http
