#pragma once

// The doors to the machine, in one value: time, chance, the host's environment variables and files,
// and other programs. A test replaces any of them. Copying is cheap; copies share the doors.

#include <memory>

#include "k8s/base/clock.h"
#include "k8s/base/host.h"
#include "k8s/base/process.h"
#include "k8s/base/random.h"

namespace k8s {

struct Env {
  std::shared_ptr<Clock> clock = RealClock();
  std::shared_ptr<Random> random = SystemRandom();
  std::shared_ptr<Host> host = RealHost();
  std::shared_ptr<Processes> processes = RealProcesses();
};

}  // namespace k8s
