#include "k8s/discovery/client.h"

#include <algorithm>
#include <set>

#include "k8s/api/apidiscoveryv2.h"
#include "k8s/api/group_versions.h"
#include "k8s/base/strings.h"
#include "k8s/machinery/json.h"
#include "k8s/machinery/json_codec.h"
#include "k8s/rest/request.h"
#include "k8s/rest/transport_for.h"

namespace k8s::discovery {
namespace {

constexpr std::string_view kAggregated =
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";

// More parameters, and any order of them, are allowed.
bool IsAggregated(std::string_view content_type) {
  std::set<std::string> parts;
  for (const std::string_view part : Split(content_type, ';')) parts.insert(ToLower(Trim(part)));
  return parts.contains("application/json") && parts.contains("g=apidiscovery.k8s.io") &&
         parts.contains("v=v2") && parts.contains("as=apigroupdiscoverylist");
}

std::string GroupVersionOf(std::string_view group, std::string_view version) {
  return group.empty() ? std::string(version) : Cat(group, "/", version);
}

metav1::APIResource ResourceOf(const apidiscoveryv2::APIResourceDiscovery& from) {
  metav1::APIResource to{.name = from.resource,
                         .singularName = from.singularResource,
                         .namespaced = from.scope == "Namespaced"};
  to.verbs.items = from.verbs;
  to.shortNames = from.shortNames;
  to.categories = from.categories;
  if (from.responseKind) {
    to.group = from.responseKind->group;
    to.version = from.responseKind->version;
    to.kind = from.responseKind->kind;
  }
  return to;
}

metav1::APIResource SubresourceOf(const metav1::APIResource& parent,
                                  const apidiscoveryv2::APISubresourceDiscovery& from) {
  metav1::APIResource to{.name = Cat(parent.name, "/", from.subresource),
                         .singularName = parent.singularName,
                         .namespaced = parent.namespaced};
  to.verbs.items = from.verbs;
  if (from.responseKind) {
    to.group = from.responseKind->group;
    to.version = from.responseKind->version;
    to.kind = from.responseKind->kind;
  }
  return to;
}

Result<std::string> GetText(const rest::Client& rest, std::string_view path, const Context& ctx) {
  auto answer = rest.Get().AbsPath({path}).SetHeader("Accept", "application/json").Do(ctx);
  if (!answer) return answer.error();
  return std::move(answer->body);
}

void AddAggregated(const apidiscoveryv2::APIGroupDiscoveryList& document, ServedGroups& to) {
  for (const auto& item : document.items) {
    metav1::APIGroup group{.name = item.metadata.name};
    for (const auto& version : item.versions) {
      const std::string gv = GroupVersionOf(group.name, version.version);
      group.versions.push_back({gv, version.version});
      if (version.freshness == "Stale") {
        to.failed.emplace(
            gv, Error(Error::Code::kTransport, Cat("stale GroupVersion discovery: ", gv)));
        continue;
      }
      metav1::APIResourceList& list = to.resources.emplace_back();
      list.groupVersion = gv;
      for (const auto& resource : version.resources) {
        const metav1::APIResource main = ResourceOf(resource);
        // A resource without a kind is there for its subresources only.
        if (resource.responseKind) list.resources.push_back(main);
        for (const auto& sub : resource.subresources) {
          list.resources.push_back(SubresourceOf(main, sub));
        }
      }
    }
    if (!group.versions.empty()) group.preferredVersion = group.versions.front();
    to.groups.groups.push_back(std::move(group));
  }
}

metav1::APIGroup LegacyCore(const metav1::APIVersions& document) {
  metav1::APIGroup group;
  for (const std::string& version : document.versions) group.versions.push_back({version, version});
  if (!group.versions.empty()) group.preferredVersion = group.versions.front();
  return group;
}

constexpr std::string_view kIncomplete = "unable to retrieve the complete list of server APIs: ";

}  // namespace

Error ErrGroupDiscoveryFailed(const std::map<std::string, Error>& failed) {
  std::string text(kIncomplete);
  for (bool first = true; const auto& [group_version, error] : failed) {
    if (!first) text += ", ";
    first = false;
    text += Cat(group_version, ": ", error.message());
  }
  return {Error::Code::kTransport, text};
}

bool IsGroupDiscoveryFailedError(const Error& error) {
  return error.message().find(kIncomplete) != std::string::npos;
}

Result<metav1::APIGroupList> Interface::ServerGroups(const Context& ctx) const {
  auto groups = GroupsAndMaybeResources(ctx);
  if (!groups) return groups.error();
  return std::move(groups->groups);
}

Result<GroupsAndResources> Interface::Once(const Context& ctx) const {
  auto groups = GroupsAndMaybeResources(ctx);
  if (!groups) return groups.error();
  GroupsAndResources all{.groups = std::move(groups->groups.groups)};
  if (groups->aggregated) {
    all.resources = std::move(groups->resources);
    all.failed = std::move(groups->failed);
    return all;
  }
  for (const metav1::APIGroup& group : all.groups) {
    for (const auto& version : group.versions) {
      auto list = ServerResourcesForGroupVersion(version.groupVersion, ctx);
      if (list) {
        all.resources.push_back(*std::move(list));
      } else {
        all.failed.emplace(version.groupVersion, list.error());
      }
    }
  }
  return all;
}

Result<GroupsAndResources> Interface::ServerGroupsAndResources(const Context& ctx) const {
  auto all = Once(ctx);
  // C-8.17: a partial failure is tried once more at once; other errors are not.
  if (all && !all->failed.empty()) return Once(ctx);
  return all;
}

Result<GroupsAndResources> Interface::ServerPreferredResources(const Context& ctx) const {
  auto all = ServerGroupsAndResources(ctx);
  if (!all) return all.error();
  std::map<std::string, const metav1::APIResourceList*> lists;
  for (const auto& list : all->resources) lists.emplace(list.groupVersion, &list);
  GroupsAndResources preferred{.groups = all->groups, .failed = all->failed};
  for (const metav1::APIGroup& group : all->groups) {
    std::map<std::string, std::string> chosen;  // resource to group version
    const auto choose = [&](const std::string& gv, bool always) {
      const auto found = lists.find(gv);
      if (found == lists.end()) return;
      for (const auto& resource : found->second->resources) {
        if (resource.name.find('/') != std::string::npos) continue;
        if (always) {
          chosen[resource.name] = gv;
        } else {
          chosen.emplace(resource.name, gv);
        }
      }
    };
    for (const auto& version : group.versions) choose(version.groupVersion, false);
    choose(group.preferredVersion.groupVersion, true);
    for (const auto& version : group.versions) {
      const auto found = lists.find(version.groupVersion);
      if (found == lists.end()) continue;
      metav1::APIResourceList& list = preferred.resources.emplace_back();
      list.groupVersion = version.groupVersion;
      std::copy_if(found->second->resources.begin(), found->second->resources.end(),
                   std::back_inserter(list.resources), [&](const metav1::APIResource& resource) {
                     const auto choice = chosen.find(resource.name);
                     return choice != chosen.end() && choice->second == version.groupVersion;
                   });
    }
  }
  return preferred;
}

Result<GroupsAndResources> Interface::ServerPreferredNamespacedResources(const Context& ctx) const {
  auto all = ServerPreferredResources(ctx);
  if (!all) return all;
  for (metav1::APIResourceList& list : all->resources) {
    std::erase_if(list.resources, [](const auto& resource) { return !resource.namespaced; });
  }
  return all;
}

Result<Client> Client::NewForConfig(const rest::Config& config) {
  rest::Config own = config;
  if (own.timeout == Duration::zero()) own.timeout = kDefaultTimeout;
  return NewForClientset(own);
}

Result<Client> Client::NewForClientset(const rest::Config& config) {
  rest::Config own = config;
  if (own.burst == 0 && !own.rate_limiter) own.burst = kDefaultBurst;
  if (own.user_agent.empty()) own.user_agent = rest::DefaultKubernetesUserAgent(own.env);
  auto rest = rest::ClientFor(own, {.content = {"application/json", "application/json"},
                                    .timeout = own.timeout,
                                    .find_kind = &FindKind});
  if (!rest) return rest.error();
  return Client(*std::move(rest));
}

Client Client::UseLegacyDiscovery() const {
  Client legacy = *this;
  legacy.legacy_ = true;
  return legacy;
}

Result<Info> Client::ServerVersion(const Context& ctx) const {
  const auto text = GetText(*rest_, "/version", ctx);
  if (!text) return text.error();
  const auto value = ParseJson(*text);
  if (!value) {
    return DecodeError(Cat("unable to parse the server version: ", value.error().message()));
  }
  const auto at = [&](std::string_view key) { return std::string(value->StringAt({key})); };
  return Info{at("major"),     at("minor"),        at("gitVersion"),
              at("gitCommit"), at("gitTreeState"), at("buildDate"),
              at("goVersion"), at("compiler"),     at("platform")};
}

Result<ServedGroups> Client::GroupsAndMaybeResources(const Context& ctx) const {
  ServedGroups groups;
  const std::string accept(legacy_ ? "application/json" : kAggregated);
  for (const std::string_view path : {"/api", "/apis"}) {
    const auto answer = rest_->Get().AbsPath({path}).SetHeader("Accept", accept).Do(ctx);
    if (!answer) {
      // Only the core document may be missing; it then counts as aggregated.
      if (path == "/api" && IsNotFound(answer.error())) continue;
      return answer.error();
    }
    if (IsAggregated(answer->content_type)) {
      apidiscoveryv2::APIGroupDiscoveryList document;
      if (auto read =
              DecodeJson(answer->body, TypeOf<apidiscoveryv2::APIGroupDiscoveryList>(), &document);
          !read) {
        return read.error().Within(path);
      }
      AddAggregated(document, groups);
      continue;
    }
    groups.aggregated = false;
    if (path == "/api") {
      metav1::APIVersions versions;
      const auto read = DecodeJson(answer->body, TypeOf<metav1::APIVersions>(), &versions);
      if (!read) return read.error().Within(path);
      groups.groups.groups.push_back(LegacyCore(versions));
    } else {
      metav1::APIGroupList list;
      const auto read = DecodeJson(answer->body, TypeOf<metav1::APIGroupList>(), &list);
      if (!read) return read.error().Within(path);
      for (auto& group : list.groups) groups.groups.groups.push_back(std::move(group));
    }
  }
  if (!groups.aggregated) {
    groups.resources.clear();
    groups.failed.clear();
  }
  return groups;
}

Result<metav1::APIResourceList> Client::ServerResourcesForGroupVersion(
    std::string_view group_version, const Context& ctx) const {
  if (group_version.empty()) return Invalid("groupVersion shouldn't be empty");
  const bool core = group_version.find('/') == std::string_view::npos;
  const auto text = GetText(*rest_, Cat(core ? "/api/" : "/apis/", group_version), ctx);
  if (!text) {
    if (group_version == "v1" && IsNotFound(text.error())) {
      return metav1::APIResourceList{.groupVersion = "v1"};
    }
    return text.error();
  }
  metav1::APIResourceList list;
  const auto read = DecodeJson(*text, TypeOf<metav1::APIResourceList>(), &list);
  if (!read) return read.error().Within(group_version);
  return list;
}

Result<std::string> Client::OpenAPISchema(const Context& ctx) const {
  constexpr std::string_view kSchema = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";
  return rest_->Get().AbsPath({"/openapi/v2"}).SetHeader("Accept", std::string(kSchema)).DoRaw(ctx);
}

Result<std::map<std::string, std::string>> Client::OpenAPIV3Paths(const Context& ctx) const {
  const auto text = GetText(*rest_, "/openapi/v3", ctx);
  if (!text) return text.error();
  const auto value = ParseJson(*text);
  if (!value) return value.error().Within("/openapi/v3");
  std::map<std::string, std::string> paths;
  if (const Value* found = value->Find("paths"); found != nullptr && found->is_object()) {
    for (const auto& [path, entry] : found->object()) {
      paths.emplace(path, entry.StringAt({"serverRelativeURL"}));
    }
  }
  return paths;
}

std::vector<metav1::APIResourceList> SupportsAllVerbs(
    const std::vector<metav1::APIResourceList>& lists, const std::vector<std::string>& verbs) {
  std::vector<metav1::APIResourceList> filtered;
  for (const metav1::APIResourceList& list : lists) {
    metav1::APIResourceList kept{.groupVersion = list.groupVersion};
    for (const metav1::APIResource& resource : list.resources) {
      const auto& has = resource.verbs.items;
      if (std::all_of(verbs.begin(), verbs.end(), [&](const std::string& verb) {
            return std::find(has.begin(), has.end(), verb) != has.end();
          })) {
        kept.resources.push_back(resource);
      }
    }
    if (!kept.resources.empty()) filtered.push_back(std::move(kept));
  }
  return filtered;
}

Result<bool> IsResourceEnabled(const Interface& client, const metav1::GroupVersionResource& gvr,
                               const Context& ctx) {
  const auto list =
      client.ServerResourcesForGroupVersion(GroupVersionOf(gvr.group, gvr.version), ctx);
  if (!list) {
    if (IsNotFound(list.error())) return false;
    return list.error();
  }
  return std::any_of(list->resources.begin(), list->resources.end(),
                     [&](const auto& resource) { return resource.name == gvr.resource; });
}

Result<void> ServerSupportsVersion(const Interface& client, std::string_view group_version,
                                   const Context& ctx) {
  const auto groups = client.ServerGroups(ctx);
  if (!groups) return groups.error();
  for (const metav1::APIGroup& group : groups->groups) {
    for (const auto& version : group.versions) {
      if (version.groupVersion == group_version) return {};
    }
  }
  return Invalid(Cat("server does not support API version ", Quote(group_version)));
}

}  // namespace k8s::discovery
