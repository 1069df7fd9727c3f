#include "fakeapiserver/tables.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "k8s/base/fake_clock.h"
#include "k8s/base/strings.h"
#include "k8s/machinery/json.h"

namespace k8s::fakeapiserver {
namespace {

using testing::ElementsAre;

// The cells READY, STATUS and RESTARTS of a pod.
std::vector<std::string> PodCells(std::string_view spec, std::string_view status,
                                  std::string_view metadata = R"({"name":"p"})") {
  const Env env{.clock = std::make_shared<FakeClock>()};
  const Core core(env, {}, false);
  Value pod =
      ParseJson(Cat(R"({"metadata":)", metadata, R"(,"spec":)", spec, R"(,"status":)", status, "}"))
          .value();
  std::vector<Value> pods;
  pods.push_back(std::move(pod));
  const Value table = MakeTable(core, {.served = core.registry.Find("", "v1", "pods")},
                                std::move(pods), false, true)
                          .value();
  const Value::Array& cells = table.Find("rows")->array()[0].Find("cells")->array();
  return {cells[1].string(), cells[2].string(), cells[3].string()};
}

constexpr std::string_view kOne = R"({"containers":[{"name":"a"}]})";
constexpr std::string_view kTwo = R"({"containers":[{"name":"a"},{"name":"b"}]})";
constexpr std::string_view kInit =
    R"({"initContainers":[{"name":"i"},{"name":"s","restartPolicy":"Always"}],"containers":[{"name":"a"}]})";

TEST(Tables, APodShowsItsPhaseAndWhatItsContainersSayOfIt) {
  EXPECT_THAT(PodCells(kOne, R"({"phase":"Pending"})"), ElementsAre("0/1", "Pending", "0"));
  EXPECT_THAT(
      PodCells(
          kTwo,
          R"({"phase":"Running","containerStatuses":[{"name":"a","ready":true,"state":{"running":{}}},{"name":"b","restartCount":2,"state":{"waiting":{"reason":"CrashLoopBackOff"}}}]})"),
      ElementsAre("1/2", "CrashLoopBackOff", "2"));
  EXPECT_THAT(
      PodCells(
          kOne,
          R"({"phase":"Failed","containerStatuses":[{"name":"a","state":{"terminated":{"exitCode":3}}}]})"),
      ElementsAre("0/1", "ExitCode:3", "0"));
}

TEST(Tables, TheFirstContainersReasonStands) {
  EXPECT_THAT(
      PodCells(
          kTwo,
          R"({"phase":"Pending","containerStatuses":[{"name":"a","state":{"waiting":{"reason":"ErrImagePull"}}},{"name":"b","state":{"waiting":{"reason":"ContainerCreating"}}}]})"),
      ElementsAre("0/2", "ErrImagePull", "0"));
}

TEST(Tables, APodWithADoneContainerStillRuns) {
  const auto status = [](std::string_view ready) {
    return Cat(
        R"({"phase":"Running","conditions":[{"type":"Ready","status":")", ready,
        R"("}],"containerStatuses":[{"name":"a","state":{"terminated":{"reason":"Completed"}}},{"name":"b","ready":true,"state":{"running":{}}}]})");
  };
  EXPECT_THAT(PodCells(kTwo, status("True")), ElementsAre("1/2", "Running", "0"));
  EXPECT_THAT(PodCells(kTwo, status("False")), ElementsAre("1/2", "NotReady", "0"));
}

TEST(Tables, APodThatInitializesNamesItsFirstUnfinishedContainer) {
  EXPECT_THAT(
      PodCells(
          kInit,
          R"({"phase":"Pending","initContainerStatuses":[{"name":"i","restartCount":4,"state":{"running":{}}},{"name":"s"}],"containerStatuses":[{"name":"a","state":{"waiting":{"reason":"PodInitializing"}}}]})"),
      ElementsAre("0/2", "Init:0/2", "4"));
  EXPECT_THAT(
      PodCells(
          kInit,
          R"({"phase":"Pending","initContainerStatuses":[{"name":"i","state":{"terminated":{"exitCode":1,"reason":"Error"}}}]})"),
      ElementsAre("0/2", "Init:Error", "0"));
}

TEST(Tables, RestartsOfContainersThatInitializedAreForgotten) {
  // Only the sidecar's and the container's count, and only theirs tell when.
  EXPECT_THAT(
      PodCells(
          kInit,
          R"({"phase":"Running","initContainerStatuses":[{"name":"i","restartCount":4,"state":{"terminated":{"exitCode":0}},"lastState":{"terminated":{"finishedAt":"1970-01-01T00:00:00Z"}}},{"name":"s","restartCount":2,"started":true,"ready":true}],"containerStatuses":[{"name":"a","restartCount":1,"ready":true,"state":{"running":{}}}]})"),
      ElementsAre("2/2", "Running", "3"));
}

TEST(Tables, ADeletedPodTerminatesUnlessItIsOver) {
  constexpr std::string_view kDeleted =
      R"({"name":"p","deletionTimestamp":"2026-01-01T00:00:00Z"})";
  EXPECT_THAT(PodCells(kOne, R"({"phase":"Running"})", kDeleted),
              ElementsAre("0/1", "Terminating", "0"));
  EXPECT_THAT(PodCells(kOne, R"({"phase":"Succeeded"})", kDeleted),
              ElementsAre("0/1", "Succeeded", "0"));
  EXPECT_THAT(PodCells(kOne, R"({"phase":"Running","reason":"NodeLost"})", kDeleted),
              ElementsAre("0/1", "Unknown", "0"));
}

TEST(Tables, SpansOfTimeAreRoundedAsKubectlDoes) {
  const auto texts = [](std::initializer_list<int64_t> spans) {
    std::vector<std::string> out;
    for (int64_t seconds : spans) out.push_back(HumanDuration(seconds));
    return out;
  };
  EXPECT_THAT(texts({0, 119, 120, 125, 599, 600, 10799, 10800, 11000}),
              ElementsAre("0s", "119s", "2m", "2m5s", "9m59s", "10m", "179m", "3h", "3h3m"));
  EXPECT_THAT(texts({28800, 172799, 172800, 176400, 691200, 63072000, 70000000}),
              ElementsAre("8h", "47h", "2d", "2d1h", "8d", "2y", "2y80d"));
}

}  // namespace
}  // namespace k8s::fakeapiserver
