#include "conformance/runner.h"

#include <algorithm>
#include <regex>
#include <set>

#include "conformance/stage.h"
#include "fakeapiserver/server.h"
#include "k8s/base/base64.h"
#include "k8s/base/fake_clock.h"
#include "k8s/base/strings.h"
#include "k8s/machinery/json.h"
#include "k8s/machinery/scalars.h"
#include "k8s/testing/timeline.h"

namespace k8s::conformance {
namespace {

using casesv1::CaseExpectation;
using casesv1::CaseRange;

// Of a text that a person reads.
constexpr size_t kMaxShown = 600;

std::string Shown(const Value& value) {
  std::string text = ToJson(value);
  if (text.size() > kMaxShown) text = Cat(text.substr(0, kMaxShown), "...");
  return text;
}

bool Holds(const Value* list, std::string_view name) {
  if (list == nullptr || !list->is_array()) return false;
  return std::any_of(list->array().begin(), list->array().end(),
                     [&](const Value& one) { return one.is_string() && one.string() == name; });
}

// Members of a config that ask nothing of a client: files are the runner's, no limit is what a
// client without a limiter has, and JSON is what one that cannot choose speaks.
bool NeedsNothing(std::string_view name, const Value& value) {
  if (name == "qps") return value.is_int() && value.integer() < 0;
  if (name == "contentType") return value.is_string() && value.string() == "application/json";
  return name == "files";
}

std::string RangeText(const CaseRange& range) {
  std::string text;
  if (range.atLeast) text += Cat("at least ", FormatDuration(*range.atLeast));
  if (range.atLeast && range.below) text += " and ";
  if (range.below) text += Cat("below ", FormatDuration(*range.below));
  return text;
}

bool Within(const CaseRange& range, Duration d) {
  return (!range.atLeast || d >= *range.atLeast) && (!range.below || d < *range.below);
}

Exchanges ClientsExchanges(fakeapiserver::Server& server) {
  Exchanges out = server.recorder().Exchanges();
  std::erase_if(out, [](const auto& one) { return one.connection == Changes::kConnection; });
  return out;
}

// Holds one run against its case.
class Check {
 public:
  // `answer` is the driver's, with one result a step.
  Check(const Case& one, fakeapiserver::Server& server, const Value& answer, Duration elapsed)
      : case_(one),
        server_(server),
        exchanges_(ClientsExchanges(server)),
        answer_(answer),
        results_(answer.Find("results")->array()),
        elapsed_(elapsed) {}

  std::vector<std::string> Run() {
    if (server_.faults().Unspent() > 0)
      Fail(Cat("a fault never struck: ", Trim(server_.faults().DescribeUnspent())));
    for (size_t i = 0; i < case_.story.then.size(); ++i) {
      place_ = Cat("then[", std::to_string(i), "]");
      One(case_.story.then[i]);
    }
    return std::move(lines_);
  }
  const Exchanges& exchanges() const { return exchanges_; }
  // Of a run whose lines are all about time.
  bool only_mistimed(size_t lines) const { return lines > 0 && mistimed_ == lines; }

 private:
  void Mistime(std::string_view what, std::string_view wanted, std::string_view was) {
    ++mistimed_;
    Fail(what, wanted, was);
  }
  void Fail(std::string_view text) { lines_.emplace_back(text); }
  void Fail(std::string_view what, std::string_view wanted, std::string_view was) {
    Fail(Cat(place_, ".", what, ": expected ", wanted, ", but it was ", was));
  }

  void One(const CaseExpectation& wanted) {
    for (size_t i = 0; i < results_.size(); ++i) {
      if (wanted.step == 0 || wanted.step == static_cast<int64_t>(i) + 1)
        OfStep(wanted, results_[i], Cat(" of step ", std::to_string(i + 1)));
    }
    if (wanted.exchanges) OfExchanges(ParseJson(wanted.exchanges->raw).value());
    if (wanted.connections) OfConnections(*wanted.connections);
    if (!wanted.gaps.empty()) OfGaps(wanted.gaps);
    if (wanted.elapsed && !Within(*wanted.elapsed, elapsed_))
      Mistime("elapsed", RangeText(*wanted.elapsed), FormatDuration(elapsed_));
    if (wanted.warnings) Subset(*wanted.warnings, answer_, "warnings", "");
    if (wanted.metrics) Subset(*wanted.metrics, answer_, "metrics", "");
    for (const Json& object : wanted.stored) OfStore(ParseJson(object.raw).value(), true);
    for (const Json& object : wanted.gone) OfStore(ParseJson(object.raw).value(), false);
  }

