#pragma once

// Faults as Kubernetes objects: what is stored as kind Fault becomes rules, and what the rules did
// is written into the objects' status, so that kubectl can make, watch and await faults. Any
// thread.

#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "fakeapiserver/core.h"

namespace k8s::fakeapiserver {

class FaultObjects {
 public:
  // Does nothing where the registry does not serve the kind.
  explicit FaultObjects(Core& core);
  ~FaultObjects();

  // Makes the rules follow the objects as they are now. Called before rules are asked.
  void Follow();
  // The rule has struck. REQUIRES: the caller does not hold the store's write lock.
  void Struck(const std::string& rule);

 private:
  Core& core_;
  const Served* const served_;
  std::mutex mutex_;  // guards names_ and the order in which events are followed
  std::shared_ptr<Subscription> subscription_;
  std::set<std::string> names_;
};

}  // namespace k8s::fakeapiserver
