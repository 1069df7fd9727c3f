#include "fakeapiserver/core.h"
namespace k8s::fakeapiserver {
void Convert(Value&, const Served&, const Served&) {}
}
