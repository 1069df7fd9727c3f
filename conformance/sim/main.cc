// sim [--runs N] [--seed FIRST]: runs the simulation with N seeds from FIRST on. The first run that
// fails is shown with the fewest faults that still make it fail.

#include <iostream>

#include "conformance/sim/sim.h"
#include "k8s/base/strings.h"

namespace k8s::sim {
namespace {

int Show(uint64_t seed, const std::vector<SimFault>& faults, const SimResult& result) {
  const auto fails = [&](const std::vector<SimFault>& some) {
    return !Simulate(seed, some).failure.empty();
  };
  const auto shortest = Shortest(faults, fails);
  const SimResult again = Simulate(seed, shortest);
  std::cout << "seed " << seed << " fails: " << result.failure << "\n"
            << "and with " << shortest.size() << " of its " << faults.size()
            << " faults: " << again.failure << "\n";
  for (const SimFault& fault : shortest) std::cout << "  " << fault.Text() << "\n";
  std::cout << again.timeline << "again: sim --runs 1 --seed " << seed << "\n";
  return 1;
}

int Main(uint64_t first, uint64_t runs) {
  int64_t struck = 0, calls = 0, written = 0, in_doubt = 0;
  for (uint64_t seed = first; seed < first + runs; ++seed) {
    const auto faults = FaultsOf(seed);
    const SimResult result = Simulate(seed, faults);
    if (!result.failure.empty()) return Show(seed, faults, result);
    struck += result.struck;
    calls += result.calls;
    written += result.written;
    in_doubt += result.in_doubt;
  }
  std::cout << runs << " runs from seed " << first << ": " << calls << " calls, " << written
            << " writes, " << struck << " faults struck, " << in_doubt << " calls in doubt\n";
  return 0;
}

}  // namespace
}  // namespace k8s::sim

int main(int argc, char** argv) {
  uint64_t runs = 10'000, seed = 1;
  for (int i = 1; i < argc; i += 2) {
    const std::string_view name = argv[i];
    const auto value = i + 1 < argc ? k8s::ParseInt(argv[i + 1]) : std::nullopt;
    if (!value || *value < 0 || (name != "--runs" && name != "--seed")) {
      std::cerr << "usage: sim [--runs N] [--seed FIRST]\n";
      return 2;
    }
    (name == "--runs" ? runs : seed) = static_cast<uint64_t>(*value);
  }
  return k8s::sim::Main(seed, runs);
}
