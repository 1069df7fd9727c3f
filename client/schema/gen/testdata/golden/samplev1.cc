// Made by k8s-gen from client/schema/. Edits are lost.
#include "k8s/api/samplev1.h"

#include <cstddef>

#include "k8s/api/metav1.h"
#include "k8s/base/box_definitions.h"
#include "k8s/machinery/access.h"
#include "k8s/machinery/field_index.h"

// Every compiler in use lays these aggregates out as offsetof assumes.
#pragma GCC diagnostic ignored "-Winvalid-offsetof"
// A table names only the rows that it needs.
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

namespace k8s {

template class Box<samplev1::Part>;

namespace samplev1 {
namespace {

[[maybe_unused]] constexpr uint32_t kAllVerbs = 0x1ff;
extern const GroupVersionInfo kGroupVersion;

constexpr Field kMachineFields[] = {
    {R"("metadata":)", 1, 0, offsetof(Machine, metadata), Kind::kMessage, Shape::kOne, kOmitZero, nullptr, &TypeOf<metav1::ObjectMeta>, nullptr},
    {R"("spec":)", 2, 0, offsetof(Machine, spec), Kind::kMessage, Shape::kOne, kRequired, nullptr, &TypeOf<MachineSpec>, nullptr},
    {R"("status":)", 3, 0, offsetof(Machine, status), Kind::kMessage, Shape::kOne, 0, nullptr, &TypeOf<MachineStatus>, nullptr},
};
constexpr auto kMachineIndex = IndexOf<3>(kMachineFields);
constexpr SubresourceInfo kMachineSubresources[] = {
    {"status", nullptr, VerbBit(Verb::kGet) | VerbBit(Verb::kPatch) | VerbBit(Verb::kUpdate), "UpdateStatus,ApplyStatus"},
    {"scale", &TypeOf<Scale>, VerbBit(Verb::kGet) | VerbBit(Verb::kUpdate), "GetScale,UpdateScale"},
};
constexpr ResourceInfo kMachineResource = {"machines", "machine", "mc,m", "all", true, kAllVerbs, VerbBit(Verb::kCreate) | VerbBit(Verb::kGet) | VerbBit(Verb::kList) | VerbBit(Verb::kWatch), kMachineSubresources};
constexpr TypeInfo kMachine = {
    .name = "Machine",
    .group_version = &kGroupVersion,
    .fields = kMachineFields,
    .index = kMachineIndex.View(),
    .resource = &kMachineResource,
    .list = &TypeOf<ListOf<Machine>>,
    .create = []() -> void* { return new Machine(); },
    .destroy = [](void* object) { delete static_cast<Machine*>(object); },
    .flags = kIsKind};
constexpr Field kMachineListFields[] = {
    {R"("metadata":)", 1, 0, offsetof(ListOf<Machine>, metadata), Kind::kMessage, Shape::kOne, 0, nullptr, &TypeOf<ListMeta>, nullptr},
    {R"("items":)", 2, 0, offsetof(ListOf<Machine>, items), Kind::kMessage, Shape::kList, kAlways | kRequired,
     &AccessOf<std::vector<Machine>>::value, &TypeOf<Machine>, nullptr},
};
constexpr auto kMachineListIndex = IndexOf<2>(kMachineListFields);
constexpr TypeInfo kMachineList = {
    .name = "MachineList",
    .group_version = &kGroupVersion,
    .fields = kMachineListFields,
    .index = kMachineListIndex.View(),
    .list_of = &TypeOf<Machine>,
    .create = []() -> void* { return new ListOf<Machine>(); },
    .destroy = [](void* object) { delete static_cast<ListOf<Machine>*>(object); },
    .flags = kIsKind};

constexpr Field kDepotFields[] = {
    {R"("metadata":)", 1, 0, offsetof(Depot, metadata), Kind::kMessage, Shape::kOne, 0, nullptr, &TypeOf<metav1::ObjectMeta>, nullptr},
};
constexpr auto kDepotIndex = IndexOf<1>(kDepotFields);
constexpr ResourceInfo kDepotResource = {"depots", "depot", "", "", false, VerbBit(Verb::kCreate) | VerbBit(Verb::kGet), 0, {}};
constexpr TypeInfo kDepot = {
    .name = "Depot",
    .group_version = &kGroupVersion,
    .fields = kDepotFields,
    .index = kDepotIndex.View(),
    .resource = &kDepotResource,
    .list = &TypeOf<ListOf<Depot>>,
    .create = []() -> void* { return new Depot(); },
    .destroy = [](void* object) { delete static_cast<Depot*>(object); },
    .flags = kIsKind};
constexpr Field kDepotListFields[] = {
    {R"("metadata":)", 1, 0, offsetof(ListOf<Depot>, metadata), Kind::kMessage, Shape::kOne, 0, nullptr, &TypeOf<ListMeta>, nullptr},
    {R"("items":)", 2, 0, offsetof(ListOf<Depot>, items), Kind::kMessage, Shape::kList, kAlways | kRequired,
     &AccessOf<std::vector<Depot>>::value, &TypeOf<Depot>, nullptr},
};
constexpr auto kDepotListIndex = IndexOf<2>(kDepotListFields);
constexpr TypeInfo kDepotList = {
    .name = "DepotList",
    .group_version = &kGroupVersion,
    .fields = kDepotListFields,
    .index = kDepotListIndex.View(),
    .list_of = &TypeOf<Depot>,
    .create = []() -> void* { return new ListOf<Depot>(); },
    .destroy = [](void* object) { delete static_cast<ListOf<Depot>*>(object); },
    .flags = kIsKind};

constexpr Field kScaleFields[] = {
    {R"("metadata":)", 1, 0, offsetof(Scale, metadata), Kind::kMessage, Shape::kOne, 0, nullptr, &TypeOf<metav1::ObjectMeta>, nullptr},
    {R"("replicas":)", 2, 0, offsetof(Scale, replicas), Kind::kInt32, Shape::kOne, kAlways, nullptr, nullptr, nullptr},
};
constexpr auto kScaleIndex = IndexOf<2>(kScaleFields);
constexpr TypeInfo kScale = {
    .name = "Scale",
    .group_version = &kGroupVersion,
    .fields = kScaleFields,
    .index = kScaleIndex.View(),
    .list = &TypeOf<ListOf<Scale>>,
    .create = []() -> void* { return new Scale(); },
    .destroy = [](void* object) { delete static_cast<Scale*>(object); },
    .flags = kIsKind};
constexpr Field kScaleListFields[] = {
    {R"("metadata":)", 1, 0, offsetof(ListOf<Scale>, metadata), Kind::kMessage, Shape::kOne, 0, nullptr, &TypeOf<ListMeta>, nullptr},
    {R"("items":)", 2, 0, offsetof(ListOf<Scale>, items), Kind::kMessage, Shape::kList, kAlways | kRequired,
     &AccessOf<std::vector<Scale>>::value, &TypeOf<Scale>, nullptr},
};
constexpr auto kScaleListIndex = IndexOf<2>(kScaleListFields);
constexpr TypeInfo kScaleList = {
    .name = "ScaleList",
    .group_version = &kGroupVersion,
    .fields = kScaleListFields,
    .index = kScaleListIndex.View(),
    .list_of = &TypeOf<Scale>,
    .create = []() -> void* { return new ListOf<Scale>(); },
    .destroy = [](void* object) { delete static_cast<ListOf<Scale>*>(object); },
    .flags = kIsKind};

constexpr Field kBoltFields[] = {
    {R"("metadata":)", 1, 0, offsetof(Bolt, metadata), Kind::kMessage, Shape::kOne, 0, nullptr, &TypeOf<metav1::ObjectMeta>, nullptr},
};
constexpr auto kBoltIndex = IndexOf<1>(kBoltFields);
constexpr TypeInfo kBolt = {
    .name = "Bolt",
    .group_version = &kGroupVersion,
    .fields = kBoltFields,
    .index = kBoltIndex.View(),
    .create = []() -> void* { return new Bolt(); },
    .destroy = [](void* object) { delete static_cast<Bolt*>(object); },
    .flags = kIsKind};

constexpr Field kBoltListFields[] = {
    {R"("metadata":)", 1, 0, offsetof(BoltList, metadata), Kind::kMessage, Shape::kOne, 0, nullptr, &TypeOf<metav1::ListMeta>, nullptr},
    {R"("items":)", 2, 0, offsetof(BoltList, items), Kind::kMessage, Shape::kList, kAlways | kRequired, &AccessOf<std::vector<Bolt>>::value, &TypeOf<Bolt>, nullptr},
};
constexpr auto kBoltListIndex = IndexOf<2>(kBoltListFields);
constexpr TypeInfo kBoltList = {
    .name = "BoltList",
    .group_version = &kGroupVersion,
    .fields = kBoltListFields,
    .index = kBoltListIndex.View(),
    .create = []() -> void* { return new BoltList(); },
    .destroy = [](void* object) { delete static_cast<BoltList*>(object); },
    .flags = kIsKind};

constexpr FieldRules kMachineSpecRules5 = {.enum_values = R"~(Part,Parts)~"};
constexpr FieldRules kMachineSpecRules10 = {.default_json = R"~("1Gi")~"};
constexpr FieldRules kMachineSpecRules15 = {.struct_atomic = true};
constexpr FieldRules kMachineSpecRules16 = {.patch_strategy = R"~(merge,retainKeys)~", .patch_merge_key = R"~(name)~", .list_keys = R"~(name,size)~", .list_type = ListType::kMap};
constexpr FieldRules kMachineSpecRules18 = {.list_type = ListType::kSet};
constexpr FieldRules kMachineSpecRules19 = {.map_atomic = true};
constexpr FieldRules kMachineSpecRules22 = {.default_json = R"~(1)~", .format = R"~(int16)~"};
constexpr Field kMachineSpecFields[] = {
    {R"("flag":)", 17, 0, offsetof(MachineSpec, flag), Kind::kBool, Shape::kOne, 0, nullptr, nullptr, nullptr},
    {R"("small":)", 16, 0, offsetof(MachineSpec, small), Kind::kInt32, Shape::kOne, 0, nullptr, nullptr, nullptr},
    {R"("large":)", 15, 0, offsetof(MachineSpec, large), Kind::kInt64, Shape::kOne, 0, nullptr, nullptr, nullptr},
    {R"("positive":)", 14, 0, offsetof(MachineSpec, positive), Kind::kUint64, Shape::kOne, kAlways, nullptr, nullptr, nullptr},
    {R"("ratio":)", 13, 0, offsetof(MachineSpec, ratio), Kind::kDouble, Shape::kOne, 0, nullptr, nullptr, nullptr},
    {R"("mode":)", 1, 0, offsetof(MachineSpec, mode), Kind::kString, Shape::kOne, kRequired, nullptr, nullptr, &kMachineSpecRules5},
    {R"("data":)", 2, 0, offsetof(MachineSpec, data), Kind::kBytes, Shape::kOne, 0, nullptr, nullptr, nullptr},
    {R"("since":)", 3, 0, offsetof(MachineSpec, since), Kind::kTime, Shape::kOne, kOmitZero, nullptr, nullptr, nullptr},
    {R"("exactly":)", 4, 0, offsetof(MachineSpec, exactly), Kind::kMicroTime, Shape::kOne, 0, nullptr, nullptr, nullptr},
    {R"("pause":)", 5, 0, offsetof(MachineSpec, pause), Kind::kDuration, Shape::kOne, 0, nullptr, nullptr, nullptr},
    {R"("memory":)", 6, 0, offsetof(MachineSpec, memory), Kind::kQuantity, Shape::kOne, 0, nullptr, nullptr, &kMachineSpecRules10},
    {R"("port":)", 7, 0, offsetof(MachineSpec, port), Kind::kIntOrString, Shape::kOne, 0, nullptr, nullptr, nullptr},
    {R"("raw":)", 8, 0, offsetof(MachineSpec, raw), Kind::kRawExtension, Shape::kOne, 0, nullptr, nullptr, nullptr},
    {R"("owned":)", 9, 0, offsetof(MachineSpec, owned), Kind::kFieldsV1, Shape::kOne, 0, nullptr, nullptr, nullptr},
    {R"("any":)", 10, 0, offsetof(MachineSpec, any), Kind::kJson, Shape::kOne, kNullable, nullptr, nullptr, nullptr},
    {R"("part":)", 11, 0, offsetof(MachineSpec, part), Kind::kMessage, Shape::kOptional, 0, &AccessOf<Box<Part>>::value, &TypeOf<Part>, &kMachineSpecRules15},
    {R"("parts":)", 12, 0, offsetof(MachineSpec, parts), Kind::kMessage, Shape::kList, 0, &AccessOf<std::vector<Part>>::value, &TypeOf<Part>, &kMachineSpecRules16},
    {R"("switches":)", 18, 0, offsetof(MachineSpec, switches), Kind::kBool, Shape::kList, 0, &AccessOf<std::vector<Bool>>::value, nullptr, nullptr},
    {R"("tags":)", 19, 0, offsetof(MachineSpec, tags), Kind::kString, Shape::kList, 0, &AccessOf<std::vector<std::string>>::value, nullptr, &kMachineSpecRules18},
    {R"("labels":)", 20, 0, offsetof(MachineSpec, labels), Kind::kString, Shape::kMap, 0, &AccessOf<std::map<std::string, std::string>>::value, nullptr, &kMachineSpecRules19},
    {R"("blobs":)", 21, 0, offsetof(MachineSpec, blobs), Kind::kBytes, Shape::kMap, 0, &AccessOf<std::map<std::string, std::string>>::value, nullptr, nullptr},
    {R"("limits":)", 22, 0, offsetof(MachineSpec, limits), Kind::kQuantity, Shape::kMap, 0, &AccessOf<std::map<std::string, Quantity>>::value, nullptr, nullptr},
    {R"("replicas":)", 23, 0, offsetof(MachineSpec, replicas), Kind::kInt32, Shape::kOptional, 0, &AccessOf<std::optional<int32_t>>::value, nullptr, &kMachineSpecRules22},
    {R"("selector":)", 24, 0, offsetof(MachineSpec, selector), Kind::kMessage, Shape::kOne, 0, nullptr, &TypeOf<metav1::LabelSelector>, nullptr},
    {R"("namespace":)", 25, 0, offsetof(MachineSpec, namespace_), Kind::kString, Shape::kOne, 0, nullptr, nullptr, nullptr},
    {R"("x-odd.name":)", 26, 0, offsetof(MachineSpec, xOddName), Kind::kString, Shape::kOne, 0, nullptr, nullptr, nullptr},
    {R"("unnumbered":)", 0, 0, offsetof(MachineSpec, unnumbered), Kind::kString, Shape::kOne, 0, nullptr, nullptr, nullptr},
    {R"("inner":)", 1, 27, offsetof(MachineSpec, inner), Kind::kString, Shape::kOne, 0, nullptr, nullptr, nullptr},
    {R"("innermost":)", 1, 539, offsetof(MachineSpec, innermost), Kind::kString, Shape::kOne, 0, nullptr, nullptr, nullptr},
};
constexpr auto kMachineSpecIndex = IndexOf<29>(kMachineSpecFields);
constexpr TypeInfo kMachineSpec = {
    .name = "MachineSpec",
    .group_version = &kGroupVersion,
    .fields = kMachineSpecFields,
    .index = kMachineSpecIndex.View(),
    .discriminator = "mode",
    .one_of = "part:Part,parts:Parts",
    .flags = 0};

constexpr TypeInfo kMachineStatus = {
    .name = "MachineStatus",
    .group_version = &kGroupVersion,
    .fields = {},
    .index = {},
    .flags = 0};

constexpr Field kPartFields[] = {
    {R"("name":)", 1, 0, offsetof(Part, name), Kind::kString, Shape::kOne, kAlways, nullptr, nullptr, nullptr},
    {R"("size":)", 2, 0, offsetof(Part, size), Kind::kInt32, Shape::kOne, kAlways, nullptr, nullptr, nullptr},
    {R"("next":)", 3, 0, offsetof(Part, next), Kind::kMessage, Shape::kOptional, 0, &AccessOf<Box<Part>>::value, &TypeOf<Part>, nullptr},
};
constexpr auto kPartIndex = IndexOf<3>(kPartFields);
constexpr TypeInfo kPart = {
    .name = "Part",
    .group_version = &kGroupVersion,
    .fields = kPartFields,
    .index = kPartIndex.View(),
    .flags = kStructAtomic};

constexpr Field kNamesFields[] = {
    {R"("items":)", 1, 0, offsetof(Names, items), Kind::kString, Shape::kList, 0, &AccessOf<std::vector<std::string>>::value, nullptr, nullptr},
};
constexpr auto kNamesIndex = IndexOf<1>(kNamesFields);
constexpr TypeInfo kNames = {
    .name = "Names",
    .group_version = &kGroupVersion,
    .fields = kNamesFields,
    .index = kNamesIndex.View(),
    .flags = kTransparent};

constexpr Field kNamesOrAllFields[] = {
    {R"("names":)", 1, 0, offsetof(NamesOrAll, names), Kind::kMessage, Shape::kOne, 0, nullptr, &TypeOf<Names>, nullptr},
    {R"("part":)", 2, 0, offsetof(NamesOrAll, part), Kind::kMessage, Shape::kOptional, 0, &AccessOf<Box<Part>>::value, &TypeOf<Part>, nullptr},
    {R"("all":)", 3, 0, offsetof(NamesOrAll, all), Kind::kBool, Shape::kOne, 0, nullptr, nullptr, nullptr},
};
constexpr auto kNamesOrAllIndex = IndexOf<3>(kNamesOrAllFields);
constexpr TypeInfo kNamesOrAll = {
    .name = "NamesOrAll",
    .group_version = &kGroupVersion,
    .fields = kNamesOrAllFields,
    .index = kNamesOrAllIndex.View(),
    .flags = kUnion};

constexpr const TypeInfo* kTypes[] = {
    &kMachine,
    &kMachineList,
    &kDepot,
    &kDepotList,
    &kScale,
    &kScaleList,
    &kBolt,
    &kBoltList,
    &kMachineSpec,
    &kMachineStatus,
    &kPart,
    &kNames,
    &kNamesOrAll,
};

constinit const GroupVersionInfo kGroupVersion = {
    "sample.example.com", "v1", "sample.example.com/v1", "samplev1", "com.example.sample.v1", 3, kTypes};

}  // namespace

const TypeInfo& K8sTypeInfo(const Machine*) { return kMachine; }
const TypeInfo& K8sTypeInfo(const ListOf<Machine>*) { return kMachineList; }
const TypeInfo& K8sTypeInfo(const Depot*) { return kDepot; }
const TypeInfo& K8sTypeInfo(const ListOf<Depot>*) { return kDepotList; }
const TypeInfo& K8sTypeInfo(const Scale*) { return kScale; }
const TypeInfo& K8sTypeInfo(const ListOf<Scale>*) { return kScaleList; }
const TypeInfo& K8sTypeInfo(const Bolt*) { return kBolt; }
const TypeInfo& K8sTypeInfo(const BoltList*) { return kBoltList; }
const TypeInfo& K8sTypeInfo(const MachineSpec*) { return kMachineSpec; }
const TypeInfo& K8sTypeInfo(const MachineStatus*) { return kMachineStatus; }
const TypeInfo& K8sTypeInfo(const Part*) { return kPart; }
const TypeInfo& K8sTypeInfo(const Names*) { return kNames; }
const TypeInfo& K8sTypeInfo(const NamesOrAll*) { return kNamesOrAll; }

const GroupVersionInfo& TheGroupVersion() { return kGroupVersion; }

}  // namespace samplev1


}  // namespace k8s
