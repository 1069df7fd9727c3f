#pragma once

// Which proxy a request goes through, and the two handshakes that proxies want. Pure but for the
// stream that a handshake is given; any thread may call it.

#include <functional>
#include <optional>

#include "k8s/base/host.h"
#include "k8s/http/byte_stream.h"
#include "k8s/http/url.h"

namespace k8s::http {

// The proxy for a URL: http, https or socks5; nullopt: none.
using ProxyFunction = std::function<Result<std::optional<Url>>(const Url& target)>;

// HTTP_PROXY, HTTPS_PROXY and NO_PROXY, in upper or lower case, read once. NO_PROXY lists names
// (with their subdomains), addresses, address ranges such as 10.0.0.0/8, each perhaps with a port,
// or "*". localhost and loopback addresses are never proxied.
ProxyFunction ProxyFromEnvironment(const Host& host);
// Always this one.
ProxyFunction FixedProxy(Url proxy);

// "Basic ..." from the user info of a proxy's URL, "" when there is none.
std::string ProxyAuthorization(const Url& proxy);

// Asks an HTTP proxy to connect the stream to host:port.
Result<void> ConnectThroughHttp(ByteStream& stream, const Url& proxy, const std::string& authority,
                                const Waiting& waiting);
// The same by SOCKS 5; the proxy resolves the name.
Result<void> ConnectThroughSocks(ByteStream& stream, const Url& proxy, const std::string& host,
                                 const std::string& port, const Waiting& waiting);

}  // namespace k8s::http
