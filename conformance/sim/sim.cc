#include "conformance/sim/sim.h"

#include <bit>

#include "conformance/sim/arm.h"
#include "conformance/sim/cache.h"
#include "conformance/sim/model.h"
#include "fakeapiserver/server.h"
#include "k8s/base/fake_clock.h"
#include "k8s/base/strings.h"
#include "k8s/machinery/json.h"
#include "k8s/testing/matchers.h"
#include "k8s/testing/timeline.h"

namespace k8s::sim {
namespace {

using namespace std::chrono_literals;
using Certainty = Model::Certainty;
using fakeapiserver::Exchange;

constexpr char kNamespace[] = "default";
// Objects whose names the server makes, so that nothing but a second create makes a second one.
constexpr char kGenerated[] = "generated";
constexpr const char* kNames[] = {"a", "b", "c", "d", "e"};
constexpr Duration kTimeout = 10s;
// Small, so that watches overflow and revisions expire now and then; but the check of the history
// must be able to follow a call that deletes every object.
constexpr size_t kWatchQueue = std::size(kNames) + 1;
constexpr size_t kHistory = 60;
constexpr int kSteps = 24;
constexpr std::chrono::milliseconds kLongestPause{2000};
// Cycles in which a cache must have caught up once the faults are over.
constexpr int kCyclesToHeal = 4;
constexpr int kCaches = 2;

// FNV-1a, the same on every machine.
class Hash {
 public:
  void Add(std::string_view text) {
    for (const char c : text) Mix(static_cast<unsigned char>(c));
    Mix(0xff);
  }
  void Add(int64_t number) { Add(std::to_string(number)); }
  uint64_t value() const { return value_; }

 private:
  void Mix(unsigned char byte) { value_ = (value_ ^ byte) * 0x100000001b3u; }
  uint64_t value_ = 0xcbf29ce484222325u;
};

std::string ValueOfJson(const fakeapiserver::Object& object) {
  const Value tree = ParseJson(object.json).value();
  return std::string(tree.StringAt({"data", "value"}));
}

class Run {
 public:
  Run(uint64_t seed, const std::vector<SimFault>& faults)
      : random_(SeededRandom(seed)), env_{.clock = clock_, .random = SeededRandom(~seed)} {
    for (const char* ns : {kNamespace, kGenerated}) {
      const Value metadata = Value::MakeObject({{"name", ns}});
      server_
          .Seed(Value::MakeObject(
              {{"kind", "Namespace"}, {"apiVersion", "v1"}, {"metadata", metadata}}))
          .value();
    }
    for (const SimFault& fault : faults) Arm(fault, server_.faults());
    rest::Config config;
    config.host = "http://server";
    config.transport = server_.WireLoopback();
    config.content_type = random_->Below(2) ? "application/json" : "";
    config.qps = -1;
    config.timeout = kTimeout;
    config.env = env_;
    config.user_agent = "sim";
    clientset_ = Clientset::NewForConfig(config).value();
    for (int i = 0; i < kCaches; ++i) {
      config.user_agent = Cat("cache-", std::to_string(i));
      caches_.emplace_back(Clientset::NewForConfig(config).value(), kNamespace, *clock_);
    }
    fakeapiserver::Selection all;
    all.resource = "configmaps";
    history_ = server_.store().Watch(all, server_.store().revision(), nullptr);
  }
  ~Run() { server_.store().Unwatch(history_); }

  SimResult Play() {
    for (int step = 0; step < kSteps && result_.failure.empty(); ++step) Step();
    for (const auto& state : server_.faults().Rules()) result_.struck += state.fired > 0;
    server_.faults().Clear();
    if (result_.failure.empty()) CheckStore();
    for (Cache& cache : caches_) {
      if (result_.failure.empty()) Heal(cache);
    }
    CheckExchanges();
    Finish();
    return std::move(result_);
  }

