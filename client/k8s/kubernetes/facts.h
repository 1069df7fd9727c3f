#pragma once

// What the compiler knows of a kind without its struct: the verbs and methods of its typed client.
// clientset.h specialises it for every built-in kind.

#include <cstdint>
#include <type_traits>

#include "k8s/machinery/type_info.h"
#include "k8s/machinery/unstructured.h"

namespace k8s::kubernetes {

enum Method : uint32_t {
  kUpdateStatus = 1,
  kApplyStatus = 2,
  kGetScale = 4,
  kUpdateScale = 8,
  kApplyScale = 16,
  kCreateToken = 32,
  kUpdateApproval = 64,
  kUpdateEphemeralContainers = 128,
  kUpdateResize = 256,
};

inline constexpr uint32_t kAllVerbs = 0x1ff;

// What is not specialised can do everything but scale: a kind of one's own, whose status has
// methods when it has a status, or Unstructured.
template <class T>
struct Facts {
  static constexpr bool has_status = std::is_same_v<T, Unstructured> || requires(const T& object) {
    object.status;
  };
  static constexpr uint32_t verbs = kAllVerbs;
  static constexpr uint32_t methods = has_status ? kUpdateStatus | kApplyStatus : 0;
};

// The body of GetScale and its like.
template <class T>
using ScaleOf = typename Facts<T>::Scale;

template <class T>
constexpr bool Supports(Verb verb) {
  return (Facts<T>::verbs & VerbBit(verb)) != 0;
}
template <class T>
constexpr bool Supports(Method method) {
  return (Facts<T>::methods & method) != 0;
}

}  // namespace k8s::kubernetes
