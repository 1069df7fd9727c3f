#include "k8s/kubernetes/metadata.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "k8s/base/strings.h"
#include "k8s/http/stub_for_test.h"
#include "k8s/machinery/protobuf_codec.h"

namespace k8s::metadata {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

struct Server {
  std::shared_ptr<http::Stub> stub = std::make_shared<http::Stub>();

  explicit Server(std::string body, std::string type = "application/json") {
    http::Headers headers;
    if (!type.empty()) headers.Set("Content-Type", std::move(type));
    stub->Status(200, headers, std::move(body));
  }
  ResourceInterface Pods(std::string_view namespace_ = "n") const {
    return Client::NewForConfig({.host = "http://server", .transport = stub, .qps = -1})
        ->Resource({"", "v1", "pods"})
        .Namespace(namespace_);
  }
  const http::Request& Last() const { return stub->requests.back(); }
  std::string Asked() const { return Cat(Last().method, " ", Last().url.Target()); }
};

constexpr const char* kPod =
    R"({"kind":"Pod","apiVersion":"v1","metadata":{"name":"p","labels":{"a":"b"}},"spec":{}})";

TEST(MetadataClient, AsksForMetadataAndTakesWholeObjectsToo) {  // C-8.23
  const Server server(kPod);
  const auto pod = server.Pods().Get("p");
  ASSERT_TRUE(pod) << pod.error();
  EXPECT_EQ(pod->metadata.labels.at("a"), "b");
  EXPECT_EQ(server.Asked(), "GET /api/v1/namespaces/n/pods/p");
  EXPECT_EQ(server.Last().headers.Get("Accept"),
            "application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,"
            "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json");
}

TEST(MetadataClient, ReadsProtobufAlsoWithoutALabel) {
  const metav1::PartialObjectMetadata object{.metadata = {.name = "p"}};
  std::string bytes;
  EncodeProtobuf(TypeOf<metav1::PartialObjectMetadata>(), &object,
                 {"meta.k8s.io/v1", "PartialObjectMetadata"}, bytes);
  for (const char* type : {"application/vnd.kubernetes.protobuf", ""}) {
    const auto pod = Server(bytes, type).Pods().Get("p");
    ASSERT_TRUE(pod) << pod.error();
    EXPECT_EQ(pod->metadata.name, "p");
  }
}

TEST(MetadataClient, ListsAreAskedForAsLists) {
  for (const char* body :
       {R"({"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"7"},)"
        R"("items":[{"metadata":{"name":"p"},"spec":{}}]})",
        R"({"kind":"PartialObjectMetadataList","apiVersion":"meta.k8s.io/v1",)"
        R"("metadata":{"resourceVersion":"7"},"items":[{"metadata":{"name":"p"}}]})"}) {
    const Server server(body);
    const auto list = server.Pods("").List({.limit = 5});
    ASSERT_TRUE(list) << list.error();
    ASSERT_THAT(list->items, SizeIs(1));
    EXPECT_EQ(list->items[0].metadata.name, "p");
    EXPECT_EQ(list->metadata.resourceVersion, "7");
    EXPECT_EQ(server.Asked(), "GET /api/v1/pods?limit=5");
    EXPECT_THAT(std::string(server.Last().headers.Get("Accept")),
                StartsWith("application/vnd.kubernetes.protobuf;as=PartialObjectMetadataList;"));
  }
}

TEST(MetadataClient, WatchesSingleObjects) {
  const Server server(R"({"type":"ADDED","object":{"kind":"PartialObjectMetadata",)"
                      R"("apiVersion":"meta.k8s.io/v1","metadata":{"name":"p"}}})");
  auto watch = server.Pods().Watch({.timeoutSeconds = 3});
  ASSERT_TRUE(watch) << watch.error();
  std::vector<std::string> names;
  for (const auto& [type, object] : *watch) names.push_back(object.metadata.name);
  EXPECT_THAT(names, ElementsAre("p"));
  EXPECT_EQ(server.Asked(), "GET /api/v1/namespaces/n/pods?timeout=3s&timeoutSeconds=3&watch=true");
}

TEST(MetadataClient, DeletesWithJsonOptions) {
  const Server server("{}");
  ASSERT_TRUE(server.Pods().Delete("p", {.dryRun = {"All"}}));
  EXPECT_EQ(server.Asked(), "DELETE /api/v1/namespaces/n/pods/p");
  EXPECT_EQ(*server.Last().body,
            "{\"kind\":\"DeleteOptions\",\"apiVersion\":\"v1\",\"dryRun\":[\"All\"]}\n");
  EXPECT_EQ(server.Last().headers.Get("Content-Type"), "application/json");
  ASSERT_TRUE(server.Pods().DeleteCollection({}, {.labelSelector = "a", .timeoutSeconds = 3}));
  EXPECT_EQ(server.Asked(), "DELETE /api/v1/namespaces/n/pods?labelSelector=a&timeoutSeconds=3");
}

TEST(MetadataClient, PatchesLabels) {
  const Server server(kPod);
  ASSERT_TRUE(server.Pods().Patch("p", kubernetes::PatchType::kMergePatch, "{}"));
  EXPECT_EQ(server.Asked(), "PATCH /api/v1/namespaces/n/pods/p");
  EXPECT_EQ(server.Last().headers.Get("Content-Type"), "application/merge-patch+json");
}

TEST(MetadataClient, SaysWhatIsNoMetadata) {
  EXPECT_THAT(
      Server(R"({"kind":"Foo","apiVersion":"g/v1","spec":{}})").Pods().Get("p").error().message(),
      StartsWith("object does not appear to match the ObjectMeta schema"));
  EXPECT_EQ(Server(R"({"kind":"APIGroup","apiVersion":"meta.k8s.io/v1"})")
                .Pods()
                .Get("p")
                .error()
                .message(),
            "unexpected object, expected PartialObjectMetadata but got APIGroup");
  const Server server("{}");
  EXPECT_EQ(server.Pods().Get("").error().message(), "name is required");
  EXPECT_EQ(server.Pods().Delete("").error().message(), "name is required");
  EXPECT_EQ(server.Pods().Patch("", kubernetes::PatchType::kMergePatch, "").error().message(),
            "name is required");
  EXPECT_THAT(server.stub->requests, IsEmpty());
}

}  // namespace
}  // namespace k8s::metadata
