#include "fakeapiserver/defaults.h"
namespace k8s::fakeapiserver {
void SetDefaults(Value&, const TypeInfo&) {}
}
