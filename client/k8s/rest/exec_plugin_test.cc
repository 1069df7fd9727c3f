#include "k8s/rest/exec_plugin.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "k8s/base/base64.h"
#include "k8s/base/log.h"
#include "k8s/base/strings.h"
#include "k8s/http/metrics.h"
#include "k8s/http/stub_for_test.h"
#include "k8s/http/tls_server_for_test.h"
#include "k8s/machinery/json.h"
#include "k8s/rest/processes_for_test.h"
#include "k8s/rest/transport_for.h"

namespace k8s::rest {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

http::Request Get(const std::string& url = "https://h/p") {
  return {.method = "GET", .url = http::Url::Parse(url).value()};
}

class ExecPluginTest : public testing::Test {
 protected:
  ExecPluginTest() {
    env.clock = clock;
    env.processes = processes;
    processes->Print({PrintedToken("t1")});
    stub->Status(200);
    SetLogSink([this](int, std::string_view line) { log.append(line).append("\n"); });
    http::metrics::ReplaceForTest(
        {.client_cert_expiry = [this](std::optional<WallTime> end) { expiry = end; },
         .client_cert_rotation_age = [this](Duration age) { ages.push_back(age); },
         .exec_plugin_calls =
             [this](int code, const std::string& status) {
               calls.push_back(Cat(std::to_string(code), " ", status));
             },
         .exec_plugin_policy_calls = [this](const std::string& s) { policy_calls.push_back(s); }});
  }
  ~ExecPluginTest() override {
    SetLogSink({});
    http::metrics::ReplaceForTest({});
  }

  Result<http::Response> Call(const Context& ctx = {}, const http::Request& request = Get()) {
    auto plugin = ExecPlugin::For(config, cluster, env);
    if (!plugin) return plugin.error();
    return (*plugin)->Authenticate()(stub)->RoundTrip(request, ctx);
  }
  std::string Failure(const Context& ctx = {}) {
    const auto response = Call(ctx);
    return response ? "" : response.error().message();
  }
  // The Authorization header of the next request.
  std::string Sent() {
    const auto response = Call();
    EXPECT_TRUE(response) << response.error();
    return std::string(stub->requests.back().headers.Get("Authorization"));
  }
  size_t Runs() const { return processes->commands.size(); }
  Value Info() const {
    return ParseJson(processes->commands.back().environment.back().second).value();
  }

