#include "k8s/discovery/rest_mapper.h"

#include <algorithm>
#include <mutex>
#include <set>
#include <tuple>

#include "k8s/base/strings.h"

namespace k8s::discovery {
namespace {

auto Key(const GroupVersionResource& gvr) { return std::tie(gvr.group, gvr.version, gvr.resource); }
auto Key(const GroupVersionKind& gvk) { return std::tie(gvk.group, gvk.version, gvk.kind); }

// As Go prints them.
std::string Text(const GroupVersionResource& gvr) {
  return Cat(gvr.group, "/", gvr.version, ", Resource=", gvr.resource);
}
std::string Text(const GroupVersionKind& gvk) {
  return Cat(gvk.group, "/", gvk.version, ", Kind=", gvk.kind);
}
std::string Text(const metav1::GroupResource& resource) {
  return resource.group.empty() ? resource.resource : Cat(resource.resource, ".", resource.group);
}

template <class T>
std::string Texts(const std::vector<T>& all) {
  std::vector<std::string> texts;
  for (const T& one : all) texts.push_back(Text(one));
  return Cat("[", Join(texts, " "), "]");
}

Error NoResourceMatch(const GroupVersionResource& partial) {
  return Invalid(Cat("no matches for ", Text(partial)));
}

Error NoKindMatch(const metav1::GroupKind& kind, const std::vector<std::string>& versions) {
  std::set<std::string> searched;
  for (const std::string& version : versions) {
    searched.insert(kind.group.empty() ? version : Cat(kind.group, "/", version));
  }
  const std::string text = Cat("no matches for kind ", Quote(kind.kind));
  if (searched.empty()) return Invalid(Cat(text, " in group ", Quote(kind.group)));
  if (searched.size() == 1) return Invalid(Cat(text, " in version ", Quote(*searched.begin())));
  std::vector<std::string> quoted;
  for (const std::string& version : searched) quoted.push_back(Quote(version));
  return Invalid(Cat(text, " in versions [", Join(quoted, " "), "]"));
}

template <class T>
void AddOnce(std::vector<T>& to, const T& value) {
  const auto same = [&](const T& other) { return Key(other) == Key(value); };
  if (std::none_of(to.begin(), to.end(), same)) to.push_back(value);
}

// One line of a group version's discovery.
struct Row {
  std::string kind;
  std::string plural;
  std::string singular;
  bool namespaced;
};

struct VersionRows {
  std::string group, version;
  std::vector<Row> rows;
};

struct Priority {
  std::string group;
  std::optional<std::string> version;  // none: any
};

// Go's PriorityRESTMapper over a MultiRESTMapper over one DefaultRESTMapper a group version.
class DiscoveryRESTMapper final : public RESTMapper {
 public:
  explicit DiscoveryRESTMapper(const GroupsAndResources& served) {
    std::map<std::string, const metav1::APIResourceList*> lists;
    for (const auto& list : served.resources) lists.emplace(list.groupVersion, &list);
    priorities_.push_back({"", "v1"});
    for (const metav1::APIGroup& group : served.groups) {
      const auto& preferred = group.preferredVersion;
      if (lists.contains(preferred.groupVersion)) {
        priorities_.push_back({group.name, preferred.version});
      }
      for (const auto& version : group.versions) {
        const auto found = lists.find(version.groupVersion);
        if (found == lists.end()) continue;
        if (version.version != preferred.version) {
          priorities_.push_back({group.name, version.version});
        }
        AddVersion(group.name, version.version, *found->second);
      }
    }
    for (const metav1::APIGroup& group : served.groups) priorities_.push_back({group.name, {}});
  }

  Result<GroupVersionKind> KindFor(const GroupVersionResource& partial,
                                   const Context& ctx) const override {
    auto all = KindsFor(partial, ctx);
    if (!all) return all.error();
    if (auto one = First(*all, priorities_)) return *std::move(one);
    return Invalid(Cat(Text(partial), " matches multiple kinds ", Texts(*all)));
  }

