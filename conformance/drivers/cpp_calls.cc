#include "conformance/drivers/cpp_calls.h"

#include "conformance/drivers/cpp_results.h"
#include "k8s/api/appsv1.h"
#include "k8s/api/authenticationv1.h"
#include "k8s/api/autoscalingv1.h"
#include "k8s/api/corev1.h"
#include "k8s/api/policyv1.h"
#include "k8s/base/strings.h"
#include "k8s/discovery/rest_mapper.h"

namespace k8s::conformance {
namespace {

Value Raw(const Clients& clients, const Value& call, const Context& ctx) {
  return Text(
      clients.typed.CoreV1().RESTClient().Get().AbsPath({call.StringAt({"path"})}).DoRaw(ctx));
}

Value Logs(const Clients& clients, const Value& call, const Context& ctx) {
  const auto options = OptionsOf<corev1::PodLogOptions>(call);
  if (!options) return Failure(options.error());
  auto stream = clients.typed.CoreV1()
                    .Pods(call.StringAt({"namespace"}))
                    .GetLogs(call.StringAt({"name"}), *options)
                    .Stream(ctx);
  if (!stream) return Failure(stream.error());
  return Text(stream->body->ReadAll());
}

// A body that is there once.
class Once final : public http::BodyReader {
 public:
  explicit Once(std::string text) : text_(std::move(text)) {}
  Result<bool> Read(std::string& out) override {
    if (text_.empty()) return false;
    out += std::exchange(text_, {});
    return true;
  }

