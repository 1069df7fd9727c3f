#include "k8s/http/chain.h"

#include "k8s/http/deadline.h"
#include "k8s/http/debug.h"
#include "k8s/http/metrics.h"
#include "k8s/http/redirect.h"
#include "k8s/http/retry.h"
#include "k8s/http/throttle.h"
#include "k8s/http/user_agent.h"

namespace k8s::http {

std::vector<std::pair<std::string, Layer>> Layers(const ChainOptions& options) {
  const Env& env = options.env;
  std::vector<std::pair<std::string, Layer>> layers;
  const auto add = [&](const char* name, Layer layer, bool wanted = true) {
    if (wanted) layers.emplace_back(name, std::move(layer));
  };
  // A slow limiter is no timeout, so Throttle stands outside Deadline.
  add("Throttle", Throttle(options.rate_limiter, env.clock));
  add("Deadline", Deadline(env.clock));
  add("Retry", Retry(options.rate_limiter, env, options.retry_policy));
  add("Trace", Trace(options.trace, env.clock));
  add("Metrics", Metrics());
  // One attempt may be several exchanges: a redirect passes the layers below again, with
  // credentials and all, under one timeout.
  add("AttemptTimeout", AttemptTimeout(options.attempt_timeout, env.clock));
  add("FollowRedirects", FollowRedirects(env.clock));
  add("Impersonate", Impersonate(options.impersonate), !options.impersonate.empty());
  add("UserAgent", UserAgent(options.user_agent), !options.user_agent.empty());
  add("Authenticate", options.authenticate, options.authenticate != nullptr);
  add("Debug", Debug(env.clock));
  for (auto wrap = options.wrap.rbegin(); wrap != options.wrap.rend(); ++wrap) {
    add("wrap", *wrap, *wrap != nullptr);
  }
  return layers;
}

std::shared_ptr<RoundTripper> BuildChain(const ChainOptions& options,
                                         std::shared_ptr<RoundTripper> transport) {
  auto layers = Layers(options);
  for (auto layer = layers.rbegin(); layer != layers.rend(); ++layer) {
    transport = layer->second(std::move(transport));
  }
  return transport;
}

}  // namespace k8s::http