  Result<std::vector<GroupVersionKind>> KindsFor(const GroupVersionResource& partial,
                                                 const Context&) const override {
    std::vector<GroupVersionKind> kinds;
    const auto wanted = Wanted(partial);
    if (!wanted) return wanted.error();
    for (const VersionRows& version : versions_) {
      for (const Row* row : Matches(version, *wanted)) {
        AddOnce(kinds, GroupVersionKind{version.group, version.version, row->kind});
      }
    }
    if (kinds.empty()) return NoResourceMatch(partial);
    return kinds;
  }

  Result<GroupVersionResource> ResourceFor(const GroupVersionResource& partial,
                                           const Context& ctx) const override {
    auto all = ResourcesFor(partial, ctx);
    if (!all) return all.error();
    if (auto one = First(*all, priorities_)) return *std::move(one);
    return Invalid(Cat(Text(partial), " matches multiple resources ", Texts(*all)));
  }

  Result<std::vector<GroupVersionResource>> ResourcesFor(const GroupVersionResource& partial,
                                                         const Context&) const override {
    std::vector<GroupVersionResource> resources;
    const auto wanted = Wanted(partial);
    if (!wanted) return wanted.error();
    for (const VersionRows& version : versions_) {
      for (const Row* row : Matches(version, *wanted)) {
        AddOnce(resources, GroupVersionResource{version.group, version.version, row->plural});
      }
    }
    if (resources.empty()) return NoResourceMatch(partial);
    return resources;
  }

  Result<RESTMapping> RESTMappingFor(const metav1::GroupKind& kind,
                                     const std::vector<std::string>& versions,
                                     const Context& ctx) const override {
    const auto all = RESTMappings(kind, versions, ctx);
    if (!all) return all.error();
    std::vector<Priority> priorities;
    for (const std::string& version : versions) priorities.push_back({kind.group, version});
    priorities.insert(priorities.end(), priorities_.begin(), priorities_.end());
    std::vector<GroupVersionKind> kinds;
    for (const RESTMapping& mapping : *all) kinds.push_back(mapping.kind);
    const auto first = First(kinds, priorities);
    if (!first) {
      return Invalid(Cat(Text(GroupVersionKind{kind.group, "", kind.kind}),
                         " matches multiple kinds ", Texts(kinds)));
    }
    return *std::find_if(all->begin(), all->end(), [&](const RESTMapping& mapping) {
      return Key(mapping.kind) == Key(*first);
    });
  }

  Result<std::vector<RESTMapping>> RESTMappings(const metav1::GroupKind& kind,
                                                const std::vector<std::string>& versions,
                                                const Context&) const override {
    std::vector<RESTMapping> mappings;
    for (const VersionRows& version : versions_) {
      if (version.group != kind.group) continue;
      const bool any = std::all_of(versions.begin(), versions.end(),
                                   [](const std::string& wanted) { return wanted.empty(); });
      if (!any && std::find(versions.begin(), versions.end(), version.version) == versions.end()) {
        continue;
      }
      // Of rows with one kind the last one counts, as in Go's maps.
      const auto row = std::find_if(version.rows.rbegin(), version.rows.rend(),
                                    [&](const Row& one) { return one.kind == kind.kind; });
      if (row == version.rows.rend()) continue;
      mappings.push_back({.resource = {version.group, version.version, row->plural},
                          .kind = {version.group, version.version, row->kind},
                          .namespaced = row->namespaced});
    }
    if (mappings.empty()) return NoKindMatch(kind, versions);
    return mappings;
  }

 private:
  void AddVersion(const std::string& group, const std::string& version,
                  const metav1::APIResourceList& list) {
    VersionRows& to = versions_.emplace_back(VersionRows{group, version, {}});
    const auto guess = [&](const std::string& kind, bool namespaced) {
      const GuessedResource guessed = UnsafeGuessKindToResource(kind);
      to.rows.push_back({kind, guessed.plural, guessed.singular, namespaced});
    };
    for (const metav1::APIResource& resource : list.resources) {
      if (resource.name.find('/') != std::string::npos) continue;
      // Servers that list no singular forms are old.
      const std::string singular = resource.singularName.empty()
                                       ? UnsafeGuessKindToResource(resource.kind).singular
                                       : resource.singularName;
      const std::string lower = ToLower(resource.kind);
      to.rows.push_back({lower, resource.name, singular, resource.namespaced});
      to.rows.push_back({resource.kind, resource.name, singular, resource.namespaced});
      guess(Cat(resource.kind, "List"), resource.namespaced);
    }
    guess("List", false);
  }

