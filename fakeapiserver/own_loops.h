#pragma once

// The little that the server's own loops write about objects that others made. Hooks of
// strategy.h; they run under the write lock, once the object is stored.

#include "fakeapiserver/store.h"

namespace k8s::fakeapiserver {

struct Core;
struct Served;

// Whether a flow schema's priority level is there.
void SettleFlowSchema(Core& core, const Served& served, const ObjectPtr& object);
// Whether the service behind an API is there, with endpoints. Looked at when the APIService is
// written, and then no more.
void SettleApiService(Core& core, const Served& served, const ObjectPtr& object);
// The server's own service range is ready as soon as it is there.
void SettleServiceRange(Core& core, const Served& served, const ObjectPtr& object);

}  // namespace k8s::fakeapiserver
