#pragma once

// discovery::Client: what a server serves, in which groups and versions (chapter 8.5). Asks the
// aggregated documents first and falls back to the legacy ones. A value that shares its
// rest::Client; any thread may use it.

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "k8s/api/metav1.h"
#include "k8s/base/context.h"
#include "k8s/rest/client.h"
#include "k8s/rest/config.h"

namespace k8s::discovery {

// version.Info of apimachinery: what /version answers.
struct Info {
  std::string major{}, minor{}, gitVersion{}, gitCommit{}, gitTreeState{}, buildDate{}, goVersion{},
      compiler{}, platform{};
};

// Groups and resources, as far as they could be had. failed is empty when all of them could.
struct GroupsAndResources {
  std::vector<metav1::APIGroup> groups{};
  std::vector<metav1::APIResourceList> resources{};
  std::map<std::string, Error> failed{};  // by group version
};

// "unable to retrieve the complete list of server APIs: <gv>: <error>, ...", sorted.
Error ErrGroupDiscoveryFailed(const std::map<std::string, Error>& failed);

// It says "unable to retrieve the complete list of server APIs".
bool IsGroupDiscoveryFailedError(const Error& error);

// What /api and /apis said.
struct ServedGroups {
  metav1::APIGroupList groups{};
  bool aggregated = true;                            // both did; else the next two are empty
  std::vector<metav1::APIResourceList> resources{};  // of every group version that has not failed
  std::map<std::string, Error> failed{};             // by group version: the stale ones
};

// What a server serves, asked or remembered: discovery.DiscoveryInterface as far as both can.
class Interface {
 public:
  virtual ~Interface() = default;
  virtual Result<ServedGroups> GroupsAndMaybeResources(const Context& ctx = {}) const = 0;
  // "apps/v1". A 404 of "v1" is an empty list.
  virtual Result<metav1::APIResourceList> ServerResourcesForGroupVersion(
      std::string_view group_version, const Context& ctx = {}) const = 0;

  // Core first, then the server's order.
  Result<metav1::APIGroupList> ServerGroups(const Context& ctx = {}) const;
  // Two GETs on a server that aggregates, one more a group version on one that does not. A partial
  // failure is in the value, and the whole sequence has then been run twice.
  Result<GroupsAndResources> ServerGroupsAndResources(const Context& ctx = {}) const;
  // For each resource its version of the group's preferred version, or else the first that has it.
  Result<GroupsAndResources> ServerPreferredResources(const Context& ctx = {}) const;
  // Of these the namespaced ones.
  Result<GroupsAndResources> ServerPreferredNamespacedResources(const Context& ctx = {}) const;

 private:
  Result<GroupsAndResources> Once(const Context& ctx) const;
};

inline constexpr Duration kDefaultTimeout = std::chrono::seconds(32);
inline constexpr int kDefaultBurst = 300;

class Client final : public Interface {
 public:
  // With its own defaults for timeout and burst. No network I/O.
  static Result<Client> NewForConfig(const rest::Config& config);
  // The same without a timeout of its own, as part of a Clientset: what they share has one or none.
  static Result<Client> NewForClientset(const rest::Config& config);
  explicit Client(std::shared_ptr<const rest::Client> rest) : rest_(std::move(rest)) {}

  const rest::Client& RESTClient() const { return *rest_; }
  // The same client, which asks for the legacy documents alone.
  Client UseLegacyDiscovery() const;

  Result<Info> ServerVersion(const Context& ctx = {}) const;
  Result<ServedGroups> GroupsAndMaybeResources(const Context& ctx = {}) const override;
  Result<metav1::APIResourceList> ServerResourcesForGroupVersion(
      std::string_view group_version, const Context& ctx = {}) const override;
  // The OpenAPI v2 document in protobuf.
  Result<std::string> OpenAPISchema(const Context& ctx = {}) const;
  // Path to server-relative URL of every OpenAPI v3 document.
  Result<std::map<std::string, std::string>> OpenAPIV3Paths(const Context& ctx = {}) const;

 private:
  std::shared_ptr<const rest::Client> rest_;
  bool legacy_ = false;
};

// The resources that have all of these verbs ("list"); lists without any are left out.
std::vector<metav1::APIResourceList> SupportsAllVerbs(
    const std::vector<metav1::APIResourceList>& lists, const std::vector<std::string>& verbs);
// A group version that is not there has no resource.
Result<bool> IsResourceEnabled(const Interface& client, const metav1::GroupVersionResource& gvr,
                               const Context& ctx = {});
// An error when it does not.
Result<void> ServerSupportsVersion(const Interface& client, std::string_view group_version,
                                   const Context& ctx = {});

}  // namespace k8s::discovery
