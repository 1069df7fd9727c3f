// The typed and dynamic clients against a stub: what chapter 8 says of them, statement by
// statement. What every method of every client sends is in the recordings (requests_for_test.h:
// C-8.1).

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "k8s/api/appsv1.h"
#include "k8s/api/authenticationv1.h"
#include "k8s/api/corev1.h"
#include "k8s/api/policyv1.h"
#include "k8s/base/fake_clock.h"
#include "k8s/base/strings.h"
#include "k8s/http/stub_for_test.h"
#include "k8s/kubernetes/clientset.h"
#include "k8s/kubernetes/dynamic.h"

namespace k8s {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

struct Server {
  std::shared_ptr<FakeClock> clock = std::make_shared<FakeClock>();
  std::shared_ptr<http::Stub> stub = std::make_shared<http::Stub>(clock);
  rest::Config config{.host = "http://server",
                      .accept_content_types = "application/json",
                      .content_type = "application/json",
                      .transport = stub,
                      .qps = -1,
                      .env = {.clock = clock}};

  explicit Server(std::string body = "{}", int status = 200) { Then(std::move(body), status); }
  Server& Then(std::string body, int status = 200, http::Headers headers = {}) {
    headers.Set("Content-Type", "application/json");
    stub->Status(status, headers, std::move(body));
    return *this;
  }
  Clientset Client() const { return Clientset::NewForConfig(config).value(); }
  dynamic::ResourceInterface Dynamic(metav1::GroupVersionResource resource) const {
    return dynamic::Client::NewForConfig(config)->Resource(std::move(resource));
  }
  std::string Asked() const {
    return Cat(stub->requests.back().method, " ", stub->requests.back().url.Target());
  }
  std::string Header(std::string_view name) const {
    return std::string(stub->requests.back().headers.Get(name));
  }
  std::string Body() const { return *stub->requests.back().body; }
};

appsv1::Deployment Web() { return {.metadata = {.name = "web"}}; }

TEST(TypedClient, EachVerbHasItsMethodAndPath) {  // C-8.2
  const Server server;
  const auto client = server.Client().AppsV1().Deployments("n");
  const std::string collection = "/apis/apps/v1/namespaces/n/deployments";
  ASSERT_TRUE(client.Create(Web()));
  EXPECT_EQ(server.Asked(), Cat("POST ", collection));
  ASSERT_TRUE(client.Get("web"));
  EXPECT_EQ(server.Asked(), Cat("GET ", collection, "/web"));
  ASSERT_TRUE(client.Update(Web()));
  EXPECT_EQ(server.Asked(), Cat("PUT ", collection, "/web"));
  ASSERT_TRUE(client.UpdateStatus(Web()));
  EXPECT_EQ(server.Asked(), Cat("PUT ", collection, "/web/status"));
  ASSERT_TRUE(client.Patch("web", PatchType::kMergePatch, "{}"));
  EXPECT_EQ(server.Asked(), Cat("PATCH ", collection, "/web"));
  EXPECT_EQ(server.Header("Content-Type"), "application/merge-patch+json");
  ASSERT_TRUE(client.Patch("web", PatchType::kJSONPatch, "[]", {}, "scale"));
  EXPECT_EQ(server.Asked(), Cat("PATCH ", collection, "/web/scale"));
  ASSERT_TRUE(client.Delete("web"));
  EXPECT_EQ(server.Asked(), Cat("DELETE ", collection, "/web"));
  EXPECT_EQ(server.Body(), "{\"kind\":\"DeleteOptions\",\"apiVersion\":\"apps/v1\"}\n");
}

TEST(TypedClient, AnEmptyNamespaceIsTheWholeCluster) {  // C-8.3
  const Server server;
  ASSERT_TRUE(server.Client().CoreV1().Pods().List());
  EXPECT_EQ(server.Asked(), "GET /api/v1/pods");
  ASSERT_TRUE(server.Client().CoreV1().Pods().Get("web"));
  EXPECT_EQ(server.Asked(), "GET /api/v1/pods/web");
}

TEST(TypedClient, SubresourcesNeedANamespaceBeforeAnythingIsSent) {  // C-8.4
  const Server server;
  const auto bound = server.Client().CoreV1().Pods().Bind({.metadata = {.name = "web"}});
  ASSERT_FALSE(bound);
  EXPECT_EQ(bound.error().message(), "an empty namespace may not be set during creation");
  EXPECT_FALSE(server.Client().CoreV1().Pods().GetLogs("web", {}).Do());
  EXPECT_THAT(server.stub->requests, IsEmpty());
}

TEST(TypedClient, ANameMayNotBeEmpty) {
  const Server server;
  const auto pod = server.Client().CoreV1().Pods("n").Get("");
  EXPECT_EQ(pod.error().message(), "resource name may not be empty");
  EXPECT_FALSE(server.Client().CoreV1().Pods("n").Update({}));
  EXPECT_THAT(server.stub->requests, IsEmpty());
}

TEST(TypedClient, A404IsNotFound) {  // C-8.5
  const Server server(
      R"({"kind":"Status","apiVersion":"v1","status":"Failure","reason":"NotFound",)"
      R"("message":"pods \"web\" not found","code":404})",
      404);
  const auto pod = server.Client().CoreV1().Pods("n").Get("web");
  ASSERT_FALSE(pod);
  EXPECT_TRUE(IsNotFound(pod.error()));
  EXPECT_EQ(pod.error().message(), "pods \"web\" not found");
}

