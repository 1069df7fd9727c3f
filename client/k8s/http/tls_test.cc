#include "k8s/http/tls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "k8s/http/socket_transport.h"
#include "k8s/http/tls_server_for_test.h"

namespace k8s::http {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

struct Authority {
  TestCertificate ca = MakeCertificate("authority", "");
  TestCertificate Server(const std::string& names = "DNS:localhost,IP:127.0.0.1") const {
    return MakeCertificate("server", names, &ca);
  }
};

Result<std::string> Fetch(RoundTripper& transport, const std::string& url, const Context& ctx = {},
                          bool close = false) {
  Request request{.method = "GET", .url = Url::Parse(url).value()};
  if (close) request.headers.Set("Connection", "close");
  auto response = transport.RoundTrip(request, ctx);
  if (!response) return response.error();
  return response->body->ReadAll();
}

Result<std::string> FetchOnce(TlsOptions tls, const std::string& url) {
  return Fetch(*NewSocketTransport({.tls = std::move(tls)}).value(), url);
}

TEST(Tls, TrustsTheGivenAuthorityForNamesAndAddresses) {
  const Authority authority;
  TlsServer server({.certificate = authority.Server()});
  const TlsOptions tls{.ca_data = authority.ca.CertPem()};
  EXPECT_EQ(FetchOnce(tls, "https://localhost" + server.Port()).value(), "hello");
  EXPECT_EQ(FetchOnce(tls, "https://127.0.0.1" + server.Port()).value(), "hello");
  EXPECT_EQ(server.seen()[0].server_name, "localhost");
  EXPECT_EQ(server.seen()[1].server_name, "");  // addresses are not sent as names
}

TEST(Tls, KeepsConnectionsAlive) {
  const Authority authority;
  TlsServer server({.certificate = authority.Server()});
  const auto transport = NewSocketTransport({.tls = {.ca_data = authority.ca.CertPem()}}).value();
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(Fetch(*transport, "https://" + server.Address()).value(), "hello");
  }
  EXPECT_EQ(server.connections(), 1);
}

TEST(Tls, CarriesBigBodies) {
  const Authority authority;
  const std::string body(3000000, 'x');
  TlsServer server({.certificate = authority.Server(), .answer = Answer(200, body)});
  EXPECT_TRUE(
      FetchOnce({.ca_data = authority.ca.CertPem()}, "https://" + server.Address()).value() ==
      body);
}

TEST(Tls, RefusesAnUnknownAuthorityAtOnce) {  // C-4.17, C-6.8
  const Authority authority;
  const Authority other;
  TlsServer server({.certificate = authority.Server()});
  const auto refused = FetchOnce({.ca_data = other.ca.CertPem()}, "https://" + server.Address());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().cause(), TransportCause::kTls);
  EXPECT_EQ(refused.error().message(),
            "tls: failed to verify certificate: x509: certificate signed by unknown authority");
  EXPECT_EQ(server.connections(), 1);
}

TEST(Tls, RefusesAnotherName) {
  const Authority authority;
  TlsServer server({.certificate = authority.Server("DNS:foo,DNS:bar")});
  const TlsOptions tls{.ca_data = authority.ca.CertPem()};
  EXPECT_EQ(FetchOnce(tls, "https://localhost" + server.Port()).error().message(),
            "tls: failed to verify certificate: x509: certificate is valid for foo, bar, not "
            "localhost");
  EXPECT_THAT(FetchOnce(tls, "https://" + server.Address()).error().message(),
              HasSubstr("certificate is valid for foo, bar, not 127.0.0.1"));
}

TEST(Tls, NeverLooksAtTheCommonName) {
  const Authority authority;
  TlsServer server({.certificate = MakeCertificate("localhost", "DNS:foo", &authority.ca)});
  EXPECT_FALSE(FetchOnce({.ca_data = authority.ca.CertPem()}, "https://localhost" + server.Port()));
}

TEST(Tls, RefusesWhatHasExpired) {
  const Authority authority;
  TlsServer server(
      {.certificate = MakeCertificate("s", "IP:127.0.0.1", &authority.ca, -7200, -3600)});
  EXPECT_EQ(FetchOnce({.ca_data = authority.ca.CertPem()}, "https://" + server.Address())
                .error()
                .message(),
            "tls: failed to verify certificate: x509: certificate has expired or is not yet valid");
}

TEST(Tls, UsesTheGivenServerName) {  // C-6.7
  const Authority authority;
  TlsServer server({.certificate = authority.Server("DNS:foo")});
  EXPECT_TRUE(FetchOnce({.server_name = "foo", .ca_data = authority.ca.CertPem()},
                        "https://" + server.Address()));
  EXPECT_EQ(server.seen()[0].server_name, "foo");
}

TEST(Tls, VerifiesNothingWhenInsecure) {  // C-1.1
  const Authority authority;
  TlsServer server({.certificate = authority.Server("DNS:foo")});
  EXPECT_TRUE(FetchOnce({.insecure = true}, "https://" + server.Address()));
}

TEST(Tls, SaysThatThePeerSpeaksPlainHttp) {
  RawServer server([](int fd, int) {
    char buffer[1024];
    static_cast<void>(!::recv(fd, buffer, sizeof buffer, 0));
    RawServer::Write(fd, "HTTP/1.1 400 Bad Request\r\n\r\n");
  });
  const auto refused = FetchOnce({.insecure = true}, "https://" + server.Address());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message(), "http: server gave HTTP response to HTTPS client");
  EXPECT_EQ(refused.error().cause(), TransportCause::kTls);
}

