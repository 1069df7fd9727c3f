#include "fakeapiserver/store.h"

#include <algorithm>

#include "fakeapiserver/api_error.h"

namespace k8s::fakeapiserver {

std::shared_ptr<const std::string> Object::Encoded(
    const std::function<std::shared_ptr<const std::string>()>& encode) const {
  std::call_once(encoded_once_, [&] { encoded_ = encode(); });
  return encoded_;
}

std::string_view Object::SelectableField(std::string_view path) const {
  if (path == "metadata.name") return key.name;
  if (path == "metadata.namespace") return key.ns;
  return fields::Get(fields, path);
}

Slice JsonOf(const ObjectPtr& object) { return JsonOf(object, object->json); }

Slice JsonOf(const ObjectPtr& object, std::string_view part) {
  return Slice(std::shared_ptr<const std::string>(object, &object->json), part);
}

std::string_view EventTypeName(EventType type) {
  switch (type) {
    case EventType::kAdded:
      return "ADDED";
    case EventType::kModified:
      return "MODIFIED";
    case EventType::kDeleted:
      return "DELETED";
    case EventType::kBookmark:
      return "BOOKMARK";
    case EventType::kError:
      return "ERROR";
  }
  return "";
}

bool Selection::Matches(const Object& object) const {
  return (ns.empty() || ns == object.key.ns) && labels.Matches(object.labels) &&
         fields.MatchesValues([&](std::string_view path) { return object.SelectableField(path); });
}

std::optional<Event> Subscription::Take() {
  std::lock_guard lock(mutex_);
  if (queue_.empty()) return std::nullopt;
  Event event = std::move(queue_.front());
  queue_.pop_front();
  return event;
}

bool Subscription::Overflowed() const {
  std::lock_guard lock(mutex_);
  return overflowed_ && queue_.empty();
}

void Subscription::SetWake(std::function<void()> wake) {
  std::lock_guard lock(mutex_);
  wake_ = std::move(wake);
}

// What a change is to this watch depends on whether the object matched before and matches now
// (S-6.3).
void Subscription::Offer(const Change& change, Revision after, const AtRevision& at_revision) {
  if (change.revision <= after) return;
  const bool was = change.before && selection_.Matches(*change.before);
  const bool is = change.now && selection_.Matches(*change.now);
  if (is) {
    Push({was ? EventType::kModified : EventType::kAdded, change.now, change.revision});
  } else if (was) {
    ObjectPtr gone = change.gone ? change.gone : at_revision(*change.before, change.revision);
    Push({EventType::kDeleted, std::move(gone), change.revision});
  }
}

void Subscription::Push(Event event) {
  std::lock_guard lock(mutex_);
  if (overflowed_) return;
  if (queue_.size() >= limit_) {
    overflowed_ = true;
  } else {
    queue_.push_back(std::move(event));
  }
  if (wake_) wake_();
}

Store::Store(AtRevision at_revision, StoreLimits limits, std::shared_ptr<const Clock> clock)
    : at_revision_(std::move(at_revision)),
      limits_(limits),
      clock_(std::move(clock)),
      start_(Now()) {}

void Store::Age(TimePoint now) const {
  if (!clock_ || limits_.compaction_interval <= Duration::zero()) return;
  const auto ticks = static_cast<int64_t>((now - start_) / limits_.compaction_interval);
  if (ticks <= ticks_) return;
  // Nothing has changed since the first of the ticks that are due.
  listable_ = ticks == ticks_ + 1 ? at_last_tick_ : revision_;
  at_last_tick_ = revision_;
  ticks_ = ticks;
}

ObjectPtr Store::Get(const Key& key) const {
  std::lock_guard lock(mutex_);
  const auto objects = resources_.find(key.resource);
  if (objects == resources_.end()) return nullptr;
  const auto found = objects->second.find(key.Relative());
  return found == objects->second.end() ? nullptr : found->second;
}

Revision Store::revision() const {
  std::lock_guard lock(mutex_);
  return revision_;
}

Revision Store::compacted() const {
  std::lock_guard lock(mutex_);
  return compacted_;
}

size_t Store::Count(std::string_view resource) const {
  std::lock_guard lock(mutex_);
  const auto objects = resources_.find(std::string(resource));
  return objects == resources_.end() ? 0 : objects->second.size();
}

Result<Page> Store::List(const Selection& selection, Revision at, size_t limit,
                         std::string_view start) const {
  const TimePoint now = at ? Now() : TimePoint();
  std::lock_guard lock(mutex_);
  if (at) Age(now);
  return ListLocked(selection, at, limit, start);
}

Result<Page> Store::ListLocked(const Selection& selection, Revision at, size_t limit,
                               std::string_view start) const {
  if (at != 0 && at < std::max(compacted_, listable_))
    return Expired("The resourceVersion for the provided list is too old.");
  Page page;
  page.revision = at ? at : revision_;
  static const Objects kNone;
  const auto found = resources_.find(selection.resource);
  const Objects* objects = found == resources_.end() ? &kNone : &found->second;

  // A past state is the present one with the later changes undone, the first of each key counting.
  Objects past;
  if (at != 0 && at < revision_) {
    past = *objects;
    for (auto change = history_.rbegin(); change != history_.rend() && change->revision > at;
         ++change) {
      if (change->key().resource != selection.resource) continue;
      const std::string key = change->key().Relative();
      if (change->before) {
        past[key] = change->before;
      } else {
        past.erase(key);
      }
    }
    objects = &past;
  }

  // Where the namespace begins and ends, so that no key needs to be looked at in between.
  const std::string prefix = selection.ns.empty() ? "" : selection.ns + "/";
  constexpr char kBehindSlash = '/' + 1;
  const auto end =
      prefix.empty() ? objects->end() : objects->lower_bound(selection.ns + kBehindSlash);
  auto entry = start.empty() || start < prefix ? objects->lower_bound(prefix)
               : start.starts_with(prefix)     ? objects->upper_bound(start)
                                               : end;
  const bool selects = !selection.labels.empty() || !selection.fields.empty();
  for (; entry != end; ++entry) {
    if (limit && page.objects.size() == limit) break;
    if (!selects || selection.Matches(*entry->second)) page.objects.push_back(entry->second);
  }
  if (entry != end) {
    page.next = std::prev(entry)->first;
    if (!selects) {
      int64_t remaining = 0;
      for (; entry != end; ++entry) ++remaining;
      page.remaining = remaining;
    }
  }
  return page;
}

std::shared_ptr<Subscription> Store::Watch(Selection selection, Revision after, Page* snapshot) {
  std::lock_guard lock(mutex_);
  if (snapshot) {
    *snapshot = *ListLocked(selection, 0, 0, "");
    after = std::max(after, revision_);
  } else if (after < compacted_) {
    return nullptr;
  }
  const std::string resource = selection.resource;
  auto subscription = std::make_shared<Subscription>(std::move(selection), limits_.watch_queue);
  if (after < revision_) {
    const auto first = std::partition_point(
        history_.begin(), history_.end(), [&](const Change& one) { return one.revision <= after; });
    const size_t backlog = static_cast<size_t>(history_.end() - first);
    // Old events are no sign of a slow reader: they do not count against the bound.
    auto whole =
        std::make_shared<Subscription>(subscription->selection_, limits_.watch_queue + backlog);
    for (auto one = first; one != history_.end(); ++one) {
      if (one->key().resource == resource) whole->Offer(*one, after, at_revision_);
    }
    subscription = std::move(whole);
  }
  subscriptions_[resource].push_back(subscription);
  return subscription;
}

void Store::Unwatch(const std::shared_ptr<Subscription>& subscription) {
  std::lock_guard lock(mutex_);
  auto& all = subscriptions_[subscription->selection_.resource];
  const auto found = std::find(all.begin(), all.end(), subscription);
  if (found == all.end()) return;
  std::swap(*found, all.back());
  all.pop_back();
}

size_t Store::Subscriptions() const {
  std::lock_guard lock(mutex_);
  size_t count = 0;
  for (const auto& [resource, all] : subscriptions_) count += all.size();
  return count;
}

void Store::Append(Change change) {
  revision_ = change.revision;
  for (const auto& subscription : subscriptions_[change.key().resource])
    subscription->Offer(change, 0, at_revision_);
  history_.push_back(std::move(change));
  while (history_.size() > limits_.history) {
    compacted_ = history_.front().revision;
    history_.pop_front();
  }
}

void Store::Put(ObjectPtr object) {
  const TimePoint now = Now();
  std::lock_guard lock(mutex_);
  Age(now);
  ObjectPtr& slot = resources_[object->key.resource][object->key.Relative()];
  Change change{object->revision, slot, object, nullptr};
  slot = object;
  Append(std::move(change));
}

ObjectPtr Store::Remove(const Key& key) {
  const TimePoint now = Now();
  std::lock_guard lock(mutex_);
  Age(now);
  const auto objects = resources_.find(key.resource);
  if (objects == resources_.end()) return nullptr;
  const auto found = objects->second.find(key.Relative());
  if (found == objects->second.end()) return nullptr;
  const ObjectPtr before = found->second;
  objects->second.erase(found);
  ObjectPtr gone = at_revision_(*before, revision_ + 1);
  Append({revision_ + 1, before, nullptr, gone});
  return gone;
}

std::optional<std::vector<Change>> Store::ChangesSince(Revision after, Revision& now) const {
  std::lock_guard lock(mutex_);
  now = revision_;
  if (after < compacted_) return std::nullopt;
  std::vector<Change> changes;
  for (auto one = history_.rbegin(); one != history_.rend() && one->revision > after; ++one)
    changes.push_back(*one);
  std::reverse(changes.begin(), changes.end());
  return changes;
}

void Store::Compact(Revision upto) {
  std::lock_guard lock(mutex_);
  upto = std::min(upto, revision_);
  while (!history_.empty() && history_.front().revision <= upto) history_.pop_front();
  compacted_ = std::max(compacted_, upto);
}

void Store::Reset() {
  std::lock_guard lock(mutex_);
  resources_.clear();
  history_.clear();
  compacted_ = ++revision_;
}

}  // namespace k8s::fakeapiserver