  std::shared_ptr<FakeClock> clock = std::make_shared<FakeClock>();
  std::shared_ptr<FakeProcesses> processes = std::make_shared<FakeProcesses>();
  std::shared_ptr<http::Stub> stub = std::make_shared<http::Stub>();
  Env env;
  ExecConfig config{
      .command = "plug", .api_version = std::string(kExecV1), .interactive_mode = "Never"};
  std::optional<ExecCluster> cluster;
  std::string log;
  std::optional<WallTime> expiry;
  std::vector<Duration> ages;
  std::vector<std::string> calls, policy_calls;
};

TEST_F(ExecPluginTest, RunsOnceForManyRequests) {  // C-2.20
  for (int i = 0; i < 5; ++i) EXPECT_EQ(Sent(), "Bearer t1");
  EXPECT_EQ(Runs(), 1u);
  EXPECT_THAT(calls, ElementsAre("0 no_error"));
  EXPECT_THAT(policy_calls, ElementsAre("allowed"));
}

TEST_F(ExecPluginTest, RunsAgainOnceItsCredentialsHaveExpired) {  // C-2.20
  processes->Print({PrintedToken("t1", "2026-01-01T00:00:01Z"), PrintedToken("t2")});
  EXPECT_EQ(Sent(), "Bearer t1");
  clock->Step(1s);  // without leeway
  EXPECT_EQ(Sent(), "Bearer t1");
  clock->Step(1s);
  EXPECT_EQ(Sent(), "Bearer t2");
  clock->Step(1000h);
  EXPECT_EQ(Sent(), "Bearer t2");
}

TEST_F(ExecPluginTest, ReturnsARefusalAndUsesNewCredentialsAfterwards) {  // C-2.21
  processes->Print({PrintedToken("t1"), PrintedToken("t2")});
  stub = std::make_shared<http::Stub>();
  stub->Status(401, {}, "who are you").Status(200);
  auto refused = Call();
  ASSERT_TRUE(refused) << refused.error();
  EXPECT_EQ(refused->status, 401);
  EXPECT_EQ(refused->body->ReadAll().value(), "who are you");
  EXPECT_EQ(Runs(), 2u);
  EXPECT_EQ(stub->requests.size(), 1u);
  EXPECT_EQ(Sent(), "Bearer t2");
  EXPECT_EQ(Runs(), 2u);
}

TEST_F(ExecPluginTest, OnlyLogsThatARefreshFailed) {  // section 2.6
  processes->Print({PrintedToken("t1"), "garbage"});
  stub = std::make_shared<http::Stub>();
  stub->Status(401);
  EXPECT_EQ(Call()->status, 401);
  EXPECT_EQ(log, "refreshing credentials: decoding stdout: not an object\n");
  EXPECT_EQ(Sent(), "Bearer t1");
}

TEST_F(ExecPluginTest, RunsOnceForRequestsAtTheSameTime) {  // C-2.22
  // Virtual time passes when all ten wait: one for the program, the others for the one.
  processes->program = [&](const Command&, const Context& ctx) -> Result<Finished> {
    EXPECT_TRUE(Sleep(*clock, 1s, ctx));
    return Finished{0, PrintedToken("t1")};
  };
  const auto plugin = ExecPlugin::For(config, {}, env).value();
  std::mutex mutex;
  std::vector<std::string> sent;
  std::vector<Thread> threads;
  for (int i = 0; i < 10; ++i) {
    threads.emplace_back(clock, "request", [&](const std::stop_token&) {
      const auto own = std::make_shared<http::Stub>();
      own->Status(200);
      EXPECT_TRUE(plugin->Authenticate()(own)->RoundTrip(Get(), {}));
      std::lock_guard lock(mutex);
      sent.emplace_back(own->requests[0].headers.Get("Authorization"));
    });
  }
  for (Thread& thread : threads) thread.Join();
  EXPECT_EQ(sent, std::vector<std::string>(10, "Bearer t1"));
  EXPECT_EQ(Runs(), 1u);
}

TEST_F(ExecPluginTest, WantsTheVersionThatItWasConfiguredWith) {  // C-2.23
  processes->Print({PrintedCredential("\"token\":\"t\"", std::string(kExecV1beta1))});
  EXPECT_EQ(Failure(),
            "getting credentials: exec plugin is configured to use API version "
            "client.authentication.k8s.io/v1, plugin returned version "
            "client.authentication.k8s.io/v1beta1");
  EXPECT_THAT(stub->requests, IsEmpty());
  config.api_version = kExecV1beta1;
  config.interactive_mode = "";
  EXPECT_EQ(Sent(), "Bearer t");
}

TEST_F(ExecPluginTest, TellsTheProgramWhatItIsFor) {  // C-2.24
  config.args = {"get", "token"};
  config.env = {{"A", "b"}};
  Sent();
  const Command& command = processes->commands.back();
  EXPECT_EQ(command.path, "/bin/plug");
  EXPECT_THAT(command.args, ElementsAre("get", "token"));
  EXPECT_FALSE(command.inherits_stdin);
  EXPECT_THAT(command.environment,
              ElementsAre(std::pair<std::string, std::string>("A", "b"),
                          std::pair<std::string, std::string>(
                              "KUBERNETES_EXEC_INFO",
                              "{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication."
                              "k8s.io/v1\",\"spec\":{\"interactive\":false}}")));
}

TEST_F(ExecPluginTest, TellsTheProgramOfTheServerWhenItWants) {  // C-2.24
  const auto host = std::make_shared<http::FakeHost>();
  host->files["/ca"] = http::MakeCertificate("authority", "").CertPem();
  env.host = host;
  config.provide_cluster_info = true;
  config.config = ParseJson(R"({"audience":"x"})").value();
  Config whole{.host = "https://127.0.0.1:1",
               .exec_provider = config,
               .tls = {.server_name = "name", .ca_file = "/ca"},
               .disable_compression = true,
               .qps = -1,
               .proxy = http::FixedProxy(http::Url::Parse("http://u:p@127.0.0.1:2").value()),
               .env = env};
  EXPECT_FALSE(TransportFor(whole).value()->RoundTrip(Get("https://127.0.0.1:1/p"),
                                                      Context().WithTimeout(*clock, 1s)));
  const Value info = Info();
  ASSERT_NE(info.Find({"spec", "cluster"}), nullptr);
  EXPECT_EQ(ToJson(*info.Find({"spec", "cluster"})),
            "{\"server\":\"https://127.0.0.1:1\",\"tls-server-name\":\"name\","
            "\"certificate-authority-data\":\"" +
                EncodeBase64(host->files["/ca"]) +
                "\",\"proxy-url\":\"http://u:p@127.0.0.1:2\",\"disable-compression\":true,"
                "\"config\":{\"audience\":\"x\"}}");
}

TEST_F(ExecPluginTest, SaysHowTheProgramFailed) {  // C-2.25
  processes->program = [](const Command&, const Context&) -> Result<Finished> {
    return Finished{3, PrintedToken("t")};
  };
  EXPECT_EQ(Failure(), "getting credentials: exec: executable plug failed with exit code 3");
  EXPECT_THAT(stub->requests, IsEmpty());
  processes->program = [](const Command&, const Context&) -> Result<Finished> {
    return ConfigError("fork/exec /bin/plug: exec format error");
  };
  EXPECT_EQ(Failure(), "getting credentials: exec: fork/exec /bin/plug: exec format error");
  EXPECT_THAT(calls, ElementsAre("3 plugin_execution_error", "1 client_internal_error"));
}

TEST_F(ExecPluginTest, SaysThatThereIsNoProgram) {  // C-2.4, section 2.6
  processes->installed = {};
  config.install_hint = "get it at the shop";
  const std::string first = Failure();
  EXPECT_THAT(first, testing::StartsWith("getting credentials: exec: executable plug not found\n"));
  EXPECT_THAT(first, HasSubstr("client-go credential plugin that is not installed"));
  EXPECT_THAT(first, testing::EndsWith("\n\nget it at the shop"));
  for (int i = 1; i < kMaxInstallHints; ++i) EXPECT_EQ(Failure(), first);
  clock->Step(1h - 1ns);
  EXPECT_EQ(Failure(), "getting credentials: exec: executable plug not found");
  clock->Step(1ns);
  EXPECT_EQ(Failure(), first);
  EXPECT_EQ(Runs(), 0u);
  EXPECT_EQ(calls.back(), "1 plugin_not_found_error");
  config.command = "/opt/plug";
  processes->installed = {"/opt/plug"};
  EXPECT_EQ(Sent(), "Bearer t1");
  EXPECT_EQ(processes->commands.back().path, "/opt/plug");
}

TEST_F(ExecPluginTest, SaysWhatIsWrongWithTheOutput) {  // section 2.6
  const http::TestCertificate one = http::MakeCertificate("one", "");
  const auto pair = [](const std::string& certificate, const std::string& key) {
    return PrintedCredential("\"clientCertificateData\":" + ToJson(Value(certificate)) +
                             ",\"clientKeyData\":" + ToJson(Value(key)));
  };
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "decoding stdout: not an object"},
      {"{", "decoding stdout: neither JSON nor YAML"},
      {"{}", "decoding stdout: object 'Kind' is missing"},
      {PrintedCredential("", "client.authentication.k8s.io/v1alpha1"),
       "decoding stdout: no kind \"ExecCredential\" is registered for version "
       "\"client.authentication.k8s.io/v1alpha1\""},
      {R"({"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1"})",
       "exec plugin didn't return a status field"},
      {PrintedCredential(""), "exec plugin didn't return a token or cert/key pair"},
      {PrintedCredential("\"token\":7"), "decoding stdout: status.token is not a string"},
      {PrintedToken("t", "soon"),
       "decoding stdout: status.expirationTimestamp is not a time of RFC 3339"},
      {PrintedCredential("\"clientKeyData\":\"k\""),
       "exec plugin returned only certificate or key, not both"},
      {pair("c", "k"),
       "failed parsing client key/certificate: tls: failed to find any PEM data in certificate "
       "input"},
      {pair(one.CertPem(), http::MakeCertificate("two", "").KeyPem()),
       "failed parsing client key/certificate: tls: private key does not match public key"}};
  for (const auto& [output, text] : cases) {
    processes->Print({output});
    EXPECT_EQ(Failure(), "getting credentials: " + text);
  }
  EXPECT_THAT(stub->requests, IsEmpty());
  processes->Print(
      {"apiVersion: client.authentication.k8s.io/v1\nkind: ExecCredential\nstatus:\n"
       "  token: yaml\n  expirationTimestamp: null\n"});
  EXPECT_EQ(Sent(), "Bearer yaml");
}

