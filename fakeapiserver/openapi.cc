#include "fakeapiserver/discovery.h"
namespace k8s::fakeapiserver {
std::optional<Answer> ServeOpenApi(Core&, const Call&) { return std::nullopt; }
}
