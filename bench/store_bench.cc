// What the fake API server's store costs, handlers included and sockets not: create, update, apply
// and list, beside a copy of the same bytes, and what an object at rest takes with its history and
// its record. Memory is that of this process, in MB of 1,000,000 bytes.

#include <benchmark/benchmark.h>

#include "bench.h"
#include "k8s/base/strings.h"
#include "k8s/machinery/json.h"
#include "k8s/machinery/json_codec.h"
#include "sample_pods.h"

namespace k8s::bench {
namespace {

using fakeapiserver::Answer;
using fakeapiserver::Server;

const std::string kMaps = "/api/v1/namespaces/default/configmaps";

std::string NameOf(int64_t number) { return Cat("m", std::to_string(number)); }

// Serves a request an iteration; one that is not answered with that status is a failure.
template <class MakeRequest>
void Serve(benchmark::State& state, Server& server, int status, MakeRequest make) {
  const Meter meter;
  for (int64_t number = 0; auto _ : state) {
    const Answer answer = server.Serve(make(++number));
    if (answer.status != status) state.SkipWithError("another status than expected");
  }
  meter.Done(state, state.iterations());
}

void Create(benchmark::State& state) {
  Server server;
  Serve(state, server, 201,
        [](int64_t number) { return RequestOf("POST", kMaps, "", MapBody(NameOf(number))); });
}
BENCHMARK(Create)->Name("create");

void Update(benchmark::State& state) {
  Server server;
  server.Serve(RequestOf("POST", kMaps, "", MapBody("m")));
  Serve(state, server, 200, [](int64_t number) {
    return RequestOf("PUT", Cat(kMaps, "/m"), "", MapBody("m", number % 2 == 0 ? 'x' : 'y'));
  });
}
BENCHMARK(Update)->Name("update");

void Apply(benchmark::State& state) {
  Server server;
  server.Serve(RequestOf("POST", kMaps, "", MapBody("m")));
  Serve(state, server, 200, [](int64_t number) {
    return RequestOf("PATCH", Cat(kMaps, "/m"), "fieldManager=bench&force=true",
                     MapBody("m", number % 2 == 0 ? 'x' : 'y'), "application/apply-patch+yaml");
  });
}
BENCHMARK(Apply)->Name("apply");

const std::string kPods = "/api/v1/namespaces/default/pods";
constexpr std::string_view kApply = "application/apply-patch+yaml";

// A sample pod as a user would send it, with the number in an annotation.
std::string PodBody(const std::string& name, int64_t number) {
  corev1::Pod pod = SamplePod(1);
  metav1::ObjectMeta metadata{.name = name, .namespace_ = "default"};
  metadata.labels = pod.metadata.labels;
  metadata.annotations = pod.metadata.annotations;
  metadata.annotations["changed"] = std::to_string(number);
  pod.metadata = std::move(metadata);
  pod.status = {};
  std::string json;
  EncodeJson(TypeOf<corev1::Pod>(), &pod, {"v1", "Pod"}, json);
  return json;
}

http::Request ApplyPod(const std::string& manager, int64_t number) {
  return RequestOf("PATCH", Cat(kPods, "/p"), Cat("fieldManager=", manager, "&force=true"),
                   PodBody("p", number), std::string(kApply));
}

// A server with the pod "p", which one manager has applied and another has created.
std::unique_ptr<Server> ServerWithPod() {
  auto server = std::make_unique<Server>();
  server->Serve(RequestOf("POST", kPods, "fieldManager=creator", PodBody("p", 0)));
  server->Serve(ApplyPod("applier", -1));
  return server;
}

void CreatePods(benchmark::State& state) {
  Server server;
  Serve(state, server, 201, [](int64_t number) {
    return RequestOf("POST", kPods, "", PodBody(Cat("p", std::to_string(number)), number));
  });
}
BENCHMARK(CreatePods)->Name("create_pods");

// PUT of what the server has answered, but for one annotation.
void UpdatePods(benchmark::State& state) {
  const auto server = ServerWithPod();
  Value sent =
      ParseJson(fakeapiserver::Gather(server->Serve(RequestOf("GET", Cat(kPods, "/p"))).body))
          .value();
  sent["metadata"].Remove("resourceVersion");
  constexpr std::string_view kMark = "@changed@";
  sent["metadata"]["annotations"].Set("changed", kMark);
  const std::string body = ToJson(sent);
  const size_t mark = body.find(kMark);
  const std::string head = body.substr(0, mark), tail = body.substr(mark + kMark.size());
  Serve(state, *server, 200, [&](int64_t number) {
    return RequestOf("PUT", Cat(kPods, "/p"), "", Cat(head, std::to_string(number), tail));
  });
}
BENCHMARK(UpdatePods)->Name("update_pods");

void MergePatchPods(benchmark::State& state) {
  const auto server = ServerWithPod();
  Serve(state, *server, 200, [](int64_t number) {
    return RequestOf(
        "PATCH", Cat(kPods, "/p"), "",
        Cat(R"({"metadata":{"annotations":{"changed":")", std::to_string(number), R"("}}})"),
        "application/merge-patch+json");
  });
}
BENCHMARK(MergePatchPods)->Name("merge_patch_pods");

void ApplyPods(benchmark::State& state) {
  const auto server = ServerWithPod();
  Serve(state, *server, 200, [](int64_t number) { return ApplyPod("applier", number); });
}
BENCHMARK(ApplyPods)->Name("apply_pods");

void Get(benchmark::State& state) {
  Server& server = PodServer(Sized(5000, 20));
  Serve(state, server, 200, [](int64_t) {
    return RequestOf("GET", "/api/v1/namespaces/default/pods/app-7d4b9c6f5-7");
  });
}
BENCHMARK(Get)->Name("get");

// What a list costs, up to the bytes in a buffer that stands ready; beside it a copy of the same
// bytes into the same buffer.
void ListPods(benchmark::State& state, bool copied_only) {
  Server& server = PodServer(Sized(5000, 20));
  const http::Request list = RequestOf("GET", "/api/v1/namespaces/default/pods");
  const std::string whole = fakeapiserver::Gather(server.Serve(list).body);
  std::string buffer;
  buffer.reserve(whole.size());
  const Meter meter;
  for (auto _ : state) {
    buffer.clear();
    if (copied_only) {
      buffer += whole;
    } else {
      for (const auto& slice : server.Serve(list).body) buffer += slice.bytes;
    }
    benchmark::DoNotOptimize(buffer);
  }
  meter.Done(state, state.iterations());
  state.SetBytesProcessed(
      static_cast<int64_t>(static_cast<size_t>(state.iterations()) * whole.size()));
}
BENCHMARK_CAPTURE(ListPods, list, false)->Name("list")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(ListPods, copy, true)->Name("copy_of_the_list")->Unit(benchmark::kMillisecond);

void AtRest(benchmark::State& state) {
  const int maps = Sized(100'000, 100);
  for (auto _ : state) {
    const double before = ResidentMegabytes();
    Server server;
    for (int i = 0; i < maps; ++i) {
      if (server.Serve(RequestOf("POST", kMaps, "", MapBody(NameOf(i)))).status != 201)
        return state.SkipWithError("a ConfigMap was not created");
    }
    const double more = ResidentMegabytes() - before;
    state.counters["MB"] = more;
    state.counters["bytes_an_object"] = more * 1e6 / maps;
  }
  state.SetItemsProcessed(state.iterations() * maps);
}
BENCHMARK(AtRest)->Name("at_rest")->Unit(benchmark::kMillisecond)->Iterations(1);

}  // namespace
}  // namespace k8s::bench

BENCHMARK_MAIN();
