// Made by k8s-gen from client/schema/. Edits are lost.
#include "k8s/api/group_versions.h"

#include <array>

namespace k8s {

namespace metav1 {
const GroupVersionInfo& TheGroupVersion();
}
namespace samplev1 {
const GroupVersionInfo& TheGroupVersion();
}

std::span<const GroupVersionInfo* const> AllGroupVersions() {
  static const std::array<const GroupVersionInfo*, 2> all = {
      &metav1::TheGroupVersion(),
      &samplev1::TheGroupVersion(),
  };
  return all;
}

}  // namespace k8s
