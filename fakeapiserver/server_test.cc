#include "fakeapiserver/server.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fakeapiserver/protobuf.h"
#include "k8s/api/apidiscoveryv2.h"
#include "k8s/api/metav1.h"
#include "k8s/base/fake_clock.h"
#include "k8s/base/strings.h"
#include "k8s/machinery/json.h"

namespace k8s::fakeapiserver {
namespace {

using testing::HasSubstr;

struct Reply {
  int status = 0;
  http::Headers headers{};
  std::string text{};
  Value body{};
};

http::Request MakeRequest(std::string_view method, std::string_view target, std::string body = {},
                          std::string_view type = "application/json") {
  http::Request request;
  request.method = std::string(method);
  const size_t question = target.find('?');
  request.url.path = std::string(target.substr(0, question));
  if (question != target.npos) request.url.query = std::string(target.substr(question + 1));
  if (!body.empty()) {
    request.headers.Set("Content-Type", std::string(type));
    request.body = std::make_shared<const std::string>(std::move(body));
  }
  return request;
}

Reply Send(Server& server, const http::Request& request) {
  auto response = server.Loopback()->RoundTrip(request, {}).value();
  Reply reply{response.status, response.headers, response.body->ReadAll().value(), {}};
  if (auto parsed = ParseJson(reply.text)) reply.body = *std::move(parsed);
  return reply;
}
Reply Send(Server& server, std::string_view method, std::string_view target, std::string body = {},
           std::string_view type = "application/json") {
  return Send(server, MakeRequest(method, target, std::move(body), type));
}

std::string ConfigMap(std::string_view name, std::string_view rest = "") {
  return Cat(R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":")", name, "\"", rest,
             "}}");
}
constexpr std::string_view kMaps = "/api/v1/namespaces/default/configmaps";

// A server whose clock the test owns.
struct Fixture {
  std::shared_ptr<FakeClock> clock = std::make_shared<FakeClock>();
  Server server{[&] {
    Options options;
    options.env.clock = clock;
    options.env.random = SeededRandom(1);
    return options;
  }()};
};

TEST(Server, WritesInTheOrderOfTheStruct) {
  Fixture f;
  const Reply created =
      Send(f.server, "POST", kMaps,
           R"({"data":{"b":"2","a":"1"},"metadata":{"labels":{"x":"y"},"name":"a"}})");
  EXPECT_EQ(created.status, 201);
  EXPECT_THAT(
      created.text,
      testing::StartsWith(
          R"({"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"a","namespace":"default","uid":")"));
  EXPECT_THAT(created.text, HasSubstr(R"("data":{"a":"1","b":"2"}})"));
  EXPECT_EQ(Send(f.server, "GET", Cat(kMaps, "/a")).text, created.text);
}

// At rest empty lists are none, and each member stands where the type has it.
TEST(Server, AnObjectAtRestIsNormal) {
  Server server;
  const std::string_view roles = "/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles";
  EXPECT_EQ(Send(server, "POST", roles,
                 R"({"metadata":{"name":"r","finalizers":[],"labels":{}},"rules":[]})")
                .status,
            201);
  const std::string stored = Send(server, "GET", Cat(roles, "/r")).text;
  EXPECT_THAT(stored, HasSubstr(R"("rules":null)"));
  EXPECT_THAT(stored, testing::Not(HasSubstr("finalizers")));
  size_t last = 0;
  for (std::string_view name : {"name", "namespace", "uid", "resourceVersion", "creationTimestamp",
                                "managedFields", "rules"}) {
    const size_t at = stored.find(Cat("\"", name, "\":"));
    EXPECT_NE(at, stored.npos) << name;
    EXPECT_GT(at, last) << name;
    last = at;
  }
}

TEST(Server, SelectsByNameAndNamespace) {
  Server server;
  for (std::string_view name : {"a", "b"})
    EXPECT_EQ(Send(server, "POST", kMaps, ConfigMap(name)).status, 201);
  const auto names = [&](std::string_view selector) {
    const Reply reply = Send(server, "GET", Cat(kMaps, "?fieldSelector=", selector));
    std::string all;
    for (const Value& item : reply.body.Find("items")->array())
      all += item.StringAt({"metadata", "name"});
    return all;
  };
  EXPECT_EQ(names("metadata.name=a"), "a");
  EXPECT_EQ(names("metadata.name!=a,metadata.namespace=default"), "b");
  EXPECT_EQ(names("metadata.namespace=other"), "");
}

// The text of a real server (chapter 3.2).
TEST(Server, RefusesOptionsOfAnotherKindOnDeletion) {
  Server server;
  const Reply reply =
      Send(server, "DELETE", Cat(kMaps, "/a"), R"({"kind":"Foo","apiVersion":"v1"})");
  EXPECT_EQ(reply.status, 400);
  EXPECT_THAT(reply.body.StringAt({"message"}),
              HasSubstr("no kind \"Foo\" is registered for version \"v1\" in scheme "
                        "\"pkg/runtime/scheme.go:111\""));
}

TEST(Server, RefusesAStaleUpdate) {  // S-3.6
  Fixture f;
  const Reply created = Send(f.server, "POST", kMaps, ConfigMap("a"));
  Value stale = created.body;
  Value fresh = created.body;
  fresh["data"].Set("k", "v");
  EXPECT_EQ(Send(f.server, "PUT", Cat(kMaps, "/a"), ToJson(fresh)).status, 200);
  const Reply conflict = Send(f.server, "PUT", Cat(kMaps, "/a"), ToJson(stale));
  EXPECT_EQ(conflict.status, 409);
  EXPECT_EQ(conflict.body.StringAt({"message"}),
            "Operation cannot be fulfilled on configmaps \"a\": the object has been modified; "
            "please apply your changes to the latest version and try again");
}

TEST(Server, AnUnchangedUpdateKeepsTheRevision) {  // S-3.8
  Fixture f;
  const Reply created = Send(f.server, "POST", kMaps, ConfigMap("a"));
  const Reply updated = Send(f.server, "PUT", Cat(kMaps, "/a"), created.text);
  EXPECT_EQ(updated.body.StringAt({"metadata", "resourceVersion"}),
            created.body.StringAt({"metadata", "resourceVersion"}));
}

TEST(Server, PagesShowOneSnapshot) {  // S-5.3, S-5.6
  Fixture f;
  for (const char* name : {"a", "b", "c"}) Send(f.server, "POST", kMaps, ConfigMap(name));
  const Reply first = Send(f.server, "GET", Cat(kMaps, "?limit=2"));
  EXPECT_EQ(first.body.IntAt({"metadata", "remainingItemCount"}), 1);
  Send(f.server, "DELETE", Cat(kMaps, "/c"));
  Send(f.server, "POST", kMaps, ConfigMap("d"));
  const Reply second =
      Send(f.server, "GET",
           Cat(kMaps, "?limit=2&continue=", first.body.StringAt({"metadata", "continue"})));
  ASSERT_EQ(second.body.Find("items")->array().size(), 1u);
  EXPECT_EQ(second.body.Find("items")->array()[0].StringAt({"metadata", "name"}), "c");
  EXPECT_FALSE(second.body.Find({"metadata", "continue"}));
}

// The names of neighbours sort on both sides of the slash behind the namespace's.
TEST(Server, ANamespaceIsListedWithoutItsNeighbours) {
  Fixture f;
  const auto maps = [](std::string_view ns) {
    return Cat("/api/v1/namespaces/", ns, "/configmaps");
  };
  for (std::string_view ns : {"a", "a-b", "a0", "b"}) {
    Send(f.server, "POST", "/api/v1/namespaces", Cat(R"({"metadata":{"name":")", ns, R"("}})"));
    for (std::string_view name : {"x", "y", "z"}) Send(f.server, "POST", maps(ns), ConfigMap(name));
  }
  const auto places = [](const Reply& reply) {
    std::string all;
    for (const Value& item : reply.body.Find("items")->array())
      all +=
          Cat(item.StringAt({"metadata", "namespace"}), item.StringAt({"metadata", "name"}), " ");
    return all;
  };
  EXPECT_EQ(places(Send(f.server, "GET", maps("a"))), "ax ay az ");
  EXPECT_EQ(places(Send(f.server, "GET", maps("a-b"))), "a-bx a-by a-bz ");
  const Reply first = Send(f.server, "GET", Cat(maps("a"), "?limit=2"));
  EXPECT_EQ(first.body.IntAt({"metadata", "remainingItemCount"}), 1);
  const std::string rest = Cat("?limit=2&continue=", first.body.StringAt({"metadata", "continue"}));
  EXPECT_EQ(places(Send(f.server, "GET", Cat(maps("a"), rest))), "az ");
  // A token of another namespace begins where this one does, or where it has ended.
  EXPECT_EQ(places(Send(f.server, "GET", Cat(maps("b"), rest))), "bx by ");
  EXPECT_EQ(places(Send(f.server, "GET", Cat(maps("a-b"), rest))), "");
}

TEST(Server, WatchesTurnChangesIntoEvents) {  // S-6.1, S-6.3, S-6.4
  Fixture f;
  Send(f.server, "POST", kMaps, ConfigMap("a", R"(,"labels":{"x":"1"})"));
  auto watch = f.server.Loopback()
                   ->RoundTrip(MakeRequest("GET", Cat(kMaps, "?watch=1&labelSelector=x%3D1")), {})
                   .value();
  const auto next = [&] {
    std::string line;
    EXPECT_TRUE(watch.body->Read(line));
    const Value event = ParseJson(line).value();
    return Cat(event.StringAt({"type"}), " ", event.StringAt({"object", "metadata", "name"}), " ",
               event.StringAt({"object", "metadata", "labels", "x"}));
  };
  EXPECT_EQ(next(), "ADDED a 1");
  Send(f.server, "PATCH", Cat(kMaps, "/a"), R"({"metadata":{"labels":{"x":"2"}}})",
       "application/merge-patch+json");
  EXPECT_EQ(next(), "DELETED a 1");
}

TEST(Server, AWatchEndsAfterItsTimeoutInVirtualTime) {  // S-6.5
  Fixture f;
  auto watch = f.server.Loopback()
                   ->RoundTrip(MakeRequest("GET", Cat(kMaps, "?watch=1&timeoutSeconds=300")), {})
                   .value();
  EXPECT_EQ(watch.body->ReadAll().value(), "");
  EXPECT_EQ(f.clock->Slept(), std::chrono::seconds(300));
}

TEST(Server, ASlowWatchIsCutAndNobodyWaits) {
  Options options;
  options.limits.watch_queue = 2;
  Server server(std::move(options));
  auto watch = server.Loopback()->RoundTrip(MakeRequest("GET", Cat(kMaps, "?watch=1")), {}).value();
  for (const char* name : {"a", "b", "c"}) Send(server, "POST", kMaps, ConfigMap(name));
  const std::string all = watch.body->ReadAll().value();
  EXPECT_THAT(all, HasSubstr(R"("name":"b")"));
  EXPECT_THAT(all, testing::Not(HasSubstr(R"("name":"c")")));
}

TEST(Server, ACompactedRevisionIsGone) {  // S-6.6
  Fixture f;
  Send(f.server, "POST", kMaps, ConfigMap("a"));
  f.server.store().Compact(f.server.store().revision());
  auto watch = f.server.Loopback()
                   ->RoundTrip(MakeRequest("GET", Cat(kMaps, "?watch=1&resourceVersion=1")), {})
                   .value();
  EXPECT_EQ(watch.status, 200);
  EXPECT_THAT(watch.body->ReadAll().value(), HasSubstr(R"("reason":"Expired","code":410)"));
}

// Every five minutes a real server compacts to where it was five minutes before.
TEST(Server, StatesOfThePastCanBeListedForTwoTicksAtMost) {
  Fixture f;
  const auto status_at = [&](const std::string& revision) {
    return Send(f.server, "GET",
                Cat(kMaps, "?resourceVersionMatch=Exact&resourceVersion=", revision))
        .status;
  };
  const std::string first(
      Send(f.server, "POST", kMaps, ConfigMap("a")).body.StringAt({"metadata", "resourceVersion"}));
  Send(f.server, "POST", kMaps, ConfigMap("b"));
  const std::string token(
      Send(f.server, "GET", Cat(kMaps, "?limit=1")).body.StringAt({"metadata", "continue"}));
  f.clock->Step(std::chrono::minutes(5));
  Send(f.server, "POST", kMaps, ConfigMap("c"));
  f.clock->Step(std::chrono::minutes(5) - std::chrono::seconds(1));
  EXPECT_EQ(status_at(first), 200);
  f.clock->Step(std::chrono::seconds(1));
  EXPECT_EQ(status_at(first), 410);
  const Reply next = Send(f.server, "GET", Cat(kMaps, "?limit=1&continue=", token));
  EXPECT_EQ(next.status, 200) << "the state of the last tick but one is the oldest";
  f.clock->Step(std::chrono::minutes(5));
  const Reply late = Send(f.server, "GET", Cat(kMaps, "?limit=1&continue=", token));
  EXPECT_EQ(late.status, 410);
  EXPECT_THAT(late.text, HasSubstr("The provided continue parameter is too old"));
  auto watch = f.server.Loopback()
                   ->RoundTrip(MakeRequest("GET", Cat(kMaps,
                                                      "?watch=1&timeoutSeconds=1&"
                                                      "resourceVersion=",
                                                      first)),
                               {})
                   .value();
  f.clock->Step(std::chrono::seconds(2));
  EXPECT_THAT(watch.body->ReadAll().value(), HasSubstr(R"("ADDED")"))
      << "watches come out of memory";
}

TEST(Server, ProtobufCarriesTheSameObject) {  // S-2.10
  Fixture f;
  Send(f.server, "POST", kMaps, ConfigMap("a"));
  http::Request request = MakeRequest("GET", Cat(kMaps, "/a"));
  request.headers.Set("Accept", "application/vnd.kubernetes.protobuf");
  const Reply got = Send(f.server, request);
  EXPECT_EQ(got.headers.Get("Content-Type"), "application/vnd.kubernetes.protobuf");
  EXPECT_TRUE(got.text.starts_with(std::string_view("k8s\0", 4)));
  // What came out goes in again.
  Send(f.server, "DELETE", Cat(kMaps, "/a"));
  http::Request list = MakeRequest("GET", kMaps);
  list.headers.Set("Accept", "application/vnd.kubernetes.protobuf");
  EXPECT_THAT(Send(f.server, list).text, HasSubstr("ConfigMapList"));
}

TEST(Server, ServesDiscoveryInProtobuf) {
  Fixture f;
  const auto get = [&](std::string_view path, std::string accept) {
    http::Request request = MakeRequest("GET", path);
    request.headers.Set("Accept", std::move(accept));
    return Send(f.server, request);
  };
  const std::string aggregated = ";g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
  const Reply json = get("/apis", "application/json" + aggregated);
  const Reply protobuf = get("/apis", "application/vnd.kubernetes.protobuf" + aggregated);
  EXPECT_EQ(protobuf.headers.Get("Content-Type"),
            "application/vnd.kubernetes.protobuf" + aggregated);
  EXPECT_NE(protobuf.headers.Get("ETag"), json.headers.Get("ETag"));
  const auto same =
      DecodeTreeFromProtobuf(protobuf.text, TypeOf<apidiscoveryv2::APIGroupDiscoveryList>());
  ASSERT_TRUE(same);
  EXPECT_EQ(ToJson(*same) + "\n", json.text);

  const Reply resources = get("/apis/apps/v1", "application/vnd.kubernetes.protobuf");
  const auto list = DecodeTreeFromProtobuf(resources.text, TypeOf<metav1::APIResourceList>());
  ASSERT_TRUE(list);
  EXPECT_EQ(list->StringAt({"groupVersion"}), "apps/v1");
  // What only aggregated discovery could satisfy is refused where there is none.
  EXPECT_EQ(get("/apis/apps", "application/json" + aggregated).status, 406);
}

TEST(Server, DefaultsAndChecksADeployment) {  // S-10.3, S-10.17
  Fixture f;
  const std::string path = "/apis/apps/v1/namespaces/default/deployments";
  const Reply bad = Send(f.server, "POST", path, R"({"metadata":{"name":"a"},"spec":{}})");
  EXPECT_EQ(bad.status, 422);
  EXPECT_THAT(bad.text, HasSubstr("spec.selector: Required value"));
  const Reply good = Send(
      f.server, "POST", path,
      R"({"metadata":{"name":"a"},"spec":{"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}})");
  EXPECT_EQ(good.status, 201) << good.text;
  EXPECT_EQ(good.body.StringAt({"spec", "strategy", "rollingUpdate", "maxSurge"}), "25%");
  EXPECT_EQ(good.body.IntAt({"spec", "progressDeadlineSeconds"}), 600);
  const Reply scaled = Send(f.server, "PATCH", path + "/a/scale", R"({"spec":{"replicas":5}})",
                            "application/merge-patch+json");
  EXPECT_EQ(scaled.body.IntAt({"spec", "replicas"}), 5);
  EXPECT_EQ(Send(f.server, "GET", path + "/a").body.IntAt({"metadata", "generation"}), 2);
}

