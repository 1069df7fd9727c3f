// error: a kind has a member `k8s::metav1::ObjectMeta metadata`
#include "k8s/api/custom.h"

struct Whole {
  bool on{};
};
K8S_FIELDS(Whole, on)
K8S_RESOURCE(Whole, "shop.example.com/v1", "wholes")