TEST(TypedClient, WhatADeleteAnswersIsNotRead) {  // C-8.6
  for (const char* body : {"{}", "garbage"}) {
    EXPECT_TRUE(Server(body).Client().CoreV1().Pods("n").Delete("web")) << body;
  }
}

TEST(TypedClient, DeleteCollectionSelectsInTheQueryAndHasItsOptionsInTheBody) {  // C-8.7
  const Server server;
  ASSERT_TRUE(server.Client().CoreV1().Pods("n").DeleteCollection({.gracePeriodSeconds = 5},
                                                                  {.labelSelector = "a=b"}));
  EXPECT_EQ(server.Asked(), "DELETE /api/v1/namespaces/n/pods?labelSelector=a%3Db");
  EXPECT_EQ(server.Body(),
            "{\"kind\":\"DeleteOptions\",\"apiVersion\":\"v1\",\"gracePeriodSeconds\":5}\n");
}

// A server that says nothing for that long.
Server SilentFor(Duration time) {
  Server server;
  const auto clock = server.clock;
  server.stub = std::make_shared<http::Stub>(clock);
  server.stub->Then([=](const http::Request&, const Context& ctx) -> Result<http::Response> {
    if (auto slept = Sleep(*clock, time, ctx); !slept) return slept.error();
    return http::Response{200, {{"Content-Type", "application/json"}}, http::StringBody("")};
  });
  server.config.transport = server.stub;
  return server;
}

TEST(TypedClient, TheTimeoutOfAListIsItsDeadlineToo) {  // C-8.8
  const Server server = SilentFor(1h);
  const TimePoint start = server.clock->Now();
  const auto list = server.Client().CoreV1().Pods("n").List({.timeoutSeconds = 3});
  ASSERT_FALSE(list);
  EXPECT_EQ(server.clock->Now() - start, 3s);
  EXPECT_EQ(server.Asked(), "GET /api/v1/namespaces/n/pods?timeout=3s&timeoutSeconds=3");
}

TEST(TypedClient, TheTimeoutOfAWatchIsTheServersAffair) {  // C-8.8
  const Server server = SilentFor(4s);
  const auto watch = server.Client().CoreV1().Pods("n").Watch({.timeoutSeconds = 3});
  EXPECT_TRUE(watch) << watch.error();
  EXPECT_EQ(server.Asked(), "GET /api/v1/namespaces/n/pods?timeout=3s&timeoutSeconds=3&watch=true");
}

TEST(Expansions, LogsAreStreamed) {  // C-8.9
  const Server server("first\nsecond\n");
  auto logs = server.Client().CoreV1().Pods("n").GetLogs("web", {.follow = true, .tailLines = 5});
  const auto stream = logs.Stream();
  ASSERT_TRUE(stream) << stream.error();
  EXPECT_EQ(server.Asked(), "GET /api/v1/namespaces/n/pods/web/log?follow=true&tailLines=5");
  EXPECT_EQ(stream->body->ReadAll().value(), "first\nsecond\n");
}

