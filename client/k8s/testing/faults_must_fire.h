#pragma once

// A GoogleTest listener: a test fails when one of its servers ends with faults that were armed and
// never met, since such a test has proved nothing.
//
//   testing::UnitTest::GetInstance()->listeners().Append(new k8s::FaultsMustFire);
//
// GoogleTest owns it. There is one per program. A test whose faults need not strike clears them.

#include <gtest/gtest.h>

namespace k8s {

class FaultsMustFire final : public ::testing::EmptyTestEventListener {
 public:
  void OnTestStart(const ::testing::TestInfo& test) override;
  void OnTestEnd(const ::testing::TestInfo& test) override;
};

}  // namespace k8s
