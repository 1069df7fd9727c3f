#pragma once

// The objects that a real server has when it starts (chapter 12.1). Called once, before anybody
// else sees the store.

#include "fakeapiserver/core.h"

namespace k8s::fakeapiserver {

void Bootstrap(Core& core);

}  // namespace k8s::fakeapiserver
