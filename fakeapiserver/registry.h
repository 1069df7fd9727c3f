#pragma once

// What is served: every resource of the tables that a default server serves. Built once; readers on
// any thread. A kind that is visible through several versions is stored as one resource.

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "fakeapiserver/api_error.h"
#include "k8s/machinery/type_info.h"

namespace k8s::fakeapiserver {

struct Strategy;

// Whether the two are forms of one kind: of one group, or stored as one resource.
bool AreOneKind(const TypeInfo& a, const TypeInfo& b);

// One resource under one group version.
struct Served {
  const TypeInfo* type = nullptr;
  const ResourceInfo* info = nullptr;
  std::string group{};
  std::string version{};
  std::string api_version{};
  std::string kind{};
  std::string list_kind{};
  std::string resource{};
  bool namespaced = true;
  uint32_t verbs = 0;
  // The version that discovery's hash of the storage speaks of, where it is not that of `storage`.
  std::string_view hashed_version{};
  const Served* storage = nullptr;  // the version in which objects rest; this, for most
  const Strategy* strategy = nullptr;

  GroupResource group_resource() const { return {group, resource}; }
  GroupKind group_kind() const { return {group, kind}; }
  // The name of the resource in the store, the same for all its versions.
  std::string StoreName() const { return storage->group_resource().String(); }
  // What stands before the members of an object: `{"kind":"Pod","apiVersion":"v1",`.
  std::string head{};
  bool Supports(Verb verb) const { return (verbs & VerbBit(verb)) != 0; }
};

// One group version, with its resources by name.
struct ServedVersion {
  std::string group{};
  std::string version{};
  std::string api_version{};
  std::vector<const Served*> resources{};
};
struct ServedGroup {
  std::string name{};
  std::vector<ServedVersion> versions{};
};

class Registry {
 public:
  // With `fault_objects` the group fakeapiserver.test joins those of a default server.
  explicit Registry(bool fault_objects = false);
  const Served* Find(std::string_view group, std::string_view version,
                     std::string_view resource) const;
  // Of a kind, for manifests; null when it is not served.
  const Served* FindKind(std::string_view api_version, std::string_view kind) const;
  // In the order of discovery; the core group first.
  const std::vector<ServedGroup>& groups() const { return groups_; }
  const ServedGroup* FindGroup(std::string_view group) const;
  const ServedVersion* FindVersion(std::string_view group, std::string_view version) const;

 private:
  void Add(const GroupVersionInfo& one);
  std::vector<std::unique_ptr<Served>> served_;
  std::unordered_map<std::string, const Served*> by_path_;
  std::unordered_map<std::string, const Served*> by_kind_;
  std::vector<ServedGroup> groups_;
};

}  // namespace k8s::fakeapiserver
