#include "fakeapiserver/fault_objects.h"

#include "k8s/base/log.h"
#include "k8s/base/strings.h"
#include "k8s/machinery/json.h"
#include "k8s/machinery/json_codec.h"

namespace k8s::fakeapiserver {
namespace {

Value Condition(std::string_view type, bool holds, const std::string& now) {
  return Value::MakeObject({{"type", type},
                            {"status", holds ? "True" : "False"},
                            {"lastTransitionTime", now},
                            {"reason", holds ? "Struck" : "Waiting"},
                            {"message", ""}});
}

Value StatusOf(const Faults::State& state, const std::string& now) {
  Value status = Value::MakeObject({{"fired", state.fired}});
  if (state.spec.times) status.Set("left", std::max<int64_t>(*state.spec.times - state.fired, 0));
  status.Set("conditions", Value::MakeArray({Condition("Fired", state.fired > 0, now),
                                             Condition("Spent", state.spent, now)}));
  return status;
}

std::string SpecText(const faultsv1::FaultSpec& spec) {
  std::string text;
  EncodeJson(TypeOf<faultsv1::FaultSpec>(), &spec, {}, text);
  return text;
}

}  // namespace

FaultObjects::FaultObjects(Core& core)
    : core_(core), served_(core.registry.FindKind("fakeapiserver.test/v1", "Fault")) {
  if (served_ == nullptr) return;
  Selection selection;
  selection.resource = served_->StoreName();
  subscription_ = core_.store.Watch(std::move(selection), core_.store.revision(), nullptr);
}

FaultObjects::~FaultObjects() {
  if (subscription_) core_.store.Unwatch(subscription_);
}

void FaultObjects::Follow() {
  if (!subscription_) return;
  std::lock_guard lock(mutex_);
  while (auto event = subscription_->Take()) {
    const std::string& name = event->object->key.name;
    if (event->type == EventType::kDeleted) {
      core_.faults.Remove(name);
      names_.erase(name);
      continue;
    }
    faultsv1::Fault fault;
    auto decoded = DecodeJson(event->object->json, TypeOf<faultsv1::Fault>(), &fault);
    if (!decoded) {
      Log(0, Cat("fault ", name, ": ", decoded.error().message()));
      continue;
    }
    // A change of labels or status starts no rule over.
    const auto known = core_.faults.Find(name);
    if (known && SpecText(known->spec) == SpecText(fault.spec)) continue;
    if (auto added = core_.faults.Add(fault.spec, name); !added) {
      Log(0, Cat("fault ", name, ": ", added.error().message()));
      continue;
    }
    names_.insert(name);
  }
}

void FaultObjects::Struck(const std::string& rule) {
  if (!subscription_) return;
  {
    std::lock_guard lock(mutex_);
    if (!names_.contains(rule)) return;
  }
  const auto lock = core_.store.LockWrites();
  const ObjectPtr object = core_.store.Get({served_->StoreName(), "", rule});
  const auto state = core_.faults.Find(rule);
  if (!object || !state) return;
  http::Request request;
  request.method = "PUT";
  request.headers.Set("User-Agent", "fakeapiserver");
  Call call{request};
  call.served = served_;
  call.info.verb = "update";
  call.info.resource = served_->resource;
  call.info.subresource = "status";
  call.info.name = rule;
  const auto updated = UpdateTree(core_, call, object, [&](const Value& live) -> Result<Value> {
    Value now = live;
    now.Set("status", StatusOf(*state, core_.NowText()));
    return now;
  });
  if (!updated) Log(0, Cat("fault ", rule, ": ", updated.error().message()));
}

}  // namespace k8s::fakeapiserver
