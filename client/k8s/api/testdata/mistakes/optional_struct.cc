// error: an optional struct is a k8s::Box<Struct>, not a std::optional
#include "k8s/api/custom.h"

struct Part {
  bool on{};
};
struct Whole {
  std::optional<Part> part{};
};
K8S_FIELDS(Part, on)
K8S_FIELDS(Whole, part)
