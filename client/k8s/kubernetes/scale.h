#pragma once

// scale::Client: the scale of any resource that has one, as autoscaling/v1 whatever the server
// calls it (chapter 8.8). A REST mapper says which version of a resource is meant; discovery says
// which scale it has, asked once for each. A value; any thread may use it.

#include <memory>
#include <string>
#include <string_view>

#include "k8s/api/autoscalingv1.h"
#include "k8s/api/metav1.h"
#include "k8s/base/context.h"
#include "k8s/discovery/rest_mapper.h"
#include "k8s/kubernetes/resource_core.h"
#include "k8s/rest/client.h"
#include "k8s/rest/config.h"

namespace k8s::scale {

class ScaleInterface;

class Client {
 public:
  static Result<Client> NewForConfig(const rest::Config& config,
                                     std::shared_ptr<const discovery::RESTMapper> mapper,
                                     std::shared_ptr<const discovery::Interface> discovery);
  ScaleInterface Scales(std::string_view namespace_) const;

 private:
  friend class ScaleInterface;
  struct State;
  explicit Client(std::shared_ptr<State> state) : state_(std::move(state)) {}
  std::shared_ptr<State> state_;
};

class ScaleInterface {
 public:
  ScaleInterface(Client client, std::string_view namespace_)
      : client_(std::move(client)), namespace_(namespace_) {}

  Result<autoscalingv1::Scale> Get(const metav1::GroupResource& resource, std::string_view name,
                                   const metav1::GetOptions& options = {},
                                   const Context& ctx = {}) const;
  // Converted to the scale that the resource has.
  Result<autoscalingv1::Scale> Update(const metav1::GroupResource& resource,
                                      const autoscalingv1::Scale& scale,
                                      const metav1::UpdateOptions& options = {},
                                      const Context& ctx = {}) const;
  Result<autoscalingv1::Scale> Patch(const metav1::GroupVersionResource& resource,
                                     std::string_view name, kubernetes::PatchType type,
                                     std::string data, const metav1::PatchOptions& options = {},
                                     const Context& ctx = {}) const;

 private:
  Client client_;
  std::string namespace_;
};

}  // namespace k8s::scale
