#pragma once

// Recorded conversations with a real API server, played again: requests are sent as they were, and
// what comes back must be what was recorded, but for what differs from run to run, which stands in
// the recording as placeholders (<uid:1>, <rv:2>, <time:1> ...). One story is one YAML file of
// transcripts/, steps in order. Functions may be called from any thread; a story is played on the
// caller's, its streams are read on threads of their own.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "k8s/base/clock.h"
#include "k8s/base/result.h"
#include "k8s/http/round_tripper.h"
#include "k8s/machinery/value.h"

namespace k8s::conformance {

// How the server is reached.
struct Way {
  std::shared_ptr<http::RoundTripper> transport{};
  std::string host{};              // "http://127.0.0.1:35001"
  std::shared_ptr<Clock> clock{};  // the server's
};

// A story as its file says it. YAML 1.2's words and numbers, unlike those of machinery/yaml.h:
// what was sent as text stays text.
Result<Value> ReadStory(std::string_view yaml);

// Whether the story lets time pass.
bool Sleeps(const Value& story);
// Whether it looks at headers that only a wire has.
bool LooksAtFraming(const Value& story);

// Plays the story and says what differs, one line each.
std::vector<std::string> Differences(const Value& story, const Way& way);

}  // namespace k8s::conformance
