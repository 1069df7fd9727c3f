#pragma once

// The simulation: a random workload of typed calls against the fake server in memory, with random
// faults, in virtual time, on one thread. The same seed makes the same run, to the byte. A model of
// what the calls reported is held against the store:
//
// - what a call reported as done is in the store;
// - what failed cleanly (the server cannot have acted) is not;
// - what is in doubt is one of the two;
// - nothing is done twice;
// - a cache that lists and watches equals the store once the faults are over;
// - its watches go on where they ended, and no request comes before its Retry-After is over.
//
// A run owns its server, client and clock; any number may go on at once on different threads.

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace k8s::sim {

inline constexpr size_t kMaxFaults = 8;

// One fault of a run.
struct SimFault {
  size_t kind = 0;           // of the list in faults.cc
  int64_t skip = 0;          // exchanges, connections or watches that it lets pass
  std::string Text() const;  // "reset within the body at exchange 13"
  bool operator==(const SimFault&) const = default;
};
// The fault with that text and place; for tests. REQUIRES: there is such a kind.
SimFault FaultOf(std::string_view name, int64_t skip);
// What that seed's run meets unless somebody shortens it.
std::vector<SimFault> FaultsOf(uint64_t seed);

struct SimResult {
  std::string failure{};  // "": every check held
  uint64_t trace = 0;     // hash of everything that was asked and answered
  std::string timeline{};
  int struck = 0;  // faults
  int calls = 0;
  int written = 0;   // values that came into the store
  int in_doubt = 0;  // calls
};
SimResult Simulate(uint64_t seed, const std::vector<SimFault>& faults);

// The shortest part of the list that still fails. REQUIRES: at most kMaxFaults; the whole fails.
std::vector<SimFault> Shortest(const std::vector<SimFault>& faults,
                               const std::function<bool(const std::vector<SimFault>&)>& fails);

}  // namespace k8s::sim
