#include "conformance/drivers/cpp.h"

#include "conformance/drivers/cpp_calls.h"
#include "conformance/drivers/cpp_config.h"
#include "conformance/drivers/cpp_reports.h"
#include "conformance/drivers/cpp_results.h"
#include "k8s/api/appsv1.h"
#include "k8s/api/corev1.h"
#include "k8s/base/strings.h"
#include "k8s/base/thread.h"
#include "k8s/tools/retry_watcher.h"

namespace k8s::conformance {
namespace {

template <class T, class Resource>
Value Apply(const Resource& resource, const std::string& verb, const Value& call,
            const Context& ctx) {
  const auto options = OptionsOf<metav1::ApplyOptions>(call);
  if (!options) return Failure(options.error());
  const auto object = ObjectOf<T>(call);
  if (!object) return Failure(object.error());
  if (verb == "apply") return Outcome(resource.Apply(*object, *options, ctx));
  if constexpr (requires { resource.ApplyStatus(*object, *options, ctx); })
    return Outcome(resource.ApplyStatus(*object, *options, ctx));
  return Failure(Invalid(Cat("the client has no ", verb)));
}

template <class T, class Resource>
Value WatchAgain(const Resource& resource, const Value& call, const Context& ctx, const Env& env) {
  const auto list = OptionsOf<metav1::ListOptions>(call);
  if (!list) return Failure(list.error());
  auto watcher = watch::RetryWatcher<T>::New(
      call.StringAt({"resourceVersion"}),
      [&](const metav1::ListOptions& options, const Context& below) {
        return resource.Watch(options, below);
      },
      *list, env, ctx);
  return Watched(std::move(watcher), call.IntAt({"events"}));
}

// One step, over dynamic::ResourceInterface or a ResourceClient<T>.
template <class T, class Resource>
Value Do(const Resource& resource, const std::string& verb, const Value& call, const Context& ctx,
         const Env& env) {
  constexpr bool kDynamic = std::is_same_v<T, Unstructured>;
  const auto name = call.StringAt({"name"});
  const auto subresource = call.StringAt({"subresource"});
  const auto list = OptionsOf<metav1::ListOptions>(call);
  if (verb == "list") {
    if (!list) return Failure(list.error());
    return Listed(resource.List(*list, ctx));
  }
  if (verb == "watch") {
    if (!list) return Failure(list.error());
    return Watched(resource.Watch(*list, ctx), call.IntAt({"events"}));
  }
  if constexpr (!kDynamic) {
    if (verb == "retryWatch") return WatchAgain<T>(resource, call, ctx, env);
  }
  if (verb == "deletecollection") {
    if (!list) return Failure(list.error());
    if constexpr (requires { resource.DeleteCollection({}, *list, ctx); })
      return Outcome(resource.DeleteCollection({}, *list, ctx));
    return Failure(Invalid(Cat("the client has no ", verb)));
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
  if (verb == "apply" || verb == "applyStatus") return Apply<T>(resource, verb, call, ctx);
  const auto object = ObjectOf<T>(call);
  if (!object) return Failure(object.error());
  if (verb == "create") {
    const auto options = OptionsOf<metav1::CreateOptions>(call);
    if (!options) return Failure(options.error());
    return Outcome(resource.Create(*object, *options, ctx));
  }
  const auto options = OptionsOf<metav1::UpdateOptions>(call);
  if (!options) return Failure(options.error());
  if constexpr (requires { resource.UpdateStatus(*object, *options, ctx); }) {
    if (verb == "updateStatus" || (kDynamic && subresource == "status"))
      return Outcome(resource.UpdateStatus(*object, *options, ctx));
  }
  if (verb != "update") return Failure(Invalid(Cat("the client has no ", verb)));
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

  auto Apply(const Unstructured& object, const metav1::ApplyOptions& options,
             const Context& ctx) const {
    return below_.Apply(object.GetName(), object, options, {}, ctx);
  }
  auto ApplyStatus(const Unstructured& object, const metav1::ApplyOptions& options,
                   const Context& ctx) const {
    return below_.Apply(object.GetName(), object, options, {"status"}, ctx);
  }

 private:
  dynamic::ResourceInterface below_;
};

Value Call(const Clients& clients, const std::string& verb, const Value& call, const Context& ctx) {
  if (auto special = SpecialCall(clients, verb, call, ctx)) return *std::move(special);
  const auto ns = call.StringAt({"namespace"});
  const std::string resource(call.StringAt({"resource"}));
  if (clients.kind == "metadata") return OfMetadata(clients, verb, call, ctx);
  if (clients.kind != "typed") {
    return Do<Unstructured>(Dynamic(clients.dynamic.Resource(ResourceOf(resource)).Namespace(ns)),
                            verb, call, ctx, clients.env);
  }
  if (resource == "v1/configmaps")
    return Do<corev1::ConfigMap>(clients.typed.CoreV1().ConfigMaps(ns), verb, call, ctx,
                                 clients.env);
  if (resource == "v1/pods")
    return Do<corev1::Pod>(clients.typed.CoreV1().Pods(ns), verb, call, ctx, clients.env);
  if (resource == "apps/v1/deployments")
    return Do<appsv1::Deployment>(clients.typed.AppsV1().Deployments(ns), verb, call, ctx,
                                  clients.env);
  if (resource == "v1/namespaces")
    return Do<corev1::Namespace>(clients.typed.CoreV1().Namespaces(), verb, call, ctx, clients.env);
  if (resource == "v1/nodes")
    return Do<corev1::Node>(clients.typed.CoreV1().Nodes(), verb, call, ctx, clients.env);
  return Failure(Invalid(Cat("the driver has no typed client of ", resource)));
}

// The same call from so many threads; the first that fails, else the first, is the result.
Value AtOnce(int64_t count, const Clients& clients, const std::string& verb, const Value& call,
             const Context& ctx) {
  std::vector<Value> results(static_cast<size_t>(count));
  {
    std::vector<Thread> threads;
    for (Value& result : results) {
      threads.emplace_back(clients.env.clock, "caller",
                           [&](std::stop_token) { result = Call(clients, verb, call, ctx); });
    }
    for (Thread& thread : threads) thread.Join();
  }
  for (const Value& result : results) {
    if (!result.BoolAt({"ok"})) return result;
  }
  return results.front();
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
    if (!call.is_object()) continue;
    const int64_t parallel = step.IntAt({"parallel"}, 1);
    return parallel < 2 ? Call(clients, name, call, ctx)
                        : AtOnce(parallel, clients, name, call, ctx);
  }
  return Failure(Invalid("the step has no call"));
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
       {"verbs", Value::MakeArray({"get",
                                   "list",
                                   "watch",
                                   "create",
                                   "update",
                                   "patch",
                                   "delete",
                                   "deletecollection",
                                   "raw",
                                   "logs",
                                   "request",
                                   "updateStatus",
                                   "apply",
                                   "applyStatus",
                                   "getScale",
                                   "updateScale",
                                   "bind",
                                   "evict",
                                   "createToken",
                                   "proxyGet",
                                   "retryWatch",
                                   "serverVersion",
                                   "serverGroups",
                                   "serverResources",
                                   "serverGroupsAndResources",
                                   "serverPreferredResources"})},
       {"config", Value::MakeArray({"timeout", "qps", "burst", "userAgent", "token", "username",
                                    "password", "impersonate", "impersonateGroups", "contentType",
                                    "client", "path", "kubeconfig", "env", "kubeconfigPath",
                                    "inCluster", "overrides", "warnings", "metrics"})},
       {"features", Value::MakeArray({"parallel", "maxRetries", "readOnce", "cached",
                                      "metadataClient", "scaleClient", "listMetadata"})}});
  return kHello;
}

