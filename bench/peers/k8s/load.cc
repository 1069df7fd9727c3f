// Loads a server with requests over many connections and tells what they cost it: its CPU and
// memory. The bytes are prepared before, and answers are read but not decoded
// (bench/peers/README.md).
//
//   peers_load --server URL --work WORK --kind configmaps|pods --encoding json|protobuf --n N
//              --connections N --objects N --server-pid PID[,PID] [--who NAME] [--token-file FILE]
//
// Before it measures, fill creates N objects through the server, so that every server holds the
// same.

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <semaphore>
#include <utility>

#include "k8s/base/host.h"
#include "k8s/base/strings.h"
#include "k8s/base/thread.h"
#include "k8s/http/socket_transport.h"
#include "k8s/machinery/json.h"
#include "k8s/machinery/json_codec.h"
#include "measure.h"
#include "sample_pods.h"
#include "watchers.h"

namespace k8s::bench {
namespace {

constexpr std::string_view kMark =
    "@changed@";  // in a body, where a number stands that is new each time
constexpr const char* kJson = "application/json";
constexpr const char* kWatchHttp2 = "watch-http2";

// Threads cannot hand a Result on, and a benchmark that has met an error has nothing to say.
[[noreturn]] void Fail(const Error& error) {
  std::fprintf(stderr, "peers_load: %s\n", error.message().c_str());
  std::fflush(stderr);
  std::_Exit(1);
}
template <class T>
T Must(Result<T> result) {
  if (!result) Fail(result.error());
  return *std::move(result);
}

struct Target {
  std::string server{};
  std::string kind{};
  std::string accept{};
  std::string token{};
  std::string round{};  // in names, so that a server may be loaded several times
  std::shared_ptr<http::RoundTripper> transport{};

