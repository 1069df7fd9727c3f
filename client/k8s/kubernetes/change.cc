#include "k8s/kubernetes/change.h"

#include <algorithm>

#include "k8s/base/strings.h"
#include "k8s/http/replay_safe.h"
#include "k8s/machinery/json.h"
#include "k8s/machinery/json_codec.h"
#include "k8s/machinery/merge_patch.h"
#include "k8s/machinery/scalars.h"
#include "k8s/machinery/unstructured.h"

namespace k8s::kubernetes {
namespace {

using http::CallClass;

// Of one change; each reading and each sending after it is paid from the budget besides.
constexpr int kMaxReadings = 10;

// Metadata that the server alone writes.
constexpr std::string_view kServersOwn[] = {"resourceVersion", "generation", "managedFields"};
// The same, but an object that was read before it was sent has them too.
constexpr std::string_view kServersFirst[] = {"uid", "creationTimestamp", "selfLink", "namespace"};

Value TreeOf(const TypeInfo& type, const void* object) {
  std::string text;
  EncodeSparseJson(type, object, {}, text);
  auto tree = ParseJson(text);
  return tree ? *std::move(tree) : Value::MakeObject();
}

bool SaysNothing(const Value& value) {
  return value.is_null() || (value.is_object() && value.object().empty()) ||
         (value.is_array() && value.array().empty());
}

// Everything that was sent is in the live object; the server may have added to it.
bool Holds(const Value* live, const Value& sent) {
  if (SaysNothing(sent)) return true;
  if (live == nullptr || live->type() != sent.type()) return live != nullptr && *live == sent;
  if (sent.is_object()) {
    return std::all_of(sent.object().begin(), sent.object().end(), [&](const auto& member) {
      return Holds(live->Find(member.first), member.second);
    });
  }
  if (!sent.is_array()) return *live == sent;
  size_t next = 0;
  for (const Value& item : sent.array()) {
    while (next < live->array().size() && !Holds(&live->array()[next], item)) ++next;
    if (next++ == live->array().size()) return false;
  }
  return true;
}

bool HoldsCreated(const Value& live, Value sent) {
  sent.Remove("status");
  if (Value* metadata = sent.Find("metadata")) {
    for (const std::string_view name : kServersOwn) metadata->Remove(name);
    for (const std::string_view name : {"uid", "creationTimestamp", "selfLink"}) {
      metadata->Remove(name);
    }
  }
  return Holds(&live, sent);
}

// Nothing added, nothing missing: an update also takes away.
bool SameContent(const Intent& intent, Value live) {
  Value sent = intent.sent;
  if (intent.of_status) {
    const Value none;
    const Value* const a = live.Find("status");
    const Value* const b = sent.Find("status");
    return (a ? *a : none) == (b ? *b : none);
  }
  if (intent.status_apart) {
    live.Remove("status");
    sent.Remove("status");
  }
  Value& metadata = live["metadata"];
  Value& sent_metadata = sent["metadata"];
  for (const std::string_view name : kServersOwn) {
    metadata.Remove(name);
    sent_metadata.Remove(name);
  }
  for (const std::string_view name : kServersFirst) {
    if (sent_metadata.Find(name) == nullptr) metadata.Remove(name);
  }
  return live == sent;
}

bool WouldChangeNothing(const Value& merge_patch, const Value& live) {
  Value patch = merge_patch;
  if (Value* metadata = patch.Find("metadata")) metadata->Remove("resourceVersion");
  Value patched = live;
  ApplyMergePatch(patch, patched);
  return patched == live;
}

WallTime CreatedAt(const Value& live) {
  const auto time = Time::Parse(live.StringAt({"metadata", "creationTimestamp"}));
  return WallTime(std::chrono::seconds(time ? time->seconds : 0));
}

Finding JudgeDelete(const Intent& intent, const Value& live, WallTime began, Duration clock_skew) {
  if (live.StringAt({"metadata", "uid"}).empty()) return Finding::kUnclear;
  if (live.Find({"metadata", "deletionTimestamp"}) != nullptr) return Finding::kDone;
  if (!intent.uid.empty()) {
    return live.StringAt({"metadata", "uid"}) == intent.uid ? Finding::kNotDone : Finding::kDone;
  }
  // A timestamp is up to a second older than what it stands for.
  const WallTime created = CreatedAt(live);
  if (created > began + clock_skew) return Finding::kDone;
  const bool older = created + std::chrono::seconds(1) + clock_skew <= began;
  return older ? Finding::kNotDone : Finding::kUnclear;
}

CallClass ClassOfPatch(PatchType type) {
  switch (type) {
    case PatchType::kJSONPatch:
      return CallClass::kJsonPatch;
    case PatchType::kMergePatch:
      return CallClass::kMergePatch;
    case PatchType::kStrategicMergePatch:
      return CallClass::kStrategicMergePatch;
    case PatchType::kApplyYAML:
      return CallClass::kApply;
  }
  return CallClass::kOther;
}

// The resourceVersion that a patch insists on.
std::string VersionIn(PatchType type, const Value& patch) {
  if (type != PatchType::kJSONPatch) {
    return std::string(patch.StringAt({"metadata", "resourceVersion"}));
  }
  if (!patch.is_array()) return {};
  for (const Value& operation : patch.array()) {
    if (operation.StringAt({"op"}) == "test" &&
        operation.StringAt({"path"}) == "/metadata/resourceVersion") {
      return std::string(operation.StringAt({"value"}));
    }
  }
  return {};
}

void ReadPatch(PatchType type, Value patch, Intent& intent) {
  intent.sent = std::move(patch);
  intent.resource_version = VersionIn(type, intent.sent);
  intent.is_merge_patch = type == PatchType::kMergePatch;
  intent.call_class =
      intent.resource_version.empty() ? ClassOfPatch(type) : CallClass::kPatchVersioned;
}

bool HasStatusApart(const TypeInfo& type) {
  return type.resource != nullptr &&
         std::any_of(type.resource->subresources.begin(), type.resource->subresources.end(),
                     [](const SubresourceInfo& sub) { return sub.name == "status"; });
}

// The answer to a second sending that our own first one may have caused.
bool MayBeOurDoing(const Error& error) {
  return IsAlreadyExists(error) || IsConflict(error) || IsNotFound(error);
}

Error StillInDoubt(const Error& error, std::string_view why) {
  return error.WithMessage(Cat(error.message(), " - in doubt: ", why)).WithNothingDone(false);
}

Error ExistsInDoubt(const Error& error, const Intent& intent) {
  return Error::Api({.status = "Failure",
                     .message = Cat(Quote(intent.name), " already exists, older than this call or ",
                                    "not as it was sent; whether the call made it is in doubt: ",
                                    error.message()),
                     .reason = "AlreadyExists",
                     .code = 409})
      .WithAttempts(std::make_shared<const Attempts>(error.history()));
}

// One change with its sendings and readings.
class Sending {
 public:
  Sending(const rest::Client& client, const Change& change, const Landing& landing,
          const Context& ctx)
      : options_(client.options()),
        policy_(*options_.retry_policy),
        change_(change),
        landing_(landing),
        ctx_(ctx),
        intent_(IntentOf(change)),
        began_(options_.env.clock->WallNow()),
        start_(options_.env.clock->Now()),
        growing_(policy_.backoff) {}

