#pragma once

// Log lines with klog's verbosity levels. The level is the process's; 0 by default. The sink gets
// whole lines without a line end, one at a time, from any thread; by default they go to standard
// error. Nothing secret may be passed in: whoever logs masks first.

#include <functional>
#include <string>
#include <string_view>

namespace k8s {

using LogSink = std::function<void(int verbosity, std::string_view line)>;

void SetLogVerbosity(int verbosity);
int LogVerbosity();
// An empty sink restores standard error.
void SetLogSink(LogSink sink);
void Log(int verbosity, std::string_view line);

}  // namespace k8s
