// The program as a person meets it: options, messages, exit codes, files. Each test spawns it.

#include <arpa/inet.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <regex>

#include "fakeapiserver/core.h"
#include "fakeapiserver/scratch_folder_for_test.h"
#include "k8s/base/strings.h"
#include "k8s/http/socket_transport.h"
#include "k8s/http/tls_server_for_test.h"

namespace k8s::fakeapiserver {
namespace {

using http::MakeCertificate;
using testing::HasSubstr;
using testing::StartsWith;

// A program with its standard output and error at pipes.
class Process {
 public:
  explicit Process(std::vector<std::string> arguments) {
    int out[2], err[2];
    EXPECT_EQ(pipe2(out, O_CLOEXEC), 0);
    EXPECT_EQ(pipe2(err, O_CLOEXEC), 0);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    posix_spawn_file_actions_adddup2(&actions, err[1], 2);
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    // lint: the door runs programs to their end, and leaves their standard error alone
    EXPECT_EQ(posix_spawnp(&pid_, argv[0], &actions, nullptr, argv.data(), environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    close(out[1]);
    close(err[1]);
    out_ = out[0];
    err_ = err[0];
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process() {
    if (pid_ > 0) kill(pid_, SIGKILL), Wait();
    close(out_);
    close(err_);
  }

  // What it prints up to a line end, or all there is when it ends before.
  std::string OutputLine() { return ReadUntil(out_, '\n'); }
  std::string Output() { return ReadUntil(out_, -1); }
  std::string Errors() { return ReadUntil(err_, -1); }
  void Terminate() const { kill(pid_, SIGTERM); }
  int Wait() {
    int status = 0;
    waitpid(std::exchange(pid_, -1), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

 private:
  static std::string ReadUntil(int fd, int end) {
    std::string text;
    char c;
    while (read(fd, &c, 1) == 1 && c != end) text += c;
    return text;
  }

  pid_t pid_ = -1;
  int out_ = -1, err_ = -1;
};

std::vector<std::string> Command(std::vector<std::string> options) {
  options.insert(options.begin(), K8S_FAKEAPISERVER);
  return options;
}

// A start that fails: "exit code: standard error". Nothing comes on standard output.
std::string Failure(std::vector<std::string> options) {
  Process process(Command(std::move(options)));
  EXPECT_EQ(process.Output(), "");
  const std::string errors = process.Errors();
  return Cat(std::to_string(process.Wait()), ": ", errors);
}
std::string OneLine(int code, std::string_view message) {
  return Cat(std::to_string(code), ": fakeapiserver: ", message, "\n");
}

TEST(Program, HelpNamesEveryOption) {
  Process process(Command({"--help"}));
  const std::string help = process.Output();
  EXPECT_EQ(process.Errors(), "");
  EXPECT_EQ(process.Wait(), 0);
  const std::string source = RealHost()->ReadFile(K8S_SOURCE_DIR "/fakeapiserver/main.cc").value();
  const std::regex compared("name == \"(--[a-z-]+)\"");
  int options = 0;
  for (std::sregex_iterator found(source.begin(), source.end(), compared), none; found != none;
       ++found, ++options) {
    EXPECT_THAT(help, HasSubstr(Cat("\n  ", (*found)[1].str(), " ")));
  }
  EXPECT_GE(options, 7);
}

TEST(Program, WrongOptionsExitWithTwo) {
  EXPECT_EQ(Failure({"--nope", "1"}), OneLine(2, "unknown option --nope; --help lists them all"));
  EXPECT_EQ(Failure({"stray"}),
            OneLine(2, "option stray needs a value, or is not known; --help lists them all"));
  EXPECT_EQ(Failure({"--port=70000"}),
            OneLine(2, "--port must be a number from 0 to 65535, not \"70000\""));
  EXPECT_EQ(Failure({"--etcd-compaction-interval=soon"}),
            OneLine(2,
                    "--etcd-compaction-interval must be a duration such as 5m0s, and 0 for never, "
                    "not \"soon\""));
  EXPECT_EQ(Failure({"--history", "0"}),
            OneLine(2, "--history must be a number from 1 to 100000000, not \"0\""));
}

TEST(Program, SaysWhyItCannotListen) {
  const int taken = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(bind(taken, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(listen(taken, 1), 0);
  getsockname(taken, reinterpret_cast<sockaddr*>(&address), &size);
  const std::string port = std::to_string(ntohs(address.sin_port));
  EXPECT_EQ(Failure({"--port", port}),
            OneLine(1, Cat("listen on 127.0.0.1:", port, ": address already in use")));
  close(taken);
  EXPECT_EQ(Failure({"--bind", "nonsense"}),
            OneLine(1, "listen on nonsense:0: nonsense is not an IP address"));
}

TEST(Program, NamesThePlaceInAManifestThatDoesNotParse) {
  const ScratchFolder folder;
  const std::string file = folder.Write(
      "broken.yaml", "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n---\na: 1\nb: {c\n");
  const std::string failure = Failure({"--load", file});
  EXPECT_THAT(failure, StartsWith(Cat("1: fakeapiserver: ", file, ": document 2: line ")));
  EXPECT_EQ(std::count(failure.begin(), failure.end(), '\n'), 1);
}

TEST(Program, NamesAKindThatIsNotServed) {
  const ScratchFolder folder;
  folder.Write("a.yaml", "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n");
  const std::string file =
      folder.Write("b.yaml", "# shop\n---\napiVersion: example.com/v1\nkind: Shop\n");
  EXPECT_EQ(Failure({"--load", folder.path()}),
            OneLine(1, Cat(file,
                           ": document 1 (line 3): kind \"Shop\" in version "
                           "\"example.com/v1\" is not served")));
  EXPECT_EQ(Failure({"--load", folder.path() + "/missing.yaml"}),
            OneLine(1, Cat("open ", folder.path(), "/missing.yaml: no such file or directory")));
}

TEST(Program, NamesTheFileThatItCannotWrite) {
  const ScratchFolder folder;
  const std::string file = folder.path() + "/missing/kubeconfig";
  EXPECT_EQ(Failure({"--write-kubeconfig", file}),
            OneLine(1, Cat("create ", file, ": no such file or directory")));
}

TEST(Program, NamesTheCertificateThatItCannotUse) {
  const ScratchFolder folder;
  const std::string certificate =
                        folder.Write("a.crt", MakeCertificate("a", "IP:127.0.0.1").CertPem()),
                    missing = folder.path() + "/missing.crt";
  EXPECT_EQ(Failure({"--tls-cert-file", certificate}),
            OneLine(1, Cat("certificate ", certificate, " needs a key file beside it")));
  EXPECT_EQ(Failure({"--tls-cert-file", missing, "--tls-private-key-file", certificate}),
            OneLine(1, Cat("open ", missing, ": no such file or directory")));
}

TEST(Program, RefusesBodiesOverThreeMebibytes) {  // S-3.14
  Process process(Command({}));
  const std::string address = process.OutputLine();
  const auto transport = http::NewSocketTransport({}).value();
  const auto post = [&](size_t bytes) {
    http::Request request{
        .method = "POST",
        .url = http::Url::Parse(Cat(address, "/api/v1/namespaces/default/configmaps")).value()};
    request.body = std::make_shared<const std::string>(bytes, ' ');
    auto answer = transport->RoundTrip(request, {}).value();
    return Cat(std::to_string(answer.status), " ", answer.body->ReadAll().value());
  };
  EXPECT_THAT(post(kMaxRequestBody + 1),
              testing::AllOf(StartsWith("413 "), HasSubstr(R"("reason":"RequestEntityTooLarge")")));
  EXPECT_THAT(post(kMaxRequestBody), StartsWith("400 "));  // long enough, and no object
}

TEST(Program, AStrictOneRefusesWhatItAnswersOtherwise) {
  Process process(Command({"--strict", "--etcd-compaction-interval", "0"}));
  const std::string address = process.OutputLine();
  const auto transport = http::NewSocketTransport({}).value();
  const auto status = [&](std::string_view path) {
    const http::Request request{.method = "GET",
                                .url = http::Url::Parse(Cat(address, path)).value()};
    return transport->RoundTrip(request, {}).value().status;
  };
  EXPECT_EQ(status("/api/v1/namespaces"), 200);
  EXPECT_EQ(status("/metrics"), 501);
  EXPECT_EQ(status("/fake/v1/deviations"), 200);
}

TEST(Program, EndsCleanlyWhenItIsAskedTo) {
  Process process(Command({}));
  EXPECT_THAT(process.OutputLine(), StartsWith("http://127.0.0.1:"));
  process.Terminate();
  EXPECT_EQ(process.Output(), "");
  EXPECT_EQ(process.Errors(), "");
  EXPECT_EQ(process.Wait(), 0);
}

TEST(Program, WritesAKubeconfigWithWhichKubectlVerifiesTheCertificate) {
  if (std::system("kubectl version --client >/dev/null 2>&1") != 0)
    GTEST_SKIP() << "kubectl is not installed";
  const ScratchFolder folder;
  const auto authority = MakeCertificate("authority", "");
  const auto by_address = MakeCertificate("a", "IP:127.0.0.1", &authority),
             by_name = MakeCertificate("b", "DNS:api.test");
  for (const auto& [chain, key] :
       {std::pair(by_address.CertPem() + authority.CertPem(), by_address.KeyPem()),
        std::pair(by_name.CertPem(), by_name.KeyPem())}) {
    const std::string kubeconfig = folder.path() + "/kubeconfig";
    Process server(Command({"--write-kubeconfig", kubeconfig, "--tls-cert-file",
                            folder.Write("tls.crt", chain), "--tls-private-key-file",
                            folder.Write("tls.key", key)}));
    ASSERT_THAT(server.OutputLine(), StartsWith("https://127.0.0.1:"));
    EXPECT_THAT(RealHost()->ReadFile(kubeconfig).value(),
                testing::Not(HasSubstr("insecure-skip-tls-verify")));
    Process kubectl({"kubectl", "--kubeconfig", kubeconfig, "--cache-dir", folder.path() + "/cache",
                     "get", "namespaces", "-o", "name"});
    EXPECT_THAT(kubectl.Output(), HasSubstr("namespace/default\n"));
    EXPECT_EQ(kubectl.Errors(), "");
    EXPECT_EQ(kubectl.Wait(), 0);
  }
}

}  // namespace
}  // namespace k8s::fakeapiserver
