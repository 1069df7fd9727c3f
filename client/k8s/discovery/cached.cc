#include "k8s/discovery/cached.h"

#include <mutex>

#include "k8s/base/strings.h"

namespace k8s::discovery {
namespace {

bool IsTransient(const Error& error) {
  switch (error.code()) {
    case Error::Code::kCanceled:
    case Error::Code::kDeadlineExceeded:
      return true;
    case Error::Code::kTransport:
      return error.cause() == TransportCause::kRefused || error.cause() == TransportCause::kReset;
    case Error::Code::kApi:
      return error.status()->code >= 500 || error.status()->code == 429;
    default:
      return false;
  }
}

class MemCacheClient final : public CachedInterface {
 public:
  explicit MemCacheClient(std::shared_ptr<const Interface> delegate)
      : delegate_(std::move(delegate)) {}

  Result<ServedGroups> GroupsAndMaybeResources(const Context& ctx) const override {
    std::lock_guard lock(mutex_);
    if (auto filled = Fill(ctx); !filled) return filled.error();
    ServedGroups served{.groups = groups_, .aggregated = aggregated_};
    if (!aggregated_) return served;
    for (const auto& [group_version, list] : lists_) {
      if (list) {
        served.resources.push_back(*list);
      } else {
        served.failed.emplace(group_version, list.error());
      }
    }
    return served;
  }

  Result<metav1::APIResourceList> ServerResourcesForGroupVersion(
      std::string_view group_version, const Context& ctx) const override {
    std::lock_guard lock(mutex_);
    if (auto filled = Fill(ctx); !filled) return filled.error();
    const auto found = lists_.find(group_version);
    if (found == lists_.end()) return ErrCacheNotFound();
    if (!found->second && IsTransient(found->second.error())) {
      found->second = Fetch(group_version, ctx);
    }
    return found->second;
  }

  bool Fresh() const override {
    std::lock_guard lock(mutex_);
    return filled_;
  }

  void Invalidate() override {
    std::lock_guard lock(mutex_);
    filled_ = false;
    groups_ = {};
    lists_.clear();
  }

 private:
  // REQUIRES: mutex_ is held, here and below.
  Result<void> Fill(const Context& ctx) const {
    if (filled_) return {};
    auto served = delegate_->GroupsAndMaybeResources(ctx);
    if (!served) return served.error();
    lists_.clear();
    aggregated_ = served->aggregated;
    for (auto& list : served->resources) {
      std::string group_version = list.groupVersion;
      lists_.insert_or_assign(std::move(group_version), std::move(list));
    }
    for (const auto& [group_version, error] : served->failed) {
      lists_.insert_or_assign(group_version, error);
    }
    groups_ = std::move(served->groups);
    if (!aggregated_) {
      for (const metav1::APIGroup& group : groups_.groups) {
        for (const auto& version : group.versions) {
          lists_.insert_or_assign(version.groupVersion, Fetch(version.groupVersion, ctx));
        }
      }
    }
    // A server without any group is one that is not ready: it is asked again.
    filled_ = !groups_.groups.empty();
    return {};
  }

  Result<metav1::APIResourceList> Fetch(std::string_view group_version, const Context& ctx) const {
    auto list = delegate_->ServerResourcesForGroupVersion(group_version, ctx);
    if (list && list->resources.empty()) {
      return DecodeError(Cat("received empty response for: ", group_version));
    }
    return list;
  }

  const std::shared_ptr<const Interface> delegate_;
  mutable std::mutex mutex_;
  mutable bool filled_ = false;
  mutable bool aggregated_ = false;
  mutable metav1::APIGroupList groups_;
  mutable std::map<std::string, Result<metav1::APIResourceList>, std::less<>> lists_;
};

}  // namespace

Error ErrCacheNotFound() { return Invalid("not found"); }

std::shared_ptr<CachedInterface> NewMemCacheClient(std::shared_ptr<const Interface> delegate) {
  return std::make_shared<MemCacheClient>(std::move(delegate));
}

}  // namespace k8s::discovery
