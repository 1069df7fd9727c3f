// watch: events of the store as a stream of frames (chapter 6 of the specification).

#include <algorithm>
#include <deque>

#include "fakeapiserver/core.h"
#include "fakeapiserver/protobuf.h"
#include "fakeapiserver/strategy.h"
#include "fakeapiserver/tables.h"
#include "fakeapiserver/typed_tree.h"
#include "fakeapiserver/views.h"
#include "k8s/api/metav1.h"
#include "k8s/base/strings.h"
#include "k8s/machinery/json.h"
#include "k8s/machinery/protobuf_codec.h"

namespace k8s::fakeapiserver {
namespace {

constexpr Duration kBookmarkInterval = std::chrono::minutes(1);
constexpr Duration kBookmarkBeforeEnd = std::chrono::seconds(2);
// A watch without a timeout ends after half an hour to an hour (chapter 6.1).
constexpr int64_t kShortestWatchSeconds = 1800;
// Frames that one pull hands out at most, so that a long history does not come as one block.
constexpr size_t kMaxFramesAPull = 256;
constexpr std::string_view kInitialEventsEnd = "k8s.io/initial-events-end";

// What stands before an object; the same for all watches, so that none needs memory for it.
std::string_view JsonFrameHead(EventType type) {
  switch (type) {
    case EventType::kAdded:
      return R"({"type":"ADDED","object":)";
    case EventType::kModified:
      return R"({"type":"MODIFIED","object":)";
    case EventType::kDeleted:
      return R"({"type":"DELETED","object":)";
    case EventType::kBookmark:
      return R"({"type":"BOOKMARK","object":)";
    case EventType::kError:
      break;
  }
  return R"({"type":"ERROR","object":)";
}

// The form of the frames of one watch.
class FrameWriter {
 public:
  FrameWriter(Core& core, const Call& call)
      : core_(core),
        served_(*call.served),
        output_(call.output),
        include_object_(call.Parameter("includeObject")) {}

  Result<void> Write(EventType type, const ObjectPtr& object, Slices& out) {
    if (output_.view == View::kWhole && served_.storage == &served_) {
      if (output_.media == Media::kJson) {
        out.push_back(Slice::Literal(JsonFrameHead(type)));
        out.push_back(JsonOf(object));
        out.push_back(Slice::Literal("}\n"));
        return {};
      }
      auto message = ProtobufOf(object, served_);
      if (!message) return message.error();
      Slices envelope = Envelope(served_.api_version, served_.kind, *std::move(message));
      std::string head;
      AppendWatchFrameHead(EventTypeName(type), SizeOf(envelope), head);
      out.push_back(Slice::Of(std::move(head)));
      std::move(envelope.begin(), envelope.end(), std::back_inserter(out));
      return {};
    }
    return WriteTree(type, TreeOf(*object, served_), out);
  }

  Result<void> WriteTree(EventType type, Value tree, Slices& out) {
    const TypeInfo* info = served_.type;
    if (output_.view == View::kPartialMetadata) {
      tree = PartialMetadata(tree, output_.meta_version);
      info = &TypeOf<metav1::PartialObjectMetadata>();
    } else if (output_.view == View::kTable) {
      const std::string revision(tree.StringAt({"metadata", "resourceVersion"}));
      std::vector<Value> rows;
      rows.push_back(std::move(tree));
      auto table = MakeTable(core_, {output_.meta_version, include_object_, &served_},
                             std::move(rows), false, !std::exchange(has_columns_, true));
      if (!table) return table.error();
      tree = *std::move(table);
      tree["metadata"].Set("resourceVersion", revision);
    }
    return WriteValue(type, tree, *info, out);
  }

  Result<void> WriteValue(EventType type, const Value& value, const TypeInfo& info, Slices& out) {
    if (output_.media == Media::kProtobuf) {
      auto encoded = EncodeTree(value, info);
      if (!encoded) return encoded.error();
      Append(EventTypeName(type), *encoded, out);
      return {};
    }
    out.push_back(Slice::Of(Cat(JsonFrameHead(type), ToJson(value), "}\n")));
    return {};
  }

