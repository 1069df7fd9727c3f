#pragma once

// From a Config to the stack of layers that its requests pass, and to a Client over it. Pooled
// socket transports with equal settings are shared by the whole process (6.3), so that two clients
// of one kubeconfig share their connections; an entry goes with its last user. Any thread may call
// it.

#include "k8s/rest/client.h"
#include "k8s/rest/config.h"

namespace k8s::rest {

// The whole stack, with a limiter by RateLimiterFor. Errors are kConfig, in the order of 1.7; no
// network I/O.
Result<std::shared_ptr<http::RoundTripper>> TransportFor(const Config& config);
// Only what is below the layers: config.transport, or a shared socket transport.
Result<std::shared_ptr<http::RoundTripper>> BaseTransportFor(const Config& config);

// A client of that server: base, stack, warning handler and env of the options come from the
// config, the rest of them are the caller's.
Result<std::shared_ptr<const Client>> ClientFor(const Config& config, ClientOptions options);

}  // namespace k8s::rest