  static Result<GroupVersionResource> Wanted(const GroupVersionResource& partial) {
    if (partial.resource.empty()) {
      return Invalid(Cat("a resource must be present, got: ", Text(partial)));
    }
    return GroupVersionResource{partial.group, partial.version, ToLower(partial.resource)};
  }

  // The rows that the resource, plural or singular, may mean; of each resource the one with the
  // kind's own spelling.
  static std::vector<const Row*> Matches(const VersionRows& version,
                                         const GroupVersionResource& wanted) {
    // Given a group alone, its beginning will do: storageclass.storage is in storage.k8s.io.
    const bool group_fits = wanted.group.empty() || wanted.group == version.group ||
                            (wanted.version.empty() && version.group.starts_with(wanted.group));
    const bool version_fits = wanted.version.empty() || wanted.version == version.version;
    std::vector<const Row*> rows;
    if (!group_fits || !version_fits) return rows;
    for (size_t i = 0; i < version.rows.size(); ++i) {
      const Row& row = version.rows[i];
      if (row.plural != wanted.resource && row.singular != wanted.resource) continue;
      const auto same = [&](const Row& later) { return later.plural == row.plural; };
      if (std::any_of(version.rows.begin() + static_cast<std::ptrdiff_t>(i) + 1, version.rows.end(),
                      same)) {
        continue;
      }
      rows.push_back(&row);
    }
    return rows;
  }

  // The one that the first deciding priority leaves.
  template <class T>
  static std::optional<T> First(std::vector<T> remaining, const std::vector<Priority>& priorities) {
    if (remaining.size() == 1) return remaining.front();
    for (const Priority& priority : priorities) {
      std::vector<T> matching;
      std::copy_if(remaining.begin(), remaining.end(), std::back_inserter(matching),
                   [&](const T& one) {
                     return one.group == priority.group &&
                            (!priority.version || *priority.version == one.version);
                   });
      if (matching.size() == 1) return matching.front();
      if (!matching.empty()) remaining = std::move(matching);
    }
    return std::nullopt;
  }

  std::vector<VersionRows> versions_;
  std::vector<Priority> priorities_;
};

class Deferred final : public DeferredDiscoveryRESTMapper {
 public:
  explicit Deferred(std::shared_ptr<CachedInterface> client) : client_(std::move(client)) {}

  void Reset() override { Forget(); }
  Result<GroupVersionKind> KindFor(const GroupVersionResource& partial,
                                   const Context& ctx) const override {
    return Ask(ctx, [&](const RESTMapper& mapper) { return mapper.KindFor(partial, ctx); });
  }
  Result<std::vector<GroupVersionKind>> KindsFor(const GroupVersionResource& partial,
                                                 const Context& ctx) const override {
    return Ask(ctx, [&](const RESTMapper& mapper) { return mapper.KindsFor(partial, ctx); });
  }
  Result<GroupVersionResource> ResourceFor(const GroupVersionResource& partial,
                                           const Context& ctx) const override {
    return Ask(ctx, [&](const RESTMapper& mapper) { return mapper.ResourceFor(partial, ctx); });
  }
  Result<std::vector<GroupVersionResource>> ResourcesFor(const GroupVersionResource& partial,
                                                         const Context& ctx) const override {
    return Ask(ctx, [&](const RESTMapper& mapper) { return mapper.ResourcesFor(partial, ctx); });
  }
  Result<RESTMapping> RESTMappingFor(const metav1::GroupKind& kind,
                                     const std::vector<std::string>& versions,
                                     const Context& ctx) const override {
    return Ask(
        ctx, [&](const RESTMapper& mapper) { return mapper.RESTMappingFor(kind, versions, ctx); });
  }
  Result<std::vector<RESTMapping>> RESTMappings(const metav1::GroupKind& kind,
                                                const std::vector<std::string>& versions,
                                                const Context& ctx) const override {
    return Ask(ctx,
               [&](const RESTMapper& mapper) { return mapper.RESTMappings(kind, versions, ctx); });
  }

