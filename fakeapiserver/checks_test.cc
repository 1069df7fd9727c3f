#include "fakeapiserver/checks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fakeapiserver/internal_form.h"
#include "k8s/api/appsv1.h"
#include "k8s/api/networkingv1.h"
#include "k8s/machinery/json.h"

namespace k8s::fakeapiserver {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

template <class T>
std::vector<std::string> Complaints(std::string_view now, const char* old = nullptr) {
  const Value object = ParseJson(now).value();
  const Value before = old ? ParseJson(old).value() : Value();
  FieldErrors errors;
  CheckByFacts(object, old ? &before : nullptr, TypeOf<T>(), errors);
  std::vector<std::string> texts;
  for (const FieldError& error : errors) texts.push_back(error.String());
  return texts;
}

TEST(Checks, NameOnlyTypesWordsAndHooksThatAreThere) {
  EXPECT_THAT(MistakesInCheckFacts(), IsEmpty());
}

TEST(Checks, ComplainInTheOrderOfTheTableAndOnceARule) {
  EXPECT_THAT(Complaints<networkingv1::IngressClass>(
                  R"({"spec":{"controller":"","parameters":{"scope":"X","name":"a"}}})"),
              ElementsAre("spec.controller: Required value",
                          "spec.parameters.scope: Unsupported value: \"X\": supported values: "
                          "\"Cluster\", \"Namespace\"",
                          "spec.parameters.kind: Required value"));
}

TEST(Checks, HoldUpdatesAgainstWhatWasThere) {
  EXPECT_THAT(Complaints<networkingv1::ServiceCIDR>(R"({"spec":{"cidrs":["10.1.0.0/24"]}})",
                                                    R"({"spec":{"cidrs":["10.0.0.0/24"]}})"),
              ElementsAre("spec.cidrs[0]: Invalid value: \"10.1.0.0/24\": field is immutable"));
}

TEST(InternalForm, ShowsEveryMemberByGosName) {
  const Value strategy = ParseJson(R"({"type":"X"})").value();
  EXPECT_EQ(ToJson(InternalForm(strategy, TypeOf<appsv1::DeploymentStrategy>())),
            R"({"Type":"X","RollingUpdate":null})");
}

TEST(InternalForm, DiffsLineByLine) {
  const Value a = ParseJson(R"({"A":1,"B":[1,2],"C":3,"D":4,"E":5,"F":6,"G":7})").value();
  Value b = a;
  b.Set("C", 4);
  EXPECT_EQ(FormDiff(a, b),
            "@@ -4,7 +4,7 @@\n   1,\n   2\n  ],\n- \"C\": 3,\n+ \"C\": 4,\n  \"D\": 4,\n"
            "  \"E\": 5,\n  \"F\": 6,\n");
}

}  // namespace
}  // namespace k8s::fakeapiserver
