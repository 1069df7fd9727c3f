#include <map>

#include "k8s/api/group_versions.h"

namespace k8s {

const TypeInfo* FindKind(std::string_view api_version, std::string_view kind) {
  using Key = std::pair<std::string_view, std::string_view>;
  static const auto* const kinds = [] {
    auto* map = new std::map<Key, const TypeInfo*>();
    for (const GroupVersionInfo* group_version : AllGroupVersions()) {
      for (const TypeInfo* type : group_version->types) {
        if (type->Has(kIsKind)) map->emplace(Key(group_version->api_version, type->name), type);
      }
    }
    return map;
  }();
  const auto found = kinds->find({api_version, kind});
  return found == kinds->end() ? nullptr : found->second;
}

}  // namespace k8s
