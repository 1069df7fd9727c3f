#pragma once

// The config of a task of PROTOCOL.md as a rest::Config of our own client. Functions without state;
// any thread may call them.

#include "conformance/driver.h"
#include "k8s/rest/config.h"

namespace k8s::conformance {

Result<rest::Config> ConfigOf(const Value& task, const Surroundings& surroundings);

}  // namespace k8s::conformance
