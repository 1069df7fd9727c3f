// What a request costs, step by step and as a whole.
//
// The steps: building the URL and the request, encoding a body, sending it through the client's
// layers to a transport that answers at once, deciding whether to try again, decoding the answer.
//
// The whole, from the call to the struct: GET, LIST, ListEach, create, update and patch of pods, in
// process (loopback) and over sockets, plain and TLS, in JSON and in protobuf; GET also by 8 and 64
// callers at once, and at a fixed rate, where latency counts from the moment at which a call was
// due, so that a slow answer is charged to all calls that waited for it.
//
// CPU is that of the calling thread; over sockets that is the client alone, and others_cpu_us is
// the server's.

#include <benchmark/benchmark.h>

#include "bench.h"
#include "k8s/api/group_versions.h"
#include "k8s/base/strings.h"
#include "k8s/http/replay_safe.h"
#include "k8s/machinery/protobuf_codec.h"
#include "k8s/rest/request.h"
#include "sample_pods.h"

namespace k8s::bench {
namespace {

constexpr const char* kName = "app-7d4b9c6f5-7";

// Answers every request at once with the same bytes.
class Canned final : public http::RoundTripper {
 public:
  explicit Canned(std::string body, bool protobuf)
      : body_(std::make_shared<const std::string>(std::move(body))), protobuf_(protobuf) {}
  Result<http::Response> RoundTrip(const http::Request&, const Context&) override {
    http::Response response{.status = 200, .body = http::StringBody(body_)};
    response.headers.Set("Content-Type", std::string(protobuf_ ? rest::kProtobuf : rest::kJson));
    return response;
  }

