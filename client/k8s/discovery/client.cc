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

}  // namespace

Error ErrGroupDiscoveryFailed(const std::map<std::string, Error>& failed) {
  std::string text = "unable to retrieve the complete list of server APIs: ";
  for (bool first = true; const auto& [group_version, error] : failed) {
    if (!first) text += ", ";
    first = false;
    text += Cat(group_version, ": ", error.message());
  }
  return {Error::Code::kTransport, text};
}

Result<Client> Client::NewForConfig(const rest::Config& config) {
  rest::Config own = config;
  if (own.timeout == Duration::zero()) own.timeout = kDefaultTimeout;
  if (own.burst == 0 && !own.rate_limiter) own.burst = kDefaultBurst;
  if (own.user_agent.empty()) own.user_agent = rest::DefaultKubernetesUserAgent(own.env);
  auto rest = rest::ClientFor(
      own, {.content = {"application/json", "application/json"}, .find_kind = &FindKind});
  if (!rest) return rest.error();
  return Client(*std::move(rest));
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

// What /api and /apis said together.
struct Client::Groups {
  metav1::APIGroupList list{};
  std::vector<metav1::APIResourceList> resources{};  // filled when both were aggregated
  std::map<std::string, Error> failed{};
  bool aggregated = true;

  void AddAggregated(const apidiscoveryv2::APIGroupDiscoveryList& document) {
    for (const auto& item : document.items) {
      metav1::APIGroup group{.name = item.metadata.name};
      for (const auto& version : item.versions) {
        const std::string gv = GroupVersionOf(group.name, version.version);
        group.versions.push_back({gv, version.version});
        if (version.freshness == "Stale") {
          failed.emplace(gv,
                         Error(Error::Code::kTransport, Cat("stale GroupVersion discovery: ", gv)));
          continue;
        }
        metav1::APIResourceList& resources_here = resources.emplace_back();
        resources_here.groupVersion = gv;
        for (const auto& resource : version.resources) {
          metav1::APIResource main = ResourceOf(resource);
          // A resource without a kind is there for its subresources only.
          if (resource.responseKind) resources_here.resources.push_back(main);
          for (const auto& sub : resource.subresources) {
            resources_here.resources.push_back(SubresourceOf(main, sub));
          }
        }
      }
      if (!group.versions.empty()) group.preferredVersion = group.versions.front();
      list.groups.push_back(std::move(group));
    }
  }

  void AddLegacyCore(const metav1::APIVersions& document) {
    metav1::APIGroup group;
    for (const std::string& version : document.versions)
      group.versions.push_back({version, version});
    if (!group.versions.empty()) group.preferredVersion = group.versions.front();
    list.groups.push_back(std::move(group));
  }
};

Result<Client::Groups> Client::GroupsOf(const Context& ctx) const {
  Groups groups;
  for (const std::string_view path : {"/api", "/apis"}) {
    const auto answer =
        rest_->Get().AbsPath({path}).SetHeader("Accept", std::string(kAggregated)).Do(ctx);
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
      groups.AddAggregated(document);
      continue;
    }
    groups.aggregated = false;
    if (path == "/api") {
      metav1::APIVersions versions;
      const auto read = DecodeJson(answer->body, TypeOf<metav1::APIVersions>(), &versions);
      if (!read) return read.error().Within(path);
      groups.AddLegacyCore(versions);
    } else {
      metav1::APIGroupList list;
      const auto read = DecodeJson(answer->body, TypeOf<metav1::APIGroupList>(), &list);
      if (!read) return read.error().Within(path);
      for (auto& group : list.groups) groups.list.groups.push_back(std::move(group));
    }
  }
  return groups;
}

Result<metav1::APIGroupList> Client::ServerGroups(const Context& ctx) const {
  auto groups = GroupsOf(ctx);
  if (!groups) return groups.error();
  return std::move(groups->list);
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

Result<GroupsAndResources> Client::Once(const Context& ctx) const {
  auto groups = GroupsOf(ctx);
  if (!groups) return groups.error();
  GroupsAndResources all{.groups = std::move(groups->list.groups)};
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

Result<GroupsAndResources> Client::ServerGroupsAndResources(const Context& ctx) const {
  auto all = Once(ctx);
  // C-8.17: a partial failure is tried once more at once; other errors are not.
  if (all && !all->failed.empty()) return Once(ctx);
  return all;
}

Result<GroupsAndResources> Client::ServerPreferredResources(const Context& ctx) const {
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

}  // namespace k8s::discovery
