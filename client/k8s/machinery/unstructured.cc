#include "k8s/machinery/unstructured.h"

namespace k8s {
namespace {

constexpr GroupVersionInfo kNoGroup = {"", "", "", "", "", -1, {}};
constexpr TypeInfo kUnstructured = {
    .name = "",
    .group_version = &kNoGroup,
    .fields = {},
    .create = []() -> void* { return new Unstructured(); },
    .destroy = [](void* object) { delete static_cast<Unstructured*>(object); },
    .flags = kIsKind | kTree};

}  // namespace

const TypeInfo& K8sTypeInfo(const Unstructured*) { return kUnstructured; }

}  // namespace k8s
