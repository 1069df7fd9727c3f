#pragma once

// What the server's own structs look like where an error shows one: Go's names, every member, none
// left out. Pure.

#include "k8s/machinery/type_info.h"
#include "k8s/machinery/value.h"

namespace k8s::fakeapiserver {

// The message as Go prints its internal struct: {"Type":"X","RollingUpdate":null}.
Value InternalForm(const Value& message, const TypeInfo& type);

}  // namespace k8s::fakeapiserver
