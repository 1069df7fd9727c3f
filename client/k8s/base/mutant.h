#pragma once

// Planted faults: they show that the conformance cases bite. K8S_MUTANT(name) is false, and
// K8S_MUTATED(name, planted, right) is `right`, in every build but that of `conformance_mutants`,
// which compiles the client once more with K8S_MUTANTS and turns one fault on at a time
// (conformance/mutants/). Only for .cc files of the library.

#ifdef K8S_MUTANTS

#include <string_view>

namespace k8s {

// Whether this planted fault is the one that is on. Any thread.
bool IsMutant(std::string_view name);

}  // namespace k8s

#define K8S_MUTANT(name) ::k8s::IsMutant(name)
#define K8S_MUTATED(name, planted, right) (::k8s::IsMutant(name) ? (planted) : (right))

#else

#define K8S_MUTANT(name) false
#define K8S_MUTATED(name, planted, right) (right)

#endif
