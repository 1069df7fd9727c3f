#pragma once

// The driver of this repository's own client: a task of PROTOCOL.md played with the dynamic or the
// typed clients. Functions without state; any thread may call them.

#include <memory>

#include "conformance/driver.h"

namespace k8s::conformance {

// What the driver says of itself.
const Value& CppHello();
// {"results": [...]}. Without a transport it opens sockets to the task's server.
Value PlayCpp(const Value& task, const Surroundings& surroundings);

// The same in the runner's process.
std::unique_ptr<Driver> NewCppDriver();

}  // namespace k8s::conformance