 private:
  template <class Question>
  auto Ask(const Context& ctx, const Question& question) const
      -> decltype(question(std::declval<const RESTMapper&>())) {
    auto mapper = Delegate(ctx);
    if (!mapper) return mapper.error();
    auto answer = question(**mapper);
    if (answer || !IsNoMatchError(answer.error()) || client_->Fresh()) return answer;
    Forget();
    mapper = Delegate(ctx);
    if (!mapper) return mapper.error();
    return question(**mapper);
  }

  Result<std::shared_ptr<const RESTMapper>> Delegate(const Context& ctx) const {
    std::lock_guard lock(mutex_);
    if (delegate_) return delegate_;
    // A part of the groups is enough.
    const auto served = client_->ServerGroupsAndResources(ctx);
    if (!served) return served.error();
    delegate_ = NewDiscoveryRESTMapper(*served);
    return delegate_;
  }

  void Forget() const {
    std::lock_guard lock(mutex_);
    client_->Invalidate();
    delegate_.reset();
  }

  const std::shared_ptr<CachedInterface> client_;
  mutable std::mutex mutex_;
  mutable std::shared_ptr<const RESTMapper> delegate_;  // by mutex_
};

std::string GroupOf(std::string_view group_version) {
  const size_t slash = group_version.find('/');
  return std::string(slash == std::string_view::npos ? "" : group_version.substr(0, slash));
}

class ShortcutExpander final : public RESTMapper {
 public:
  ShortcutExpander(std::shared_ptr<const RESTMapper> delegate,
                   std::shared_ptr<const Interface> client,
                   std::function<void(std::string_view)> warn)
      : delegate_(std::move(delegate)), client_(std::move(client)), warn_(std::move(warn)) {}

  Result<GroupVersionKind> KindFor(const GroupVersionResource& partial,
                                   const Context& ctx) const override {
    auto kind = delegate_->KindFor(Expand(partial, ctx), ctx);
    // The miss may have made a deferred mapper ask again, and brought new short names.
    if (!kind && IsNoMatchError(kind.error())) {
      return delegate_->KindFor(Expand(partial, ctx), ctx);
    }
    return kind;
  }
  Result<std::vector<GroupVersionKind>> KindsFor(const GroupVersionResource& partial,
                                                 const Context& ctx) const override {
    return delegate_->KindsFor(Expand(partial, ctx), ctx);
  }
  Result<GroupVersionResource> ResourceFor(const GroupVersionResource& partial,
                                           const Context& ctx) const override {
    auto resource = delegate_->ResourceFor(Expand(partial, ctx), ctx);
    if (!resource && IsNoMatchError(resource.error())) {
      return delegate_->ResourceFor(Expand(partial, ctx), ctx);
    }
    return resource;
  }
  Result<std::vector<GroupVersionResource>> ResourcesFor(const GroupVersionResource& partial,
                                                         const Context& ctx) const override {
    return delegate_->ResourcesFor(Expand(partial, ctx), ctx);
  }
  Result<RESTMapping> RESTMappingFor(const metav1::GroupKind& kind,
                                     const std::vector<std::string>& versions,
                                     const Context& ctx) const override {
    return delegate_->RESTMappingFor(kind, versions, ctx);
  }
  Result<std::vector<RESTMapping>> RESTMappings(const metav1::GroupKind& kind,
                                                const std::vector<std::string>& versions,
                                                const Context& ctx) const override {
    return delegate_->RESTMappings(kind, versions, ctx);
  }

 private:
  GroupVersionResource Expand(const GroupVersionResource& asked, const Context& ctx) const {
    const auto served = client_->ServerGroupsAndResources(ctx);
    if (!served) return asked;
    const auto in_group = [&](const std::string& group) {
      return asked.group.empty() || asked.group == group;
    };
    std::vector<metav1::GroupResource> exact, by_prefix;
    for (const metav1::APIResourceList& list : served->resources) {
      const std::string group = GroupOf(list.groupVersion);
      for (const metav1::APIResource& resource : list.resources) {
        const auto& names = resource.shortNames;
        if (in_group(group) &&
            (asked.resource == resource.name || asked.resource == resource.singularName)) {
          return asked;
        }
        if (std::find(names.begin(), names.end(), asked.resource) == names.end()) continue;
        if (in_group(group)) exact.push_back({group, resource.name});
        if (group.starts_with(asked.group)) by_prefix.push_back({group, resource.name});
      }
    }
    const auto& found = exact.empty() ? by_prefix : exact;
    if (found.empty()) return asked;
    std::set<std::string> known = {Text(found.front())};
    for (const metav1::GroupResource& other : exact) {
      // The same resource in other versions is no other.
      if (!known.insert(Text(other)).second || !warn_) continue;
      warn_(Cat("short name ", Quote(asked.resource), " could also match lower priority resource ",
                Text(other)));
    }
    return {found.front().group, "", found.front().resource};
  }