TEST(Expansions, ProxyGetNamesSchemeAndPort) {  // C-8.10
  const Server server;
  const auto services = server.Client().CoreV1().Services("n");
  const auto asked = [&](std::string_view scheme, std::string_view port) {
    EXPECT_TRUE(services.ProxyGet(scheme, "svc", port, "a/b", {{"x", "1"}}).DoRaw());
    return server.Asked();
  };
  EXPECT_EQ(asked("http", "80"), "GET /api/v1/namespaces/n/services/http:svc:80/proxy/a/b?x=1");
  EXPECT_EQ(asked("http", ""), "GET /api/v1/namespaces/n/services/http:svc:/proxy/a/b?x=1");
  EXPECT_EQ(asked("", "80"), "GET /api/v1/namespaces/n/services/svc:80/proxy/a/b?x=1");
  EXPECT_EQ(asked("", ""), "GET /api/v1/namespaces/n/services/svc/proxy/a/b?x=1");
}

TEST(Expansions, AnEvictionWaitsAsLongAsTheServerAsks) {  // C-8.11
  Server server;
  server.stub = std::make_shared<http::Stub>(server.clock);
  server.config.transport = server.stub;
  server.Then("", 429, {{"Retry-After", "10"}}).Then("{}", 201);
  const policyv1::Eviction eviction{.metadata = {.name = "p", .namespace_ = "n"}};
  ASSERT_TRUE(server.Client().CoreV1().Pods("n").EvictV1(eviction));
  EXPECT_EQ(server.Asked(), "POST /api/v1/namespaces/n/pods/p/eviction");
  EXPECT_THAT(server.Body(), HasSubstr(R"("kind":"Eviction","apiVersion":"policy/v1")"));
  EXPECT_THAT(server.stub->Gaps(), ElementsAre(10));
}

TEST(Expansions, AnEvictionThatMayNotBeIsReturned) {  // C-8.11
  const Server server("", 429);
  const auto evicted = server.Client().CoreV1().Pods("n").EvictV1({.metadata = {.name = "p"}});
  ASSERT_FALSE(evicted);
  EXPECT_TRUE(IsTooManyRequests(evicted.error()));
  EXPECT_THAT(server.stub->requests, SizeIs(1));
}

TEST(Expansions, TokensAreCreatedBelowTheirServiceAccount) {  // C-8.12
  const Server server(R"({"status":{"token":"t"}})");
  const auto token = server.Client().CoreV1().ServiceAccounts("n").CreateToken("robot", {});
  ASSERT_TRUE(token) << token.error();
  EXPECT_EQ(token->status.token, "t");
  EXPECT_EQ(server.Asked(), "POST /api/v1/namespaces/n/serviceaccounts/robot/token");
}

TEST(TypedClient, ApplySaysWhoAndWhetherByForce) {  // C-8.13
  const Server server;
  const auto client = server.Client().AppsV1().Deployments("n");
  ASSERT_TRUE(client.Apply(Web(), {.force = true, .fieldManager = "me"}));
  EXPECT_EQ(server.Asked(),
            "PATCH /apis/apps/v1/namespaces/n/deployments/web?fieldManager=me&force=true");
  EXPECT_EQ(server.Header("Content-Type"), "application/apply-patch+yaml");
  EXPECT_EQ(server.Body(),
            R"({"kind":"Deployment","apiVersion":"apps/v1","metadata":{"name":"web"}})");
  EXPECT_EQ(client.Apply(appsv1::Deployment{}, {}).error().message(),
            "obj.Name must be provided to Apply");
  EXPECT_THAT(server.stub->requests, SizeIs(1));
}

TEST(DynamicClient, DeletesWithExactlyTheseOptions) {  // C-8.14
  const Server server;
  ASSERT_TRUE(
      server.Dynamic({"g.io", "v1", "foos"}).Namespace("n").Delete("x", {.dryRun = {"All"}}));
  EXPECT_EQ(server.Asked(), "DELETE /apis/g.io/v1/namespaces/n/foos/x");
  EXPECT_EQ(server.Body(),
            "{\"kind\":\"DeleteOptions\",\"apiVersion\":\"v1\",\"dryRun\":[\"All\"]}\n");
  EXPECT_EQ(server.Header("Accept"), "application/json");
}