TEST(Tls, SaysThatThePeerSpeaksTlsWhenHttpWasExpected) {
  RawServer server([](int fd, int) {
    RawServer::ReadRequest(fd);
    RawServer::Write(fd, std::string_view("\x15\x03\x01\x00\x02\x02\x16", 7));
  });
  const auto refused = FetchOnce({}, "http://" + server.Address());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().cause(), TransportCause::kProtocol) << refused.error();
  EXPECT_THAT(refused.error().message(), HasSubstr("malformed HTTP response"));
}

TEST(Tls, RefusesVersionsBelowOnePointTwo) {  // C-6.6
  const Authority authority;
  TlsServer server({.certificate = authority.Server(), .max_version = TLS1_1_VERSION});
  const auto refused = FetchOnce({.insecure = true}, "https://" + server.Address());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().cause(), TransportCause::kTls) << refused.error();
  EXPECT_EQ(server.connections(), 1);
}

TEST(Tls, SaysThatAConnectionWasClosedInTheHandshake) {
  RawServer server([](int fd, int) {
    char buffer[1024];
    static_cast<void>(!::recv(fd, buffer, sizeof buffer, 0));
  });
  EXPECT_EQ(FetchOnce({.insecure = true}, "https://" + server.Address()).error().cause(),
            TransportCause::kEof);
}

TEST(Tls, LimitsTheHandshake) {
  RawServer server([](int fd, int) { RawServer::WaitForPeer(fd); });
  const auto transport =
      NewSocketTransport({.tls = {.insecure = true}, .tls_handshake_timeout = 30ms}).value();
  const auto late = Fetch(*transport, "https://" + server.Address());
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().cause(), TransportCause::kTimeout);
  EXPECT_EQ(late.error().message(), "net/http: TLS handshake timeout");
  const auto ended = Fetch(*NewSocketTransport({.tls = {.insecure = true}}).value(),
                           "https://" + server.Address(), Context().WithTimeout(30ms));
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().code(), Error::Code::kDeadlineExceeded);
}

TEST(Tls, PresentsItsCertificate) {
  const Authority authority;
  const TestCertificate client = MakeCertificate("somebody", "DNS:x", &authority.ca);
  TlsServer server({.certificate = authority.Server(), .client_ca = &authority.ca});
  const std::string url = "https://" + server.Address();
  EXPECT_TRUE(FetchOnce(
      {.ca_data = authority.ca.CertPem(), .certificate = {client.CertPem(), client.KeyPem()}},
      url));
  EXPECT_EQ(server.seen()[0].client, "somebody");
  const auto refused = FetchOnce({.ca_data = authority.ca.CertPem()}, url);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message(), "remote error: tls: certificate required");
}

TEST(Tls, ResumesSessions) {
  const Authority authority;
  TlsServer server({.certificate = authority.Server()});
  const auto transport = NewSocketTransport({.tls = {.ca_data = authority.ca.CertPem()}}).value();
  const std::string url = "https://" + server.Address();
  ASSERT_TRUE(Fetch(*transport, url, {}, true));
  ASSERT_TRUE(Fetch(*transport, url, {}, true));
  ASSERT_EQ(server.seen().size(), 2u);
  EXPECT_FALSE(server.seen()[0].resumed);
  EXPECT_TRUE(server.seen()[1].resumed);
}

TEST(Tls, RunsThroughATunnel) {
  const Authority authority;
  TlsServer server({.certificate = authority.Server("DNS:far.example")});
  std::string seen;
  RawServer proxy([&](int fd, int) {
    seen = RawServer::ReadRequest(fd);
    RawServer::Write(fd, "HTTP/1.1 200 Connection established\r\n\r\n");
    server.Serve(fd);
  });
  const auto transport =
      NewSocketTransport({.tls = {.ca_data = authority.ca.CertPem()},
                          .proxy = FixedProxy(Url::Parse("http://" + proxy.Address()).value())})
          .value();
  EXPECT_EQ(Fetch(*transport, "https://far.example/a").value(), "hello");
  EXPECT_THAT(seen, testing::StartsWith("CONNECT far.example:443 HTTP/1.1\r\n"));
}

TEST(TlsContext, SaysWhatIsWrongWithCertificates) {  // section 6.4
  const auto failure = [](const TlsOptions& options) {
    const auto context = TlsContext::New(options);
    return context ? "" : context.error().message();
  };
  const Authority authority;
  const TestCertificate other = MakeCertificate("other", "");
  const std::string key = other.KeyPem();
  EXPECT_EQ(failure({.ca_data = "x"}),
            "unable to load root certificates: unable to parse bytes as PEM block");
  EXPECT_EQ(failure({.ca_data = key}),
            "unable to load root certificates: no valid certificate authority data seen");
  EXPECT_THAT(
      failure({.ca_data = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"}),
      HasSubstr("unable to load root certificates: failed to parse certificate: "));
  EXPECT_EQ(failure({.ca_data = key + authority.ca.CertPem()}), "");
  EXPECT_EQ(failure({.certificate = {authority.ca.CertPem(), key}}),
            "tls: private key does not match public key");
  EXPECT_EQ(failure({.certificate = {authority.ca.CertPem(), "s3cret"}}),
            "tls: failed to find any PEM data in key input");
  EXPECT_EQ(failure({.certificate = {other.CertPem(), key}}), "");
}

}  // namespace
}  // namespace k8s::http
