#include "k8s/clientcmd/kubeconfig.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "k8s/base/log.h"
#include "k8s/base/strings.h"
#include "k8s/clientcmd/client_config.h"
#include "k8s/http/stub_for_test.h"
#include "k8s/machinery/json.h"
#include "k8s/rest/transport_for.h"

namespace k8s::clientcmd {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

class Kubeconfigs : public testing::Test {
 protected:
  Kubeconfigs() {
    env.host = host;
    SetLogSink([](int, std::string_view) {});
  }
  ~Kubeconfigs() override { SetLogSink({}); }

  // A file with one cluster, user and context, all named a.
  static std::string File(const std::string& cluster, const std::string& user,
                          const std::string& more = "current-context: a\n") {
    return "clusters:\n- {name: a, cluster: {" + cluster + "}}\nusers:\n- {name: a, user: {" +
           user + "}}\ncontexts:\n- {name: a, context: {cluster: a, user: a}}\n" + more;
  }
  Result<rest::Config> Explicit(const std::string& text, ConfigOverrides overrides = {}) {
    host->files["/d/config"] = text;
    LoadingRules rules;
    rules.explicit_path = "/d/config";
    rules.env = env;
    return DeferredLoadingClientConfig(rules, std::move(overrides)).ClientConfig();
  }
  std::string Failure(const std::string& text, ConfigOverrides overrides = {}) {
    const auto config = Explicit(text, std::move(overrides));
    return config ? "" : config.error().message();
  }
  Result<rest::Config> FromEnvironment(const std::string& list) {
    host->variables["KUBECONFIG"] = list;
    return DeferredLoadingClientConfig(DefaultLoadingRules(env), {}).ClientConfig();
  }

