#include "fakeapiserver/checks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fakeapiserver/cel_text.h"
#include "fakeapiserver/internal_form.h"
#include "k8s/api/appsv1.h"
#include "k8s/api/corev1.h"
#include "k8s/api/networkingv1.h"
#include "k8s/base/strings.h"
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

constexpr std::string_view kLabelWords =
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and "
    "must "
    "start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for "
    "validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";

// A pod of one container that is fine but for what is given.
std::string Pod(std::string_view container, std::string_view spec = "") {
  return Cat(R"({"spec":{"restartPolicy":"Always","dnsPolicy":"ClusterFirst","containers":[{)",
             R"("name":"main","image":"i","imagePullPolicy":"Always",)",
             R"("terminationMessagePolicy":"File")", container.empty() ? "" : ",", container, "}]",
             spec.empty() ? "" : ",", spec, "}}");
}

TEST(Checks, TakeAGoodPod) { EXPECT_THAT(Complaints<corev1::Pod>(Pod("")), IsEmpty()); }

TEST(Checks, AVolumeInErrorDoesNotTakeItsName) {
  EXPECT_THAT(
      Complaints<corev1::Pod>(Pod(R"("volumeMounts":[{"name":"d","mountPath":"/d"}])",
                                  R"("volumes":[{"name":"V_","emptyDir":{}},)"
                                  R"({"name":"d","emptyDir":{},"hostPath":{"path":"/"}}])")),
      ElementsAre(Cat("spec.volumes[0].name: Invalid value: \"V_\": ", kLabelWords),
                  "spec.volumes[1].hostPath: Forbidden: may not specify more than 1 volume type",
                  "spec.containers[0].volumeMounts[0].name: Not found: \"d\""));
}

TEST(Checks, HoldMountsAndDevicesAgainstEachOther) {
  EXPECT_THAT(
      Complaints<corev1::Pod>(
          Pod(R"("volumeMounts":[{"name":"c","mountPath":"/c","subPath":"/x"}],)"
              R"("volumeDevices":[{"name":"c","devicePath":"/c"}])",
              R"("volumes":[{"name":"c","emptyDir":{}}])")),
      ElementsAre(
          "spec.containers[0].volumeMounts[0].name: Invalid value: \"c\": must not already "
          "exist in volumeDevices",
          "spec.containers[0].volumeMounts[0].mountPath: Invalid value: \"/c\": must not "
          "already exist as a path in volumeDevices",
          "spec.containers[0].volumeMounts.subPath: Invalid value: \"/x\": must be a "
          "relative path",
          "spec.containers[0].volumeDevices[0].name: Invalid value: \"c\": can only use "
          "volume source type of PersistentVolumeClaim or Ephemeral for block mode",
          "spec.containers[0].volumeDevices[0].name: Invalid value: \"c\": must not already "
          "exist in volumeMounts",
          "spec.containers[0].volumeDevices[0].devicePath: Invalid value: \"/c\": must not "
          "already exist as a path in volumeMounts"));
}

TEST(Checks, ProbesDoOneThing) {
  EXPECT_THAT(
      Complaints<corev1::Pod>(
          Pod(R"("livenessProbe":{"successThreshold":1,"exec":{"command":["x"]},)"
              R"("httpGet":{"port":0}},"readinessProbe":{"periodSeconds":-1})")),
      ElementsAre("spec.containers[0].livenessProbe.httpGet: Forbidden: may not specify more "
                  "than 1 handler type",
                  "spec.containers[0].readinessProbe: Required value: must specify a handler "
                  "type",
                  "spec.containers[0].readinessProbe.periodSeconds: Invalid value: -1: must "
                  "be greater than or equal to 0"));
}

TEST(Checks, VariablesReadWhatCanBeRead) {
  EXPECT_THAT(
      Complaints<corev1::Pod>(Pod(
          R"("env":[{"name":"A","valueFrom":{"fieldRef":{"apiVersion":"v1","fieldPath":"spec.x"}}},)"
          R"({"name":"B","valueFrom":{"resourceFieldRef":{"resource":"limits.gpu"}}},)"
          R"({"name":"C","value":"1","valueFrom":{"secretKeyRef":{"name":"s","key":"k"}}}])")),
      ElementsAre(
          "spec.containers[0].env[0].valueFrom.fieldRef.fieldPath: Invalid value: "
          "\"spec.x\": error converting fieldPath: field label not supported: spec.x",
          "spec.containers[0].env[1].valueFrom.resourceFieldRef.resource: Unsupported value: "
          "\"limits.gpu\": supported values: \"limits.cpu\", "
          "\"limits.ephemeral-storage\", \"limits.memory\", \"requests.cpu\", "
          "\"requests.ephemeral-storage\", \"requests.memory\"",
          "spec.containers[0].env[2].valueFrom: Invalid value: \"\": may not be specified "
          "when `value` is not empty"));
}

TEST(Checks, WindowsHasNoUsersByNumber) {
  EXPECT_THAT(
      Complaints<corev1::Pod>(Pod(R"("securityContext":{"privileged":false})",
                                  R"("os":{"name":"windows"},)"
                                  R"("securityContext":{"runAsUser":1})")),
      ElementsAre("spec.securityContext.runAsUser: Forbidden: cannot be set for a windows pod",
                  "spec.containers[0].securityContext.privileged: Forbidden: cannot be set "
                  "for a windows pod"));
}

TEST(Cel, TellsWhatNeedsNoCompiler) {
  EXPECT_EQ(LookAtCel("1", {}).type, "int");
  EXPECT_EQ(LookAtCel("'a'", {}).type, "string");
  EXPECT_EQ(LookAtCel("device.driver", {"device"}).broken, "");
  EXPECT_EQ(
      LookAtCel("nope.x", {"device"}).broken,
      "ERROR: <input>:1:1: undeclared reference to 'nope' (in container '')\n | nope.x\n | ^");
  EXPECT_EQ(LookAtCel("device.", {"device"}).broken,
            "ERROR: <input>:1:8: Syntax error: no viable alternative at input '.'\n | device.\n"
            " | .......^");
  EXPECT_EQ(LookAtCel("a.b == 'c' && !d", {}).broken, "") << "taken for good";
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
