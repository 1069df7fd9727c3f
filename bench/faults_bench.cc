// What callers get from a server that fails, under client-go's rules and under ReplaySafe, in
// virtual time: the time of the tables is the time that a caller would have waited.
//
// Goodput: 1,000 calls, one every 100 ms at most, of which so many percent of the attempts fail.
// ok_percent is of the calls, attempts counts what the server saw, wait_ms is the virtual time of a
// call. Recovery: the server fails for 30 s; recovery_ms is how long after its end the first call
// came back well, failed is how many calls came back badly.

#include <benchmark/benchmark.h>

#include "bench.h"
#include "k8s/base/fake_clock.h"
#include "k8s/base/strings.h"

namespace k8s::bench {
namespace {

using namespace std::chrono_literals;
using fakeapiserver::Rule;
using fakeapiserver::Server;

struct Failure {
  std::string_view name;
  void (*make)(Rule& rule);
};
constexpr Failure kFailures[] = {
    {"busy", [](Rule& rule) { rule.Reply(429).RetryAfter(1s); }},
    {"error", [](Rule& rule) { rule.Reply(500); }},
    {"reset", [](Rule& rule) { rule.Reset(); }},
};

double Milliseconds(Duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

// A server, a client of it and their clock.
struct World {
  explicit World(bool replay_safe) {
    rest::Config config{.host = "http://server",
                        .content_type = "application/json",
                        .transport = server.Loopback(),
                        .qps = -1};
    if (replay_safe) config.retry_policy = http::ReplaySafe();
    config.env = {.clock = clock, .random = SeededRandom(7)};
    client = std::make_unique<Clientset>(Clientset::NewForConfig(config).value());
  }
  // A GET of what is there, or a create of something new.
  bool Call(bool create, int number) const {
    const auto maps = client->CoreV1().ConfigMaps("default");
    if (!create) return static_cast<bool>(maps.Get("kube-root-ca.crt"));
    return static_cast<bool>(maps.Create({.metadata = {.name = Cat("m", std::to_string(number))}}));
  }

  std::shared_ptr<FakeClock> clock = std::make_shared<FakeClock>();
  Server server{{.env = {.clock = clock}}};
  std::unique_ptr<Clientset> client;
};

void Goodput(benchmark::State& state, const Failure& failure, bool replay_safe, bool create) {
  const int calls = Sized(1000, 10);
  for (auto _ : state) {
    World world(replay_safe);
    world.server.Serve(RequestOf("POST", "/api/v1/namespaces/default/configmaps", "",
                                 MapBody("kube-root-ca.crt")));
    failure.make(world.server.faults()
                     .On(create ? Verb::kCreate : Verb::kGet, "configmaps")
                     .Probability(static_cast<double>(state.range(0)) / 100, 7));
    world.server.recorder().Clear();
    int good = 0;
    Duration waited{};
    for (int i = 0; i < calls; ++i) {
      const TimePoint began = world.clock->Now();
      good += world.Call(create, i) ? 1 : 0;
      waited += world.clock->Now() - began;
      if (waited < 100ms * (i + 1)) Sleep(*world.clock, 100ms, {}).value();
    }
    state.counters["ok_percent"] = 100.0 * good / calls;
    state.counters["attempts"] = static_cast<double>(world.server.recorder().Count()) / calls;
    state.counters["wait_ms"] = Milliseconds(waited) / calls;
  }
}

void Recovery(benchmark::State& state, const Failure& failure, bool replay_safe) {
  constexpr auto kBegin = 5s, kEnd = 35s;
  for (auto _ : state) {
    World world(replay_safe);
    world.server.Serve(RequestOf("POST", "/api/v1/namespaces/default/configmaps", "",
                                 MapBody("kube-root-ca.crt")));
    const TimePoint start = world.clock->Now();
    failure.make(world.server.faults().On(Verb::kGet, "configmaps").From(kBegin).Until(kEnd));
    int failed = 0;
    while (true) {
      const bool good = world.Call(false, 0);
      failed += good ? 0 : 1;
      const Duration now = world.clock->Now() - start;
      if (good && now >= kEnd) {
        state.counters["recovery_ms"] = Milliseconds(now - kEnd);
        break;
      }
      Sleep(*world.clock, 100ms, {}).value();
    }
    state.counters["failed"] = failed;
  }
}

void RegisterAll() {
  for (const Failure& failure : kFailures) {
    for (const bool replay_safe : {false, true}) {
      const std::string_view policy = replay_safe ? "replay_safe" : "client_go";
      for (const bool create : {false, true}) {
        auto* const goodput = benchmark::RegisterBenchmark(
            Cat("goodput/", create ? "create/" : "get/", failure.name, "/", policy).c_str(),
            Goodput, failure, replay_safe, create);
        goodput->Arg(1)->Arg(10)->Arg(50)->Iterations(1)->Unit(benchmark::kMillisecond);
      }
      benchmark::RegisterBenchmark(Cat("recovery/", failure.name, "/", policy).c_str(), Recovery,
                                   failure, replay_safe)
          ->Iterations(1)
          ->Unit(benchmark::kMillisecond);
    }
  }
}

}  // namespace
}  // namespace k8s::bench

int main(int argc, char** argv) { k8s::bench::RunBenchmarks(argc, argv, k8s::bench::RegisterAll); }
