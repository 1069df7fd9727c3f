#include "fakeapiserver/kinds.h"
namespace k8s::fakeapiserver {
void AddKinds(std::map<std::string_view, Strategy>&) {}
}