  std::shared_ptr<const RESTMapper> delegate_;
  std::shared_ptr<const Interface> client_;
  std::function<void(std::string_view)> warn_;
};

}  // namespace

// The texts are these mappers' alone, and Go tells such errors apart by their types.
bool IsNoMatchError(const Error& error) {
  return error.code() == Error::Code::kInvalid && error.message().starts_with("no matches for ");
}

GuessedResource UnsafeGuessKindToResource(std::string_view kind) {
  std::string singular = ToLower(kind);
  if (singular.empty() || singular.ends_with("endpoints")) return {singular, singular};
  if (singular.ends_with('s')) return {Cat(singular, "es"), singular};
  if (singular.ends_with('y')) {
    return {Cat(std::string_view(singular).substr(0, singular.size() - 1), "ies"), singular};
  }
  return {Cat(singular, "s"), singular};
}

std::shared_ptr<const RESTMapper> NewDiscoveryRESTMapper(const GroupsAndResources& served) {
  return std::make_shared<DiscoveryRESTMapper>(served);
}

std::shared_ptr<DeferredDiscoveryRESTMapper> NewDeferredDiscoveryRESTMapper(
    std::shared_ptr<CachedInterface> client) {
  return std::make_shared<Deferred>(std::move(client));
}

std::shared_ptr<const RESTMapper> NewShortcutExpander(
    std::shared_ptr<const RESTMapper> delegate, std::shared_ptr<const Interface> client,
    std::function<void(std::string_view warning)> warn) {
  return std::make_shared<ShortcutExpander>(std::move(delegate), std::move(client),
                                            std::move(warn));
}

CategoryExpander NewDiscoveryCategoryExpander(std::shared_ptr<const Interface> client) {
  return [client = std::move(client)](
             std::string_view category,
             const Context& ctx) -> std::optional<std::vector<metav1::GroupResource>> {
    const auto served = client->ServerGroupsAndResources(ctx);
    if (!served) return std::nullopt;
    std::vector<metav1::GroupResource> resources;
    std::set<std::string> known;
    for (const metav1::APIResourceList& list : served->resources) {
      for (const metav1::APIResource& resource : list.resources) {
        const auto& all = resource.categories;
        if (std::find(all.begin(), all.end(), category) == all.end()) continue;
        const metav1::GroupResource found{GroupOf(list.groupVersion), resource.name};
        if (known.insert(Text(found)).second) resources.push_back(found);
      }
    }
    if (resources.empty()) return std::nullopt;
    return resources;
  };
}

CategoryExpander SimpleCategoryExpander(
    std::map<std::string, std::vector<metav1::GroupResource>, std::less<>> expansions) {
  return [expansions = std::move(expansions)](
             std::string_view category,
             const Context&) -> std::optional<std::vector<metav1::GroupResource>> {
    const auto found = expansions.find(category);
    if (found == expansions.end()) return std::nullopt;
    return found->second;
  };
}

CategoryExpander UnionCategoryExpander(std::vector<CategoryExpander> expanders) {
  return [expanders = std::move(expanders)](
             std::string_view category,
             const Context& ctx) -> std::optional<std::vector<metav1::GroupResource>> {
    std::optional<std::vector<metav1::GroupResource>> all;
    std::set<std::string> known;
    for (const CategoryExpander& expander : expanders) {
      const auto some = expander(category, ctx);
      if (!some) continue;
      if (!all) all.emplace();
      for (const metav1::GroupResource& resource : *some) {
        if (known.insert(Text(resource)).second) all->push_back(resource);
      }
    }
    return all;
  };
}

}  // namespace k8s::discovery
