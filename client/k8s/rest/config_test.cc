#include "k8s/rest/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "k8s/base/log.h"
#include "k8s/http/stub_for_test.h"
#include "k8s/rest/transport_for.h"

namespace k8s::rest {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

std::string ServerOf(const Config& config) {
  const auto url = DefaultServerURL(config);
  return url ? url->String() : url.error().message();
}

TEST(DefaultServerURL, CompletesHosts) {  // C-1.1 to C-1.4
  EXPECT_EQ(ServerOf({}), "http://localhost");
  EXPECT_EQ(ServerOf({.host = "localhost:8080"}), "http://localhost:8080");
  EXPECT_EQ(ServerOf({.host = "10.0.0.1:6443"}), "http://10.0.0.1:6443");
  EXPECT_EQ(ServerOf({.host = "[::1]:6443", .tls = {.insecure = true}}), "https://[::1]:6443");
  EXPECT_EQ(ServerOf({.host = "h", .tls = {.ca_data = "x"}}), "https://h");
  EXPECT_EQ(ServerOf({.host = "h", .tls = {.cert_file = "x"}}), "https://h");
  EXPECT_EQ(ServerOf({.host = "http://h:1/pre/fix/", .tls = {.insecure = true}}),
            "http://h:1/pre/fix");
  EXPECT_EQ(ServerOf({.host = "http://h:1?x=1#f"}), "http://h:1");
  EXPECT_EQ(ServerOf({.host = "h:1/x"}), "host must be a URL or a host:port pair: \"h:1/x\"");
  EXPECT_EQ(ServerOf({.host = "h/"}), "http://h");
}

TEST(DefaultServerURL, TellsWhetherItIsTls) {
  EXPECT_TRUE(IsConfigTransportTLS({.host = "https://h"}));
  EXPECT_FALSE(IsConfigTransportTLS({.host = "h"}));
  EXPECT_FALSE(IsConfigTransportTLS({.host = "h:1/x"}));
  EXPECT_EQ(DefaultVersionedApiPath("/apis", "apps", "v1"), "/apis/apps/v1");
  EXPECT_EQ(DefaultVersionedApiPath("/api", "", "v1"), "/api/v1");
}

TEST(UserAgent, HasItsForm) {  // C-1.14
  const auto host = std::make_shared<http::FakeHost>();
  Config config;
  config.env.host = host;
  EXPECT_THAT(DefaultKubernetesUserAgent(config.env),
              testing::MatchesRegex("prog/v0.0.0 \\([a-z0-9]+/[a-z0-9_]+\\) kubernetes/.+"));
  EXPECT_THAT(AddUserAgent(config, "leader-election").user_agent,
              testing::EndsWith("kubernetes/$Format/leader-election"));
  host->program = "";
  EXPECT_THAT(DefaultKubernetesUserAgent(config.env), testing::StartsWith("unknown/"));
}

TEST(Config, PrintsNoSecrets) {  // C-1.20
  std::ostringstream out;
  out << Config{.host = "h",
                .password = "s3cret",
                .bearer_token = "s3cret",
                .tls = {.cert_data = "certs3cret", .key_data = "s3cret", .ca_data = "roots"}};
  EXPECT_THAT(out.str(), Not(HasSubstr("s3cret")));
  EXPECT_THAT(out.str(), HasSubstr("BearerToken:\"--- REDACTED ---\""));
  EXPECT_THAT(out.str(), HasSubstr("CertData:\"--- TRUNCATED ---\""));
  EXPECT_THAT(out.str(), HasSubstr("roots"));
}

TEST(RateLimiterFor, FollowsTheTable) {  // C-1.5 to C-1.10
  EXPECT_EQ(RateLimiterFor({})->Qps(), 5);
  EXPECT_EQ(RateLimiterFor({.qps = -1}), nullptr);
  EXPECT_EQ(RateLimiterFor({.qps = 7})->Qps(), 7);
  const auto own = http::NeverRateLimiter();
  EXPECT_EQ(RateLimiterFor({.qps = -1, .rate_limiter = own}), own);

  EXPECT_EQ(ConfigForClientset({})->rate_limiter, nullptr);
  EXPECT_NE(ConfigForClientset({.qps = 5, .burst = 10})->rate_limiter, nullptr);
  EXPECT_EQ(ConfigForClientset({.qps = 1}).error().message(),
            "burst is required to be greater than 0 when RateLimiter is not set and QPS is set to "
            "greater than 0");
  const auto limiter = RateLimiterFor({.qps = 1});
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(limiter->TryAccept());
  EXPECT_FALSE(limiter->TryAccept());
}

std::string FailureOf(const Config& config) {
  const auto transport = TransportFor(config);
  return transport ? "" : transport.error().message();
}

TEST(TransportFor, RefusesWhatDoesNotFit) {  // C-1.3, C-1.16, C-1.17, C-1.24
  EXPECT_THAT(FailureOf({.host = "h:1/x"}), HasSubstr("host must be a URL"));
  EXPECT_EQ(FailureOf({.username = "u", .bearer_token = "t"}),
            "username/password or bearer token may be set, but not both");
  EXPECT_EQ(FailureOf({.tls = {.insecure = true, .ca_data = "x"}}),
            "specifying a root certificates file with the insecure flag is not allowed");
  EXPECT_EQ(FailureOf({.tls = {.ca_data = "x"}}),
            "unable to load root certificates: unable to parse bytes as PEM block");
  EXPECT_THAT(FailureOf({.tls = {.ca_file = "/none/ca"}}), HasSubstr("open /none/ca: "));
  EXPECT_THAT(FailureOf({.tls = {.cert_data = "x", .key_data = "y"}}),
              HasSubstr("tls: failed to find any PEM data in certificate input"));
  EXPECT_EQ(FailureOf({.auth_provider = AuthProviderConfig{.name = "nope"}}),
            "no Auth Provider found for name \"nope\"");
  EXPECT_EQ(FailureOf({.auth_provider = AuthProviderConfig{}, .exec_provider = ExecConfig{}}),
            "execProvider and authProvider cannot be used in combination");
  EXPECT_EQ(FailureOf({.exec_provider = ExecConfig{.command = "aws"}}),
            "exec plugin: invalid apiVersion \"\"");
  EXPECT_EQ(FailureOf({.bearer_token = "t", .exec_provider = ExecConfig{.command = "aws"}}), "");
  const auto stub = std::make_shared<http::Stub>();
  EXPECT_EQ(FailureOf({.tls = {.cert_data = "x", .key_data = "y"}, .transport = stub}),
            "using a custom transport with TLS certificate options or the insecure flag is not "
            "allowed");
}

http::Request Get() { return {.method = "GET", .url = http::Url::Parse("http://h/p").value()}; }

TEST(TransportFor, PutsTheLayersAroundACustomTransport) {  // C-1.18, C-1.22, C-1.23
  const auto stub = std::make_shared<http::Stub>();
  stub->Status(503, {{"Retry-After", "0"}}).Status(200);
  int wrapped = 0;
  Config config{.bearer_token = "t", .user_agent = "agent", .transport = stub};
  config.wrap.push_back([&](std::shared_ptr<http::RoundTripper> next) {
    auto counting = std::make_shared<http::Stub>();
    counting->Then([&wrapped, next](const http::Request& request, const Context& ctx) {
      ++wrapped;
      return next->RoundTrip(request, ctx);
    });
    return counting;
  });
  ASSERT_TRUE(TransportFor(config).value()->RoundTrip(Get(), {}));
  EXPECT_EQ(wrapped, 2);
  EXPECT_EQ(stub->requests[1].headers.Values("Authorization"),
            std::vector<std::string_view>{"Bearer t"});  // C-6.1
  EXPECT_EQ(stub->requests[1].headers.Get("User-Agent"), "agent");

  Config anonymous = AnonymousClientConfig(config);
  EXPECT_EQ(anonymous.transport, nullptr);
  anonymous.transport = stub;
  ASSERT_TRUE(TransportFor(anonymous).value()->RoundTrip(Get(), {}));
  EXPECT_EQ(wrapped, 2);
  EXPECT_FALSE(stub->requests.back().headers.Has("Authorization"));
}

TEST(TransportFor, SharesSocketTransports) {  // C-6.9
  const Config one{.bearer_token = "a", .tls = {.insecure = true}};
  Config two = one;
  two.bearer_token = "b";
  const auto first = BaseTransportFor(one).value();
  EXPECT_EQ(first, BaseTransportFor(two).value());
  two.tls.server_name = "other";
  EXPECT_NE(first, BaseTransportFor(two).value());
  two = one;
  two.proxy = http::FixedProxy({});
  EXPECT_NE(BaseTransportFor(two).value(), BaseTransportFor(two).value());
}

TEST(InClusterConfig, NeedsItsVariables) {  // C-2.28
  const auto host = std::make_shared<http::FakeHost>();
  Env env;
  env.host = host;
  const auto failed = InClusterConfig(env);
  EXPECT_EQ(failed.error().message(),
            "unable to load in-cluster configuration, KUBERNETES_SERVICE_HOST and "
            "KUBERNETES_SERVICE_PORT must be defined");
  host->variables = {{"KUBERNETES_SERVICE_HOST", "fd00::1"}, {"KUBERNETES_SERVICE_PORT", "443"}};
  EXPECT_THAT(InClusterConfig(env).error().message(), HasSubstr("no such file"));
}

TEST(InClusterConfig, ReadsTheServiceAccount) {  // C-2.29
  const auto host = std::make_shared<http::FakeHost>();
  Env env;
  env.host = host;
  host->variables = {{"KUBERNETES_SERVICE_HOST", "fd00::1"}, {"KUBERNETES_SERVICE_PORT", "443"}};
  const std::string folder = "/var/run/secrets/kubernetes.io/serviceaccount/";
  host->files[folder + "token"] = "tok\n";
  SetLogSink([](int, std::string_view) {});
  const auto config = InClusterConfig(env);
  SetLogSink({});
  ASSERT_TRUE(config) << config.error();
  EXPECT_EQ(config->host, "https://[fd00::1]:443");
  EXPECT_EQ(config->bearer_token, "tok\n");
  EXPECT_EQ(config->bearer_token_file, folder + "token");
  EXPECT_EQ(config->tls.ca_file, "");
}

TEST(LoadTLSFiles, LetsDataWin) {
  const auto host = std::make_shared<http::FakeHost>();
  host->files = {{"ca", "1"}, {"crt", "2"}, {"key", "3"}};
  Config config{
      .tls = {.cert_file = "crt", .key_file = "key", .ca_file = "ca", .cert_data = "own"}};
  config.env.host = host;
  ASSERT_TRUE(LoadTLSFiles(config));
  EXPECT_EQ(config.tls.ca_data, "1");
  EXPECT_EQ(config.tls.cert_data, "own");
  EXPECT_EQ(config.tls.key_data, "3");
  config.tls.key_data.clear();
  config.tls.key_file = "none";
  EXPECT_FALSE(LoadTLSFiles(config));
}

}  // namespace
}  // namespace k8s::rest
