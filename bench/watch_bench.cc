// Watches: what decoding an event costs the client, and what one change costs when 1, 100, 1,000 or
// 10,000 watchers wait for it. p50 and p99 are from the moment before the change was asked for to
// the moment at which a watcher has the event. In process the watchers are read one after the
// other, so the last one waits for all others; over sockets each is a typed client on a thread of
// its own.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <atomic>

#include "bench.h"
#include "k8s/api/group_versions.h"
#include "k8s/base/strings.h"
#include "k8s/base/thread.h"
#include "k8s/machinery/protobuf_codec.h"
#include "sample_pods.h"

namespace k8s::bench {
namespace {

using fakeapiserver::Server;
using fakeapiserver::Slices;
using fakeapiserver::Source;

constexpr std::string_view kMaps = "/api/v1/namespaces/default/configmaps";
constexpr auto kPatience = std::chrono::seconds(60);

// The same bytes again and again, in pieces as a socket brings them.
class EndlessBody final : public http::Body {
 public:
  explicit EndlessBody(std::string bytes) : bytes_(std::move(bytes)) {}
  Result<size_t> Read(std::string& out) override {
    const size_t count = std::min(kPiece, bytes_.size() - next_);
    out.append(bytes_, next_, count);
    next_ = (next_ + count) % bytes_.size();
    return count;
  }

 private:
  static constexpr size_t kPiece = 16384;
  std::string bytes_;
  size_t next_ = 0;
};

std::string Frame(int index, bool protobuf) {
  const corev1::Pod pod = SamplePod(index);
  std::string object, frame;
  if (protobuf) {
    EncodeProtobuf(TypeOf<corev1::Pod>(), &pod, {"v1", "Pod"}, object);
    AppendWatchFrame(rest::kModified, object, frame);
    return frame;
  }
  EncodeJson(TypeOf<corev1::Pod>(), &pod, {"v1", "Pod"}, object);
  return Cat(R"({"type":"MODIFIED","object":)", object, "}\n");
}

void DecodeEvents(benchmark::State& state, bool protobuf) {
  std::string frames;
  for (int i = 0; i < 100; ++i) frames += Frame(i, protobuf);
  const size_t frame_size = frames.size() / 100;
  auto stream = rest::WatchStream::Open({std::string(protobuf ? rest::kProtobuf : rest::kJson),
                                         std::make_unique<EndlessBody>(std::move(frames))},
                                        &FindKind)
                    .value();
  const Meter meter;
  for (auto _ : state) {
    corev1::Pod pod;
    const auto type = stream->Next(TypeOf<corev1::Pod>(), &pod);
    benchmark::DoNotOptimize(pod);
    if (type != rest::kModified) state.SkipWithError("the watch broke");
  }
  meter.Done(state, state.iterations());
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * frame_size));
}
BENCHMARK_CAPTURE(DecodeEvents, json, false)->Name("decode_event/json");
BENCHMARK_CAPTURE(DecodeEvents, protobuf, true)->Name("decode_event/protobuf");