TEST(Server, ServicesGetTheLowestAddressesLast) {
  Fixture f;
  const auto create = [&](int number) {
    const std::string service = Cat(R"({"metadata":{"name":"s)", std::to_string(number),
                                    R"("},"spec":{"ports":[{"port":80}]}})");
    return Send(f.server, "POST", "/api/v1/namespaces/default/services", service);
  };
  const auto last_number = [](const Reply& reply) {
    return ParseInt(reply.body.StringAt({"spec", "clusterIP"}).substr(7)).value_or(0);
  };
  int number = 0;
  for (; number < 254 - 16; ++number) EXPECT_GT(last_number(create(number)), 16) << number;
  for (; number < 253; ++number) EXPECT_LE(last_number(create(number)), 16) << number;
  EXPECT_THAT(create(number).text, HasSubstr("range is full"));
}

TEST(Server, AStatusUpdateOwnsAndCountsNothingButTheStatus) {
  Fixture f;
  const std::string path = "/apis/apps/v1/namespaces/default/deployments";
  Value deployment =
      Send(
          f.server, "POST", path,
          R"({"metadata":{"name":"a"},"spec":{"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}})")
          .body;
  deployment["metadata"].Set("labels", Value::MakeObject({{"x", "y"}}));
  deployment["metadata"].Set("annotations", Value::MakeObject({{"p", "q"}}));
  deployment.Set("status", Value::MakeObject({{"replicas", 1}}));
  const Reply updated = Send(f.server, "PUT", path + "/a/status", ToJson(deployment));
  EXPECT_EQ(updated.body.IntAt({"metadata", "generation"}), 1);
  EXPECT_FALSE(updated.body.Find({"metadata", "labels"}));
  EXPECT_EQ(updated.body.StringAt({"metadata", "annotations", "p"}), "q");
  EXPECT_THAT(updated.text,
              HasSubstr(R"("fieldsV1":{"f:metadata":{"f:annotations":{".":{},"f:p":{}}},)"
                        R"("f:status":{"f:replicas":{}}},"subresource":"status")"));
}

