#pragma once

// The objects and their history. Every change gets the next revision of one counter; a revision is
// a position in one history, from which watches start and past states are read. Members may be
// called from any thread; one mutex guards objects, history and subscriptions alike, so a watch
// sees every change exactly once.
//
// Writers hold the write lock from their first read to their Put, so a change is worked out against
// what it replaces; readers never wait for that.

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "fakeapiserver/answer.h"
#include "k8s/base/clock.h"
#include "k8s/base/env.h"
#include "k8s/machinery/fields.h"
#include "k8s/machinery/labels.h"

namespace k8s::fakeapiserver {

using Revision = int64_t;

// Real servers have written a few things before their first client comes.
inline constexpr Revision kFirstRevision = 1;

struct Key {
  std::string resource{};  // as it is stored: "deployments.apps"
  std::string ns{};        // "" where the resource is cluster-scoped
  std::string name{};

  // "<ns>/<name>" or "<name>": the order of lists (S-5.14).
  std::string Relative() const { return ns.empty() ? name : ns + "/" + name; }
};

// An object at rest: its bytes, and what lists and watches look at. Immutable once stored.
struct Object {
  // What a list of thousands touches lies together, beside the count of the references.
  std::string json{};     // one line, with kind and apiVersion, without a line end
  size_t members_at = 1;  // where the members after kind and apiVersion begin

 private:
  mutable std::once_flag encoded_once_{};
  mutable std::shared_ptr<const std::string> encoded_{};

 public:
  Key key{};
  Revision revision = 0;
  std::string uid{};
  labels::Set labels{};
  fields::Set fields{};      // the selectable ones that the key does not tell
  bool terminating = false;  // has a deletionTimestamp

  // As an item of a built-in list: without kind and apiVersion.
  std::string_view Members() const { return std::string_view(json).substr(members_at); }
  // The value of a selectable field; "" where there is none.
  std::string_view SelectableField(std::string_view path) const;

  // The protobuf form, made by the first who asks; null where there is none.
  std::shared_ptr<const std::string> Encoded(
      const std::function<std::shared_ptr<const std::string>()>& encode) const;
};
using ObjectPtr = std::shared_ptr<const Object>;
// The JSON of an object, or a part of it, which keeps the object.
Slice JsonOf(const ObjectPtr& object);
Slice JsonOf(const ObjectPtr& object, std::string_view part);

// One change in the history. `before` is null for a new object, `now` for a removed one.
struct Change {
  Revision revision = 0;
  ObjectPtr before{};
  ObjectPtr now{};
  ObjectPtr
      gone{};  // for a removal or an object that leaves a selection: the old one at this revision

  const Key& key() const { return (now ? now : before)->key; }
};

// Makes the object as it was, but at another revision; the store needs it for DELETED events.
using AtRevision = std::function<ObjectPtr(const Object& object, Revision revision)>;

enum class EventType : uint8_t { kAdded, kModified, kDeleted, kBookmark, kError };
std::string_view EventTypeName(EventType type);

struct Event {
  EventType type = EventType::kAdded;
  ObjectPtr object{};
  Revision revision = 0;
};

struct Selection {
  std::string resource{};
  std::string ns{};  // "" for all
  labels::Selector labels{};
  fields::Selector fields{};

  bool Matches(const Object& object) const;
};

// A queue of events with a bound. A full one ends the watch: nobody waits for the slow.
class Subscription {
 public:
  Subscription(Selection selection, size_t limit)
      : selection_(std::move(selection)), limit_(limit) {}

  // The next event; none when there is nothing yet or the subscription has ended.
  std::optional<Event> Take();
  bool Overflowed() const;
  void SetWake(std::function<void()> wake);

 private:
  friend class Store;
  void Offer(const Change& change, Revision after, const AtRevision& at_revision);
  void Push(Event event);

  const Selection selection_;
  const size_t limit_;
  mutable std::mutex mutex_;
  std::deque<Event> queue_;
  bool overflowed_ = false;
  std::function<void()> wake_;
};

struct Page {
  std::vector<ObjectPtr> objects{};
  Revision revision = 0;
  std::optional<std::string> next{};  // the relative key after which the next page starts
  std::optional<int64_t> remaining{};
};

struct StoreLimits {
  size_t history = 100'000;   // changes; older ones are compacted away
  size_t watch_queue = 1000;  // events that a watch may lag behind
  // At each tick the state before the previous tick stops being listable, as a real server compacts
  // etcd. Watches may begin there still: they come out of the memory of the server. Zero: never.
  Duration compaction_interval = std::chrono::minutes(5);
};

class Store {
 public:
  // Without a clock nothing ages.
  explicit Store(AtRevision at_revision, StoreLimits limits = {},
                 std::shared_ptr<const Clock> clock = nullptr);

  ObjectPtr Get(const Key& key) const;
  Revision revision() const;
  // The oldest revision whose later changes are all known.
  Revision compacted() const;

  // Objects in key order: after `start`, at most `limit` (0: all). `at` 0 is now, else the state of
  // that revision. Fails with 410 words when that is compacted away.
  Result<Page> List(const Selection& selection, Revision at, size_t limit,
                    std::string_view start) const;
  size_t Count(std::string_view resource) const;

  // Changes after `after` from now on; nullptr when they are compacted away. With a snapshot, it is
  // filled with what matches now, and `after` counts from there.
  std::shared_ptr<Subscription> Watch(Selection selection, Revision after, Page* snapshot);
  void Unwatch(const std::shared_ptr<Subscription>& subscription);
  size_t Subscriptions() const;

  // One writer at a time.
  std::unique_lock<std::mutex> LockWrites() { return std::unique_lock(write_mutex_); }
  // REQUIRES: the write lock, for these three. Put stores `object` under its key at NextRevision().
  Revision NextRevision() const { return revision() + 1; }
  void Put(ObjectPtr object);
  ObjectPtr Remove(
      const Key& key);  // what is gone, at the revision of its removal; null if missing

  // The changes after that one, and the revision that they lead to; none when some are compacted
  // away.
  std::optional<std::vector<Change>> ChangesSince(Revision after, Revision& now) const;

  void Compact(Revision upto);
  // Forgets everything but the revision, which goes on.
  void Reset();

 private:
  using Objects = std::map<std::string, ObjectPtr, std::less<>>;
  TimePoint Now() const { return clock_ ? clock_->Now() : TimePoint(); }
  // Ticks that have passed since the last call. REQUIRES: before the revision grows, or is asked
  // for.
  void Age(TimePoint now) const;
  void Append(Change change);
  Result<Page> ListLocked(const Selection& selection, Revision at, size_t limit,
                          std::string_view start) const;

  const AtRevision at_revision_;
  const StoreLimits limits_;
  const std::shared_ptr<const Clock> clock_;
  const TimePoint start_;
  std::mutex write_mutex_;

  mutable std::mutex mutex_;  // guards all below
  Revision revision_ = kFirstRevision;
  Revision compacted_ = 0;
  mutable int64_t ticks_ = 0;
  mutable Revision at_last_tick_ = 0;
  mutable Revision listable_ = 0;  // the oldest state that age has left
  std::unordered_map<std::string, Objects> resources_;
  std::deque<Change> history_;
  std::unordered_map<std::string, std::vector<std::shared_ptr<Subscription>>> subscriptions_;
};

}  // namespace k8s::fakeapiserver