int Watchers(const benchmark::State& state) {
  return std::min(static_cast<int>(state.range(0)), Sized(10'000, 5));
}

void Change(Server& server, int number) {
  server.Serve(
      RequestOf("POST", std::string(kMaps), "", MapBody(Cat("m", std::to_string(number)))));
}

// Every watcher is read after every change, as a quick client would.
void FanOutInProcess(benchmark::State& state) {
  const int count = Watchers(state);
  const int changes = Sized(count >= 10'000 ? 20 : 200, 2);
  Server server;
  std::vector<std::unique_ptr<Source>> watchers;
  for (int i = 0; i < count; ++i) {
    auto answer =
        server.Serve(RequestOf("GET", std::string(kMaps), "watch=true&resourceVersion=0"));
    watchers.push_back(std::move(answer.source));
  }
  int64_t events = 0;
  Latencies latencies;
  const auto drain = [&](TimePoint since) {
    for (const auto& watcher : watchers) {
      Slices out;
      while (watcher->Next(out) == Source::Outcome::kData) {
      }
      for (const auto& slice : out)
        events += std::count(slice.bytes.begin(), slice.bytes.end(), '\n');
      latencies.Add(Now() - since);
    }
  };
  drain(Now());  // what was there before
  int number = 0;
  events = 0;
  latencies = {};
  const Meter meter;
  for (auto _ : state) {
    for (int i = 0; i < changes; ++i) {
      const TimePoint since = Now();
      Change(server, number++);
      drain(since);
    }
  }
  meter.Done(state, events);
  latencies.Report(state);
  if (events != state.iterations() * count * changes) state.SkipWithError("events were lost");
}
BENCHMARK(FanOutInProcess)
    ->Name("fan_out/in_process")
    ->Arg(1)
    ->Arg(100)
    ->Arg(1000)
    ->Arg(10'000)
    ->Unit(benchmark::kMillisecond)
    ->Iterations(1);

// Watchers on threads of their own, and what they have seen.
class Audience {
 public:
  Audience(Server& server, int count, int changes) : changed_at_(static_cast<size_t>(changes)) {
    rest::Config config{.host = Cat("http://127.0.0.1:", std::to_string(server.port())),
                        .content_type = "application/json",
                        .qps = -1};
    maps_ = std::make_unique<Clientset>(Clientset::NewForConfig(config).value());
    revision_ = maps_->CoreV1().ConfigMaps("default").List().value().metadata.resourceVersion;
    for (int i = 0; i < count; ++i) {
      threads_.emplace_back(RealClock(), "watcher", [this](std::stop_token stop) { Watch(stop); });
    }
  }
  void Changing(int number) {
    changed_at_[static_cast<size_t>(number)] = Now().time_since_epoch().count();
  }
  // Until all watchers together are open, or have seen so many events. False: they did not.
  bool Wait(const int64_t& what, int64_t until) {
    std::unique_lock lock(mutex_);
    awaited_ = until;
    return RealClock()->Wait(lock, changed_, Now() + kPatience, {}, [&] { return what >= until; });
  }
  int64_t open = 0, seen = 0;
  Latencies latencies{};
  Duration cpu{};  // of the watchers

  void Leave() {
    for (Thread& thread : threads_) thread.RequestStop();
    threads_.clear();
  }

 private:
  void Watch(std::stop_token stop) {
    auto watch = maps_->CoreV1().ConfigMaps("default").Watch({.resourceVersion = revision_},
                                                             Context(std::move(stop)));
    Count(open);
    if (!watch) return;
    const Duration began = ThreadCpu();
    Latencies own;
    while (const auto event = watch->Next()) {
      const auto number = ParseInt(event->object.metadata.name.substr(1)).value_or(0);
      const TimePoint since{Duration(changed_at_[static_cast<size_t>(number)].load())};
      own.Add(Now() - since);
      Count(seen);
    }
    const std::lock_guard lock(mutex_);
    latencies.Add(own);
    cpu += ThreadCpu() - began;
  }
  void Count(int64_t& what) {
    const std::lock_guard lock(mutex_);
    if (++what == awaited_) changed_.notify_all();
  }

  std::unique_ptr<Clientset> maps_;
  std::string revision_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  int64_t awaited_ = 0;
  std::vector<std::atomic<int64_t>> changed_at_;
  std::vector<Thread> threads_;
};

void FanOutOverSockets(benchmark::State& state) {
  const int count = Watchers(state);
  const int changes = Sized(count >= 1000 ? 20 : 200, 2);
  Server server;
  server.Listen().value();
  Audience audience(server, count, changes);
  if (!audience.Wait(audience.open, count)) return state.SkipWithError("a watch did not open");
  for (auto _ : state) {
    for (int i = 0; i < changes; ++i) {
      audience.Changing(i);
      Change(server, i);
      if (!audience.Wait(audience.seen, int64_t{count} * (i + 1)))
        return state.SkipWithError("events were lost");
    }
  }
  audience.Leave();
  state.SetItemsProcessed(audience.seen);
  audience.latencies.Report(state);
  state.counters["client_cpu_us"] =
      std::chrono::duration<double, std::micro>(audience.cpu).count() /
      static_cast<double>(audience.seen);
}
BENCHMARK(FanOutOverSockets)
    ->Name("fan_out/sockets")
    ->Arg(1)
    ->Arg(100)
    ->Arg(1000)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime()
    ->Iterations(1);

}  // namespace
}  // namespace k8s::bench

BENCHMARK_MAIN();
