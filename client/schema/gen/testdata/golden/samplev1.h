#pragma once

// Made by k8s-gen from client/schema/. Edits are lost.
// sample.example.com/v1 as plain aggregates; members are named as on the wire.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "k8s/api/metav1.h"
#include "k8s/api/object.h"
#include "k8s/base/box.h"
#include "k8s/machinery/quantity.h"
#include "k8s/machinery/scalars.h"
#include "k8s/machinery/type_info.h"

namespace k8s::samplev1 {

struct Machine;
struct Depot;
struct Scale;
struct Bolt;
struct BoltList;
struct MachineSpec;
struct MachineStatus;
struct Part;
struct Names;
struct NamesOrAll;

}  // namespace k8s::samplev1

namespace k8s {
extern template class Box<samplev1::Part>;
}  // namespace k8s

namespace k8s::samplev1 {

struct Part {
  std::string name{};
  int32_t size{};
  Box<Part> next{};
};

struct MachineSpec {
  bool flag{};
  int32_t small{};
  int64_t large{};
  uint64_t positive{};
  double ratio{};
  std::string mode{};
  std::string data{};
  Time since{};
  MicroTime exactly{};
  Duration pause{};
  Quantity memory{};
  IntOrString port{};
  RawExtension raw{};
  FieldsV1 owned{};
  Json any{};
  Box<Part> part{};
  std::vector<Part> parts{};
  std::vector<Bool> switches{};
  std::vector<std::string> tags{};
  std::map<std::string, std::string> labels{};
  std::map<std::string, std::string> blobs{};
  std::map<std::string, Quantity> limits{};
  std::optional<int32_t> replicas{};
  metav1::LabelSelector selector{};
  std::string namespace_{};
  std::string xOddName{};
  std::string unnumbered{};
  std::string inner{};
  std::string innermost{};
};

struct MachineStatus {
};

struct Machine {
  metav1::ObjectMeta metadata{};
  MachineSpec spec{};
  MachineStatus status{};
};

struct Depot {
  metav1::ObjectMeta metadata{};
};

struct Scale {
  metav1::ObjectMeta metadata{};
  int32_t replicas{};
};

struct Bolt {
  metav1::ObjectMeta metadata{};
};

struct BoltList {
  metav1::ListMeta metadata{};
  std::vector<Bolt> items{};
};

struct Names {
  std::vector<std::string> items{};
};

struct NamesOrAll {
  Names names{};
  Box<Part> part{};
  bool all{};
};

const TypeInfo& K8sTypeInfo(const Machine*);
const TypeInfo& K8sTypeInfo(const ListOf<Machine>*);
using MachineList = ListOf<Machine>;
const TypeInfo& K8sTypeInfo(const Depot*);
const TypeInfo& K8sTypeInfo(const ListOf<Depot>*);
using DepotList = ListOf<Depot>;
const TypeInfo& K8sTypeInfo(const Scale*);
const TypeInfo& K8sTypeInfo(const ListOf<Scale>*);
using ScaleList = ListOf<Scale>;
const TypeInfo& K8sTypeInfo(const Bolt*);
const TypeInfo& K8sTypeInfo(const BoltList*);
const TypeInfo& K8sTypeInfo(const MachineSpec*);
const TypeInfo& K8sTypeInfo(const MachineStatus*);
const TypeInfo& K8sTypeInfo(const Part*);
const TypeInfo& K8sTypeInfo(const Names*);
const TypeInfo& K8sTypeInfo(const NamesOrAll*);

}  // namespace k8s::samplev1
