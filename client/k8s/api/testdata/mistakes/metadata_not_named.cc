// error: metadata is missing in the kind's K8S_FIELDS
#include "k8s/api/custom.h"

struct Whole {
  k8s::metav1::ObjectMeta metadata{};
  bool on{};
};
K8S_FIELDS(Whole, on)
K8S_RESOURCE(Whole, "shop.example.com/v1", "wholes")
