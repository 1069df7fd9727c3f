#pragma once

// What the store may hold, by what the calls have reported. Each object has a set of states that
// are possible; a state is the value that some call wrote, or that the object is not there. Belongs
// to one run.

#include <map>
#include <optional>
#include <set>
#include <string>

namespace k8s::sim {

using State = std::optional<std::string>;  // nullopt: not there

class Model {
 public:
  // What a call has come to.
  enum class Certainty : uint8_t {
    kDone,   // it reported success
    kClean,  // it failed, and the server cannot have acted
    kDoubt,  // it failed, and the server may have acted
  };

  const std::set<State>& Possible(const std::string& name);
  // A write that leads to `state`.
  void Wrote(const std::string& name, const State& state, Certainty certainty);
  // The object is in that state, somebody says. False: it cannot be.
  bool Saw(const std::string& name, const State& state);
  // The object is there, or is not, whatever it holds. False: that cannot be.
  bool SawPresence(const std::string& name, bool present);
  std::string Describe(const std::string& name);

 private:
  std::map<std::string, std::set<State>> possible_;  // absent: not there
};

}  // namespace k8s::sim