  void OfStep(const CaseExpectation& wanted, const Value& result, const std::string& step) {
    const bool ok = result.BoolAt({"ok"});
    const bool wants_result = wanted.object || wanted.items || wanted.text || wanted.events ||
                              wanted.metadata || wanted.created || !wanted.textContains.empty();
    if ((wanted.ok.value_or(wants_result) && !ok) || (wanted.ok && !*wanted.ok && ok)) {
      Fail(Cat("ok", step), ok ? "a failure" : "success",
           ok ? "success" : Shown(*result.Find("error")));
      return;
    }
    if (wanted.object) Subset(*wanted.object, result, "object", step);
    if (wanted.metadata) Subset(*wanted.metadata, result, "metadata", step);
    if (wanted.created && result.BoolAt({"created"}) != *wanted.created)
      Fail(Cat("created", step), *wanted.created ? "true" : "false", Shown(result));
    if (wanted.text && result.StringAt({"text"}) != *wanted.text)
      Fail(Cat("text", step), Quote(*wanted.text), Quote(result.StringAt({"text"})));
    if (result.StringAt({"text"}).find(wanted.textContains) == std::string_view::npos)
      Fail(Cat("textContains", step), Quote(wanted.textContains), Shown(result));
    if (wanted.items) Several(*wanted.items, result, "items", step);
    if (wanted.events) Several(*wanted.events, result, "events", step);
    if (wanted.error) OfError(*wanted.error, result, step);
  }

  void Subset(const Json& wanted, const Value& result, const char* member,
              const std::string& step) {
    static const Value kNothing;
    const Value* actual = result.Find(member);
    const auto differs = Differs(ParseJson(wanted.raw).value(),
                                 actual != nullptr ? *actual : kNothing, Cat(member, step));
    if (differs) Fail(Cat(place_, ".", *differs));
  }

  // A count or a list.
  void Several(const Json& wanted, const Value& result, const char* member,
               const std::string& step) {
    const Value count = ParseJson(wanted.raw).value();
    if (!count.is_int()) return Subset(wanted, result, member, step);
    const Value* actual = result.Find(member);
    const size_t size = actual != nullptr && actual->is_array() ? actual->array().size() : 0;
    if (size != static_cast<size_t>(count.integer()))
      Fail(Cat(member, step), std::to_string(count.integer()), std::to_string(size));
  }

  void OfError(const casesv1::CaseError& wanted, const Value& result, const std::string& step) {
    const Value* error = result.Find("error");
    if (error == nullptr) return Fail(Cat("error", step), "an error", "success");
    if (wanted.reason && error->StringAt({"reason"}) != *wanted.reason)
      Fail(Cat("error.reason", step), Quote(*wanted.reason), Shown(*error));
    if (wanted.code && error->IntAt({"code"}) != *wanted.code)
      Fail(Cat("error.code", step), std::to_string(*wanted.code), Shown(*error));
    if (!wanted.class_.empty() && error->StringAt({"class"}) != wanted.class_)
      Fail(Cat("error.class", step), wanted.class_, Shown(*error));
    if (wanted.message && error->StringAt({"message"}) != *wanted.message)
      Fail(Cat("error.message", step), Quote(*wanted.message), Shown(*error));
    if (error->StringAt({"message"}).find(wanted.contains) == std::string::npos)
      Fail(Cat("error.contains", step), Quote(wanted.contains), Shown(*error));
    if (wanted.retryAfterSeconds &&
        error->IntAt({"retryAfterSeconds"}) != *wanted.retryAfterSeconds)
      Fail(Cat("error.retryAfterSeconds", step), std::to_string(*wanted.retryAfterSeconds),
           Shown(*error));
  }

  void OfExchanges(const Value& wanted) {
    const size_t count =
        wanted.is_int() ? static_cast<size_t>(wanted.integer()) : wanted.array().size();
    if (exchanges_.size() != count) {
      Fail("exchanges", std::to_string(count), std::to_string(exchanges_.size()));
      return;
    }
    for (size_t i = 0; wanted.is_array() && i < count; ++i) {
      OfExchange(ParseExchange(wanted.array()[i]).value(), exchanges_[i],
                 Cat("exchanges[", std::to_string(i), "]"));
    }
  }

