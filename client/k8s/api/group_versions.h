#pragma once

// Every group version of the facts, in the order of their file names. Constant data.

#include <span>

#include "k8s/machinery/type_info.h"

namespace k8s {

std::span<const GroupVersionInfo* const> AllGroupVersions();

// The type of that kind in that group version ("apps/v1", "Deployment"), or null.
const TypeInfo* FindKind(std::string_view api_version, std::string_view kind);

}  // namespace k8s
