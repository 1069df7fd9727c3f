// The fake API server as a program of its own.

#include <csignal>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "fakeapiserver/kubeconfig.h"
#include "fakeapiserver/server.h"
#include "k8s/base/strings.h"
#include "k8s/machinery/scalars.h"

namespace k8s::fakeapiserver {
namespace {

constexpr std::string_view kHelp =
    R"(fakeapiserver: a Kubernetes API server for tests, without a cluster behind it

usage: fakeapiserver [options]

  --port N                  the port to listen on; 0 (the default) picks a free one and prints it
  --bind ADDRESS            the IP address to listen on (default 127.0.0.1)
  --load FILE_OR_DIR        create the objects of a manifest, or of every .yaml, .yml and .json file
                            of a folder, before serving; may be given several times
  --write-kubeconfig FILE   write a kubeconfig for kubectl that names this server
  --tls                     serve TLS with a certificate that is made on the spot; the kubeconfig
                            trusts it
  --tls-cert-file FILE      serve TLS with this PEM certificate ...
  --tls-private-key-file FILE   ... and this PEM key
  --controllers NAMES       finish what an API server only begins, as kube-controller-manager does:
                            namespace (a deleted one is emptied and goes away), garbage-collector
                            (dependants follow their owners), service-account (a namespace gets its
                            account and root certificates); separated by commas, or all
  --disable-http2-serving   speak HTTP/1.1 alone through TLS, and not HTTP/2, too
  --faults FILE             rules of faults, as docs/faults.md explains; may be given several times
  --fault-objects           serve faults as objects: kubectl apply -f of kind Fault in
                            fakeapiserver.test/v1
  --faults-must-fire        at the end, exit with 1 if a fault has not struck as often as it should
  --strict                  answer 501 where a real server is known to answer otherwise
                            (docs/deviations.md lists where)
  --history N               changes to remember for watches and old reads (default 100000)
  --etcd-compaction-interval DURATION   how long states of the past can be listed, at least
                            (default 5m0s; 0: as long as --history reaches)
  --help                    this text

Options may also be written --name=value. The server runs until it gets SIGINT or SIGTERM. On
standard output it prints its address, in one line, as soon as it serves. It exits with 1 when it
cannot start, saying why, and with 2 when an option is wrong.
)";

struct Flags {
  ListenerOptions listener{};
  std::vector<std::string> load{};
  std::vector<std::string> faults{};
  ControllerSet controllers{};
  bool fault_objects = false;
  bool strict = false;
  bool faults_must_fire = false;
  std::string kubeconfig{};
  StoreLimits limits{};
  bool help = false;
};

Result<int64_t> Number(std::string_view name, std::string_view text, int64_t least, int64_t most) {
  const auto number = ParseInt(text);
  if (!number || *number < least || *number > most) {
    return ConfigError(Cat(name, " must be a number from ", std::to_string(least), " to ",
                           std::to_string(most), ", not ", Quote(text)));
  }
  return *number;
}

Result<Flags> ParseFlags(const std::vector<std::string>& arguments) {
  Flags flags;
  const std::map<std::string_view, bool*> switches{
      {"--tls", &flags.listener.self_made_certificate},
      {"--disable-http2-serving", &flags.listener.disable_http2},
      {"--fault-objects", &flags.fault_objects},
      {"--faults-must-fire", &flags.faults_must_fire},
      {"--strict", &flags.strict},
  };
  for (size_t i = 0; i < arguments.size(); ++i) {
    std::string name = arguments[i];
    if (name == "--help" || name == "-h") {
      flags.help = true;
      return flags;
    }
    if (const auto found = switches.find(name); found != switches.end()) {
      *found->second = true;
      continue;
    }
    std::string value;
    if (const size_t equals = name.find('='); equals != std::string::npos) {
      value = name.substr(equals + 1);
      name.resize(equals);
    } else {
      if (i + 1 == arguments.size())
        return ConfigError(
            Cat("option ", name, " needs a value, or is not known; --help lists them all"));
      value = arguments[++i];
    }
    if (name == "--port") {
      auto port = Number(name, value, 0, 65535);
      if (!port) return port.error();
      flags.listener.port = static_cast<int>(*port);
    } else if (name == "--bind") {
      flags.listener.bind = value;
    } else if (name == "--load") {
      flags.load.push_back(value);
    } else if (name == "--faults") {
      flags.faults.push_back(value);
    } else if (name == "--controllers") {
      auto controllers = ParseControllers(value);
      if (!controllers) return controllers.error().Within(name);
      flags.controllers = *controllers;
    } else if (name == "--write-kubeconfig") {
      flags.kubeconfig = value;
    } else if (name == "--tls-cert-file") {
      flags.listener.certificate_file = value;
    } else if (name == "--tls-private-key-file") {
      flags.listener.key_file = value;
    } else if (name == "--history") {
      auto history = Number(name, value, 1, 100'000'000);
      if (!history) return history.error();
      flags.limits.history = static_cast<size_t>(*history);
    } else if (name == "--etcd-compaction-interval") {
      const auto interval = ParseDuration(value);
      if (!interval || *interval < Duration::zero()) {
        return ConfigError(
            Cat(name, " must be a duration such as 5m0s, and 0 for never, not ", Quote(value)));
      }
      flags.limits.compaction_interval = *interval;
    } else {
      return ConfigError(Cat("unknown option ", name, "; --help lists them all"));
    }
  }
  return flags;
}

Result<void> Run(const Flags& flags, const sigset_t& signals) {
  Options options;
  options.limits = flags.limits;
  options.fault_objects = flags.fault_objects;
  options.controllers = flags.controllers;
  options.strict = flags.strict;
  const Env env = options.env;
  Server server(std::move(options));
  for (const std::string& path : flags.load) {
    if (auto loaded = server.LoadPath(path); !loaded) return loaded;
  }
  for (const std::string& path : flags.faults) {
    auto text = env.host->ReadFile(path);
    if (!text) return text.error();
    if (auto loaded = server.faults().Load(path, *text); !loaded) return loaded;
  }
  auto address = server.Listen(flags.listener);
  if (!address) return address.error();
  if (!flags.kubeconfig.empty()) {
    if (auto written = env.host->WriteFile(flags.kubeconfig,
                                           KubeconfigFor(*address, server.certificate_chain()));
        !written)
      return written;
  }
  std::printf("%s\n", address->c_str());
  std::fflush(stdout);
  int signal = 0;
  sigwait(&signals, &signal);
  if (flags.faults_must_fire && server.faults().Unspent() > 0)
    return Invalid(Cat("faults that did not strike: ", server.faults().DescribeUnspent()));
  return {};
}

int Main(const std::vector<std::string>& arguments) {
  auto flags = ParseFlags(arguments);
  if (!flags) {
    std::fprintf(stderr, "fakeapiserver: %s\n", flags.error().message().c_str());
    return 2;
  }
  if (flags->help) {
    std::fwrite(kHelp.data(), 1, kHelp.size(), stdout);
    return 0;
  }
  // Blocked before any thread starts, so that only sigwait sees them.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  if (auto done = Run(*flags, signals); !done) {
    std::fprintf(stderr, "fakeapiserver: %s\n", done.error().message().c_str());
    return 1;
  }
  return 0;
}

}  // namespace
}  // namespace k8s::fakeapiserver

int main(int argc, char** argv) {
  return k8s::fakeapiserver::Main(std::vector<std::string>(argv + 1, argv + argc));
}
