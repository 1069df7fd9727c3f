// error: the second argument is "group/version"
#include "k8s/api/custom.h"

struct Whole {
  k8s::metav1::ObjectMeta metadata{};
};
K8S_FIELDS(Whole, metadata)
K8S_RESOURCE(Whole, "v1", "wholes")
