#pragma once

// Made by k8s-gen from client/schema/. Edits are lost.
// meta.k8s.io/v1 as plain aggregates; members are named as on the wire.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "k8s/api/object.h"
#include "k8s/base/box.h"
#include "k8s/machinery/quantity.h"
#include "k8s/machinery/scalars.h"
#include "k8s/machinery/type_info.h"

namespace k8s {
const TypeInfo& K8sTypeInfo(const ListMeta*);
const TypeInfo& K8sTypeInfo(const ShardInfo*);
const TypeInfo& K8sTypeInfo(const Status*);
const TypeInfo& K8sTypeInfo(const StatusCause*);
const TypeInfo& K8sTypeInfo(const StatusDetails*);
}  // namespace k8s

namespace k8s::metav1 {

using k8s::ListMeta;
using k8s::ShardInfo;
using k8s::Status;
using k8s::StatusCause;
using k8s::StatusDetails;
using k8s::Duration;
using k8s::FieldsV1;
using k8s::MicroTime;
using k8s::Time;

struct LabelSelector;
struct ObjectMeta;

struct LabelSelector {
  std::map<std::string, std::string> matchLabels{};
};

struct ObjectMeta {
  std::string name{};
  std::string namespace_{};
  Time creationTimestamp{};
};

const TypeInfo& K8sTypeInfo(const LabelSelector*);
const TypeInfo& K8sTypeInfo(const ObjectMeta*);

}  // namespace k8s::metav1
