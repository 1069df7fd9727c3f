#pragma once

// The table of metav1.Status, which lives with the generated ones above this room and is found by
// the same lookup as every kind. Pure.

#include "k8s/machinery/json_codec.h"
#include "k8s/rest/client.h"

namespace k8s::rest {

// Null when there is no lookup; then no body is ever taken for a Status.
inline const TypeInfo* StatusType(KindLookup find_kind) {
  return find_kind == nullptr ? nullptr : find_kind("meta.k8s.io/v1", "Status");
}

// A missing version means v1.
inline bool IsStatus(const TypeMeta& meta) {
  return meta.kind == "Status" && (meta.api_version == "v1" || meta.api_version.empty());
}

}  // namespace k8s::rest
