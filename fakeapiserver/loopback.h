#pragma once

// The server without sockets: a RoundTripper that calls the handlers on the caller's thread. Waits
// go through the Clock, so that virtual time works. Any number of threads may use it at once. It
// refers to the server, which must outlive the exchanges.

#include <functional>
#include <memory>

#include "fakeapiserver/answer.h"
#include "k8s/base/env.h"
#include "k8s/http/round_tripper.h"

namespace k8s::fakeapiserver {

using ServeFunction = std::function<Answer(const http::Request& request)>;
std::shared_ptr<http::RoundTripper> MakeLoopback(Env env, ServeFunction serve);

}  // namespace k8s::fakeapiserver
