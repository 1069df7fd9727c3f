#pragma once

// Chance, one door. Members may be called from any thread.

#include <cstdint>
#include <memory>
#include <string>

namespace k8s {

class Random {
 public:
  virtual ~Random() = default;
  virtual uint64_t Next() = 0;
  // Uniform in [0, 1).
  double NextDouble() { return static_cast<double>(Next() >> 11) * 0x1.0p-53; }
  // Uniform in [0, bound). REQUIRES: bound > 0.
  uint64_t Below(uint64_t bound) { return Next() % bound; }
};

std::shared_ptr<Random> SystemRandom();
// The same sequence for the same seed, on every machine.
std::shared_ptr<Random> SeededRandom(uint64_t seed);

// A version 4 UUID in its usual spelling.
std::string NewUuid(Random& random);
// `length` characters of the alphabet that Kubernetes uses for generated names and ports of call.
std::string RandomName(Random& random, int length);

}  // namespace k8s