  std::string Path() const { return Cat("/api/v1/namespaces/default/", kind); }
};

struct Call {
  std::string method{};
  std::string path{};
  std::string query{};
  std::string content_type{};
  std::string body{};
};

// The body, and nothing of it where it is of no use: what the load program does with tens of
// megabytes would slow the server beside it.
enum class Keep : uint8_t { kBody, kNothing };

Result<std::string> ReadBody(http::Body& body, Keep keep) {
  if (keep == Keep::kBody) return body.ReadAll();
  std::string piece;
  while (true) {
    piece.clear();
    const auto count = body.Read(piece);
    if (!count) return count.error();
    if (*count == 0) return std::string();
  }
}

std::string Send(const Target& target, const Call& call, Keep keep = Keep::kBody) {
  http::Request request;
  request.method = call.method;
  request.url = Must(http::Url::Parse(target.server));
  request.url.path = call.path;
  request.url.query = call.query;
  request.headers.Set("Accept", target.accept);
  if (!target.token.empty()) request.headers.Set("Authorization", Cat("Bearer ", target.token));
  if (!call.body.empty()) {
    request.headers.Set("Content-Type", call.content_type);
    request.body = std::make_shared<const std::string>(call.body);
  }
  http::Response response = Must(target.transport->RoundTrip(request, {}));
  const bool failed = response.status >= 300;
  std::string body = Must(ReadBody(*response.body, failed ? Keep::kBody : keep));
  if (failed) {
    Fail(Invalid(Cat(call.method, " ", call.path, ": ", std::to_string(response.status), " ",
                     body.substr(0, 500))));
  }
  // Not every server heeds what it is asked for, and some do not say what they answer.
  const std::string_view type = response.headers.Get("Content-Type");
  if (call.method == "GET" && target.accept != kJson && !type.starts_with(target.accept)) {
    Fail(Invalid(Cat("GET ", call.path, ": asked for ", target.accept, " and got ", Quote(type))));
  }
  return body;
}

// body with every mark replaced by the number.
std::string Changed(std::string_view body, int64_t number) {
  std::string out;
  for (size_t at; (at = body.find(kMark)) != std::string_view::npos;) {
    out.append(body.substr(0, at)).append(std::to_string(number));
    body.remove_prefix(at + kMark.size());
  }
  return out.append(body);
}

// An object as a user would send it, with a mark in it.
std::string Sample(const std::string& kind, const std::string& name) {
  std::string json;
  if (kind == "pods") {
    corev1::Pod pod = SamplePod(1);
    metav1::ObjectMeta metadata{.name = name, .namespace_ = "default"};
    metadata.labels = pod.metadata.labels;
    metadata.annotations = pod.metadata.annotations;
    metadata.annotations["changed"] = kMark;
    pod.metadata = metadata;
    pod.status = {};
    EncodeJson(TypeOf<corev1::Pod>(), &pod, {"v1", "Pod"}, json);
  } else {
    corev1::ConfigMap map{.metadata = {.name = name, .namespace_ = "default"}};
    for (int i = 0; i < 10; ++i) map.data[Cat("key-", std::to_string(i))] = std::string(90, 'x');
    map.data["changed"] = kMark;
    EncodeJson(TypeOf<corev1::ConfigMap>(), &map, {"v1", "ConfigMap"}, json);
  }
  return json;
}

// What the server has made of the sample that it is sent, with a mark again and no revision, for
// PUT.
std::string Created(const Target& target, const std::string& name, const std::string& body) {
  Send(target, {"POST", target.Path(), "", kJson, Changed(body, 0)});
  Target json = target;
  json.accept = kJson;
  Value object = Must(ParseJson(Send(json, {"GET", Cat(target.Path(), "/", name), "", "", ""})));
  object["metadata"].Remove("resourceVersion");
  if (target.kind == "pods") {
    object["metadata"]["annotations"]["changed"] = std::string(kMark);
  } else {
    object["data"]["changed"] = std::string(kMark);
  }
  return ToJson(object);
}

std::string CreatedName(const Target& target, std::string_view number) {
  return Cat("created-", target.round, "-", number);
}

// The call that a connection makes again and again, marks in path and body.
Call CallFor(const Target& target, const std::string& work, int connection) {
  const std::string name = Cat("load-", target.round, "-", work, "-", std::to_string(connection));
  const std::string own = Cat(target.Path(), "/", name);
  const std::string sample = Sample(target.kind, name);
  if (work == "get") return {"GET", Cat(target.Path(), "/filled-", kMark), "", "", ""};
  if (work == "list") return {"GET", target.Path(), "", "", ""};
  if (work == "create") {
    return {"POST", target.Path(), "", kJson, Sample(target.kind, CreatedName(target, kMark))};
  }
  if (work == "update" || work == "watch" || work == kWatchHttp2)
    return {"PUT", own, "", kJson, Created(target, name, sample)};
  if (work == "patch") {
    Created(target, name, sample);
    const std::string_view member = target.kind == "pods"
                                        ? R"({"metadata":{"annotations":{"changed":")"
                                        : R"({"data":{"changed":")";
    const std::string_view end = target.kind == "pods" ? R"("}}})" : R"("}})";
    return {"PATCH", own, "", "application/merge-patch+json", Cat(member, kMark, end)};
  }
  if (work == "apply") {
    return {"PATCH", own, "fieldManager=load&force=true", "application/apply-patch+yaml", sample};
  }
  Fail(Invalid(Cat(
      "--work must be fill, get, list, create, update, patch, apply, watch or watch-http2, not ",
      Quote(work))));
}

// Runs body(connection) on as many threads, and waits for all.
void OnThreads(int connections, const std::function<void(int)>& body) {
  std::vector<Thread> threads;
  for (int i = 0; i < connections; ++i) {
    threads.emplace_back(RealClock(), "connection", [&body, i](std::stop_token) { body(i); });
  }
  for (Thread& thread : threads) thread.Join();
}

