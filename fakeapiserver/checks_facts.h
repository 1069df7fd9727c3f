#pragma once

// The text of schema/checks.facts, embedded when the program is built. Constant data.

#include <string_view>

namespace k8s::fakeapiserver {

extern const std::string_view kChecksFacts;

}  // namespace k8s::fakeapiserver
