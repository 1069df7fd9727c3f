#include "fakeapiserver/faults.h"

#include <algorithm>

#include "fakeapiserver/fault_replies.h"
#include "k8s/base/base64.h"
#include "k8s/base/box_definitions.h"
#include "k8s/base/strings.h"
#include "k8s/machinery/json.h"
#include "k8s/machinery/json_codec.h"
#include "k8s/machinery/yaml.h"

namespace k8s::fakeapiserver {
namespace {

using faultsv1::FaultCut;
using faultsv1::FaultEffect;
using faultsv1::FaultMatch;
using faultsv1::FaultSpec;

constexpr std::string_view kPlaces[] = {"accept", "headers", "request", "answer",
                                        "body",   "event",   "frame"};
constexpr std::string_view kEventFaults[] = {"drop", "duplicate", "swap", "delay", "corrupt"};
constexpr std::string_view kCertificates[] = {"expired", "wrong-name", "unknown-ca", "changed"};
constexpr std::string_view kPoints[] = {"before", "stored", "answered"};

std::string_view NameOf(Place place) { return kPlaces[static_cast<size_t>(place)]; }

template <size_t size>
std::optional<size_t> IndexOf(const std::string_view (&names)[size], std::string_view name) {
  const auto* found = std::find(std::begin(names), std::end(names), name);
  if (found == std::end(names)) return std::nullopt;
  return static_cast<size_t>(found - std::begin(names));
}

template <size_t size>
Error NotOneOf(const std::string_view (&names)[size], std::string_view field,
               std::string_view value) {
  std::string all;
  for (const std::string_view name : names) all += Cat(all.empty() ? "" : ", ", name);
  return Invalid(Cat(field, ": ", Quote(value), " is none of ", all));
}

std::string_view VerbName(Verb verb) {
  constexpr std::string_view kNames[] = {
      "get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", "apply"};
  return kNames[static_cast<size_t>(verb)];
}

std::string TextOf(const IntOrString& value) {
  return value.is_string ? value.string_value : std::to_string(value.int_value);
}

Result<size_t> NotNegative(std::string_view field, int64_t value) {
  if (value < 0) return Invalid(Cat(field, ": ", std::to_string(value), " is negative"));
  return static_cast<size_t>(value);
}

// One effect of a rule, put into what the effects before it have said.
class Compiler {
 public:
  explicit Compiler(Effect& effect) : out_(effect) {}

  Result<void> Add(const FaultEffect& in) {
    if (auto good = AddReply(in); !good) return good;
    if (auto good = AddCuts(in); !good) return good;
    if (auto good = AddPace(in); !good) return good;
    if (auto good = AddBytes(in); !good) return good;
    return AddEvents(in);
  }