Value PlayCpp(const Value& task, const Surroundings& surroundings) {
  Value results = Value::MakeArray();
  const auto all = [&](const Error& error) {
    for (size_t i = 0; i < task.Find("steps")->array().size(); ++i) results.Append(Failure(error));
    return Value::MakeObject({{"results", results}});
  };
  auto read = ConfigOf(task, surroundings);
  if (!read) return all(read.error());
  rest::Config config = *std::move(read);
  Warnings warnings(task.StringAt({"config", "warnings"}));
  config.warning_handler = warnings.Handler();
  Counts counts;
  const Counts::Listening listening(counts);
  auto clients = Clients::For(config, task.StringAt({"config", "client"}));
  if (!clients) return all(clients.error());
  for (const Value& step : task.Find("steps")->array())
    results.Append(Step(*clients, step, config.env));
  Value out = Value::MakeObject({{"results", std::move(results)}});
  if (task.Find("config") != nullptr && task.Find("config")->Find("warnings") != nullptr)
    out.Set("warnings", warnings.Texts());
  if (task.BoolAt({"config", "metrics"})) out.Set("metrics", counts.AsValue());
  return out;
}

std::unique_ptr<Driver> NewCppDriver() { return std::make_unique<CppDriver>(); }

}  // namespace k8s::conformance