// Status and all, as what a cluster has at rest.
void FillOne(const Target& target, int number) {
  const std::string name = Cat("filled-", std::to_string(number));
  if (target.kind != "pods") {
    Send(target, {"POST", target.Path(), "", kJson, Changed(Sample(target.kind, name), number)});
    return;
  }
  corev1::Pod pod = SamplePod(number);
  pod.metadata.name = name;
  pod.metadata.uid.clear();
  pod.metadata.resourceVersion.clear();
  pod.metadata.managedFields.clear();
  std::string json;
  EncodeJson(TypeOf<corev1::Pod>(), &pod, {"v1", "Pod"}, json);
  Send(target, {"POST", target.Path(), "", kJson, json});
  Send(target, {"PUT", Cat(target.Path(), "/", name, "/status"), "", kJson, json});
}

// What the server has used up between two moments.
class Meter {
 public:
  explicit Meter(std::string pids) {
    for (std::string_view pid : Split(pids, ',')) pids_.emplace_back(pid);
    cpu_ns_ = Must(CpuNanoseconds(pids_));
  }
  Measured Stop(int64_t n) const {
    const auto wall = clock_->Now() - begin_;
    Measured measured;
    measured.n = n;
    measured.cpu_ns = Must(CpuNanoseconds(pids_)) - cpu_ns_;
    measured.wall_us = std::chrono::duration_cast<std::chrono::microseconds>(wall).count();
    measured.peak_rss_mb = Must(Megabytes(pids_, "VmHWM"));
    std::array<char, 40> rss{};
    std::snprintf(rss.data(), rss.size(), ",\"rss_mb\":%.1f", Must(Megabytes(pids_, "VmRSS")));
    measured.more = rss.data();
    return measured;
  }

 private:
  const std::shared_ptr<Clock> clock_ = RealClock();
  std::vector<std::string> pids_;
  int64_t cpu_ns_ = 0;
  const TimePoint begin_ = clock_->Now();
};

Measured Load(const Target& target, const std::string& work, int connections, int n, int objects,
              const std::string& pids) {
  std::vector<Call> calls;
  for (int i = 0; i < connections && work != "fill"; ++i) calls.push_back(CallFor(target, work, i));
  const auto run = [&](int from, int to) {
    std::atomic<int> next = from;
    OnThreads(connections, [&](int connection) {
      for (int i; (i = next++) < to;) {
        if (work == "fill") {
          FillOne(target, i);
          continue;
        }
        Call call = calls[connection];
        const int number = work == "get" ? i % objects : i;
        call.path = Changed(call.path, number);
        call.body = Changed(call.body, number);
        Send(target, call, Keep::kNothing);
      }
    });
  };
  const int warm = work == "fill" ? 0 : std::max(connections, n / 10);
  run(0, warm);
  const Meter meter(pids);
  run(warm, warm + n);
  const Measured measured = meter.Stop(n);
  if (work == "create") {
    for (int i = 0; i < warm + n; ++i) {
      const std::string path = Cat(target.Path(), "/", CreatedName(target, std::to_string(i)));
      Send(target, {"DELETE", path, "gracePeriodSeconds=0", "", ""});
    }
  }
  return measured;
}

// One thread receives while another changes: it says each time that all watchers have had one event
// more, and waits for no answer, since the next change is sent only then.
struct Receipt {
  std::binary_semaphore by_all{0};
  TimePoint last{};  // written before the release
};

void ReceiveAll(Watchers& watchers, int events, Receipt& receipt) {
  const auto clock = RealClock();
  for (int i = 1; i <= events; ++i) {
    for (auto left = static_cast<int>(watchers.size()); left > 0;) {
      left -= Must(watchers.Receive(i));
    }
    receipt.last = clock->Now();
    receipt.by_all.release();
  }
}

