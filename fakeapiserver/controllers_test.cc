// Controllers as a client meets them: what is there once it has its answer (S-12.2 to S-12.5).

#include "fakeapiserver/controllers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fakeapiserver/server.h"
#include "k8s/base/fake_clock.h"
#include "k8s/base/strings.h"
#include "k8s/machinery/json.h"

namespace k8s::fakeapiserver {
namespace {

using testing::HasSubstr;

constexpr char kMaps[] = "/api/v1/namespaces/default/configmaps";

class ControllersTest : public testing::Test {
 protected:
  ControllersTest() : ControllersTest("all") {}
  explicit ControllersTest(std::string_view which)
      : server_({.env = {.clock = std::make_shared<FakeClock>(), .random = SeededRandom(1)},
                 .controllers = ParseControllers(which).value()}) {}

  Value Send(const std::string& method, const std::string& path, const std::string& body = {}) {
    http::Request request;
    request.method = method;
    const size_t mark = path.find('?');
    request.url.path = path.substr(0, mark);
    if (mark != path.npos) request.url.query = path.substr(mark + 1);
    if (!body.empty()) request.body = std::make_shared<const std::string>(body);
    const bool patch = method == "PATCH";
    request.headers.Set("Content-Type",
                        patch ? "application/merge-patch+json" : "application/json");
    const Answer answer = server_.Serve(request);
    status_ = answer.status;
    return ParseJson(Gather(answer.body)).value_or(Value());
  }
  bool Has(const std::string& path) {
    Send("GET", path);
    return status_ == 200;
  }
  // Creates a ConfigMap; its uid.
  std::string Map(const std::string& name, const std::string& more = {}) {
    const Value made = Send("POST", kMaps, Cat(R"({"metadata":{"name":")", name, "\"", more, "}}"));
    EXPECT_EQ(status_, 201) << ToJson(made);
    return std::string(made.StringAt({"metadata", "uid"}));
  }
  static std::string OwnedBy(const std::string& name, const std::string& uid, bool blocks = false) {
    return Cat(R"({"apiVersion":"v1","kind":"ConfigMap","name":")", name, R"(","uid":")", uid, "\"",
               blocks ? R"(,"blockOwnerDeletion":true})" : "}");
  }
  static std::string Owners(const std::string& list) {
    return Cat(R"(,"ownerReferences":[)", list, "]");
  }
  static std::string Path(const std::string& name) { return Cat(kMaps, "/", name); }

  Server server_;
  int status_ = 0;
};

TEST(ControllerSet, IsReadFromItsNames) {
  EXPECT_TRUE(ParseControllers("namespace,service-account")->namespaces);
  EXPECT_FALSE(ParseControllers("namespace")->garbage_collector);
  EXPECT_TRUE(ParseControllers("all")->garbage_collector);
  EXPECT_THAT(ParseControllers("namespace,replicaset").error().message(),
              HasSubstr("\"replicaset\""));
}

TEST_F(ControllersTest, ANamespaceGetsItsAccountAndRootCertificates_S_12_2) {
  Send("POST", "/api/v1/namespaces", R"({"metadata":{"name":"new"}})");
  for (const char* ns : {"new", "default", "kube-system"}) {
    EXPECT_TRUE(Has(Cat("/api/v1/namespaces/", ns, "/serviceaccounts/default"))) << ns;
    EXPECT_TRUE(Has(Cat("/api/v1/namespaces/", ns, "/configmaps/kube-root-ca.crt"))) << ns;
  }
}

TEST_F(ControllersTest, WhatANamespaceNeedsComesBack) {
  Send("DELETE", "/api/v1/namespaces/default/serviceaccounts/default");
  EXPECT_TRUE(Has("/api/v1/namespaces/default/serviceaccounts/default"));
  Send("PATCH", Path("kube-root-ca.crt"), R"({"data":{"ca.crt":"mine","more":"x"}})");
  EXPECT_EQ(Send("GET", Path("kube-root-ca.crt")).Find("data")->object().size(), 1u);
}

TEST_F(ControllersTest, ADeletedNamespaceIsEmptiedAndGoes_S_12_5) {
  Send("POST", "/api/v1/namespaces", R"({"metadata":{"name":"x"}})");
  Send("POST", "/api/v1/namespaces/x/configmaps", R"({"metadata":{"name":"a"}})");
  const Value answer = Send("DELETE", "/api/v1/namespaces/x");
  EXPECT_EQ(answer.StringAt({"status", "phase"}), "Terminating");
  EXPECT_FALSE(Has("/api/v1/namespaces/x"));
  EXPECT_FALSE(Has("/api/v1/namespaces/x/configmaps/a"));
}

