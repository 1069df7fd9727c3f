#include "conformance/drivers/cpp.h"

#include "k8s/api/appsv1.h"
#include "k8s/api/corev1.h"
#include "k8s/base/strings.h"
#include "k8s/base/thread.h"
#include "k8s/clientcmd/client_config.h"
#include "k8s/kubernetes/clientset.h"
#include "k8s/kubernetes/dynamic.h"
#include "k8s/machinery/json.h"
#include "k8s/machinery/json_codec.h"
#include "k8s/machinery/scalars.h"

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

std::string_view ClassOf(const Error& error) {
  switch (error.code()) {
    case Error::Code::kCanceled:
      return "canceled";
    case Error::Code::kDeadlineExceeded:
      return "timeout";
    case Error::Code::kDecode:
      return "decode";
    default:
      break;
  }
  switch (error.cause()) {
    case TransportCause::kReset:
      return "reset";
    case TransportCause::kEof:
    case TransportCause::kTruncated:
      return "eof";
    case TransportCause::kTimeout:
      return "timeout";
    case TransportCause::kRefused:
      return "refused";
    default:
      return "";
  }
}

Value Failure(const Error& error) {
  Value out = Value::MakeObject({{"reason", ReasonForError(error)},
                                 {"code", int64_t{error.status() ? error.status()->code : 0}},
                                 {"class", ClassOf(error)},
                                 {"message", error.message()}});
  if (const int delay = SuggestsClientDelay(error); delay > 0) out.Set("retryAfterSeconds", delay);
  return Value::MakeObject({{"ok", false}, {"error", std::move(out)}});
}

Value Success() { return Value::MakeObject({{"ok", true}}); }

template <class T>
Value AsValue(const T& object) {
  if constexpr (std::is_same_v<T, Unstructured>) {
    return object.content;
  } else {
    std::string text;
    const TypeInfo& type = TypeOf<T>();
    EncodeJson(type, &object, {std::string(type.api_version()), std::string(type.name)}, text);
    return ParseJson(text).value();
  }
}

template <class T>
Value Outcome(const Result<T>& result) {
  if (!result) return Failure(result.error());
  Value out = Success();
  if constexpr (!std::is_void_v<T>) out.Set("object", AsValue(*result));
  return out;
}

template <class Watcher>
Value Watched(Result<Watcher> watch, int64_t most) {
  if (!watch) return Failure(watch.error());
  Value out = Success();
  Value& events = out["events"] = Value::MakeArray();
  while (most == 0 || static_cast<int64_t>(events.array().size()) < most) {
    const auto event = watch->Next();
    if (!event) break;
    Value object = AsValue(event->object);
    if (event->type == rest::kError && watch->status()) {
      const Status& status = *watch->status();
      object = Value::MakeObject({{"kind", "Status"},
                                  {"code", int64_t{status.code}},
                                  {"reason", status.reason},
                                  {"message", status.message}});
    }
    events.Append(Value::MakeObject({{"type", event->type}, {"object", std::move(object)}}));
  }
  return out;
}

template <class T>
Result<T> OptionsOf(const Value& call) {
  T options;
  const Value* given = call.Find("options");
  if (given == nullptr) return options;
  auto decoded = DecodeJson(ToJson(*given), TypeOf<T>(), &options);
  if (!decoded) return decoded.error();
  return options;
}

template <class T>
Result<T> ObjectOf(const Value& call) {
  const Value* given = call.Find("object");
  const Value object = given != nullptr ? *given : Value::MakeObject();
  if constexpr (std::is_same_v<T, Unstructured>) {
    return T{object};
  } else {
    T out;
    auto decoded = DecodeJson(ToJson(object), TypeOf<T>(), &out);
    if (!decoded) return decoded.error();
    return out;
  }
}

kubernetes::PatchType PatchTypeOf(std::string_view name) {
  if (name == "json") return kubernetes::PatchType::kJSONPatch;
  if (name == "strategic") return kubernetes::PatchType::kStrategicMergePatch;
  if (name == "apply") return kubernetes::PatchType::kApplyYAML;
  return kubernetes::PatchType::kMergePatch;
}