 private:
  Result<void> AddReply(const FaultEffect& in) {
    if (in.reply) {
      Reply& reply = out_.reply.emplace();
      if (!in.reply->is_string) {
        reply.status = in.reply->int_value;
        reply.reason = ReasonOfCode(reply.status);
        reply.message = Cat("fault injected: ", std::to_string(reply.status));
      } else if (const Flavour* flavour = FindFlavour(in.reply->string_value)) {
        reply.status = flavour->status;
        reply.reason = flavour->reason;
        if (flavour->content_type.empty()) {
          reply.message = flavour->text;
        } else {
          reply.body = flavour->text;
          reply.headers.Set("Content-Type", std::string(flavour->content_type));
          if (flavour->content_type.starts_with("text/plain"))
            reply.headers.Set("X-Content-Type-Options", "nosniff");
        }
        if (!flavour->retry_after.empty())
          reply.headers.Set("Retry-After", std::string(flavour->retry_after));
      } else {
        return Invalid(Cat("reply: ", Quote(in.reply->string_value),
                           " is neither a status nor a name of docs/faults.md"));
      }
      if (reply.status < 200 || reply.status > 999)
        return Invalid(Cat("reply: ", std::to_string(reply.status), " is no final HTTP status"));
    }
    if (!in.untilToken.empty()) {
      out_.until_token = in.untilToken;
      if (!out_.reply) {
        out_.reply = Reply{.status = 401, .reason = "Unauthorized", .message = "Unauthorized"};
      }
    }
    http::Headers& headers = out_.reply ? out_.reply->headers : out_.headers;
    if (in.retryAfter) headers.Set("Retry-After", TextOf(*in.retryAfter));
    for (const auto& [name, value] : in.headers) headers.Set(name, value);
    if (auto good = http::CheckHeaders(headers); !good) return good.error().Within("headers");
    if (out_.reply) {
      if (!in.reason.empty()) out_.reply->reason = in.reason;
      if (!in.message.empty()) out_.reply->message = in.message;
      if (in.body) out_.reply->body = in.body;
      if (!in.contentType.empty()) {
        headers.Set("Content-Type", in.contentType);
      } else if (in.body && !headers.Has("Content-Type")) {
        headers.Set("Content-Type", "text/plain; charset=utf-8");
      }
    } else {
      if (!in.reason.empty() || !in.message.empty())
        return Invalid("reason and message belong to a reply");
      if (in.body) out_.body = in.body;
      if (!in.contentType.empty()) out_.content_type = in.contentType;
    }
    out_.warnings.insert(out_.warnings.end(), in.warnings.begin(), in.warnings.end());
    out_.stale = in.stale != 0 ? in.stale : out_.stale;
    if (in.stale < 0) return Invalid("stale: a number of revisions is not negative");
    return {};
  }

  Result<void> AddCuts(const FaultEffect& in) {
    struct Named {
      std::string_view name;
      const Box<FaultCut>& cut;
      Ending ending;
    };
    for (const Named& one :
         {Named{"reset", in.reset, Ending::kReset}, Named{"close", in.close, Ending::kClose},
          Named{"hang", in.hang, Ending::kHang}}) {
      if (!one.cut) continue;
      Cut cut{.ending = one.ending};
      if (!one.cut->at.empty()) {
        const auto place = IndexOf(kPlaces, one.cut->at);
        if (!place) return NotOneOf(kPlaces, Cat(one.name, ".at"), one.cut->at);
        cut.place = static_cast<Place>(*place);
      }
      auto after = NotNegative(Cat(one.name, ".after"), one.cut->after);
      if (!after) return after.error();
      cut.after = *after;
      if (one.cut->for_) cut.silence = *one.cut->for_;
      if (auto set = SetCut(cut, one.name); !set) return set;
    }
    if (in.truncate) {
      auto after = NotNegative("truncate", *in.truncate);
      if (!after) return after.error();
      return SetCut({Ending::kClose, Place::kBody, *after}, "truncate");
    }
    return {};
  }

  Result<void> SetCut(const Cut& cut, std::string_view name) {
    if (out_.cut || out_.wire.cut) {
      return Invalid(Cat(name, ": a connection ends only once; use a rule for each end"));
    }
    (cut.place < Place::kAnswer ? out_.cut : out_.wire.cut) = cut;
    return {};
  }

  Result<void> AddPace(const FaultEffect& in) {
    if (in.delay) out_.delay += *in.delay;
    if (in.throttle < 0) return Invalid("throttle: bytes a second are not negative");
    if (in.throttle > 0) out_.wire.bytes_per_second = static_cast<uint64_t>(in.throttle);
    if (in.drip) {
      if (in.drip->bytes <= 0) return Invalid("drip.bytes must be positive");
      out_.wire.drip_bytes = static_cast<size_t>(in.drip->bytes);
      out_.wire.drip_pause = in.drip->pause;
    }
    out_.refuse = out_.refuse || in.refuse;
    if (!in.certificate.empty()) {
      if (!IndexOf(kCertificates, in.certificate))
        return NotOneOf(kCertificates, "certificate", in.certificate);
      out_.certificate = in.certificate;
    }
    return {};
  }

