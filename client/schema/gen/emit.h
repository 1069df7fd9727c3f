#pragma once

// Writes C++ from facts: for each group version a header of plain aggregates and a file of constant
// tables, and one header with the Clientset and its group clients. Pure: text in, text out.

#include <map>
#include <string>
#include <vector>

#include "k8s/base/result.h"
#include "parser.h"

namespace k8s::gen {

// File name (relative to the output folder) -> content. Fails when facts refer to what is not
// there.
Result<std::map<std::string, std::string>> Emit(const std::vector<FileFacts>& files);

// The same of an API beside the library's: headers and tables alone, which may use the library's
// types.
Result<std::map<std::string, std::string>> EmitFurther(const std::vector<FileFacts>& files,
                                                       const std::vector<FileFacts>& library);

// The C++ member for a JSON name: keywords get a trailing underscore, "$ref" becomes ref,
// "x-kubernetes-map-type" xKubernetesMapType.
std::string MemberName(std::string_view json_name);

}  // namespace k8s::gen