// One step, over dynamic::ResourceInterface or a ResourceClient<T>.
template <class T, class Resource>
Value Do(const Resource& resource, const std::string& verb, const Value& call, const Context& ctx) {
  constexpr bool kDynamic = std::is_same_v<T, Unstructured>;
  const auto name = call.StringAt({"name"});
  const auto subresource = call.StringAt({"subresource"});
  const auto list = OptionsOf<metav1::ListOptions>(call);
  if (verb == "list") {
    if (!list) return Failure(list.error());
    const auto found = resource.List(*list, ctx);
    if (!found) return Failure(found.error());
    Value out = Success();
    Value& items = out["items"] = Value::MakeArray();
    for (const auto& item : found->items) items.Append(AsValue(item));
    return out;
  }
  if (verb == "watch") {
    if (!list) return Failure(list.error());
    return Watched(resource.Watch(*list, ctx), call.IntAt({"events"}));
  }
  if (verb == "deletecollection") {
    if (!list) return Failure(list.error());
    return Outcome(resource.DeleteCollection({}, *list, ctx));
  }
  if (verb == "get") {
    const auto options = OptionsOf<metav1::GetOptions>(call);
    if (!options) return Failure(options.error());
    return Outcome(resource.Get(name, *options, ctx));
  }
  if (verb == "delete") {
    const auto options = OptionsOf<metav1::DeleteOptions>(call);
    if (!options) return Failure(options.error());
    return Outcome(resource.Delete(name, *options, ctx));
  }
  if (verb == "patch") {
    const auto options = OptionsOf<metav1::PatchOptions>(call);
    if (!options) return Failure(options.error());
    const Value* body = call.Find("object");
    return Outcome(resource.Patch(name, PatchTypeOf(call.StringAt({"patchType"})),
                                  body != nullptr ? ToJson(*body) : "{}", *options, subresource,
                                  ctx));
  }
  const auto object = ObjectOf<T>(call);
  if (!object) return Failure(object.error());
  if (verb == "create") {
    const auto options = OptionsOf<metav1::CreateOptions>(call);
    if (!options) return Failure(options.error());
    return Outcome(resource.Create(*object, *options, ctx));
  }
  const auto options = OptionsOf<metav1::UpdateOptions>(call);
  if (!options) return Failure(options.error());
  if constexpr (kDynamic) {
    if (subresource == "status") return Outcome(resource.UpdateStatus(*object, *options, ctx));
  }
  return Outcome(resource.Update(*object, *options, ctx));
}

// dynamic::ResourceInterface with the parameters of a ResourceClient.
class Dynamic {
 public:
  explicit Dynamic(dynamic::ResourceInterface below) : below_(std::move(below)) {}
  auto List(const metav1::ListOptions& options, const Context& ctx) const {
    return below_.List(options, ctx);
  }
  auto Watch(const metav1::ListOptions& options, const Context& ctx) const {
    return below_.Watch(options, ctx);
  }
  auto DeleteCollection(const metav1::DeleteOptions& options, const metav1::ListOptions& list,
                        const Context& ctx) const {
    return below_.DeleteCollection(options, list, ctx);
  }
  auto Get(std::string_view name, const metav1::GetOptions& options, const Context& ctx) const {
    return below_.Get(name, options, {}, ctx);
  }
  auto Delete(std::string_view name, const metav1::DeleteOptions& options,
              const Context& ctx) const {
    return below_.Delete(name, options, {}, ctx);
  }
  auto Patch(std::string_view name, kubernetes::PatchType type, std::string body,
             const metav1::PatchOptions& options, std::string_view subresource,
             const Context& ctx) const {
    if (subresource.empty()) return below_.Patch(name, type, std::move(body), options, {}, ctx);
    return below_.Patch(name, type, std::move(body), options, {subresource}, ctx);
  }
  auto Create(const Unstructured& object, const metav1::CreateOptions& options,
              const Context& ctx) const {
    return below_.Create(object, options, {}, ctx);
  }
  auto Update(const Unstructured& object, const metav1::UpdateOptions& options,
              const Context& ctx) const {
    return below_.Update(object, options, {}, ctx);
  }
  auto UpdateStatus(const Unstructured& object, const metav1::UpdateOptions& options,
                    const Context& ctx) const {
    return below_.UpdateStatus(object, options, ctx);
  }

 private:
  dynamic::ResourceInterface below_;
};

metav1::GroupVersionResource ResourceOf(std::string_view text) {
  const auto parts = Split(text, '/');
  if (parts.size() == 2) return {"", std::string(parts[0]), std::string(parts[1])};
  if (parts.size() != 3) return {"", "", std::string(text)};
  return {std::string(parts[0]), std::string(parts[1]), std::string(parts[2])};
}

struct Clients {
  Clientset typed;
  dynamic::Client dynamic;
  bool use_typed = false;
};

