#include "k8s/tools/until.h"

namespace k8s::watch {

Error WhyNothingCame(const Env& env, const Context& ctx) {
  if (const auto over = ctx.Check(*env.clock); !over)
    return over.error().WithMessage("timed out waiting for the condition");
  return Error::Transport(TransportCause::kEof, "watch closed before UntilWithoutRetry timeout");
}

}  // namespace k8s::watch
