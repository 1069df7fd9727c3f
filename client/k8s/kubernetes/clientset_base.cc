#include "k8s/kubernetes/clientset_base.h"

#include <map>
#include <mutex>

#include "k8s/api/group_versions.h"
#include "k8s/base/strings.h"
#include "k8s/rest/transport_for.h"

namespace k8s::kubernetes {
namespace {

// What a group version's client knows of itself; where the server is comes from the config.
rest::ClientOptions OptionsFor(const rest::Config& config, std::string_view group,
                               std::string_view version) {
  rest::ClientOptions options;
  options.api_path =
      rest::DefaultVersionedApiPath(group.empty() ? "/api" : "/apis", group, version);
  options.group = group;
  options.version = version;
  options.content = {config.accept_content_types, config.content_type};
  options.timeout = config.timeout;
  options.find_kind = &FindKind;
  return options;
}

}  // namespace

Result<std::shared_ptr<const rest::Client>> RESTClientFor(const rest::Config& config,
                                                          std::string_view group,
                                                          std::string_view version) {
  return rest::ClientFor(config, OptionsFor(config, group, version));
}

struct ClientsetBase::State {
  rest::Config config;
  discovery::Client discovery;
  State(rest::Config config, discovery::Client discovery)
      : config(std::move(config)), discovery(std::move(discovery)) {}

  std::mutex mutex;
  std::map<std::string, std::shared_ptr<const rest::Client>, std::less<>> groups;  // by mutex
};

Result<ClientsetBase> ClientsetBase::Make(const rest::Config& config) {
  auto shared = rest::ConfigForClientset(config);
  if (!shared) return shared.error();
  auto discovery = discovery::Client::NewForClientset(*shared);
  if (!discovery) return discovery.error();
  auto state = std::make_shared<State>(*std::move(shared), *std::move(discovery));
  // The first stack is made now, so that every mistake in the config shows here.
  auto core = RESTClientFor(state->config, "", "v1");
  if (!core) return core.error();
  state->groups.emplace("/v1", *std::move(core));
  return ClientsetBase(std::move(state));
}

discovery::Client ClientsetBase::Discovery() const { return state_->discovery; }

std::shared_ptr<const rest::Client> ClientsetBase::Group(std::string_view group,
                                                         std::string_view version,
                                                         Encoding encoding) const {
  const bool json = encoding == Encoding::kJson;
  const std::string key = Cat(group, "/", version, json ? " as JSON" : "");
  std::lock_guard lock(state_->mutex);
  auto& slot = state_->groups[key];
  if (slot) return slot;
  rest::ClientOptions options = OptionsFor(state_->config, group, version);
  if (json) options.content = {std::string(rest::kJson), std::string(rest::kJson)};
  auto made = rest::ClientFor(state_->config, options);
  if (made) {
    slot = *std::move(made);
    return slot;
  }
  // Only a credential that was readable at the start and is not now can bring us here: the client
  // answers every call with that.
  class Failing final : public http::RoundTripper {
   public:
    explicit Failing(Error error) : error_(std::move(error)) {}
    Result<http::Response> RoundTrip(const http::Request&, const Context&) override {
      return error_;
    }

   private:
    Error error_;
  };
  options.stack = std::make_shared<Failing>(made.error());
  return std::make_shared<const rest::Client>(std::move(options));
}

}  // namespace k8s::kubernetes
