// An API from a facts file of its own, through k8s_add_api: the one of client/examples/outside.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "k8s/api/custom.h"
#include "k8s/api/stablev1.h"
#include "k8s/base/strings.h"
#include "k8s/http/stub_for_test.h"
#include "k8s/kubernetes/clientset.h"

namespace handmade {

struct CronTabSpec {
  std::string cronSpec{};
  std::string image{};
  std::optional<int32_t> replicas{};
};
struct CronTabStatus {
  int32_t replicas{};
  std::map<std::string, std::string> labels{};
};
struct CronTab {
  k8s::metav1::ObjectMeta metadata{};
  CronTabSpec spec{};
  CronTabStatus status{};
};
K8S_FIELDS(CronTabSpec, cronSpec, image, replicas)
K8S_FIELDS(CronTabStatus, replicas, labels)
K8S_FIELDS(CronTab, metadata, spec, status)
K8S_RESOURCE(CronTab, "stable.example.com/v1", "crontabs")

}  // namespace handmade

namespace k8s {
namespace {

TEST(AddedApi, ItsKindsHaveClients) {
  const auto stub = std::make_shared<http::Stub>();
  stub->Status(200, {{"Content-Type", "application/json"}},
               R"({"kind":"CronTab","apiVersion":"stable.example.com/v1",)"
               R"("spec":{"image":"backup:1"},"status":{"labels":{"a":"b"}}})");
  const auto clientset =
      Clientset::NewForConfig({.host = "http://server", .transport = stub, .qps = -1}).value();
  const auto nightly = clientset.For<stablev1::CronTab>("default").Get("nightly");
  ASSERT_TRUE(nightly) << nightly.error();
  EXPECT_EQ(nightly->spec.image, "backup:1");
  EXPECT_EQ(nightly->status.labels.at("a"), "b");
  EXPECT_EQ(stub->requests[0].url.Target(),
            "/apis/stable.example.com/v1/namespaces/default/crontabs/nightly");
  // No row has a protobuf number.
  EXPECT_EQ(stub->requests[0].headers.Get("Accept"), "application/json");
}

void ExpectSameFields(const TypeInfo& a, const TypeInfo& b) {
  SCOPED_TRACE(a.name);
  EXPECT_EQ(a.name, b.name);
  EXPECT_EQ(a.flags, b.flags);
  ASSERT_EQ(a.fields.size(), b.fields.size());
  for (size_t i = 0; i < a.fields.size(); ++i) {
    const Field &one = a.fields[i], &other = b.fields[i];
    SCOPED_TRACE(one.name());
    EXPECT_EQ(one.quoted, other.quoted);
    EXPECT_EQ(one.number, other.number);
    EXPECT_EQ(one.offset, other.offset);
    EXPECT_EQ(one.kind, other.kind);
    EXPECT_EQ(one.shape, other.shape);
    EXPECT_EQ(one.type == nullptr, other.type == nullptr);
  }
}

TEST(AddedApi, FactsAndStructsEndInTheSameTable) {
  ExpectSameFields(TypeOf<stablev1::CronTab>(), TypeOf<handmade::CronTab>());
  ExpectSameFields(TypeOf<stablev1::CronTabSpec>(), TypeOf<handmade::CronTabSpec>());
  ExpectSameFields(TypeOf<stablev1::CronTabStatus>(), TypeOf<handmade::CronTabStatus>());
  ExpectSameFields(TypeOf<stablev1::CronTabList>(), TypeOf<ListOf<handmade::CronTab>>());
  const ResourceInfo& facts = *TypeOf<stablev1::CronTab>().resource;
  const ResourceInfo& structs = *TypeOf<handmade::CronTab>().resource;
  EXPECT_EQ(facts.resource, structs.resource);
  EXPECT_EQ(facts.singular, structs.singular);
  EXPECT_EQ(facts.namespaced, structs.namespaced);
  EXPECT_EQ(facts.verbs, structs.verbs);
  ASSERT_EQ(facts.subresources.size(), structs.subresources.size());
  EXPECT_EQ(facts.subresources[0].name, structs.subresources[0].name);
  EXPECT_EQ(facts.subresources[0].served, structs.subresources[0].served);
}

}  // namespace
}  // namespace k8s