 private:
  void Step() {
    clock_->Step(std::chrono::milliseconds(random_->Below(kLongestPause.count())));
    switch (random_->Below(12)) {
      case 0:
      case 1:
        return Create();
      case 2:
      case 3:
        return Update();
      case 4:
        return Patch();
      case 5:
        return Apply();
      case 6:
        return Delete();
      case 7:
        return Get();
      case 8:
        return List();
      case 9:
        return random_->Below(3) == 0 ? DeleteAll() : CreateGenerated();
      case 10:
        if (random_->Below(4) == 0) server_.store().Compact(server_.store().revision());
        [[fallthrough]];
      default:
        return Follow();
    }
  }

  std::string Name() { return kNames[random_->Below(std::size(kNames))]; }
  ResourceClient<corev1::ConfigMap> Maps() const {
    return clientset_->CoreV1().ConfigMaps(kNamespace);
  }
  corev1::ConfigMap Map(std::string name, std::string value) const {
    return {.metadata = {.name = std::move(name)}, .data = {{"value", std::move(value)}}};
  }
  std::string NewValue() { return Cat("v", std::to_string(++values_)); }

  void Fail(std::string text) {
    if (result_.failure.empty()) result_.failure = std::move(text);
  }
  void Expect(bool holds, std::string_view what, const std::string& name) {
    if (!holds)
      Fail(Cat(what, " ", name, ", which must have been ", before_, " and is in the store as ",
               InStore(name)));
  }
  std::string InStore(const std::string& name) const {
    const auto object = server_.store().Get({"configmaps", kNamespace, name});
    return object ? ValueOfJson(*object) : "nothing";
  }

  // One call: what it reported, and what that is worth. Only the last of its exchanges has told the
  // client anything; those before it may have acted unless they were turned away.
  template <class Call>
  auto Do(const std::string& name, Call call) {
    before_ = model_.Describe(name);
    const size_t first = server_.recorder().Count();
    auto result = call();
    ++result_.calls;
    const auto exchanges = server_.recorder().Exchanges();
    earlier_may_have_acted_ = false;
    for (size_t i = first; i + 1 < exchanges.size(); ++i)
      earlier_may_have_acted_ |= exchanges[i].status != 429;
    certainty_ = Certainty::kDone;
    if (!result) {
      certainty_ = earlier_may_have_acted_ || MayHaveActed(result.error(), exchanges.size() > first)
                       ? Certainty::kDoubt
                       : Certainty::kClean;
      trace_.Add(result.error().message());
    }
    result_.in_doubt += certainty_ == Certainty::kDoubt;
    CountWrites();
    return result;
  }

  static bool MayHaveActed(const Error& error, bool arrived) {
    if (!arrived || error.cause() == TransportCause::kRefused) return false;
    return error.status() == nullptr || error.status()->code >= 500;
  }

  // An error that says something about the object, unless an earlier exchange of the call has made
  // it so.
  void Learn(const std::string& name, const Error& error) {
    if (earlier_may_have_acted_) return;
    if (IsNotFound(error)) Expect(model_.SawPresence(name, false), "not found is", name);
    if (IsAlreadyExists(error)) Expect(model_.SawPresence(name, true), "already there is", name);
  }

  template <class T>
  void Wrote(const std::string& name, const State& state, const Result<T>& result) {
    model_.Wrote(name, state, certainty_);
    if (!result) Learn(name, result.error());
  }

  void Create() {
    const std::string name = Name(), value = NewValue();
    const auto created = Do(name, [&] { return Maps().Create(Map(name, value)); });
    if (created) Expect(model_.SawPresence(name, false), "created was", name);
    Wrote(name, value, created);
  }

  // Read, change, write, so that a conflict is possible only if somebody else has written, and
  // there is nobody else.
  void Update() {
    const std::string name = Name(), value = NewValue();
    auto map = Read(name);
    if (!map) return;
    map->data["value"] = value;
    const auto updated = Do(name, [&] { return Maps().Update(*map); });
    if (!updated && IsConflict(updated.error()) && !earlier_may_have_acted_)
      Fail(Cat("a conflict about ", name, ", which nobody else has written"));
    Wrote(name, value, updated);
  }