  Result<bool> Run(rest::Request request,
                   const std::function<rest::Request(std::string_view)>& read_back) {
    request.CallClass(intent_.call_class);
    const bool reads = http::PromiseOf(intent_.call_class) == http::Promise::kReadBack;
    for (int readings = 0;; ++readings) {
      auto sent = SendOnce(request);
      if (sent) return sent;
      const Error error = WithAllAttempts(sent.error(), readings > 0);
      const bool in_doubt = !sent.error().nothing_done() || (readings > 0 && MayBeOurDoing(error));
      if (!in_doubt || !reads || !ctx_.Check(*options_.env.clock)) return error;
      if (readings == kMaxReadings) return StillInDoubt(error, "it was read back too often");
      if (!policy_.shared_budget->Take()) {
        return StillInDoubt(error, Cat("not read back: ", policy_.shared_budget->Refusal()));
      }
      if (!Sleep(*options_.env.clock, growing_.Step(*options_.env.random), ctx_)) return error;
      auto found = Read(read_back(intent_.name));
      if (!found) {
        return StillInDoubt(error, Cat("reading it back failed: ", found.error().message()));
      }
      switch (*found) {
        case Finding::kDone:
          return true;
        case Finding::kNotDone:
          if (sent.error().nothing_done()) return error;
          if (!policy_.shared_budget->Take()) {
            return StillInDoubt(error, Cat("not sent again: ", policy_.shared_budget->Refusal()));
          }
          Pin(request);
          break;
        case Finding::kUnclear:
          if (intent_.call_class == CallClass::kCreate) return ExistsInDoubt(error, intent_);
          return StillInDoubt(error, "read back, the object does not tell whether this was done");
      }
    }
  }