  void OfExchange(const casesv1::CaseExchange& wanted, const fakeapiserver::Exchange& was,
                  const std::string& what) {
    if (!wanted.method.empty() && wanted.method != was.method)
      Fail(Cat(what, ".method"), wanted.method, was.method);
    if (!wanted.path.empty() && wanted.path != was.target)
      Fail(Cat(what, ".path"), wanted.path, was.target);
    if (wanted.status && *wanted.status != was.status)
      Fail(Cat(what, ".status"), std::to_string(*wanted.status), std::to_string(was.status));
    for (const auto& [name, value] : wanted.headers) OfHeader(name, value, was, what);
    for (const auto& [name, pattern] : wanted.matches) {
      const std::string value(was.headers.Get(name));
      if (!std::regex_match(value, std::regex(pattern)))
        Fail(Cat(what, ".matches.", name), Quote(pattern), Quote(value));
    }
    for (const std::string& name : wanted.spelled) {
      const bool sent = std::any_of(was.headers.begin(), was.headers.end(),
                                    [&](const auto& header) { return header.first == name; });
      if (!sent) Fail(Cat(what, ".spelled: there is no header ", name));
    }
    const std::string body = was.body ? *was.body : "";
    if (wanted.body && body != *wanted.body)
      Fail(Cat(what, ".body"), Quote(*wanted.body), Quote(body));
    if (!wanted.bodySubset) return;
    const auto actual = ParseJson(body);
    if (!actual) return Fail(Cat(what, ".bodySubset"), "JSON", Quote(body));
    if (const auto differs =
            Differs(ParseJson(wanted.bodySubset->raw).value(), *actual, Cat(what, ".bodySubset")))
      Fail(Cat(place_, ".", *differs));
  }

  // A text is the only value, null is no such header, a list are all values in order.
  void OfHeader(const std::string& name, const Json& wanted, const fakeapiserver::Exchange& was,
                const std::string& what) {
    Value values = Value::MakeArray();
    for (const auto value : was.headers.Values(name)) values.Append(value);
    Value expected = ParseJson(wanted.raw).value();
    if (expected.is_null()) expected = Value::MakeArray();
    if (expected.is_string()) expected = Value::MakeArray({expected});
    if (expected != values) Fail(Cat(what, ".headers.", name), ToJson(expected), ToJson(values));
  }

  void OfConnections(int64_t wanted) {
    std::set<uint64_t> connections;
    for (const auto& one : exchanges_) connections.insert(one.connection);
    if (connections.size() != static_cast<size_t>(wanted))
      Fail("connections", std::to_string(wanted), std::to_string(connections.size()));
  }

  void OfGaps(const std::vector<CaseRange>& wanted) {
    if (exchanges_.size() != wanted.size() + 1) {
      Fail("gaps", Cat(std::to_string(wanted.size() + 1), " exchanges"),
           std::to_string(exchanges_.size()));
      return;
    }
    for (size_t i = 0; i < wanted.size(); ++i) {
      const Duration gap = exchanges_[i + 1].at - exchanges_[i].at;
      if (!Within(wanted[i], gap))
        Mistime(Cat("gaps[", std::to_string(i), "]"), RangeText(wanted[i]), FormatDuration(gap));
    }
  }

  void OfStore(const Value& wanted, bool is_there) {
    const auto* served =
        server_.registry().FindKind(wanted.StringAt({"apiVersion"}), wanted.StringAt({"kind"}));
    if (served == nullptr) return Fail(Cat(place_, ": no such kind: ", Shown(wanted)));
    const auto object = server_.store().Get(
        {served->StoreName(), std::string(wanted.StringAt({"metadata", "namespace"})),
         std::string(wanted.StringAt({"metadata", "name"}))});
    if (is_there && object == nullptr) return Fail("stored", Shown(wanted), "not there");
    if (!is_there) {
      if (object != nullptr) Fail("gone", "no such object", object->json);
      return;
    }
    if (const auto differs = Differs(wanted, ParseJson(object->json).value(), "stored"))
      Fail(Cat(place_, ".", *differs));
  }

