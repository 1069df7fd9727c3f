#include "k8s/kubernetes/scale.h"

#include <map>
#include <mutex>

#include "k8s/api/appsv1beta1.h"
#include "k8s/api/appsv1beta2.h"
#include "k8s/api/extensionsv1beta1.h"
#include "k8s/api/group_versions.h"
#include "k8s/base/strings.h"
#include "k8s/machinery/labels.h"
#include "k8s/rest/content.h"
#include "k8s/rest/transport_for.h"

namespace k8s::scale {
namespace {

std::string Text(const metav1::GroupVersionResource& resource) {
  return Cat(resource.group, "/", resource.version, ", Resource=", resource.resource);
}

// The old scales have their selector twice: as a map of what fits into one, and as a text.
template <class Old>
autoscalingv1::Scale FromOld(const Old& old) {
  autoscalingv1::Scale scale{.metadata = old.metadata,
                             .spec = {.replicas = old.spec.replicas},
                             .status = {.replicas = old.status.replicas}};
  scale.status.selector = old.status.targetSelector;
  if (!scale.status.selector.empty()) return scale;
  for (const auto& [key, value] : old.status.selector) {
    if (!scale.status.selector.empty()) scale.status.selector += ',';
    scale.status.selector += Cat(key, "=", value);
  }
  return scale;
}

template <class Old>
Old ToOld(const autoscalingv1::Scale& scale) {
  Old old;
  old.metadata = scale.metadata;
  old.spec.replicas = scale.spec.replicas;
  old.status.replicas = scale.status.replicas;
  old.status.targetSelector = scale.status.selector;
  const auto selector = labels::Selector::Parse(scale.status.selector);
  if (!selector) return old;
  for (const labels::Requirement& one : selector->requirements()) {
    if (one.op != labels::Operator::kEquals && one.op != labels::Operator::kDoubleEquals) {
      old.status.selector.clear();
      return old;
    }
    old.status.selector[one.key] = one.values.front();
  }
  return old;
}

template <class Old>
Result<autoscalingv1::Scale> DecodeOld(const rest::Answer& answer) {
  Old old;
  const auto read = answer.Into(TypeOf<Old>(), &old);
  if (!read) return read.error();
  return FromOld(old);
}

Result<autoscalingv1::Scale> Decode(const Result<rest::Answer>& answer) {
  if (!answer) return answer.error();
  const rest::Codec* codec = rest::FindCodec(answer->content_type);
  const auto said = codec != nullptr ? codec->peek(answer->body) : Result<TypeMeta>(TypeMeta{});
  if (!said) return said.error();
  if (said->api_version == "extensions/v1beta1")
    return DecodeOld<extensionsv1beta1::Scale>(*answer);
  if (said->api_version == "apps/v1beta1") return DecodeOld<appsv1beta1::Scale>(*answer);
  if (said->api_version == "apps/v1beta2") return DecodeOld<appsv1beta2::Scale>(*answer);
  autoscalingv1::Scale scale;
  const auto read = answer->Into(TypeOf<autoscalingv1::Scale>(), &scale);
  if (!read) return read.error();
  return scale;
}

template <class T>
void PutBody(rest::Request& request, const T& scale) {
  const TypeInfo& type = TypeOf<T>();
  request.Body(type, &scale, {std::string(type.api_version()), std::string(type.name)});
}

}  // namespace

struct Client::State {
  std::shared_ptr<const rest::Client> rest;
  std::shared_ptr<const discovery::RESTMapper> mapper;
  std::shared_ptr<const discovery::Interface> discovery;
  mutable std::mutex mutex;
  mutable std::map<std::string, std::string> kinds;  // resource to its scale's version; by mutex

  Result<metav1::GroupVersionResource> Preferred(const metav1::GroupResource& resource,
                                                 const Context& ctx) const {
    const metav1::GroupVersionResource partial{resource.group, "", resource.resource};
    auto found = mapper->ResourceFor(partial, ctx);
    if (!found) {
      return found.error().Within(
          Cat("unable to get full preferred group-version-resource for ", Text(partial)));
    }
    return found;
  }

