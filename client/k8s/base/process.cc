#include "k8s/base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <system_error>

#include "k8s/base/strings.h"

namespace k8s {
namespace {

// A clock other than the real one may move while poll sleeps; then it must look again.
constexpr Duration kForeignClockPoll = std::chrono::milliseconds(20);

Error StartError(const std::string& path, int number) {
  return ConfigError(
      Cat("fork/exec ", path, ": ", ToLower(std::generic_category().message(number))));
}

class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { Close(); }
  int get() const { return fd_; }
  void Close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

 private:
  int fd_;
};

// A child that is killed, if need be, and always reaped.
class Child {
 public:
  // By number, since the header of glibc 2.36 forgets that the function is C.
  explicit Child(pid_t pid)
      : pid_(pid), handle_(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))) {}
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (pid_ < 0) return;
    ::kill(pid_, SIGKILL);
    Reap();
  }

  // Readable once the child has ended; -1 when the kernel has no such thing.
  int handle() const { return handle_.get(); }

  // REQUIRES: it has ended, or soon will.
  int Reap() {
    int status = 0;
    pid_t reaped;
    do {
      reaped = ::waitpid(pid_, &status, 0);
    } while (reaped < 0 && errno == EINTR);
    pid_ = -1;
    // Nobody knows how it ended when somebody else, a handler of SIGCHLD say, was faster.
    return reaped > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  pid_t pid_;
  Descriptor handle_;
};

std::vector<std::string> EnvironmentOf(const Command& command) {
  std::vector<std::string> all;
  for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
    const std::string_view text = *variable;
    const std::string_view name = text.substr(0, text.find('='));
    const bool replaced = std::any_of(command.environment.begin(), command.environment.end(),
                                      [&](const auto& own) { return own.first == name; });
    if (!replaced) all.emplace_back(text);
  }
  for (auto own = command.environment.begin(); own != command.environment.end(); ++own) {
    // Of one name the last value counts, as in Go.
    const bool replaced = std::any_of(own + 1, command.environment.end(),
                                      [&](const auto& later) { return later.first == own->first; });
    if (!replaced) all.push_back(Cat(own->first, "=", own->second));
  }
  return all;
}

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

// 0, or the error number.
int Spawn(const Command& command, int output, pid_t& pid) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  if (!command.inherits_stdin) {
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  }
  // The program's own descriptors are none of the child's business, whoever opened them.
  posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t signals;
  sigemptyset(&signals);
  posix_spawnattr_setsigmask(&attributes, &signals);
  sigaddset(&signals, SIGPIPE);
  posix_spawnattr_setsigdefault(&attributes, &signals);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);

  std::vector<std::string> args{command.path};
  args.insert(args.end(), command.args.begin(), command.args.end());
  std::vector<std::string> environment = EnvironmentOf(command);
  const int failure = ::posix_spawn(&pid, command.path.c_str(), &actions, &attributes,
                                    Pointers(args).data(), Pointers(environment).data());
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  return failure;
}

// What has been printed by now. False once it is more than the bound.
bool Drain(Descriptor& from, size_t most, std::string& output) {
  char buffer[16384];
  while (from.get() >= 0) {
    const ssize_t n = ::read(from.get(), buffer, sizeof buffer);
    if (n > 0) {
      output.append(buffer, static_cast<size_t>(n));
      if (output.size() > most) return false;
    } else if (n == 0) {
      from.Close();
    } else if (errno != EINTR) {
      break;  // nothing there now
    }
  }
  return true;
}

class SystemProcesses final : public Processes {
 public:
  std::optional<std::string> Find(const std::string& program) const override {
    if (program.empty()) return std::nullopt;
    if (program.find('/') != std::string::npos) {
      return IsExecutable(program) ? std::optional(program) : std::nullopt;
    }
    const char* folders = std::getenv("PATH");
    if (folders == nullptr) return std::nullopt;
    for (const std::string_view folder : Split(folders, ':')) {
      // A program of the working directory must be asked for by its path, as in Go.
      if (!folder.starts_with('/')) continue;
      std::string path = Cat(folder, folder.ends_with('/') ? "" : "/", program);
      if (IsExecutable(path)) return path;
    }
    return std::nullopt;
  }

  Result<Finished> Run(const Command& command, const Clock& clock, const Context& ctx) override {
    if (auto over = ctx.Check(clock); !over) return over.error();
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return StartError(command.path, errno);
    Descriptor output(ends[0]);
    Descriptor input(ends[1]);
    ::fcntl(output.get(), F_SETFL, O_NONBLOCK);
    const Descriptor wake(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
    const auto waker = [&] { ::eventfd_write(wake.get(), 1); };
    const std::stop_callback on_stop(ctx.stop(), waker);
    pid_t pid = -1;
    if (const int failure = Spawn(command, input.get(), pid); failure != 0) {
      return StartError(command.path, failure);
    }
    Child child(pid);
    if (child.handle() < 0) return StartError(command.path, errno);
    input.Close();

    Finished finished;
    while (true) {
      pollfd polled[] = {
          {output.get(), POLLIN, 0}, {child.handle(), POLLIN, 0}, {wake.get(), POLLIN, 0}};
      ::poll(polled, 3, Milliseconds(clock, ctx));
      // Whatever the child printed is in the pipe once it has ended. What its own children still
      // hold open is not waited for.
      const bool ended = (polled[1].revents & POLLIN) != 0;
      if (!Drain(output, command.max_output, finished.output)) {
        return ConfigError(Cat("output of ", command.path, " is larger than ",
                               std::to_string(command.max_output), " bytes"));
      }
      if (ended) {
        finished.exit_code = child.Reap();
        return finished;
      }
      if (auto over = ctx.Check(clock); !over) return over.error();
    }
  }

  bool StdinIsTerminal() const override { return ::isatty(STDIN_FILENO) == 1; }

 private:
  static bool IsExecutable(const std::string& path) {
    struct stat info;
    return ::stat(path.c_str(), &info) == 0 && !S_ISDIR(info.st_mode) &&
           ::access(path.c_str(), X_OK) == 0;
  }

  // How long poll may sleep; -1: until something happens.
  static int Milliseconds(const Clock& clock, const Context& ctx) {
    constexpr Duration kMost = std::chrono::hours(24);
    const bool foreign = &clock != RealClock().get();
    if (!ctx.deadline() && !foreign) return -1;
    Duration left = foreign ? kForeignClockPoll : kMost;
    if (ctx.deadline()) left = std::clamp(*ctx.deadline() - clock.Now(), Duration::zero(), left);
    return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(left).count());
  }
};

}  // namespace

std::shared_ptr<Processes> RealProcesses() {
  static const auto processes = std::make_shared<SystemProcesses>();
  return processes;
}

}  // namespace k8s
