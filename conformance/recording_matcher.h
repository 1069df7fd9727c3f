#pragma once

// Compares what a server answers with a recording. Placeholders are bound as they come: the same
// placeholder is the same value, two are two values; of times, ages and numbers only the form
// counts. Resource versions must lie in the order of the placeholders' numbers. Members of objects
// must be there and stand in the recorded order. One matcher per story; one thread.

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "k8s/machinery/value.h"

namespace k8s::conformance {

class RecordingMatcher {
 public:
  // With `fresh` false the answer shows a past state, so its revision binds like any other value.
  void Match(const Value& want, const Value& got, const std::string& where, bool fresh);
  void Complain(std::string difference) { differences_.push_back(std::move(difference)); }
  // What differed so far, the order of the resource versions included.
  std::vector<std::string> Finish();

 private:
  void MatchValue(const Value& want, const Value& got, const std::string& where);
  void MatchText(const std::string& want, const Value& got, const std::string& where);
  void MatchObject(const Value& want, const Value& got, const std::string& where);
  void MatchArray(Value::Array want, Value::Array got, const std::string& where);
  void Bind(const std::string& placeholder, const std::string& actual, const std::string& where);

  bool fresh_ = true;
  std::map<std::string, std::string> bound_;
  std::map<std::pair<std::string, std::string>, std::string> taken_;  // kind and value
  std::set<std::pair<std::string, std::string>> later_;
  std::vector<std::string> differences_;
};

// A value on one line, shortened.
std::string Show(const Value& value);

}  // namespace k8s::conformance
