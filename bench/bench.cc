#include "bench.h"

#include <benchmark/benchmark.h>
#include <malloc.h>
#include <time.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <mutex>
#include <new>

#include "k8s/base/host.h"
#include "k8s/base/strings.h"
#include "k8s/machinery/json.h"
#include "k8s/machinery/json_codec.h"
#include "sample_pods.h"

namespace {

thread_local uint64_t allocations = 0;

void* Allocate(std::size_t size) {
  ++allocations;
  void* memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

void* operator new(std::size_t size) { return Allocate(size); }
void* operator new[](std::size_t size) { return Allocate(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

namespace k8s::bench {
namespace {

Duration ClockTime(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

double Micros(Duration duration) {
  return std::chrono::duration<double, std::micro>(duration).count();
}

std::string Address(int pods, bool tls) {
  return Cat(tls ? "https" : "http", "://127.0.0.1:", std::to_string(PodServer(pods, tls).port()));
}

}  // namespace

bool IsSmall() {
  static const bool small = RealHost()->GetEnv("K8S_BENCH_SMALL").has_value();
  return small;
}

int Sized(int full, int small) { return IsSmall() ? small : full; }

std::string Way::Name() const {
  const std::string_view name = path == Path::kLoopback ? "loopback"
                                : path == Path::kPlain  ? "plain"
                                                        : "tls";
  return Cat(name, protobuf ? "/protobuf" : "/json");
}

std::vector<Way> Ways() {
  std::vector<Way> ways;
  for (const Path path : {Path::kLoopback, Path::kPlain, Path::kTls}) {
    for (const bool protobuf : {false, true}) ways.push_back({path, protobuf});
  }
  return ways;
}

void AddPods(fakeapiserver::Server& server, int pods) {
  for (int i = 0; i < pods; ++i) {
    corev1::Pod pod = SamplePod(i);
    pod.metadata.resourceVersion.clear();
    std::string json;
    EncodeJson(TypeOf<corev1::Pod>(), &pod, {"v1", "Pod"}, json);
    server.Seed(ParseJson(json).value()).value();
  }
}

fakeapiserver::Server& PodServer(int pods, bool tls) {
  static std::mutex mutex;
  // Never destroyed: benchmarks hold connections to them until the program ends.
  static auto* const servers = new std::map<std::pair<int, bool>, fakeapiserver::Server*>();
  const std::lock_guard lock(mutex);
  fakeapiserver::Server*& server = (*servers)[{pods, tls}];
  if (server == nullptr) {
    server = new fakeapiserver::Server();
    AddPods(*server, pods);
    server->Listen({.self_made_certificate = tls}).value();
  }
  return *server;
}

rest::Config ConfigOf(int pods, const Way& way) {
  rest::Config config;
  config.host = "http://server";
  if (way.path == Path::kLoopback) {
    config.transport = PodServer(pods).Loopback();
  } else {
    config.host = Address(pods, way.path == Path::kTls);
    if (way.path == Path::kTls) config.tls.ca_data = PodServer(pods, true).certificate_chain();
  }
  config.content_type = way.protobuf ? "" : "application/json";
  // client-go, and so this client, heeds the setting only where TLS is configured, be it for
  // nothing.
  config.disable_compression = true;
  if (way.path == Path::kPlain) config.tls.insecure = true;
  config.qps = -1;
  return config;
}

Clientset ClientOf(int pods, const Way& way) {
  return Clientset::NewForConfig(ConfigOf(pods, way)).value();
}

http::Request RequestOf(std::string method, std::string path, std::string query, std::string body,
                        std::string content_type) {
  http::Request request;
  request.method = std::move(method);
  request.url.path = std::move(path);
  request.url.query = std::move(query);
  request.headers.Set("Content-Type", std::move(content_type));
  if (!body.empty()) request.body = std::make_shared<const std::string>(std::move(body));
  return request;
}

std::string MapBody(const std::string& name, char fill) {
  return Cat(R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":")", name,
             R"("},"data":{"k":")", std::string(600, fill), R"("}})");
}

Duration ThreadCpu() { return ClockTime(CLOCK_THREAD_CPUTIME_ID); }
Duration ProcessCpu() { return ClockTime(CLOCK_PROCESS_CPUTIME_ID); }
uint64_t Allocations() { return allocations; }
TimePoint Now() { return RealClock()->Now(); }

double ResidentMegabytes(bool trimmed) {
  if (trimmed) malloc_trim(0);
  // "pages resident shared ..."
  const auto words = RealHost()->ReadFile("/proc/self/statm");
  const int64_t resident = words ? ParseInt(Split(*words, ' ')[1]).value_or(0) : 0;
  return static_cast<double>(resident) * 4096 / 1e6;
}

void Meter::Done(benchmark::State& state, int64_t operations) const {
  // First, because counters allocate.
  const auto allocated = static_cast<double>(Allocations() - allocations_);
  const Duration own = ThreadCpu() - thread_;
  const Duration others = ProcessCpu() - process_ - own;
  const auto each = static_cast<double>(std::max<int64_t>(operations, 1));
  state.counters["allocs"] = {allocated / each, benchmark::Counter::kAvgThreads};
  state.counters["others_cpu_us"] = std::max(0.0, Micros(others) / each);
  state.SetItemsProcessed(operations);
}

double Latencies::Microseconds(double quantile) const {
  if (all_.empty()) return 0;
  std::vector<Duration> sorted = all_;
  const auto at = static_cast<size_t>(quantile * static_cast<double>(sorted.size() - 1) + 0.5);
  std::nth_element(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(at), sorted.end());
  return Micros(sorted[at]);
}

void Latencies::Report(benchmark::State& state) const {
  state.counters["p50_us"] = Microseconds(0.5);
  state.counters["p99_us"] = Microseconds(0.99);
}

void RunBenchmarks(int argc, char** argv, void (*register_all)()) {
  register_all();
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}

}  // namespace k8s::bench
