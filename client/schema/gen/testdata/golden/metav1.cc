// Made by k8s-gen from client/schema/. Edits are lost.
#include "k8s/api/metav1.h"

#include <cstddef>

#include "k8s/base/box_definitions.h"
#include "k8s/machinery/access.h"
#include "k8s/machinery/field_index.h"

// Every compiler in use lays these aggregates out as offsetof assumes.
#pragma GCC diagnostic ignored "-Winvalid-offsetof"
// A table names only the rows that it needs.
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

namespace k8s {


namespace metav1 {
namespace {

[[maybe_unused]] constexpr uint32_t kAllVerbs = 0x1ff;
extern const GroupVersionInfo kGroupVersion;

constexpr Field kLabelSelectorFields[] = {
    {R"("matchLabels":)", 1, 0, offsetof(LabelSelector, matchLabels), Kind::kString, Shape::kMap, 0, &AccessOf<std::map<std::string, std::string>>::value, nullptr, nullptr},
};
constexpr auto kLabelSelectorIndex = IndexOf<1>(kLabelSelectorFields);
constexpr TypeInfo kLabelSelector = {
    .name = "LabelSelector",
    .group_version = &kGroupVersion,
    .fields = kLabelSelectorFields,
    .index = kLabelSelectorIndex.View(),
    .flags = kStructAtomic};

constexpr Field kListMetaFields[] = {
    {R"("resourceVersion":)", 2, 0, offsetof(ListMeta, resourceVersion), Kind::kString, Shape::kOne, 0, nullptr, nullptr, nullptr},
};
constexpr auto kListMetaIndex = IndexOf<1>(kListMetaFields);
constexpr TypeInfo kListMeta = {
    .name = "ListMeta",
    .group_version = &kGroupVersion,
    .fields = kListMetaFields,
    .index = kListMetaIndex.View(),
    .flags = 0};

constexpr Field kObjectMetaFields[] = {
    {R"("name":)", 1, 0, offsetof(ObjectMeta, name), Kind::kString, Shape::kOne, 0, nullptr, nullptr, nullptr},
    {R"("namespace":)", 3, 0, offsetof(ObjectMeta, namespace_), Kind::kString, Shape::kOne, 0, nullptr, nullptr, nullptr},
    {R"("creationTimestamp":)", 8, 0, offsetof(ObjectMeta, creationTimestamp), Kind::kTime, Shape::kOne, kOmitZero, nullptr, nullptr, nullptr},
};
constexpr auto kObjectMetaIndex = IndexOf<3>(kObjectMetaFields);
constexpr TypeInfo kObjectMeta = {
    .name = "ObjectMeta",
    .group_version = &kGroupVersion,
    .fields = kObjectMetaFields,
    .index = kObjectMetaIndex.View(),
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
