#pragma once

// The pods that benchmarks work on: about 5 KB of JSON each, with the parts that real ones have
// (owner, managed fields, environment, volumes, probes, conditions). Pure.

#include "k8s/api/corev1.h"

namespace k8s::bench {

corev1::Pod SamplePod(int index);
corev1::PodList SamplePods(int count);

}  // namespace k8s::bench
