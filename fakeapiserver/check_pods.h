#pragma once

// The checks of pods that a table cannot say: volumes against mounts, one source of several, what
// is lent twice. Rules of schema/checks.facts call them by name. Pure functions.

#include <map>
#include <string_view>

#include "fakeapiserver/check_hooks.h"

namespace k8s::fakeapiserver {

const std::map<std::string_view, CheckHook>& PodCheckHooks();

}  // namespace k8s::fakeapiserver
