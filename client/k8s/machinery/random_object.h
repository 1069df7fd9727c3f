#pragma once

// Fills any object through its table: the same one for the same seed. Property tests use it, ours
// and those of whoever adds types. Only what JSON can carry comes out: whole seconds, canonical
// quantities, valid UTF-8; nothing that is set and yet empty, which no encoding tells from absent.
// Touches the object and the Random alone.

#include <string>

#include "k8s/base/random.h"
#include "k8s/machinery/type_info.h"

namespace k8s {

// How far types nest that contain themselves, as JSONSchemaProps does.
inline constexpr int kRandomObjectDepth = 6;

// REQUIRES: object is fresh and of that type.
void FillRandom(const TypeInfo& type, void* object, Random& random,
                int max_depth = kRandomObjectDepth);

// Valid UTF-8 with what needs care: escapes, other scripts, words that YAML would read as numbers.
// Never empty.
std::string RandomText(Random& random);
// Any JSON document, an object, without blanks and with its names in order.
std::string RandomJsonObject(Random& random);

}  // namespace k8s