  void Patch() {
    const std::string name = Name(), value = NewValue();
    const auto patched = Do(name, [&] {
      return Maps().Patch(name, PatchType::kMergePatch,
                          Cat(R"({"data":{"value":")", value, "\"}}"));
    });
    if (patched) Expect(model_.SawPresence(name, true), "patched was", name);
    Wrote(name, value, patched);
  }

  void Apply() {
    const std::string name = Name(), value = NewValue();
    const auto applied = Do(name, [&] {
      return Maps().Apply(Map(name, value), {.force = true, .fieldManager = "sim"});
    });
    Wrote(name, value, applied);
  }

  void Delete() {
    const std::string name = Name();
    const auto deleted = Do(name, [&] { return Maps().Delete(name); });
    if (deleted) Expect(model_.SawPresence(name, true), "deleted was", name);
    Wrote(name, std::nullopt, deleted);
  }

  void DeleteAll() {
    const auto deleted = Do("", [&] { return Maps().DeleteCollection(); });
    for (const char* name : kNames) model_.Wrote(name, std::nullopt, certainty_);
  }

  void CreateGenerated() {
    const std::string value = NewValue();
    corev1::ConfigMap map = Map("", value);
    map.metadata.generateName = "g-";
    const auto maps = clientset_->CoreV1().ConfigMaps(kGenerated);
    const auto created = Do("", [&] { return maps.Create(map); });
    if (certainty_ != Certainty::kClean) generated_[value] = certainty_ == Certainty::kDone;
  }

  Result<corev1::ConfigMap> Read(const std::string& name) {
    auto got = Do(name, [&] { return Maps().Get(name); });
    if (got) {
      Expect(model_.Saw(name, ValueOf(*got)), Cat("got was ", ValueOf(*got), " as"), name);
    } else {
      Learn(name, got.error());
    }
    return got;
  }
  void Get() { static_cast<void>(Read(Name())); }

  void List() {
    const auto list = Do("", [&] { return Maps().List(); });
    if (!list) return;
    std::map<std::string, std::string> seen;
    for (const auto& map : list->items) seen[map.metadata.name] = ValueOf(map);
    for (const char* name : kNames) {
      before_ = model_.Describe(name);
      const auto found = seen.find(name);
      Expect(model_.Saw(name, found == seen.end() ? State() : found->second),
             "the list does not agree about", name);
    }
  }

  // Moves one of the caches on.
  void Follow() {
    Cache& cache = caches_[random_->Below(caches_.size())];
    if (cache.IsOpen()) {
      cache.Drain();
    } else {
      cache.Open(static_cast<int64_t>(1 + random_->Below(20)), random_->Below(2) ? 2 : 0);
    }
  }

  void Heal(Cache& cache) {
    cache.Drain();
    for (int cycle = 0; cycle < kCyclesToHeal; ++cycle) {
      cache.Open(1, 0);
      if (cache.Drain()) break;
    }
    std::map<std::string, Cache::Entry> stored;
    for (const auto& object : StoredIn(kNamespace))
      stored[object->key.name] = {std::to_string(object->revision), ValueOfJson(*object)};
    if (cache.entries() == stored) return;
    const auto text = [](const std::map<std::string, Cache::Entry>& entries) {
      std::string out;
      for (const auto& [name, entry] : entries)
        out += Cat(" ", name, "=", entry.value, "@", entry.revision);
      return out;
    };
    Fail(Cat("a cache holds", text(cache.entries()), " and the store", text(stored)));
  }

  std::vector<fakeapiserver::ObjectPtr> StoredIn(std::string_view ns) const {
    fakeapiserver::Selection all;
    all.resource = "configmaps";
    all.ns = ns;
    return server_.store().List(all, 0, 0, "").value().objects;
  }

