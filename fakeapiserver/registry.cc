#include "fakeapiserver/registry.h"

#include <algorithm>

#include "fakeapiserver/strategy.h"
#include "k8s/api/faultsv1.h"
#include "k8s/api/group_versions.h"
#include "k8s/base/strings.h"

namespace k8s::fakeapiserver {
namespace {

// Where a resource rests that is served under more than one name (chapter 9.1).
struct StoredElsewhere {
  std::string_view api_version, resource, stored_api_version;
};
// Stored in an older version that is not served. In the fake they rest in the served one.
constexpr StoredElsewhere kHashedAs[] = {
    {"certificates.k8s.io/v1", "clustertrustbundles", "v1beta1"},
    {"certificates.k8s.io/v1", "podcertificaterequests", "v1beta1"},
};
constexpr StoredElsewhere kStoredElsewhere[] = {
    {"autoscaling/v1", "horizontalpodautoscalers", "autoscaling/v2"},
    {"events.k8s.io/v1", "events", "v1"},
};

std::string_view StoredVersion(const TypeInfo& type) {
  for (const StoredElsewhere& row : kStoredElsewhere) {
    if (type.resource && row.api_version == type.group_version->api_version &&
        row.resource == type.resource->resource)
      return row.stored_api_version;
  }
  return type.group_version->api_version;
}

}  // namespace

bool AreOneKind(const TypeInfo& a, const TypeInfo& b) {
  return a.name == b.name &&
         (a.group_version->group == b.group_version->group || StoredVersion(a) == StoredVersion(b));
}

Registry::Registry(bool fault_objects) {
  std::vector<const GroupVersionInfo*> versions;
  for (const GroupVersionInfo* one : AllGroupVersions()) {
    if (one->served >= 0) versions.push_back(one);
  }
  std::sort(versions.begin(), versions.end(),
            [](auto* a, auto* b) { return a->served < b->served; });
  for (const GroupVersionInfo* one : versions) Add(*one);
  if (fault_objects) Add(*TypeOf<faultsv1::Fault>().group_version);
  for (const auto& served : served_) {
    for (const StoredElsewhere& row : kHashedAs) {
      if (row.api_version == served->api_version && row.resource == served->resource)
        served->hashed_version = row.stored_api_version;
    }
    for (const StoredElsewhere& row : kStoredElsewhere) {
      if (row.api_version != served->api_version || row.resource != served->resource) continue;
      const size_t slash = row.stored_api_version.find('/');
      const auto group = slash == std::string_view::npos ? std::string_view()
                                                         : row.stored_api_version.substr(0, slash);
      const auto version = slash == std::string_view::npos
                               ? row.stored_api_version
                               : row.stored_api_version.substr(slash + 1);
      served->storage = Find(group, version, row.resource);
    }
  }
}

void Registry::Add(const GroupVersionInfo& one) {
  ServedVersion version{
      std::string(one.group), std::string(one.version), std::string(one.api_version), {}};
  for (const TypeInfo* type : one.types) {
    if (!type->resource || !type->resource->served) continue;
    auto served = std::make_unique<Served>();
    served->type = type;
    served->info = type->resource;
    served->group = version.group;
    served->version = version.version;
    served->api_version = version.api_version;
    served->kind = std::string(type->name);
    served->list_kind = served->kind + "List";
    served->resource = std::string(type->resource->resource);
    served->namespaced = type->resource->namespaced;
    served->verbs = type->resource->served;
    served->head =
        Cat("{\"kind\":\"", served->kind, "\",\"apiVersion\":\"", served->api_version, "\",");
    served->storage = served.get();
    served->strategy = &StrategyOf(*type);
    version.resources.push_back(served.get());
    by_path_.emplace(Cat(served->group, "/", served->version, "/", served->resource), served.get());
    by_kind_.emplace(Cat(served->api_version, "/", served->kind), served.get());
    served_.push_back(std::move(served));
  }
  std::sort(version.resources.begin(), version.resources.end(),
            [](auto* a, auto* b) { return a->resource < b->resource; });
  const auto group = std::find_if(groups_.begin(), groups_.end(),
                                  [&](const auto& g) { return g.name == version.group; });
  if (group == groups_.end()) {
    groups_.push_back({version.group, {std::move(version)}});
  } else {
    group->versions.push_back(std::move(version));
  }
}

const Served* Registry::Find(std::string_view group, std::string_view version,
                             std::string_view resource) const {
  const auto found = by_path_.find(Cat(group, "/", version, "/", resource));
  return found == by_path_.end() ? nullptr : found->second;
}

const Served* Registry::FindKind(std::string_view api_version, std::string_view kind) const {
  const auto found = by_kind_.find(Cat(api_version, "/", kind));
  return found == by_kind_.end() ? nullptr : found->second;
}

const ServedGroup* Registry::FindGroup(std::string_view group) const {
  const auto found =
      std::find_if(groups_.begin(), groups_.end(), [&](const auto& g) { return g.name == group; });
  return found == groups_.end() ? nullptr : &*found;
}

const ServedVersion* Registry::FindVersion(std::string_view group, std::string_view version) const {
  const ServedGroup* found = FindGroup(group);
  if (!found) return nullptr;
  for (const ServedVersion& one : found->versions) {
    if (one.version == version) return &one;
  }
  return nullptr;
}

}  // namespace k8s::fakeapiserver
