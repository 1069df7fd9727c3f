#pragma once

// The server without sockets: a RoundTripper that calls the handlers on the caller's thread. Waits
// go through the Clock, so that virtual time works. Any number of threads may use it at once. It
// refers to the server, which must outlive the exchanges.

#include <memory>

#include "fakeapiserver/session.h"
#include "k8s/base/env.h"
#include "k8s/http/round_tripper.h"

namespace k8s::fakeapiserver {

// Requests and answers as values: nothing is encoded for a wire that is not there.
std::shared_ptr<http::RoundTripper> MakeLoopback(Env env, Door& door);
// The same over connections in memory, byte for byte what sockets would carry, with the client's
// own transport at the other end: so faults of the wire can strike, in virtual time.
std::shared_ptr<http::RoundTripper> MakeWireLoopback(Env env, Door& door);

}  // namespace k8s::fakeapiserver
