#pragma once

// Faults: rules that say which exchanges go wrong, and how. Rules are tried in order; the first
// that matches strikes, and a spent one steps aside. A rule is a faultsv1::FaultSpec, whichever of
// the four doors it came through: the calls below, YAML (Load), /fake/v1/faults, or an object of
// kind Fault. docs/faults.md explains every field.
//
// Members of Faults and Rule may be called from any thread; a change holds from the next exchange
// on. A Rule lives as long as its Faults.
//
//   server.faults().On(Verb::kList, "deployments").Times(1).Reply(429).RetryAfter(7s);

#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "fakeapiserver/fault_effect.h"
#include "fakeapiserver/recorder.h"
#include "fakeapiserver/session.h"
#include "k8s/api/faultsv1.h"
#include "k8s/base/env.h"
#include "k8s/http/round_tripper.h"
#include "k8s/machinery/type_info.h"

namespace k8s::fakeapiserver {

class Faults;

class Rule {
 public:
  // Which exchanges. All that is said must hold.
  Rule& Group(std::string_view group);
  Rule& SubResource(std::string_view subresource);  // "": the object itself
  Rule& Namespace(std::string_view ns);
  Rule& Name(std::string_view name);
  Rule& Path(std::string_view path);  // "/api/*": every path that begins so
  Rule& User(std::string_view user);
  Rule& UserAgent(std::string_view prefix);
  Rule& Header(std::string_view name, std::string_view value);  // value "*": there at all
  Rule& Connection(uint64_t number);
  Rule& BodyAtLeast(size_t bytes);
  Rule& Skip(int64_t exchanges);
  Rule& Times(int64_t exchanges);  // default: always
  Rule& Probability(double share, uint64_t seed);
  Rule& From(Duration since_start);
  Rule& Until(Duration since_start);
  Rule& OncePerClient();

  // When the store hears of it; by default not at all if the fault makes the answer.
  Rule& Stored();
  Rule& Answered();

  // The answer.
  Rule& Reply(int status);
  Rule& ReplyLike(std::string_view flavour);  // a name of docs/faults.md: "leader-changed", ...
  Rule& RetryAfter(Duration seconds);
  Rule& RetryAfter(std::string_view value);  // as it stands, also nonsense
  Rule& Reason(std::string_view reason);
  Rule& Message(std::string_view message);
  Rule& Body(std::string_view content_type, std::string_view body);
  Rule& AnswerHeader(std::string_view name, std::string_view value);
  Rule& Warning(std::string_view text);
  Rule& Redirect(int status, std::string_view location);
  Rule& UnauthorizedUntil(std::string_view token);
  Rule& Stale(int64_t revisions);

  // The wire.
  Rule& Delay(Duration d);
  Rule& Refuse();
  Rule& Reset(Place at = Place::kRequest, size_t after = 0);
  Rule& Close(Place at = Place::kRequest, size_t after = 0);
  Rule& Hang(Place at = Place::kRequest, size_t after = 0, Duration silence = Duration::max());
  Rule& Truncate(size_t body_bytes);
  Rule& Throttle(uint64_t bytes_per_second);
  Rule& Drip(size_t bytes, Duration pause);
  Rule& Garbage(std::string_view bytes);
  Rule& Corrupt(size_t body_byte);
  Rule& WrongChunkSize();
  Rule& Duplicate();
  Rule& Certificate(std::string_view which);

  // Watches; events are counted from 1.
  Rule& DropEvent(size_t event);
  Rule& DuplicateEvent(size_t event);
  Rule& SwapEvent(size_t event);
  Rule& DelayEvent(size_t event, Duration by);
  Rule& CorruptEvent(size_t event);
  Rule& WithholdBookmarks();
  Rule& EndWatch(size_t after_events);
  Rule& ExpireWatch(size_t after_events);

  int64_t fired() const;
  std::string name() const;
  // What is wrong with the rule; it never strikes then.
  std::optional<Error> error() const;