TEST_F(ExecPluginTest, SharesAStandardInputThatIsATerminal) {  // section 2.6
  const std::string cannot = "getting credentials: exec plugin cannot support interactive mode: ";
  config.interactive_mode = "Always";
  EXPECT_EQ(Failure(), cannot + "standard input is not a terminal");
  processes->terminal = true;
  config.stdin_unavailable = true;
  EXPECT_EQ(Failure(), cannot + "standard input is unavailable");
  config.stdin_unavailable_message = "it is read already";
  EXPECT_EQ(Failure(), cannot + "standard input is unavailable: it is read already");
  config.interactive_mode = "IfAvailable";
  Sent();
  EXPECT_FALSE(processes->commands.back().inherits_stdin);
  config.stdin_unavailable = false;
  for (const char* mode : {"Always", "IfAvailable"}) {
    config.interactive_mode = mode;
    Sent();
    EXPECT_TRUE(processes->commands.back().inherits_stdin);
    EXPECT_TRUE(Info().BoolAt({"spec", "interactive"}));
  }
  config.interactive_mode = "Never";
  Sent();
  EXPECT_FALSE(processes->commands.back().inherits_stdin);
  config.interactive_mode = "";  // only v1beta1 has a default
  EXPECT_EQ(Failure(), cannot + "unknown interactiveMode: \"\"");
}

