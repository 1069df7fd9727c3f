#pragma once

// The checks of resource.k8s.io, and of expressions, that a table cannot say. Rules of
// schema/checks.facts call them by name. Pure functions.

#include <map>
#include <string_view>

#include "fakeapiserver/check_hooks.h"

namespace k8s::fakeapiserver {

const std::map<std::string_view, CheckHook>& DeviceCheckHooks();

}  // namespace k8s::fakeapiserver