TEST(Server, APatchCannotDelete) {
  Fixture f;
  Send(f.server, "POST", kMaps, ConfigMap("a"));
  const auto patched = [&](std::string_view metadata) {
    return std::string(Send(f.server, "PATCH", Cat(kMaps, "/a"),
                            Cat(R"({"metadata":)", metadata, "}"), "application/merge-patch+json")
                           .body.StringAt({"message"}));
  };
  EXPECT_EQ(patched(R"({"deletionTimestamp":"2001-01-01T00:00:00Z"})"),
            "ConfigMap \"a\" is invalid: metadata.deletionTimestamp: Invalid value: "
            "\"2001-01-01T00:00:00Z\": field is immutable");
  EXPECT_EQ(patched(R"({"deletionGracePeriodSeconds":3})"),
            "ConfigMap \"a\" is invalid: metadata.deletionGracePeriodSeconds: Invalid value: 3: "
            "field is immutable");
}

TEST(Server, AppliesAndTellsOwnersApart) {  // S-7.9, S-7.10, S-7.12
  Fixture f;
  const auto apply = [&](std::string_view manager, std::string_view data, bool force = false) {
    return Send(
        f.server, "PATCH", Cat(kMaps, "/a?fieldManager=", manager, force ? "&force=true" : ""),
        Cat(R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":)", data, "}"),
        "application/apply-patch+yaml");
  };
  EXPECT_EQ(apply("one", R"({"x":"1","y":"1"})").status, 201);
  EXPECT_EQ(apply("two", R"({"x":"2"})").body.StringAt({"message"}),
            "Apply failed with 1 conflict: conflict with \"one\": .data.x");
  EXPECT_EQ(apply("two", R"({"x":"2"})", true).status, 200);
  const Reply dropped = apply("one", "{}");
  EXPECT_EQ(ToJson(*dropped.body.Find("data")), R"({"x":"2"})");
}