TEST_F(ExecPluginTest, RunsNothingThatThePolicyDenies) {  // C-2.33
  config.plugin_policy = {.type = "DenyAll"};
  EXPECT_EQ(Failure(),
            "getting credentials: plugin \"plug\" not allowed: policy set to \"DenyAll\"");
  EXPECT_EQ(Runs(), 0u);
  EXPECT_THAT(stub->requests, IsEmpty());
  EXPECT_THAT(policy_calls, ElementsAre("denied"));
  EXPECT_THAT(calls, IsEmpty());
}

TEST_F(ExecPluginTest, RunsWhatIsOnTheAllowlist) {  // section 2.6
  processes->installed = {"/bin/plug", "/bin/other", "/opt/plug"};
  const auto with = [&](const std::string& command, std::vector<std::string> allowed) {
    config.command = command;
    config.plugin_policy = {.type = "Allowlist", .allowlist = std::move(allowed)};
    return Failure();
  };
  EXPECT_EQ(with("plug", {"other", "plug"}), "");
  EXPECT_EQ(with("plug", {"/bin/plug"}), "");
  EXPECT_EQ(with("/bin/plug", {"plug"}), "");
  EXPECT_EQ(with("/opt/plug", {"/opt/plug"}), "");
  EXPECT_EQ(with("/opt/plug", {"plug", "missing"}),
            "getting credentials: plugin path \"/opt/plug\" is not permitted by the credential "
            "plugin allowlist");
  EXPECT_THAT(with("gone", {"plug"}),
              HasSubstr("plugin path \"gone\" cannot be resolved for credential plugin allowlist"));
  config.plugin_policy = {.type = "AllowAll"};
  config.command = "plug";
  EXPECT_EQ(Failure(), "");
}

TEST_F(ExecPluginTest, RefusesAPolicyThatMakesNoSense) {  // section 2.6
  const auto wrong = [](const std::string& type, std::optional<std::vector<std::string>> allowed) {
    const auto checked = CheckPluginPolicy({type, std::move(allowed)});
    return checked ? "" : checked.error().message();
  };
  EXPECT_EQ(wrong("", {}), "");
  EXPECT_EQ(wrong("Allowlist", {{"a", "/b/c", "../d"}}), "");
  EXPECT_EQ(wrong("some", {}), "unknown plugin policy: \"some\"");
  EXPECT_THAT(wrong("AllowAll", {{"a"}}), HasSubstr("\"AllowAll\" but allowlist is non-nil"));
  EXPECT_THAT(wrong("DenyAll", {std::vector<std::string>()}), HasSubstr("allowlist is non-nil"));
  EXPECT_THAT(wrong("Allowlist", {}), HasSubstr("allowlist is unspecified"));
  EXPECT_THAT(wrong("Allowlist", {std::vector<std::string>()}), HasSubstr("allowlist is empty"));
  EXPECT_THAT(wrong("Allowlist", {{"a", ""}}), HasSubstr("empty allowlist entry #2"));
  EXPECT_EQ(wrong("Allowlist", {{"/a/../b/"}}), "non-normalized file path: \"/a/../b/\" vs \"/b\"");
  config.plugin_policy = {.type = "some"};
  EXPECT_EQ(Failure(), "invalid plugin policy: unknown plugin policy: \"some\"");
}