 private:
  std::string text_;
};

Value Request(const Clients& clients, const Value& call, const Context& ctx) {
  auto request = clients.typed.CoreV1().RESTClient().Verb(call.StringAt({"method"}));
  if (const Value* path = call.Find("path")) request.AbsPath({path->string()});
  if (const Value* params = call.Find("params")) {
    for (const auto& [name, value] : params->object()) {
      if (value.is_string()) request.Param(name, value.string());
      if (!value.is_array()) continue;
      for (const Value& one : value.array()) request.Param(name, one.string());
    }
  }
  if (const Value* uri = call.Find("uri")) request.RequestURI(uri->string());
  if (const Value* headers = call.Find("headers")) {
    for (const auto& [name, value] : headers->object()) request.SetHeader(name, value.string());
  }
  if (const Value* body = call.Find("body")) {
    if (call.BoolAt({"readOnce"})) {
      request.BodyReader(std::make_shared<Once>(body->string()));
    } else {
      request.Body(body->string());
    }
  }
  if (const Value* retries = call.Find("maxRetries"))
    request.MaxRetries(static_cast<int>(retries->integer()));
  auto answer = request.Do(ctx);
  if (!answer) return Failure(answer.error());
  return Value::MakeObject(
      {{"ok", true}, {"text", answer->body}, {"created", answer->WasCreated()}});
}

Value Scale(const Clients& clients, const std::string& verb, const Value& call,
            const Context& ctx) {
  const auto ns = call.StringAt({"namespace"});
  const auto name = call.StringAt({"name"});
  const auto gvr = ResourceOf(call.StringAt({"resource"}));
  const metav1::GroupResource resource{gvr.group, gvr.resource};
  const auto scales = clients.scale.Scales(ns);
  const auto deployments = clients.typed.AppsV1().Deployments(ns);
  const bool general = clients.kind == "scale";
  if (!general && (gvr.group != "apps" || gvr.resource != "deployments"))
    return Failure(Invalid(Cat("the driver has no typed scale of ", gvr.resource)));
  if (verb == "getScale") {
    return Outcome(general ? scales.Get(resource, name, {}, ctx)
                           : deployments.GetScale(name, {}, ctx));
  }
  const auto object = ObjectOf<autoscalingv1::Scale>(call);
  if (!object) return Failure(object.error());
  return Outcome(general ? scales.Update(resource, *object, {}, ctx)
                         : deployments.UpdateScale(name, *object, {}, ctx));
}

Value PodCall(const Clients& clients, const std::string& verb, const Value& call,
              const Context& ctx) {
  const auto ns = call.StringAt({"namespace"});
  const std::string name(call.StringAt({"name"}));
  const auto pods = clients.typed.CoreV1().Pods(ns);
  if (verb == "bind") {
    corev1::Binding binding;
    binding.metadata.name = name;
    binding.target.kind = "Node";
    binding.target.name = "node";
    return Outcome(pods.Bind(binding, {}, ctx));
  }
  policyv1::Eviction eviction;
  eviction.metadata.name = name;
  eviction.metadata.namespace_ = ns;
  return Outcome(pods.EvictV1(eviction, ctx));
}

Value Token(const Clients& clients, const Value& call, const Context& ctx) {
  const auto request = ObjectOf<authenticationv1::TokenRequest>(call);
  if (!request) return Failure(request.error());
  return Outcome(clients.typed.CoreV1()
                     .ServiceAccounts(call.StringAt({"namespace"}))
                     .CreateToken(call.StringAt({"name"}), *request, {}, ctx));
}

Value Proxy(const Clients& clients, const Value& call, const Context& ctx) {
  std::map<std::string, std::string> params;
  if (const Value* given = call.Find("params")) {
    for (const auto& [name, value] : given->object()) params[name] = value.string();
  }
  return Text(clients.typed.CoreV1()
                  .Services(call.StringAt({"namespace"}))
                  .ProxyGet(call.StringAt({"scheme"}), call.StringAt({"name"}),
                            call.StringAt({"port"}), call.StringAt({"path"}), params)
                  .DoRaw(ctx));
}

template <class T>
Value Array(const std::vector<T>& several) {
  Value out = Value::MakeArray();
  for (const T& one : several) out.Append(AsValue(one));
  return out;
}

// Partial failures are an error beside the items.
Value Resources(const Result<discovery::GroupsAndResources>& found) {
  if (!found) return Failure(found.error());
  Value out = found->failed.empty() ? Success()
                                    : Failure(discovery::ErrGroupDiscoveryFailed(found->failed));
  out.Set("items", Array(found->resources));
  return out;
}

std::optional<Value> Discover(const Clients& clients, const std::string& verb, const Value& call,
                              const Context& ctx) {
  if (verb == "serverVersion") {
    const auto version = clients.discovery.ServerVersion(ctx);
    if (!version) return Failure(version.error());
    return Value::MakeObject(
        {{"ok", true},
         {"object", Value::MakeObject({{"major", version->major},
                                       {"minor", version->minor},
                                       {"gitVersion", version->gitVersion}})}});
  }
  const bool cached = call.BoolAt({"cached"});
  if (call.BoolAt({"fresh"})) clients.cached->Invalidate();
  const discovery::Interface& source =
      cached ? static_cast<const discovery::Interface&>(*clients.cached) : clients.discovery;
  if (verb == "serverGroups") {
    const auto groups = source.ServerGroups(ctx);
    if (!groups) return Failure(groups.error());
    return Value::MakeObject({{"ok", true}, {"items", Array(groups->groups)}});
  }
  if (verb == "serverResources")
    return Outcome(source.ServerResourcesForGroupVersion(call.StringAt({"groupVersion"}), ctx));
  if (verb == "serverGroupsAndResources") return Resources(source.ServerGroupsAndResources(ctx));
  if (verb == "serverPreferredResources") return Resources(source.ServerPreferredResources(ctx));
  return std::nullopt;
}

}  // namespace

Result<Clients> Clients::For(const rest::Config& config, std::string_view kind) {
  auto typed = Clientset::NewForConfig(config);
  if (!typed) return typed.error();
  auto dynamic = dynamic::Client::NewForConfig(config);
  if (!dynamic) return dynamic.error();
  auto metadata = metadata::Client::NewForConfig(config);
  if (!metadata) return metadata.error();
  auto discovery = discovery::Client::NewForConfig(config);
  if (!discovery) return discovery.error();
  auto cached = discovery::NewMemCacheClient(std::make_shared<const discovery::Client>(*discovery));
  auto scale = scale::Client::NewForConfig(
      config, discovery::NewDeferredDiscoveryRESTMapper(cached), cached);
  if (!scale) return scale.error();
  return Clients{*std::move(typed),
                 *std::move(dynamic),
                 *std::move(metadata),
                 *std::move(scale),
                 *std::move(discovery),
                 std::move(cached),
                 std::string(kind.empty() ? "dynamic" : kind),
                 config.env};
}

std::optional<Value> SpecialCall(const Clients& clients, const std::string& verb, const Value& call,
                                 const Context& ctx) {
  if (verb == "raw") return Raw(clients, call, ctx);
  if (verb == "logs") return Logs(clients, call, ctx);
  if (verb == "request") return Request(clients, call, ctx);
  if (verb == "getScale" || verb == "updateScale") return Scale(clients, verb, call, ctx);
  if (verb == "bind" || verb == "evict") return PodCall(clients, verb, call, ctx);
  if (verb == "createToken") return Token(clients, call, ctx);
  if (verb == "proxyGet") return Proxy(clients, call, ctx);
  return Discover(clients, verb, call, ctx);
}

Value OfMetadata(const Clients& clients, const std::string& verb, const Value& call,
                 const Context& ctx) {
  const auto resource = clients.metadata.Resource(ResourceOf(call.StringAt({"resource"})))
                            .Namespace(call.StringAt({"namespace"}));
  const auto name = call.StringAt({"name"});
  const auto list = OptionsOf<metav1::ListOptions>(call);
  if (verb == "get") return Outcome(resource.Get(name, {}, {}, ctx));
  if (verb == "delete") return Outcome(resource.Delete(name, {}, {}, ctx));
  if (verb == "patch") {
    const Value* body = call.Find("object");
    return Outcome(resource.Patch(name, PatchTypeOf(call.StringAt({"patchType"})),
                                  body != nullptr ? ToJson(*body) : "{}", {}, {}, ctx));
  }
  if (!list) return Failure(list.error());
  if (verb == "list") return Listed(resource.List(*list, ctx));
  if (verb == "watch") return Watched(resource.Watch(*list, ctx), call.IntAt({"events"}));
  return Failure(Invalid(Cat("the client of metadata has no ", verb)));
}

}  // namespace k8s::conformance
