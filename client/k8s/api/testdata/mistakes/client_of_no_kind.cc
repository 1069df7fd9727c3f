// error: write K8S_RESOURCE(Type, ...) for this type
#include "k8s/api/custom.h"
#include "k8s/kubernetes/clientset.h"

struct Whole {
  k8s::metav1::ObjectMeta metadata{};
};
K8S_FIELDS(Whole, metadata)

void Use(const k8s::Clientset& clientset) { clientset.For<Whole>("default"); }