TEST_F(ExecPluginTest, LeavesARequestAloneThatSaysWhoIsCalling) {  // section 2.6
  http::Request own = Get();
  own.headers.Set("Authorization", "X");
  ASSERT_TRUE(Call({}, own));
  EXPECT_EQ(stub->requests.back().headers.Get("Authorization"), "X");
  EXPECT_EQ(Runs(), 0u);
}

TEST_F(ExecPluginTest, IsSharedByEqualConfigs) {  // section 2.6
  const auto plugin = [&] { return ExecPlugin::For(config, cluster, env).value(); };
  const auto first = plugin();
  EXPECT_EQ(plugin(), first);
  cluster = ExecCluster{.server = "https://other"};
  EXPECT_NE(plugin(), first);
  cluster.reset();
  config.env = {{"A", "b"}};
  EXPECT_NE(plugin(), first);
  config.env.clear();
  EXPECT_EQ(plugin(), first);
  for (size_t i = 0; i < kMaxExecPlugins; ++i) {
    config.args = {std::to_string(i)};
    plugin();
  }
  config.args.clear();
  EXPECT_NE(plugin(), first);  // forgotten
  config.api_version = "client.authentication.k8s.io/v1alpha1";
  EXPECT_EQ(ExecPlugin::For(config, {}, env).error().message(),
            "exec plugin: invalid apiVersion \"client.authentication.k8s.io/v1alpha1\"");
}

TEST_F(ExecPluginTest, EndsWithTheContextOfTheCaller) {
  std::stop_source source;
  processes->program = [&](const Command&, const Context& ctx) -> Result<Finished> {
    source.request_stop();
    return ctx.Check(*clock).error();
  };
  const auto stopped = Call(Context(source.get_token()));
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code(), Error::Code::kCanceled);
  EXPECT_EQ(stopped.error().message(), "getting credentials: context canceled");
  processes->Print({PrintedToken("t1")});
  EXPECT_EQ(Sent(), "Bearer t1");
}

TEST_F(ExecPluginTest, LetsAWaitingRequestGiveUp) {
  processes->program = [&](const Command&, const Context& ctx) -> Result<Finished> {
    EXPECT_TRUE(Sleep(*clock, 1h, ctx));
    return Finished{0, PrintedToken("t1")};
  };
  const auto plugin = ExecPlugin::For(config, {}, env).value();
  const auto layer = plugin->Authenticate()(stub);
  Thread patient(clock, "patient",
                 [&](const std::stop_token&) { EXPECT_TRUE(layer->RoundTrip(Get(), {})); });
  while (!clock->HasWaiters()) ASSERT_TRUE(Sleep(*RealClock(), 1ms, {}));
  const auto late = layer->RoundTrip(Get(), Context().WithTimeout(*clock, 1s));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code(), Error::Code::kDeadlineExceeded);
  patient.Join();
  EXPECT_EQ(Runs(), 1u);
}

