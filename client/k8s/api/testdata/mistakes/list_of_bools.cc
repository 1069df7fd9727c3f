// error: a list of bools is a std::vector<k8s::Bool>
#include "k8s/api/custom.h"

struct Whole {
  std::vector<bool> flags{};
};
K8S_FIELDS(Whole, flags)