  std::shared_ptr<http::FakeHost> host = std::make_shared<http::FakeHost>();
  Env env;
};

TEST_F(Kubeconfigs, MergeByFirstFile) {  // C-2.1, C-2.2
  host->files["/a"] = "users:\n- {name: u, user: {token: ta}}\n";
  host->files["/b"] =
      "users:\n- {name: u, user: {token: tb, as: x}}\nclusters:\n- {name: k, cluster: {server: "
      "'https://h'}}\ncontexts:\n- {name: c, context: {cluster: k, user: u}}\n- {name: d, context: "
      "{cluster: k}}\ncurrent-context: c\n";
  const auto config = FromEnvironment("/a:/b");
  ASSERT_TRUE(config) << config.error();
  EXPECT_EQ(config->bearer_token, "ta");
  EXPECT_EQ(config->impersonate.user_name, "");
  host->files["/a"] += "current-context: d\n";
  EXPECT_EQ(FromEnvironment("/a:/b")->bearer_token, "");
}

TEST_F(Kubeconfigs, ResolvePathsFromTheirFile) {  // C-2.3, C-2.4
  host->files["/x/y/ca"] = "";
  host->files["/x/y/config"] =
      File("server: 'https://h', certificate-authority: ca",
           "exec: {apiVersion: v, command: ./plug, interactiveMode: Never}");
  auto config = FromEnvironment("/x/y/config");
  ASSERT_TRUE(config) << config.error();
  EXPECT_EQ(config->tls.ca_file, "/x/y/ca");
  EXPECT_EQ(config->exec_provider->command, "/x/y/plug");
  config = Explicit(
      File("server: 'https://h'", "exec: {apiVersion: v, command: plug, interactiveMode: Never}"));
  EXPECT_EQ(config->exec_provider->command, "plug");
}

TEST_F(Kubeconfigs, SkipMissingFilesUnlessExplicit) {  // C-2.5
  host->files["/b"] = File("server: 'https://h'", "");
  EXPECT_EQ(FromEnvironment("/none:/b:")->host, "https://h");
  LoadingRules rules{.explicit_path = "/none", .env = env};
  EXPECT_EQ(rules.Load().error().message(), "stat /none: no such file or directory");
}

TEST_F(Kubeconfigs, NameTheFileThatIsBroken) {  // C-2.6
  host->files["/a"] = "a: [";
  host->files["/b"] = File("server: 'https://h'", "");
  EXPECT_THAT(FromEnvironment("/a:/b").error().message(),
              HasSubstr("error loading config file \"/a\": yaml: line "));
}

TEST_F(Kubeconfigs, IgnoreUnknownFieldsAndMindCase) {  // C-2.7
  EXPECT_EQ(Failure(File("Server: 'https://h', colour: red", "")),
            "invalid configuration: no server found for cluster \"a\" (see /d/config line 2)");
}

TEST_F(Kubeconfigs, RefuseDuplicateNames) {  // C-2.8
  EXPECT_THAT(Failure("clusters:\n- {name: x, cluster: {}}\n- {name: x, cluster: {}}\n"),
              HasSubstr("duplicate name \"x\" in list"));
}

TEST_F(Kubeconfigs, SayWhichFieldIsWrongButNotItsValue) {
  const std::string failure = Failure(File("server: 'https://h'", "token: 12345"));
  EXPECT_THAT(failure,
              HasSubstr("\"/d/config\": line 4: users[0].user.token: cannot unmarshal number"));
  EXPECT_THAT(failure, Not(HasSubstr("12345")));
}

TEST_F(Kubeconfigs, SayWhichNameDoesNotExist) {  // C-2.9
  const std::string file = File("server: 'https://h'", "");
  EXPECT_EQ(Failure(file, {.current_context = "nope"}), "context \"nope\" does not exist");
  EXPECT_THAT(Failure(File("server: 'https://h'", "", "current-context: nope\n")),
              HasSubstr("context was not found for specified context: nope"));
}

TEST_F(Kubeconfigs, RefuseContradictions) {  // C-2.10, C-2.15, C-2.27, C-2.30
  host->files["/d/ca"] = "";
  EXPECT_EQ(
      Failure(File("server: s, certificate-authority: ca, certificate-authority-data: Y2E=", "")),
      "invalid configuration: certificate-authority-data and certificate-authority are both "
      "specified for a. certificate-authority-data will override. (see /d/config line 2)");
  EXPECT_THAT(Failure(File("server: s, proxy-url: 'ftp://x'", "")),
              HasSubstr("unsupported scheme \"ftp\""));
  for (const char* scheme : {"socks5", "http", "https"}) {
    EXPECT_EQ(Failure(File("server: s, proxy-url: '" + std::string(scheme) + "://x'", "")), "");
  }
  EXPECT_EQ(Failure(File("server: s", "as-groups: [g]")),
            "invalid configuration: requesting uid, groups or user-extra for a without "
            "impersonating a user (see /d/config line 4)");
  const std::string version = "apiVersion: client.authentication.k8s.io/";
  EXPECT_THAT(Failure(File("server: s", "exec: {command: c, " + version + "v1}")),
              HasSubstr("interactiveMode must be specified for a"));
  EXPECT_EQ(Failure(File("server: s", "exec: {command: c, " + version + "v1beta1}")), "");
}

TEST_F(Kubeconfigs, TellPluginsOfTheirCluster) {  // section 2.6
  const auto config = Explicit(
      File("server: 'https://h', extensions: [{name: client.authentication.k8s.io/exec, "
           "extension: {audience: x}}]",
           "exec: {apiVersion: client.authentication.k8s.io/v1, command: c, interactiveMode: "
           "Never, installHint: \"get\\tit \\e[31m\\x9b\"}"));
  ASSERT_TRUE(config) << config.error();
  EXPECT_EQ(ToJson(config->exec_provider->config), "{\"audience\":\"x\"}");
  // A hint cannot command the terminal that it is printed on.
  EXPECT_EQ(config->exec_provider->install_hint, "get\tit U+001B[31mU+009B");
}

TEST_F(Kubeconfigs, RefuseAMisconfiguredAllowlist) {  // section 2.4
  ConfigOverrides overrides;
  overrides.auth_info.exec = rest::ExecConfig{.command = "c",
                                              .api_version = "client.authentication.k8s.io/v1",
                                              .interactive_mode = "Never",
                                              .plugin_policy = {.type = "Allowlist"}};
  EXPECT_EQ(Failure(File("server: 'https://h'", ""), overrides),
            "invalid configuration: allowlist misconfiguration: credential plugin policy set to "
            "\"Allowlist\", but allowlist is unspecified (see /d/config line 4)");
}

TEST_F(Kubeconfigs, SayWhenThereIsNothing) {  // C-2.11, C-2.18, C-2.19
  EXPECT_EQ(Failure(""),
            "invalid configuration: no configuration has been provided, try setting "
            "KUBERNETES_MASTER environment variable");
  host->files["/b"] = File("server: 'https://h'", "");
  host->variables["KUBECONFIG"] = "/b";
  const auto nothing = BuildConfigFromFlags("", "", env);
  ASSERT_FALSE(nothing);
  EXPECT_TRUE(IsEmptyConfig(nothing.error()));
  EXPECT_EQ(BuildConfigFromFlags("http://h:1", "", env)->host, "http://h:1");
}

TEST_F(Kubeconfigs, KeepCredentialsFromPlainHttp) {  // C-2.12
  EXPECT_EQ(Explicit(File("server: 'http://h'", "token: t"))->bearer_token, "");
  EXPECT_EQ(Explicit(File("server: 'https://h'", "token: t"))->bearer_token, "t");
}

TEST_F(Kubeconfigs, LetOverridesReplaceWhatBelongsTogether) {  // C-2.13, C-2.14
  const std::string file =
      File("server: 'https://h', tls-server-name: name, certificate-authority-data: Y2E=", "");
  auto config = Explicit(file, {.cluster_info = {.server = "https://o"}});
  ASSERT_TRUE(config) << config.error();
  EXPECT_EQ(config->host, "https://o");
  EXPECT_EQ(config->tls.server_name, "");
  config = Explicit(file, {.cluster_info = {.insecure_skip_tls_verify = true}});
  EXPECT_TRUE(config->tls.insecure);
  EXPECT_EQ(config->tls.ca_data, "");
  EXPECT_EQ(config->tls.server_name, "name");
  EXPECT_TRUE(rest::TransportFor(*config));
}

TEST_F(Kubeconfigs, SendTheTokenOfTheFile) {  // C-2.17
  host->files["/d/tok"] = " from-file\n";
  auto config = Explicit(File("server: 'https://h'", "token: t, tokenFile: tok"));
  ASSERT_TRUE(config) << config.error();
  const auto stub = std::make_shared<http::Stub>();
  stub->Status(200);
  config->transport = stub;
  const http::Request request{.method = "GET", .url = http::Url::Parse("https://h").value()};
  ASSERT_TRUE(rest::TransportFor(*config).value()->RoundTrip(request, {}));
  EXPECT_EQ(stub->requests[0].headers.Get("Authorization"), "Bearer from-file");
}

TEST_F(Kubeconfigs, ReadTimeouts) {  // C-2.31
  EXPECT_EQ(ParseTimeout("7").value(), Duration(7s));
  EXPECT_EQ(ParseTimeout("1m").value(), Duration(60s));
  EXPECT_EQ(ParseTimeout("1m30s").value(), Duration(90s));
  EXPECT_EQ(ParseTimeout("300ms").value(), Duration(300ms));
  EXPECT_FALSE(ParseTimeout("x"));
  EXPECT_FALSE(ParseTimeout("-7"));
  EXPECT_FALSE(Explicit(File("server: s", ""), {.timeout = "x"}));
}

TEST_F(Kubeconfigs, ChooseANamespace) {  // C-2.32
  host->files["/d/config"] = File("server: s", "");
  const auto name = [&](ConfigOverrides overrides) {
    LoadingRules rules{.explicit_path = "/d/config", .env = env};
    return DeferredLoadingClientConfig(rules, std::move(overrides)).Namespace()->name;
  };
  EXPECT_EQ(name({}), "default");
  EXPECT_EQ(name({.context = {.namespace_ = "o"}}), "o");
  host->files["/d/config"] =
      "clusters: [{name: a, cluster: {server: s}}]\ncontexts: [{name: a, context: {cluster: a, "
      "namespace: team}}]\ncurrent-context: a\n";
  EXPECT_EQ(name({}), "team");
  EXPECT_EQ(NamespaceFromFlag("NS/a"), "a");
  EXPECT_EQ(NamespaceFromFlag("namespaces/a"), "a");
  EXPECT_EQ(NamespaceFromFlag("a"), "a");
}

TEST_F(Kubeconfigs, FallBackToThePod) {  // section 2.5
  const std::string account = "/var/run/secrets/kubernetes.io/serviceaccount/";
  host->variables = {{"KUBERNETES_SERVICE_HOST", "10.0.0.1"}, {"KUBERNETES_SERVICE_PORT", "443"}};
  host->files = {{account + "token", "pod"}, {account + "namespace", " mine\n"}};
  const DeferredLoadingClientConfig config(DefaultLoadingRules(env),
                                           {.auth_info = {.token = "flag"}});
  EXPECT_EQ(config.ClientConfig()->host, "https://10.0.0.1:443");
  EXPECT_EQ(config.ClientConfig()->bearer_token, "flag");
  EXPECT_EQ(config.Namespace()->name, "mine");
  host->variables["POD_NAMESPACE"] = "pod-ns";
  EXPECT_EQ(config.Namespace()->name, "pod-ns");
  EXPECT_EQ(BuildConfigFromFlags("", "", env)->bearer_token, "pod");
}

TEST_F(Kubeconfigs, AreWrittenAndReadBack) {
  Kubeconfig config =
      Load(File("server: 'https://h', certificate-authority-data: Y2E=",
                "token: '12345', as: x, as-user-extra: {k: [v]}, exec: {command: c, "
                "apiVersion: v, env: [{name: A, value: 'on'}]}"))
          .value();
  ASSERT_TRUE(WriteToFile(config, "/d/out", env));
  EXPECT_EQ(host->last_mode, 0600);
  const auto again = LoadFromFile("/d/out", env);
  ASSERT_TRUE(again) << again.error() << host->files["/d/out"];
  EXPECT_EQ(Write(*again), Write(config));
  EXPECT_EQ(again->auth_infos.at("a").token, "12345");
  EXPECT_EQ(again->auth_infos.at("a").exec->env[0].value, "on");
  EXPECT_EQ(again->clusters.at("a").certificate_authority_data, "ca");
  EXPECT_EQ(again->clusters.at("a").location_of_origin, "/d/out");
}

TEST_F(Kubeconfigs, AreMinifiedAndFlattened) {
  host->files["/d/ca"] = "roots";
  host->files["/d/config"] = File("server: s, certificate-authority: ca", "") +
                             "extensions: [{name: e, extension: {x: 1}}]\n";
  auto config = LoadFromFile("/d/config", env).value();
  config.clusters["other"] = {};
  ASSERT_TRUE(MinifyConfig(config));
  EXPECT_EQ(config.clusters.size(), 1u);
  ASSERT_TRUE(FlattenConfig(config, env));
  EXPECT_EQ(config.clusters.at("a").certificate_authority_data, "roots");
  EXPECT_EQ(config.clusters.at("a").certificate_authority, "");
  config.current_context = "none";
  EXPECT_FALSE(MinifyConfig(config));
}

TEST_F(Kubeconfigs, AreValidatedAsAWhole) {
  const Kubeconfig config =
      Load("contexts: [{name: c, context: {cluster: k, user: u, namespace: A_b}}]\n").value();
  const auto wrong = Validate(config, env);
  ASSERT_FALSE(wrong);
  EXPECT_THAT(wrong.error().message(), HasSubstr("user \"u\" was not found for context \"c\""));
  EXPECT_THAT(wrong.error().message(), HasSubstr("cluster \"k\" was not found for context \"c\""));
  EXPECT_THAT(wrong.error().message(), HasSubstr("DNS_LABEL"));
}

// What client-go made of the same files, recorded.
class RecordedCase : public testing::TestWithParam<Value> {};

constexpr const char* kFolder = "/DIR";

std::string Replace(std::string text, std::string_view from, std::string_view to) {
  for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
  return text;
}

std::vector<Value> RecordedCases() {
  const auto host = RealHost();
  const std::string path = host->GetEnv("K8S_KUBECONFIG_TESTDATA")
                               .value_or(std::string(K8S_SOURCE_DIR) +
                                         "/../shared/data/client-go-kubeconfig-v0.37.jsonl");
  const auto text = host->ReadFile(path);
  if (!text) return {Value()};
  std::vector<Value> cases;
  for (const std::string_view line : Split(*text, '\n')) {
    if (auto value = ParseJson(line)) cases.push_back(std::move(*value));
  }
  return cases;
}

std::string Text(const Value& value, std::string_view name) {
  return std::string(value.StringAt({name}));
}

ConfigOverrides OverridesOf(const Value& given) {
  ConfigOverrides over;
  over.current_context = Text(given, "context");
  over.context.cluster = Text(given, "cluster");
  over.context.auth_info = Text(given, "user");
  over.context.namespace_ = Text(given, "namespace");
  over.timeout = Text(given, "timeout");
  over.auth_info.token = Text(given, "token");
  over.auth_info.username = Text(given, "username");
  over.auth_info.password = Text(given, "password");
  over.auth_info.impersonate = Text(given, "as");
  over.cluster_info.server = Text(given, "server");
  over.cluster_info.insecure_skip_tls_verify = given.BoolAt({"insecureSkipTLSVerify"});
  return over;
}

void Put(Value& out, std::string_view name, const std::string& text) {
  if (!text.empty()) out.Set(name, Value(text));
}
void Put(Value& out, std::string_view name, const std::vector<std::string>& texts) {
  if (texts.empty()) return;
  for (const std::string& text : texts) out[name].Append(Value(text));
}

Value ExecToValue(const rest::ExecConfig& exec) {
  Value out = Value::MakeObject();
  out.Set("command", Value(exec.command));
  out.Set("args", Value());
  for (const std::string& argument : exec.args) out["args"].Append(Value(argument));
  out.Set("env", Value());
  for (const auto& [name, value] : exec.env) {
    out["env"].Append(Value::MakeObject({{"name", Value(name)}, {"value", Value(value)}}));
  }
  out.Set("apiVersion", Value(exec.api_version));
  Put(out, "installHint", exec.install_hint);
  out.Set("provideClusterInfo", Value(exec.provide_cluster_info));
  out.Set("interactiveMode", Value(exec.interactive_mode));
  return out;
}

// The config in the form of the recording.
Value ToRecord(const rest::Config& config) {
  Value out = Value::MakeObject();
  Put(out, "host", config.host);
  Put(out, "username", config.username);
  Put(out, "password", config.password);
  Put(out, "bearerToken", config.bearer_token);
  Put(out, "bearerTokenFile", config.bearer_token_file);
  Put(out, "impersonateUser", config.impersonate.user_name);
  Put(out, "impersonateUID", config.impersonate.uid);
  Put(out, "impersonateGroups", config.impersonate.groups);
  for (const auto& [key, values] : config.impersonate.extra) {
    Put(out["impersonateExtra"], key, values);
  }
  Put(out, "serverName", config.tls.server_name);
  Put(out, "caFile", config.tls.ca_file);
  Put(out, "certFile", config.tls.cert_file);
  Put(out, "keyFile", config.tls.key_file);
  Put(out, "caData", config.tls.ca_data);
  Put(out, "certData", config.tls.cert_data);
  Put(out, "keyData", config.tls.key_data);
  if (config.tls.insecure) out.Set("insecure", Value(true));
  if (config.disable_compression) out.Set("disableCompression", Value(true));
  if (config.timeout > 0s) {
    out.Set("timeout", Value(std::to_string(config.timeout / 1s) + "s"));
  }
  if (config.proxy) {
    out.Set("proxy", Value((*config.proxy(http::Url{}).value()).String()));
  }
  if (config.exec_provider) out.Set("exec", ExecToValue(*config.exec_provider));
  return out;
}

TEST_P(RecordedCase, EndsAsInClientGo) {
  const Value& given = GetParam();
  if (given.is_null()) GTEST_SKIP() << "client-go-kubeconfig-v0.37.jsonl is not there";
  SetLogSink([](int, std::string_view) {});
  const auto host = std::make_shared<http::FakeHost>();
  Env env;
  env.host = host;
  const auto in_folder = [](std::string_view name) {
    return std::string(kFolder) + "/" + std::string(name);
  };
  for (const char* name : {"ca.crt", "pki/ca.crt", "c.crt", "c.key"}) {
    host->files[in_folder(name)] = "x";
  }
  host->files[in_folder("tok")] = "file-token";
  if (const Value* files = given.Find("files")) {
    for (const auto& [name, text] : files->object()) host->files[in_folder(name)] = text.string();
  }
  std::string list;
  if (const std::string names = Text(given, "KUBECONFIG"); !names.empty()) {
    for (const std::string_view name : Split(names, ':')) {
      list += (list.empty() ? "" : ":") + in_folder(name);
    }
  }
  host->variables["KUBECONFIG"] = list;
  const std::string explicit_name = Text(given, "explicit");
  LoadingRules rules = DefaultLoadingRules(env);
  if (!explicit_name.empty()) rules.explicit_path = in_folder(explicit_name);
  static const Value kNone;
  const Value* overrides = given.Find("overrides");
  const DeferredLoadingClientConfig deferred(rules, OverridesOf(overrides ? *overrides : kNone));
  const auto config = given.BoolAt({"buildConfigFromFlags"})
                          ? BuildConfigFromFlags(Text(given, "masterUrl"), rules.explicit_path, env)
                          : deferred.ClientConfig();
  SetLogSink({});

  const std::string wanted = Replace(Text(given, "error"), "DIR/", "/DIR/");
  if (wanted.empty()) {
    ASSERT_TRUE(config) << config.error();
    const Value* result = given.Find("result");
    ASSERT_NE(result, nullptr);
    const auto mine = ParseJson(Replace(ToJson(ToRecord(*config)), "/DIR/", "DIR/")).value();
    EXPECT_TRUE(mine == *result) << ToJson(mine) << "\n" << ToJson(*result);
  } else {
    ASSERT_FALSE(config) << ToJson(ToRecord(*config));
    // What Go's own decoders say of a file is said in our words, with the field.
    const size_t place = wanted.find("\": ");
    const bool in_file = wanted.starts_with("error loading config file");
    EXPECT_THAT(config.error().message(),
                HasSubstr(in_file ? wanted.substr(0, place + 3) : wanted));
  }
  if (given.Find("namespace") != nullptr) {
    const auto choice = deferred.Namespace();
    ASSERT_TRUE(choice) << choice.error();
    EXPECT_EQ(choice->name, Text(given, "namespace"));
    EXPECT_EQ(choice->overridden, given.BoolAt({"namespaceOverridden"}));
  }
}

INSTANTIATE_TEST_SUITE_P(Kubeconfig, RecordedCase, testing::ValuesIn(RecordedCases()),
                         [](const auto& info) {
                           std::string name = Text(info.param, "name");
                           for (char& c : name) {
                             if (c == '-' || c == '.') c = '_';
                           }
                           return name.empty() ? std::string("missing") : name;
                         });

}  // namespace
}  // namespace k8s::clientcmd
