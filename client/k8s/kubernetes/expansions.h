#pragma once

// The methods that single kinds have beyond the common verbs (chapter 8.3), as bases of their
// ResourceClient. Those that Go generates prefer protobuf, the hand-written ones do not (C-8.28).

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "k8s/api/object.h"
#include "k8s/kubernetes/resource_core.h"

namespace k8s {

namespace authenticationv1 {
struct TokenRequest;
}
namespace certificatesv1 {
struct CertificateSigningRequest;
}
namespace certificatesv1beta1 {
struct CertificateSigningRequest;
}
namespace corev1 {
struct Binding;
struct Event;
struct Namespace;
struct Node;
struct ObjectReference;
struct Pod;
struct PodLogOptions;
struct Service;
struct ServiceAccount;
}  // namespace corev1
namespace eventsv1beta1 {
struct Event;
}
namespace extensionsv1beta1 {
struct Deployment;
struct DeploymentRollback;
}  // namespace extensionsv1beta1
namespace policyv1 {
struct Eviction;
}
namespace policyv1beta1 {
struct Eviction;
}

namespace kubernetes {

template <class T>
class Expansion : public ResourceCore {
 public:
  using ResourceCore::ResourceCore;
};

// ProxyGet of pods and services: the id is name, name:port or scheme:name:port (C-8.10).
class ProxyingCore : public ResourceCore {
 public:
  using ResourceCore::ResourceCore;
  rest::Request ProxyGet(std::string_view scheme, std::string_view name, std::string_view port,
                         std::string_view path,
                         const std::map<std::string, std::string>& params = {}) const;
};

template <>
class Expansion<corev1::Pod> : public ProxyingCore {
 public:
  using ProxyingCore::ProxyingCore;
  Result<void> Bind(const corev1::Binding& binding, const metav1::CreateOptions& options = {},
                    const Context& ctx = {}) const;
  Result<void> Evict(const policyv1beta1::Eviction& eviction, const Context& ctx = {}) const;
  Result<void> EvictV1beta1(const policyv1beta1::Eviction& eviction, const Context& ctx = {}) const;
  Result<void> EvictV1(const policyv1::Eviction& eviction, const Context& ctx = {}) const;
  // A request to be streamed or read: GetLogs("web", {.follow = true}).Stream(ctx).
  rest::Request GetLogs(std::string_view name, const corev1::PodLogOptions& options) const;
  Result<corev1::Pod> UpdateEphemeralContainers(std::string_view name, const corev1::Pod& pod,
                                                const metav1::UpdateOptions& options = {},
                                                const Context& ctx = {}) const;
  Result<corev1::Pod> UpdateResize(std::string_view name, const corev1::Pod& pod,
                                   const metav1::UpdateOptions& options = {},
                                   const Context& ctx = {}) const;
};

template <>
class Expansion<corev1::Service> : public ProxyingCore {
 public:
  using ProxyingCore::ProxyingCore;
};

template <>
class Expansion<corev1::Namespace> : public ResourceCore {
 public:
  using ResourceCore::ResourceCore;
  Result<corev1::Namespace> Finalize(const corev1::Namespace& object,
                                     const metav1::UpdateOptions& options = {},
                                     const Context& ctx = {}) const;
};

template <>
class Expansion<corev1::Node> : public ResourceCore {
 public:
  using ResourceCore::ResourceCore;
  // A strategic merge patch of the status.
  Result<corev1::Node> PatchStatus(std::string_view name, std::string data,
                                   const Context& ctx = {}) const;
};

template <>
class Expansion<corev1::ServiceAccount> : public ResourceCore {
 public:
  using ResourceCore::ResourceCore;
  Result<authenticationv1::TokenRequest> CreateToken(std::string_view name,
                                                     const authenticationv1::TokenRequest& request,
                                                     const metav1::CreateOptions& options = {},
                                                     const Context& ctx = {}) const;
};

// The namespace of the event decides where it goes; a client of another namespace refuses (C-8.27).
template <class Event>
class EventExpansion : public ResourceCore {
 public:
  using ResourceCore::ResourceCore;
  Result<Event> CreateWithEventNamespace(const Event& event, const Context& ctx = {}) const;
  Result<Event> UpdateWithEventNamespace(const Event& event, const Context& ctx = {}) const;
  Result<Event> PatchWithEventNamespace(const Event& event, std::string data,
                                        const Context& ctx = {}) const;
};

template <>
class Expansion<corev1::Event> : public EventExpansion<corev1::Event> {
 public:
  using EventExpansion::EventExpansion;
  // The selector of the parts that are set.
  static std::string GetFieldSelector(const std::optional<std::string>& name,
                                      const std::optional<std::string>& namespace_,
                                      const std::optional<std::string>& kind,
                                      const std::optional<std::string>& uid);
  // The events about the object that is referred to. A client of another namespace than the
  // object's would find none, and says so.
  Result<ListOf<corev1::Event>> Search(const corev1::ObjectReference& object,
                                       const Context& ctx = {}) const;
};

template <>
class Expansion<eventsv1beta1::Event> : public EventExpansion<eventsv1beta1::Event> {
 public:
  using EventExpansion::EventExpansion;
};

// Evictions of both policy versions go to the pod's eviction in core (8.3).
template <class Eviction>
class EvictionExpansion : public ResourceCore {
 public:
  using ResourceCore::ResourceCore;
  Result<void> Evict(const Eviction& eviction, const Context& ctx = {}) const;
};

template <>
class Expansion<policyv1::Eviction> : public EvictionExpansion<policyv1::Eviction> {
 public:
  using EvictionExpansion::EvictionExpansion;
};
template <>
class Expansion<policyv1beta1::Eviction> : public EvictionExpansion<policyv1beta1::Eviction> {
 public:
  using EvictionExpansion::EvictionExpansion;
};

template <>
class Expansion<certificatesv1::CertificateSigningRequest> : public ResourceCore {
 public:
  using ResourceCore::ResourceCore;
  Result<certificatesv1::CertificateSigningRequest> UpdateApproval(
      std::string_view name, const certificatesv1::CertificateSigningRequest& request,
      const metav1::UpdateOptions& options = {}, const Context& ctx = {}) const;
};
template <>
class Expansion<certificatesv1beta1::CertificateSigningRequest> : public ResourceCore {
 public:
  using ResourceCore::ResourceCore;
  Result<certificatesv1beta1::CertificateSigningRequest> UpdateApproval(
      const certificatesv1beta1::CertificateSigningRequest& request,
      const metav1::UpdateOptions& options = {}, const Context& ctx = {}) const;
};

template <>
class Expansion<extensionsv1beta1::Deployment> : public ResourceCore {
 public:
  using ResourceCore::ResourceCore;
  Result<void> Rollback(const extensionsv1beta1::DeploymentRollback& rollback,
                        const metav1::CreateOptions& options = {}, const Context& ctx = {}) const;
};

}  // namespace kubernetes
}  // namespace k8s
