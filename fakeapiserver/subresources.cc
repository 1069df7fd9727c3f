#include "fakeapiserver/core.h"
namespace k8s::fakeapiserver {
Result<Answer> ServeSubresource(Core&, Call&) { return NoSuchPath(); }
}
