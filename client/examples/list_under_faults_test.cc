// A list that meets a reset, two refusals and a cut answer, and what the client makes of it.

#include <gtest/gtest.h>

#include "fakeapiserver/server.h"
#include "k8s/api/appsv1.h"
#include "k8s/base/fake_clock.h"
#include "k8s/kubernetes/clientset.h"

using namespace k8s;
using namespace std::chrono_literals;

TEST(List, OutlivesAResetAndTwoRefusalsButNoCutAnswer) {
  const auto clock = std::make_shared<FakeClock>();
  fakeapiserver::Server server({.env = {.clock = clock}});
  server.faults().On(Verb::kList, "deployments").Times(1).Reset();
  server.faults().On(Verb::kList, "deployments").Times(2).Reply(429).RetryAfter(7s);
  server.faults().On(Verb::kList, "deployments").Times(1).Truncate(20);
  const auto clientset =
      Clientset::NewForConfig(
          {.host = "http://fake", .transport = server.Loopback(), .env = {.clock = clock}})
          .value();
  const auto list = clientset.AppsV1().Deployments("default").List();
  EXPECT_EQ(list.error().cause(), TransportCause::kTruncated) << list.error();
  EXPECT_EQ(server.recorder().Count(), 4u);
  EXPECT_EQ(clock->Slept(), 1s + 7s + 7s);
  EXPECT_EQ(server.faults().Unspent(), 0);
}