TEST_F(ControllersTest, ANamespaceWaitsForFinalizersAndSaysSo_S_12_5) {
  Send("POST", "/api/v1/namespaces", R"({"metadata":{"name":"x"}})");
  Send("POST", "/api/v1/namespaces/x/configmaps",
       R"({"metadata":{"name":"a","finalizers":["example.com/f"]}})");
  Send("DELETE", "/api/v1/namespaces/x");
  const Value space = Send("GET", "/api/v1/namespaces/x");
  EXPECT_THAT(ToJson(*space.Find({"status", "conditions"})),
              testing::AllOf(
                  HasSubstr("Some resources are remaining: configmaps. has 1 resource instances"),
                  HasSubstr("finalizers remaining: example.com/f in 1 resource instances")));
  Send("PATCH", "/api/v1/namespaces/x/configmaps/a", R"({"metadata":{"finalizers":null}})");
  EXPECT_FALSE(Has("/api/v1/namespaces/x"));
}

TEST_F(ControllersTest, DependantsFollowTheirOwnerInTheBackground_S_12_3) {
  const std::string owner = Map("owner");
  const std::string child = Map("child", Owners(OwnedBy("owner", owner)));
  Map("grandchild", Owners(OwnedBy("child", child)));
  Send("DELETE", Path("owner"));
  EXPECT_FALSE(Has(Path("child")));
  EXPECT_FALSE(Has(Path("grandchild")));
}

TEST_F(ControllersTest, OrphansLoseTheReference_S_12_3) {
  Map("child", Owners(OwnedBy("owner", Map("owner"))));
  Send("DELETE", Path("owner") + "?propagationPolicy=Orphan");
  EXPECT_FALSE(Has(Path("owner")));
  EXPECT_EQ(Send("GET", Path("child")).Find({"metadata", "ownerReferences"}), nullptr);
}

TEST_F(ControllersTest, AForegroundDeletionEndsWithTheOwner_S_12_3) {
  const std::string owner = Map("owner");
  Map("blocks", Cat(R"(,"finalizers":["example.com/f"])", Owners(OwnedBy("owner", owner, true))));
  Map("other", Owners(OwnedBy("owner", owner)));
  Send("DELETE", Path("owner") + "?propagationPolicy=Foreground");
  EXPECT_TRUE(Has(Path("owner"))) << "a dependant blocks it";
  EXPECT_FALSE(Has(Path("other")));
  Send("PATCH", Path("blocks"), R"({"metadata":{"finalizers":null}})");
  EXPECT_FALSE(Has(Path("blocks")));
  EXPECT_FALSE(Has(Path("owner")));
}

TEST_F(ControllersTest, ADependantOfNobodyIsDeleted_S_12_4) {
  Map("child", Owners(OwnedBy("owner", "00000000-0000-0000-0000-000000000000")));
  EXPECT_FALSE(Has(Path("child")));
}

TEST_F(ControllersTest, OneLivingOwnerKeepsADependant) {
  const std::string lives = Map("lives"), dies = Map("dies");
  Map("child", Owners(Cat(OwnedBy("lives", lives), ",", OwnedBy("dies", dies))));
  Send("DELETE", Path("dies"));
  const Value child = Send("GET", Path("child"));
  ASSERT_EQ(child.Find({"metadata", "ownerReferences"})->array().size(), 1u);
  EXPECT_EQ(child.Find({"metadata", "ownerReferences"})->array()[0].StringAt({"name"}), "lives");
}

TEST_F(ControllersTest, AnOwnerOfAKindThatIsNotServedIsLeftAlone) {
  Map("child", Owners(R"({"apiVersion":"example.com/v1","kind":"Foo","name":"a","uid":"1"})"));
  EXPECT_TRUE(Has(Path("child")));
}

TEST_F(ControllersTest, GoOnAfterTheStoreWasEmptied) {
  Send("POST", "/fake/v1/reset");
  EXPECT_TRUE(Has("/api/v1/namespaces/default/serviceaccounts/default"));
}

TEST_F(ControllersTest, NeitherFaultsNorTheRecordKnowOfThem) {
  ASSERT_TRUE(server_.faults().Load(
      "f", R"([{match: {verb: create, resource: serviceaccounts}, do: [{reply: 500}]}])"));
  const size_t before = server_.recorder().Exchanges().size();
  Send("POST", "/api/v1/namespaces", R"({"metadata":{"name":"new"}})");
  EXPECT_EQ(server_.recorder().Exchanges().size(), before + 1);
  EXPECT_TRUE(Has("/api/v1/namespaces/new/serviceaccounts/default"));
}

class NoControllers : public ControllersTest {
 protected:
  NoControllers() : ControllersTest("garbage-collector") {}
};

TEST_F(NoControllers, OnlyThoseAskedForWork) {
  EXPECT_FALSE(Has("/api/v1/namespaces/default/serviceaccounts/default"));
  Send("POST", "/api/v1/namespaces", R"({"metadata":{"name":"x"}})");
  Send("DELETE", "/api/v1/namespaces/x");
  EXPECT_TRUE(Has("/api/v1/namespaces/x"));
}

}  // namespace
}  // namespace k8s::fakeapiserver
