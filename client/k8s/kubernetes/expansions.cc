#include "k8s/kubernetes/expansions.h"

#include "k8s/api/authenticationv1.h"
#include "k8s/api/certificatesv1.h"
#include "k8s/api/certificatesv1beta1.h"
#include "k8s/api/corev1.h"
#include "k8s/api/eventsv1beta1.h"
#include "k8s/api/extensionsv1beta1.h"
#include "k8s/api/policyv1.h"
#include "k8s/api/policyv1beta1.h"
#include "k8s/base/strings.h"

namespace k8s::kubernetes {
namespace {

// Puts the object into a request, with its own kind and version.
template <class T>
rest::Request WithBody(rest::Request request, const T& object) {
  const TypeInfo& type = TypeOf<T>();
  request.Body(type, &object, {std::string(type.api_version()), std::string(type.name)});
  return request;
}

template <class Options>
rest::Request WithOptions(rest::Request request, const Options& options) {
  request.VersionedParams(TypeOf<Options>(), &options);
  return request;
}

rest::Request OfName(rest::Request request, std::string_view name, std::string_view subresource) {
  request.Name(name).SubResource(subresource);
  return request;
}

}  // namespace

rest::Request ProxyingCore::ProxyGet(std::string_view scheme, std::string_view name,
                                     std::string_view port, std::string_view path,
                                     const std::map<std::string, std::string>& params) const {
  const std::string id = !scheme.empty() ? Cat(scheme, ":", name, ":", port)
                         : !port.empty() ? Cat(name, ":", port)
                                         : std::string(name);
  rest::Request request = OfName(StartInNamespace("GET", false), id, "proxy");
  request.Suffix({path});
  for (const auto& [key, value] : params) request.Param(key, value);
  return request;
}

Result<void> Expansion<corev1::Pod>::Bind(const corev1::Binding& binding,
                                          const metav1::CreateOptions& options,
                                          const Context& ctx) const {
  auto request = OfName(StartInNamespace("POST", false), binding.metadata.name, "binding");
  return Call(WithBody(WithOptions(std::move(request), options), binding), ctx);
}

Result<void> Expansion<corev1::Pod>::Evict(const policyv1beta1::Eviction& eviction,
                                           const Context& ctx) const {
  return EvictV1beta1(eviction, ctx);
}

Result<void> Expansion<corev1::Pod>::EvictV1beta1(const policyv1beta1::Eviction& eviction,
                                                  const Context& ctx) const {
  auto request = OfName(StartInNamespace("POST", false), eviction.metadata.name, "eviction");
  return Call(WithBody(std::move(request), eviction), ctx);
}

Result<void> Expansion<corev1::Pod>::EvictV1(const policyv1::Eviction& eviction,
                                             const Context& ctx) const {
  auto request = OfName(StartInNamespace("POST", false), eviction.metadata.name, "eviction");
  return Call(WithBody(std::move(request), eviction), ctx);
}

rest::Request Expansion<corev1::Pod>::GetLogs(std::string_view name,
                                              const corev1::PodLogOptions& options) const {
  return WithOptions(OfName(StartInNamespace("GET", false), name, "log"), options);
}

Result<corev1::Pod> Expansion<corev1::Pod>::UpdateEphemeralContainers(
    std::string_view name, const corev1::Pod& pod, const metav1::UpdateOptions& options,
    const Context& ctx) const {
  auto request = OfName(StartInNamespace("PUT", true), name, "ephemeralcontainers");
  return Call<corev1::Pod>(WithBody(WithOptions(std::move(request), options), pod), ctx);
}

Result<corev1::Pod> Expansion<corev1::Pod>::UpdateResize(std::string_view name,
                                                         const corev1::Pod& pod,
                                                         const metav1::UpdateOptions& options,
                                                         const Context& ctx) const {
  auto request = OfName(StartInNamespace("PUT", true), name, "resize");
  return Call<corev1::Pod>(WithBody(WithOptions(std::move(request), options), pod), ctx);
}

Result<corev1::Namespace> Expansion<corev1::Namespace>::Finalize(
    const corev1::Namespace& object, const metav1::UpdateOptions& options,
    const Context& ctx) const {
  auto request = OfName(Start("PUT", false), object.metadata.name, "finalize");
  return Call<corev1::Namespace>(WithBody(WithOptions(std::move(request), options), object), ctx);
}

Result<corev1::Node> Expansion<corev1::Node>::PatchStatus(std::string_view name, std::string data,
                                                          const Context& ctx) const {
  auto request = OfName(Start("PATCH", false), name, "status");
  request.SetHeader("Content-Type", std::string(MediaTypeOf(PatchType::kStrategicMergePatch)))
      .Body(std::move(data));
  return Call<corev1::Node>(std::move(request), ctx);
}

Result<authenticationv1::TokenRequest> Expansion<corev1::ServiceAccount>::CreateToken(
    std::string_view name, const authenticationv1::TokenRequest& token,
    const metav1::CreateOptions& options, const Context& ctx) const {
  auto request = OfName(StartInNamespace("POST", true), name, "token");
  return Call<authenticationv1::TokenRequest>(
      WithBody(WithOptions(std::move(request), options), token), ctx);
}

namespace {

Result<void> CheckEventNamespace(std::string_view what, const std::string& client,
                                 const std::string& event) {
  if (client.empty() || client == event) return {};
  return Invalid(
      Cat("can't ", what, " an event with namespace '", event, "' in namespace '", client, "'"));
}

}  // namespace

template <class Event>
Result<Event> EventExpansion<Event>::CreateWithEventNamespace(const Event& event,
                                                              const Context& ctx) const {
  const std::string& own = event.metadata.namespace_;
  if (auto fits = CheckEventNamespace("create", Namespace(), own); !fits) return fits.error();
  rest::Request request = Rest()->Post();
  request.NamespaceIfSet(own).Resource(Resource());
  return Call<Event>(WithBody(std::move(request), event), ctx);
}

template <class Event>
Result<Event> EventExpansion<Event>::UpdateWithEventNamespace(const Event& event,
                                                              const Context& ctx) const {
  const std::string& own = event.metadata.namespace_;
  if (auto fits = CheckEventNamespace("update", Namespace(), own); !fits) return fits.error();
  rest::Request request = Rest()->Put();
  request.NamespaceIfSet(own).Resource(Resource()).Name(event.metadata.name);
  return Call<Event>(WithBody(std::move(request), event), ctx);
}

template <class Event>
Result<Event> EventExpansion<Event>::PatchWithEventNamespace(const Event& event, std::string data,
                                                             const Context& ctx) const {
  const std::string& own = event.metadata.namespace_;
  if (auto fits = CheckEventNamespace("patch", Namespace(), own); !fits) return fits.error();
  rest::Request request = Rest()->Patch(MediaTypeOf(PatchType::kStrategicMergePatch));
  request.NamespaceIfSet(own).Resource(Resource()).Name(event.metadata.name).Body(std::move(data));
  return Call<Event>(std::move(request), ctx);
}

template class EventExpansion<corev1::Event>;
template class EventExpansion<eventsv1beta1::Event>;

std::string Expansion<corev1::Event>::GetFieldSelector(const std::optional<std::string>& name,
                                                       const std::optional<std::string>& namespace_,
                                                       const std::optional<std::string>& kind,
                                                       const std::optional<std::string>& uid) {
  std::string selector;
  const auto add = [&](std::string_view part, const std::optional<std::string>& value) {
    if (!value) return;
    if (!selector.empty()) selector += ',';
    selector += Cat("involvedObject.", part, "=", *value);
  };
  add("kind", kind);
  add("name", name);
  add("namespace", namespace_);
  add("uid", uid);
  return selector;
}

Result<ListOf<corev1::Event>> Expansion<corev1::Event>::Search(
    const corev1::ObjectReference& object, const Context& ctx) const {
  if (!Namespace().empty() && object.namespace_ != Namespace()) {
    return Invalid(Cat("won't be able to find any events of namespace '", object.namespace_,
                       "' in namespace '", Namespace(), "'"));
  }
  const auto unless_empty = [](const std::string& text) {
    return text.empty() ? std::nullopt : std::optional(text);
  };
  const metav1::ListOptions options{
      .fieldSelector = GetFieldSelector(object.name, object.namespace_, unless_empty(object.kind),
                                        unless_empty(object.uid))};
  return Call<ListOf<corev1::Event>>(Listing("GET", options, false), ctx);
}

template <class Eviction>
Result<void> EvictionExpansion<Eviction>::Evict(const Eviction& eviction,
                                                const Context& ctx) const {
  rest::Request request = Rest()->Post();
  request.AbsPath({"/api/v1"})
      .Namespace(Namespace())
      .Resource("pods")
      .Name(eviction.metadata.name)
      .SubResource("eviction");
  return Call(WithBody(std::move(request), eviction), ctx);
}

template class EvictionExpansion<policyv1::Eviction>;
template class EvictionExpansion<policyv1beta1::Eviction>;

Result<certificatesv1::CertificateSigningRequest>
Expansion<certificatesv1::CertificateSigningRequest>::UpdateApproval(
    std::string_view name, const certificatesv1::CertificateSigningRequest& csr,
    const metav1::UpdateOptions& options, const Context& ctx) const {
  auto request = OfName(Start("PUT"), name, "approval");
  return Call<certificatesv1::CertificateSigningRequest>(
      WithBody(WithOptions(std::move(request), options), csr), ctx);
}

Result<certificatesv1beta1::CertificateSigningRequest>
Expansion<certificatesv1beta1::CertificateSigningRequest>::UpdateApproval(
    const certificatesv1beta1::CertificateSigningRequest& csr, const metav1::UpdateOptions& options,
    const Context& ctx) const {
  auto request = OfName(Start("PUT", false), csr.metadata.name, "approval");
  return Call<certificatesv1beta1::CertificateSigningRequest>(
      WithBody(WithOptions(std::move(request), options), csr), ctx);
}

Result<void> Expansion<extensionsv1beta1::Deployment>::Rollback(
    const extensionsv1beta1::DeploymentRollback& rollback, const metav1::CreateOptions& options,
    const Context& ctx) const {
  auto request = OfName(StartInNamespace("POST", false), rollback.name, "rollback");
  return Call(WithBody(WithOptions(std::move(request), options), rollback), ctx);
}

}  // namespace k8s::kubernetes