  Result<void> AddBytes(const FaultEffect& in) {
    if (in.garbage) out_.wire.garbage = in.garbage;
    if (in.corrupt) {
      auto byte = NotNegative("corrupt", *in.corrupt);
      if (!byte) return byte.error();
      out_.wire.corrupt = *byte;
    }
    out_.wire.wrong_chunk_size = out_.wire.wrong_chunk_size || in.wrongChunkSize;
    out_.wire.duplicate = out_.wire.duplicate || in.duplicate;
    return {};
  }

  Result<void> AddEvents(const FaultEffect& in) {
    for (const faultsv1::FaultEvent& one : in.events) {
      const auto kind = IndexOf(kEventFaults, one.do_);
      if (!kind) return NotOneOf(kEventFaults, "events.do", one.do_);
      if (one.event < 1) return Invalid("events.event: events are counted from 1");
      out_.wire.events.push_back({static_cast<EventFault::Kind>(*kind),
                                  static_cast<size_t>(one.event), one.by.value_or(Duration{})});
    }
    out_.wire.withhold_bookmarks = out_.wire.withhold_bookmarks || in.withholdBookmarks;
    if (in.endWatch) {
      auto after = NotNegative("endWatch", *in.endWatch);
      if (!after) return after.error();
      out_.wire.end_after_events = *after;
    }
    if (in.expireWatch) {
      auto after = NotNegative("expireWatch", *in.expireWatch);
      if (!after) return after.error();
      out_.wire.end_after_events = out_.expire_watch = *after;
    }
    return {};
  }

  Effect& out_;
};

// A rule of connections knows nothing of requests.
bool AsksForRequest(const FaultMatch& on) {
  return !on.verb.empty() || on.group || !on.resource.empty() || on.subresource ||
         !on.namespace_.empty() || !on.name.empty() || !on.path.empty() || !on.user.empty() ||
         !on.userAgent.empty() || !on.headers.empty() || on.bodyAtLeast > 0;
}

bool Same(std::string_view wanted, std::string_view have) {
  return wanted.empty() || wanted == "*" || wanted == have;
}

// Whoever asked to see Faults at their end.
struct EndWatcher {
  std::mutex mutex{};
  std::function<void(const Faults&)> watcher{};

