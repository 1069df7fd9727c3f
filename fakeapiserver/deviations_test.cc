#include "fakeapiserver/deviations.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "fakeapiserver/router.h"
#include "fakeapiserver/server.h"
#include "k8s/base/env.h"
#include "k8s/base/strings.h"
#include "k8s/machinery/json.h"

namespace k8s::fakeapiserver {
namespace {

using testing::HasSubstr;

http::Request MakeRequest(std::string_view method, std::string_view path, std::string body = "",
                          http::Headers headers = {}) {
  http::Request request;
  request.method = std::string(method);
  request.url.path = std::string(path);
  request.headers = std::move(headers);
  if (!body.empty()) {
    if (!request.headers.Has("Content-Type"))
      request.headers.Set("Content-Type", "application/json");
    request.body = std::make_shared<const std::string>(std::move(body));
  }
  return request;
}

std::string Touched(const http::Request& request) {
  static const Registry* const registry = new Registry;
  const Deviation* found = TouchedBy(request, ParseRequest(request), *registry);
  return found ? std::string(found->name) : "";
}

TEST(Deviations, StandInTheDocumentRowByRow) {
  const auto text = RealHost()->ReadFile(K8S_SOURCE_DIR "/docs/deviations.md").value();
  EXPECT_TRUE(text.ends_with("\n" + DeviationsAsMarkdown()))
      << "docs/deviations.md must end with:\n\n"
      << DeviationsAsMarkdown();
}

TEST(Deviations, HaveANameOfTheirOwnAndNameOnlyResourcesThatAreServed) {
  const Registry registry;
  std::set<std::string> served;
  for (const ServedGroup& group : registry.groups()) {
    for (const ServedVersion& version : group.versions) {
      for (const Served* one : version.resources) served.insert(one->group_resource().String());
    }
  }
  std::set<std::string_view> names;
  for (const Deviation& row : Deviations()) {
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_TRUE(row.says.ends_with('.')) << row.name;
    EXPECT_FALSE(row.breaks.empty()) << row.name;
    if (row.touch.resources.empty()) continue;
    for (std::string_view resource : Split(row.touch.resources, ' '))
      EXPECT_TRUE(served.contains(std::string(resource))) << resource;
  }
}

TEST(Deviations, AreToldByVerbResourcePathHeaderAndField) {
  constexpr std::string_view kCrds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
  EXPECT_EQ(Touched(MakeRequest("POST", kCrds, "{}")), "custom-resources");
  EXPECT_EQ(Touched(MakeRequest("GET", kCrds)), "");
  EXPECT_EQ(Touched(MakeRequest("GET", "/api/v1/namespaces/a/pods/b/log")), "logs");
  EXPECT_EQ(Touched(MakeRequest("GET", "/api/v1/namespaces/a/pods/b")), "");
  EXPECT_EQ(Touched(MakeRequest("GET", "/api/v1/pods", "", {{"Authorization", "Bearer x"}})),
            "tokens");
  EXPECT_EQ(Touched(MakeRequest("GET", "/openapi/v3/apis/apps")), "openapi-of-groups");
  EXPECT_EQ(Touched(MakeRequest("GET", "/openapi/v3/apis/apps/v1")), "");
  EXPECT_EQ(Touched(MakeRequest("GET", "/openapi/v3/apis/apps/v1", "",
                                {{"Accept",
                                  "application/com.github.proto-openapi.spec.v3.v1.0"
                                  "+protobuf"}})),
            "openapi-in-protobuf");
}

TEST(Deviations, AreToldByFieldsOfBodiesAndOfPatches) {
  constexpr std::string_view kPods = "/api/v1/namespaces/a/pods";
  EXPECT_EQ(Touched(MakeRequest("POST", kPods, R"({"spec":{"volumes":[{"name":"v"}]}})")), "");
  EXPECT_EQ(Touched(MakeRequest("POST", kPods, R"({"spec":{"volumes":[{"name":"v","fc":{}}]}})")),
            "old-volumes");
  EXPECT_EQ(Touched(MakeRequest("POST", kPods, "spec:\n  volumes:\n  - rbd: {}\n",
                                {{"Content-Type", "application/yaml"}})),
            "old-volumes");
  EXPECT_EQ(Touched(MakeRequest(
                "PATCH", "/apis/apps/v1/namespaces/a/deployments/b",
                R"({"spec":{"template":{"spec":{"volumes":[{"name":"v","cinder":{}}]}}}})",
                {{"Content-Type", "application/merge-patch+json"}})),
            "old-volumes");
  const http::Headers json_patch = {{"Content-Type", "application/json-patch+json"}};
  constexpr std::string_view kJob = "/apis/batch/v1/namespaces/a/cronjobs/b";
  EXPECT_EQ(Touched(MakeRequest("PATCH", kJob,
                                R"([{"op":"add","path":"/spec/timeZone","value":"Etc/UTC"}])",
                                json_patch)),
            "time-zones");
  EXPECT_EQ(Touched(MakeRequest("PATCH", kJob,
                                R"([{"op":"add","path":"/spec","value":{"timeZone":"UTC"}}])",
                                json_patch)),
            "time-zones");
  EXPECT_EQ(
      Touched(MakeRequest("PATCH", Cat(kPods, "/b"),
                          R"([{"op":"add","path":"/spec/volumes/-","value":{"name":"v","fc":{}}}])",
                          json_patch)),
      "old-volumes");
  EXPECT_EQ(Touched(MakeRequest("PATCH", kJob, R"([{"op":"remove","path":"/spec/suspend"}])",
                                json_patch)),
            "");
  EXPECT_EQ(Touched(MakeRequest(
                "PUT", "/api/v1/namespaces/a",
                R"({"metadata":{"labels":{"pod-security.kubernetes.io/enforce":"baseline"}}})")),
            "pod-security");
}

TEST(Deviations, AStrictServerRefusesAndALenientOneAnswers) {
  const auto request =
      MakeRequest("GET", "/api/v1/namespaces", "", {{"Authorization", "Bearer secret"}});
  Options options;
  options.strict = true;
  Server strict(std::move(options)), lenient;
  EXPECT_EQ(lenient.Serve(request).status, 200);
  const auto refused = strict.Loopback()->RoundTrip(request, {}).value();
  EXPECT_EQ(refused.status, 501);
  const std::string text = refused.body->ReadAll().value();
  EXPECT_THAT(text, HasSubstr(R"("reason":"NotImplemented")"));
  EXPECT_THAT(text,
              HasSubstr("(tokens, against S-13.1); without --strict it answers all the same"));
  EXPECT_THAT(text, testing::Not(HasSubstr("secret")));
  EXPECT_EQ(strict.Serve(MakeRequest("GET", "/api/v1/namespaces")).status, 200);

  const auto listed =
      strict.Loopback()->RoundTrip(MakeRequest("GET", "/fake/v1/deviations"), {}).value();
  const Value list = ParseJson(listed.body->ReadAll().value()).value();
  EXPECT_TRUE(list.BoolAt({"strict"}));
  EXPECT_EQ(list.Find("deviations")->array().size(), Deviations().size());
}

}  // namespace
}  // namespace k8s::fakeapiserver
