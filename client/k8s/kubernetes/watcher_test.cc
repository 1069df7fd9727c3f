#include "k8s/kubernetes/watcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "k8s/api/corev1.h"
#include "k8s/base/fake_clock.h"
#include "k8s/base/strings.h"
#include "k8s/http/stub_for_test.h"
#include "k8s/kubernetes/clientset.h"

namespace k8s {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

// An event every 200 ms, for as long as anyone reads.
class Ticking final : public http::Body {
 public:
  Ticking(std::shared_ptr<Clock> clock, Context ctx)
      : clock_(std::move(clock)), ctx_(std::move(ctx)) {}
  Result<size_t> Read(std::string& out) override {
    if (auto slept = Sleep(*clock_, 200ms, ctx_); !slept) return slept.error();
    const std::string frame =
        Cat(R"({"type":"ADDED","object":{"kind":"Pod","apiVersion":"v1","metadata":{"name":"p)",
            std::to_string(++count_), "\"}}}\n");
    out += frame;
    return frame.size();
  }

 private:
  std::shared_ptr<Clock> clock_;
  Context ctx_;
  int count_ = 0;
};

struct TickingServer {
  std::shared_ptr<FakeClock> clock = std::make_shared<FakeClock>();
  std::shared_ptr<http::Stub> stub = std::make_shared<http::Stub>(clock);
  rest::Config config{
      .host = "http://server", .transport = stub, .qps = -1, .env = {.clock = clock}};

  TickingServer() {
    stub->Then([clock = clock](const http::Request&, const Context& ctx) -> Result<http::Response> {
      http::Response response{.status = 200, .headers = {{"Content-Type", "application/json"}}};
      response.body = std::make_unique<Ticking>(clock, ctx);
      return response;
    });
  }
  Result<Watcher<corev1::Pod>> Watch(const ListOptions& options = {}) const {
    return Clientset::NewForConfig(config)->CoreV1().Pods("n").Watch(options);
  }
};

TEST(Watcher, GivesEventsUntilItIsStopped) {  // C-7.9
  const TickingServer server;
  auto watch = server.Watch();
  ASSERT_TRUE(watch) << watch.error();
  std::vector<std::string> names;
  for (const auto& [type, pod] : *watch) {
    names.push_back(pod.metadata.name);
    if (names.size() == 2) watch->Stop();
  }
  EXPECT_THAT(names, ElementsAre("p1", "p2"));
  EXPECT_EQ(server.clock->Slept(), 400ms);
}

TEST(Watcher, ConfigTimeoutEndsIt) {  // C-7.13
  TickingServer server;
  server.config.timeout = 1s;
  auto watch = server.Watch();
  ASSERT_TRUE(watch) << watch.error();
  int events = 0;
  while (watch->Next()) ++events;
  EXPECT_GE(events, 4);
  EXPECT_LE(events, 5);
  EXPECT_EQ(server.clock->Slept(), 1s);
}

TEST(Watcher, TimeoutSecondsDoesNotEndIt) {  // C-7.22
  const TickingServer server;
  auto watch = server.Watch({.timeoutSeconds = 1});
  ASSERT_TRUE(watch) << watch.error();
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(watch->Next());
  EXPECT_EQ(server.clock->Slept(), 4s);
}

}  // namespace
}  // namespace k8s
