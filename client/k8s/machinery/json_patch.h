#pragma once

// JSON Patch (RFC 6902) with the leniencies of the library behind kube-apiserver (chapter 7.2):
// negative indices, replace that adds, copy of what is not there, test of an absent member equal
// to null. Pure functions.

#include "k8s/base/result.h"
#include "k8s/machinery/value.h"

namespace k8s {

inline constexpr size_t kMaxJsonPatchOperations = 10000;

// Applies the operations in order. On an error the document is left half patched: patch a copy.
// REQUIRES: operations is an array of objects.
Result<void> ApplyJsonPatch(const Value& operations, Value& document);

}  // namespace k8s
