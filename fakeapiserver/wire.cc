#include "fakeapiserver/wire.h"

#include <algorithm>

#include "fakeapiserver/http1_session.h"
#include "k8s/http/h1.h"

namespace k8s::fakeapiserver {
namespace {

// So far into a frame its type can be read, in JSON and in protobuf.
constexpr size_t kTypePrefix = 40;
// So much of a frame a reader can do without: its line end, and that of its chunk.
constexpr size_t kFrameTail = 1 + http::kChunkEnd.size();

bool IsBookmark(std::string_view frame) {
  return frame.substr(0, kTypePrefix).find("BOOKMARK") != std::string_view::npos;
}

// The events of a watch with what happens to single ones. Each Next brings at most one frame.
class TamperedEvents final : public Source {
 public:
  TamperedEvents(std::unique_ptr<Source> inner, const Mistreatment& how,
                 std::shared_ptr<Clock> clock)
      : inner_(std::move(inner)), how_(how), clock_(std::move(clock)) {
    inner_->SplitEvents();
  }

  void SetWake(std::function<void()> wake) override { inner_->SetWake(std::move(wake)); }
  TimePoint WakeAt() const override { return delayed_ ? due_ : inner_->WakeAt(); }
  int64_t revision() const override { return revision_; }

  Outcome Next(Slices& out) override {
    if (how_.end_after_events && sent_ >= *how_.end_after_events) {
      if (ended_ || how_.last_frame.empty()) return Outcome::kEnd;
      ended_ = true;
      out.push_back(Slice::Of(how_.last_frame));
      return Outcome::kData;
    }
    if (delayed_) {
      if (clock_->Now() < due_) return Outcome::kPending;
      return Send(*std::exchange(delayed_, {}), out);
    }
    if (again_) return Send(*std::exchange(again_, {}), out);
    while (true) {
      Slices data;
      const Outcome outcome = inner_->Next(data);
      if (outcome != Outcome::kData) {
        // What was held back to change places goes out at the end.
        if (outcome == Outcome::kEnd && held_) return Send(*std::exchange(held_, {}), out);
        return outcome;
      }
      Frame frame{Gather(data), inner_->revision()};
      if (how_.withhold_bookmarks && IsBookmark(frame.bytes)) continue;
      ++seen_;
      if (held_) {
        again_ = std::exchange(held_, {});
        return Send(std::move(frame), out);
      }
      const auto fault = std::find_if(how_.events.begin(), how_.events.end(),
                                      [&](const EventFault& one) { return one.event == seen_; });
      if (fault == how_.events.end()) return Send(std::move(frame), out);
      switch (fault->kind) {
        case EventFault::Kind::kDrop:
          continue;
        case EventFault::Kind::kDuplicate:
          again_ = frame;
          break;
        case EventFault::Kind::kSwap:
          held_ = std::move(frame);
          continue;
        case EventFault::Kind::kDelay:
          delayed_ = std::move(frame);
          due_ = clock_->Now() + fault->delay;
          return Outcome::kPending;
        case EventFault::Kind::kCorrupt:
          frame.bytes[frame.bytes.size() / 2] ^= static_cast<char>(0x80);
          break;
      }
      return Send(std::move(frame), out);
    }
  }

 private:
  struct Frame {
    std::string bytes;
    int64_t revision;
  };

  Outcome Send(Frame frame, Slices& out) {
    ++sent_;
    revision_ = frame.revision;
    out.push_back(Slice::Of(std::move(frame.bytes)));
    return Outcome::kData;
  }

