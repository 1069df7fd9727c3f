#include "k8s/rest/transport_for.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "k8s/http/metrics.h"
#include "k8s/http/stub_for_test.h"
#include "k8s/http/tls_server_for_test.h"

namespace k8s::rest {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

class TransportForTest : public testing::Test {
 protected:
  TransportForTest() {
    env.clock = clock;
    env.host = host;
    http::metrics::ReplaceForTest(
        {.transport_cache_entries = [this](int count) { entries.push_back(count); },
         .transport_create_calls = [this](const std::string& result) { made.push_back(result); },
         .transport_cache_gc_calls = [this](const std::string& r) { dropped.push_back(r); }});
  }
  ~TransportForTest() override { http::metrics::ReplaceForTest({}); }

  http::TestCertificate Issue(const std::string& name) const {
    return http::MakeCertificate(name, "DNS:" + name + ",IP:127.0.0.1", &ca);
  }
  Config ConfigFor(const http::TlsServer& server) const {
    return {.host = "https://" + server.Address(),
            .tls = {.ca_data = ca.CertPem()},
            .qps = -1,
            .env = env};
  }
  static std::string Fetch(const Config& config, http::RoundTripper& transport) {
    auto response =
        transport.RoundTrip({.method = "GET", .url = http::Url::Parse(config.host).value()}, {});
    if (!response) return response.error().message();
    return response->body->ReadAll().value();
  }
  static std::string Fetch(const Config& config) {
    return Fetch(config, *TransportFor(config).value());
  }

  http::TestCertificate ca = http::MakeCertificate("authority", "");
  std::shared_ptr<FakeClock> clock = std::make_shared<FakeClock>();
  std::shared_ptr<http::FakeHost> host = std::make_shared<http::FakeHost>();
  Env env;
  std::vector<int> entries;
  std::vector<std::string> made, dropped;
};

TEST_F(TransportForTest, SendsTheTokenOnceWithEachAttempt) {  // C-6.1
  http::TlsServer server({.certificate = Issue("server"), .answers = [](int number) {
                            return number < 3 ? http::Answer(503, "", "Retry-After: 1\r\n")
                                              : http::Answer(200, "hello");
                          }});
  Config config = ConfigFor(server);
  config.bearer_token = "t";
  EXPECT_EQ(Fetch(config), "hello");
  ASSERT_EQ(server.requests().size(), 3u);
  for (const std::string& request : server.requests()) {
    const size_t first = request.find("Authorization: Bearer t\r\n");
    ASSERT_NE(first, std::string::npos);
    EXPECT_EQ(request.find("Authorization", first + 1), std::string::npos);
  }
}

TEST_F(TransportForTest, SharesConnectionsOfEqualSettings) {  // C-6.9
  http::TlsServer server({.certificate = Issue("server")});
  Config one = ConfigFor(server), two = one;
  one.bearer_token = "a";
  two.bearer_token = "b";
  const auto first = TransportFor(one).value(), second = TransportFor(two).value();
  EXPECT_EQ(Fetch(one, *first), "hello");
  EXPECT_EQ(Fetch(two, *second), "hello");
  EXPECT_EQ(server.connections(), 1);
  two.tls.server_name = "server";
  EXPECT_EQ(Fetch(two), "hello");
  EXPECT_EQ(server.connections(), 2);
}

TEST_F(TransportForTest, CountsWhatItShares) {  // section 6.3
  Config config{.tls = {.insecure = true}, .env = env};
  auto first = BaseTransportFor(config).value();
  auto second = BaseTransportFor(config).value();
  config.proxy = http::FixedProxy({});
  ASSERT_TRUE(BaseTransportFor(config));
  EXPECT_THAT(made, ElementsAre("miss", "hit", "uncacheable"));
  first.reset();
  EXPECT_THAT(dropped, ElementsAre());
  second.reset();
  EXPECT_THAT(dropped, ElementsAre("deleted"));
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[1], entries[0] - 1);
}

TEST_F(TransportForTest, FollowsTheFilesOfAClientCertificate) {  // C-6.11
  http::TlsServer server({.certificate = Issue("server"), .client_ca = &ca});
  const auto write = [&](const http::TestCertificate& certificate) {
    host->files["/crt"] = certificate.CertPem();
    host->files["/key"] = certificate.KeyPem();
  };
  write(Issue("first"));
  Config config = ConfigFor(server);
  config.tls.cert_file = "/crt";
  config.tls.key_file = "/key";
  const auto transport = TransportFor(config).value();
  EXPECT_EQ(Fetch(config, *transport), "hello");
  write(Issue("second"));
  // By their paths they are the same client.
  EXPECT_EQ(BaseTransportFor(config).value(), BaseTransportFor(config).value());
  EXPECT_THAT(made, ElementsAre("miss", "hit", "hit"));
  ASSERT_TRUE(Sleep(*clock, 5min + 1s, {}));
  EXPECT_EQ(Fetch(config, *transport), "hello");
  EXPECT_EQ(server.seen().back().client, "second");
  // What is given as data stays.
  config.tls.cert_data = host->files["/crt"];
  config.tls.key_data = host->files["/key"];
  write(Issue("third"));
  ASSERT_TRUE(Sleep(*clock, 5min + 1s, {}));
  EXPECT_EQ(Fetch(config), "hello");
  EXPECT_EQ(server.seen().back().client, "second");
}

TEST_F(TransportForTest, FollowsTheFileOfTheRoots) {  // C-6.12
  http::TlsServer server({.certificate = Issue("server")});
  host->files["/ca"] = http::MakeCertificate("other", "").CertPem();
  Config config = ConfigFor(server);
  config.tls = {.ca_file = "/ca"};
  const auto transport = TransportFor(config).value();
  EXPECT_THAT(Fetch(config, *transport), HasSubstr("unknown authority"));
  host->files["/ca"] = ca.CertPem();
  clock->Step(5min);
  EXPECT_EQ(Fetch(config, *transport), "hello");
}

}  // namespace
}  // namespace k8s::rest
