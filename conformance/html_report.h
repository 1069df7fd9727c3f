#pragma once

// The page of one run or of several: clients by areas, and under it what failed, with the
// exchanges. It needs no script. A pure function of what JsonReport writes.

#include <string>
#include <vector>

#include "k8s/machinery/value.h"

namespace k8s::conformance {

// One column a run, in the order given. A run is a document of JsonReport.
std::string HtmlReport(const std::vector<Value>& runs);

// {"runs": [...]}: the same for machines, with the counts of each area.
std::string GridJson(const std::vector<Value>& runs);

}  // namespace k8s::conformance