  // Every change of the store so far: no value may come about twice.
  void CountWrites() {
    while (const auto event = history_->Take()) {
      const std::string name = event->object->key.Relative();
      if (event->type == fakeapiserver::EventType::kDeleted) {
        last_.erase(name);
        continue;
      }
      const std::string value = ValueOfJson(*event->object);
      if (last_[name] == value) continue;
      last_[name] = value;
      if (!written_.insert(value).second) Fail(Cat(value, " was written twice, to ", name));
    }
    if (history_->Overflowed()) Fail("the check of the history could not keep up");
  }

  void CheckStore() {
    for (const char* name : kNames) {
      const auto object = server_.store().Get({"configmaps", kNamespace, name});
      before_ = model_.Describe(name);
      Expect(model_.Saw(name, object ? State(ValueOfJson(*object)) : State()),
             "at the end there is", name);
    }
    std::map<std::string, int> found;
    for (const auto& object : StoredIn(kGenerated)) ++found[ValueOfJson(*object)];
    for (const auto& [value, count] : found) {
      if (count > 1) Fail(Cat("create of ", value, " was done ", std::to_string(count), " times"));
      if (!generated_.contains(value))
        Fail(Cat("create of ", value, " failed, and yet it is there"));
    }
    for (const auto& [value, done] : generated_) {
      if (done && !found.contains(value)) Fail(Cat("create of ", value, " is lost"));
    }
  }

  void CheckExchanges() {
    const auto exchanges = server_.recorder().Exchanges();
    for (const auto& matcher : {HonoursRetryAfter(), ResumesWatches()}) {
      ::testing::StringMatchResultListener why;
      if (!matcher.MatchAndExplain(exchanges, &why))
        Fail(why.str().substr(0, why.str().find('\n')));
    }
  }

  void Finish() {
    const auto exchanges = server_.recorder().Exchanges();
    for (const Exchange& one : exchanges) {
      trace_.Add(one.at.time_since_epoch().count());
      trace_.Add(static_cast<int64_t>(one.connection));
      trace_.Add(Cat(one.method, " ", one.target, "\n", one.body ? *one.body : ""));
      trace_.Add(DescribeAnswer(one));
    }
    for (const char* ns : {kNamespace, kGenerated}) {
      for (const auto& object : StoredIn(ns)) trace_.Add(object->json);
    }
    result_.trace = trace_.value();
    result_.written = static_cast<int>(written_.size());
    if (!result_.failure.empty()) result_.timeline = Timeline(exchanges);
  }

  const std::shared_ptr<Random> random_;  // of the workload alone, whatever server and client draw
  const std::shared_ptr<FakeClock> clock_ = std::make_shared<FakeClock>();
  const Env env_;
  mutable fakeapiserver::Server server_{
      {.env = env_,
       .limits = {.history = kHistory, .watch_queue = kWatchQueue},
       .bootstrap = false}};
  std::optional<Clientset> clientset_;
  std::vector<Cache> caches_;
  std::shared_ptr<fakeapiserver::Subscription> history_;

  Model model_;
  std::map<std::string, bool> generated_;  // value of each create that may be there: it is for sure
  std::map<std::string, std::string> last_;  // value of each object, by the history
  std::set<std::string> written_;
  int values_ = 0;
  Hash trace_;
  SimResult result_;

  // Of the last call.
  Certainty certainty_ = Certainty::kDone;
  bool earlier_may_have_acted_ = false;
  std::string before_;
};

}  // namespace

SimResult Simulate(uint64_t seed, const std::vector<SimFault>& faults) {
  return Run(seed, faults).Play();
}

std::vector<SimFault> Shortest(const std::vector<SimFault>& faults,
                               const std::function<bool(const std::vector<SimFault>&)>& fails) {
  const uint32_t all = (1u << faults.size()) - 1;
  for (int size = 0; size < static_cast<int>(faults.size()); ++size) {
    for (uint32_t chosen = 0; chosen <= all; ++chosen) {
      if (std::popcount(chosen) != size) continue;
      std::vector<SimFault> some;
      for (size_t i = 0; i < faults.size(); ++i) {
        if (chosen >> i & 1) some.push_back(faults[i]);
      }
      if (fails(some)) return some;
    }
  }
  return faults;
}

}  // namespace k8s::sim
