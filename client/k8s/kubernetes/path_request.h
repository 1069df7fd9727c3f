#pragma once

// How the dynamic and the metadata client ask: by the path alone, so that errors of their requests
// name no resource where the server's own words are missing, as in client-go. Pure functions; the
// request belongs to the caller.

#include <initializer_list>
#include <string_view>

#include "k8s/api/metav1.h"
#include "k8s/rest/request.h"

namespace k8s::kubernetes {

// Below the path of the resource's group version.
rest::Request RequestBelow(const rest::Client& rest, std::string_view method,
                           const metav1::GroupVersionResource& resource);

// As RequestFor (resource_core.h), whose requests know their resource and name.
rest::Request PathRequestFor(const rest::Client& rest, std::string_view method,
                             const metav1::GroupVersionResource& resource,
                             std::string_view namespace_, std::string_view name = {},
                             std::initializer_list<std::string_view> subresources = {});

}  // namespace k8s::kubernetes
