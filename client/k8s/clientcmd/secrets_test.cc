#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "k8s/base/base64.h"
#include "k8s/base/log.h"
#include "k8s/base/strings.h"
#include "k8s/clientcmd/client_config.h"
#include "k8s/http/stub_for_test.h"
#include "k8s/http/tls_server_for_test.h"
#include "k8s/machinery/json.h"
#include "k8s/rest/processes_for_test.h"
#include "k8s/rest/request.h"
#include "k8s/rest/transport_for.h"

namespace k8s::clientcmd {
namespace {

using namespace std::chrono_literals;

// Every credential in turn goes through calls that succeed and calls that fail, with the most
// talkative log; afterwards nothing that was said or written may hold a secret.
class Secrets : public testing::Test {
 protected:
  Secrets() {
    env.host = host;
    env.processes = processes;
    SetLogVerbosity(10);
    SetLogSink([this](int, std::string_view line) {
      std::lock_guard lock(mutex);
      said.emplace_back(line);
    });
  }
  ~Secrets() override {
    SetLogSink({});
    SetLogVerbosity(0);
  }

  std::string Secret(const std::string& text) {
    secrets.push_back(text);
    return text;
  }
  // A certificate whose key is a secret, line by line.
  http::TestCertificate Certificate(const std::string& name) {
    auto made = http::MakeCertificate(name, "DNS:client", &ca);
    const std::string pem = made.KeyPem();
    for (const std::string_view line : Split(pem, '\n')) {
      if (!line.empty() && !line.starts_with('-')) Secret(std::string(line));
    }
    return made;
  }
  void Say(const Error& error) {
    std::ostringstream out;
    out << error;
    said.push_back(error.message());
    said.push_back(out.str());
    if (error.status() != nullptr) said.push_back(error.status()->message);
  }

  // A kubeconfig whose user has these fields.
  std::string File(const std::string& server, const std::string& user,
                   const std::string& roots) const {
    return "clusters:\n- name: a\n  cluster: {server: '" + server +
           "', certificate-authority-data: " + EncodeBase64(roots) +
           "}\nusers:\n- name: a\n  user: " + user +
           "\ncontexts:\n- {name: a, context: {cluster: a, user: a}}\ncurrent-context: a\n";
  }
  Result<rest::Config> Load(const std::string& text) {
    host->files["/config"] = text;
    auto config = BuildConfigFromFlags("", "/config", env);
    if (!config) Say(config.error());
    return config;
  }

  // All kinds of calls as that user.
  void Drive(const std::string& user) {
    const auto before = host->files;
    http::TlsServer server({.certificate = http::MakeCertificate("server", "IP:127.0.0.1", &ca),
                            .answers = [](int number) {
                              constexpr int kStatus[] = {200, 401, 403, 500, 302, 200};
                              const int status = kStatus[(number - 1) % 6];
                              return http::Answer(status, status == 200 ? "{}" : "no",
                                                  status == 302 ? "Location: /elsewhere\r\n" : "");
                            }});
    const std::string url = "https://" + server.Address();
    // Headers are logged in one form below 9 and in another from there on.
    for (const int verbosity : {8, 10}) {
      SetLogVerbosity(verbosity);
      Call(File(url, user, ca.CertPem()), 6);
    }
    Call(File(url, user, http::MakeCertificate("stranger", "").CertPem()), 1);
    Call(File("https://127.0.0.1:1", user, ca.CertPem()), 1);
    EXPECT_GE(server.requests().size(), 12u) << user;
    // Nothing was written but the config, and that by this test.
    auto after = host->files;
    after["/config"] = before.contains("/config") ? before.at("/config") : "";
    for (const auto& [path, content] : before) EXPECT_EQ(after[path], content);
    EXPECT_LE(after.size(), before.size() + 1);
  }
  void Call(const std::string& file, int times) {
    auto config = Load(file);
    if (!config) return;
    config->qps = -1;
    Say(*config);
    const auto client = rest::ClientFor(*config, {.api_path = "/api/v1", .version = "v1"});
    if (!client) return Say(client.error());
    for (int i = 0; i < times; ++i) {
      auto request = (*client)->Post();
      request.AbsPath({"x"}).Body(std::string("{}")).MaxRetries(1);
      if (const auto answer = request.Do(); !answer) Say(answer.error());
    }
    std::stop_source source;
    source.request_stop();
    auto request = (*client)->Get();
    if (const auto answer = request.AbsPath({"x"}).Do(Context(source.get_token())); !answer) {
      Say(answer.error());
    }
  }
  void Say(const rest::Config& config) {
    std::ostringstream out;
    out << config;
    said.push_back(out.str());
  }

  // The base64 of a text that holds the secret, wherever in it, holds one of these.
  static std::vector<std::string> Forms(const std::string& secret) {
    std::vector<std::string> forms = {secret};
    for (size_t skip = 0; skip < 3 && secret.size() > 8; ++skip) {
      const std::string_view middle = std::string_view(secret).substr(skip);
      forms.push_back(EncodeBase64(middle.substr(0, middle.size() / 3 * 3)));
    }
    return forms;
  }
  void ExpectSilence() {
    EXPECT_GT(said.size(), secrets.size());
    for (const std::string& secret : secrets) {
      for (const std::string& form : Forms(secret)) {
        for (const std::string& text : said) {
          EXPECT_EQ(text.find(form), std::string::npos) << secret << " is in: " << text;
        }
      }
    }
  }

