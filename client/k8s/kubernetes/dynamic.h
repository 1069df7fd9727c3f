#pragma once

// dynamic::Client: any resource as Unstructured, without a C++ type (chapter 8.6). JSON only;
// objects keep what they say of themselves. A value; any thread may use it.

#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "k8s/api/metav1.h"
#include "k8s/base/context.h"
#include "k8s/kubernetes/resource_core.h"
#include "k8s/kubernetes/watcher.h"
#include "k8s/machinery/unstructured.h"
#include "k8s/rest/client.h"
#include "k8s/rest/config.h"

namespace k8s::dynamic {

// A list document: its own kind, version and metadata, and the items.
struct UnstructuredList {
  Value content{};  // without the items
  std::vector<Unstructured> items{};
  std::string_view GetResourceVersion() const {
    return content.StringAt({"metadata", "resourceVersion"});
  }
  std::string_view GetContinue() const { return content.StringAt({"metadata", "continue"}); }
};

using Subresources = std::initializer_list<std::string_view>;

class ResourceInterface {
 public:
  ResourceInterface(std::shared_ptr<const rest::Client> rest, metav1::GroupVersionResource gvr,
                    std::string namespace_)
      : rest_(std::move(rest)), gvr_(std::move(gvr)), namespace_(std::move(namespace_)) {}

  // The same resource in one namespace; "" is all of them.
  ResourceInterface Namespace(std::string_view namespace_) const {
    return {rest_, gvr_, std::string(namespace_)};
  }

  Result<Unstructured> Create(const Unstructured& object, const metav1::CreateOptions& options = {},
                              Subresources subresources = {}, const Context& ctx = {}) const;
  Result<Unstructured> Update(const Unstructured& object, const metav1::UpdateOptions& options = {},
                              Subresources subresources = {}, const Context& ctx = {}) const;
  Result<Unstructured> UpdateStatus(const Unstructured& object,
                                    const metav1::UpdateOptions& options = {},
                                    const Context& ctx = {}) const;
  Result<void> Delete(std::string_view name, const metav1::DeleteOptions& options = {},
                      Subresources subresources = {}, const Context& ctx = {}) const;
  Result<void> DeleteCollection(const metav1::DeleteOptions& options = {},
                                const metav1::ListOptions& list = {},
                                const Context& ctx = {}) const;
  Result<Unstructured> Get(std::string_view name, const metav1::GetOptions& options = {},
                           Subresources subresources = {}, const Context& ctx = {}) const;
  Result<UnstructuredList> List(const metav1::ListOptions& options = {},
                                const Context& ctx = {}) const;
  // The same list, of which `each` gets every object as soon as its bytes have arrived, so that
  // memory is bounded by the largest of them; false: enough. The list that is returned is empty but
  // for what it says of itself.
  Result<UnstructuredList> ListEach(const metav1::ListOptions& options,
                                    std::function<bool(Unstructured&&)> each,
                                    const Context& ctx = {}) const;
  Result<Watcher<Unstructured>> Watch(const metav1::ListOptions& options = {},
                                      const Context& ctx = {}) const;
  Result<Unstructured> Patch(std::string_view name, kubernetes::PatchType type, std::string data,
                             const metav1::PatchOptions& options = {},
                             Subresources subresources = {}, const Context& ctx = {}) const;
  // The object may carry no managedFields.
  Result<Unstructured> Apply(std::string_view name, const Unstructured& object,
                             const metav1::ApplyOptions& options = {},
                             Subresources subresources = {}, const Context& ctx = {}) const;

 private:
  rest::Request Start(std::string_view method, std::string_view name,
                      Subresources subresources) const;
  // A change, whose answer is wanted or not.
  Result<Unstructured> Send(rest::Request request, const kubernetes::Change& change,
                            const Context& ctx) const;
  Result<void> SendAway(rest::Request request, const kubernetes::Change& change,
                        const Context& ctx) const;
  Result<bool> SendSafely(rest::Request request, const kubernetes::Change& change,
                          const kubernetes::Landing& landing, const Context& ctx) const;

  std::shared_ptr<const rest::Client> rest_;
  metav1::GroupVersionResource gvr_;
  std::string namespace_;
};

class Client {
 public:
  static Result<Client> NewForConfig(const rest::Config& config);
  // Resource({"stable.example.com", "v1", "crontabs"}).
  ResourceInterface Resource(metav1::GroupVersionResource gvr) const {
    return {rest_, std::move(gvr), ""};
  }

 private:
  explicit Client(std::shared_ptr<const rest::Client> rest) : rest_(std::move(rest)) {}
  std::shared_ptr<const rest::Client> rest_;
};

}  // namespace k8s::dynamic
