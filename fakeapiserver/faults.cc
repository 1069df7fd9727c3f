#include "fakeapiserver/faults.h"

#include <algorithm>

#include "k8s/base/base64.h"
#include "k8s/base/strings.h"
#include "k8s/machinery/json.h"
#include "k8s/machinery/json_codec.h"
#include "k8s/machinery/yaml.h"

namespace k8s::fakeapiserver {
namespace {

using faultsv1::FaultMatch;
using faultsv1::FaultSpec;

std::string_view VerbName(Verb verb) {
  constexpr std::string_view kNames[] = {
      "get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", "apply"};
  return kNames[static_cast<size_t>(verb)];
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
