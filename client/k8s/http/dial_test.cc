#include "k8s/http/dial.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "k8s/base/env.h"
#include "k8s/base/thread.h"

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
  // A name server that does not answer is not to make this test long.
  ::setenv("RES_OPTIONS", "timeout:1 attempts:1", 1);
  // A sanitizer starts a thread of its own beside the first one.
  Thread(RealClock(), "first", [](const std::stop_token&) {}).Join();
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
  // The tests after this one may look up names too.
  const TimePoint until = RealClock()->Now() + std::chrono::minutes(1);
  while (Threads() > before && RealClock()->Now() < until)
    static_cast<void>(Sleep(*RealClock(), std::chrono::milliseconds(1), Context()));
  EXPECT_EQ(Threads(), before);
  // Who looks up a name next joins them, so that no sanitizer sees threads that nobody wanted back.
  EXPECT_FALSE(DialTcp("localhost", "1", {*RealClock(), Context(), waker}));
  ::unsetenv("RES_OPTIONS");
}

}  // namespace
}  // namespace k8s::http