  const Served& served() const { return served_; }

 private:
  static void Append(std::string_view type, std::string_view object, Slices& out) {
    std::string frame;
    AppendWatchFrame(type, object, frame);
    out.push_back(Slice::Of(std::move(frame)));
  }

  Core& core_;
  const Served& served_;
  const Output output_;
  const std::string include_object_;
  bool has_columns_ = false;
};

class WatchSource final : public Source {
 public:
  struct Plan {
    std::shared_ptr<Subscription> subscription{};
    std::deque<ObjectPtr> initial{};
    Revision revision = 0;  // of the initial state
    bool mark_end = false;  // of the initial events, by a bookmark
    bool bookmarks = false;
    Revision not_before = 0;  // changes up to here are none of this watch's
    TimePoint ends{};
  };

  WatchSource(Core& core, const Call& call, Plan plan)
      : core_(core), writer_(core, call), plan_(std::move(plan)) {
    const TimePoint now = core_.env.clock->Now();
    if (plan_.bookmarks)
      next_bookmark_ =
          std::min(now + kBookmarkInterval, std::max(now, plan_.ends - kBookmarkBeforeEnd));
  }
  ~WatchSource() override {
    SetWake({});
    core_.store.Unwatch(plan_.subscription);
  }

  void SetWake(std::function<void()> wake) override {
    plan_.subscription->SetWake(std::move(wake));
  }
  void SplitEvents() override { frames_a_pull_ = 1; }
  TimePoint WakeAt() const override { return std::min(next_bookmark_, plan_.ends); }
  int64_t revision() const override { return revision_; }

  Outcome Next(Slices& out) override {
    const size_t had = out.size();
    for (size_t frames = 0; frames < frames_a_pull_; ++frames) {
      if (!plan_.initial.empty()) {
        if (!Emit(EventType::kAdded, plan_.initial.front(), out)) return Outcome::kEnd;
        plan_.initial.pop_front();
        continue;
      }
      if (std::exchange(plan_.mark_end, false)) {
        Bookmark(std::max(plan_.revision, plan_.not_before), true, out);
        continue;
      }
      auto event = plan_.subscription->Take();
      if (!event) break;
      if (event->revision <= plan_.not_before) continue;
      if (!Emit(event->type, event->object, out)) return Outcome::kEnd;
    }
    if (out.size() > had) return Outcome::kData;
    if (plan_.subscription->Overflowed()) return Outcome::kEnd;
    const TimePoint now = core_.env.clock->Now();
    if (now >= plan_.ends) return Outcome::kEnd;
    if (now >= next_bookmark_) {
      // Everything up to this revision has been handed out: the queue was empty before it was read.
      const Revision revision = core_.store.revision();
      const bool last = next_bookmark_ >= plan_.ends - kBookmarkBeforeEnd;
      next_bookmark_ =
          last ? kForever : std::min(now + kBookmarkInterval, plan_.ends - kBookmarkBeforeEnd);
      if (auto late = plan_.subscription->Take()) {
        if (!Emit(late->type, late->object, out)) return Outcome::kEnd;
        return Outcome::kData;
      }
      if (revision >= plan_.not_before) Bookmark(revision, false, out);
      return Outcome::kData;
    }
    return Outcome::kPending;
  }

 private:
  bool Emit(EventType type, const ObjectPtr& object, Slices& out) {
    revision_ = object->revision;
    return static_cast<bool>(writer_.Write(type, object, out));
  }

  // The zero value of the kind with a revision (chapter 6.3).
  void Bookmark(Revision revision, bool marks_end, Slices& out) {
    revision_ = revision;
    Value tree = ZeroObject(writer_.served());
    Value& metadata = tree["metadata"];
    metadata.Set("resourceVersion", std::to_string(revision));
    if (marks_end)
      metadata.Set("annotations", Value::MakeObject({{std::string(kInitialEventsEnd), "true"}}));
    static_cast<void>(writer_.WriteTree(EventType::kBookmark, std::move(tree), out));
  }

