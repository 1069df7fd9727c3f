#include "k8s/base/process.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "k8s/base/fake_clock.h"
#include "k8s/base/host.h"
#include "k8s/base/strings.h"
#include "k8s/base/thread.h"

namespace k8s {
namespace {

using namespace std::chrono_literals;
using testing::StartsWith;

Command Shell(const std::string& script) { return {.path = "/bin/sh", .args = {"-c", script}}; }

Result<Finished> RunToEnd(const Command& command, const Context& ctx = {}) {
  return RealProcesses()->Run(command, *RealClock(), ctx);
}

// Running or not reaped.
bool HasChildren() {
  siginfo_t info;
  return ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

TEST(Processes, ReturnWhatAProgramPrintsAndItsExitCode) {
  const auto finished = RunToEnd(Shell("printf hello; exit 3"));
  ASSERT_TRUE(finished) << finished.error();
  EXPECT_EQ(finished->output, "hello");
  EXPECT_EQ(finished->exit_code, 3);
  EXPECT_EQ(RunToEnd(Shell("kill -9 $$"))->exit_code, -1);
  EXPECT_FALSE(HasChildren());
}

TEST(Processes, AddVariablesToTheirOwn) {
  Command command = Shell("printf '%s|%s' \"$HOME\" \"$K8S_ADDED\"");
  command.environment = {{"HOME", "/replaced"}, {"K8S_ADDED", "one"}, {"K8S_ADDED", "two"}};
  EXPECT_EQ(RunToEnd(command)->output, "/replaced|two");
  EXPECT_NE(RunToEnd(Shell("printf \"$PATH\""))->output, "");
}

TEST(Processes, GiveNoStandardInputUnlessAsked) { EXPECT_EQ(RunToEnd(Shell("cat"))->output, ""); }

TEST(Processes, FindNamesInPathAndPathsAsTheyStand) {
  EXPECT_THAT(RealProcesses()->Find("sh").value_or(""), StartsWith("/"));
  EXPECT_EQ(RealProcesses()->Find("/bin/sh"), "/bin/sh");
  for (const char* nowhere : {"", "no-such-program", "/no/such/program", "/etc/passwd", "/tmp"}) {
    EXPECT_EQ(RealProcesses()->Find(nowhere), std::nullopt) << nowhere;
  }
}

TEST(Processes, SayWhyAProgramCannotStart) {
  EXPECT_EQ(RunToEnd({.path = "/no/such/program"}).error().message(),
            "fork/exec /no/such/program: no such file or directory");
  EXPECT_EQ(RunToEnd({.path = "/etc/passwd"}).error().message(),
            "fork/exec /etc/passwd: permission denied");
  EXPECT_FALSE(HasChildren());
}

TEST(Processes, KillWhatOutlivesItsContext) {
  std::stop_source source;
  Thread stopper(RealClock(), "stopper", [&](const std::stop_token& stop) {
    while (!HasChildren() && Sleep(*RealClock(), 1ms, Context(stop))) {
    }
    source.request_stop();
  });
  const auto stopped =
      RunToEnd({.path = "/bin/sleep", .args = {"600"}}, Context(source.get_token()));
  EXPECT_EQ(stopped.error().code(), Error::Code::kCanceled);
  EXPECT_FALSE(HasChildren());
  const auto late =
      RunToEnd({.path = "/bin/sleep", .args = {"600"}}, Context().WithTimeout(*RealClock(), 20ms));
  EXPECT_EQ(late.error().code(), Error::Code::kDeadlineExceeded);
  EXPECT_FALSE(HasChildren());
}

TEST(Processes, HeedADeadlineInVirtualTime) {
  const auto clock = std::make_shared<FakeClock>();
  const Context ctx = Context().WithTimeout(*clock, 1h);
  Thread stepper(RealClock(), "stepper", [&](const std::stop_token&) { clock->Step(2h); });
  const auto late = RealProcesses()->Run({.path = "/bin/sleep", .args = {"600"}}, *clock, ctx);
  EXPECT_EQ(late.error().code(), Error::Code::kDeadlineExceeded);
}

TEST(Processes, BoundTheOutput) {
  Command command = Shell("printf 12345678");
  command.max_output = 8;
  EXPECT_EQ(RunToEnd(command)->output, "12345678");
  command.max_output = 7;
  EXPECT_EQ(RunToEnd(command).error().message(), "output of /bin/sh is larger than 7 bytes");
  EXPECT_EQ(RunToEnd({.path = "/usr/bin/yes"}).error().code(), Error::Code::kConfig);
  EXPECT_FALSE(HasChildren());
}

TEST(Processes, DoNotWaitForGrandchildren) {
  const auto finished = RunToEnd(Shell("sleep 600 & echo $!"));
  ASSERT_TRUE(finished) << finished.error();
  const auto grandchild = ParseInt(Trim(finished->output));
  ASSERT_TRUE(grandchild);
  EXPECT_EQ(::kill(static_cast<pid_t>(*grandchild), SIGKILL), 0);
}

TEST(Processes, LeakNoDescriptors) {
  const int inheritable = ::open("/dev/null", O_RDONLY);
  const std::string path = Cat("/proc/self/fd/", std::to_string(inheritable));
  EXPECT_EQ(RunToEnd(Shell(Cat("test -e ", path, " && echo leaked; true")))->output, "");
  ::close(inheritable);
  const auto open = [] { return RealHost()->ListDirectory("/proc/self/fd").value().size(); };
  const size_t before = open();
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(RunToEnd(Shell("echo x")));
  EXPECT_FALSE(RunToEnd({.path = "/no/such/program"}));
  EXPECT_EQ(open(), before);
}

}  // namespace
}  // namespace k8s
