#pragma once

// What kube-controller-manager does to what an API server alone only begins (chapter 12.2):
// namespaces are emptied and go away, dependants follow their owners, a namespace gets its
// ServiceAccount and its root certificates. Off unless asked for. Controllers act as a client
// would, with requests of their own, which no fault strikes and no recorder sees; they work between
// requests and not beside them, so a client that has its answer finds all of it done. Settle may be
// called from any thread, without the write lock.

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "fakeapiserver/core.h"

namespace k8s::fakeapiserver {

struct ControllerSet {
  bool namespaces = false;
  bool garbage_collector = false;
  bool service_accounts = false;
  bool any() const { return namespaces || garbage_collector || service_accounts; }
};
// "namespace,garbage-collector,service-account", or "all".
Result<ControllerSet> ParseControllers(std::string_view names);

// One controller: it is told of every change, in order, and then does what follows from them.
class Controller {
 public:
  virtual ~Controller() = default;
  // Forgets everything: all objects come again, as new ones.
  virtual void Restart() = 0;
  virtual void See(const Change& change) = 0;
  virtual void Work() = 0;
};

// The requests of a controller.
class ControllerClient {
 public:
  explicit ControllerClient(Core& core);

  ObjectPtr Get(const Key& key) const { return core_.store.Get(key); }
  // Every object of a namespace, or of all resources where it is empty.
  std::vector<ObjectPtr> Objects(const std::string& ns) const;
  const Served* FindKind(std::string_view api_version, std::string_view kind) const;
  Value TreeOf(const Object& object) const;
  std::string NowText() const { return core_.NowText(); }

  // The codes of the answers. A path is that of an object, or with an empty name that of a
  // collection.
  int Create(const std::string& resource, const std::string& ns, const Value& object) const;
  int Update(const Object& object, const Value& tree, std::string_view subresource = {}) const;
  int MergePatch(const Object& object, const Value& patch) const;
  int Delete(const Object& object, std::string_view policy) const;

 private:
  std::string PathOf(const std::string& resource, const std::string& ns,
                     const std::string& name) const;
  int Send(std::string_view method, std::string path, const Value& body,
           std::string_view type = "application/json") const;

  Core& core_;
  std::map<std::string, const Served*> by_store_name_;
};

std::unique_ptr<Controller> NewNamespaceController(const ControllerClient& client);
std::unique_ptr<Controller> NewGarbageCollector(const ControllerClient& client);
// `root_certificates` is what kube-root-ca.crt holds.
std::unique_ptr<Controller> NewServiceAccountController(
    const ControllerClient& client, std::function<std::string()> root_certificates);

class Controllers {
 public:
  Controllers(Core& core, ControllerSet which, std::function<std::string()> root_certificates);
  // Does what follows from the changes so far, and from what it does itself.
  void Settle();

 private:
  void Follow();

  Core& core_;
  const ControllerClient client_;
  std::mutex mutex_;  // guards what follows; held while they work
  std::vector<std::unique_ptr<Controller>> controllers_;
  Revision seen_ = 0;
  bool started_ = false;
};

}  // namespace k8s::fakeapiserver
