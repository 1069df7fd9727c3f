#pragma once

// What the server's own structs look like where an error shows one: Go's names, every member, none
// left out. Pure.

#include <string>

#include "k8s/machinery/type_info.h"
#include "k8s/machinery/value.h"

namespace k8s::fakeapiserver {

// The message as Go prints its internal struct: {"Type":"X","RollingUpdate":null}.
Value InternalForm(const Value& message, const TypeInfo& type);
// Of the members that Go embeds only, such as the source of a volume.
Value EmbeddedForm(const Value& message, const TypeInfo& type);
// What differs between two forms, as hunks of lines.
std::string FormDiff(const Value& old_form, const Value& new_form);

}  // namespace k8s::fakeapiserver
