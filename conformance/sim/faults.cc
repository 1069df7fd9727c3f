// What can go wrong in a run. Faults that a client cannot notice (events that are dropped or change
// places, bytes that become other valid bytes, stale reads) are left out, and so are servers that
// lie: whoever says "try again later" must not have acted.

#include "conformance/sim/arm.h"
#include "k8s/base/random.h"
#include "k8s/base/strings.h"

namespace k8s::sim {
namespace {

using namespace std::chrono_literals;
using fakeapiserver::Place;
using fakeapiserver::Rule;

enum class At : uint8_t { kExchange, kConnection, kWatch };

struct Kind {
  std::string_view name;
  At at;
  void (*arm)(Rule& rule);
};

constexpr Kind kKinds[] = {
    {"refuse", At::kConnection, [](Rule& r) { r.Refuse(); }},
    {"reset on accept", At::kConnection, [](Rule& r) { r.Reset(Place::kAccept); }},
    {"reset with the head read", At::kExchange, [](Rule& r) { r.Reset(Place::kHeaders); }},
    {"reset before the store", At::kExchange, [](Rule& r) { r.Reset(); }},
    {"close before the store", At::kExchange, [](Rule& r) { r.Close(); }},
    {"hang before the store", At::kExchange, [](Rule& r) { r.Hang(); }},
    {"reset behind the store", At::kExchange, [](Rule& r) { r.Stored().Reset(); }},
    {"close behind the store", At::kExchange, [](Rule& r) { r.Stored().Close(); }},
    {"hang behind the store", At::kExchange, [](Rule& r) { r.Stored().Hang(); }},
    {"reset within the head", At::kExchange, [](Rule& r) { r.Reset(Place::kAnswer, 40); }},
    {"close within the head", At::kExchange, [](Rule& r) { r.Close(Place::kAnswer, 40); }},
    {"reset within the body", At::kExchange, [](Rule& r) { r.Reset(Place::kBody, 15); }},
    {"truncate the body", At::kExchange, [](Rule& r) { r.Truncate(15); }},
    {"hang within the body", At::kExchange, [](Rule& r) { r.Hang(Place::kBody, 15); }},
    {"429", At::kExchange, [](Rule& r) { r.Reply(429); }},
    {"429, retry after 2", At::kExchange, [](Rule& r) { r.Reply(429).RetryAfter(2s); }},
    {"500", At::kExchange, [](Rule& r) { r.Reply(500); }},
    {"500, retry after 0", At::kExchange, [](Rule& r) { r.Reply(500).RetryAfter(0s); }},
    {"503, retry after 1", At::kExchange, [](Rule& r) { r.Reply(503).RetryAfter(1s); }},
    {"500 behind the store", At::kExchange, [](Rule& r) { r.Stored().Reply(500); }},
    {"504 behind the store", At::kExchange, [](Rule& r) { r.Stored().Reply(504); }},
    {"garbage", At::kExchange, [](Rule& r) { r.Garbage("\x01\xff no\nHTTP\r\n\r\n"); }},
    {"wrong chunk size", At::kExchange, [](Rule& r) { r.WrongChunkSize(); }},
    {"answer twice", At::kExchange, [](Rule& r) { r.Duplicate(); }},
    {"delay", At::kExchange, [](Rule& r) { r.Delay(3s); }},
    {"delay behind the store", At::kExchange, [](Rule& r) { r.Stored().Delay(60s); }},
    {"drip", At::kExchange, [](Rule& r) { r.Drip(64, 100ms); }},
    {"reset the watch", At::kWatch, [](Rule& r) { r.Reset(Place::kEvent, 1); }},
    {"close the watch", At::kWatch, [](Rule& r) { r.Close(Place::kEvent, 2); }},
    {"hang the watch", At::kWatch, [](Rule& r) { r.Hang(Place::kEvent, 1); }},
    {"reset within a frame", At::kWatch, [](Rule& r) { r.Reset(Place::kFrame, 1); }},
    {"close within a frame", At::kWatch, [](Rule& r) { r.Close(Place::kFrame, 0); }},
    {"end the watch", At::kWatch, [](Rule& r) { r.EndWatch(1); }},
    {"expire the watch", At::kWatch, [](Rule& r) { r.ExpireWatch(1); }},
    {"duplicate an event", At::kWatch, [](Rule& r) { r.DuplicateEvent(1); }},
    {"delay an event", At::kWatch, [](Rule& r) { r.DelayEvent(1, 2s); }},
    {"no bookmarks", At::kWatch, [](Rule& r) { r.WithholdBookmarks(); }},
    // From here on what a run must notice; no seed brings these.
    {"drop an event", At::kWatch, [](Rule& r) { r.DropEvent(1); }},
    {"lie that it conflicts", At::kExchange, [](Rule& r) { r.Stored().Reply(409); }},
    {"lie that it is busy", At::kExchange, [](Rule& r) { r.Stored().Reply(503).RetryAfter(0s); }},
};
constexpr size_t kForTests = 3;

// So many exchanges a run has at most, and so many connections and watches.
constexpr uint64_t kExchanges = 32;
constexpr uint64_t kOthers = 4;

}  // namespace

std::string SimFault::Text() const {
  const Kind& one = kKinds[kind];
  const std::string_view counted = one.at == At::kExchange     ? "exchange"
                                   : one.at == At::kConnection ? "connection"
                                                               : "watch";
  return Cat(one.name, " at ", counted, " ", std::to_string(skip + 1));
}

SimFault FaultOf(std::string_view name, int64_t skip) {
  size_t kind = 0;
  while (kKinds[kind].name != name) ++kind;
  return {kind, skip};
}

std::vector<SimFault> FaultsOf(uint64_t seed) {
  const auto random = SeededRandom(seed ^ 0x5eed0ffau);
  std::vector<SimFault> faults(random->Below(kMaxFaults + 1));
  for (SimFault& fault : faults) {
    fault.kind = random->Below(std::size(kKinds) - kForTests);
    const bool common = kKinds[fault.kind].at == At::kExchange;
    fault.skip = static_cast<int64_t>(random->Below(common ? kExchanges : kOthers));
  }
  return faults;
}

void Arm(const SimFault& fault, fakeapiserver::Faults& faults) {
  const Kind& kind = kKinds[fault.kind];
  Rule& rule = kind.at == At::kExchange     ? faults.OnEvery()
               : kind.at == At::kConnection ? faults.OnConnection()
                                            : faults.On(Verb::kWatch, "*");
  rule.Skip(fault.skip).Times(1);
  kind.arm(rule);
}

}  // namespace k8s::sim