 private:
  Result<bool> SendOnce(rest::Request request) {
    sent_ = options_.env.clock->Now();
    if (!all_.latest.empty()) all_.latest.back().waited = sent_ - failed_;
    const auto answer = request.Do(ctx_);
    if (!answer) return answer.error();
    return landing_.object == nullptr ? Result<bool>(true) : landing_.decode(*answer);
  }

  // The attempts of all sendings are those of one call.
  Error WithAllAttempts(const Error& error, bool sent_before) {
    failed_ = options_.env.clock->Now();
    const Attempts& latest = error.history();
    for (Attempt attempt : latest.latest) {
      attempt.began += sent_ - start_;
      if (all_.latest.size() == kMaxAttemptsKept) all_.latest.erase(all_.latest.begin());
      all_.latest.push_back(std::move(attempt));
    }
    all_.made += latest.made;
    all_.allowed = std::max(all_.allowed, latest.allowed);
    all_.ended = latest.ended;
    const Error all = error.WithAttempts(std::make_shared<const Attempts>(all_));
    return sent_before ? all.WithNothingDone(false) : all;
  }

  Result<Finding> Read(rest::Request get) {
    // A tree is not filled from protobuf.
    if (landing_.object == nullptr) get.SetHeader("Accept", "application/json");
    const auto answer = get.Do(ctx_);
    if (!answer) {
      // A 404 of some proxy says nothing about the object.
      if (!IsNotFound(answer.error()) || IsUnexpectedServerError(answer.error())) {
        return answer.error();
      }
      return Judge(intent_, nullptr, began_, policy_.clock_skew);
    }
    Value live;
    if (landing_.object != nullptr) {
      if (const auto read = landing_.decode(*answer); !read) return read.error();
      live = TreeOf(*change_.type, landing_.object);
    } else {
      Unstructured object;
      const auto read = answer->Into(TypeOf<Unstructured>(), &object);
      if (!read) return read.error();
      live = std::move(object.content);
    }
    live_uid_ = live.StringAt({"metadata", "uid"});
    return Judge(intent_, &live, began_, policy_.clock_skew);
  }

  // A delete that goes out again hits the object that was read, and no successor of it.
  void Pin(rest::Request& request) {
    if (change_.verb != Verb::kDelete || !intent_.uid.empty()) return;
    intent_.uid = live_uid_;
    intent_.call_class = CallClass::kDeleteByUid;
    metav1::DeleteOptions options = change_.options ? *change_.options : metav1::DeleteOptions{};
    metav1::Preconditions preconditions;
    if (options.preconditions) preconditions = *options.preconditions;
    preconditions.uid = intent_.uid;
    options.preconditions = preconditions;
    request.CallClass(intent_.call_class)
        .Body(TypeOf<metav1::DeleteOptions>(), &options, {"v1", "DeleteOptions"});
  }

