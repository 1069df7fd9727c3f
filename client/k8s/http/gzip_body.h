#pragma once

// A body that is inflated while it is read, with bounded memory. Owned by one reader, like any
// Body.

#include <memory>

#include "k8s/http/round_tripper.h"

namespace k8s::http {

std::unique_ptr<Body> InflateBody(std::unique_ptr<Body> compressed);

}  // namespace k8s::http
