#pragma once

// A server that answers GETs by their paths, 404 where it knows none, and remembers the order.

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "k8s/base/strings.h"
#include "k8s/discovery/client.h"
#include "k8s/http/round_tripper.h"

namespace k8s::discovery {

inline constexpr std::string_view kAggregatedType =
    "application/json;v=v2;g=apidiscovery.k8s.io;as=APIGroupDiscoveryList;charset=utf-8";

class TestServer final : public http::RoundTripper {
 public:
  TestServer& On(std::string path, std::string body, int status = 200) {
    answers_[std::move(path)] = {status, "application/json", std::move(body)};
    return *this;
  }
  TestServer& OnAggregated(std::string path, std::string body) {
    answers_[std::move(path)] = {200, std::string(kAggregatedType), std::move(body)};
    return *this;
  }

  Result<http::Response> RoundTrip(const http::Request& request, const Context&) override {
    paths.push_back(request.url.path);
    last = request;
    const auto found = answers_.find(request.url.path);
    const Answer answer = found == answers_.end() ? Answer{404, "text/plain", ""} : found->second;
    http::Response response{.status = answer.status, .headers = {{"Content-Type", answer.type}}};
    response.body = http::StringBody(answer.body);
    return response;
  }

  // What was asked since the last call.
  std::vector<std::string> TakePaths() { return std::exchange(paths, {}); }

  std::vector<std::string> paths;
  http::Request last;

 private:
  struct Answer {
    int status;
    std::string type;
    std::string body;
  };
  std::map<std::string, Answer> answers_;
};

inline Client ClientOf(const std::shared_ptr<TestServer>& server) {
  return Client::NewForConfig({.host = "http://server", .transport = server, .qps = -1}).value();
}

// Two named groups and the core, as documents of the old kind.
inline std::shared_ptr<TestServer> LegacyServer() {
  auto server = std::make_shared<TestServer>();
  server->On("/api", R"({"kind":"APIVersions","versions":["v1"]})")
      .On("/apis", R"({"kind":"APIGroupList","apiVersion":"v1","groups":[)"
                   R"({"name":"apps","versions":[{"groupVersion":"apps/v1","version":"v1"},)"
                   R"({"groupVersion":"apps/v1beta1","version":"v1beta1"}],)"
                   R"("preferredVersion":{"groupVersion":"apps/v1","version":"v1"}},)"
                   R"({"name":"shop.io","versions":[{"groupVersion":"shop.io/v2","version":"v2"}],)"
                   R"("preferredVersion":{"groupVersion":"shop.io/v2","version":"v2"}}]})")
      .On("/api/v1", R"({"kind":"APIResourceList","groupVersion":"v1","resources":[)"
                     R"({"name":"pods","singularName":"pod","namespaced":true,"kind":"Pod",)"
                     R"("shortNames":["po"],"categories":["all"],"verbs":["get","list"]},)"
                     R"({"name":"pods/log","namespaced":true,"kind":"Pod","verbs":["get"]},)"
                     R"({"name":"nodes","singularName":"node","kind":"Node","shortNames":["no"],)"
                     R"("verbs":["get"]}]})")
      .On("/apis/apps/v1",
          R"({"kind":"APIResourceList","groupVersion":"apps/v1","resources":[)"
          R"({"name":"deployments","singularName":"deployment","namespaced":true,)"
          R"("kind":"Deployment","shortNames":["deploy"],"categories":["all"],"verbs":["list"]}]})")
      .On("/apis/apps/v1beta1",
          R"({"kind":"APIResourceList","groupVersion":"apps/v1beta1","resources":[)"
          R"({"name":"deployments","namespaced":true,"kind":"Deployment","shortNames":["deploy"],)"
          R"("categories":["all"],"verbs":["list"]},)"
          R"({"name":"olds","namespaced":true,"kind":"Old","verbs":["list"]}]})")
      .On("/apis/shop.io/v2",
          R"({"kind":"APIResourceList","groupVersion":"shop.io/v2","resources":[)"
          R"({"name":"pots","singularName":"pot","namespaced":true,"kind":"Pot",)"
          R"("shortNames":["po","pt"],"verbs":["list"]},)"
          R"({"name":"pods","singularName":"pod","namespaced":true,"kind":"Pod",)"
          R"("verbs":["list"]}]})");
  return server;
}

// The same without the old version, as two aggregated documents.
inline std::shared_ptr<TestServer> AggregatedServer(std::string_view freshness = "Current") {
  auto server = std::make_shared<TestServer>();
  const auto item = [](std::string_view group, std::string_view version, std::string_view fresh,
                       std::string_view resource, std::string_view kind, std::string_view more) {
    return Cat(R"({"metadata":{"name":")", group, R"("},"versions":[{"version":")", version,
               R"(","freshness":")", fresh, R"(","resources":[{"resource":")", resource,
               R"(","scope":"Namespaced","verbs":["list"],"responseKind":{"group":")", group,
               R"(","version":")", version, R"(","kind":")", kind, R"("})", more, "}]}]}");
  };
  server
      ->OnAggregated("/api",
                     Cat(R"({"items":[)", item("", "v1", "Current", "pods", "Pod", ""), "]}"))
      .OnAggregated(
          "/apis",
          Cat(R"({"items":[)",
              item("apps", "v1", freshness, "deployments", "Deployment",
                   R"(,"subresources":[{"subresource":"scale","verbs":["get"],)"
                   R"("responseKind":{"group":"autoscaling","version":"v1","kind":"Scale"}}])"),
              "]}"));
  return server;
}

}  // namespace k8s::discovery