  // The group version of the scale of that resource.
  Result<std::string> VersionOf(const metav1::GroupVersionResource& resource,
                                const Context& ctx) const {
    const std::string key = Text(resource);
    {
      std::lock_guard lock(mutex);
      if (const auto found = kinds.find(key); found != kinds.end()) return found->second;
    }
    const std::string own =
        resource.group.empty() ? resource.version : Cat(resource.group, "/", resource.version);
    const auto list = discovery->ServerResourcesForGroupVersion(own, ctx);
    if (!list) {
      return list.error().Within(Cat("unable to fetch discovery information for ", key));
    }
    for (const metav1::APIResource& one : list->resources) {
      if (one.name != Cat(resource.resource, "/scale")) continue;
      std::string version =
          one.group.empty() || one.version.empty() ? own : Cat(one.group, "/", one.version);
      std::lock_guard lock(mutex);
      return kinds.emplace(key, std::move(version)).first->second;
    }
    return Invalid(Cat("could not find scale subresource for ", key, " in discovery information"));
  }
};

Result<Client> Client::NewForConfig(const rest::Config& config,
                                    std::shared_ptr<const discovery::RESTMapper> mapper,
                                    std::shared_ptr<const discovery::Interface> discovery) {
  rest::Config own = config;
  if (own.user_agent.empty()) own.user_agent = rest::DefaultKubernetesUserAgent(own.env);
  auto rest = rest::ClientFor(own, {.content = {own.accept_content_types, own.content_type},
                                    .timeout = own.timeout,
                                    .find_kind = &FindKind});
  if (!rest) return rest.error();
  auto state = std::make_shared<State>();
  state->rest = *std::move(rest);
  state->mapper = std::move(mapper);
  state->discovery = std::move(discovery);
  return Client(std::move(state));
}

ScaleInterface Client::Scales(std::string_view namespace_) const { return {*this, namespace_}; }

Result<autoscalingv1::Scale> ScaleInterface::Get(const metav1::GroupResource& resource,
                                                 std::string_view name,
                                                 const metav1::GetOptions& options,
                                                 const Context& ctx) const {
  const auto preferred = client_.state_->Preferred(resource, ctx);
  if (!preferred) return preferred.error();
  auto request = kubernetes::RequestFor(*client_.state_->rest, "GET", *preferred, namespace_);
  request.Name(name).SubResource("scale").VersionedParams(TypeOf<metav1::GetOptions>(), &options);
  return Decode(request.Do(ctx));
}

Result<autoscalingv1::Scale> ScaleInterface::Update(const metav1::GroupResource& resource,
                                                    const autoscalingv1::Scale& scale,
                                                    const metav1::UpdateOptions& options,
                                                    const Context& ctx) const {
  const auto preferred = client_.state_->Preferred(resource, ctx);
  if (!preferred) return preferred.error();
  const auto version = client_.state_->VersionOf(*preferred, ctx);
  if (!version) {
    return version.error().Within(
        Cat("could not find proper group-version for scale subresource of ", Text(*preferred)));
  }
  auto request = kubernetes::RequestFor(*client_.state_->rest, "PUT", *preferred, namespace_);
  request.Name(scale.metadata.name)
      .SubResource("scale")
      .VersionedParams(TypeOf<metav1::UpdateOptions>(), &options);
  if (*version == "extensions/v1beta1") {
    PutBody(request, ToOld<extensionsv1beta1::Scale>(scale));
  } else if (*version == "apps/v1beta1") {
    PutBody(request, ToOld<appsv1beta1::Scale>(scale));
  } else if (*version == "apps/v1beta2") {
    PutBody(request, ToOld<appsv1beta2::Scale>(scale));
  } else {
    PutBody(request, scale);
  }
  return Decode(request.Do(ctx));
}

Result<autoscalingv1::Scale> ScaleInterface::Patch(const metav1::GroupVersionResource& resource,
                                                   std::string_view name,
                                                   kubernetes::PatchType type, std::string data,
                                                   const metav1::PatchOptions& options,
                                                   const Context& ctx) const {
  auto request = kubernetes::RequestFor(*client_.state_->rest, "PATCH", resource, namespace_);
  request.Name(name)
      .SubResource("scale")
      .SetHeader("Content-Type", std::string(kubernetes::MediaTypeOf(type)))
      .VersionedParams(TypeOf<metav1::PatchOptions>(), &options)
      .Body(std::move(data));
  return Decode(request.Do(ctx));
}

}  // namespace k8s::scale
