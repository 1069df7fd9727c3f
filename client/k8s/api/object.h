#pragma once

// What every kind has in common beside its own struct: its list. Plain aggregates.

#include <vector>

#include "k8s/base/status.h"

namespace k8s {

// The list kind of T, for instance DeploymentList. Items carry no kind or apiVersion of their own.
template <class T>
struct ListOf {
  using Item = T;
  ListMeta metadata{};
  std::vector<T> items{};
};

}  // namespace k8s
