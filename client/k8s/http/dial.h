#pragma once

// Opening TCP connections: names are resolved without blocking the caller beyond its deadline, the
// addresses tried in turn. Any thread may call it.

#include <functional>
#include <memory>
#include <string>

#include "k8s/http/byte_stream.h"

namespace k8s::http {

// Instead of the built-in dialling: returns a connected socket, which the transport then owns.
// `address` is "host:port", with brackets around an IPv6 host.
using DialFunction = std::function<Result<int>(const std::string& address, const Context& ctx)>;

// Lookups that nobody waits for any more and that the resolver has not finished; with so many, no
// more are begun.
inline constexpr size_t kMaxLookupsLeftAlone = 100;

// Resolves host (a name or an address) and connects. Errors are Error::Transport in the words
// "dial tcp 127.0.0.1:1: connect: connection refused", or the error of the context.
Result<int> DialTcp(const std::string& host, const std::string& port, const Waiting& waiting);

}  // namespace k8s::http