  std::unique_ptr<Source> inner_;
  const Mistreatment how_;
  const std::shared_ptr<Clock> clock_;
  size_t seen_ = 0;
  size_t sent_ = 0;
  bool ended_ = false;
  int64_t revision_ = 0;
  std::optional<Frame> held_, again_, delayed_;
  TimePoint due_{};
};

// The bytes of a response, as far as its cut, at the pace that was asked for.
class MistreatedBytes final : public Source {
 public:
  MistreatedBytes(Answer answer, const Mistreatment& how, bool head_only,
                  std::shared_ptr<Clock> clock)
      : how_(how),
        clock_(std::move(clock)),
        inner_(std::move(answer.source)),
        next_at_(clock_->Now()) {
    if (how_.garbage) {
      inner_.reset();
      Append(*how_.garbage);
      if (!ending_) ending_ = how_.cut ? how_.cut->ending : Ending::kClose;
      return;
    }
    const bool has_body = !head_only && answer.status != 204 && answer.status != 304;
    if (!has_body) inner_.reset();
    chunked_ = has_body && (inner_ != nullptr || how_.wrong_chunk_size);
    Append(AnswerHead(answer, chunked_, false));
    if (inner_) {
      if (Counts() || IsSlow()) inner_->SplitEvents();
      return;
    }
    std::string body = has_body ? Gather(answer.body) : std::string();
    if (how_.corrupt && *how_.corrupt < body.size()) {
      body[*how_.corrupt] = static_cast<char>(body[*how_.corrupt] ^ 0x01);
    }
    AppendBody(body);
    Complete();
    if (how_.duplicate && !ending_) ready_ += ready_;
  }

  void SetWake(std::function<void()> wake) override {
    if (inner_) inner_->SetWake(std::move(wake));
  }

  TimePoint WakeAt() const override {
    if (!ready_.empty()) return next_at_;
    if (hang_until_) return *hang_until_;
    return inner_ ? inner_->WakeAt() : kForever;
  }

  int64_t revision() const override { return sent_revision_; }

  Outcome Next(Slices& out) override {
    if (inner_ && ready_.empty() && !ending_) {
      const Outcome pulled = Pull();
      if (ready_.empty() && !ending_) return pulled;
    }
    if (!ready_.empty()) return SendSome(out);
    if (!ending_) return Outcome::kEnd;
    switch (*ending_) {
      case Ending::kReset:
        return Outcome::kReset;
      case Ending::kClose:
        return Outcome::kClose;
      case Ending::kHang:
        break;
    }
    const TimePoint now = clock_->Now();
    if (!hang_until_) {
      const Duration silence = how_.cut->silence;
      hang_until_ = silence >= kForever - now ? kForever : now + silence;
    }
    return now >= *hang_until_ ? Outcome::kClose : Outcome::kPending;
  }

 private:
  bool Counts() const {
    return how_.cut && (how_.cut->place == Place::kEvent || how_.cut->place == Place::kFrame);
  }
  bool IsSlow() const { return how_.drip_bytes > 0 || how_.bytes_per_second > 0; }
  bool CutsAt(Place place) const { return how_.cut && how_.cut->place == place; }

  Outcome Pull() {
    Slices data;
    const Outcome outcome = inner_->Next(data);
    if (SizeOf(data) > 0) {
      std::string bytes = Gather(data);
      if (how_.corrupt && *how_.corrupt >= body_ && *how_.corrupt < body_ + bytes.size()) {
        char& byte = bytes[*how_.corrupt - body_];
        byte = static_cast<char>(byte ^ 0x01);
      }
      if (CutsAt(Place::kFrame) && events_ == how_.cut->after) {
        AppendBody(std::string_view(bytes).substr(0, bytes.size() / 2));
        ending_ = how_.cut->ending;
      } else if (AppendBody(bytes)) {
        ready_revision_ = inner_->revision();
      }
      ++events_;
    }
    if (CutsAt(Place::kEvent) && events_ >= how_.cut->after) ending_ = how_.cut->ending;
    if (outcome == Outcome::kEnd && !ending_) {
      Complete();
      inner_.reset();
    } else if (outcome == Outcome::kReset || outcome == Outcome::kClose) {
      ending_ = outcome == Outcome::kReset ? Ending::kReset : Ending::kClose;
    }
    return outcome;
  }

  // What is left of the bytes before the cut; whether that is all of them.
  bool Append(std::string_view bytes) {
    if (ending_) return false;
    const size_t whole = bytes.size();
    if (CutsAt(Place::kAnswer) && total_ + bytes.size() >= how_.cut->after) {
      bytes = bytes.substr(0, how_.cut->after - total_);
      ending_ = how_.cut->ending;
    }
    total_ += bytes.size();
    ready_ += bytes;
    return bytes.size() == whole;
  }

