#include "k8s/http/metrics.h"

#include <atomic>
#include <deque>
#include <mutex>
#include <vector>

#include "k8s/base/strings.h"

namespace k8s::http {
namespace metrics {
namespace {

template <class... Arguments>
void Fill(std::function<void(Arguments...)>& hook) {
  if (!hook) hook = [](Arguments...) {};
}

Hooks Complete(Hooks hooks) {
  Fill(hooks.request_latency);
  Fill(hooks.rate_limiter_latency);
  Fill(hooks.request_result);
  Fill(hooks.request_retry);
  Fill(hooks.request_size);
  Fill(hooks.response_size);
  Fill(hooks.resolver_latency);
  Fill(hooks.client_cert_expiry);
  Fill(hooks.client_cert_rotation_age);
  Fill(hooks.exec_plugin_calls);
  Fill(hooks.exec_plugin_policy_calls);
  Fill(hooks.transport_cache_entries);
  Fill(hooks.transport_create_calls);
  Fill(hooks.transport_ca_reloads);
  Fill(hooks.transport_cert_rotation_gc_calls);
  Fill(hooks.transport_cache_gc_calls);
  return hooks;
}

// Never freed: threads may still report while the process ends, and use what was replaced.
const Hooks* Keep(Hooks hooks) {
  static auto* const all = new std::deque<Hooks>;
  static std::mutex mutex;
  std::lock_guard lock(mutex);
  return &all->emplace_back(Complete(std::move(hooks)));
}

const Hooks* None() {
  static const Hooks* const none = Keep({});
  return none;
}

std::atomic<const Hooks*>& Slot() {
  static std::atomic<const Hooks*> slot = None();
  return slot;
}

std::once_flag registered;

}  // namespace

void Register(Hooks hooks) {
  std::call_once(registered, [&] { Slot() = Keep(std::move(hooks)); });
}

const Hooks& Current() { return *Slot().load(std::memory_order_acquire); }

bool AreWanted() { return &Current() != None(); }

void ReplaceForTest(Hooks hooks) { Slot() = Keep(std::move(hooks)); }

std::string UrlTemplate(const Url& url) {
  std::vector<std::string> parts;
  for (const std::string_view part : Split(url.path, '/')) parts.emplace_back(part);
  if (!parts.empty()) parts.erase(parts.begin());
  std::string path;
  if (parts.size() <= 1) {
    path = url.path;
  } else if (parts[0] != "api" && parts[0] != "apis") {
    path = "/{prefix}";
  } else {
    const size_t resource = parts[0] == "api" ? 2 : 3;
    if (parts.size() > resource + 1 && parts[resource] == "namespaces") {
      parts[resource + 1] = "{namespace}";
      if (parts.size() > resource + 3) parts[resource + 3] = "{name}";
    } else if (parts.size() > resource + 1) {
      parts[resource + 1] = "{name}";
    }
    path = Cat("/", Join(parts, "/"));
  }
  Query query;
  for (const auto& [key, value] : Query::Parse(url.query)) {
    if (!query.Has(key)) query.Add(key, "{value}");
  }
  std::string out = Cat(url.scheme, url.scheme.empty() ? "" : "://", url.Authority(), path);
  if (!query.empty()) out += Cat("?", query.Encode());
  return out;
}

}  // namespace metrics

namespace {

class MetricsLayer final : public RoundTripper {
 public:
  explicit MetricsLayer(std::shared_ptr<RoundTripper> next) : next_(std::move(next)) {}

  Result<Response> RoundTrip(const Request& request, const Context& ctx) override {
    auto response = next_->RoundTrip(request, ctx);
    if (!metrics::AreWanted()) return response;
    const metrics::Hooks& hooks = metrics::Current();
    const std::string code = response ? std::to_string(response->status) : "<error>";
    const std::string host = request.url.host.empty() ? "none" : request.url.Authority();
    hooks.request_result(code, request.method, host);
    if (request.attempt > 1) hooks.request_retry(code, request.method, host);
    if (request.body && (request.mode == Mode::kDo || request.mode == Mode::kDoRaw)) {
      hooks.request_size(request.method, host, static_cast<double>(request.body->size()));
    }
    return response;
  }
  void CloseIdleConnections() override { next_->CloseIdleConnections(); }

 private:
  std::shared_ptr<RoundTripper> next_;
};

}  // namespace

Layer Metrics() {
  return [](std::shared_ptr<RoundTripper> next) -> std::shared_ptr<RoundTripper> {
    return std::make_shared<MetricsLayer>(std::move(next));
  };
}

}  // namespace k8s::http
