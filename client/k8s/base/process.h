#pragma once

// Other programs, one door: finding one, running it and reading what it prints. Members may be
// called from any thread; each run blocks its caller.

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "k8s/base/clock.h"

namespace k8s {

inline constexpr size_t kMaxCommandOutput = size_t{4} << 20;

struct Command {
  std::string path{};  // of an executable file; see Processes::Find
  std::vector<std::string> args{};
  // Beside the variables of this process, in place of those of the same name.
  std::vector<std::pair<std::string, std::string>> environment{};
  bool inherits_stdin = false;  // else its standard input is empty
  size_t max_output = kMaxCommandOutput;
};

struct Finished {
  int exit_code = 0;  // -1: a signal ended it
  std::string output{};
};

class Processes {
 public:
  virtual ~Processes() = default;
  // Where a program is: a name is looked up in PATH, a path stands for itself. Null when there is
  // nothing that may be executed.
  virtual std::optional<std::string> Find(const std::string& program) const = 0;
  // Runs the command to its end. Its standard output is returned, its standard error is that of
  // this process. When ctx ends or the output grows beyond its bound, the process is killed; in
  // every case it is gone afterwards. Errors are those of ctx, or kConfig when it cannot start.
  virtual Result<Finished> Run(const Command& command, const Clock& clock, const Context& ctx) = 0;
  virtual bool StdinIsTerminal() const = 0;
};

std::shared_ptr<Processes> RealProcesses();

}  // namespace k8s
