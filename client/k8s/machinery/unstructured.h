#pragma once

// Any object, as a tree: for kinds without a C++ type and for fields that a type does not know. It
// keeps every member and its order, and integers exactly. A value; no locking.

#include <string>
#include <string_view>

#include "k8s/machinery/type_info.h"
#include "k8s/machinery/value.h"

namespace k8s {

struct Unstructured {
  Value content = Value::MakeObject();

  std::string_view GetKind() const { return content.StringAt({"kind"}); }
  std::string_view GetAPIVersion() const { return content.StringAt({"apiVersion"}); }
  std::string_view GetName() const { return content.StringAt({"metadata", "name"}); }
  std::string_view GetNamespace() const { return content.StringAt({"metadata", "namespace"}); }
  std::string_view GetUID() const { return content.StringAt({"metadata", "uid"}); }
  std::string_view GetResourceVersion() const {
    return content.StringAt({"metadata", "resourceVersion"});
  }
  void SetKind(std::string_view kind) { content["kind"] = kind; }
  void SetAPIVersion(std::string_view version) { content["apiVersion"] = version; }
  void SetName(std::string_view name) { content["metadata"]["name"] = name; }
  void SetNamespace(std::string_view name) { content["metadata"]["namespace"] = name; }
};

const TypeInfo& K8sTypeInfo(const Unstructured*);

}  // namespace k8s
