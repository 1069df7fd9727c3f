#pragma once

// The objects that a real server has when it starts (chapter 12.1). Called once, before anybody
// else sees the store; and the way in which the server makes objects later.

#include "fakeapiserver/core.h"

namespace k8s::fakeapiserver {

void Bootstrap(Core& core);
// Creates an object in the server's own name. REQUIRES: the write lock.
void CreateAsServer(Core& core, const Value& tree);

}  // namespace k8s::fakeapiserver
