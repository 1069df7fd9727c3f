// Every recorded failure of a request, injected into the fake server in virtual time: what our
// client does is what client-go did. The recording stays outside of the repository;
// K8S_RETRY_TESTDATA says where.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <regex>

#include "fakeapiserver/server.h"
#include "k8s/api/corev1.h"
#include "k8s/base/fake_clock.h"
#include "k8s/base/log.h"
#include "k8s/base/strings.h"
#include "k8s/http/metrics.h"
#include "k8s/http/stub_for_test.h"
#include "k8s/kubernetes/clientset.h"
#include "k8s/machinery/json.h"

namespace k8s {
namespace {

using namespace std::chrono_literals;
using fakeapiserver::Place;
using testing::Contains;
using testing::Eq;

constexpr char kHost[] = "server.test:80";

std::vector<Value> Rows(std::string_view verb) {
  const auto host = RealHost();
  const std::string path =
      host->GetEnv("K8S_RETRY_TESTDATA")
          .value_or(Cat(K8S_SOURCE_DIR, "/../shared/data/client-go-retry-v0.37.jsonl"));
  const auto text = host->ReadFile(path);
  std::vector<Value> rows;
  if (!text) return rows;
  for (const std::string_view line : Split(*text, '\n')) {
    if (line.empty()) continue;
    Value row = ParseJson(line).value();
    if (row.StringAt({"verb"}) == verb) rows.push_back(std::move(row));
  }
  return rows;
}

// What one call came to.
struct Outcome {
  std::optional<Error> error;
  int64_t events = 0;
};

template <class T>
Outcome Of(const Result<T>& result) {
  if (result) return {};
  return {result.error()};
}

// A body that cannot be sent a second time.
class OneWay final : public http::BodyReader {
 public:
  explicit OneWay(std::string text) : text_(std::move(text)) {}
  Result<bool> Read(std::string& out) override {
    out += text_;
    return !std::exchange(text_, {}).empty();
  }

 private:
  std::string text_;
};

class RecordedRetry : public testing::TestWithParam<std::string> {
 protected:
  RecordedRetry() {
    env_.clock = clock_;
    env_.random = SeededRandom(1);
    env_.host = host_;
    SetLogSink([](int, std::string_view) {});
    http::metrics::Hooks hooks;
    hooks.request_result = [this](const std::string& code, const std::string& method,
                                  const std::string&) { ++results_[Cat(method, " ", code)]; };
    hooks.request_retry = [this](const std::string& code, const std::string& method,
                                 const std::string&) { ++retries_[Cat(method, " ", code)]; };
    http::metrics::ReplaceForTest(std::move(hooks));
  }
  ~RecordedRetry() override {
    http::metrics::ReplaceForTest({});
    SetLogSink({});
  }

  // The recorded steps: bytes, silence, and an end.
  void Inject(fakeapiserver::Faults& faults, const Value& row) {
    const int64_t times = row.IntAt({"times"});
    if (row.StringAt({"config"}) == "refused") {
      faults.OnConnection().Refuse();
      return;
    }
    std::string_view wire = row.StringAt({"wire"});
    std::string bytes;
    fakeapiserver::Ending ending = fakeapiserver::Ending::kClose;
    bool at_accept = false;
    Duration silence = Duration::max();
    while (!wire.empty()) {
      const size_t bar = wire.find(" | ");
      const std::string_view step = wire.substr(0, bar);
      wire = bar == wire.npos ? "" : wire.substr(bar + 3);
      if (step == "connection accepted, nothing read") {
        at_accept = true;
      } else if (step == "RST") {
        ending = fakeapiserver::Ending::kReset;
      } else if (step == "silence for 3s") {
        ending = fakeapiserver::Ending::kHang;
        silence = 3s;
      } else if (step != "FIN") {
        bytes = step;
      }
    }
    fakeapiserver::Rule& rule = at_accept ? faults.OnConnection() : faults.OnEvery();
    rule.Times(times);
    const Place place = at_accept       ? Place::kAccept
                        : bytes.empty() ? Place::kRequest
                                        : Place::kAnswer;
    if (!bytes.empty()) rule.Garbage(bytes);
    switch (ending) {
      case fakeapiserver::Ending::kReset:
        rule.Reset(place, bytes.size());
        break;
      case fakeapiserver::Ending::kClose:
        rule.Close(place, bytes.size());
        break;
      case fakeapiserver::Ending::kHang:
        rule.Hang(place, bytes.size(), silence);
        break;
    }
  }