TEST(Server, RefusesBodiesOverThreeMebibytes) {  // S-3.14
  Fixture f;
  const Reply reply = Send(f.server, "POST", kMaps, std::string(kMaxRequestBody + 1, ' '));
  EXPECT_EQ(reply.status, 413);
  EXPECT_EQ(reply.body.StringAt({"message"}), "Request entity too large: limit is 3145728");
}

TEST(Server, WaitsForAFutureRevisionWithoutBlocking) {  // S-5.9
  Fixture f;
  const Reply reply = Send(f.server, "GET", Cat(kMaps, "?resourceVersion=999999"));
  EXPECT_EQ(reply.status, 504);
  EXPECT_EQ(reply.headers.Get("Retry-After"), "1");
  EXPECT_EQ(f.clock->Slept(), std::chrono::seconds(3));
}

TEST(Server, LoadsAManifestOrNothing) {
  Fixture f;
  const auto unknown =
      f.server.LoadManifest("a.yaml",
                            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: "
                            "a}\n---\napiVersion: v1\nkind: Foo\nmetadata: {name: b}\n");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().message(),
            "a.yaml: document 2 (line 5): kind \"Foo\" in version \"v1\" is not served");
  EXPECT_EQ(Send(f.server, "GET", Cat(kMaps, "/a")).status, 404);
  const auto broken = f.server.LoadManifest("b.yaml", "a: 1\n---\nb: {c\n");
  ASSERT_FALSE(broken);
  EXPECT_THAT(broken.error().message(), testing::StartsWith("b.yaml: document 2: line "));
  const auto invalid =
      f.server.LoadManifest("c.yaml",
                            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: "
                            "a}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: B}\n");
  ASSERT_FALSE(invalid);
  EXPECT_EQ(Send(f.server, "GET", Cat(kMaps, "/a")).status, 404);
  EXPECT_TRUE(
      f.server.LoadManifest("d.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"));
  EXPECT_EQ(Send(f.server, "GET", Cat(kMaps, "/a")).status, 200);
}

