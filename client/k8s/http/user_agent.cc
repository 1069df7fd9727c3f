#include "k8s/http/user_agent.h"

#include "k8s/base/mutant.h"
#include "k8s/http/layer.h"

namespace k8s::http {

Layer UserAgent(std::string agent) {
  return MakeEditingLayer(
      [](const Request& request) { return request.headers.Get("User-Agent").empty(); },
      [agent = std::move(agent)](Request& request) {
        request.headers.Set("User-Agent", K8S_MUTATED("user_agent_is_lost", "", agent));
      });
}

}  // namespace k8s::http
