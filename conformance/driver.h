#pragma once

// A driver: a client that plays cases. It says once who it is and what it can do; then it is handed
// one task at a time (server, config, steps: PROTOCOL.md) and answers with a result a step. One
// thread uses a driver.

#include <memory>
#include <string>
#include <string_view>

#include "k8s/base/env.h"
#include "k8s/http/round_tripper.h"
#include "k8s/machinery/value.h"

namespace k8s::conformance {

// What a driver in the runner's own process plays in.
struct Surroundings {
  Env env{};
  std::shared_ptr<http::RoundTripper> transport{};
};

class Driver {
 public:
  virtual ~Driver() = default;
  // {"driver": "cpp", "version": ..., "verbs": [...], "config": [...], "features": [...]}
  virtual const Value& hello() const = 0;
  // It can be given surroundings, so that its time is virtual and its wire in memory.
  virtual bool in_process() const = 0;
  // {"results": [...]}. An error is the driver's own end: it died, hung or spoke nonsense.
  virtual Result<Value> Play(const Value& task, const Surroundings& surroundings) = 0;
  // There are no more tasks. An error if it does not end by itself, or leaves processes behind,
  // which are ended then.
  virtual Result<void> Finish() { return {}; }

  std::string name() const { return std::string(hello().StringAt({"driver"})); }
};

}  // namespace k8s::conformance
