#pragma once

// Programs that are functions, for tests of whoever runs programs.

#include <functional>
#include <mutex>
#include <set>
#include <vector>

#include "k8s/base/process.h"

namespace k8s::rest {

class FakeProcesses final : public Processes {
 public:
  using Program = std::function<Result<Finished>(const Command&, const Context&)>;

  // Every name is in /bin.
  std::optional<std::string> Find(const std::string& program) const override {
    const bool is_path = program.find('/') != std::string::npos;
    std::string path = is_path ? program : "/bin/" + program;
    return installed.contains(path) ? std::optional(path) : std::nullopt;
  }
  Result<Finished> Run(const Command& command, const Clock&, const Context& ctx) override {
    {
      std::lock_guard lock(mutex_);
      commands.push_back(command);
    }
    return program(command, ctx);
  }
  bool StdinIsTerminal() const override { return terminal; }

  // Each run prints the next of these, the last one for ever.
  void Print(std::vector<std::string> outputs) {
    program = [this, outputs](const Command&, const Context&) -> Result<Finished> {
      return Finished{0, outputs[std::min(commands.size(), outputs.size()) - 1]};
    };
  }

  std::set<std::string> installed = {"/bin/plug"};
  Program program;
  bool terminal = false;
  std::vector<Command> commands;

 private:
  std::mutex mutex_;
};

// What a plugin of version v1 prints.
inline std::string PrintedCredential(
    const std::string& status, const std::string& version = "client.authentication.k8s.io/v1") {
  return R"({"kind":"ExecCredential","apiVersion":")" + version + R"(","status":{)" + status + "}}";
}
inline std::string PrintedToken(const std::string& token, const std::string& expiration = "") {
  return PrintedCredential(
      R"("token":")" + token + '"' +
      (expiration.empty() ? "" : R"(,"expirationTimestamp":")" + expiration + '"'));
}

}  // namespace k8s::rest
