#include "conformance/drivers/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "k8s/base/context.h"
#include "k8s/base/strings.h"
#include "k8s/machinery/json.h"
#include "k8s/machinery/scalars.h"

extern char** environ;

namespace k8s::conformance {
namespace {

Error DriverError(std::string_view what) { return ConfigError(Cat("the driver ", what)); }

class ProcessDriver final : public Driver {
 public:
  ProcessDriver(pid_t pid, int to, int from, DriverLimits limits)
      : pid_(pid), to_(to), from_(from), limits_(limits) {}
  ~ProcessDriver() override {
    if (to_ >= 0) close(to_);
    close(from_);
    kill(-pid_, SIGKILL);
    if (!reaped_) waitpid(pid_, nullptr, 0);
  }

  const Value& hello() const override { return hello_; }
  bool in_process() const override { return false; }

  Result<void> Greet() {
    auto line = ReadLine();
    if (!line) return line.error();
    auto hello = ParseJson(*line);
    if (!hello) return hello.error().Within("the driver's first line");
    hello_ = *std::move(hello);
    if (hello_.StringAt({"driver"}).empty()) return DriverError("does not say its name");
    return {};
  }

  Result<Value> Play(const Value& task, const Surroundings&) override {
    if (auto sent = Send(Cat(ToJson(task), "\n")); !sent) return sent.error();
    auto line = ReadLine();
    if (!line) return line.error();
    auto answer = ParseJson(*line);
    if (!answer) return answer.error().Within("the driver's answer");
    return answer;
  }

  Result<void> Finish() override {
    close(std::exchange(to_, -1));
    const TimePoint end = clock_->Now() + limits_.ending;
    // Its output ends with the last process that holds it.
    while (true) {
      const auto more = ReadMore(end);
      if (!more) return DriverError("has not ended when its standard input did");
      if (!*more) break;
    }
    if (!reaped_) Ending();
    // A child may be about to end, too.
    const bool gone = WaitUntil(end, [this] { return kill(-pid_, 0) != 0 && errno == ESRCH; });
    return gone ? Result<void>() : DriverError("leaves processes behind");
  }

 private:
  template <class Condition>
  bool WaitUntil(TimePoint end, const Condition& holds) {
    while (!holds()) {
      if (clock_->Now() >= end) return false;
      static_cast<void>(Sleep(*clock_, std::chrono::milliseconds(20), Context()));
    }
    return true;
  }

  // What has become of it, once its output has ended.
  std::string Ending() {
    int status = 0;
    const bool ended = WaitUntil(clock_->Now() + limits_.ending,
                                 [&] { return waitpid(pid_, &status, WNOHANG) == pid_; });
    if (!ended) return "has closed its output";
    reaped_ = true;
    if (WIFSIGNALED(status)) return Cat("was ended by signal ", std::to_string(WTERMSIG(status)));
    return Cat("has ended with exit code ", std::to_string(WEXITSTATUS(status)));
  }

  Result<void> Send(std::string_view text) {
    while (!text.empty()) {
      const ssize_t n = write(to_, text.data(), text.size());
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return DriverError(Cat(Ending(), " before its task"));
      text.remove_prefix(static_cast<size_t>(n));
    }
    return {};
  }

  // Whether there was more before `end`; an error when that has come.
  Result<bool> ReadMore(TimePoint end) {
    for (;;) {
      const auto left =
          std::chrono::duration_cast<std::chrono::milliseconds>(end - clock_->Now()).count();
      if (left <= 0) return DriverError("has not answered in time");
      pollfd wait{from_, POLLIN, 0};
      if (poll(&wait, 1, static_cast<int>(left)) <= 0) continue;
      std::array<char, 65536> buffer;
      const ssize_t n = read(from_, buffer.data(), buffer.size());
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return false;
      pending_.append(buffer.data(), static_cast<size_t>(n));
      return true;
    }
  }

  Result<std::string> ReadLine() {
    const TimePoint end = clock_->Now() + limits_.answer;
    for (;;) {
      if (const size_t at = pending_.find('\n'); at != pending_.npos) {
        std::string line = pending_.substr(0, at);
        pending_.erase(0, at + 1);
        return line;
      }
      if (pending_.size() > kMaxDriverLine) return DriverError("writes a line without an end");
      const auto more = ReadMore(end);
      if (!more)
        return DriverError(Cat("has not answered within ", FormatDuration(limits_.answer)));
      if (!*more) return DriverError(Cat(Ending(), " without an answer"));
    }
  }

  const std::shared_ptr<Clock> clock_ = RealClock();
  const pid_t pid_;
  int to_;
  const int from_;
  const DriverLimits limits_;
  bool reaped_ = false;
  Value hello_;
  std::string pending_;
};

}  // namespace

Result<std::unique_ptr<Driver>> StartDriver(const std::string& command, DriverLimits limits) {
  signal(SIGPIPE, SIG_IGN);
  std::array<int, 2> in{}, out{};
  if (pipe2(in.data(), O_CLOEXEC) != 0 || pipe2(out.data(), O_CLOEXEC) != 0)
    return ConfigError(Cat("pipe: ", strerror(errno)));
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  std::string shell = "/bin/sh", flag = "-c", text = command;
  std::array<char*, 4> arguments = {shell.data(), flag.data(), text.data(), nullptr};
  pid_t pid = 0;
  // lint: the door to processes runs one to its end; a driver is talked to
  const int failed = posix_spawn(&pid, "/bin/sh", &actions, &attributes, arguments.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  close(in[0]);
  close(out[1]);
  if (failed != 0) {
    close(in[1]);
    close(out[0]);
    return ConfigError(Cat("start the driver: ", strerror(failed)));
  }
  auto driver = std::make_unique<ProcessDriver>(pid, in[1], out[0], limits);
  if (auto greeted = driver->Greet(); !greeted) return greeted.error();
  return std::unique_ptr<Driver>(std::move(driver));
}

}  // namespace k8s::conformance