  bool AppendBody(std::string_view bytes) {
    if (ending_) return false;
    bool cut = false;
    const size_t whole = bytes.size();
    if (CutsAt(Place::kBody) && body_ + bytes.size() >= how_.cut->after) {
      bytes = bytes.substr(0, how_.cut->after - body_);
      cut = true;
    }
    body_ += bytes.size();
    if (chunked_ && whole > 0) {
      std::string line;
      http::AppendChunkSize(how_.wrong_chunk_size ? whole + 7 : whole, line);
      Append(line);
    }
    const bool all = Append(bytes) && bytes.size() == whole;
    if (cut) {
      ending_ = how_.cut->ending;
    } else if (chunked_ && whole > 0) {
      Append(http::kChunkEnd);
    }
    return all;
  }

  void Complete() {
    // An end of a chunked body that never comes is what its lying sizes ask for.
    if (chunked_) Append(http::kLastChunk);
    if (how_.wrong_chunk_size && !ending_) ending_ = Ending::kClose;
    // The cut lies behind the end of the answer.
    if (how_.cut && !ending_) ending_ = how_.cut->ending;
  }

  Outcome SendSome(Slices& out) {
    const TimePoint now = clock_->Now();
    size_t count = ready_.size();
    Duration pause{};
    if (how_.drip_bytes > 0) {
      count = std::min(count, how_.drip_bytes);
      pause = how_.drip_pause;
    } else if (how_.bytes_per_second > 0) {
      // Ten portions a second, or single bytes.
      count = std::min<size_t>(count, std::max<uint64_t>(1, how_.bytes_per_second / 10));
      pause = Duration(std::chrono::seconds(1)) * count / how_.bytes_per_second;
    }
    if (pause > Duration::zero()) {
      if (now < next_at_) return Outcome::kPending;
      next_at_ = now + pause;
    }
    out.push_back(Slice::Of(ready_.substr(0, count)));
    ready_.erase(0, count);
    if (ready_.size() <= kFrameTail) sent_revision_ = ready_revision_;
    return Outcome::kData;
  }

  const Mistreatment how_;
  const std::shared_ptr<Clock> clock_;
  std::unique_ptr<Source> inner_;
  TimePoint next_at_;
  bool chunked_ = false;
  std::string ready_;
  size_t total_ = 0;            // bytes of the answer so far
  size_t body_ = 0;             // of its body
  size_t events_ = 0;           // of a watch
  int64_t ready_revision_ = 0;  // of the last event in ready_
  int64_t sent_revision_ = 0;
  std::optional<Ending> ending_;  // comes when ready_ is empty
  std::optional<TimePoint> hang_until_;
};

}  // namespace

bool Mistreatment::empty() const {
  return !cut && !garbage && bytes_per_second == 0 && drip_bytes == 0 && !corrupt &&
         !wrong_chunk_size && !duplicate && events.empty() && !withhold_bookmarks &&
         !end_after_events;
}

Answer Mistreat(Answer answer, const Mistreatment& how, bool head_only,
                std::shared_ptr<Clock> clock) {
  const bool tampers = !how.events.empty() || how.withhold_bookmarks || how.end_after_events;
  if (answer.source && tampers) {
    answer.source = std::make_unique<TamperedEvents>(std::move(answer.source), how, clock);
  }
  Answer raw;
  raw.status = answer.status;
  raw.raw = true;
  raw.source = std::make_unique<MistreatedBytes>(std::move(answer), how, head_only, clock);
  return raw;
}

Answer EndAtOnce(const Cut& cut, std::shared_ptr<Clock> clock) {
  Mistreatment how;
  how.cut = cut;
  how.cut->place = Place::kAnswer;
  how.cut->after = 0;
  return Mistreat(Answer{}, how, false, std::move(clock));
}

}  // namespace k8s::fakeapiserver
