#pragma once

// What the programs beside this share: their flags, and what a process has used up, from its CPU
// clock and /proc. Any thread may call.

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "k8s/base/clock.h"

namespace k8s::bench {

inline constexpr int kUsage = 2;     // exit code: a flag is wrong
inline constexpr int kSkipped = 77;  // exit code: the client cannot do that

// "--name value" pairs over the defaults, which list every flag there is. Errors name the flag.
Result<std::map<std::string, std::string>> ParseFlags(const std::vector<std::string>& arguments,
                                                      std::map<std::string, std::string> defaults);
// A whole number of at least one. Errors name the flag.
Result<int> CountOf(const std::map<std::string, std::string>& flags, const std::string& name);
// --encoding: json or protobuf. Errors name the flag.
Result<std::string> EncodingOf(const std::map<std::string, std::string>& flags);

// User and system time of processes ("self" is this one), with that of threads that have ended.
// Errors name the process.
Result<int64_t> CpuNanoseconds(const std::vector<std::string>& pids);
// One row of /proc/PID/status ("VmHWM", "VmRSS"), summed, in MB of 1,000,000 bytes.
Result<double> Megabytes(const std::vector<std::string>& pids, std::string_view row);

struct Measured {
  std::string who{};
  std::string work{};
  std::string encoding{};
  int64_t n = 0;
  int64_t cpu_ns = 0;
  int64_t wall_us = 0;
  double peak_rss_mb = 0;
  std::string more{};  // further members, each with a comma in front
};
// Does the work a tenth of n times to get warm, then n times; what that cost this process.
Result<Measured> MeasureWork(int n, const std::function<Result<void>(int n)>& work);
// One line of JSON on standard output.
void Print(const Measured& measured);

}  // namespace k8s::bench
