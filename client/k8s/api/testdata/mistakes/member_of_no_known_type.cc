// error: or use one of the types that k8s/api/custom.h lists
#include "k8s/api/custom.h"

struct Whole {
  float ratio{};
};
K8S_FIELDS(Whole, ratio)
