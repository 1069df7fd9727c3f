#include "k8s/http/reloading_tls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "k8s/base/log.h"
#include "k8s/http/metrics.h"
#include "k8s/http/socket_transport.h"
#include "k8s/http/stub_for_test.h"
#include "k8s/http/tls_server_for_test.h"

namespace k8s::http {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

struct Authority {
  TestCertificate ca = MakeCertificate("authority", "");
  TestCertificate Server() const { return MakeCertificate("server", "IP:127.0.0.1", &ca); }
  TestCertificate Client(const std::string& name) const {
    return MakeCertificate(name, "DNS:client", &ca);
  }
};

class ReloadingTlsTest : public testing::Test {
 protected:
  ReloadingTlsTest() {
    env.clock = clock;
    env.host = host;
    SetLogVerbosity(1);
    SetLogSink([this](int, std::string_view line) { log.append(line).append("\n"); });
    metrics::ReplaceForTest({.transport_ca_reloads =
                                 [this](const std::string& result, const std::string& reason) {
                                   reloads.push_back(result + " " + reason);
                                 },
                             .transport_cert_rotation_gc_calls = [this] { ++unwatched; }});
  }
  ~ReloadingTlsTest() override {
    SetLogSink({});
    SetLogVerbosity(0);
    metrics::ReplaceForTest({});
  }

  void Write(const TestCertificate& certificate) {
    host->files["crt"] = certificate.CertPem();
    host->files["key"] = certificate.KeyPem();
  }
  // With the client certificate and the roots that are in the files now.
  std::shared_ptr<RoundTripper> Transport() {
    TransportOptions options{.idle_timeout = 24h};
    options.tls.ca_data = host->files["ca"];
    options.tls_files.ca_file = "ca";
    if (host->files.contains("crt")) {
      options.tls.certificate = {host->files["crt"], host->files["key"]};
      options.tls_files.cert_file = "crt";
      options.tls_files.key_file = "key";
    }
    return NewSocketTransport(options, env).value();
  }
  static Result<Response> Begin(RoundTripper& transport, const TlsServer& server,
                                Headers headers = {}) {
    return transport.RoundTrip({.method = "GET",
                                .url = Url::Parse("https://" + server.Address()).value(),
                                .headers = std::move(headers)},
                               {});
  }
  static Result<std::string> Fetch(RoundTripper& transport, const TlsServer& server,
                                   Headers headers = {}) {
    auto response = Begin(transport, server, std::move(headers));
    if (!response) return response.error();
    return response->body->ReadAll();
  }
  static void WaitUntil(const std::function<bool()>& done) {
    while (!done()) ASSERT_TRUE(Sleep(*RealClock(), 1ms, {}));
  }

