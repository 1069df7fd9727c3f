#pragma once

// Strategic merge patch by the tables' patch strategies and merge keys (chapter 7.4). Pure. Errors
// that carry no Status are the merger's own texts.

#include <string>

#include "k8s/base/result.h"
#include "k8s/machinery/type_info.h"
#include "k8s/machinery/value.h"

namespace k8s::fakeapiserver {

// On an error the document is left half patched: patch a copy.
Result<void> ApplyStrategicPatch(const Value& patch, const TypeInfo& type, Value& document);
// The patch as Go prints a map: `map[a:b c:[1 2]]`, keys sorted.
std::string GoMapText(const Value& value);

}  // namespace k8s::fakeapiserver
