#pragma once

// A driver behind a pipe: a shell command that speaks PROTOCOL.md on its standard input and output.
// It is started once and ended with its owner, and with it whatever it has started. One thread uses
// it.

#include <memory>
#include <string>

#include "conformance/driver.h"

namespace k8s::conformance {

struct DriverLimits {
  Duration answer = std::chrono::seconds(60);  // a case that takes longer has hung its driver
  Duration ending = std::chrono::seconds(10);  // from the end of its input
};
inline constexpr size_t kMaxDriverLine = size_t{64} << 20;

// Starts the command and reads what it says of itself. From then on this process ignores SIGPIPE.
Result<std::unique_ptr<Driver>> StartDriver(const std::string& command, DriverLimits limits = {});

}  // namespace k8s::conformance
