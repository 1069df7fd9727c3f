#pragma once

// The defaults that decoding sets (chapter 10.1): those that the tables hold, and those that depend
// on other fields, which are rows of a table of functions by type. Pure.

#include <string>

#include "k8s/machinery/type_info.h"
#include "k8s/machinery/value.h"

namespace k8s::fakeapiserver {

// REQUIRES: the tree went through Normalise. Members that are added may stand out of order.
void SetDefaults(Value& tree, const TypeInfo& type);

}  // namespace k8s::fakeapiserver
