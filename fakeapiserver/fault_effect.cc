#include "fakeapiserver/fault_effect.h"

#include <algorithm>

#include "fakeapiserver/fault_replies.h"
#include "k8s/base/box_definitions.h"
#include "k8s/base/strings.h"
#include "k8s/http/h1.h"
#include "k8s/machinery/json.h"
#include "k8s/machinery/json_codec.h"

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

}  // namespace

std::string_view NameOf(Place place) { return kPlaces[static_cast<size_t>(place)]; }

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

}  // namespace k8s::fakeapiserver