  static EndWatcher& Instance() {
    static auto& instance = *new EndWatcher;
    return instance;
  }
};

bool IsApply(const http::Request& request) {
  return request.headers.Get("Content-Type").starts_with("application/apply-patch");
}

}  // namespace

Result<Effect> CompileEffect(const FaultSpec& spec) {
  Effect effect;
  Compiler compiler(effect);
  for (size_t i = 0; i < spec.do_.size(); ++i) {
    if (auto added = compiler.Add(spec.do_[i]); !added)
      return added.error().Within(Cat("do[", std::to_string(i), "]"));
  }
  if (spec.do_.empty()) return Invalid("do: says nothing");
  if (!spec.point.empty()) {
    const auto point = IndexOf(kPoints, spec.point);
    if (!point) return NotOneOf(kPoints, "point", spec.point);
    effect.point = static_cast<Effect::Point>(*point);
  }
  if (spec.times && *spec.times < 1) return Invalid("times: less than once is never");
  if (spec.skip < 0) return Invalid("skip: is negative");
  if (spec.probability && (*spec.probability < 0 || *spec.probability > 1))
    return Invalid("probability: is not between 0 and 1");
  const bool at_admission = effect.refuse || !effect.certificate.empty() ||
                            (effect.cut && effect.cut->place == Place::kAccept);
  if (at_admission && AsksForRequest(spec.match))
    return Invalid(
        "match: a connection is met before its requests are known; only connection, times, "
        "skip, probability, from and until can choose it");
  if (effect.cut && effect.cut->place == Place::kHeaders && effect.point != Effect::Point::kBefore)
    return Invalid("point: the store hears of no request whose body was not read");
  return effect;
}

Result<void> CheckFault(const Value& spec) {
  FaultSpec read;
  if (auto decoded = DecodeJson(ToJson(spec), TypeOf<FaultSpec>(), &read); !decoded) return decoded;
  if (auto effect = CompileEffect(read); !effect) return effect.error();
  return {};
}

// --- Rule ---

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

// --- Faults ---

Faults::Faults(std::shared_ptr<Clock> clock, std::string user)
    : clock_(std::move(clock)), user_(std::move(user)), start_(clock_->Now()) {}

Faults::~Faults() {
  EndWatcher& ends = EndWatcher::Instance();
  std::lock_guard lock(ends.mutex);
  if (ends.watcher) ends.watcher(*this);
}

void Faults::WatchEnds(std::function<void(const Faults&)> watcher) {
  EndWatcher& ends = EndWatcher::Instance();
  std::lock_guard lock(ends.mutex);
  ends.watcher = std::move(watcher);
}

Rule& Faults::New(FaultSpec spec, std::string name) {
  Rule* rule = nullptr;
  {
    std::lock_guard lock(mutex_);
    if (name.empty()) name = Cat("rule-", std::to_string(next_++));
    auto made = std::unique_ptr<Rule>(new Rule(*this, name, std::move(spec)));
    rule = made.get();
    const auto same = std::find_if(rules_.begin(), rules_.end(),
                                   [&](const auto& one) { return one->name_ == name; });
    if (same != rules_.end()) {
      removed_.push_back(std::exchange(*same, std::move(made)));
    } else {
      rules_.push_back(std::move(made));
    }
    count_ = rules_.size();
  }
  Changed();
  return *rule;
}

void Faults::Changed() {
  std::function<void()> on_change;
  {
    std::lock_guard lock(mutex_);
    on_change = on_change_;
  }
  if (on_change) on_change();
}

void Faults::SetOnChange(std::function<void()> on_change) {
  std::lock_guard lock(mutex_);
  on_change_ = std::move(on_change);
}

Rule& Faults::On(Verb verb, std::string_view resource) {
  FaultSpec spec;
  spec.match.verb = VerbName(verb);
  spec.match.resource = resource;
  return New(std::move(spec), {});
}
Rule& Faults::OnEvery(std::string_view resource) {
  FaultSpec spec;
  spec.match.resource = resource;
  return New(std::move(spec), {});
}
Rule& Faults::OnPath(std::string_view path) {
  FaultSpec spec;
  spec.match.path = path;
  return New(std::move(spec), {});
}
Rule& Faults::OnConnection() { return New({}, {}); }

Result<Rule*> Faults::Add(FaultSpec spec, std::string name) {
  if (auto effect = CompileEffect(spec); !effect) return effect.error();
  return &New(std::move(spec), std::move(name));
}

Result<void> Faults::Load(std::string_view place, std::string_view text) {
  auto documents = ParseYaml(text);
  if (!documents) return documents.error().Within(place);
  std::vector<std::pair<std::string, FaultSpec>> specs;
  const auto read = [&](const Value& value, int line) -> Result<void> {
    const std::string where = Cat(place, ": rule ", std::to_string(specs.size() + 1), " (line ",
                                  std::to_string(line), ")");
    const bool is_object = value.StringAt({"kind"}) == "Fault";
    const TypeInfo& type = is_object ? TypeOf<faultsv1::Fault>() : TypeOf<FaultSpec>();
    faultsv1::Fault fault;
    void* into = is_object ? static_cast<void*>(&fault) : &fault.spec;
    std::vector<std::string> strict;
    auto decoded = DecodeJson(ToJson(value), type, into, nullptr, &strict);
    if (!decoded) return decoded.error().Within(where);
    if (!strict.empty()) return Invalid(Cat(where, ": ", Join(strict, ", ")));
    if (auto effect = CompileEffect(fault.spec); !effect) return effect.error().Within(where);
    specs.emplace_back(fault.metadata.name, std::move(fault.spec));
    return {};
  };
  for (const YamlDocument& document : *documents) {
    if (document.value.is_null()) continue;
    if (document.value.is_array()) {
      for (const Value& one : document.value.array()) {
        if (auto good = read(one, document.line); !good) return good;
      }
    } else if (auto good = read(document.value, document.line); !good) {
      return good;
    }
  }
  for (auto& [name, spec] : specs) New(std::move(spec), name);
  return {};
}

int Faults::Unspent() const {
  std::lock_guard lock(mutex_);
  return static_cast<int>(std::count_if(rules_.begin(), rules_.end(), [](const auto& rule) {
    return rule->spec_.times ? !rule->Spent() : rule->fired_ == 0;
  }));
}

std::string Faults::DescribeUnspent() const {
  std::string out;
  for (const State& state : Rules()) {
    if (state.spec.times ? state.spent : state.fired > 0) continue;
    std::string spec;
    EncodeSparseJson(TypeOf<FaultSpec>(), &state.spec, {}, spec);
    out += Cat(state.name, " struck ", std::to_string(state.fired), " times",
               state.spec.times ? Cat(" of ", std::to_string(*state.spec.times)) : "", ": ", spec);
    if (state.error) out += Cat(" (never does: ", state.error->message(), ")");
    out += '\n';
  }
  return out;
}

Faults::State Faults::StateOf(Rule& rule) const {
  const auto& effect = EffectOf(rule);
  return {rule.name_, rule.spec_, rule.fired_,
          effect ? std::nullopt : std::optional(effect.error()), rule.Spent()};
}

std::vector<Faults::State> Faults::Rules() const {
  std::lock_guard lock(mutex_);
  std::vector<State> out;
  for (const auto& rule : rules_) out.push_back(StateOf(*rule));
  return out;
}

std::optional<Faults::State> Faults::Find(std::string_view name) const {
  std::lock_guard lock(mutex_);
  for (const auto& rule : rules_) {
    if (rule->name_ == name) return StateOf(*rule);
  }
  return std::nullopt;
}

bool Faults::Remove(std::string_view name) {
  bool found = false;
  {
    std::lock_guard lock(mutex_);
    for (auto& rule : rules_) {
      if (rule->name_ != name) continue;
      found = true;
      removed_.push_back(std::move(rule));
    }
    std::erase(rules_, nullptr);
    count_ = rules_.size();
  }
  Changed();
  return found;
}

void Faults::Clear() {
  {
    std::lock_guard lock(mutex_);
    for (auto& rule : rules_) removed_.push_back(std::move(rule));
    rules_.clear();
    count_ = 0;
  }
  Changed();
}

const Result<Effect>& Faults::EffectOf(Rule& rule) const {
  if (!rule.effect_) rule.effect_ = CompileEffect(rule.spec_);
  return *rule.effect_;
}

Faults::Stage Faults::StageOf(const Effect& effect) {
  if (effect.refuse || !effect.certificate.empty()) return Stage::kAdmission;
  if (!effect.cut) return Stage::kRequest;
  if (effect.cut->place == Place::kAccept) return Stage::kAdmission;
  return effect.cut->place == Place::kHeaders ? Stage::kHead : Stage::kRequest;
}

std::string Faults::UserOf(const http::Request& request) const {
  if (const auto user = request.headers.Get("Impersonate-User"); !user.empty())
    return std::string(user);
  const std::string_view authorization = request.headers.Get("Authorization");
  if (authorization.starts_with("Basic ")) {
    const auto pair = DecodeBase64(authorization.substr(6));
    if (pair) return pair->substr(0, pair->find(':'));
  }
  return user_;
}

bool Faults::Matches(const Rule& rule, const http::Request* request, const RequestInfo* info,
                     uint64_t connection, TimePoint now) const {
  const FaultSpec& spec = rule.spec_;
  const FaultMatch& on = spec.match;
  if (rule.Spent()) return false;
  if (spec.from && now - start_ < *spec.from) return false;
  if (spec.until && now - start_ >= *spec.until) return false;
  if (on.connection > 0 && static_cast<uint64_t>(on.connection) != connection) return false;
  if (request == nullptr) return true;
  const bool verb = Same(on.verb, info->verb) ||
                    (on.verb == "apply" && info->verb == "patch" && IsApply(*request));
  if (!verb || !Same(on.resource, info->resource) || !Same(on.namespace_, info->ns) ||
      !Same(on.name, info->name))
    return false;
  if (on.group && *on.group != info->group) return false;
  if (on.subresource && *on.subresource != info->subresource) return false;
  if (!on.path.empty()) {
    const bool prefix = on.path.ends_with('*');
    const std::string_view path = std::string_view(on.path).substr(0, on.path.size() - prefix);
    if (prefix ? !info->path.starts_with(path) : info->path != path) return false;
  }
  if (!request->headers.Get("User-Agent").starts_with(on.userAgent)) return false;
  if (!on.user.empty() && UserOf(*request) != on.user) return false;
  for (const auto& [name, value] : on.headers) {
    if (!request->headers.Has(name)) return false;
    if (value != "*" && request->headers.Get(name) != value) return false;
  }
  const size_t body = request->body ? request->body->size() : 0;
  return body >= static_cast<size_t>(std::max<int64_t>(on.bodyAtLeast, 0));
}

Faults::Strike Faults::Choose(Stage stage, const http::Request* request, const RequestInfo* info,
                              uint64_t connection) {
  if (empty()) return {};
  const TimePoint now = clock_->Now();
  std::lock_guard lock(mutex_);
  for (const auto& rule : rules_) {
    const Result<Effect>& effect = EffectOf(*rule);
    if (!effect || StageOf(*effect) != stage) continue;
    if (!Matches(*rule, request, info, connection, now)) continue;
    if (!effect->until_token.empty() && request != nullptr &&
        request->headers.Get("Authorization") == Cat("Bearer ", effect->until_token))
      continue;
    if (rule->spec_.oncePerClient && request != nullptr &&
        !rule->clients_.insert(Cat(UserOf(*request), "\n", request->headers.Get("User-Agent")))
             .second)
      continue;
    if (rule->skipped_ < rule->spec_.skip) {
      ++rule->skipped_;
      continue;
    }
    if (rule->spec_.probability && rule->random_->NextDouble() >= *rule->spec_.probability)
      continue;
    ++rule->fired_;
    return {rule->name_, std::make_shared<const Effect>(*effect)};
  }
  return {};
}

Faults::Strike Faults::OnAdmission(uint64_t connection) {
  return Choose(Stage::kAdmission, nullptr, nullptr, connection);
}

Faults::Strike Faults::OnHead(const http::Request& head, const RequestInfo& info,
                              uint64_t connection) {
  return Choose(Stage::kHead, &head, &info, connection);
}

Faults::Strike Faults::OnRequest(const http::Request& request, const RequestInfo& info,
                                 uint64_t connection) {
  return Choose(Stage::kRequest, &request, &info, connection);
}

Refusal Faults::Refuses() {
  Refusal refusal;
  if (empty()) return refusal;
  const TimePoint now = clock_->Now();
  std::lock_guard lock(mutex_);
  for (const auto& rule : rules_) {
    const Result<Effect>& effect = EffectOf(*rule);
    if (!effect || !effect->refuse) continue;
    const TimePoint from = start_ + rule->spec_.from.value_or(Duration::zero());
    const TimePoint until = rule->spec_.until ? start_ + *rule->spec_.until : kForever;
    if (now >= until) continue;
    if (now >= from) {
      refusal.now = true;
      rule->fired_ = std::max<int64_t>(rule->fired_, rule->spec_.times.value_or(1));
    }
    refusal.changes = std::min(refusal.changes, now < from ? from : until);
  }
  return refusal;
}

}  // namespace k8s::fakeapiserver
