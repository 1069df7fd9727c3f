#include "k8s/rest/exec_plugin.h"

#include <algorithm>
#include <filesystem>
#include <list>
#include <map>

#include "k8s/base/log.h"
#include "k8s/base/strings.h"
#include "k8s/http/metrics.h"
#include "k8s/machinery/json.h"

namespace k8s::rest {
namespace {

// What of the body of a 401 is kept.
constexpr size_t kMaxRefusal = size_t{1} << 20;

// In client-go's words and lines, which people search for.
constexpr std::string_view kInstallHint =
    "\n\nIt looks like you are trying to use a client-go credential plugin that is not "
    "installed.\n\nTo learn more about this feature, consult the documentation available at:\n"
    "      https://kubernetes.io/docs/reference/access-authn-authz/authentication/"
    "#client-go-credential-plugins";

// The earliest end of a certificate that a plugin of this process handed out, for the metric.
class CertificateEnds {
 public:
  void Set(const void* plugin, std::optional<WallTime> end) {
    std::optional<WallTime> first;
    {
      std::lock_guard lock(mutex_);
      if (end) {
        ends_[plugin] = *end;
      } else if (ends_.erase(plugin) == 0) {
        return;
      }
      for (const auto& [other, its_end] : ends_) first = std::min(first.value_or(its_end), its_end);
    }
    http::metrics::Current().client_cert_expiry(first);
  }

 private:
  std::mutex mutex_;
  std::map<const void*, WallTime> ends_;
};

CertificateEnds& Ends() {
  static auto* const ends = new CertificateEnds;
  return *ends;
}

// Plugins by what they were made from; the one that was asked for last is in front.
class Plugins {
 public:
  using Plugin = std::shared_ptr<ExecPlugin>;

  Plugin Get(const std::string& key, const std::function<Plugin()>& make) {
    std::lock_guard lock(mutex_);
    const auto found = std::find_if(entries_.begin(), entries_.end(),
                                    [&](const auto& entry) { return entry.first == key; });
    if (found != entries_.end()) {
      entries_.splice(entries_.begin(), entries_, found);
    } else {
      entries_.emplace_front(key, make());
      if (entries_.size() > kMaxExecPlugins) entries_.pop_back();
    }
    return entries_.front().second;
  }

 private:
  std::mutex mutex_;
  std::list<std::pair<std::string, Plugin>> entries_;
};

Plugins& AllPlugins() {
  static auto* const plugins = new Plugins;
  return *plugins;
}

Value ToValue(const std::vector<std::string>& texts) {
  Value out = Value::MakeArray();
  for (const std::string& text : texts) out.Append(Value(text));
  return out;
}

// Everything that makes two plugins differ. It holds the values of environment variables, which may
// be secret: for comparing only.
std::string KeyOf(const ExecConfig& config, const std::optional<ExecCluster>& cluster,
                  const Env& env) {
  Value key = Value::MakeArray({Value(config.command), ToValue(config.args)});
  Value variables = Value::MakeArray();
  for (const auto& [name, value] : config.env) {
    variables.Append(Value::MakeArray({Value(name), Value(value)}));
  }
  key.Append(std::move(variables));
  key.Append(Value(config.install_hint));
  key.Append(Value(config.interactive_mode));
  key.Append(Value(config.stdin_unavailable));
  key.Append(Value(config.stdin_unavailable_message));
  key.Append(Value(config.plugin_policy.type));
  key.Append(config.plugin_policy.allowlist ? ToValue(*config.plugin_policy.allowlist) : Value());
  key.Append(Value(ExecInfo(config.api_version, cluster, false)));
  // Plugins of tests with doors of their own are others.
  for (const void* door :
       {static_cast<const void*>(env.clock.get()), static_cast<const void*>(env.processes.get())}) {
    key.Append(Value(std::to_string(reinterpret_cast<uintptr_t>(door))));
  }
  return ToJson(key);
}

// Go's filepath.Clean.
std::string CleanFile(const std::string& path) {
  std::string clean = std::filesystem::path(path).lexically_normal().string();
  while (clean.size() > 1 && clean.ends_with('/')) clean.pop_back();
  return clean.empty() ? "." : clean;
}

// The body of a refusal, in memory: its connection may be closed before the caller reads it.
void KeepBody(http::Response& response) {
  std::string body;
  while (body.size() < kMaxRefusal) {
    const auto count = response.body->Read(body);
    if (!count || *count == 0) break;
  }
  response.body = http::StringBody(std::move(body));
}

}  // namespace

class ExecPlugin::Layer final : public http::RoundTripper {
 public:
  Layer(std::shared_ptr<ExecPlugin> plugin, std::shared_ptr<http::RoundTripper> next)
      : plugin_(std::move(plugin)), next_(std::move(next)) {}

