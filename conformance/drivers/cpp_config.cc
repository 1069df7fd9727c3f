#include "conformance/drivers/cpp_config.h"

#include <algorithm>

#include "conformance/drivers/cpp_results.h"
#include "k8s/base/strings.h"
#include "k8s/clientcmd/client_config.h"

namespace k8s::conformance {
namespace {

// The environment of the process, with the case's variables over it.
class CaseHost final : public Host {
 public:
  CaseHost(std::shared_ptr<Host> below, const Value* variables) : below_(std::move(below)) {
    if (variables != nullptr && variables->is_object()) variables_ = *variables;
  }
  std::optional<std::string> GetEnv(const std::string& name) const override {
    if (const Value* own = variables_.Find(name)) return own->string();
    return below_->GetEnv(name);
  }
  Result<std::string> ReadFile(const std::string& path) const override {
    return below_->ReadFile(path);
  }
  Result<void> WriteFile(const std::string& path, std::string_view content,
                         int mode) const override {
    return below_->WriteFile(path, content, mode);
  }
  bool Exists(const std::string& path) const override { return below_->Exists(path); }
  bool IsDirectory(const std::string& path) const override { return below_->IsDirectory(path); }
  Result<std::vector<std::string>> ListDirectory(const std::string& path) const override {
    return below_->ListDirectory(path);
  }
  std::string WorkingDirectory() const override { return below_->WorkingDirectory(); }
  std::string ProgramName() const override { return below_->ProgramName(); }

 private:
  std::shared_ptr<Host> below_;
  Value variables_ = Value::MakeObject();
};

// What a command line would say.
Result<clientcmd::ConfigOverrides> OverridesOf(const Value& settings) {
  clientcmd::ConfigOverrides out;
  const std::pair<std::string_view, std::string*> members[] = {
      {"context", &out.current_context},    {"cluster", &out.context.cluster},
      {"user", &out.context.auth_info},     {"namespace", &out.context.namespace_},
      {"server", &out.cluster_info.server}, {"token", &out.auth_info.token},
      {"as", &out.auth_info.impersonate},   {"timeout", &out.timeout}};
  const Value* given = settings.Find("overrides");
  if (given == nullptr) return out;
  for (const auto& [name, value] : given->object()) {
    const auto* member = std::find_if(std::begin(members), std::end(members),
                                      [&](const auto& one) { return one.first == name; });
    if (member != std::end(members)) {
      *member->second = value.string();
    } else if (name == "insecure") {
      out.cluster_info.insecure_skip_tls_verify = value.string() == "true";
    } else {
      return Invalid(Cat("overrides has no ", name));
    }
  }
  return out;
}

// The kubeconfig's, or one that names the server.
Result<rest::Config> Base(const Value& task, const Value& settings, const Env& env) {
  if (settings.BoolAt({"inCluster"})) return rest::InClusterConfig(env);
  const auto overrides = OverridesOf(settings);
  if (!overrides) return overrides.error();
  if (const Value* path = settings.Find("kubeconfigPath")) {
    clientcmd::LoadingRules rules = clientcmd::DefaultLoadingRules(env);
    rules.explicit_path = path->string();
    return clientcmd::DeferredLoadingClientConfig(rules, *overrides).ClientConfig();
  }
  if (const Value* text = settings.Find("kubeconfig")) {
    auto kubeconfig = clientcmd::Load(text->string());
    if (!kubeconfig) return kubeconfig.error();
    return clientcmd::DirectClientConfig(*std::move(kubeconfig), *overrides, env).ClientConfig();
  }
  rest::Config config;
  config.host = Cat(task.StringAt({"server"}), settings.StringAt({"path"}));
  return config;
}

}  // namespace

Result<rest::Config> ConfigOf(const Value& task, const Surroundings& surroundings) {
  const Value* given = task.Find("config");
  const Value settings = given != nullptr ? *given : Value::MakeObject();
  Env env = surroundings.env;
  env.host = std::make_shared<CaseHost>(surroundings.env.host, settings.Find("env"));
  auto base = Base(task, settings, env);
  if (!base) return base.error();
  rest::Config config = *std::move(base);
  config.transport = surroundings.transport;
  config.env = env;
  if (const auto timeout = DurationAt(settings, "timeout")) config.timeout = *timeout;
  if (const Value* qps = settings.Find("qps")) config.qps = qps->number();
  config.burst = static_cast<int>(settings.IntAt({"burst"}));
  const std::pair<const char*, std::string*> texts[] = {
      {"userAgent", &config.user_agent},     {"token", &config.bearer_token},
      {"username", &config.username},        {"password", &config.password},
      {"contentType", &config.content_type}, {"impersonate", &config.impersonate.user_name}};
  for (const auto& [name, target] : texts) {
    if (const Value* text = settings.Find(name)) *target = text->string();
  }
  if (const Value* groups = settings.Find("impersonateGroups")) {
    for (const Value& group : groups->array()) config.impersonate.groups.push_back(group.string());
  }
  return config;
}

}  // namespace k8s::conformance
