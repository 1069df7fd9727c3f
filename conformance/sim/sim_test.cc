#include "conformance/sim/sim.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "conformance/sim/model.h"

namespace k8s::sim {
namespace {

using testing::HasSubstr;

TEST(Sim, MakesTheSameTraceOfTheSameSeed) {
  for (const uint64_t seed : {1, 2, 3}) {
    const uint64_t trace = Simulate(seed, FaultsOf(seed)).trace;
    for (int i = 0; i < 100; ++i) {
      ASSERT_EQ(Simulate(seed, FaultsOf(seed)).trace, trace) << "seed " << seed << ", run " << i;
    }
  }
}

TEST(Sim, MakesOtherTracesOfOtherSeeds) {
  std::set<uint64_t> traces;
  for (uint64_t seed = 1; seed <= 50; ++seed) traces.insert(Simulate(seed, FaultsOf(seed)).trace);
  EXPECT_EQ(traces.size(), 50u);
}

// The failure of the first seed that notices the fault.
std::string Noticed(const std::string& fault) {
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    for (int64_t skip = 0; skip < 20; ++skip) {
      const SimResult result = Simulate(seed, {FaultOf(fault, skip)});
      if (!result.failure.empty()) return result.failure;
    }
  }
  return "not noticed";
}

// What no client can make good, the checks must see.
TEST(Sim, SeesACacheThatMissedAnEvent) {
  EXPECT_THAT(Noticed("drop an event"), HasSubstr("a cache holds"));
}
TEST(Sim, SeesAChangeThatWasDoneThoughItFailedCleanly) {
  EXPECT_THAT(Noticed("lie that it conflicts"), testing::Not("not noticed"));
}
TEST(Sim, SeesWhatWasDoneTwice) { EXPECT_THAT(Noticed("lie that it is busy"), HasSubstr("twice")); }

TEST(Shortest, IsTheFewestFaultsThatStillFail) {
  const std::vector<SimFault> faults = {{0, 0}, {1, 1}, {2, 2}, {3, 3}};
  const auto has = [](const std::vector<SimFault>& some, size_t kind) {
    return std::any_of(some.begin(), some.end(), [&](auto& one) { return one.kind == kind; });
  };
  EXPECT_EQ(Shortest(faults, [&](auto& some) { return has(some, 1) && has(some, 3); }),
            (std::vector<SimFault>{{1, 1}, {3, 3}}));
  EXPECT_EQ(Shortest(faults, [](auto&) { return true; }), std::vector<SimFault>{});
  EXPECT_EQ(Shortest(faults, [&](auto& some) { return some.size() == 4; }), faults);
}

TEST(Model, KeepsBothStatesOfWhatIsInDoubt) {
  Model model;
  model.Wrote("a", "v1", Model::Certainty::kDone);
  model.Wrote("a", "v2", Model::Certainty::kDoubt);
  model.Wrote("a", "v3", Model::Certainty::kClean);
  EXPECT_EQ(model.Describe("a"), "v1 or v2");
  EXPECT_FALSE(model.SawPresence("a", false));
}

TEST(Model, TakesWhatItSawForTheState) {
  Model model;
  model.Wrote("a", "v1", Model::Certainty::kDoubt);
  EXPECT_TRUE(model.Saw("a", "v1"));
  EXPECT_FALSE(model.Saw("a", std::nullopt));
  EXPECT_TRUE(model.Saw("b", std::nullopt));
}

}  // namespace
}  // namespace k8s::sim
