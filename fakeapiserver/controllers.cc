#include "fakeapiserver/controllers.h"

#include "fakeapiserver/router.h"
#include "k8s/base/strings.h"
#include "k8s/machinery/json.h"

namespace k8s::fakeapiserver {
namespace {

// A chain of owners takes a round each; whoever needs more goes on after the next request.
constexpr int kMaxRounds = 10'000;

}  // namespace

Result<ControllerSet> ParseControllers(std::string_view names) {
  ControllerSet set;
  for (const std::string_view name : Split(names, ',')) {
    const bool all = name == "all";
    if (all || name == "namespace") set.namespaces = true;
    if (all || name == "garbage-collector") set.garbage_collector = true;
    if (all || name == "service-account") set.service_accounts = true;
    if (!all && name != "namespace" && name != "garbage-collector" && name != "service-account")
      return ConfigError(Cat("there is no controller ", Quote(name),
                             "; there are namespace, garbage-collector, service-account, and all"));
  }
  return set;
}

ControllerClient::ControllerClient(Core& core) : core_(core) {
  for (const ServedGroup& group : core.registry.groups()) {
    for (const ServedVersion& version : group.versions) {
      for (const Served* served : version.resources) {
        // The first version is the one that a client would prefer.
        if (served->Supports(Verb::kList)) by_store_name_.emplace(served->StoreName(), served);
      }
    }
  }
}

std::vector<ObjectPtr> ControllerClient::Objects(const std::string& ns) const {
  std::vector<ObjectPtr> objects;
  for (const auto& [name, served] : by_store_name_) {
    if (!ns.empty() && !served->namespaced) continue;
    auto page = core_.store.List({.resource = name, .ns = ns}, 0, 0, "");
    if (page) objects.insert(objects.end(), page->objects.begin(), page->objects.end());
  }
  return objects;
}

const Served* ControllerClient::FindKind(std::string_view api_version,
                                         std::string_view kind) const {
  return core_.registry.FindKind(api_version, kind);
}

Value ControllerClient::TreeOf(const Object& object) const {
  const auto served = by_store_name_.find(object.key.resource);
  return served == by_store_name_.end() ? Value() : fakeapiserver::TreeOf(object, *served->second);
}

std::string ControllerClient::PathOf(const std::string& resource, const std::string& ns,
                                     const std::string& name) const {
  const Served& served = *by_store_name_.at(resource);
  std::string path = Cat(served.group.empty() ? "/api/" : "/apis/", served.api_version);
  if (!ns.empty()) path += Cat("/namespaces/", ns);
  path += Cat("/", served.resource);
  if (!name.empty()) path += Cat("/", http::EscapePath(name));
  return path;
}

int ControllerClient::Send(std::string_view method, std::string path, const Value& body,
                           std::string_view type) const {
  http::Request request;
  request.method = method;
  request.url.path = std::move(path);
  request.headers.Set("Accept", "application/json");
  request.headers.Set("Content-Type", std::string(type));
  request.headers.Set("User-Agent", "kube-controller-manager");
  request.body = std::make_shared<const std::string>(ToJson(body));
  return Router(core_).Serve(request, ParseRequest(request)).status;
}

int ControllerClient::Create(const std::string& resource, const std::string& ns,
                             const Value& object) const {
  return Send("POST", PathOf(resource, ns, ""), object);
}

int ControllerClient::Update(const Object& object, const Value& tree,
                             std::string_view subresource) const {
  const Key& key = object.key;
  std::string path = PathOf(key.resource, key.ns, key.name);
  if (!subresource.empty()) path += Cat("/", subresource);
  return Send("PUT", std::move(path), tree);
}

int ControllerClient::MergePatch(const Object& object, const Value& patch) const {
  const Key& key = object.key;
  return Send("PATCH", PathOf(key.resource, key.ns, key.name), patch,
              "application/merge-patch+json");
}

int ControllerClient::Delete(const Object& object, std::string_view policy) const {
  const Key& key = object.key;
  Value options = Value::MakeObject({{"kind", "DeleteOptions"},
                                     {"apiVersion", "v1"},
                                     {"preconditions", Value::MakeObject({{"uid", object.uid}})}});
  if (!policy.empty()) options.Set("propagationPolicy", policy);
  return Send("DELETE", PathOf(key.resource, key.ns, key.name), options);
}

Controllers::Controllers(Core& core, ControllerSet which,
                         std::function<std::string()> root_certificates)
    : core_(core), client_(core) {
  if (which.garbage_collector) controllers_.push_back(NewGarbageCollector(client_));
  if (which.namespaces) controllers_.push_back(NewNamespaceController(client_));
  if (which.service_accounts)
    controllers_.push_back(NewServiceAccountController(client_, std::move(root_certificates)));
}

void Controllers::Settle() {
  std::lock_guard lock(mutex_);
  for (int round = 0; round < kMaxRounds && seen_ < core_.store.revision(); ++round) {
    Follow();
    for (const auto& controller : controllers_) controller->Work();
  }
}

// Tells the controllers of what has changed since the last time, or of everything when that is no
// longer known.
void Controllers::Follow() {
  Revision now = 0;
  const auto changes = core_.store.ChangesSince(seen_, now);
  if (changes && started_) {
    for (const Change& change : *changes) {
      for (const auto& controller : controllers_) controller->See(change);
    }
  } else {
    for (const auto& controller : controllers_) controller->Restart();
    for (const ObjectPtr& object : client_.Objects("")) {
      for (const auto& controller : controllers_)
        controller->See({.revision = object->revision, .now = object});
    }
    started_ = true;
  }
  seen_ = now;
}

}  // namespace k8s::fakeapiserver