TEST_F(ExecPluginTest, ClosesConnectionsWhenItsCertificateChanges) {  // C-2.26
  const http::TestCertificate ca = http::MakeCertificate("authority", "");
  http::TlsServer server({.certificate = http::MakeCertificate("server", "IP:127.0.0.1", &ca),
                          .client_ca = &ca,
                          .answers = [](int number) {
                            return number == 2 ? http::Answer(401, "no") : http::Answer(200, "ok");
                          }});
  const auto printed = [&](const std::string& name) {
    const http::TestCertificate made = http::MakeCertificate(name, "DNS:client", &ca);
    return PrintedCredential("\"clientCertificateData\":" + ToJson(Value(made.CertPem())) +
                             ",\"clientKeyData\":" + ToJson(Value(made.KeyPem())));
  };
  processes->Print({printed("first"), printed("second")});
  env.clock = RealClock();
  const auto transport = TransportFor({.host = "https://" + server.Address(),
                                       .exec_provider = config,
                                       .tls = {.ca_data = ca.CertPem()},
                                       .qps = -1,
                                       .env = env})
                             .value();
  const auto status = [&] {
    auto response = transport->RoundTrip(Get("https://" + server.Address()), {});
    EXPECT_TRUE(response) << response.error();
    EXPECT_TRUE(response->body->ReadAll());
    return response->status;
  };
  EXPECT_EQ(status(), 200);
  EXPECT_TRUE(expiry && *expiry > RealClock()->WallNow());
  EXPECT_THAT(ages, IsEmpty());
  EXPECT_EQ(status(), 401);
  while (server.ended() < 1) ASSERT_TRUE(Sleep(*RealClock(), 1ms, {}));
  EXPECT_EQ(status(), 200);
  EXPECT_EQ(Runs(), 2u);
  ASSERT_EQ(server.seen().size(), 2u);
  EXPECT_EQ(server.seen()[0].client, "first");
  EXPECT_EQ(server.seen()[1].client, "second");
  EXPECT_EQ(ages.size(), 1u);
  EXPECT_THAT(server.requests()[0], Not(HasSubstr("Authorization")));
}

TEST_F(ExecPluginTest, KeepsConnectionsWhenItsTokenChanges) {  // section 2.6
  const http::TestCertificate ca = http::MakeCertificate("authority", "");
  http::TlsServer server({.certificate = http::MakeCertificate("server", "IP:127.0.0.1", &ca),
                          .answers = [](int number) {
                            return number == 1 ? http::Answer(401, "no") : http::Answer(200, "ok");
                          }});
  processes->Print({PrintedToken("t1"), PrintedToken("t2")});
  env.clock = RealClock();
  const auto transport = TransportFor({.host = "https://" + server.Address(),
                                       .exec_provider = config,
                                       .tls = {.ca_data = ca.CertPem()},
                                       .qps = -1,
                                       .env = env})
                             .value();
  for (int i = 0; i < 2; ++i) {
    auto response = transport->RoundTrip(Get("https://" + server.Address()), {});
    ASSERT_TRUE(response) << response.error();
    EXPECT_TRUE(response->body->ReadAll());
  }
  EXPECT_EQ(server.connections(), 1);
  EXPECT_THAT(server.requests()[1], HasSubstr("Authorization: Bearer t2\r\n"));
}

TEST_F(ExecPluginTest, RunsARealProgram) {
  env.processes = RealProcesses();
  config.command = "sh";
  config.env = {{"TOKEN", "from-the-environment"}};
  config.args = {
      "-c",
      "case $KUBERNETES_EXEC_INFO in *interactive*:false*) ;; *) exit 9;; esac\n"
      "printf '{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/"
      "v1\",\"status\":{\"token\":\"%s\"}}' \"$TOKEN\""};
  EXPECT_EQ(Sent(), "Bearer from-the-environment");
}

TEST_F(ExecPluginTest, IsSkippedWhenThereAreOtherCredentials) {  // section 2.6
  Config whole{.host = "h", .exec_provider = config, .transport = stub, .env = env};
  EXPECT_EQ(TransportFor(whole).error().message(),
            "using a custom transport with TLS certificate options or the insecure flag is not "
            "allowed");
  for (const auto& add : std::vector<std::function<void(Config&)>>{
           [](Config& c) { c.bearer_token = "own"; }, [](Config& c) { c.username = "me"; }}) {
    Config skipping = whole;
    add(skipping);
    ASSERT_TRUE(TransportFor(skipping).value()->RoundTrip(Get(), {}));
  }
  whole.transport = nullptr;
  whole.exec_provider->api_version = "nonsense";
  const http::TestCertificate one = http::MakeCertificate("one", "");
  whole.tls = {.cert_data = one.CertPem(), .key_data = one.KeyPem()};
  EXPECT_TRUE(TransportFor(whole));
  EXPECT_EQ(Runs(), 0u);
}

}  // namespace
}  // namespace k8s::rest