 private:
  std::shared_ptr<const std::string> body_;
  bool protobuf_;
};

std::string PodBytes(bool protobuf) {
  const corev1::Pod pod = SamplePod(7);
  std::string bytes;
  (protobuf ? EncodeProtobuf : EncodeJson)(TypeOf<corev1::Pod>(), &pod, {"v1", "Pod"}, bytes);
  return bytes;
}

Clientset CannedClient(bool protobuf) {
  rest::Config config{.host = "http://server",
                      .content_type = protobuf ? "" : "application/json",
                      .transport = std::make_shared<Canned>(PodBytes(protobuf), protobuf),
                      .qps = -1};
  return Clientset::NewForConfig(config).value();
}

// ---- the steps ----

void BuildRequest(benchmark::State& state) {
  const auto rest = CannedClient(false).CoreV1().Pods("default");
  const Meter meter;
  for (auto _ : state) {
    auto request =
        rest.RESTClient().Get().Namespace("default").Resource("pods").Name(kName).Build();
    benchmark::DoNotOptimize(request);
  }
  meter.Done(state, state.iterations());
}
BENCHMARK(BuildRequest)->Name("step/build");

void EncodeBody(benchmark::State& state, bool protobuf) {
  const auto pods = CannedClient(protobuf).CoreV1().Pods("default");
  const corev1::Pod pod = SamplePod(7);
  const Meter meter;
  for (auto _ : state) {
    rest::Request request = pods.RESTClient().Post();
    if (protobuf) request.UseProtobufAsDefault();
    request.Body(TypeOf<corev1::Pod>(), &pod, {"v1", "Pod"});
    benchmark::DoNotOptimize(request);
  }
  meter.Done(state, state.iterations());
}
BENCHMARK_CAPTURE(EncodeBody, json, false)->Name("step/encode/json");
BENCHMARK_CAPTURE(EncodeBody, protobuf, true)->Name("step/encode/protobuf");

void SendThroughLayers(benchmark::State& state) {
  const auto pods = CannedClient(false).CoreV1().Pods("default");
  const auto request =
      pods.RESTClient().Get().Namespace("default").Resource("pods").Name(kName).Build().value();
  const Meter meter;
  for (auto _ : state) {
    auto response = pods.RESTClient().options().stack->RoundTrip(request, {});
    benchmark::DoNotOptimize(response);
  }
  meter.Done(state, state.iterations());
}
BENCHMARK(SendThroughLayers)->Name("step/send");

void DecideWhetherAgain(benchmark::State& state) {
  Result<http::Response> outcome = http::Response{.status = 503};
  outcome->headers.Set("Retry-After", "1");
  for (auto _ : state) {
    bool again = http::MayHeal(outcome) && http::MayRepeat(http::CallClass::kRead, outcome);
    benchmark::DoNotOptimize(again);
  }
}
BENCHMARK(DecideWhetherAgain)->Name("step/decide");

void DecodeAnswer(benchmark::State& state, bool protobuf) {
  rest::Answer answer{.status_code = 200,
                      .content_type = std::string(protobuf ? rest::kProtobuf : rest::kJson),
                      .body = PodBytes(protobuf),
                      .find_kind = &FindKind};
  const Meter meter;
  for (auto _ : state) {
    corev1::Pod pod;
    auto read = answer.Into(TypeOf<corev1::Pod>(), &pod);
    benchmark::DoNotOptimize(pod);
    if (!read) state.SkipWithError(read.error().message().c_str());
  }
  meter.Done(state, state.iterations());
}
BENCHMARK_CAPTURE(DecodeAnswer, json, false)->Name("step/decode/json");
BENCHMARK_CAPTURE(DecodeAnswer, protobuf, true)->Name("step/decode/protobuf");

void AllSteps(benchmark::State& state, bool protobuf) {
  const auto pods = CannedClient(protobuf).CoreV1().Pods("default");
  const Meter meter;
  for (auto _ : state) {
    auto pod = pods.Get(kName);
    benchmark::DoNotOptimize(pod);
    if (!pod) state.SkipWithError(pod.error().message().c_str());
  }
  meter.Done(state, state.iterations());
}
BENCHMARK_CAPTURE(AllSteps, json, false)->Name("step/all/json");
BENCHMARK_CAPTURE(AllSteps, protobuf, true)->Name("step/all/protobuf");

// ---- the whole ----

int FewPods() { return Sized(500, 10); }
int ManyPods() { return Sized(5000, 20); }

void Get(benchmark::State& state, const Way& way) {
  // The callers of one program share a client, and with it the connections.
  static std::map<std::string, Clientset> clients;
  static std::mutex mutex;
  const auto pods = [&] {
    const std::lock_guard lock(mutex);
    return clients.try_emplace(way.Name(), ClientOf(FewPods(), way))
        .first->second.CoreV1()
        .Pods("default");
  }();
  const Meter meter;
  for (auto _ : state) {
    auto pod = pods.Get(kName);
    benchmark::DoNotOptimize(pod);
    if (!pod) state.SkipWithError(pod.error().message().c_str());
  }
  meter.Done(state, state.iterations());
  if (state.threads() > 1) state.counters.erase("others_cpu_us");  // it has the other callers' too
}

void List(benchmark::State& state, const Way& way, int count) {
  const auto pods = ClientOf(count, way).CoreV1().Pods("default");
  const Meter meter;
  for (auto _ : state) {
    auto list = pods.List();
    benchmark::DoNotOptimize(list);
    if (!list || list->items.size() != static_cast<size_t>(count))
      state.SkipWithError("the list is not whole");
  }
  meter.Done(state, state.iterations());
}

void ListEach(benchmark::State& state, const Way& way, int count) {
  const auto pods = ClientOf(count, way).CoreV1().Pods("default");
  const Meter meter;
  for (auto _ : state) {
    int items = 0;
    const auto list = pods.ListEach({}, [&](corev1::Pod&& pod) {
      benchmark::DoNotOptimize(pod);
      return ++items > 0;
    });
    if (!list || items != count) state.SkipWithError("the list is not whole");
  }
  meter.Done(state, state.iterations());
}

void Create(benchmark::State& state, const Way& way) {
  const auto maps = ClientOf(FewPods(), way).CoreV1().ConfigMaps("default");
  corev1::ConfigMap map{.metadata = {.generateName = "m-"}};
  map.data = {{"key", std::string(600, 'x')}};
  const Meter meter;
  for (auto _ : state) {
    auto created = maps.Create(map);
    benchmark::DoNotOptimize(created);
    if (!created) state.SkipWithError(created.error().message().c_str());
  }
  meter.Done(state, state.iterations());
  maps.DeleteCollection().value();
}

void Update(benchmark::State& state, const Way& way) {
  const auto pods = ClientOf(FewPods(), way).CoreV1().Pods("default");
  corev1::Pod pod = pods.Get(kName).value();
  const Meter meter;
  for (int64_t count = 0; auto _ : state) {
    pod.metadata.annotations["count"] = std::to_string(++count);
    auto updated = pods.Update(pod);
    if (!updated) {
      state.SkipWithError(updated.error().message().c_str());
      break;
    }
    pod = *std::move(updated);
  }
  meter.Done(state, state.iterations());
}

void Patch(benchmark::State& state, const Way& way) {
  const auto pods = ClientOf(FewPods(), way).CoreV1().Pods("default");
  const Meter meter;
  for (int64_t count = 0; auto _ : state) {
    auto patched = pods.Patch(
        kName, PatchType::kMergePatch,
        Cat(R"({"metadata":{"annotations":{"count":")", std::to_string(++count), R"("}}})"));
    benchmark::DoNotOptimize(patched);
    if (!patched) state.SkipWithError(patched.error().message().c_str());
  }
  meter.Done(state, state.iterations());
}

// ---- memory ----

// A list of so many bytes that is made while it is read.
class LongList final : public http::Body {
 public:
  LongList(std::string head, std::string item, std::string tail, size_t items)
      : next_(std::move(head)), item_(std::move(item)), tail_(std::move(tail)), left_(items) {}
  Result<size_t> Read(std::string& out) override {
    const size_t before = out.size();
    out += next_;
    next_.clear();
    for (size_t i = 0; i < 20 && left_ > 0; ++i, --left_) out += item_;
    if (left_ == 0) next_ = std::exchange(tail_, {});
    return out.size() - before;
  }

