// A call ends soon after its deadline, or after its context was cancelled from another thread,
// wherever its peer hangs. Over sockets and in real time, since that is what is promised.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "k8s/http/raw_server_for_test.h"
#include "k8s/http/socket_transport.h"

namespace k8s::http {
namespace {

using namespace std::chrono_literals;

constexpr Duration kPatience = 30ms;
// What is promised beyond the end of the context.
constexpr Duration kGrace = 50ms;
// A machine that is busy with something else may miss the promise now and then.
constexpr int kTries = 10;
constexpr size_t kLargeBody = size_t{64} << 20;

struct Phase {
  const char* name;
  const char* scheme;
  bool proxied;
  bool large_body;
  const char* answer;  // what comes before the silence
};

class HangingPeer : public testing::TestWithParam<Phase> {
 protected:
  HangingPeer()
      : server_([](int fd, int) {
          if (!GetParam().large_body && *GetParam().answer != '\0') {
            RawServer::ReadRequest(fd);
            RawServer::Write(fd, GetParam().answer);
          }
          // Until the test is over: the server shuts its sockets down then.
          pollfd polled{fd, 0, 0};
          ::poll(&polled, 1, -1);
        }) {
    TransportOptions options;
    options.proxy = [this](const Url&) -> Result<std::optional<Url>> {
      if (!GetParam().proxied) return std::nullopt;
      return std::optional(Url::Parse("http://" + server_.Address()).value());
    };
    options.tls.insecure = true;
    transport_ = NewSocketTransport(std::move(options)).value();
  }

  Result<std::string> Call(const Context& ctx) {
    Request request{.method = GetParam().large_body ? "POST" : "GET"};
    request.url = Url::Parse(std::string(GetParam().scheme) + "://" +
                             (GetParam().proxied ? "10.1.2.3:443" : server_.Address()))
                      .value();
    // Made once: its memory comes and goes outside what is measured.
    static const auto large = std::make_shared<const std::string>(kLargeBody, 'x');
    if (GetParam().large_body) request.body = large;
    auto response = transport_->RoundTrip(request, ctx);
    if (!response) return response.error();
    return response->body->ReadAll();
  }

  RawServer server_;
  std::shared_ptr<RoundTripper> transport_;
};

TEST_P(HangingPeer, IsLeftAtTheDeadline) {
  Duration best = Duration::max();
  for (int i = 0; i < kTries && best > kPatience + kGrace; ++i) {
    const TimePoint start = RealClock()->Now();
    const auto late = Call(Context().WithTimeout(kPatience));
    best = std::min(best, RealClock()->Now() - start);
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().code(), Error::Code::kDeadlineExceeded) << late.error();
  }
  EXPECT_LE(best, kPatience + kGrace);
  EXPECT_GE(best, kPatience);
}

TEST_P(HangingPeer, IsLeftWhenAnotherThreadCancels) {
  Duration best = Duration::max();
  for (int i = 0; i < kTries && best > kGrace; ++i) {
    std::stop_source source;
    TimePoint cancelled{};
    const Thread other(RealClock(), "canceller", [&](std::stop_token) {
      static_cast<void>(Sleep(*RealClock(), kPatience, {}).has_value());
      cancelled = RealClock()->Now();
      source.request_stop();
    });
    const auto stopped = Call(Context(source.get_token()));
    best = std::min(best, RealClock()->Now() - cancelled);
    ASSERT_FALSE(stopped);
    EXPECT_EQ(stopped.error().code(), Error::Code::kCanceled) << stopped.error();
  }
  EXPECT_LE(best, kGrace);
}

INSTANTIATE_TEST_SUITE_P(
    Phases, HangingPeer,
    testing::Values(
        Phase{"Proxy", "https", true, false, ""}, Phase{"TlsHandshake", "https", false, false, ""},
        Phase{"RequestBody", "http", false, true, ""}, Phase{"Headers", "http", false, false, ""},
        Phase{"InTheHeaders", "http", false, false, "HTTP/1.1 200 OK\r\nA: b"},
        Phase{"Body", "http", false, false, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc"},
        Phase{"BetweenChunks", "http", false, false,
              "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"}),
    [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace k8s::http