TEST(DynamicClient, KeepsIntegersExactly) {  // C-8.21
  const Server server(R"({"kind":"Foo","apiVersion":"g.io/v1","spec":{"n":9007199254740993}})");
  const auto foo = server.Dynamic({"g.io", "v1", "foos"}).Namespace("n").Get("x");
  ASSERT_TRUE(foo) << foo.error();
  EXPECT_EQ(foo->content.IntAt({"spec", "n"}), 9007199254740993);
}

TEST(DynamicClient, ItemsGetTheKindOfTheirList) {  // C-8.22
  const Server server(R"({"kind":"FooList","apiVersion":"g.io/v1","metadata":{"continue":"c"},)"
                      R"("items":[{"metadata":{"name":"a"}},{"kind":"Bar","apiVersion":"h/v2"}]})");
  const auto list = server.Dynamic({"g.io", "v1", "foos"}).List();
  ASSERT_TRUE(list) << list.error();
  EXPECT_EQ(server.Asked(), "GET /apis/g.io/v1/foos");
  ASSERT_THAT(list->items, SizeIs(2));
  EXPECT_EQ(list->items[0].GetKind(), "Foo");
  EXPECT_EQ(list->items[0].GetAPIVersion(), "g.io/v1");
  EXPECT_EQ(list->items[1].GetKind(), "Bar");
  EXPECT_EQ(list->GetContinue(), "c");
}

TEST(DynamicClient, ListEachGivesWhatListGives) {
  const Server server(R"({"kind":"FooList","apiVersion":"g.io/v1","metadata":{"continue":"c"},)"
                      R"("items":[{"metadata":{"name":"a"}},{"kind":"Bar","apiVersion":"h/v2"}]})");
  std::vector<std::string> kinds;
  const auto list = server.Dynamic({"g.io", "v1", "foos"}).ListEach({}, [&](Unstructured&& foo) {
    kinds.push_back(Cat(foo.GetAPIVersion(), "/", foo.GetKind()));
    return true;
  });
  ASSERT_TRUE(list) << list.error();
  EXPECT_THAT(kinds, ElementsAre("g.io/v1/Foo", "h/v2/Bar"));
  EXPECT_EQ(list->GetContinue(), "c");
  EXPECT_THAT(list->items, IsEmpty());
}

TEST(TypedClient, ListEachAsksAndFailsAsListDoes) {
  Server server;
  server.stub = std::make_shared<http::Stub>(server.clock);
  server.config.transport = server.stub;
  const std::string status = R"({"kind":"Status","apiVersion":"v1","status":"Failure",)"
                             R"("message":"busy","code":429})";
  server.Then(status, 429, {{"Retry-After", "1"}});
  server.Then(R"({"kind":"DeploymentList","apiVersion":"apps/v1","metadata":{"continue":"c"},)"
              R"("items":[{"metadata":{"name":"a"}},{"metadata":{"name":"b"}}]})");
  server.Then(status, 404);
  const auto client = server.Client().AppsV1().Deployments("n");
  std::vector<std::string> names;
  const auto each = [&](appsv1::Deployment&& deployment) {
    names.push_back(deployment.metadata.name);
    return true;
  };
  const auto list = client.ListEach({.limit = 2}, each);
  ASSERT_TRUE(list) << list.error();
  EXPECT_EQ(server.Asked(), "GET /apis/apps/v1/namespaces/n/deployments?limit=2");
  EXPECT_THAT(names, ElementsAre("a", "b"));
  EXPECT_EQ(list->continue_, "c");
  EXPECT_THAT(server.stub->Gaps(), ElementsAre(1));
  const auto refused = client.ListEach({}, each);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message(), "busy");
}

