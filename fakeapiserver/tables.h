#pragma once

// The tables that kubectl prints: columns from schema/columns.facts, cells by rules of the kind
// (chapter 9.2 and 9.3). Pure but for the clock, which ages are counted by.

#include <string>
#include <vector>

#include "fakeapiserver/core.h"

namespace k8s::fakeapiserver {

struct TableRequest {
  std::string meta_version = "v1";
  std::string include_object{};
  const Served* served = nullptr;
  std::string kind{};  // instead of the resource's own: Scale
};

// The rows of these objects; metadata is left empty for the caller. `is_list` and `with_columns`
// say where the table is used: a watch names its columns only once.
Result<Value> MakeTable(const Core& core, const TableRequest& request, std::vector<Value> objects,
                        bool is_list, bool with_columns);

// A span of seconds as kubectl prints it: "95s", "5m30s", "3h", "2d3h", "2y".
std::string HumanDuration(int64_t seconds);

}  // namespace k8s::fakeapiserver
