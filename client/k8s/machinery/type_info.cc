#include "k8s/machinery/type_info.h"

#include <algorithm>

namespace k8s {

const Field* TypeInfo::Find(std::string_view json_name) const {
  const auto found = std::find_if(fields.begin(), fields.end(),
                                  [&](const Field& field) { return field.name() == json_name; });
  return found == fields.end() ? nullptr : &*found;
}

}  // namespace k8s