  Core& core_;
  FrameWriter writer_;
  Plan plan_;
  size_t frames_a_pull_ = kMaxFramesAPull;
  TimePoint next_bookmark_ = kForever;
  Revision revision_ = 0;
};

// One ERROR event, then the end.
class ErrorSource final : public Source {
 public:
  explicit ErrorSource(Slices frame) : frame_(std::move(frame)) {}
  void SetWake(std::function<void()>) override {}
  Outcome Next(Slices& out) override {
    if (frame_.empty()) return Outcome::kEnd;
    out = std::exchange(frame_, {});
    return Outcome::kData;
  }

 private:
  Slices frame_;
};

std::string StreamType(const Output& output) {
  return std::string(output.media == Media::kProtobuf ? kProtobufWatchType : kJsonType);
}

Answer Stream(const Output& output, std::unique_ptr<Source> source) {
  Answer answer;
  answer.headers.Set("Content-Type", StreamType(output));
  answer.source = std::move(source);
  return answer;
}

Answer ErrorStream(Core& core, const Call& call, const Error& error) {
  FrameWriter writer(core, call);
  Slices frame;
  static_cast<void>(
      writer.WriteValue(EventType::kError, StatusValue(StatusOf(error)), TypeOf<Status>(), frame));
  return Stream(call.output, std::make_unique<ErrorSource>(std::move(frame)));
}

}  // namespace

std::string ErrorFrame(const http::Headers& headers, const Error& error) {
  const Value status = StatusValue(StatusOf(error));
  std::string frame;
  if (headers.Get("Content-Type") == kProtobufWatchType) {
    if (const auto encoded = EncodeTree(status, TypeOf<Status>()))
      AppendWatchFrame(EventTypeName(EventType::kError), *encoded, frame);
    return frame;
  }
  return Cat(JsonFrameHead(EventType::kError), ToJson(status), "}\n");
}

Result<Answer> WatchObjects(Core& core, Call& call) {
  auto query = ParseListQuery(call, true);
  if (!query) return query.error();
  WatchSource::Plan plan;
  const bool from_now_or_any = query->revision == 0;
  // Without parameters to the contrary a watch begins with what is there (chapter 6.3).
  const bool initial =
      query->has_send_initial_events ? query->send_initial_events : from_now_or_any;
  plan.bookmarks = query->bookmarks;
  plan.mark_end = initial && query->bookmarks;
  const Revision current = core.store.revision();
  if (query->has_send_initial_events && initial && query->revision > current) {
    return ErrorStream(core, call, ResourceVersionTooLarge(query->revision, current));
  }
  if (initial) {
    Page snapshot;
    plan.subscription = core.store.Watch(query->selection, 0, &snapshot);
    plan.revision = snapshot.revision;
    plan.initial.assign(snapshot.objects.begin(), snapshot.objects.end());
  } else {
    const Revision after =
        std::max((query->revision == 0 ? current : query->revision) - call.stale, kFirstRevision);
    // A stale server sends again what came before.
    plan.not_before = call.stale == 0 ? query->revision : after;
    plan.subscription = core.store.Watch(query->selection, std::min(after, current), nullptr);
    if (!plan.subscription) {
      return ErrorStream(core, call,
                         Expired(Cat("too old resource version: ", std::to_string(after), " (",
                                     std::to_string(core.store.compacted() + 1), ")")));
    }
  }
  int64_t seconds = query->timeout_seconds;
  if (!query->has_timeout || seconds == 0) {
    seconds =
        kShortestWatchSeconds +
        static_cast<int64_t>(core.env.random->Below(static_cast<uint64_t>(kShortestWatchSeconds)));
  }
  plan.ends = core.env.clock->Now() + std::chrono::seconds(std::max<int64_t>(seconds, 0));
  return Stream(call.output, std::make_unique<WatchSource>(core, call, std::move(plan)));
}

}  // namespace k8s::fakeapiserver
