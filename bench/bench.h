#pragma once

// What the benchmarks share: servers that hold pods, clients on every way to them, and the meters
// for CPU, allocations, memory and latency. Servers live as long as the program; any thread may use
// them and the functions, but a meter belongs to the thread that made it.

#include <cstdint>
#include <string>
#include <vector>

#include "fakeapiserver/server.h"
#include "k8s/api/corev1.h"
#include "k8s/base/moment.h"
#include "k8s/kubernetes/clientset.h"

namespace benchmark {
class State;
}

namespace k8s::bench {

// The size of a run; the small one when K8S_BENCH_SMALL is set, as the tests do.
int Sized(int full, int small);
bool IsSmall();

// The main of a program whose benchmarks are registered by a function of its own.
void RunBenchmarks(int argc, char** argv, void (*register_all)());

// How requests travel.
enum class Path : uint8_t { kLoopback, kPlain, kTls };
struct Way {
  Path path = Path::kLoopback;
  bool protobuf = false;
  std::string Name() const;  // "loopback/json"
};
// All six.
std::vector<Way> Ways();

// A server with so many sample pods in the namespace "default", that listens plainly or with TLS;
// made when first asked for.
fakeapiserver::Server& PodServer(int pods, bool tls = false);
// Puts SamplePod(0), ... into a server.
void AddPods(fakeapiserver::Server& server, int pods);
// Without a limit and without compression.
rest::Config ConfigOf(int pods, const Way& way);
Clientset ClientOf(int pods, const Way& way);

// A request, as the server takes it in process.
http::Request RequestOf(std::string method, std::string path, std::string query = {},
                        std::string body = {}, std::string content_type = "application/json");
// A ConfigMap as JSON, of about 600 bytes.
std::string MapBody(const std::string& name, char fill = 'x');

Duration ThreadCpu();    // of the calling thread
Duration ProcessCpu();   // of all threads
uint64_t Allocations();  // by the calling thread, since it began
// Of this process now, in MB of 1,000,000 bytes; trimmed: without what the allocator keeps for
// later.
double ResidentMegabytes(bool trimmed = true);

// What the calling thread's allocations, and the CPU of all other threads (over sockets: of the
// server), were from its making to Done, an operation. It counts `operations` of them.
class Meter {
 public:
  Meter() = default;
  void Done(benchmark::State& state, int64_t operations) const;

 private:
  uint64_t allocations_ = Allocations();
  Duration thread_ = ThreadCpu();
  Duration process_ = ProcessCpu();
};

class Latencies {
 public:
  void Add(Duration latency) { all_.push_back(latency); }
  void Add(const Latencies& other) {
    all_.insert(all_.end(), other.all_.begin(), other.all_.end());
  }
  double Microseconds(double quantile) const;
  // The counters p50_us and p99_us.
  void Report(benchmark::State& state) const;
  size_t size() const { return all_.size(); }

 private:
  std::vector<Duration> all_;
};

TimePoint Now();

}  // namespace k8s::bench
