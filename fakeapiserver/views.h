#pragma once

// Small forms of objects that several handlers show. Pure functions.

#include <string>
#include <string_view>

#include "k8s/machinery/value.h"

namespace k8s::fakeapiserver {

// Two blanks an indentation, no line end: what kube-apiserver prints for people.
std::string ToIndentedJson(const Value& value);
// kind PartialObjectMetadata with the metadata of the object.
Value PartialMetadata(const Value& tree, std::string_view meta_version);

}  // namespace k8s::fakeapiserver