  std::shared_ptr<FakeClock> clock = std::make_shared<FakeClock>();
  std::shared_ptr<FakeHost> host = std::make_shared<FakeHost>();
  Env env;
  std::string log;
  std::vector<std::string> reloads;
  int unwatched = 0;
};

const Headers kClose = {{"Connection", "close"}};

TEST_F(ReloadingTlsTest, ClosesEveryConnectionWhenTheClientCertificateIsReplaced) {  // C-6.11
  const Authority authority;
  TlsServer server(
      {.certificate = authority.Server(), .client_ca = &authority.ca, .answers = [](int number) {
         return Answer(200, number == 1 ? std::string(3000000, 'x') : "hello");
       }});
  host->files["ca"] = authority.ca.CertPem();
  Write(authority.Client("first"));
  const auto transport = Transport();
  auto in_flight = Begin(*transport, server);
  ASSERT_TRUE(in_flight) << in_flight.error();
  ASSERT_TRUE(Fetch(*transport, server));  // idle afterwards
  ASSERT_TRUE(Sleep(*clock, 6min, {}));
  ASSERT_TRUE(Fetch(*transport, server));
  EXPECT_EQ(server.connections(), 2);
  EXPECT_EQ(server.ended(), 0);

  Write(authority.Client("second"));
  ASSERT_TRUE(Sleep(*clock, 5min + 1s, {}));
  WaitUntil([&] { return server.ended() == 2; });
  EXPECT_FALSE(in_flight->body->ReadAll());
  EXPECT_EQ(Fetch(*transport, server).value(), "hello");
  ASSERT_EQ(server.seen().size(), 3u);
  EXPECT_EQ(server.seen()[1].client, "first");
  EXPECT_EQ(server.seen()[2].client, "second");
  EXPECT_FALSE(server.seen()[2].resumed);  // a session goes on under the name it began with
  EXPECT_THAT(log, HasSubstr("certificate rotation detected, shutting down client connections"));
}

TEST_F(ReloadingTlsTest, LooksAtTheCertificateOfAHandshakeAtMostOnceASecond) {  // section 6.4
  const Authority authority;
  TlsServer server({.certificate = authority.Server(), .client_ca = &authority.ca});
  host->files["ca"] = authority.ca.CertPem();
  Write(authority.Client("first"));
  const auto transport = Transport();
  const auto client = [&] {
    EXPECT_TRUE(Fetch(*transport, server, kClose));
    return server.seen().back().client;
  };
  EXPECT_EQ(client(), "first");
  Write(authority.Client("second"));
  clock->Step(900ms);
  EXPECT_EQ(client(), "first");
  clock->Step(100ms);
  EXPECT_EQ(client(), "second");
}

TEST_F(ReloadingTlsTest, KeepsACertificateThatCannotBeReplaced) {  // section 6.4
  const Authority authority;
  TlsServer server({.certificate = authority.Server(), .client_ca = &authority.ca});
  host->files["ca"] = authority.ca.CertPem();
  const TestCertificate first = authority.Client("first");
  Write(first);
  auto transport = Transport();
  ASSERT_TRUE(Fetch(*transport, server));
  const TestCertificate other = authority.Client("other");
  const std::vector<std::pair<std::string, std::string>> bad = {
      {"", ""}, {"no PEM", first.KeyPem()}, {first.CertPem(), other.KeyPem()}};
  for (const auto& [certificate, key] : bad) {
    host->files["crt"] = certificate;
    host->files["key"] = key;
    log.clear();
    ASSERT_TRUE(Sleep(*clock, 5min + 1s, {}));
    EXPECT_EQ(Fetch(*transport, server).value(), "hello");
    EXPECT_THAT(log, HasSubstr("the client certificate in crt was not loaded again: "));
    EXPECT_THAT(log, Not(HasSubstr("BEGIN")));
  }
  host->files.erase("crt");
  clock->Step(2s);
  EXPECT_EQ(Fetch(*transport, server, kClose).value(), "hello");
  EXPECT_EQ(Fetch(*transport, server, kClose).value(), "hello");
  EXPECT_THAT(log, HasSubstr("open crt: no such file or directory"));
  EXPECT_EQ(server.seen().back().client, "first");
  EXPECT_EQ(unwatched, 0);
  transport.reset();
  EXPECT_EQ(unwatched, 1);
}

TEST_F(ReloadingTlsTest, TrustsNewRootsFiveMinutesAfterTheLastLook) {  // C-6.12
  const Authority old_authority, new_authority;
  TlsServer before(
      {.certificate = old_authority.Server(), .answer = Answer(200, std::string(3000000, 'x'))});
  TlsServer after({.certificate = new_authority.Server()});
  host->files["ca"] = old_authority.ca.CertPem();
  const auto transport = Transport();
  auto in_flight = Begin(*transport, before);
  ASSERT_TRUE(in_flight) << in_flight.error();

  host->files["ca"] = new_authority.ca.CertPem();
  clock->Step(5min - 1ns);
  EXPECT_THAT(Fetch(*transport, after).error().message(), HasSubstr("unknown authority"));
  clock->Step(1ns);
  EXPECT_EQ(Fetch(*transport, after).value(), "hello");
  // What is in flight goes on, but its connection is not used again.
  EXPECT_EQ(in_flight->body->ReadAll().value().size(), 3000000u);
  EXPECT_THAT(Fetch(*transport, before).error().message(), HasSubstr("unknown authority"));

  for (const char* bad : {"", "no PEM"}) {
    host->files["ca"] = bad;
    clock->Step(5min);
    EXPECT_EQ(Fetch(*transport, after, kClose).value(), "hello");
  }
  host->files.erase("ca");
  clock->Step(5min);
  EXPECT_EQ(Fetch(*transport, after, kClose).value(), "hello");
  host->files["ca"] = new_authority.ca.CertPem();
  clock->Step(5min);
  EXPECT_EQ(Fetch(*transport, after, kClose).value(), "hello");
  EXPECT_THAT(reloads, ElementsAre("success updated", "failure empty", "failure ca_parse_error",
                                   "failure read_error", "success unchanged"));
  EXPECT_THAT(log, HasSubstr("the root certificates in ca were not loaded again: "));
}

TEST_F(ReloadingTlsTest, TrustsNobodyWhileTheFileOfRootsIsEmpty) {  // section 6.4
  const Authority authority;
  TlsServer server({.certificate = authority.Server()});
  host->files["ca"] = "";
  const auto transport = Transport();
  EXPECT_THAT(Fetch(*transport, server).error().message(), HasSubstr("unknown authority"));
  host->files["ca"] = authority.ca.CertPem();
  clock->Step(5min);
  EXPECT_EQ(Fetch(*transport, server).value(), "hello");
}

}  // namespace
}  // namespace k8s::http
