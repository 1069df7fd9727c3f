#pragma once

// What Go's http.Client does around a transport: follows redirects (4.9), names the request in
// front of every error (`Get "http://host/path": EOF`), and starts nothing once the context has
// ended. It sits outside the layers that add headers, which therefore run again for each hop.

#include "k8s/base/clock.h"
#include "k8s/http/round_tripper.h"

namespace k8s::http {

inline constexpr int kMaxRedirects = 10;

Layer FollowRedirects(std::shared_ptr<Clock> clock);

// `Get "http://host/path"`, without user info.
std::string Describe(const Request& request);
// What a Location means, seen from a URL.
Result<Url> ResolveReference(const Url& base, std::string_view location);

// Reads away the rest of a short body, so that its connection can be used again (4.5).
void DrainShortBody(Body& body);

}  // namespace k8s::http
