#pragma once

// The fake Kubernetes API server, the whole house in one object: a store with one history, every
// resource of a default server, and the ways in: in process (Loopback) and sockets (Listen). All
// members may be called from any thread. The server owns everything; it must outlive the exchanges
// that its loopback began.

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "fakeapiserver/controllers.h"
#include "fakeapiserver/core.h"
#include "fakeapiserver/listener.h"
#include "k8s/base/env.h"
#include "k8s/http/round_tripper.h"

namespace k8s::fakeapiserver {

struct Options {
  Env env{};
  StoreLimits limits{};
  bool bootstrap = true;  // the objects that a real server has when it starts
  // Answer 501 where the answer of a real server is known to differ (docs/deviations.md).
  bool strict = false;
  bool fault_objects = false;   // serve kind Fault of fakeapiserver.test/v1
  ControllerSet controllers{};  // none, as a real API server alone
};

class Server {
 public:
  explicit Server(Options options = {});
  ~Server();

  // In process: for Config.transport. Any number of times. As long as there are no faults requests
  // and answers pass as values; with faults they pass as bytes over connections in memory, which
  // WireLoopback always does.
  std::shared_ptr<http::RoundTripper> Loopback();
  std::shared_ptr<http::RoundTripper> WireLoopback();
  // Sockets, on a free port unless options say another: the address for Config.host, such as
  // "http://127.0.0.1:35001". REQUIRES: not listening yet.
  Result<std::string> Listen(ListenerOptions options = {});
  int port() const;
  size_t connections() const;
  size_t sessions() const;  // connections that are served, over sockets and in memory
  // PEM, to trust or to look at: the certificate that it shows and those behind it; "" without TLS.
  std::string certificate_chain() const;

  // Every document of a manifest becomes an object, or none does. `place` stands in errors, which
  // say document and line: "a.yaml: document 2 (line 14): kind "Foo" in version "v1" is not
  // served".
  Result<void> LoadManifest(std::string_view place, std::string_view text);
  // A manifest file, or every .yaml, .yml and .json file of a folder.
  Result<void> LoadPath(const std::string& path);
  // An object by its tree, as a manifest would bring it.
  Result<void> Seed(const Value& object);

  Store& store() { return core_->store; }
  Faults& faults() { return core_->faults; }
  Recorder& recorder() { return core_->recorder; }
  const Registry& registry() const { return core_->registry; }

  // One request, as listener and loopback hand it in; connection 0 is no wire.
  Answer Serve(const http::Request& request, uint64_t connection = 0);

 private:
  class FrontDoor;
  struct Document {
    Value tree{};
    std::string place{};
  };
  Result<std::vector<Document>> ReadManifest(std::string_view place, std::string_view text) const;
  Result<void> CheckServed(const std::vector<Document>& documents) const;
  Result<void> CreateAll(std::vector<Document> documents);
  Result<void> CreateInOrder(std::vector<Document> documents);
  Result<void> CreateOne(Document document, const Served& served);

  std::unique_ptr<Core> core_;
  std::unique_ptr<Controllers> controllers_;  // null without any
  std::unique_ptr<FrontDoor> door_;
  mutable std::mutex listener_mutex_;
  std::unique_ptr<Listener> listener_;
};

}  // namespace k8s::fakeapiserver
