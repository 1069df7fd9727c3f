#pragma once

// The checks that a table cannot say: rules of schema/checks.facts call them by name. Pure
// functions.

#include <map>
#include <string>
#include <string_view>

#include "fakeapiserver/api_error.h"
#include "k8s/machinery/value.h"

namespace k8s::fakeapiserver {

// The value at the place of the rule (null when there is none) and the message around it.
using CheckHook = void (*)(const Value& value, const Value& message, const std::string& path,
                           FieldErrors& errors);
const std::map<std::string_view, CheckHook>& CheckHooks();

}  // namespace k8s::fakeapiserver