  Result<http::Response> RoundTrip(const http::Request& request, const Context& ctx) override {
    // Whoever says itself who is calling needs no plugin.
    if (!request.headers.Get("Authorization").empty()) return next_->RoundTrip(request, ctx);
    const auto credentials = plugin_->Get(ctx);
    if (!credentials) return credentials.error().Within("getting credentials");
    http::Request edited = request;
    const std::string& token = (*credentials)->token;
    if (!token.empty()) edited.headers.Set("Authorization", Cat("Bearer ", token));
    auto response = next_->RoundTrip(edited, ctx);
    if (response && response->status == 401) {
      KeepBody(*response);
      if (auto fresh = plugin_->Refresh(*credentials, ctx); !fresh) {
        Log(0, Cat("refreshing credentials: ", fresh.error().message()));
      }
    }
    return response;
  }
  void CloseIdleConnections() override { next_->CloseIdleConnections(); }

 private:
  std::shared_ptr<ExecPlugin> plugin_;
  std::shared_ptr<http::RoundTripper> next_;
};

Result<std::shared_ptr<ExecPlugin>> ExecPlugin::For(const ExecConfig& config,
                                                    std::optional<ExecCluster> cluster,
                                                    const Env& env) {
  if (config.api_version != kExecV1 && config.api_version != kExecV1beta1) {
    return ConfigError(Cat("exec plugin: invalid apiVersion ", Quote(config.api_version)));
  }
  if (auto valid = CheckPluginPolicy(config.plugin_policy); !valid) {
    return valid.error().Within("invalid plugin policy");
  }
  return AllPlugins().Get(KeyOf(config, cluster, env), [&] {
    ExecConfig own = config;
    if (own.interactive_mode.empty() && own.api_version == kExecV1beta1) {
      own.interactive_mode = "IfAvailable";
    }
    return std::shared_ptr<ExecPlugin>(new ExecPlugin(std::move(own), cluster, env));
  });
}

ExecPlugin::ExecPlugin(ExecConfig config, std::optional<ExecCluster> cluster, Env env)
    : config_(std::move(config)), cluster_(std::move(cluster)), env_(std::move(env)) {}

ExecPlugin::~ExecPlugin() { Ends().Set(this, std::nullopt); }

http::Layer ExecPlugin::Authenticate() {
  return [self = shared_from_this()](
             std::shared_ptr<http::RoundTripper> next) -> std::shared_ptr<http::RoundTripper> {
    return std::make_shared<Layer>(self, std::move(next));
  };
}

http::CertificatePair ExecPlugin::Certificate() const {
  std::lock_guard lock(mutex_);
  return credentials_ ? credentials_->certificate : http::CertificatePair{};
}

Result<ExecPlugin::Credentials> ExecPlugin::Get(const Context& ctx) {
  std::unique_lock lock(mutex_);
  if (auto waited = WaitForRun(lock, ctx); !waited) return waited.error();
  const bool good = credentials_ && (credentials_->expiration.IsZero() ||
                                     Time::From(env_.clock->WallNow()) <= credentials_->expiration);
  if (!good) {
    if (auto fresh = RefreshLocked(lock, ctx); !fresh) return fresh.error();
  }
  return credentials_;
}

Result<void> ExecPlugin::Refresh(const Credentials& refused, const Context& ctx) {
  std::unique_lock lock(mutex_);
  if (auto waited = WaitForRun(lock, ctx); !waited) return waited;
  if (credentials_ != refused) return {};
  return RefreshLocked(lock, ctx);
}

Result<void> ExecPlugin::WaitForRun(std::unique_lock<std::mutex>& lock, const Context& ctx) {
  if (env_.clock->Wait(lock, changed_, kForever, ctx, [this] { return !running_; })) return {};
  return ctx.Check(*env_.clock);
}

Result<void> ExecPlugin::RefreshLocked(std::unique_lock<std::mutex>& lock, const Context& ctx) {
  running_ = true;
  lock.unlock();
  auto fresh = Run(ctx);
  http::Validity validity;
  std::optional<Error> failure;
  if (!fresh) {
    failure = fresh.error();
  } else if (!fresh->certificate.cert_data.empty()) {
    auto valid = http::CheckCertificatePair(fresh->certificate);
    if (valid) {
      validity = *valid;
    } else {
      failure = valid.error().Within("failed parsing client key/certificate");
    }
  }
  lock.lock();
  running_ = false;
  changed_.notify_all();
  if (failure) return *failure;
  Install(std::move(*fresh), validity);
  return {};
}

void ExecPlugin::Install(ExecCredential fresh, const http::Validity& validity) {
  const Credentials old = credentials_;
  const WallTime old_since = validity_.not_before;
  const bool has_certificate = !fresh.certificate.cert_data.empty();
  credentials_ = std::make_shared<const ExecCredential>(std::move(fresh));
  validity_ = validity;
  Ends().Set(this, has_certificate ? std::optional(validity.not_after) : std::nullopt);
  if (!old || old->certificate == credentials_->certificate) return;
  if (!old->certificate.cert_data.empty()) {
    http::metrics::Current().client_cert_rotation_age(env_.clock->WallNow() - old_since);
  }
  // The server knows who is calling from the handshake. A token is said anew with each request.
  tracker_->CloseAll();
}

Result<bool> ExecPlugin::IsInteractive() const {
  const auto cannot = [](std::string_view why) {
    return ConfigError(Cat("exec plugin cannot support interactive mode: ", why));
  };
  const std::string& mode = config_.interactive_mode;
  if (mode == "Never") return false;
  if (mode == "IfAvailable") {
    return !config_.stdin_unavailable && env_.processes->StdinIsTerminal();
  }
  if (mode != "Always") return cannot(Cat("unknown interactiveMode: ", Quote(mode)));
  if (!env_.processes->StdinIsTerminal()) return cannot("standard input is not a terminal");
  if (config_.stdin_unavailable) {
    const std::string& message = config_.stdin_unavailable_message;
    return cannot(Cat("standard input is unavailable", message.empty() ? "" : ": ", message));
  }
  return true;
}

Result<std::string> ExecPlugin::CheckPolicy() const {
  const PluginPolicy& policy = config_.plugin_policy;
  const std::string command = CleanFile(config_.command);
  if (policy.type == "DenyAll") {
    return ConfigError(Cat("plugin ", Quote(command), " not allowed: policy set to \"DenyAll\""));
  }
  const Processes& processes = *env_.processes;
  const std::optional<std::string> file = processes.Find(config_.command);
  if (policy.type != "Allowlist") return file.value_or("");
  const std::vector<std::string>& allowed = *policy.allowlist;
  const auto is_listed = [&](const std::string& name) {
    return std::find(allowed.begin(), allowed.end(), name) != allowed.end();
  };
  if (is_listed(command)) return file.value_or("");
  if (!file) {
    return ConfigError(
        Cat("plugin path ", Quote(command),
            " cannot be resolved for credential plugin allowlist check: executable file not found "
            "in $PATH"));
  }
  // A name in one place may be a path in the other.
  const bool permitted =
      is_listed(*file) || std::any_of(allowed.begin(), allowed.end(), [&](const std::string& name) {
        return processes.Find(name) == file;
      });
  if (permitted) return *file;
  return ConfigError(
      Cat("plugin path ", Quote(*file), " is not permitted by the credential plugin allowlist"));
}

Error ExecPlugin::NotFound() {
  std::string text = Cat("exec: executable ", config_.command, " not found");
  std::lock_guard lock(mutex_);
  const TimePoint now = env_.clock->Now();
  if (!hints_since_ || now - *hints_since_ >= std::chrono::hours(1)) {
    hints_since_ = now;
    hints_ = 0;
  }
  if (hints_++ < kMaxInstallHints) {
    text += kInstallHint;
    if (!config_.install_hint.empty()) text += Cat("\n\n", config_.install_hint);
  }
  return ConfigError(std::move(text));
}

Result<Finished> ExecPlugin::RunProgram(const Command& command, const Context& ctx) {
  const auto count = [](int exit_code, const char* status) {
    http::metrics::Current().exec_plugin_calls(exit_code, status);
  };
  if (command.path.empty()) {
    count(1, "plugin_not_found_error");
    return NotFound();
  }
  auto finished = env_.processes->Run(command, *env_.clock, ctx);
  if (!finished) {
    count(1, "client_internal_error");
    if (finished.error().code() != Error::Code::kConfig) return finished;
    return finished.error().Within("exec");
  }
  if (finished->exit_code != 0) {
    count(finished->exit_code, "plugin_execution_error");
    return ConfigError(Cat("exec: executable ", config_.command, " failed with exit code ",
                           std::to_string(finished->exit_code)));
  }
  count(0, "no_error");
  return finished;
}

Result<ExecCredential> ExecPlugin::Run(const Context& ctx) {
  const auto interactive = IsInteractive();
  if (!interactive) return interactive.error();
  const auto file = CheckPolicy();
  http::metrics::Current().exec_plugin_policy_calls(file ? "allowed" : "denied");
  if (!file) return file.error();
  Command command{.path = *file, .args = config_.args, .inherits_stdin = *interactive};
  for (const auto& [name, value] : config_.env) command.environment.emplace_back(name, value);
  command.environment.emplace_back("KUBERNETES_EXEC_INFO",
                                   ExecInfo(config_.api_version, cluster_, *interactive));
  const auto finished = RunProgram(command, ctx);
  if (!finished) return finished.error();
  return ReadExecCredential(finished->output, config_.api_version);
}

Result<void> CheckPluginPolicy(const PluginPolicy& policy) {
  const auto wrong = [](std::string_view why) {
    return ConfigError(Cat("misconfigured credential plugin allowlist: ", why));
  };
  const bool listed = policy.type == "Allowlist";
  if (!listed && !policy.type.empty() && policy.type != "AllowAll" && policy.type != "DenyAll") {
    return ConfigError(Cat("unknown plugin policy: ", Quote(policy.type)));
  }
  if (!listed && policy.allowlist) {
    return wrong(Cat("plugin policy is ", Quote(policy.type), " but allowlist is non-nil"));
  }
  if (!listed) return {};
  if (!policy.allowlist) {
    return ConfigError(
        "credential plugin policy set to \"Allowlist\", but allowlist is unspecified");
  }
  if (policy.allowlist->empty()) {
    return ConfigError(
        "credential plugin policy set to \"Allowlist\", but allowlist is empty; use \"DenyAll\" "
        "policy instead");
  }
  for (size_t i = 0; i < policy.allowlist->size(); ++i) {
    const std::string& entry = (*policy.allowlist)[i];
    if (entry.empty()) return wrong(Cat("empty allowlist entry #", std::to_string(i + 1)));
    if (const std::string clean = CleanFile(entry); clean != entry) {
      return ConfigError(Cat("non-normalized file path: ", Quote(entry), " vs ", Quote(clean)));
    }
  }
  return {};
}

}  // namespace k8s::rest
