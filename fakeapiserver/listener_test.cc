#include "fakeapiserver/listener.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fakeapiserver/http2_client_for_test.h"
#include "fakeapiserver/scratch_folder_for_test.h"
#include "fakeapiserver/server.h"
#include "k8s/base/strings.h"
#include "k8s/http/dial.h"
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

// A client of HTTP/2 on a socket, through TLS.
class Http2Socket {
 public:
  explicit Http2Socket(int port) {
    const int fd = http::DialTcp("127.0.0.1", std::to_string(port), waiting_).value();
    auto tls = http::TlsContext::New({.insecure = true, .next_protos = {"h2"}}).value();
    stream_ = tls->Handshake(http::NewSocketStream(fd), "127.0.0.1", "", waiting_).value();
  }
  int32_t Get(std::string path) { return client_.Send("GET", std::move(path)); }
  // Sends and receives until that is so, or the connection has ended.
  template <class Done>
  void Until(Done done) {
    std::string buffer(10'000, '\0');
    while (!done() && end_.empty()) {
      size_t written = 0;
      ASSERT_TRUE(http::WriteAll(*stream_, client_.Output(), {}, waiting_, written));
      const auto count = http::ReadSome(*stream_, buffer.data(), buffer.size(), waiting_);
      if (!count || *count == 0) {
        end_ = count ? "FIN" : count.error().message();
      } else {
        ASSERT_TRUE(client_.Receive(std::string_view(buffer).substr(0, *count)));
      }
    }
  }
  const Http2ClientForTest::Answer& answer(int32_t stream) { return client_.answer(stream); }
  const std::string& end() const { return end_; }

 private:
  const std::shared_ptr<Clock> clock_ = RealClock();
  const Context none_;
  const http::Waker waker_;
  const http::Waiting waiting_{*clock_, none_, waker_, clock_->Now() + std::chrono::seconds(20)};
  std::unique_ptr<http::ByteStream> stream_;
  Http2ClientForTest client_;
  std::string end_;
};

TEST(TlsListener, SpeaksHttp2WithWhoeverWantsIt) {
  TlsFixture f;
  Http2Socket socket(f.server.port());
  const int32_t watch = socket.Get(Cat(kMaps, "?watch=1")), live = socket.Get("/livez");
  socket.Until([&] { return socket.answer(live).ended && !socket.answer(watch).status.empty(); });
  EXPECT_EQ(socket.answer(live).body, "ok");
  ASSERT_TRUE(f.server.Seed(ConfigMap("first", "")));
  socket.Until([&] { return socket.answer(watch).body.ends_with("\n"); });
  EXPECT_THAT(socket.answer(watch).body, HasSubstr(R"("name":"first")"));
  EXPECT_EQ(f.server.connections(), 1u);
}

TEST(TlsListener, AFaultResetsAConnectionOfHttp2) {
  TlsFixture f;
  f.server.faults().OnEvery("configmaps").Reset();
  Http2Socket socket(f.server.port());
  const int32_t live = socket.Get("/livez"), list = socket.Get(std::string(kMaps));
  socket.Until([] { return false; });
  EXPECT_EQ(socket.answer(list).status, "");
  EXPECT_EQ(socket.answer(live).body, "");  // it had to wait, and was lost
  EXPECT_THAT(socket.end(), HasSubstr("connection reset by peer"));
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
