#include "k8s/kubernetes/path_request.h"

#include "k8s/machinery/name_rules.h"

namespace k8s::kubernetes {

rest::Request RequestBelow(const rest::Client& rest, std::string_view method,
                           const metav1::GroupVersionResource& resource) {
  rest::Request request = rest.Verb(method);
  if (resource.group.empty()) {
    request.AbsPath({"/api", resource.version});
  } else {
    request.AbsPath({"/apis", resource.group, resource.version});
  }
  return request;
}

rest::Request PathRequestFor(const rest::Client& rest, std::string_view method,
                             const metav1::GroupVersionResource& resource,
                             std::string_view namespace_, std::string_view name,
                             std::initializer_list<std::string_view> subresources) {
  rest::Request request = RequestBelow(rest, method, resource);
  // What is no segment of a path goes the way that says so.
  if (!CheckPathSegment(namespace_).empty()) request.Namespace(namespace_);
  if (!namespace_.empty()) request.Suffix({"namespaces", namespace_});
  request.Suffix({resource.resource});
  if (!CheckPathSegment(name).empty()) request.Name(name);
  if (!name.empty()) request.Suffix({name});
  request.Suffix(subresources);
  return request;
}

}  // namespace k8s::kubernetes