TEST(Server, RecordsEveryExchange) {
  Fixture f;
  Send(f.server, "GET", Cat(kMaps, "?limit=1"));
  const auto exchanges = f.server.recorder().Exchanges();
  ASSERT_EQ(exchanges.size(), 1u);
  EXPECT_EQ(exchanges[0].info.verb, "list");
  EXPECT_EQ(exchanges[0].info.resource, "configmaps");
  EXPECT_EQ(exchanges[0].target, Cat(kMaps, "?limit=1"));
  EXPECT_EQ(exchanges[0].status, 200);
}

// --- sockets ---

class Socket {
 public:
  explicit Socket(int port) : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  ~Socket() { Close(); }
  void Close() {
    if (fd_ >= 0) close(std::exchange(fd_, -1));
  }
  void Write(std::string_view bytes) {
    EXPECT_EQ(write(fd_, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  }
  std::string ReadUntil(std::string_view end) {
    std::string got;
    char c;
    while (got.find(end) == std::string::npos && read(fd_, &c, 1) == 1) got += c;
    return got;
  }

 private:
  int fd_;
};

TEST(Listener, AnswersPipelinedRequestsInOrder) {
  Server server;
  server.Listen().value();
  Socket socket(server.port());
  socket.Write("GET /livez HTTP/1.1\r\nHost: a\r\n\r\nGET /nope HTTP/1.1\r\nHost: a\r\n\r\n");
  const std::string got = socket.ReadUntil("404 page not found\n");
  EXPECT_LT(got.find("200 OK"), got.find("404 Not Found"));
}

TEST(Listener, AWatchSeesChangesAndAHangUpLeavesNothing) {
  Server server;
  server.Listen().value();
  Socket socket(server.port());
  socket.Write(Cat("GET ", kMaps, "?watch=1 HTTP/1.1\r\nHost: a\r\n\r\n"));
  EXPECT_THAT(socket.ReadUntil("\r\n\r\n"), HasSubstr("Transfer-Encoding: chunked"));  // S-6.13
  Send(server, "POST", kMaps, ConfigMap("a"));
  EXPECT_THAT(socket.ReadUntil("}\n\r\n"),
              HasSubstr(R"({"type":"ADDED","object":{"kind":"ConfigMap")"));
  EXPECT_EQ(server.connections(), 1u);
  socket.Close();
  // Another connection's round trip shows that the loop has gone round since.
  for (int tries = 0; tries < 1000 && server.connections() > 0; ++tries) {
    Socket other(server.port());
    other.Write("GET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    other.ReadUntil("\r\n\r\nok");
  }
  EXPECT_LE(server.connections(), 1u);
}

TEST(Listener, SaysThatAPortIsTaken) {
  Server first, second;
  first.Listen().value();
  ListenerOptions options;
  options.port = first.port();
  const auto taken = second.Listen(options);
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().message(),
            Cat("listen on 127.0.0.1:", std::to_string(first.port()), ": address already in use"));
}

TEST(Listener, RefusesALongBodyAndReadsItAway) {
  Server server;
  server.Listen().value();
  Socket socket(server.port());
  socket.Write(Cat("POST ", kMaps, " HTTP/1.1\r\nHost: a\r\nContent-Length: ",
                   std::to_string(kMaxRequestBody + 1000), "\r\n\r\n"));
  const std::string block(kMaxRequestBody + 1000, 'x');
  socket.Write(block);
  EXPECT_THAT(socket.ReadUntil("\r\n"), HasSubstr("413"));
}

}  // namespace
}  // namespace k8s::fakeapiserver
