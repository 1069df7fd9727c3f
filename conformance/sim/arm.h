#pragma once

// Puts a fault of a run into a server. Called before the run begins.

#include "conformance/sim/sim.h"
#include "fakeapiserver/faults.h"

namespace k8s::sim {

void Arm(const SimFault& fault, fakeapiserver::Faults& faults);

}  // namespace k8s::sim