TEST(DynamicClient, SaysWhatIsMissingBeforeItAsks) {
  const Server server;
  const auto foos = server.Dynamic({"g.io", "v1", "foos"});
  EXPECT_EQ(foos.Get("").error().message(), "name is required");
  EXPECT_EQ(foos.Update({}).error().message(), "name is required");
  EXPECT_EQ(foos.Create({}, {}, {"status"}).error().message(), "name is required");
  Unstructured managed;
  managed.content["metadata"]["managedFields"] = Value::MakeArray();
  EXPECT_THAT(foos.Apply("x", managed).error().message(),
              testing::StartsWith("cannot apply an object with managed fields already set"));
  EXPECT_THAT(server.stub->requests, IsEmpty());
}

TEST(DynamicClient, AnAnswerWithoutAKindIsNoObject) {
  const Server server(R"({"a":1})");
  EXPECT_THAT(server.Dynamic({"g.io", "v1", "foos"}).Get("x").error().message(),
              testing::StartsWith("Object 'Kind' is missing in "));
}

TEST(Clientset, ItsGroupsShareOneLimiter) {  // C-8.26
  Server server;
  server.config.qps = 2;
  server.config.burst = 1;
  const Clientset clientset = server.Client();
  ASSERT_TRUE(clientset.CoreV1().Pods("n").Get("a"));
  ASSERT_TRUE(clientset.AppsV1().Deployments("n").Get("b"));
  ASSERT_TRUE(Clientset(clientset).CoreV1().Pods("n").Get("c"));
  EXPECT_EQ(server.stub->times[1] - server.stub->times[0], 500ms);
  EXPECT_EQ(server.stub->times[2] - server.stub->times[1], 500ms);
}

TEST(Expansions, AnEventGoesWhereItSays) {  // C-8.27
  const Server server;
  const corev1::Event event{.metadata = {.name = "e", .namespace_ = "b"}};
  const auto created = server.Client().CoreV1().Events("a").CreateWithEventNamespace(event);
  ASSERT_FALSE(created);
  EXPECT_EQ(created.error().message(), "can't create an event with namespace 'b' in namespace 'a'");
  EXPECT_THAT(server.stub->requests, IsEmpty());
  ASSERT_TRUE(server.Client().CoreV1().Events().CreateWithEventNamespace(event));
  EXPECT_EQ(server.Asked(), "POST /api/v1/namespaces/b/events");
}

TEST(Expansions, EventsAreSearchedForByTheirObject) {
  const Server server;
  const auto events = server.Client().CoreV1().Events("n");
  ASSERT_TRUE(events.Search({.kind = "Pod", .namespace_ = "n", .name = "p", .uid = "u"}));
  EXPECT_EQ(server.stub->requests.back().url.query,
            "fieldSelector=involvedObject.kind%3DPod%2CinvolvedObject.name%3Dp%2CinvolvedObject."
            "namespace%3Dn%2CinvolvedObject.uid%3Du");
  ASSERT_TRUE(events.Search({.namespace_ = "n", .name = "p"}));
  EXPECT_EQ(server.stub->requests.back().url.query,
            "fieldSelector=involvedObject.name%3Dp%2CinvolvedObject.namespace%3Dn");
  EXPECT_EQ(events.Search({.namespace_ = "m"}).error().message(),
            "won't be able to find any events of namespace 'm' in namespace 'n'");
}

TEST(Clientset, HandWrittenMethodsPreferJsonAndGeneratedOnesProtobuf) {  // C-8.28
  Server server;
  server.config.content_type = server.config.accept_content_types = "";
  const auto pods = server.Client().CoreV1().Pods("n");
  ASSERT_TRUE(pods.EvictV1({.metadata = {.name = "p"}}));
  EXPECT_EQ(server.Header("Accept"), "application/json, */*");
  ASSERT_TRUE(pods.Get("p"));
  EXPECT_EQ(server.Header("Accept"), "application/vnd.kubernetes.protobuf,application/json");
}

TEST(TypedClient, ListsWithoutItemsAreEmpty) {
  for (const char* body : {R"({"items":null})", R"({"metadata":{"resourceVersion":"7"}})"}) {
    const Server server(body);
    const auto list = server.Client().CoreV1().Pods("n").List();
    ASSERT_TRUE(list) << list.error();
    EXPECT_THAT(list->items, IsEmpty());
  }
}

}  // namespace
}  // namespace k8s
