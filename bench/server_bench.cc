// The fake API server from outside: start to ready with its resident memory, and what it answers
// over sockets to eight callers that read the bytes and decode nothing. server_cpu_us is the CPU of
// the server's threads for a request.

#include <benchmark/benchmark.h>

#include <atomic>

#include "bench.h"
#include "k8s/base/strings.h"
#include "k8s/base/thread.h"
#include "k8s/rest/request.h"

namespace k8s::bench {
namespace {

using fakeapiserver::Server;

void StartToReady(benchmark::State& state) {
  const double before = ResidentMegabytes();
  for (auto _ : state) {
    Server server;
    benchmark::DoNotOptimize(server.Listen().value());
  }
  Server server;
  server.Listen().value();
  state.counters["MB_more"] = ResidentMegabytes() - before;
  state.counters["MB"] = ResidentMegabytes();
}
BENCHMARK(StartToReady)->Name("start_to_ready")->Unit(benchmark::kMillisecond);

// Eight callers send `requests` each; `name` is of one pod, or empty for the list of all.
void Answers(benchmark::State& state, bool tls, bool protobuf, const char* name, int requests) {
  constexpr int kCallers = 8;
  const Way way{tls ? Path::kTls : Path::kPlain, protobuf};
  const auto pods = ClientOf(Sized(5000, 20), way).CoreV1().Pods("default");
  std::atomic<int64_t> callers_cpu = 0, bytes = 0, failures = 0;
  const auto call = [&] {
    const Duration began = ThreadCpu();
    for (int i = 0; i < requests; ++i) {
      rest::Request request = pods.RESTClient().Get();
      request.Namespace("default").Resource("pods");
      if (protobuf) request.UseProtobufAsDefault();
      if (*name != '\0') request.Name(name);
      const auto answer = request.DoRaw();
      if (answer) bytes += static_cast<int64_t>(answer->size());
      if (!answer) ++failures;
    }
    callers_cpu += (ThreadCpu() - began).count();
  };
  const Duration began = ProcessCpu();
  for (auto _ : state) {
    std::vector<Thread> callers;
    for (int i = 0; i < kCallers; ++i)
      callers.emplace_back(RealClock(), "caller", [&](std::stop_token) { call(); });
    for (Thread& caller : callers) caller.Join();
  }
  const double server_cpu =
      static_cast<double>((ProcessCpu() - began).count() - callers_cpu.load()) / 1e3;
  const int64_t answers = state.iterations() * kCallers * requests;
  if (failures > 0) state.SkipWithError("a request failed");
  state.counters["server_cpu_us"] = server_cpu / static_cast<double>(answers);
  state.SetItemsProcessed(answers);
  state.SetBytesProcessed(bytes);
}

void RegisterAll() {
  for (const bool tls : {false, true}) {
    for (const bool protobuf : {false, true}) {
      const std::string way = Cat(tls ? "tls" : "plain", protobuf ? "/protobuf" : "/json");
      const auto add = [&](std::string_view what, const char* name, int requests) {
        benchmark::RegisterBenchmark(Cat(what, "/", way).c_str(), Answers, tls, protobuf, name,
                                     requests)
            ->Unit(benchmark::kMillisecond)
            ->UseRealTime()
            ->Iterations(1);
      };
      add("get", "app-7d4b9c6f5-7", Sized(5000, 3));
      add("list", "", Sized(2, 1));
    }
  }
}

}  // namespace
}  // namespace k8s::bench

int main(int argc, char** argv) { k8s::bench::RunBenchmarks(argc, argv, k8s::bench::RegisterAll); }
