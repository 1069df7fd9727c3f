#pragma once

// From kinds to resources and back, by what a server serves: client-go's restmapper package with
// the interface of apimachinery's meta package (chapter 8.9). Any thread may use a mapper; they own
// what they were made of.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "k8s/api/metav1.h"
#include "k8s/base/context.h"
#include "k8s/base/result.h"
#include "k8s/discovery/cached.h"

namespace k8s::discovery {

using metav1::GroupVersionKind;
using metav1::GroupVersionResource;

struct RESTMapping {
  GroupVersionResource resource{};
  GroupVersionKind kind{};
  bool namespaced = false;  // Go's Scope
};

// Of what is asked, an empty group or version is any.
class RESTMapper {
 public:
  virtual ~RESTMapper() = default;
  // The one that has priority; ambiguous is an error that names all.
  virtual Result<GroupVersionKind> KindFor(const GroupVersionResource& partial,
                                           const Context& ctx = {}) const = 0;
  virtual Result<std::vector<GroupVersionKind>> KindsFor(const GroupVersionResource& partial,
                                                         const Context& ctx = {}) const = 0;
  virtual Result<GroupVersionResource> ResourceFor(const GroupVersionResource& partial,
                                                   const Context& ctx = {}) const = 0;
  virtual Result<std::vector<GroupVersionResource>> ResourcesFor(
      const GroupVersionResource& partial, const Context& ctx = {}) const = 0;
  // Versions are in order of preference; none: the server's. Go calls this RESTMapping.
  virtual Result<RESTMapping> RESTMappingFor(const metav1::GroupKind& kind,
                                             const std::vector<std::string>& versions = {},
                                             const Context& ctx = {}) const = 0;
  virtual Result<std::vector<RESTMapping>> RESTMappings(
      const metav1::GroupKind& kind, const std::vector<std::string>& versions = {},
      const Context& ctx = {}) const = 0;
};

// "no matches for ..." of any mapper.
bool IsNoMatchError(const Error& error);

// The plural and singular resource that a kind most likely has.
struct GuessedResource {
  std::string plural{};
  std::string singular{};
};
GuessedResource UnsafeGuessKindToResource(std::string_view kind);

// A mapper over what discovery said; groups come in that order, after the core group.
std::shared_ptr<const RESTMapper> NewDiscoveryRESTMapper(const GroupsAndResources& served);

// A mapper that asks at its first use, and on a miss once more if what it knows may be old.
class DeferredDiscoveryRESTMapper : public RESTMapper {
 public:
  // Asks again at the next use.
  virtual void Reset() = 0;
};
std::shared_ptr<DeferredDiscoveryRESTMapper> NewDeferredDiscoveryRESTMapper(
    std::shared_ptr<CachedInterface> client);

// Resources may be called by their short names: po is pods. warn hears of short names that several
// resources have.
std::shared_ptr<const RESTMapper> NewShortcutExpander(
    std::shared_ptr<const RESTMapper> delegate, std::shared_ptr<const Interface> client,
    std::function<void(std::string_view warning)> warn = {});

// What a category such as "all" stands for; nullopt: there is no such category.
using CategoryExpander = std::function<std::optional<std::vector<metav1::GroupResource>>(
    std::string_view category, const Context& ctx)>;
CategoryExpander NewDiscoveryCategoryExpander(std::shared_ptr<const Interface> client);
CategoryExpander SimpleCategoryExpander(
    std::map<std::string, std::vector<metav1::GroupResource>, std::less<>> expansions);
// All that any of them says, each once.
CategoryExpander UnionCategoryExpander(std::vector<CategoryExpander> expanders);

}  // namespace k8s::discovery
