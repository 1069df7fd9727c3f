#include "measure.h"

#include <time.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>

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

Result<std::string> EncodingOf(const std::map<std::string, std::string>& flags) {
  const std::string& encoding = flags.at("--encoding");
  if (encoding == "json" || encoding == "protobuf") return encoding;
  return Invalid(Cat("--encoding must be json or protobuf, not ", Quote(encoding)));
}

namespace {

int64_t Nanoseconds(const timespec& time) {
  return time.tv_sec * int64_t{1'000'000'000} + time.tv_nsec;
}

int64_t OwnCpuNanoseconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return Nanoseconds(time);
}

}  // namespace

Result<int64_t> CpuNanoseconds(const std::vector<std::string>& pids) {
  int64_t sum = 0;
  for (const std::string& pid : pids) {
    clockid_t clock{};
    timespec time{};
    const int64_t number = pid == "self" ? 0 : ParseInt(pid).value_or(-1);
    const int failure = clock_getcpuclockid(static_cast<pid_t>(number), &clock);
    if (failure != 0 || clock_gettime(clock, &time) != 0) {
      return Invalid(Cat("CPU clock of process ", pid, ": ",
                         ToLower(std::strerror(failure != 0 ? failure : errno))));
    }
    sum += Nanoseconds(time);
  }
  return sum;
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

Result<Measured> MeasureWork(int n, const std::function<Result<void>(int n)>& work) {
  if (auto warm = work((n + 9) / 10); !warm) return warm.error();
  const auto clock = RealClock();
  Measured measured{.n = n};
  const int64_t cpu = OwnCpuNanoseconds();
  const TimePoint begin = clock->Now();
  if (auto done = work(n); !done) return done.error();
  measured.wall_us =
      std::chrono::duration_cast<std::chrono::microseconds>(clock->Now() - begin).count();
  measured.cpu_ns = OwnCpuNanoseconds() - cpu;
  const auto peak = Megabytes({"self"}, "VmHWM");
  if (!peak) return peak.error();
  measured.peak_rss_mb = *peak;
  return measured;
}

void Print(const Measured& measured) {
  const auto n = static_cast<double>(measured.n);
  std::printf(
      "{\"who\":\"%s\",\"work\":\"%s\",\"encoding\":\"%s\",\"n\":%lld,\"cpu_us_per_op\":%.2f,"
      "\"wall_us_per_op\":%.2f,\"peak_rss_mb\":%.1f%s}\n",
      measured.who.c_str(), measured.work.c_str(), measured.encoding.c_str(),
      static_cast<long long>(measured.n), static_cast<double>(measured.cpu_ns) / 1e3 / n,
      static_cast<double>(measured.wall_us) / n, measured.peak_rss_mb, measured.more.c_str());
}

}  // namespace k8s::bench