  // From then on the server answers well, whatever it holds.
  static void AnswerWell(fakeapiserver::Faults& faults) {
    const std::string pod =
        R"({"kind":"Pod","apiVersion":"v1","metadata":{"name":"a","namespace":"ns"}})";
    faults.On(Verb::kWatch, "pods")
        .Reply(200)
        .Body("application/json", Cat(R"({"type":"ADDED","object":)", pod, "}\n"));
    faults.On(Verb::kList, "pods")
        .Reply(200)
        .Body("application/json", R"({"kind":"PodList","apiVersion":"v1","items":[]})");
    faults.OnEvery("pods").Reply(200).Body("application/json", pod);
    faults.OnEvery().Reply(200).Body("text/plain", "ok");
  }

  Outcome Call(const Clientset& clientset, const Context& ctx) {
    const auto core = clientset.CoreV1();
    const auto pods = core.Pods("ns");
    const std::string& verb = GetParam();
    const corev1::Pod pod{.metadata = {.name = "a"}};
    if (verb == "get") return Of(pods.Get("a", {}, ctx));
    if (verb == "list") return Of(pods.List({}, ctx));
    if (verb == "create") return Of(pods.Create(pod, {}, ctx));
    if (verb == "update") {
      return Of(pods.Update({.metadata = {.name = "a", .resourceVersion = "1"}}, {}, ctx));
    }
    if (verb == "delete") return Of(pods.Delete("a", {}, ctx));
    if (verb == "delete-collection") return Of(pods.DeleteCollection({}, {}, ctx));
    if (verb == "patch") return Of(pods.Patch("a", PatchType::kMergePatch, "{}", {}, {}, ctx));
    if (verb == "raw") return Of(core.RESTClient().Get().AbsPath({"healthz"}).DoRaw(ctx));
    if (verb == "stream") {
      auto stream = pods.GetLogs("a", {}).Stream(ctx);
      if (!stream) return {stream.error()};
      return Of(stream->body->ReadAll());
    }
    if (verb == "create-stream") {
      auto answer = core.RESTClient()
                        .Post()
                        .Namespace("ns")
                        .Resource("pods")
                        .SetHeader("Content-Type", "application/json")
                        .BodyReader(std::make_shared<OneWay>(std::string(95, ' ')))
                        .Do(ctx);
      if (!answer) return {answer.error()};
      return {};
    }
    auto watch = pods.Watch({}, ctx);
    if (!watch) return {watch.error()};
    Outcome outcome;
    for (auto event = watch->begin(); event != watch->end(); ++event) ++outcome.events;
    return outcome;
  }

  void Play(const Value& row) {
    results_.clear();
    retries_.clear();
    host_->variables.clear();
    fakeapiserver::Server server({.env = env_, .bootstrap = false});
    Inject(server.faults(), row);
    AnswerWell(server.faults());
    rest::Config config;
    config.host = Cat("http://", kHost);
    config.transport = server.Loopback();
    config.content_type = "application/json";
    config.qps = -1;
    config.env = env_;
    const std::string_view option = row.StringAt({"config"});
    if (option == "timeout-1s") config.timeout = 1s;
    if (option == "backoff") {
      host_->variables["KUBE_CLIENT_BACKOFF_BASE"] = "1";
      host_->variables["KUBE_CLIENT_BACKOFF_DURATION"] = "4";
    }
    const Clientset clientset = Clientset::NewForConfig(config).value();
    const TimePoint start = clock_->Now();
    Context ctx;
    if (option == "context-1s") ctx = ctx.WithTimeout(*clock_, 1s);
    const Outcome outcome = Call(clientset, ctx);
    const Duration elapsed = clock_->Now() - start;

    CheckExchanges(row, server.recorder().Exchanges());
    CheckOutcome(row, outcome);
    // The recording's seconds were real ones, with their delays.
    EXPECT_NEAR(HalfSeconds(elapsed), row.Find("elapsed")->number(), 0.5);
    EXPECT_EQ(results_, Counts(row, "resultMetric"));
    EXPECT_EQ(retries_, Counts(row, "retryMetric"));
  }

  static double HalfSeconds(Duration d) {
    return std::round(std::chrono::duration<double>(d).count() * 2) / 2;
  }

