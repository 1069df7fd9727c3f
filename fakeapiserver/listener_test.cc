#include "fakeapiserver/listener.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fakeapiserver/scratch_folder_for_test.h"
#include "fakeapiserver/server.h"
#include "k8s/base/strings.h"
#include "k8s/http/socket_transport.h"
#include "k8s/http/tls_server_for_test.h"
#include "k8s/machinery/json.h"

namespace k8s::fakeapiserver {
namespace {

using http::MakeCertificate;
using http::TestCertificate;
using testing::HasSubstr;

constexpr std::string_view kMaps = "/api/v1/namespaces/default/configmaps";

Value ConfigMap(std::string_view name, std::string_view text) {
  return Value::MakeObject({{"apiVersion", "v1"},
                            {"kind", "ConfigMap"},
                            {"metadata", Value::MakeObject({{"name", name}})},
                            {"data", Value::MakeObject({{"text", text}})}});
}

// A server that speaks TLS, and the client library's transport, which trusts it.
struct TlsFixture {
  TestCertificate authority = MakeCertificate("authority", "");
  TestCertificate certificate = MakeCertificate("server", "IP:127.0.0.1", &authority);
  ScratchFolder folder;
  Server server;
  std::string address =
      server
          .Listen({.certificate_file = folder.Write("server.crt", certificate.CertPem()),
                   .key_file = folder.Write("server.key", certificate.KeyPem())})
          .value();
  std::shared_ptr<http::RoundTripper> transport =
      http::NewSocketTransport({.tls = {.ca_data = authority.CertPem()}}).value();

  Result<http::Response> Get(std::string_view target) {
    return transport->RoundTrip(
        {.method = "GET", .url = http::Url::Parse(Cat(address, target)).value()}, {});
  }
};

TEST(TlsListener, AnswersTheClientLibrary) {
  TlsFixture f;
  EXPECT_THAT(f.address, testing::StartsWith("https://127.0.0.1:"));
  // One connection serves again and again.
  for (int i = 0; i < 3; ++i) EXPECT_EQ(f.Get("/livez").value().body->ReadAll().value(), "ok");
  EXPECT_EQ(f.server.connections(), 1u);
}

TEST(TlsListener, SendsAListThatFillsEveryBuffer) {
  TlsFixture f;
  const std::string text(size_t{400} << 10, 'x');
  for (int i = 0; i < 20; ++i)
    ASSERT_TRUE(f.server.Seed(ConfigMap(Cat("map-", std::to_string(i)), text)));
  http::Request request{.method = "GET", .url = http::Url::Parse(Cat(f.address, kMaps)).value()};
  request.headers.Set("Accept-Encoding", "identity");  // 8 MB of x would be a few KB
  const auto body = f.transport->RoundTrip(request, {}).value().body->ReadAll();
  ASSERT_TRUE(body) << body.error().message();
  EXPECT_GT(body->size(), 20 * text.size());
  EXPECT_EQ(ParseJson(*body)->Find("items")->array().size(), 20u);
}

TEST(TlsListener, StreamsAWatch) {
  TlsFixture f;
  auto watch = f.Get(Cat(kMaps, "?watch=1")).value();
  const auto next = [&] {
    std::string line;
    while (line.find('\n') == std::string::npos && watch.body->Read(line)) {
    }
    return line;
  };
  for (std::string_view name : {"first", "second"}) {
    ASSERT_TRUE(f.server.Seed(ConfigMap(name, "")));
    EXPECT_THAT(next(), HasSubstr(Cat(R"("name":")", name, "\"")));
  }
}

TEST(TlsListener, SurvivesAClientThatHangsUpInTheMiddle) {
  TlsFixture f;
  const std::string text(size_t{900} << 10, 'x');
  for (int i = 0; i < 10; ++i)
    ASSERT_TRUE(f.server.Seed(ConfigMap(Cat("map-", std::to_string(i)), text)));
  for (int i = 0; i < 5; ++i) {
    auto answer = f.Get(kMaps).value();
    std::string some;
    EXPECT_TRUE(answer.body->Read(some));
  }
  EXPECT_EQ(f.Get("/livez").value().status, 200);
}

TEST(TlsListener, TellsAPlainClientThatItTookTheWrongScheme) {
  TlsFixture f;
  const auto answer = f.transport->RoundTrip(
      {.method = "GET",
       .url = http::Url::Parse(Cat("http", f.address.substr(5), "/livez")).value()},
      {});
  ASSERT_TRUE(answer) << answer.error().message();
  EXPECT_EQ(answer->status, 400);
  EXPECT_EQ(answer->body->ReadAll().value(), "Client sent an HTTP request to an HTTPS server.\n");
}

TEST(TlsListener, IsNotTrustedByAClientOfAnotherAuthority) {
  TlsFixture f;
  f.transport =
      http::NewSocketTransport({.tls = {.ca_data = MakeCertificate("other", "").CertPem()}})
          .value();
  const auto refused = f.Get("/livez");
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message(), HasSubstr("signed by unknown authority"));
}

std::string WhyNot(const ListenerOptions& options) {
  Server server;
  const auto address = server.Listen(options);
  return address ? *address : address.error().message();
}

TEST(TlsListener, SaysWhatIsWrongWithTheFiles) {
  const TestCertificate one = MakeCertificate("one", "DNS:one");
  ScratchFolder folder;
  const std::string certificate = folder.Write("one.crt", one.CertPem()),
                    key = folder.Write("one.key", one.KeyPem()),
                    other_key =
                        folder.Write("other.key", MakeCertificate("other", "DNS:other").KeyPem()),
                    missing = folder.path() + "/missing";
  EXPECT_EQ(WhyNot({.certificate_file = certificate}),
            Cat("certificate ", certificate, " needs a key file beside it"));
  EXPECT_EQ(WhyNot({.key_file = key}), Cat("key ", key, " needs a certificate file beside it"));
  EXPECT_EQ(WhyNot({.certificate_file = missing, .key_file = key}),
            Cat("open ", missing, ": no such file or directory"));
  EXPECT_EQ(WhyNot({.certificate_file = key, .key_file = key}),
            Cat("no usable PEM certificate in ", key));
  EXPECT_EQ(WhyNot({.certificate_file = certificate, .key_file = certificate}),
            Cat("no PEM key without a password in ", certificate));
  EXPECT_EQ(WhyNot({.certificate_file = certificate, .key_file = other_key}),
            Cat("key ", other_key, " does not belong to certificate ", certificate));
}

TEST(Listener, TakesAddressesAndNoNames) {
  EXPECT_EQ(WhyNot({.bind = "nonsense"}), "listen on nonsense:0: nonsense is not an IP address");
  // Of a network that no machine has.
  EXPECT_EQ(WhyNot({.bind = "192.0.2.1"}),
            "listen on 192.0.2.1:0: cannot assign requested address");
}

}  // namespace
}  // namespace k8s::fakeapiserver
