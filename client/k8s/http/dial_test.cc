#include "k8s/http/dial.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "k8s/base/env.h"

namespace k8s::http {
namespace {

using testing::HasSubstr;

size_t Threads() { return RealHost()->ListDirectory("/proc/self/task").value().size(); }

TEST(Dial, NeedsNoThreadForAnAddress) {
  const size_t before = Threads();
  const Waker waker;
  for (const std::string host : {"127.0.0.1", "::1"}) {
    const auto fd = DialTcp(host, "1", {*RealClock(), Context(), waker});
    ASSERT_FALSE(fd);
    EXPECT_NE(fd.error().cause(), TransportCause::kResolve) << fd.error();
  }
  EXPECT_EQ(Threads(), before);
}

TEST(Dial, GivesUpALookupAtOnceAndLeavesAFewToFinishAlone) {
  const size_t before = Threads();
  const Waker waker;
  std::stop_source stop;
  stop.request_stop();
  const Context ctx(stop.get_token());
  for (size_t i = 0; i < 2 * kMaxLookupsLeftAlone; ++i) {
    const auto fd = DialTcp("no-such-host.invalid", "1", {*RealClock(), ctx, waker});
    ASSERT_FALSE(fd);
    if (fd.error().code() != Error::Code::kCanceled) {
      // How fast the resolver is decides which of the two comes.
      EXPECT_THAT(fd.error().message(),
                  testing::AnyOf(HasSubstr("too many earlier lookups hang"),
                                 HasSubstr("dial tcp: lookup no-such-host.invalid: ")));
    }
    EXPECT_LE(Threads(), before + kMaxLookupsLeftAlone);
  }
}

}  // namespace
}  // namespace k8s::http
