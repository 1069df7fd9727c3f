#pragma once

// The layer that says who is calling, unless the request says it already (C-1.15).

#include "k8s/http/round_tripper.h"

namespace k8s::http {

Layer UserAgent(std::string agent);

}  // namespace k8s::http
