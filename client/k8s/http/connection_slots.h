#pragma once

// How many connections to one host may be open at once, those that wait for work included. Whoever
// wants one more waits until one is closed or falls idle. Any thread may call any member; a slot
// gives itself back when its last copy goes.

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "k8s/base/clock.h"

namespace k8s::http {

class ConnectionSlots : public std::enable_shared_from_this<ConnectionSlots> {
 public:
  using Slot = std::shared_ptr<void>;

  // A limit of 0: any number.
  ConnectionSlots(size_t limit, std::shared_ptr<Clock> clock);
  // Null when all are taken.
  Slot TryTake(const std::string& host);
  // Grows whenever a connection is closed or falls idle.
  uint64_t version() const;
  void Changed();
  // Until version() is no longer `seen`; the error of ctx when that ends first.
  Result<void> WaitForChange(uint64_t seen, const Context& ctx);

 private:
  const size_t limit_;
  const std::shared_ptr<Clock> clock_;
  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable_any changed_;
  uint64_t version_ = 0;
  std::map<std::string, size_t> open_;
};

}  // namespace k8s::http