Value Call(const Clients& clients, const std::string& verb, const Value& call, const Context& ctx) {
  const auto ns = call.StringAt({"namespace"});
  if (verb == "raw") {
    auto text =
        clients.typed.CoreV1().RESTClient().Get().AbsPath({call.StringAt({"path"})}).DoRaw(ctx);
    if (!text) return Failure(text.error());
    return Value::MakeObject({{"ok", true}, {"text", *text}});
  }
  if (verb == "logs") {
    const auto options = OptionsOf<corev1::PodLogOptions>(call);
    if (!options) return Failure(options.error());
    auto stream =
        clients.typed.CoreV1().Pods(ns).GetLogs(call.StringAt({"name"}), *options).Stream(ctx);
    if (!stream) return Failure(stream.error());
    const auto text = stream->body->ReadAll();
    if (!text) return Failure(text.error());
    return Value::MakeObject({{"ok", true}, {"text", *text}});
  }
  const std::string resource(call.StringAt({"resource"}));
  if (!clients.use_typed) {
    return Do<Unstructured>(Dynamic(clients.dynamic.Resource(ResourceOf(resource)).Namespace(ns)),
                            verb, call, ctx);
  }
  if (resource == "v1/configmaps")
    return Do<corev1::ConfigMap>(clients.typed.CoreV1().ConfigMaps(ns), verb, call, ctx);
  if (resource == "v1/pods")
    return Do<corev1::Pod>(clients.typed.CoreV1().Pods(ns), verb, call, ctx);
  if (resource == "apps/v1/deployments")
    return Do<appsv1::Deployment>(clients.typed.AppsV1().Deployments(ns), verb, call, ctx);
  return Failure(Invalid(Cat("the driver has no typed client of ", resource)));
}

std::optional<Duration> DurationAt(const Value& value, std::string_view name) {
  const Value* text = value.Find(name);
  return text != nullptr && text->is_string() ? ParseDuration(text->string()) : std::nullopt;
}

Value Step(const Clients& clients, const Value& step, const Env& env) {
  Context ctx;
  if (const auto timeout = DurationAt(step, "timeout")) ctx = ctx.WithTimeout(*env.clock, *timeout);
  std::stop_source stop;
  Thread canceller;
  if (const auto after = DurationAt(step, "cancelAfter")) {
    ctx = ctx.WithStop(stop.get_token());
    if (*after <= Duration::zero()) {
      stop.request_stop();
    } else {
      canceller = Thread(env.clock, "canceller", [&env, &stop, after](std::stop_token over) {
        if (Sleep(*env.clock, *after, Context(over))) stop.request_stop();
      });
    }
  }
  for (const auto& [name, call] : step.object()) {
    if (call.is_object()) return Call(clients, name, call, ctx);
  }
  return Failure(Invalid("the step has no call"));
}

// The kubeconfig's, or one that names the server.
Result<rest::Config> Base(const Value& task, const Value& settings, const Env& env) {
  if (const Value* text = settings.Find("kubeconfig")) {
    auto kubeconfig = clientcmd::Load(text->string());
    if (!kubeconfig) return kubeconfig.error();
    return clientcmd::DirectClientConfig(*std::move(kubeconfig), {}, env).ClientConfig();
  }
  rest::Config config;
  config.host = Cat(task.StringAt({"server"}), settings.StringAt({"path"}));
  return config;
}

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

class CppDriver final : public Driver {
 public:
  const Value& hello() const override { return CppHello(); }
  bool in_process() const override { return true; }
  Result<Value> Play(const Value& task, const Surroundings& surroundings) override {
    return PlayCpp(task, surroundings);
  }
};

}  // namespace

const Value& CppHello() {
  static const Value kHello = Value::MakeObject(
      {{"driver", "cpp"},
       {"version", "0.1"},
       {"verbs", Value::MakeArray({"get", "list", "watch", "create", "update", "patch", "delete",
                                   "deletecollection", "raw", "logs"})},
       {"config", Value::MakeArray({"timeout", "qps", "burst", "userAgent", "token", "username",
                                    "password", "impersonate", "impersonateGroups", "contentType",
                                    "client", "path", "kubeconfig", "env"})}});
  return kHello;
}

Value PlayCpp(const Value& task, const Surroundings& surroundings) {
  Value results = Value::MakeArray();
  const auto all = [&](const Error& error) {
    for (size_t i = 0; i < task.Find("steps")->array().size(); ++i) results.Append(Failure(error));
    return Value::MakeObject({{"results", results}});
  };
  const auto read = ConfigOf(task, surroundings);
  if (!read) return all(read.error());
  const rest::Config& config = *read;
  auto typed = Clientset::NewForConfig(config);
  if (!typed) return all(typed.error());
  auto dynamic = dynamic::Client::NewForConfig(config);
  if (!dynamic) return all(dynamic.error());
  const Clients clients{*std::move(typed), *std::move(dynamic),
                        task.StringAt({"config", "client"}) == "typed"};
  for (const Value& step : task.Find("steps")->array())
    results.Append(Step(clients, step, config.env));
  return Value::MakeObject({{"results", std::move(results)}});
}

std::unique_ptr<Driver> NewCppDriver() { return std::make_unique<CppDriver>(); }

}  // namespace k8s::conformance
