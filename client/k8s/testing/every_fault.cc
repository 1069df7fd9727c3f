#include "k8s/testing/every_fault.h"

#include <gtest/gtest.h>

#include <optional>

#include "k8s/base/strings.h"
#include "k8s/testing/timeline.h"

namespace k8s {
namespace {

using namespace std::chrono_literals;
using fakeapiserver::Place;
using fakeapiserver::Rule;
using At = FaultKind::At;

constexpr std::string_view kToken = "token-that-nobody-may-read";
// Somewhere inside every head, and inside every body that is not empty.
constexpr size_t kInHead = 40;
constexpr size_t kInBody = 15;

// Bounds what the scenario can do: its exchanges end with the run's limit, and are counted.
class Guard final : public http::RoundTripper {
 public:
  Guard(std::shared_ptr<http::RoundTripper> next, std::shared_ptr<Clock> clock, size_t& count)
      : next_(std::move(next)), end_(clock->Now() + kFaultRunLimit), count_(count) {}
  Result<http::Response> RoundTrip(const http::Request& request, const Context& ctx) override {
    if (++count_ > kFaultRunExchanges) return Invalid("too many exchanges in one run");
    return next_->RoundTrip(request, ctx.WithDeadline(end_));
  }
  void CloseIdleConnections() override { next_->CloseIdleConnections(); }

