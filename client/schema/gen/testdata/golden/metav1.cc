// Made by k8s-gen from client/schema/. Edits are lost.
#include "k8s/api/metav1.h"

#include <cstddef>

#include "k8s/base/box_definitions.h"
#include "k8s/machinery/access.h"

// Every compiler in use lays these aggregates out as offsetof assumes.
#pragma GCC diagnostic ignored "-Winvalid-offsetof"
// A table names only the rows that it needs.
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

namespace k8s {


namespace metav1 {
namespace {

[[maybe_unused]] constexpr uint32_t kAllVerbs = 0x1ff;
[[maybe_unused]] constexpr uint16_t kWireOfLists[] = {0, 1};
extern const GroupVersionInfo kGroupVersion;

constexpr Field kLabelSelectorFields[] = {
    {R"("matchLabels":)", 1, 0, offsetof(LabelSelector, matchLabels), Kind::kString, Shape::kMap, 0, &AccessOf<std::map<std::string, std::string>>::value, nullptr, nullptr},
};
constexpr uint16_t kLabelSelectorWire[] = {0};
constexpr TypeInfo kLabelSelector = {
    .name = "LabelSelector",
    .group_version = &kGroupVersion,
    .fields = kLabelSelectorFields,
    .wire_order = kLabelSelectorWire,
    .flags = kStructAtomic};

constexpr Field kListMetaFields[] = {
    {R"("resourceVersion":)", 2, 0, offsetof(ListMeta, resourceVersion), Kind::kString, Shape::kOne, 0, nullptr, nullptr, nullptr},
};
constexpr uint16_t kListMetaWire[] = {0};
constexpr TypeInfo kListMeta = {
    .name = "ListMeta",
    .group_version = &kGroupVersion,
    .fields = kListMetaFields,
    .wire_order = kListMetaWire,
    .flags = 0};

constexpr Field kObjectMetaFields[] = {
    {R"("name":)", 1, 0, offsetof(ObjectMeta, name), Kind::kString, Shape::kOne, 0, nullptr, nullptr, nullptr},
    {R"("namespace":)", 3, 0, offsetof(ObjectMeta, namespace_), Kind::kString, Shape::kOne, 0, nullptr, nullptr, nullptr},
    {R"("creationTimestamp":)", 8, 0, offsetof(ObjectMeta, creationTimestamp), Kind::kTime, Shape::kOne, kOmitZero, nullptr, nullptr, nullptr},
};
constexpr uint16_t kObjectMetaWire[] = {0, 1, 2};
constexpr TypeInfo kObjectMeta = {
    .name = "ObjectMeta",
    .group_version = &kGroupVersion,
    .fields = kObjectMetaFields,
    .wire_order = kObjectMetaWire,
    .flags = 0};

constexpr const TypeInfo* kTypes[] = {
    &kLabelSelector,
    &kListMeta,
    &kObjectMeta,
};

constinit const GroupVersionInfo kGroupVersion = {
    "meta.k8s.io", "v1", "meta.k8s.io/v1", "metav1", "io.k8s.apimachinery.pkg.apis.meta.v1", -1, kTypes};

}  // namespace

const TypeInfo& K8sTypeInfo(const LabelSelector*) { return kLabelSelector; }
const TypeInfo& K8sTypeInfo(const ObjectMeta*) { return kObjectMeta; }

const GroupVersionInfo& TheGroupVersion() { return kGroupVersion; }

}  // namespace metav1

const TypeInfo& K8sTypeInfo(const ListMeta*) { return metav1::kListMeta; }

}  // namespace k8s
