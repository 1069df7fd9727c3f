// error: this member's type has no fields: write K8S_FIELDS
#include "k8s/api/custom.h"

struct Part {
  bool on{};
};
struct Whole {
  std::vector<Part> parts{};
};
K8S_FIELDS(Whole, parts)