  const rest::ClientOptions& options_;
  const http::ReplaySafe& policy_;
  const Change& change_;
  const Landing& landing_;
  const Context& ctx_;
  Intent intent_;
  const WallTime began_;
  const TimePoint start_;
  TimePoint sent_{}, failed_{};  // when the latest sending began, and ended
  Attempts all_;
  http::Backoff growing_;
  std::string live_uid_;
};

}  // namespace

std::string_view MediaTypeOf(PatchType type) {
  switch (type) {
    case PatchType::kJSONPatch:
      return "application/json-patch+json";
    case PatchType::kMergePatch:
      return "application/merge-patch+json";
    case PatchType::kStrategicMergePatch:
      return "application/strategic-merge-patch+json";
    case PatchType::kApplyYAML:
      return "application/apply-patch+yaml";
  }
  return {};
}

Intent IntentOf(const Change& change) {
  Intent intent{.name = std::string(change.name)};
  if (!change.subresource.empty() && change.subresource != "status") return intent;
  intent.of_status = !change.subresource.empty();
  switch (change.verb) {
    case Verb::kCreate:
      if (intent.of_status) return intent;
      intent.sent = TreeOf(*change.type, change.sent);
      intent.name = intent.sent.StringAt({"metadata", "name"});
      intent.call_class = intent.name.empty() ? CallClass::kCreateUnnamed : CallClass::kCreate;
      break;
    case Verb::kUpdate:
      intent.sent = TreeOf(*change.type, change.sent);
      intent.resource_version = intent.sent.StringAt({"metadata", "resourceVersion"});
      intent.status_apart = HasStatusApart(*change.type);
      intent.call_class =
          intent.resource_version.empty() ? CallClass::kUpdate : CallClass::kUpdateVersioned;
      break;
    case Verb::kPatch:
      if (auto patch = ParseJson(change.patch)) {  // else YAML, or nothing that a server takes
        ReadPatch(change.patch_type, *std::move(patch), intent);
      }
      break;
    case Verb::kApply:
      ReadPatch(PatchType::kApplyYAML, TreeOf(*change.type, change.sent), intent);
      break;
    case Verb::kDelete:
      if (change.options != nullptr && change.options->preconditions) {
        intent.uid = change.options->preconditions->uid.value_or("");
        intent.resource_version = change.options->preconditions->resourceVersion.value_or("");
      }
      intent.call_class = intent.uid.empty() ? CallClass::kDelete : CallClass::kDeleteByUid;
      break;
    case Verb::kDeleteCollection:
      intent.call_class = CallClass::kDeleteCollection;
      break;
    default:
      break;
  }
  return intent;
}

Finding Judge(const Intent& intent, const Value* live, WallTime began, Duration clock_skew) {
  const bool deletes =
      intent.call_class == CallClass::kDelete || intent.call_class == CallClass::kDeleteByUid;
  if (live == nullptr) {
    if (deletes) return Finding::kDone;
    return intent.call_class == CallClass::kCreate ? Finding::kNotDone : Finding::kUnclear;
  }
  if (deletes) return JudgeDelete(intent, *live, began, clock_skew);
  if (intent.call_class == CallClass::kCreate) {
    const WallTime earliest = std::chrono::floor<std::chrono::seconds>(began - clock_skew);
    const bool ours = CreatedAt(*live) >= earliest && HoldsCreated(*live, intent.sent);
    return ours ? Finding::kDone : Finding::kUnclear;
  }
  if (!intent.resource_version.empty() &&
      live->StringAt({"metadata", "resourceVersion"}) == intent.resource_version) {
    return Finding::kNotDone;
  }
  const bool update =
      intent.call_class == CallClass::kUpdate || intent.call_class == CallClass::kUpdateVersioned;
  const bool there = update ? SameContent(intent, *live)
                            : intent.is_merge_patch && WouldChangeNothing(intent.sent, *live);
  return there ? Finding::kDone : Finding::kUnclear;
}

Result<bool> SendChange(const rest::Client& client, rest::Request request,
                        const std::function<rest::Request(std::string_view name)>& read_back,
                        const Change& change, const Landing& landing, const Context& ctx) {
  return Sending(client, change, landing, ctx).Run(std::move(request), read_back);
}

}  // namespace k8s::kubernetes
