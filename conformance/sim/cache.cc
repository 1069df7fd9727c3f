#include "conformance/sim/cache.h"

namespace k8s::sim {
namespace {

constexpr Duration kPauseAfterFailure = std::chrono::seconds(1);

}  // namespace

std::string ValueOf(const corev1::ConfigMap& map) {
  const auto value = map.data.find("value");
  return value == map.data.end() ? "" : value->second;
}

void Cache::Open(int64_t seconds, int64_t page) {
  if (revision_.empty() && !List(page)) {
    static_cast<void>(Sleep(clock_, kPauseAfterFailure, {}));
    return;
  }
  auto watch = maps_.Watch(
      {.allowWatchBookmarks = true, .resourceVersion = revision_, .timeoutSeconds = seconds});
  if (watch) {
    watch_ = *std::move(watch);
    return;
  }
  if (IsGone(watch.error()) || IsResourceExpired(watch.error())) revision_.clear();
  static_cast<void>(Sleep(clock_, kPauseAfterFailure, {}));
}

bool Cache::List(int64_t page) {
  std::map<std::string, Entry> fresh;
  ListOptions options{.limit = page};
  std::string revision;
  do {
    const auto list = maps_.List(options);
    // A token that has expired is a list to be begun anew, as is any other failure.
    if (!list) return false;
    for (const auto& map : list->items)
      fresh[map.metadata.name] = {map.metadata.resourceVersion, ValueOf(map)};
    revision = list->metadata.resourceVersion;
    options.continue_ = list->metadata.continue_;
  } while (!options.continue_.empty());
  entries_ = std::move(fresh);
  revision_ = revision;
  return true;
}

void Cache::Apply(std::string_view type, const corev1::ConfigMap& map) {
  revision_ = map.metadata.resourceVersion;
  if (type == rest::kBookmark) return;
  if (type == rest::kDeleted) {
    entries_.erase(map.metadata.name);
  } else {
    entries_[map.metadata.name] = {map.metadata.resourceVersion, ValueOf(map)};
  }
}

bool Cache::Drain() {
  if (!watch_) return false;
  bool refused = false;
  while (const auto event = watch_->Next()) {
    if (event->type == rest::kError) {
      refused = true;
      revision_.clear();
    } else if (!refused) {
      Apply(event->type, event->object);
    }
  }
  const bool well = !refused && !watch_->error();
  watch_.reset();
  return well;
}

}  // namespace k8s::sim
