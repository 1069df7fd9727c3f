#pragma once

// metadata::Client: any resource, of whose objects only the metadata is sent (chapter 8.7).
// Protobuf is preferred; a server that sends whole objects as JSON is understood too. A value; any
// thread may use it.

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

#include "k8s/api/metav1.h"
#include "k8s/base/context.h"
#include "k8s/kubernetes/resource_core.h"
#include "k8s/kubernetes/watcher.h"
#include "k8s/rest/client.h"
#include "k8s/rest/config.h"

namespace k8s::metadata {

using Subresources = std::initializer_list<std::string_view>;

class ResourceInterface {
 public:
  ResourceInterface(std::shared_ptr<const rest::Client> rest, metav1::GroupVersionResource resource,
                    std::string namespace_)
      : rest_(std::move(rest)), resource_(std::move(resource)), namespace_(std::move(namespace_)) {}

  // The same resource in one namespace; "" is all of them.
  ResourceInterface Namespace(std::string_view namespace_) const {
    return {rest_, resource_, std::string(namespace_)};
  }

  Result<void> Delete(std::string_view name, const metav1::DeleteOptions& options = {},
                      Subresources subresources = {}, const Context& ctx = {}) const;
  Result<void> DeleteCollection(const metav1::DeleteOptions& options = {},
                                const metav1::ListOptions& list = {},
                                const Context& ctx = {}) const;
  Result<metav1::PartialObjectMetadata> Get(std::string_view name,
                                            const metav1::GetOptions& options = {},
                                            Subresources subresources = {},
                                            const Context& ctx = {}) const;
  Result<metav1::PartialObjectMetadataList> List(const metav1::ListOptions& options = {},
                                                 const Context& ctx = {}) const;
  Result<Watcher<metav1::PartialObjectMetadata>> Watch(const metav1::ListOptions& options = {},
                                                       const Context& ctx = {}) const;
  Result<metav1::PartialObjectMetadata> Patch(std::string_view name, kubernetes::PatchType type,
                                              std::string data,
                                              const metav1::PatchOptions& options = {},
                                              Subresources subresources = {},
                                              const Context& ctx = {}) const;

 private:
  rest::Request Start(std::string_view method, std::string_view name, Subresources subresources,
                      std::string_view accept) const;

  std::shared_ptr<const rest::Client> rest_;
  metav1::GroupVersionResource resource_;
  std::string namespace_;
};

class Client {
 public:
  static Result<Client> NewForConfig(const rest::Config& config);
  ResourceInterface Resource(metav1::GroupVersionResource resource) const {
    return {rest_, std::move(resource), ""};
  }

 private:
  explicit Client(std::shared_ptr<const rest::Client> rest) : rest_(std::move(rest)) {}
  std::shared_ptr<const rest::Client> rest_;
};

}  // namespace k8s::metadata
