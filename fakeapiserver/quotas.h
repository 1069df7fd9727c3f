#pragma once

// Admission by LimitRange and ResourceQuota (chapter 10.2): defaults and bounds of what a new
// object asks for, and the count of it. Called by writes and by the hooks of pods and claims, under
// the write lock.

#include "k8s/base/result.h"
#include "k8s/machinery/value.h"

namespace k8s::fakeapiserver {

struct Core;
struct Call;

// Fills what the container does not ask for in from the namespace's limits, and refuses what is
// beyond them.
Result<void> LimitPod(Core& core, const Call& call, Value& pod);
Result<void> LimitClaim(Core& core, const Call& call, const Value& claim);
// Refuses what exceeds a quota; else adds it to what is used.
Result<void> ChargeQuotas(Core& core, const Call& call, const Value& object);

}  // namespace k8s::fakeapiserver