// One object, which all watch and whose state now is their first event; then n changes, each sent
// when all have the one before. The delay counts from the answer to the change to the last
// watcher's receipt.
Measured Watch(const Target& target, const std::string& work, int count, int n,
               const std::string& pids) {
  const Call call = CallFor(target, work, 0);
  const std::string name = call.path.substr(call.path.rfind('/') + 1);
  auto url = Must(http::Url::Parse(target.server));
  url.path = target.Path();
  url.query = Cat("watch=true&resourceVersion=0&fieldSelector=metadata.name%3D", name);
  http::Headers headers;
  headers.Set("Host", url.Authority());
  headers.Set("Accept", target.accept);
  if (!target.token.empty()) headers.Set("Authorization", Cat("Bearer ", target.token));
  Watchers watchers;
  const Protocol protocol = work == kWatchHttp2 ? Protocol::kHttp2 : Protocol::kHttp1;
  if (auto opened = watchers.Open(url, headers, count, protocol); !opened) Fail(opened.error());

  Receipt receipt;
  Thread receiver(RealClock(), "watchers",
                  [&](std::stop_token) { ReceiveAll(watchers, n + 1, receipt); });
  receipt.by_all.acquire();
  const auto clock = RealClock();
  std::vector<int64_t> delays;
  const Meter meter(pids);
  for (int i = 0; i < n; ++i) {
    Call change = call;
    change.body = Changed(change.body, i + 1);
    Send(target, change);
    const TimePoint answered = clock->Now();
    receipt.by_all.acquire();
    const auto delay =
        std::chrono::duration_cast<std::chrono::microseconds>(receipt.last - answered);
    delays.push_back(std::max<int64_t>(0, delay.count()));
  }
  Measured measured = meter.Stop(int64_t{n} * count);
  std::sort(delays.begin(), delays.end());
  measured.more += Cat(",\"p99_us\":", std::to_string(delays[delays.size() * 99 / 100]));
  return measured;
}

int Main(const std::vector<std::string>& arguments) {
  auto parsed = ParseFlags(arguments, {{"--server", ""},
                                       {"--work", "get"},
                                       {"--kind", "configmaps"},
                                       {"--encoding", "json"},
                                       {"--n", "1000"},
                                       {"--connections", "8"},
                                       {"--objects", "1"},
                                       {"--server-pid", "self"},
                                       {"--round", "0"},
                                       {"--who", "server"},
                                       {"--token-file", ""}});
  if (!parsed) {
    std::fprintf(stderr, "peers_load: %s\n", parsed.error().message().c_str());
    return kUsage;
  }
  const auto& flags = *parsed;
  Target target{
      .server = flags.at("--server"), .kind = flags.at("--kind"), .round = flags.at("--round")};
  const std::string& encoding = flags.at("--encoding");
  target.accept = encoding == "protobuf" ? "application/vnd.kubernetes.protobuf" : kJson;
  if (const std::string& file = flags.at("--token-file"); !file.empty())
    target.token = std::string(Trim(Must(RealHost()->ReadFile(file))));
  http::TransportOptions options{.disable_compression = true, .max_idle_per_host = 1000};
  options.tls.insecure = true;  // the certificates of these servers are made on the spot
  target.transport = Must(http::NewSocketTransport(std::move(options)));

  const std::string& work = flags.at("--work");
  const int n = Must(CountOf(flags, "--n"));
  const int connections = Must(CountOf(flags, "--connections"));
  const std::string& pids = flags.at("--server-pid");
  const bool http2 = work == kWatchHttp2;
  if (http2 && !target.server.starts_with("https:")) {
    std::fprintf(stderr, "peers_load: skipped %s: HTTP/2 is spoken through TLS alone\n",
                 kWatchHttp2);
    return kSkipped;
  }
  Measured measured = work == "watch" || http2 ? Watch(target, work, connections, n, pids)
                                               : Load(target, work, connections, n,
                                                      Must(CountOf(flags, "--objects")), pids);
  measured.who = flags.at("--who");
  measured.work = Cat(work, " ", target.kind);
  measured.encoding = encoding;
  Print(measured);
  return 0;
}

}  // namespace
}  // namespace k8s::bench

int main(int argc, char** argv) {
  return k8s::bench::Main(std::vector<std::string>(argv + 1, argv + argc));
}