 private:
  friend class Faults;
  Rule(Faults& faults, std::string name, faultsv1::FaultSpec spec);
  // Calls change(spec, its only effect) under the lock.
  template <class Change>
  Rule& With(Change change);
  Rule& Ends(Ending ending, Place at, size_t after, Duration silence);
  Rule& OnEvent(std::string_view what, size_t event, Duration by = {});
  bool Spent() const { return spec_.times && fired_ >= *spec_.times; }

  Faults& faults_;
  const std::string name_;
  faultsv1::FaultSpec spec_;
  std::optional<Result<Effect>> effect_;  // made when it is first needed
  int64_t fired_ = 0;
  int64_t skipped_ = 0;
  std::set<std::string> clients_;  // of oncePerClient
  std::shared_ptr<Random> random_;
};

class Faults {
 public:
  Faults(std::shared_ptr<Clock> clock, std::string user);
  ~Faults();
  // Shown all Faults of the program right before they go, on whatever thread that is; {}: nobody.
  static void WatchEnds(std::function<void(const Faults&)> watcher);

  Rule& On(Verb verb, std::string_view resource);
  Rule& OnEvery(std::string_view resource = {});  // verb
  Rule& OnPath(std::string_view path);
  // Of connections, before any request: for Refuse, Certificate, and what happens at kAccept.
  Rule& OnConnection();
  // A rule of any door. With a name that is taken, it replaces that rule. Errors say the field.
  Result<Rule*> Add(faultsv1::FaultSpec spec, std::string name = {});
  // Every rule of a YAML or JSON text (rules, lists of rules, objects of kind Fault), or none.
  Result<void> Load(std::string_view place, std::string_view text);

  // Rules that have not struck as often as they should: those with Times fewer than that, the
  // others never. Tests end with EXPECT_EQ(faults.Unspent(), 0).
  int Unspent() const;
  // One line a rule that is not spent: which, how often it struck, what is wrong with it.
  std::string DescribeUnspent() const;
  struct State {
    std::string name{};
    faultsv1::FaultSpec spec{};
    int64_t fired = 0;
    std::optional<Error> error{};
    bool spent = false;
  };
  std::vector<State> Rules() const;
  std::optional<State> Find(std::string_view name) const;
  bool Remove(std::string_view name);  // false: there was none
  void Clear();

  // --- the server's side ---

  struct Strike {
    std::string rule{};
    std::shared_ptr<const Effect> effect{};
    explicit operator bool() const { return effect != nullptr; }
  };
  // Nothing can strike: exchanges need not ask, nor go over a wire.
  bool empty() const { return count_ == 0; }
  Strike OnAdmission(uint64_t connection);
  Strike OnHead(const http::Request& head, const RequestInfo& info, uint64_t connection);
  Strike OnRequest(const http::Request& request, const RequestInfo& info, uint64_t connection);
  // For sockets, whose refusals nobody can count: a port that is closed is one strike.
  Refusal Refuses();
  // Called, under no lock, after rules have changed.
  void SetOnChange(std::function<void()> on_change);

 private:
  friend class Rule;
  enum class Stage : uint8_t { kAdmission, kHead, kRequest };
  static Stage StageOf(const Effect& effect);
  State StateOf(Rule& rule) const;
  Strike Choose(Stage stage, const http::Request* request, const RequestInfo* info,
                uint64_t connection);
  bool Matches(const Rule& rule, const http::Request* request, const RequestInfo* info,
               uint64_t connection, TimePoint now) const;
  const Result<Effect>& EffectOf(Rule& rule) const;
  std::string UserOf(const http::Request& request) const;
  Rule& New(faultsv1::FaultSpec spec, std::string name);
  void Changed();

  const std::shared_ptr<Clock> clock_;
  const std::string user_;  // of requests without credentials
  const TimePoint start_;
  std::atomic<size_t> count_ = 0;
  mutable std::mutex mutex_;  // guards all below, and the rules
  std::deque<std::unique_ptr<Rule>> rules_;
  std::vector<std::unique_ptr<Rule>> removed_;  // whoever holds one may still look at it
  uint64_t next_ = 1;
  std::function<void()> on_change_;
};

}  // namespace k8s::fakeapiserver
