#pragma once

// The hooks of single kinds: what creating, updating and validating them does beyond the tables.
// strategy.cc calls AddKinds once, when it makes its rows; the hooks run on any thread.

#include <map>
#include <string_view>

#include "fakeapiserver/strategy.h"

namespace k8s::fakeapiserver {

void AddKinds(std::map<std::string_view, Strategy>& rows);

}  // namespace k8s::fakeapiserver
