#pragma once

// What the handlers share: the store, the registry, the doors to time and chance; and the request
// that each of them is handed. Core is owned by the Server; handlers run on many threads at once
// and change nothing of it but through the store.

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "fakeapiserver/faults.h"
#include "fakeapiserver/managed_fields.h"
#include "fakeapiserver/negotiate.h"
#include "fakeapiserver/recorder.h"
#include "fakeapiserver/registry.h"
#include "fakeapiserver/store.h"
#include "k8s/base/env.h"
#include "k8s/machinery/value.h"

namespace k8s::fakeapiserver {

// 3 MiB, as kube-apiserver (S-3.14).
inline constexpr size_t kMaxRequestBody = size_t{3} << 20;
// Of every caller: nobody is asked who they are.
inline constexpr std::string_view kUser = "admin";

struct Core {
  Core(Env env, StoreLimits limits, bool fault_objects);

  Env env;
  Registry registry;
  Store store;
  Recorder recorder;
  Faults faults;
  bool strict = false;  // refuse what a real server would answer otherwise (deviations.h)
  // Uids of the flow schema and priority level that every answer names. They change when the store
  // is filled anew, while others read them.
  struct FlowUids {
    std::string schema{};
    std::string level{};
  };
  FlowUids flow_uids() const {
    std::lock_guard lock(flow_mutex_);
    return flow_uids_;
  }
  void SetFlowUids(FlowUids uids) {
    std::lock_guard lock(flow_mutex_);
    flow_uids_ = std::move(uids);
  }

  std::string NowText() const;  // RFC 3339, whole seconds

 private:
  mutable std::mutex flow_mutex_;
  FlowUids flow_uids_{};
};

// One request on its way through the handlers.
struct Call {
  const http::Request& request;
  http::Query query{};
  RequestInfo info{};
  const Served* served = nullptr;
  const SubresourceInfo* subresource = nullptr;
  Output output{};
  std::vector<std::string> warnings{};
  bool dry_run = false;
  bool resets_owners = false;  // the body says managedFields: []
  int64_t stale = 0;           // a read shows the state of so many revisions ago

  // The parameter, or "".
  std::string Parameter(std::string_view name) const {
    const std::string* value = query.Get(name);
    return value ? *value : std::string();
  }
  // Go's reading of a boolean parameter: anything but "false" and "0" is true.
  bool Flag(std::string_view name) const;
  GroupResource resource() const { return served->group_resource(); }
  Key key() const { return {served->StoreName(), info.ns, info.name}; }
  // Adds a text once.
  void Warn(std::string text);
};

// A copy that holds its request, too, for an answer that is decided when that is gone.
std::shared_ptr<const Call> Keep(const Call& call);

// An object at rest, made from its tree, which gets the revision. `owners` is the JSON of its
// managed fields where they are not in the tree.
ObjectPtr MakeObject(Value tree, const Served& served, Revision revision,
                     std::string_view owners = {});
ObjectPtr ObjectAtRevision(const Object& object, Revision revision);
// The tree of an object as that version of its resource shows it.
Value TreeOf(const Object& object, const Served& served);
// Carries a tree from one version of a resource to another; nothing where they are the same.
void Convert(Value& tree, const Served& from, const Served& to);
// What is left of a tree that was sent once it has been at rest; nothing where versions differ in
// name only.
void ConvertThroughStorage(Value& tree, const Served& served);
// The versions of the resource that differ from it in more than the name.
OtherVersions OtherVersionsOf(const Core& core, const Served& served);

// --- the answers ---

Answer RenderError(const Error& error, const Output& output);
// The object in the form that the call asks for.
Result<Answer> RenderObject(Core& core, const Call& call, const ObjectPtr& object,
                            int status = 200);
Result<Answer> RenderTree(Core& core, const Call& call, Value tree, int status = 200);
Result<Answer> RenderList(Core& core, const Call& call, const Page& page, const std::string& token);
// The frame of an ERROR event, in the form that the headers of the watch's answer say.
std::string ErrorFrame(const http::Headers& headers, const Error& error);
// A value that is no API object of the call's resource: shown whole, whatever was asked for.
Answer RenderPlain(const Value& value, const Output& output, int status = 200,
                   const TypeInfo* type = nullptr);

// --- the handlers: one per verb ---

Result<Answer> GetObject(Core& core, Call& call);
Result<Answer> ListObjects(Core& core, Call& call);
Result<Answer> WatchObjects(Core& core, Call& call);
Result<Answer> CreateObject(Core& core, Call& call);
Result<Answer> UpdateObject(Core& core, Call& call);
Result<Answer> PatchObject(Core& core, Call& call);
Result<Answer> DeleteObject(Core& core, Call& call);
Result<Answer> DeleteCollection(Core& core, Call& call);
// Subresources with a handler of their own (not status).
Result<Answer> ServeSubresource(Core& core, Call& call);
// Kinds that are only created: answered, never stored.
Result<Answer> CreateVirtual(Core& core, Call& call);

// --- what they share ---

// The query of a list or watch, checked.
struct ListQuery {
  Selection selection{};
  Revision revision = 0;
  bool has_revision = false;  // also when it is 0
  std::string match{};
  int64_t limit = 0;
  std::string token{};
  int64_t timeout_seconds = 0;
  bool has_timeout = false;
  bool bookmarks = false;
  bool send_initial_events = false;
  bool has_send_initial_events = false;
};
Result<ListQuery> ParseListQuery(const Call& call, bool watch);

// Reads the body as the type: media type, syntax, kind, field types, unknown fields.
// `older` is another version that says the same.
Result<Value> DecodeBody(Call& call, const TypeInfo& type, std::string_view older = {});
// Turns a tree into what is stored: unknown members away (or refused), defaults set.
Result<Value> DecodeTree(Call& call, Value tree, const TypeInfo& type,
                         const std::vector<std::string>& duplicates);
enum class FieldValidation : uint8_t { kIgnore, kWarn, kStrict };
FieldValidation FieldValidationOf(const Call& call);
// dryRun, fieldManager, fieldValidation, force; 422 on nonsense.
Result<void> CheckWriteOptions(Call& call, std::string_view kind);
std::string ManagerOf(const Call& call);

// The name in the object must be that of the URL.
Result<void> CheckName(const Call& call, const Value& tree);
// Creates what the tree says; the tree is decoded and defaulted. REQUIRES: the write lock.
// With `managed_fields` these are its owners, else the caller becomes one.
Result<ObjectPtr> CreateTree(Core& core, Call& call, Value tree,
                             const Value* managed_fields = nullptr);
// What is gone, at the revision of its removal. REQUIRES: the write lock.
ObjectPtr RemoveObject(Core& core, const Served& served, const Object& object);
// The answer to a create, stored or dry.
Result<Answer> RenderCreated(Core& core, const Call& call, const ObjectPtr& object,
                             const std::string& sent_version);
// Replaces the object by what `change` makes of it. REQUIRES: the write lock.
struct UpdateResult {
  ObjectPtr object{};
  Value tree{};  // as answered, where there is no object any more or not yet
};
using MakeChange = std::function<Result<Value>(const Value& old)>;
Result<UpdateResult> UpdateTree(Core& core, Call& call, const ObjectPtr& old,
                                const MakeChange& change, bool apply = false);

}  // namespace k8s::fakeapiserver