  const Case& case_;
  fakeapiserver::Server& server_;
  const Exchanges exchanges_;
  const Value& answer_;
  const Value::Array& results_;
  const Duration elapsed_;
  size_t mistimed_ = 0;
  std::string place_;
  std::vector<std::string> lines_;
};

Result<void> Prepare(const Case& one, fakeapiserver::Server& server) {
  for (const Value& object : one.given.array()) {
    if (auto seeded = server.Seed(object); !seeded) return seeded.error().Within("given");
  }
  if (one.faults.empty()) return {};
  return server.faults().Load("faults", one.faults);
}

std::string Replaced(std::string text, std::string_view what, const std::string& by) {
  for (size_t at = 0; (at = text.find(what, at)) != text.npos; at += by.size())
    text.replace(at, what.size(), by);
  return text;
}

// What stands for things of this run, in the texts of a config.
struct Marks {
  std::string server{}, certificates{}, files{};

  Value In(const Value& value) const {
    if (value.is_string()) {
      std::string text = Replaced(value.string(), "$(server)", server);
      text = Replaced(std::move(text), "$(host)", server.substr(server.find("//") + 2));
      text = Replaced(std::move(text), "$(ca)", EncodeBase64(certificates));
      return Replaced(Replaced(std::move(text), "$(caPem)", certificates), "$(files)", files);
    }
    if (value.is_array()) {
      Value out = Value::MakeArray();
      for (const Value& one : value.array()) out.Append(In(one));
      return out;
    }
    if (!value.is_object()) return value;
    Value out = Value::MakeObject();
    for (const auto& [name, member] : value.object()) out.Set(name, In(member));
    return out;
  }
};

// The case's config with the marks of this run, and its files written.
Result<Value> ConfigFor(const Case& one, const fakeapiserver::Server& server,
                        const std::string& address, Folder& folder) {
  if (!one.story.config || one.story.config->files.empty()) {
    return Marks{address, server.certificate_chain(), ""}.In(one.config);
  }
  if (auto made = folder.Make(); !made) return made.error();
  Value config = Marks{address, server.certificate_chain(), folder.path()}.In(one.config);
  for (const auto& [name, text] : config.Find("files")->object()) {
    if (auto written = folder.Write(name, text.string()); !written) return written.error();
  }
  config.Remove("files");
  return config;
}

std::string Did(const Value& results) {
  std::string text;
  for (size_t i = 0; i < results.array().size(); ++i)
    text += Cat("step ", std::to_string(i + 1), ": ", Shown(results.array()[i]), "\n");
  return text;
}

// The folder of the files has another name in each run, and on each machine.
void NameFiles(const Folder& folder, Verdict& verdict) {
  if (folder.path().empty()) return;
  verdict.did = Replaced(std::move(verdict.did), folder.path(), "$(files)");
  for (std::string& line : verdict.lines)
    line = Replaced(std::move(line), folder.path(), "$(files)");
}

// The answer has one result for each step.
Result<void> CheckAnswer(const Result<Value>& answer, size_t steps) {
  if (!answer) return answer.error();
  const Value* results = answer->Find("results");
  if (results == nullptr || !results->is_array() || results->array().size() != steps)
    return Invalid("the driver did not answer with one result a step");
  return {};
}

}  // namespace

std::optional<std::string> Differs(const Value& wanted, const Value& actual,
                                   const std::string& path) {
  if (wanted.is_object() && actual.is_object()) {
    for (const auto& [name, value] : wanted.object()) {
      static const Value kNothing;
      const Value* member = actual.Find(name);
      if (auto differs =
              Differs(value, member != nullptr ? *member : kNothing, Cat(path, ".", name)))
        return differs;
    }
    return std::nullopt;
  }
  if (wanted.is_array() && actual.is_array() && wanted.array().size() == actual.array().size()) {
    for (size_t i = 0; i < wanted.array().size(); ++i) {
      if (auto differs =
              Differs(wanted.array()[i], actual.array()[i], Cat(path, "[", std::to_string(i), "]")))
        return differs;
    }
    return std::nullopt;
  }
  if (wanted == actual) return std::nullopt;
  return Cat(path, ": expected ", Shown(wanted), ", but it was ", Shown(actual));
}

std::optional<std::string> Unsupported(const Case& one, const Value& hello) {
  for (const Value& step : one.steps.array()) {
    if (const std::string verb = VerbOf(step); !Holds(hello.Find("verbs"), verb))
      return Cat("verb ", verb);
  }
  const Value* supported = hello.Find("config");
  for (const auto& [name, value] : one.config.object()) {
    if (Holds(supported, name) || NeedsNothing(name, value)) continue;
    if (name != "overrides") return Cat("config ", name);
    for (const auto& [part, text] : value.object()) {
      if (!Holds(supported, Cat(name, ".", part))) return Cat("config ", name, ".", part);
    }
  }
  for (const std::string& feature : FeaturesOf(one)) {
    if (!Holds(hello.Find("features"), feature)) return Cat("feature ", feature);
  }
  return std::nullopt;
}

bool IsFailure(Verdict::Kind kind) {
  return kind == Verdict::Kind::kFailed || kind == Verdict::Kind::kBroken ||
         kind == Verdict::Kind::kMalformed;
}

namespace {

// Without a verdict where the case is to be played.
std::optional<Verdict> NotPlayed(const Case& one, const Driver& driver) {
  if (!one.malformed.empty())
    return Verdict{.name = one.name, .kind = Verdict::Kind::kMalformed, .lines = {one.malformed}};
  if (one.story.wire == "memory" && !driver.in_process())
    return Verdict{
        .name = one.name, .kind = Verdict::Kind::kUnsupported, .lines = {"virtual time"}};
  if (const auto lacks = Unsupported(one, driver.hello()))
    return Verdict{.name = one.name, .kind = Verdict::Kind::kUnsupported, .lines = {*lacks}};
  if (const auto why = one.story.cannot.find(driver.name()); why != one.story.cannot.end())
    return Verdict{.name = one.name, .kind = Verdict::Kind::kExcused, .lines = {why->second}};
  return std::nullopt;
}

// The server's address, or "" and why there is none.
Result<std::string> Open(const Case& one, bool in_memory, fakeapiserver::Server& server,
                         Surroundings& surroundings) {
  if (in_memory) {
    surroundings.transport = server.WireLoopback();
    return std::string("http://server.test:80");
  }
  const bool http1 = one.story.wire == "tls-http1";
  return server.Listen(
      {.self_made_certificate = http1 || one.story.wire == "tls", .disable_http2 = http1});
}

}  // namespace

Verdict RunCase(const Case& one, Driver& driver) {
  if (auto verdict = NotPlayed(one, driver)) return *std::move(verdict);
  Verdict verdict{.name = one.name, .kind = Verdict::Kind::kFailed};
  const auto fail = [&](const Error& error) {
    verdict.lines.push_back(error.message());
    return verdict;
  };
  const bool in_memory =
      driver.in_process() && (one.story.wire.empty() || one.story.wire == "memory");
  Surroundings surroundings;
  if (in_memory) {
    surroundings.env.clock = std::make_shared<FakeClock>();
    surroundings.env.random = SeededRandom(1);
  }
  Folder folder;
  Changes changes(one, folder);
  fakeapiserver::Server server({.env = surroundings.env});
  if (auto prepared = Prepare(one, server); !prepared) return fail(prepared.error());
  changes.Follow(server);
  const auto address = Open(one, in_memory, server, surroundings);
  if (!address) return fail(address.error());
  auto config = ConfigFor(one, server, *address, folder);
  if (!config) return fail(config.error());
  const Value task = Value::MakeObject({{"case", one.name},
                                        {"server", *address},
                                        {"config", *std::move(config)},
                                        {"steps", one.steps}});
  const TimePoint start = surroundings.env.clock->Now();
  const auto answer = driver.Play(task, surroundings);
  verdict.took = surroundings.env.clock->Now() - start;
  if (auto good = CheckAnswer(answer, one.steps.array().size()); !good) {
    verdict.kind = Verdict::Kind::kBroken;
    verdict.timeline = Timeline(server.recorder().Exchanges());
    return fail(good.error());
  }
  Check check(one, server, *answer, verdict.took);
  verdict.lines = check.Run();
  for (const std::string& line : changes.Complaints()) verdict.lines.push_back(line);
  if (verdict.lines.empty()) verdict.kind = Verdict::Kind::kPassed;
  verdict.mistimed = check.only_mistimed(verdict.lines.size());
  verdict.did = Did(*answer->Find("results"));
  verdict.timeline = Timeline(check.exchanges());
  NameFiles(folder, verdict);
  return verdict;
}

Verdict RunCaseFairly(const Case& one, Driver& driver) {
  constexpr int kMoreRuns = 2;
  Verdict verdict = RunCase(one, driver);
  for (int i = 0; i < kMoreRuns && verdict.mistimed && !driver.in_process(); ++i)
    verdict = RunCase(one, driver);
  return verdict;
}

}  // namespace k8s::conformance
