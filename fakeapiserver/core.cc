#include "fakeapiserver/core.h"

#include <algorithm>
#include <utility>

#include "fakeapiserver/strategy.h"
#include "k8s/base/strings.h"
#include "k8s/machinery/json.h"
#include "k8s/machinery/scalars.h"

namespace k8s::fakeapiserver {

Core::Core(Env env_in, StoreLimits limits, bool fault_objects)
    : env(std::move(env_in)),
      registry(fault_objects),
      store(ObjectAtRevision, limits, env.clock),
      recorder(env.clock),
      faults(env.clock, std::string(kUser)) {}

std::string Core::NowText() const {
  Time now = Time::From(env.clock->WallNow());
  now.nanos = 0;
  return now.String();
}

bool Call::Flag(std::string_view name) const {
  const std::string* value = query.Get(name);
  if (!value) return false;
  const std::string lower = ToLower(*value);
  return lower != "false" && lower != "0";
}

std::shared_ptr<const Call> Keep(const Call& call) {
  struct Kept {
    explicit Kept(const Call& from)
        : request(from.request),
          call{.request = request,
               .query = from.query,
               .info = from.info,
               .served = from.served,
               .subresource = from.subresource,
               .output = from.output,
               .warnings = from.warnings,
               .dry_run = from.dry_run,
               .resets_owners = from.resets_owners,
               .stale = from.stale} {}
    const http::Request request;
    const Call call;
  };
  auto kept = std::make_shared<const Kept>(call);
  return {kept, &kept->call};
}

void Call::Warn(std::string text) {
  if (std::find(warnings.begin(), warnings.end(), text) == warnings.end())
    warnings.push_back(std::move(text));
}

// As AppendJson; managed fields come last in metadata.
static void AppendWithOwners(const Value& tree, std::string_view owners, std::string& out) {
  out += '{';
  for (bool first = true; const auto& [name, member] : tree.object()) {
    if (!std::exchange(first, false)) out += ',';
    AppendJsonString(name, out);
    out += ':';
    AppendJson(member, out);
    if (name != "metadata") continue;
    out.back() = ',';
    out.append("\"managedFields\":").append(owners) += '}';
  }
  out += '}';
}

ObjectPtr MakeObject(Value tree, const Served& served, Revision revision, std::string_view owners) {
  auto object = std::make_shared<Object>();
  Value& metadata = tree["metadata"];
  if (served.storage->Supports(Verb::kCreate))
    metadata.Set("resourceVersion", std::to_string(revision));
  // resourceVersion keeps its place in the order of members when it was there before.
  object->key = {served.StoreName(), std::string(metadata.StringAt({"namespace"})),
                 std::string(metadata.StringAt({"name"}))};
  object->revision = revision;
  object->uid = std::string(metadata.StringAt({"uid"}));
  object->terminating = metadata.Find("deletionTimestamp") != nullptr;
  if (const Value* all = metadata.Find("labels"); all && all->is_object()) {
    for (const auto& [key, value] : all->object())
      object->labels.emplace_back(key, value.is_string() ? value.string() : "");
  }
  object->fields = SelectableFields(tree, *served.storage);
  // Written where there is room, and kept in as much as it needs.
  thread_local std::string text;
  text.clear();
  if (owners.empty()) {
    AppendJson(tree, text);
  } else {
    AppendWithOwners(tree, owners, text);
  }
  object->json = std::string(text);
  object->members_at = std::min(served.storage->head.size(), object->json.size());
  return object;
}

ObjectPtr ObjectAtRevision(const Object& object, Revision revision) {
  // The member is found by its text: metadata comes first, and what precedes the member inside it
  // (names and a uid) holds no quotes.
  static constexpr std::string_view kMember = "\"resourceVersion\":\"";
  auto copy = std::make_shared<Object>();
  copy->key = object.key;
  copy->revision = revision;
  copy->uid = object.uid;
  copy->members_at = object.members_at;
  copy->labels = object.labels;
  copy->fields = object.fields;
  copy->terminating = object.terminating;
  copy->json = object.json;
  if (const size_t at = copy->json.find(kMember); at != std::string::npos) {
    const size_t start = at + kMember.size();
    copy->json.replace(start, copy->json.find('"', start) - start, std::to_string(revision));
  }
  return copy;
}

Value TreeOf(const Object& object, const Served& served) {
  auto tree = ParseJson(object.json);
  Value value = tree ? *std::move(tree) : Value();
  Convert(value, *served.storage, served);
  return value;
}

}  // namespace k8s::fakeapiserver
