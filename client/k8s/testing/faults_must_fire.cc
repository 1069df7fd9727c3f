#include "k8s/testing/faults_must_fire.h"

#include "fakeapiserver/faults.h"

namespace k8s {

void FaultsMustFire::OnTestStart(const ::testing::TestInfo&) {
  fakeapiserver::Faults::WatchEnds([](const fakeapiserver::Faults& faults) {
    if (faults.Unspent() > 0)
      ADD_FAILURE() << "armed, but not met often enough:\n" << faults.DescribeUnspent();
  });
}

void FaultsMustFire::OnTestEnd(const ::testing::TestInfo&) { fakeapiserver::Faults::WatchEnds({}); }

}  // namespace k8s
