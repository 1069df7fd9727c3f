// Many threads on one Clientset over sockets, with faults, watches and cancelled calls, in real
// time: nothing hangs, and when all is over nothing is left, neither threads nor connections nor
// descriptors. Under ThreadSanitizer it looks for data races too.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>

#include "fakeapiserver/server.h"
#include "k8s/api/corev1.h"
#include "k8s/base/log.h"
#include "k8s/base/strings.h"
#include "k8s/base/thread.h"
#include "k8s/kubernetes/clientset.h"

namespace k8s {
namespace {

using namespace std::chrono_literals;
using fakeapiserver::Place;

constexpr int kThreads = 32;
constexpr int kCallsPerThread = 60;
constexpr Duration kTimeout = 2s;
// What is left may take so long to go: the server sees hung-up connections in its own time.
constexpr Duration kPatience = 10s;
constexpr uint64_t kSeed = 1;

size_t CountOf(const char* folder) {
  const auto entries = RealHost()->ListDirectory(folder);
  return entries ? entries->size() : 0;
}

class Stress : public testing::Test {
 protected:
  Stress() {
    SetLogSink([](int, std::string_view) {});
    RecordProperty("seed", std::to_string(kSeed));
  }
  ~Stress() override { SetLogSink({}); }

  // Four requests of a hundred meet each kind: one in five is struck. On top, a third of the
  // watches break.
  static void ArmFaults(fakeapiserver::Faults& faults) {
    uint64_t seed = kSeed;
    faults.On(Verb::kWatch, "*").Probability(0.1, ++seed).Reset(Place::kEvent, 1);
    faults.On(Verb::kWatch, "*").Probability(0.1, ++seed).Close(Place::kFrame, 1);
    faults.On(Verb::kWatch, "*").Probability(0.1, ++seed).ExpireWatch(1);
    faults.OnEvery().Probability(0.04, ++seed).Reset();
    faults.OnEvery().Probability(0.04, ++seed).Stored().Close();
    faults.OnEvery().Probability(0.04, ++seed).Reply(429).RetryAfter(0s);
    faults.OnEvery().Probability(0.04, ++seed).Truncate(20);
    faults.OnEvery().Probability(0.04, ++seed).Hang(Place::kBody, 5, 100ms);
  }

  void Check(const Result<void>& result) {
    ++calls_;
    if (result) return;
    ++failures_;
    const std::string& text = result.error().message();
    if (text.empty() || text.find('\n') != std::string::npos)
      ADD_FAILURE() << "not a clean error: " << text;
  }
  template <class T>
  void Check(const Result<T>& result) {
    Check(result ? Result<void>() : Result<void>(result.error()));
  }

  // Stops a call from another thread after a while.
  class Canceller {
   public:
    explicit Canceller(Duration after)
        : thread_(RealClock(), "canceller", [this, after](const std::stop_token& stop) {
            static_cast<void>(Sleep(*RealClock(), after, Context(stop)));
            source_.request_stop();
          }) {}
    Context ctx() const { return Context(source_.get_token()); }

   private:
    std::stop_source source_;
    Thread thread_;
  };

  void Watch(const ResourceClient<corev1::ConfigMap>& maps, uint64_t events, const Context& ctx) {
    auto watch = maps.Watch({.timeoutSeconds = 1}, ctx);
    Check(watch);
    if (!watch) return;
    for (uint64_t i = 0; i < events && watch->Next(); ++i) {
    }
    if (events % 2) watch->Stop();
  }

  void Work(const Clientset& clientset, uint64_t seed) {
    const auto random = SeededRandom(seed);
    const auto maps = clientset.CoreV1().ConfigMaps("default");
    for (int i = 0; i < kCallsPerThread; ++i) {
      const std::string name = Cat("map-", std::to_string(random->Below(8)));
      const corev1::ConfigMap map{.metadata = {.name = name},
                                  .data = {{"value", std::to_string(i)}}};
      switch (random->Below(9)) {
        case 0:
          Check(maps.Create(map));
          break;
        case 1:
          Check(maps.Update(map));
          break;
        case 2:
          Check(maps.Apply(map, {.force = true, .fieldManager = "stress"}));
          break;
        case 3:
          Check(maps.Delete(name));
          break;
        case 4:
          Check(maps.Get(name));
          break;
        case 5:
          Check(maps.List());
          break;
        case 6:
          Watch(maps, random->Below(6), {});
          break;
        case 7: {
          const Canceller canceller(std::chrono::milliseconds(random->Below(20)));
          Watch(maps, 1000, canceller.ctx());
          break;
        }
        default: {
          const Canceller canceller(std::chrono::microseconds(random->Below(2000)));
          Check(maps.List({}, canceller.ctx()));
        }
      }
    }
  }

  // Waits, for a while, until the number is no greater.
  static void ExpectFallsTo(size_t wanted, const std::function<size_t()>& count,
                            std::string_view what) {
    const TimePoint until = RealClock()->Now() + kPatience;
    while (count() > wanted && RealClock()->Now() < until)
      static_cast<void>(Sleep(*RealClock(), 10ms, {}));
    EXPECT_LE(count(), wanted) << what;
  }

  void Run(int threads, bool with_faults) {
    fakeapiserver::Server server;
    if (with_faults) ArmFaults(server.faults());
    {
      rest::Config config;
      config.host = server.Listen().value();
      config.qps = -1;
      config.timeout = kTimeout;
      const auto clientset = Clientset::NewForConfig(config).value();
      std::vector<Thread> workers;
      for (int i = 0; i < threads; ++i) {
        workers.emplace_back(RealClock(), "worker", [&, i](const std::stop_token&) {
          Work(clientset, kSeed * 1000 + static_cast<uint64_t>(i));
        });
      }
    }
    ExpectFallsTo(
        0, [&] { return server.connections(); }, "connections of the server");
    ExpectFallsTo(
        0, [&] { return server.sessions(); }, "sessions of the server");
    ExpectFallsTo(
        0, [&] { return server.store().Subscriptions(); }, "watches of the store");
    if (with_faults) {
      const auto exchanges = server.recorder().Exchanges();
      const auto struck = std::count_if(exchanges.begin(), exchanges.end(),
                                        [](const auto& one) { return !one.fault.empty(); });
      EXPECT_NEAR(static_cast<double>(struck) / static_cast<double>(exchanges.size()), 0.2, 0.07);
      EXPECT_EQ(server.faults().Unspent(), 0) << server.faults().DescribeUnspent();
    }
  }

  std::atomic<int> calls_ = 0, failures_ = 0;
};

TEST_F(Stress, ManyThreadsOnOneClientsetLeaveNothingBehind) {
  Run(1, false);  // what is made once and kept, such as the libraries' own state
  const size_t descriptors = CountOf("/proc/self/fd"), threads = CountOf("/proc/self/task");
  ASSERT_GT(descriptors, 0u);
  ASSERT_GT(threads, 0u);
  calls_ = failures_ = 0;
  Run(kThreads, true);
  EXPECT_EQ(calls_, kThreads * kCallsPerThread);
  EXPECT_GT(failures_, 0);
  ExpectFallsTo(
      threads, [] { return CountOf("/proc/self/task"); }, "threads");
  ExpectFallsTo(
      descriptors, [] { return CountOf("/proc/self/fd"); }, "descriptors");
}

}  // namespace
}  // namespace k8s
