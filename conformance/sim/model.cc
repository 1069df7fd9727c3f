#include "conformance/sim/model.h"

#include "k8s/base/strings.h"

namespace k8s::sim {

const std::set<State>& Model::Possible(const std::string& name) {
  auto& states = possible_[name];
  if (states.empty()) states.insert(std::nullopt);
  return states;
}

void Model::Wrote(const std::string& name, const State& state, Certainty certainty) {
  if (certainty == Certainty::kClean) return;
  Possible(name);
  if (certainty == Certainty::kDone) possible_[name].clear();
  possible_[name].insert(state);
}

bool Model::Saw(const std::string& name, const State& state) {
  if (!Possible(name).contains(state)) return false;
  possible_[name] = {state};
  return true;
}

bool Model::SawPresence(const std::string& name, bool present) {
  Possible(name);
  std::erase_if(possible_[name], [&](const State& state) { return state.has_value() != present; });
  return !possible_[name].empty();
}

std::string Model::Describe(const std::string& name) {
  std::string out;
  for (const State& state : Possible(name))
    out += Cat(out.empty() ? "" : " or ", state ? *state : "nothing");
  return out;
}

}  // namespace k8s::sim
