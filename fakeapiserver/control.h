#pragma once

// /fake/v1/: the server's own door, for tests in any language: faults, the record of exchanges,
// resetting, compacting, the time. Its requests meet no faults and are not recorded. Any thread.
//
//   GET    /fake/v1/faults           every rule, with how often it struck
//   POST   /fake/v1/faults           adds the rules of a YAML or JSON body
//   DELETE /fake/v1/faults[/NAME]    removes all of them, or one
//   GET    /fake/v1/exchanges        what clients asked and were told, in order
//   DELETE /fake/v1/exchanges        forgets them
//   POST   /fake/v1/reset            as after the start: objects, faults and exchanges go
//   POST   /fake/v1/compact          forgets the history up to now
//   GET    /fake/v1/deviations       what is known to differ from a real server
//   GET    /fake/v1/time             the server's clock; POST {"step": "5s"} moves a virtual one

#include <optional>

#include "fakeapiserver/core.h"

namespace k8s::fakeapiserver {

// nullopt: not a path of this door. `bootstrap`: what a reset brings back.
std::optional<Answer> ServeControl(Core& core, const http::Request& request, bool bootstrap);

}  // namespace k8s::fakeapiserver
