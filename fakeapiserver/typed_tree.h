#pragma once

// A JSON tree seen through the table of its type: what decoding into Go's struct and encoding it
// again does to it. Unknown members go, members take the order of the struct, zero values vanish or
// appear as the table says, scalars become canonical. Pure functions.

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "k8s/base/result.h"
#include "k8s/machinery/type_info.h"
#include "k8s/machinery/value.h"

namespace k8s::fakeapiserver {

// Which of Go's decoders would have read the tree: that of JSON, or the converter of trees, which
// patches of the strategic kind go through. They differ in their words, and the converter takes 1.0
// for an integer.
enum class Decoder : uint8_t { kJson, kConverter };

// The tree as the type has it. Paths of unknown members are added to `unknown` when given, such as
// `spec.containers[0].imagee`. Errors are Go's: "json: cannot unmarshal string into Go struct field
// DeploymentSpec.spec.replicas of type int32".
Result<Value> Normalise(Value tree, const TypeInfo& type,
                        std::vector<std::string>* unknown = nullptr,
                        Decoder decoder = Decoder::kJson);

// Sets the member at the place that the type has for it, so that a normal tree stays one.
// REQUIRES: the members of the message are in the order of the type.
void SetInOrder(Value& message, const TypeInfo& type, std::string_view name, Value value);

// Calls visit(message, type) for the tree and every message in it, outer before inner. Members that
// visit adds are walked too.
using Visit = std::function<void(Value& message, const TypeInfo& type)>;
void WalkMessages(Value& tree, const TypeInfo& type, const Visit& visit);

// Go's name of a field's type in its errors: "[]v1.Container", "map[string]string", "int32".
std::string GoTypeName(const Field& field, bool element = false);

}  // namespace k8s::fakeapiserver
