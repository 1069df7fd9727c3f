// error: write K8S_FIELDS(Type, members...) for the kind above this line
#include "k8s/api/custom.h"

struct Part {
  bool on{};
};
K8S_FIELDS(Part, on)
struct Whole {
  k8s::metav1::ObjectMeta metadata{};
};
K8S_RESOURCE(Whole, "shop.example.com/v1", "wholes")
