#include "measure.h"

#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>

#include "k8s/base/host.h"
#include "k8s/base/strings.h"

namespace k8s::bench {

Result<std::map<std::string, std::string>> ParseFlags(const std::vector<std::string>& arguments,
                                                      std::map<std::string, std::string> defaults) {
  for (size_t i = 0; i < arguments.size(); i += 2) {
    const auto known = defaults.find(arguments[i]);
    if (known == defaults.end()) {
      std::vector<std::string> all;
      for (const auto& [name, value] : defaults) all.push_back(name);
      return Invalid(Cat("there is no flag ", arguments[i], "; the flags are ", Join(all, ", ")));
    }
    if (i + 1 == arguments.size()) return Invalid(Cat(arguments[i], " needs a value"));
    known->second = arguments[i + 1];
  }
  return defaults;
}

Result<int> CountOf(const std::map<std::string, std::string>& flags, const std::string& name) {
  const std::string& text = flags.at(name);
  const auto number = ParseInt(text);
  if (!number || *number < 1 || *number > 100'000'000) {
    return Invalid(Cat(name, " must be a number from 1 to 100000000, not ", Quote(text)));
  }
  return static_cast<int>(*number);
}

int64_t OwnCpuMicroseconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto of = [](const timeval& time) {
    return time.tv_sec * int64_t{1'000'000} + time.tv_usec;
  };
  return of(usage.ru_utime) + of(usage.ru_stime);
}

Result<int64_t> CpuMicroseconds(const std::vector<std::string>& pids) {
  int64_t ticks = 0;
  for (const std::string& pid : pids) {
    auto text = RealHost()->ReadFile(Cat("/proc/", pid, "/stat"));
    if (!text) return text.error();
    // The name, in parentheses, may hold blanks; behind it come 11 members, then the two times.
    const auto words = Split(std::string_view(*text).substr(text->rfind(')') + 2), ' ');
    if (words.size() < 13) return Invalid(Cat("/proc/", pid, "/stat is shorter than it should be"));
    ticks += ParseInt(words[11]).value_or(0) + ParseInt(words[12]).value_or(0);
  }
  return ticks * 1'000'000 / sysconf(_SC_CLK_TCK);
}

Result<double> Megabytes(const std::vector<std::string>& pids, std::string_view row) {
  double sum = 0;
  for (const std::string& pid : pids) {
    auto text = RealHost()->ReadFile(Cat("/proc/", pid, "/status"));
    if (!text) return text.error();
    for (std::string_view line : Split(*text, '\n')) {
      if (!line.starts_with(Cat(row, ":"))) continue;
      line.remove_prefix(row.size() + 1);
      line = Trim(line);
      sum += static_cast<double>(ParseInt(line.substr(0, line.find(' '))).value_or(0)) * 1024 / 1e6;
    }
  }
  return sum;
}

void Print(const Measured& measured) {
  const auto n = static_cast<double>(measured.n);
  std::printf(
      "{\"who\":\"%s\",\"work\":\"%s\",\"encoding\":\"%s\",\"n\":%lld,\"cpu_us_per_op\":%.2f,"
      "\"wall_us_per_op\":%.2f,\"peak_rss_mb\":%.1f%s}\n",
      measured.who.c_str(), measured.work.c_str(), measured.encoding.c_str(),
      static_cast<long long>(measured.n), static_cast<double>(measured.cpu_us) / n,
      static_cast<double>(measured.wall_us) / n, measured.peak_rss_mb, measured.more.c_str());
}

}  // namespace k8s::bench