 private:
  std::string next_, item_, tail_;
  size_t left_;
};

std::string Varint(size_t number) {
  std::string bytes;
  for (; number >= 0x80; number >>= 7) bytes += static_cast<char>(number | 0x80);
  return bytes + static_cast<char>(number);
}

std::unique_ptr<http::Body> LongListOfPods(bool protobuf, size_t bytes) {
  if (!protobuf) {
    const std::string pod = PodBytes(false);
    return std::make_unique<LongList>(
        R"({"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"1"},"items":[)" + pod,
        "," + pod, "]}", bytes / pod.size());
  }
  const corev1::Pod sample = SamplePod(7);
  std::string pod;
  EncodeProtobufMessage(TypeOf<corev1::Pod>(), &sample, pod);
  const std::string item = Cat("\x12", Varint(pod.size()), pod);
  const size_t items = bytes / item.size();
  const std::string meta("\x0a\x0d\x0a\x02v1\x12\x07PodList", 15);
  return std::make_unique<LongList>(
      Cat(std::string("k8s\0", 4), meta, "\x12", Varint(items * item.size())), item, "", items);
}

class LongAnswer final : public http::RoundTripper {
 public:
  LongAnswer(bool protobuf, size_t bytes) : protobuf_(protobuf), bytes_(bytes) {}
  Result<http::Response> RoundTrip(const http::Request&, const Context&) override {
    http::Response response{.status = 200, .body = LongListOfPods(protobuf_, bytes_)};
    response.headers.Set("Content-Type", std::string(protobuf_ ? rest::kProtobuf : rest::kJson));
    return response;
  }

 private:
  bool protobuf_;
  size_t bytes_;
};

// MB_more is the most that the program had in memory beyond what it began with.
void ListEachOfAGigabyte(benchmark::State& state, bool protobuf) {
  const auto bytes = static_cast<size_t>(Sized(1'000'000'000, 1'000'000));
  const auto pods =
      Clientset::NewForConfig(
          {.host = "http://server", .transport = std::make_shared<LongAnswer>(protobuf, bytes)})
          .value()
          .CoreV1()
          .Pods("default");
  const double before = ResidentMegabytes();
  double most = 0;
  int64_t items = 0;
  for (auto _ : state) {
    const auto list = pods.ListEach({}, [&](corev1::Pod&&) {
      if (++items % 500 == 0) most = std::max(most, ResidentMegabytes(false) - before);
      return true;
    });
    if (!list) state.SkipWithError(list.error().message().c_str());
  }
  state.counters["MB_more"] = most;
  state.SetItemsProcessed(items);
  state.SetBytesProcessed(static_cast<int64_t>(bytes) * state.iterations());
}
BENCHMARK_CAPTURE(ListEachOfAGigabyte, json, false)
    ->Name("memory/list_each_1GB/json")
    ->Unit(benchmark::kMillisecond)
    ->Iterations(1);
BENCHMARK_CAPTURE(ListEachOfAGigabyte, protobuf, true)
    ->Name("memory/list_each_1GB/protobuf")
    ->Unit(benchmark::kMillisecond)
    ->Iterations(1);

// A call is due every so many microseconds; how late it ended is what its caller felt.
void GetAtRate(benchmark::State& state, const Way& way) {
  const auto pods = ClientOf(FewPods(), way).CoreV1().Pods("default");
  const auto every = std::chrono::microseconds(state.range(0));
  const int calls = Sized(2000, 3);
  Latencies latencies;
  for (auto _ : state) {
    TimePoint due = Now();
    for (int i = 0; i < calls; ++i, due += every) {
      if (due > Now()) Sleep(*RealClock(), due - Now(), {}).value();
      auto pod = pods.Get(kName);
      if (!pod) state.SkipWithError(pod.error().message().c_str());
      latencies.Add(Now() - due);
    }
  }
  latencies.Report(state);
}

void RegisterAll() {
  for (const Way& way : Ways()) {
    const auto add = [&](std::string name, auto body, auto... arguments) {
      return benchmark::RegisterBenchmark(Cat(name, "/", way.Name()).c_str(), body, way,
                                          arguments...)
          ->Unit(benchmark::kMicrosecond);
    };
    add("get", Get);
    add("list_few", List, FewPods());
    add("list_many", List, ManyPods());
    add("list_each_many", ListEach, ManyPods());
    add("create", Create);
    add("update", Update);
    add("patch", Patch);
    if (way.path != Path::kLoopback) {
      add("get_callers", Get)->Threads(8)->Threads(64)->UseRealTime();
      add("get_at_rate", GetAtRate)->Arg(1000)->Iterations(1);
    }
  }
}

}  // namespace
}  // namespace k8s::bench

int main(int argc, char** argv) { k8s::bench::RunBenchmarks(argc, argv, k8s::bench::RegisterAll); }