  static std::map<std::string, int64_t> Counts(const Value& row, std::string_view name) {
    std::map<std::string, int64_t> out;
    if (const Value* counts = row.Find(name)) {
      for (const auto& [key, count] : counts->object()) out[key] = count.integer();
    }
    return out;
  }

  void CheckExchanges(const Value& row, const std::vector<fakeapiserver::Exchange>& seen) {
    std::vector<std::string> wanted, have;
    bool all_were_read = true;
    for (const Value& one : row.Find("exchanges")->array()) {
      if (one.Find("method") == nullptr) {
        all_were_read = false;
        continue;
      }
      wanted.push_back(Cat(one.StringAt({"method"}), " ", one.StringAt({"path"}), " ",
                           std::to_string(one.IntAt({"bodyBytes"}))));
    }
    std::vector<double> gaps, wanted_gaps;
    for (size_t i = 0; i < seen.size(); ++i) {
      have.push_back(Cat(seen[i].method, " ", seen[i].target, " ",
                         std::to_string(seen[i].body ? seen[i].body->size() : 0)));
      if (i > 0) gaps.push_back(HalfSeconds(seen[i].at - seen[i - 1].at));
    }
    EXPECT_EQ(have, wanted);
    if (!all_were_read) return;
    if (const Value* recorded = row.Find("gaps")) {
      for (const Value& gap : recorded->array()) wanted_gaps.push_back(gap.number());
    }
    EXPECT_EQ(gaps, wanted_gaps);
  }

  // Addresses aside, and what the system and the JSON reader say in words of their own.
  static std::string Plain(std::string text) {
    static const std::regex kReset(
        R"re((?:dial|read|write) tcp [^ ]+: (?:connect|read|write): connection reset by peer)re");
    static const std::regex kJson("couldn't get version/kind; .*");
    static const std::regex kUrl(Cat("http://", kHost));
    static const std::regex kAddress(kHost);
    text = std::regex_replace(text, kReset, "connection reset by peer");
    text = std::regex_replace(text, kJson, "couldn't get version/kind");
    text = std::regex_replace(text, kUrl, "http://HOST");
    return std::regex_replace(text, kAddress, "HOST");
  }

  static void CheckOutcome(const Value& row, const Outcome& outcome) {
    EXPECT_EQ(outcome.events, row.IntAt({"watchEvents"}));
    if (row.StringAt({"outcome"}) == "ok") {
      EXPECT_FALSE(outcome.error) << *outcome.error;
      return;
    }
    ASSERT_TRUE(outcome.error);
    const Error& error = *outcome.error;
    std::vector<std::string> texts = {Plain(std::string(row.StringAt({"error"})))};
    if (const Value* others = row.Find("orError")) {
      for (const Value& other : others->array()) texts.push_back(Plain(other.string()));
    }
    EXPECT_THAT(texts, Contains(Eq(Plain(error.message()))));
    EXPECT_EQ(ReasonForError(error), row.StringAt({"reason"}));
    EXPECT_EQ(error.status() ? error.status()->code : 0, row.IntAt({"code"}));
    if (row.Find("suggestsDelaySeconds") != nullptr) {
      EXPECT_EQ(SuggestsClientDelay(error), row.IntAt({"suggestsDelaySeconds"}));
    }
    const bool timeout =
        error.code() == Error::Code::kDeadlineExceeded || error.cause() == TransportCause::kTimeout;
    EXPECT_EQ(timeout, row.BoolAt({"isTimeout"}));
  }

  std::shared_ptr<FakeClock> clock_ = std::make_shared<FakeClock>();
  std::shared_ptr<http::FakeHost> host_ = std::make_shared<http::FakeHost>();
  Env env_;
  std::map<std::string, int64_t> results_, retries_;
};

TEST_P(RecordedRetry, IsWhatClientGoDid) {
  const std::vector<Value> rows = Rows(GetParam());
  if (rows.empty()) GTEST_SKIP() << "client-go-retry-v0.37.jsonl is not there";
  for (const Value& row : rows) {
    SCOPED_TRACE(row.StringAt({"name"}));
    Play(row);
  }
}

INSTANTIATE_TEST_SUITE_P(Verbs, RecordedRetry,
                         testing::Values("get", "list", "create", "update", "patch", "delete",
                                         "delete-collection", "watch", "stream", "raw",
                                         "create-stream"),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::erase(name, '-');
                           return name;
                         });

}  // namespace
}  // namespace k8s