 private:
  const std::shared_ptr<http::RoundTripper> next_;
  const TimePoint end_;
  size_t& count_;
};

std::string WrongWith(const Error& error) {
  const std::string& text = error.message();
  if (text.empty()) return "the error says nothing";
  if (text.find('\n') != std::string::npos) return Cat("the error has several lines: ", text);
  if (text.find(kToken) != std::string::npos) return Cat("the error tells the token: ", text);
  return "";
}

struct RunResult {
  bool struck = false;
  bool ended_well = false;
  std::vector<std::string> problems{};
};

// One run, with one fault or none.
RunResult Run(const Scenario& scenario, const FaultKind* kind, int64_t skip) {
  RunResult out;
  const auto clock = std::make_shared<FakeClock>();
  const Env env{.clock = clock, .random = SeededRandom(1)};
  fakeapiserver::Server server({.env = env});
  Rule* rule = nullptr;
  if (kind != nullptr) {
    rule = kind->at == At::kConnection ? &server.faults().OnConnection()
           : kind->at == At::kWatch    ? &server.faults().On(Verb::kWatch, "*")
                                       : &server.faults().OnEvery();
    rule->Skip(skip).Times(1);
    kind->arm(*rule);
  }
  const TimePoint start = clock->Now();
  size_t exchanges = 0;
  std::optional<Error> error;
  {
    FaultRun run{server, *clock};
    run.config.host = "http://server.test";
    run.config.transport = server.WireLoopback();
    run.config.bearer_token = kToken;
    run.config.qps = -1;
    run.config.timeout = kFaultTimeout;
    run.config.env = env;
    run.config.wrap.push_back([&](std::shared_ptr<http::RoundTripper> next) {
      return std::make_shared<Guard>(std::move(next), clock, exchanges);
    });
    if (auto result = scenario(run); !result) error = result.error();
  }
  out.struck = rule != nullptr && rule->fired() > 0;
  out.ended_well = !error;
  const auto problem = [&](std::string text) {
    if (!text.empty()) out.problems.push_back(std::move(text));
  };
  if (rule != nullptr && rule->error()) problem(rule->error()->message());
  if (error) problem(WrongWith(*error));
  if (error && kind == nullptr) problem(Cat("it fails without a fault: ", error->message()));
  if (clock->Now() - start >= kFaultRunLimit) problem("it hangs");
  if (exchanges > kFaultRunExchanges) problem("it loops");
  const auto left = [&](size_t count, std::string_view what) {
    if (count > 0) problem(Cat("it leaves ", std::to_string(count), " ", what));
  };
  left(static_cast<size_t>(clock->Threads()), "threads");
  left(server.sessions(), "connections");
  left(server.store().Subscriptions(), "watches");
  if (!out.problems.empty()) problem(Cat("\n", Timeline(server.recorder().Exchanges())));
  server.faults().Clear();  // the last run of a kind is the one in which it does not strike
  return out;
}

std::string CountedName(At at) {
  return at == At::kConnection ? "connection" : at == At::kWatch ? "watch" : "exchange";
}

void AddEndings(std::vector<FaultKind>& kinds) {
  struct Where {
    std::string name;
    Place place;
    size_t after;
    bool stored;
  };
  for (const Where& one : {Where{"with the head of the request read", Place::kHeaders, 0, false},
                           Where{"before the change is stored", Place::kRequest, 0, false},
                           Where{"after the change is stored", Place::kRequest, 0, true},
                           Where{"within the head", Place::kAnswer, kInHead, false},
                           Where{"before the body", Place::kBody, 0, false},
                           Where{"within the body", Place::kBody, kInBody, false}}) {
    const auto arm = [one](Rule& rule) -> Rule& { return one.stored ? rule.Stored() : rule; };
    kinds.push_back({Cat("reset ", one.name), At::kExchange,
                     [=](Rule& rule) { arm(rule).Reset(one.place, one.after); }});
    kinds.push_back({Cat("close ", one.name), At::kExchange,
                     [=](Rule& rule) { arm(rule).Close(one.place, one.after); }});
    kinds.push_back({Cat("hang ", one.name), At::kExchange,
                     [=](Rule& rule) { arm(rule).Hang(one.place, one.after); }});
  }
  kinds.push_back({"refuse", At::kConnection, [](Rule& rule) { rule.Refuse(); }});
  kinds.push_back(
      {"reset on accept", At::kConnection, [](Rule& rule) { rule.Reset(Place::kAccept); }});
  kinds.push_back(
      {"close on accept", At::kConnection, [](Rule& rule) { rule.Close(Place::kAccept); }});
  kinds.push_back(
      {"hang for 5 s", At::kExchange, [](Rule& rule) { rule.Hang(Place::kRequest, 0, 5s); }});
}

void AddReplies(std::vector<FaultKind>& kinds) {
  for (const int status : {429, 500, 503}) {
    const std::string name = std::to_string(status);
    kinds.push_back({name, At::kExchange, [=](Rule& rule) { rule.Reply(status); }});
    for (const std::string wait : {"0", "1", "soon"}) {
      kinds.push_back({Cat(name, ", retry after ", wait), At::kExchange,
                       [=](Rule& rule) { rule.Reply(status).RetryAfter(wait); }});
    }
    kinds.push_back({Cat(name, " after the change is stored, retry after 1"), At::kExchange,
                     [=](Rule& rule) { rule.Stored().Reply(status).RetryAfter(1s); }});
  }
  for (const int status : {401, 403, 404, 409, 410, 504}) {
    kinds.push_back(
        {std::to_string(status), At::kExchange, [=](Rule& rule) { rule.Reply(status); }});
  }
}

void AddBodies(std::vector<FaultKind>& kinds) {
  const auto add = [&](std::string name, std::function<void(Rule&)> arm) {
    kinds.push_back({std::move(name), At::kExchange, std::move(arm)});
  };
  add("truncated body", [](Rule& rule) { rule.Truncate(kInBody); });
  for (const size_t byte : {0, 5, 40})
    add(Cat("byte ", std::to_string(byte), " corrupt"), [=](Rule& rule) { rule.Corrupt(byte); });
  add("garbage", [](Rule& rule) { rule.Garbage("\x01\xff no\nHTTP\r\n\r\n"); });
  add("garbage and silence",
      [](Rule& rule) { rule.Garbage("HTTP/1.1 2").Hang(Place::kAnswer, 10); });
  add("empty body", [](Rule& rule) { rule.Body("application/json", ""); });
  add("empty object", [](Rule& rule) { rule.Body("application/json", "{}"); });
  add("half a document", [](Rule& rule) { rule.Body("application/json", "{\"kind\":\n\"Po"); });
  add("another kind", [](Rule& rule) {
    rule.Body("application/json", R"({"kind":"Status","apiVersion":"v1","status":"Success"})");
  });
  add("HTML", [](Rule& rule) { rule.Body("text/html", "<html>\n<b>hello</b>\n</html>\n"); });
  add("HTML and 502", [](Rule& rule) {
    rule.Reply(502).Body("text/html", "<html>\n<b>bad gateway</b>\n</html>\n");
  });
  add("JSON called protobuf",
      [](Rule& rule) { rule.Body("application/vnd.kubernetes.protobuf", "{}"); });
  add("sizes of chunks lie", [](Rule& rule) { rule.WrongChunkSize(); });
  add("answered twice", [](Rule& rule) { rule.Duplicate(); });
  add("slow", [](Rule& rule) { rule.Delay(5s); });
  add("too slow", [](Rule& rule) { rule.Delay(kFaultTimeout * 2); });
  add("dripping", [](Rule& rule) { rule.Drip(16, 1s); });
}

void AddWatches(std::vector<FaultKind>& kinds) {
  const auto add = [&](std::string name, std::function<void(Rule&)> arm) {
    kinds.push_back({std::move(name), At::kWatch, std::move(arm)});
  };
  for (const size_t after : {0, 1}) {
    const std::string number = std::to_string(after);
    add(Cat("reset after event ", number), [=](Rule& rule) { rule.Reset(Place::kEvent, after); });
    add(Cat("close after event ", number), [=](Rule& rule) { rule.Close(Place::kEvent, after); });
    add(Cat("hang after event ", number), [=](Rule& rule) { rule.Hang(Place::kEvent, after); });
    add(Cat("reset in the frame after event ", number),
        [=](Rule& rule) { rule.Reset(Place::kFrame, after); });
    add(Cat("close in the frame after event ", number),
        [=](Rule& rule) { rule.Close(Place::kFrame, after); });
    add(Cat("end after event ", number), [=](Rule& rule) { rule.EndWatch(after); });
    add(Cat("expire after event ", number), [=](Rule& rule) { rule.ExpireWatch(after); });
  }
  add("event 1 dropped", [](Rule& rule) { rule.DropEvent(1); });
  add("event 1 twice", [](Rule& rule) { rule.DuplicateEvent(1); });
  add("events 1 and 2 in the other order", [](Rule& rule) { rule.SwapEvent(1); });
  add("event 1 late", [](Rule& rule) { rule.DelayEvent(1, 5s); });
  add("event 1 corrupt", [](Rule& rule) { rule.CorruptEvent(1); });
  add("no bookmarks", [](Rule& rule) { rule.WithholdBookmarks(); });
}

}  // namespace

std::vector<FaultKind> EveryFaultKind() {
  std::vector<FaultKind> kinds;
  AddEndings(kinds);
  AddReplies(kinds);
  AddBodies(kinds);
  AddWatches(kinds);
  return kinds;
}

FaultReport TryEveryFault(const Scenario& scenario, const std::vector<FaultKind>& kinds) {
  FaultReport report;
  const auto add = [&](const RunResult& run, std::string_view which) {
    ++report.runs;
    ++(run.ended_well ? report.ended_well : report.failed_cleanly);
    if (!run.problems.empty())
      report.problems.push_back(Cat(which, ": ", Join(run.problems, "; ")));
  };
  add(Run(scenario, nullptr, 0), "no fault");
  for (const FaultKind& kind : kinds) {
    for (int64_t skip = 0;; ++skip) {
      const std::string which =
          Cat(kind.name, " at ", CountedName(kind.at), " ", std::to_string(skip + 1));
      SCOPED_TRACE(which);
      const RunResult run = Run(scenario, &kind, skip);
      add(run, which);
      if (!run.struck) break;
    }
  }
  return report;
}

void ForEveryFault(const Scenario& scenario) {
  const FaultReport report = TryEveryFault(scenario);
  EXPECT_GT(report.runs, 1);
  for (const std::string& problem : report.problems) ADD_FAILURE() << problem;
}

}  // namespace k8s