  http::TestCertificate ca = http::MakeCertificate("authority", "");
  std::shared_ptr<http::FakeHost> host = std::make_shared<http::FakeHost>();
  std::shared_ptr<rest::FakeProcesses> processes = std::make_shared<rest::FakeProcesses>();
  Env env;
  std::mutex mutex;
  std::vector<std::string> said;
  std::vector<std::string> secrets;
};

constexpr const char* kExec =
    "{exec: {apiVersion: client.authentication.k8s.io/v1, command: plug, interactiveMode: Never, "
    "provideClusterInfo: true, env: [{name: PASSWORD, value: s3cret-of-the-plugin}]}}";

TEST_F(Secrets, AreInNoLogNoErrorAndNoFile) {
  Drive("{token: " + Secret("s3cret-token-in-the-file") + "}");
  host->files["/tok"] = Secret("s3cret-token-of-its-own");
  Drive("{tokenFile: /tok}");
  Drive("{username: somebody, password: " + Secret("s3cret-password") + "}");
  Secret(EncodeBase64("somebody:s3cret-password"));
  Drive("{token: " + Secret("s3cret-of-an-impersonator") +
        ", as: other, as-groups: [g], as-user-extra: {scopes: [x]}}");
  const auto client = Certificate("client");
  Drive("{client-certificate-data: " + EncodeBase64(client.CertPem()) +
        ", client-key-data: " + EncodeBase64(client.KeyPem()) + "}");
  host->files["/crt"] = client.CertPem();
  host->files["/key"] = client.KeyPem();
  Drive("{client-certificate: /crt, client-key: /key}");
  ExpectSilence();
}

TEST_F(Secrets, OfPluginsAreInNoLogNoErrorAndNoFile) {
  Secret("s3cret-of-the-plugin");
  processes->Print({rest::PrintedToken(Secret("s3cret-token-of-a-plugin")),
                    rest::PrintedToken(Secret("s3cret-token-after-the-refusal"))});
  Drive(kExec);
  const auto pair = Certificate("plugin");
  const auto printed = [&](const std::string& key) {
    return rest::PrintedCredential("\"clientCertificateData\":" + ToJson(Value(pair.CertPem())) +
                                   ",\"clientKeyData\":" + ToJson(Value(key)));
  };
  processes = std::make_shared<rest::FakeProcesses>();
  env.processes = processes;
  processes->Print({printed(pair.KeyPem()), printed(Certificate("another").KeyPem())});
  Drive(kExec);
  for (const std::string& output :
       {Secret("s3cret-in-plain-text"), "{\"token\": \"" + Secret("s3cret-in-broken-json"),
        "token: [" + Secret("s3cret-in-broken-yaml") + "\n  x: }",
        rest::PrintedToken(Secret("s3cret-with-a-line-end") + "\\n"),
        rest::PrintedCredential("\"token\":[\"" + Secret("s3cret-of-the-wrong-type") + "\"]")}) {
    processes = std::make_shared<rest::FakeProcesses>();
    env.processes = processes;
    processes->Print({output});
    Call(File("https://127.0.0.1:1", kExec, ca.CertPem()), 1);
  }
  ExpectSilence();
}

TEST_F(Secrets, OfBadFilesAreInNoError) {
  const std::string roots = ca.CertPem();
  const std::string https = "https://127.0.0.1:1";
  for (const std::string& user :
       {"{token: [" + Secret("s3cret-in-a-list") + "]}",
        "{token: {" + Secret("s3cret-in-a-map") + ": 1}}",
        "{token: '" + Secret("s3cret-without-an-end") + "}",
        "{token: " + Secret("s3cret-before-a-tab") + "\t}: }", "{password: &" + Secret("s3cret*"),
        "{client-key-data: '" + Secret("s3cret-no-base64!") + "'}",
        "{token: a, username: u, password: " + Secret("s3cret-one-too-many") + "}"}) {
    Call(File(https, user, roots), 1);
  }
  Call(File("https://me:" + Secret("s3cret-in-the-url") + "@127.0.0.1:1", "{token: t}", roots), 1);
  Call(File("https://me:s3cret-in-the-url@127.0.0.1:port", "{token: t}", roots), 1);
  Call(File("me:s3cret-in-the-url@h/x", "{}", roots), 1);
  for (const char* proxy :
       {"ftp://me:s3cret-of-the-proxy@h", "http://me:s3cret-of-the-proxy@h:port",
        "http://me:s3cret-of-the-proxy@127.0.0.1:1"}) {
    Secret("s3cret-of-the-proxy");
    std::string file = File(https, "{token: t}", roots);
    file.replace(file.find("{server"), 1, "{proxy-url: '" + std::string(proxy) + "', ");
    Call(file, 1);
  }
  ExpectSilence();
}

}  // namespace
}  // namespace k8s::clientcmd
