#include "fakeapiserver/faults.h"

namespace k8s::fakeapiserver {

std::optional<Answer> Faults::Before(const http::Request&, const RequestInfo&) {
  return std::nullopt;
}

Answer Faults::After(const http::Request&, const RequestInfo&, Answer answer) { return answer; }

}  // namespace k8s::fakeapiserver
