// The calls that write a rule, one field each.

#include "fakeapiserver/faults.h"
#include "k8s/base/box_definitions.h"

namespace k8s::fakeapiserver {

using faultsv1::FaultCut;
using faultsv1::FaultEffect;
using faultsv1::FaultSpec;

Rule::Rule(Faults& faults, std::string name, FaultSpec spec)
    : faults_(faults),
      name_(std::move(name)),
      spec_(std::move(spec)),
      random_(SeededRandom(static_cast<uint64_t>(spec_.seed))) {}

template <class Change>
Rule& Rule::With(Change change) {
  {
    std::lock_guard lock(faults_.mutex_);
    if (spec_.do_.empty()) spec_.do_.emplace_back();
    change(spec_, spec_.do_.back());
    effect_.reset();
  }
  faults_.Changed();
  return *this;
}

Rule& Rule::Group(std::string_view group) {
  return With([&](FaultSpec& spec, FaultEffect&) { spec.match.group = std::string(group); });
}
Rule& Rule::SubResource(std::string_view subresource) {
  return With(
      [&](FaultSpec& spec, FaultEffect&) { spec.match.subresource = std::string(subresource); });
}
Rule& Rule::Namespace(std::string_view ns) {
  return With([&](FaultSpec& spec, FaultEffect&) { spec.match.namespace_ = ns; });
}
Rule& Rule::Name(std::string_view name) {
  return With([&](FaultSpec& spec, FaultEffect&) { spec.match.name = name; });
}
Rule& Rule::Path(std::string_view path) {
  return With([&](FaultSpec& spec, FaultEffect&) { spec.match.path = path; });
}
Rule& Rule::User(std::string_view user) {
  return With([&](FaultSpec& spec, FaultEffect&) { spec.match.user = user; });
}
Rule& Rule::UserAgent(std::string_view prefix) {
  return With([&](FaultSpec& spec, FaultEffect&) { spec.match.userAgent = prefix; });
}
Rule& Rule::Header(std::string_view name, std::string_view value) {
  return With(
      [&](FaultSpec& spec, FaultEffect&) { spec.match.headers[std::string(name)] = value; });
}
Rule& Rule::Connection(uint64_t number) {
  return With(
      [&](FaultSpec& spec, FaultEffect&) { spec.match.connection = static_cast<int64_t>(number); });
}
Rule& Rule::BodyAtLeast(size_t bytes) {
  return With(
      [&](FaultSpec& spec, FaultEffect&) { spec.match.bodyAtLeast = static_cast<int64_t>(bytes); });
}
Rule& Rule::Skip(int64_t exchanges) {
  return With([&](FaultSpec& spec, FaultEffect&) { spec.skip = exchanges; });
}
Rule& Rule::Times(int64_t exchanges) {
  return With([&](FaultSpec& spec, FaultEffect&) { spec.times = exchanges; });
}
Rule& Rule::Probability(double share, uint64_t seed) {
  return With([&](FaultSpec& spec, FaultEffect&) {
    spec.probability = share;
    spec.seed = static_cast<int64_t>(seed);
    random_ = SeededRandom(seed);
  });
}
Rule& Rule::From(Duration since_start) {
  return With([&](FaultSpec& spec, FaultEffect&) { spec.from = since_start; });
}
Rule& Rule::Until(Duration since_start) {
  return With([&](FaultSpec& spec, FaultEffect&) { spec.until = since_start; });
}
Rule& Rule::OncePerClient() {
  return With([&](FaultSpec& spec, FaultEffect&) { spec.oncePerClient = true; });
}
Rule& Rule::Stored() {
  return With([&](FaultSpec& spec, FaultEffect&) { spec.point = "stored"; });
}
Rule& Rule::Answered() {
  return With([&](FaultSpec& spec, FaultEffect&) { spec.point = "answered"; });
}

Rule& Rule::Reply(int status) {
  return With([&](FaultSpec&, FaultEffect& effect) { effect.reply = IntOrString(status); });
}
Rule& Rule::ReplyLike(std::string_view flavour) {
  return With([&](FaultSpec&, FaultEffect& effect) {
    effect.reply.emplace();
    effect.reply->is_string = true;
    effect.reply->string_value = flavour;
  });
}
Rule& Rule::RetryAfter(Duration seconds) {
  return RetryAfter(
      std::to_string(std::chrono::duration_cast<std::chrono::seconds>(seconds).count()));
}
Rule& Rule::RetryAfter(std::string_view value) {
  return With([&](FaultSpec&, FaultEffect& effect) {
    effect.retryAfter.emplace();
    effect.retryAfter->is_string = true;
    effect.retryAfter->string_value = value;
  });
}
Rule& Rule::Reason(std::string_view reason) {
  return With([&](FaultSpec&, FaultEffect& effect) { effect.reason = reason; });
}
Rule& Rule::Message(std::string_view message) {
  return With([&](FaultSpec&, FaultEffect& effect) { effect.message = message; });
}
Rule& Rule::Body(std::string_view content_type, std::string_view body) {
  return With([&](FaultSpec&, FaultEffect& effect) {
    effect.contentType = content_type;
    effect.body = std::string(body);
  });
}
Rule& Rule::AnswerHeader(std::string_view name, std::string_view value) {
  return With([&](FaultSpec&, FaultEffect& effect) { effect.headers[std::string(name)] = value; });
}
Rule& Rule::Warning(std::string_view text) {
  return With([&](FaultSpec&, FaultEffect& effect) { effect.warnings.emplace_back(text); });
}
Rule& Rule::Redirect(int status, std::string_view location) {
  return Reply(status).AnswerHeader("Location", location);
}
Rule& Rule::UnauthorizedUntil(std::string_view token) {
  return With([&](FaultSpec&, FaultEffect& effect) { effect.untilToken = token; });
}
Rule& Rule::Stale(int64_t revisions) {
  return With([&](FaultSpec&, FaultEffect& effect) { effect.stale = revisions; });
}

Rule& Rule::Delay(Duration d) {
  return With([&](FaultSpec&, FaultEffect& effect) { effect.delay = d; });
}
Rule& Rule::Refuse() {
  return With([&](FaultSpec&, FaultEffect& effect) { effect.refuse = true; });
}
Rule& Rule::Ends(Ending ending, Place at, size_t after, Duration silence) {
  return With([&](FaultSpec&, FaultEffect& effect) {
    FaultCut cut;
    if (at != Place::kRequest) cut.at = NameOf(at);
    cut.after = static_cast<int64_t>(after);
    if (silence != Duration::max()) cut.for_ = silence;
    (ending == Ending::kReset   ? effect.reset
     : ending == Ending::kClose ? effect.close
                                : effect.hang) = std::move(cut);
  });
}
Rule& Rule::Reset(Place at, size_t after) {
  return Ends(Ending::kReset, at, after, Duration::max());
}
Rule& Rule::Close(Place at, size_t after) {
  return Ends(Ending::kClose, at, after, Duration::max());
}
Rule& Rule::Hang(Place at, size_t after, Duration silence) {
  return Ends(Ending::kHang, at, after, silence);
}
Rule& Rule::Truncate(size_t body_bytes) {
  return With(
      [&](FaultSpec&, FaultEffect& effect) { effect.truncate = static_cast<int64_t>(body_bytes); });
}
Rule& Rule::Throttle(uint64_t bytes_per_second) {
  return With([&](FaultSpec&, FaultEffect& effect) {
    effect.throttle = static_cast<int64_t>(bytes_per_second);
  });
}
Rule& Rule::Drip(size_t bytes, Duration pause) {
  return With([&](FaultSpec&, FaultEffect& effect) {
    effect.drip = faultsv1::FaultDrip{static_cast<int64_t>(bytes), pause};
  });
}
Rule& Rule::Garbage(std::string_view bytes) {
  return With([&](FaultSpec&, FaultEffect& effect) { effect.garbage = std::string(bytes); });
}
Rule& Rule::Corrupt(size_t body_byte) {
  return With(
      [&](FaultSpec&, FaultEffect& effect) { effect.corrupt = static_cast<int64_t>(body_byte); });
}
Rule& Rule::WrongChunkSize() {
  return With([&](FaultSpec&, FaultEffect& effect) { effect.wrongChunkSize = true; });
}
Rule& Rule::Duplicate() {
  return With([&](FaultSpec&, FaultEffect& effect) { effect.duplicate = true; });
}
Rule& Rule::Certificate(std::string_view which) {
  return With([&](FaultSpec&, FaultEffect& effect) { effect.certificate = which; });
}

Rule& Rule::OnEvent(std::string_view what, size_t event, Duration by) {
  return With([&](FaultSpec&, FaultEffect& effect) {
    auto& one = effect.events.emplace_back();
    one.event = static_cast<int64_t>(event);
    one.do_ = what;
    if (by != Duration::zero()) one.by = by;
  });
}
Rule& Rule::DropEvent(size_t event) { return OnEvent("drop", event); }
Rule& Rule::DuplicateEvent(size_t event) { return OnEvent("duplicate", event); }
Rule& Rule::SwapEvent(size_t event) { return OnEvent("swap", event); }
Rule& Rule::DelayEvent(size_t event, Duration by) { return OnEvent("delay", event, by); }
Rule& Rule::CorruptEvent(size_t event) { return OnEvent("corrupt", event); }
Rule& Rule::WithholdBookmarks() {
  return With([&](FaultSpec&, FaultEffect& effect) { effect.withholdBookmarks = true; });
}
Rule& Rule::EndWatch(size_t after_events) {
  return With([&](FaultSpec&, FaultEffect& effect) {
    effect.endWatch = static_cast<int64_t>(after_events);
  });
}
Rule& Rule::ExpireWatch(size_t after_events) {
  return With([&](FaultSpec&, FaultEffect& effect) {
    effect.expireWatch = static_cast<int64_t>(after_events);
  });
}

int64_t Rule::fired() const {
  std::lock_guard lock(faults_.mutex_);
  return fired_;
}
std::string Rule::name() const { return name_; }
std::optional<Error> Rule::error() const {
  std::lock_guard lock(faults_.mutex_);
  const auto& effect = faults_.EffectOf(const_cast<Rule&>(*this));
  if (effect) return std::nullopt;
  return effect.error();
}

}  // namespace k8s::fakeapiserver
