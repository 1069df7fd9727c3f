// What a typed GET of one pod and a typed LIST of 500 cost, from the call to the struct: in process
// (the client's share and the handler's, no sockets) and over a socket on loopback, in JSON and in
// protobuf. CPU is that of the calling thread; over sockets the server runs on a thread of its own.

#include <benchmark/benchmark.h>

#include "fakeapiserver/server.h"
#include "k8s/api/corev1.h"
#include "k8s/kubernetes/clientset.h"
#include "k8s/machinery/json.h"
#include "k8s/machinery/json_codec.h"
#include "sample_pods.h"

namespace k8s::bench {
namespace {

constexpr int kPods = 500;

fakeapiserver::Server& SharedServer() {
  static auto* const server = [] {
    auto* made = new fakeapiserver::Server();
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

const std::string& SharedAddress() {
  static const std::string address = SharedServer().Listen().value();
  return address;
}

Clientset MakeClientset(bool sockets, bool protobuf) {
  rest::Config config;
  config.host = sockets ? SharedAddress() : "http://server";
  if (!sockets) config.transport = SharedServer().Loopback();
  config.content_type = protobuf ? "" : "application/json";
  config.disable_compression = true;
  config.qps = -1;
  return Clientset::NewForConfig(config).value();
}

void Get(benchmark::State& state, bool sockets, bool protobuf) {
  const auto pods = MakeClientset(sockets, protobuf).CoreV1().Pods("default");
  for (auto _ : state) {
    auto pod = pods.Get("app-7d4b9c6f5-7");
    if (!pod) state.SkipWithError(pod.error().message().c_str());
    benchmark::DoNotOptimize(pod);
  }
}

void List(benchmark::State& state, bool sockets, bool protobuf) {
  const auto pods = MakeClientset(sockets, protobuf).CoreV1().Pods("default");
  for (auto _ : state) {
    auto list = pods.List();
    if (!list || list->items.size() != kPods) state.SkipWithError("the list is not whole");
    benchmark::DoNotOptimize(list);
  }
}

void GetLoopbackJson(benchmark::State& s) { Get(s, false, false); }
void GetLoopbackProtobuf(benchmark::State& s) { Get(s, false, true); }
void GetSocketJson(benchmark::State& s) { Get(s, true, false); }
void GetSocketProtobuf(benchmark::State& s) { Get(s, true, true); }
void ListLoopbackJson(benchmark::State& s) { List(s, false, false); }
void ListLoopbackProtobuf(benchmark::State& s) { List(s, false, true); }
void ListSocketJson(benchmark::State& s) { List(s, true, false); }
void ListSocketProtobuf(benchmark::State& s) { List(s, true, true); }

BENCHMARK(GetLoopbackJson);
BENCHMARK(GetLoopbackProtobuf);
BENCHMARK(GetSocketJson);
BENCHMARK(GetSocketProtobuf);
BENCHMARK(ListLoopbackJson)->Unit(benchmark::kMicrosecond);
BENCHMARK(ListLoopbackProtobuf)->Unit(benchmark::kMicrosecond);
BENCHMARK(ListSocketJson)->Unit(benchmark::kMicrosecond);
BENCHMARK(ListSocketProtobuf)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace k8s::bench

BENCHMARK_MAIN();
