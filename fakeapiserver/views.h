#pragma once

// Small forms of objects that several handlers show. Pure functions.

#include <string>
#include <string_view>

#include "k8s/machinery/value.h"

namespace k8s::fakeapiserver {

// Two blanks an indentation, no line end: what kube-apiserver prints for people.
std::string ToIndentedJson(const Value& value);
// Annotations that a version of a kind shows and that do not rest in the object.
void DropConversionAnnotations(Value& metadata);
// kind PartialObjectMetadata with the metadata of the object.
Value PartialMetadata(const Value& tree, std::string_view meta_version);

}  // namespace k8s::fakeapiserver
