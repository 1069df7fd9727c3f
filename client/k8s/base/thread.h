#pragma once

// A thread of the library, one door: it is joined when its owner goes, tells the clock that it
// exists, so that virtual time knows when everybody waits, and carries a name for debuggers.

#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "k8s/base/clock.h"

namespace k8s {

class Thread {
 public:
  Thread() = default;
  // Runs body(stop) at once on a new thread; stop is requested by RequestStop or the destructor.
  Thread(std::shared_ptr<Clock> clock, const std::string& name,
         std::function<void(std::stop_token)> body);
  Thread(Thread&& other) noexcept = default;
  Thread& operator=(Thread&& other) noexcept;
  ~Thread();

  void RequestStop() { thread_.request_stop(); }
  bool Joinable() const { return thread_.joinable(); }
  void Join();

 private:
  std::shared_ptr<Clock> clock_;
  std::jthread thread_;
};

}  // namespace k8s
