#include "fakeapiserver/control.h"

#include "fakeapiserver/bootstrap.h"
#include "fakeapiserver/deviations.h"
#include "k8s/base/fake_clock.h"
#include "k8s/base/strings.h"
#include "k8s/machinery/json.h"
#include "k8s/machinery/json_codec.h"
#include "k8s/machinery/scalars.h"
#include "k8s/machinery/yaml.h"

namespace k8s::fakeapiserver {
namespace {

constexpr std::string_view kRoot = "/fake/v1/";

Answer Json(const Value& value, int status = 200) {
  return Answer::Bytes(status, "application/json", Cat(ToJson(value), "\n"));
}
Answer Refuse(int status, std::string message) {
  return Json(Value::MakeObject({{"error", std::move(message)}}), status);
}

Value FaultsValue(const Faults& faults) {
  Value list = Value::MakeArray();
  for (const Faults::State& state : faults.Rules()) {
    std::string spec;
    EncodeSparseJson(TypeOf<faultsv1::FaultSpec>(), &state.spec, {}, spec);
    Value one = Value::MakeObject({{"name", state.name}, {"spec", ParseJson(spec).value()}});
    one.Set("fired", state.fired);
    one.Set("spent", state.spent);
    if (state.error) one.Set("error", state.error->message());
    list.Append(std::move(one));
  }
  return Value::MakeObject({{"faults", std::move(list)}, {"unspent", faults.Unspent()}});
}

Answer ServeFaults(Core& core, const http::Request& request, std::string_view name) {
  if (request.method == "GET") return Json(FaultsValue(core.faults));
  if (request.method == "DELETE") {
    if (name.empty()) {
      core.faults.Clear();
    } else if (!core.faults.Remove(name)) {
      return Refuse(404, Cat("there is no fault ", Quote(name)));
    }
    return Json(FaultsValue(core.faults));
  }
  if (request.method != "POST") return Refuse(405, "GET, POST or DELETE");
  const std::string_view body = request.body ? std::string_view(*request.body) : "";
  if (auto loaded = core.faults.Load("faults", body); !loaded)
    return Refuse(400, loaded.error().message());
  return Json(FaultsValue(core.faults), 201);
}

double Seconds(Duration d) { return std::chrono::duration<double>(d).count(); }

Value ExchangesValue(const Recorder& recorder) {
  Value list = Value::MakeArray();
  const auto exchanges = recorder.Exchanges();
  for (const Exchange& one : exchanges) {
    Value entry = Value::MakeObject({{"number", static_cast<int64_t>(one.number)}});
    entry.Set("at", Seconds(one.at - exchanges.front().at));
    entry.Set("time", MicroTime::From(one.wall).String());
    entry.Set("connection", static_cast<int64_t>(one.connection));
    entry.Set("method", one.method);
    entry.Set("target", one.target);
    entry.Set("verb", one.info.verb);
    entry.Set("resource", one.info.resource);
    Value headers = Value::MakeObject();
    for (const auto& [name, value] : one.headers) {
      // Whoever reads the record need not see who was asking.
      headers.Set(name, EqualsIgnoreCase(name, "Authorization") ? "<masked>" : value);
    }
    entry.Set("headers", std::move(headers));
    entry.Set("bodyBytes", static_cast<int64_t>(one.body ? one.body->size() : 0));
    entry.Set("status", one.status);
    if (!one.fault.empty()) entry.Set("fault", one.fault);
    list.Append(std::move(entry));
  }
  return Value::MakeObject({{"exchanges", std::move(list)}});
}

Answer ServeTime(Core& core, const http::Request& request) {
  if (request.method == "POST") {
    auto* const clock = dynamic_cast<FakeClock*>(core.env.clock.get());
    if (clock == nullptr) return Refuse(409, "the server runs on real time");
    auto body = ParseYamlDocument(request.body ? std::string_view(*request.body) : "");
    if (!body) return Refuse(400, body.error().message());
    const auto step = ParseDuration(body->StringAt({"step"}));
    if (!step || *step < Duration::zero())
      return Refuse(400, R"(a body such as {"step": "5s"} says how far time moves)");
    clock->Step(*step);
  }
  return Json(Value::MakeObject({{"now", MicroTime::From(core.env.clock->WallNow()).String()}}));
}

}  // namespace

std::optional<Answer> ServeControl(Core& core, const http::Request& request, bool bootstrap) {
  std::string_view path = request.url.path;
  if (!path.starts_with(kRoot)) return std::nullopt;
  path.remove_prefix(kRoot.size());
  const bool post = request.method == "POST";
  if (path == "faults" || path.starts_with("faults/"))
    return ServeFaults(core, request, path.substr(std::min<size_t>(path.size(), 7)));
  if (path == "exchanges") {
    if (request.method == "DELETE") core.recorder.Clear();
    return Json(ExchangesValue(core.recorder));
  }
  if (path == "reset" && post) {
    core.faults.Clear();
    core.store.Reset();
    if (bootstrap) Bootstrap(core);
    core.recorder.Clear();
    return Json(Value::MakeObject());
  }
  if (path == "compact" && post) {
    core.store.Compact(core.store.revision());
    return Json(Value::MakeObject({{"compacted", core.store.compacted()}}));
  }
  if (path == "deviations")
    return Json(Value::MakeObject({{"strict", core.strict}, {"deviations", DeviationsValue()}}));
  if (path == "time") return ServeTime(core, request);
  return Refuse(404, Cat("no such door: ", request.method, " ", kRoot, path));
}

}  // namespace k8s::fakeapiserver
