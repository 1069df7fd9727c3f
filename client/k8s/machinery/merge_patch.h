#pragma once

// JSON Merge Patch (RFC 7386): null deletes, objects merge, everything else replaces. Pure.

#include "k8s/machinery/value.h"

namespace k8s {

void ApplyMergePatch(const Value& patch, Value& document);

// The merge patch that turns one document into another.
Value CreateMergePatch(const Value& from, const Value& to);

}  // namespace k8s
