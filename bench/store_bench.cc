// What the fake API server holds and how fast: start to ready and its resident memory, a list of
// 5,000 pods beside a copy of the same bytes, 100,000 ConfigMaps of 1 KB at rest, and 1,000
// watchers of one namespace that each receive 200 changes. Memory is that of this process, in MB of
// 1,000,000 bytes.

#include <benchmark/benchmark.h>
#include <malloc.h>

#include <algorithm>

#include "fakeapiserver/server.h"
#include "k8s/base/host.h"
#include "k8s/base/strings.h"
#include "k8s/machinery/json.h"
#include "k8s/machinery/json_codec.h"
#include "sample_pods.h"

namespace k8s::bench {
namespace {

using fakeapiserver::Answer;
using fakeapiserver::Server;
using fakeapiserver::Slices;
using fakeapiserver::Source;

constexpr int kPods = 5000;
constexpr int kMaps = 100'000;
constexpr int kWatchers = 1000;
constexpr int kChanges = 200;

double ResidentMegabytes() {
  malloc_trim(0);
  // "pages resident shared ..."
  const auto words = RealHost()->ReadFile("/proc/self/statm");
  const int64_t resident = words ? ParseInt(Split(*words, ' ')[1]).value_or(0) : 0;
  return static_cast<double>(resident) * 4096 / 1e6;
}

http::Request RequestOf(std::string method, std::string path, std::string query = {},
                        std::string body = {}) {
  http::Request request;
  request.method = std::move(method);
  request.url.path = std::move(path);
  request.url.query = std::move(query);
  request.headers.Set("Content-Type", "application/json");
  if (!body.empty()) request.body = std::make_shared<const std::string>(std::move(body));
  return request;
}

std::string MapBody(const std::string& name, char fill) {
  return Cat(R"({"metadata":{"name":")", name, R"("},"data":{"k":")", std::string(600, fill),
             R"("}})");
}

void StartToReady(benchmark::State& state) {
  const double before = ResidentMegabytes();
  for (auto _ : state) {
    Server server;
    benchmark::DoNotOptimize(server.Listen().value());
  }
  Server server;
  state.counters["MB_more_resident"] = ResidentMegabytes() - before;
  state.counters["MB_resident"] = ResidentMegabytes();
}

Server& ServerWithPods() {
  static auto* const server = [] {
    auto* made = new Server();
    for (int i = 0; i < kPods; ++i) {
      corev1::Pod pod = SamplePod(i);
      pod.metadata.resourceVersion.clear();
      std::string json;
      EncodeJson(TypeOf<corev1::Pod>(), &pod, {"v1", "Pod"}, json);
      made->Seed(ParseJson(json).value()).value();
    }
    return made;
  }();
  return *server;
}

// What a list costs, up to the bytes in a buffer that stands ready; beside it a copy of the same
// bytes into the same buffer.
void ListPods(benchmark::State& state, bool copied_only) {
  const http::Request list = RequestOf("GET", "/api/v1/namespaces/default/pods");
  const std::string whole = Gather(ServerWithPods().Serve(list).body);
  std::string buffer;
  buffer.reserve(whole.size());
  for (auto _ : state) {
    buffer.clear();
    if (copied_only) {
      buffer += whole;
    } else {
      for (const auto& slice : ServerWithPods().Serve(list).body) buffer += slice.bytes;
    }
    benchmark::DoNotOptimize(buffer);
  }
  state.SetBytesProcessed(
      static_cast<int64_t>(static_cast<size_t>(state.iterations()) * whole.size()));
}
void ListPodsAsJson(benchmark::State& state) { ListPods(state, false); }
void CopyAsManyBytes(benchmark::State& state) { ListPods(state, true); }

void ConfigMapsAtRest(benchmark::State& state) {
  for (auto _ : state) {
    const double before = ResidentMegabytes();
    Server server;
    for (int i = 0; i < kMaps; ++i) {
      const Answer answer = server.Serve(RequestOf("POST", "/api/v1/namespaces/default/configmaps",
                                                   "", MapBody(Cat("m", std::to_string(i)), 'x')));
      if (answer.status != 201) return state.SkipWithError("a ConfigMap was not created");
    }
    state.counters["MB_more_resident"] = ResidentMegabytes() - before;
  }
  state.SetItemsProcessed(state.iterations() * kMaps);
}

// Every watcher is read after every change, as a quick client would.
void ChangesForManyWatchers(benchmark::State& state) {
  for (auto _ : state) {
    Server server;
    std::vector<std::unique_ptr<Source>> watchers;
    for (int i = 0; i < kWatchers; ++i) {
      watchers.push_back(server
                             .Serve(RequestOf("GET", "/api/v1/namespaces/default/configmaps",
                                              "watch=true&resourceVersion=0"))
                             .source);
    }
    size_t lines = 0;
    const auto drain = [&] {
      for (const auto& watcher : watchers) {
        Slices out;
        while (watcher->Next(out) == Source::Outcome::kData) {
        }
        for (const auto& slice : out)
          lines += static_cast<size_t>(std::count(slice.bytes.begin(), slice.bytes.end(), '\n'));
      }
    };
    drain();
    lines = 0;
    for (int i = 0; i < kChanges; ++i) {
      server.Serve(RequestOf("POST", "/api/v1/namespaces/default/configmaps", "",
                             MapBody(Cat("m", std::to_string(i)), 'x')));
      drain();
    }
    if (lines != size_t{kWatchers} * kChanges) return state.SkipWithError("events were lost");
  }
  state.SetItemsProcessed(state.iterations() * kWatchers * kChanges);
}

BENCHMARK(StartToReady)->Unit(benchmark::kMillisecond);
BENCHMARK(ListPodsAsJson)->Unit(benchmark::kMillisecond);
BENCHMARK(CopyAsManyBytes)->Unit(benchmark::kMillisecond);
BENCHMARK(ConfigMapsAtRest)->Unit(benchmark::kMillisecond)->Iterations(1);
BENCHMARK(ChangesForManyWatchers)->Unit(benchmark::kMillisecond)->Iterations(1);

}  // namespace
}  // namespace k8s::bench

BENCHMARK_MAIN();
