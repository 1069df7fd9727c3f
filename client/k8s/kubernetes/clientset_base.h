#pragma once

// What every Clientset has below its generated accessors: the shared configuration and one
// rest::Client for each group version, made when it is first asked for. Copies share all of it; any
// thread may use it.

#include <memory>
#include <string_view>

#include "k8s/discovery/client.h"
#include "k8s/kubernetes/resource_client.h"
#include "k8s/rest/client.h"
#include "k8s/rest/config.h"

namespace k8s::kubernetes {

// A rest::Client for one group version by that config (RESTClientFor of client-go).
Result<std::shared_ptr<const rest::Client>> RESTClientFor(const rest::Config& config,
                                                          std::string_view group,
                                                          std::string_view version);

// The accessors of a group version derive from this.
class GroupClient {
 public:
  explicit GroupClient(std::shared_ptr<const rest::Client> rest) : rest_(std::move(rest)) {}
  const rest::Client& RESTClient() const { return *rest_; }

 protected:
  std::shared_ptr<const rest::Client> rest_;
};

class ClientsetBase {
 public:
  // The typed client of T, a kind of one's own (k8s/api/custom.h) or a built-in one, by its table.
  template <class T>
  ResourceClient<T> For(std::string_view namespace_ = {}) const {
    static_assert(!kHasFields<T> || kHasNames<T>, "write K8S_RESOURCE(Type, ...) for this type");
    const TypeInfo& type = TypeOf<T>();
    const auto encoding = type.Has(kJsonOnly) ? Encoding::kJson : Encoding::kAsConfigured;
    return {Group(type.group_version->group, type.group_version->version, encoding),
            type.resource->resource, namespace_};
  }

  // What the server serves. Shares the limiter when QPS was set (1.3).
  discovery::Client Discovery() const;

 protected:
  static Result<ClientsetBase> Make(const rest::Config& config);
  // Servers have no protobuf form of custom resources, so their clients never speak it.
  enum class Encoding : uint8_t { kAsConfigured, kJson };
  std::shared_ptr<const rest::Client> Group(std::string_view group, std::string_view version,
                                            Encoding encoding = Encoding::kAsConfigured) const;

 private:
  // What K8S_FIELDS and K8S_RESOURCE put beside a struct.
  template <class T>
  static constexpr bool kHasFields = requires(const T* object) {
    K8sFields(object);
  };
  template <class T>
  static constexpr bool kHasNames = requires(const T* object) {
    K8sResource(object);
  };

  struct State;
  explicit ClientsetBase(std::shared_ptr<State> state) : state_(std::move(state)) {}

  std::shared_ptr<State> state_;
};

}  // namespace k8s::kubernetes
