#pragma once

// Runs a scenario with a fault at its first exchange, then at the second, and so on until none is
// hit, for each kind of fault. Whatever strikes, the scenario must end well or with a clean Error
// (one line, not empty, without the token), within a bounded virtual time, and leave nothing
// behind: no thread, no connection, no watch. Called from a test, on one thread.
//
//   ForEveryFault([](FaultRun& run) -> Result<void> {
//     const auto clientset = Clientset::NewForConfig(run.config);
//     ...
//   });

#include <functional>
#include <string>
#include <vector>

#include "fakeapiserver/server.h"
#include "k8s/base/fake_clock.h"
#include "k8s/rest/config.h"

namespace k8s {

// What a scenario is given; all of it is fresh. Exchanges time out after kFaultTimeout.
struct FaultRun {
  fakeapiserver::Server& server;
  FakeClock& clock;
  rest::Config config{};
};
// Fails in ways that are allowed by returning the Error, in others by GoogleTest's means.
using Scenario = std::function<Result<void>(FaultRun& run)>;

inline constexpr Duration kFaultTimeout = std::chrono::seconds(30);
// A run that lasts longer hangs; one with more exchanges is a hot loop.
inline constexpr Duration kFaultRunLimit = std::chrono::hours(2);
inline constexpr size_t kFaultRunExchanges = 2000;

struct FaultKind {
  std::string name{};
  enum class At : uint8_t { kConnection, kExchange, kWatch };
  At at = At::kExchange;  // what is counted until it strikes
  std::function<void(fakeapiserver::Rule& rule)> arm{};
};
// Every way that this library's tests let an exchange go wrong.
std::vector<FaultKind> EveryFaultKind();

struct FaultReport {
  int runs = 0;
  int ended_well = 0;
  int failed_cleanly = 0;
  // Which fault at which exchange, what is wrong, and the timeline.
  std::vector<std::string> problems{};
};
FaultReport TryEveryFault(const Scenario& scenario,
                          const std::vector<FaultKind>& kinds = EveryFaultKind());
// The same; problems fail the test.
void ForEveryFault(const Scenario& scenario);

}  // namespace k8s
