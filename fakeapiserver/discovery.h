#pragma once

// What the server says of itself: roots, versions, discovery in both forms, health, OpenAPI
// (chapters 1.1 to 1.6). Documents are made from the registry when first asked for. Any thread.

#include <optional>

#include "fakeapiserver/core.h"

namespace k8s::fakeapiserver {

// The answer of a path that is no resource, or nullopt.
std::optional<Answer> ServeFixedPath(Core& core, const Call& call);
// Of /openapi/v2 and /openapi/v3 and below.
std::optional<Answer> ServeOpenApi(Core& core, const Call& call);

// Upper-case hexadecimal SHA-512, as ETags and OpenAPI hashes have it.
std::string HashText(std::string_view bytes);

}  // namespace k8s::fakeapiserver
