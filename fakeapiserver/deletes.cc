// delete and deletecollection (chapter 4 of the specification).

#include <algorithm>

#include "fakeapiserver/core.h"
#include "fakeapiserver/go_text.h"
#include "fakeapiserver/protobuf.h"
#include "fakeapiserver/strategy.h"
#include "fakeapiserver/typed_tree.h"
#include "k8s/api/metav1.h"
#include "k8s/base/strings.h"
#include "k8s/machinery/json.h"
#include "k8s/machinery/scalars.h"
#include "k8s/machinery/yaml.h"

namespace k8s::fakeapiserver {
namespace {

constexpr std::string_view kOrphan = "orphan";
constexpr std::string_view kForeground = "foregroundDeletion";

struct DeleteOptions {
  std::optional<int64_t> grace{};
  std::optional<bool> orphan{};
  std::string policy{};
  std::string uid{};
  std::string revision{};
};

Result<Value> OptionsTree(Call& call) {
  static const std::string kNoBody;
  const std::string& body = call.request.body ? *call.request.body : kNoBody;
  if (body.size() > kMaxRequestBody)
    return TooLarge(Cat("limit is ", std::to_string(kMaxRequestBody)));
  if (body.empty()) {
    Value tree = Value::MakeObject();
    if (const std::string grace = call.Parameter("gracePeriodSeconds"); !grace.empty()) {
      auto seconds = GoParseInt(grace);
      if (!seconds) return BadRequest(seconds.error().message());
      tree.Set("gracePeriodSeconds", *seconds);
    }
    if (call.query.Has("orphanDependents"))
      tree.Set("orphanDependents", call.Flag("orphanDependents"));
    if (call.query.Has("propagationPolicy"))
      tree.Set("propagationPolicy", call.Parameter("propagationPolicy"));
    Value dry = Value::MakeArray();
    for (std::string_view one : call.query.Values("dryRun")) dry.Append(one);
    if (!dry.array().empty()) tree.Set("dryRun", std::move(dry));
    return tree;
  }
  const auto media = BodyMedia(call.request.headers);
  if (!media) {
    return UnsupportedMediaType(
        "the body of the request was in an unknown format - accepted media types include: "
        "application/json, application/yaml, "
        "application/vnd.kubernetes.protobuf");
  }
  const TypeInfo& type = TypeOf<metav1::DeleteOptions>();
  if (*media == Media::kProtobuf) return DecodeTreeFromProtobuf(body, type);
  Value tree;
  if (*media == Media::kYaml) {
    auto parsed = ParseYamlDocument(body);
    if (!parsed) return BadRequest(GoYamlError(parsed.error().message()));
    tree = *std::move(parsed);
  } else {
    if (const auto complaint = GoJsonError(body))
      return BadRequest("couldn't get version/kind; json parse error: " + *complaint);
    tree = ParseJson(body).value();
  }
  if (const std::string kind(tree.StringAt({"kind"})); !kind.empty() && kind != "DeleteOptions") {
    return BadRequest(Cat("no kind ", Quote(kind), " is registered for version ",
                          Quote(tree.StringAt({"apiVersion"})), " in ", kScheme));
  }
  auto normal = Normalise(std::move(tree), type);
  if (!normal) return BadRequest(normal.error().message());
  return normal;
}

Result<DeleteOptions> ReadOptions(Call& call) {
  auto tree = OptionsTree(call);
  if (!tree) return tree.error().status() ? tree.error() : BadRequest(tree.error().message());
  DeleteOptions options;
  if (const Value* grace = tree->Find("gracePeriodSeconds"); grace && grace->is_int())
    options.grace = grace->integer();
  if (const Value* orphan = tree->Find("orphanDependents"); orphan && orphan->is_bool())
    options.orphan = orphan->boolean();
  const Value* policy = tree->Find("propagationPolicy");
  options.policy = std::string(tree->StringAt({"propagationPolicy"}));
  options.uid = std::string(tree->StringAt({"preconditions", "uid"}));
  options.revision = std::string(tree->StringAt({"preconditions", "resourceVersion"}));
  FieldErrors errors;
  if (policy && policy->is_string()) {
    if (options.orphan) {
      errors.push_back(InvalidText("propagationPolicy", options.policy,
                                   "orphanDependents and deletionPropagation cannot be both set"));
    }
    if (options.policy != "Foreground" && options.policy != "Background" &&
        options.policy != "Orphan") {
      errors.push_back(Unsupported("propagationPolicy", options.policy,
                                   {"Foreground", "Background", "Orphan", "nil"}));
    }
  }
  if (const Value* dry = tree->Find("dryRun"); dry && dry->is_array() && !dry->array().empty()) {
    call.dry_run = true;
    const bool good = std::all_of(dry->array().begin(), dry->array().end(), [](const Value& one) {
      return one.is_string() && one.string() == "All";
    });
    if (!good) errors.push_back(Unsupported("dryRun", *dry, {"All"}));
  }
  if (!errors.empty()) return InvalidObject({"meta.k8s.io", "DeleteOptions"}, "", errors);
  if (options.grace && *options.grace < 0) options.grace = 1;
  return options;
}

Result<void> CheckPreconditions(const Call& call, const DeleteOptions& options,
                                const Object& object) {
  const bool is_namespace = call.served->StoreName() == "namespaces";
  const GroupResource shown =
      is_namespace ? call.resource() : GroupResource{call.served->group, call.served->kind};
  if (!options.uid.empty() && options.uid != object.uid) {
    if (is_namespace)
      return Conflict(shown, object.key.name,
                      Cat("Precondition failed: UID in precondition: ", options.uid,
                          ", UID in object meta: ", object.uid));
    return Conflict(
        shown, object.key.name,
        Cat("the UID in the precondition (", options.uid, ") does not match the UID in record (",
            object.uid, "). The object might have been deleted and then recreated"));
  }
  const std::string revision = std::to_string(object.revision);
  if (!options.revision.empty() && options.revision != revision) {
    if (is_namespace) {
      return Conflict(shown, object.key.name,
                      Cat("Precondition failed: ResourceVersion in precondition: ",
                          options.revision, ", ResourceVersion in object meta: ", revision));
    }
    return Conflict(shown, object.key.name,
                    Cat("the ResourceVersion in the precondition (", options.revision,
                        ") does not match the ResourceVersion in record (", revision,
                        "). The object might have been modified"));
  }
  return {};
}

// The finalizers that the propagation policy asks for (chapter 4.4).
void ApplyPolicy(const Call& call, const DeleteOptions& options, Value& metadata) {
  Value::Array list;
  if (const Value* finalizers = metadata.Find("finalizers"); finalizers && finalizers->is_array())
    list = finalizers->array();
  const auto has = [&](std::string_view name) {
    return std::any_of(list.begin(), list.end(),
                       [&](const Value& one) { return one.is_string() && one.string() == name; });
  };
  bool orphan = false, foreground = false;
  if (options.orphan) {
    orphan = *options.orphan;
  } else if (!options.policy.empty()) {
    orphan = options.policy == "Orphan";
    foreground = options.policy == "Foreground";
  } else if (has(kOrphan) || has(kForeground)) {
    orphan = has(kOrphan);
    foreground = has(kForeground);
  } else {
    orphan = call.served->strategy->orphans_by_default;
  }
  const bool had_orphan = has(kOrphan), had_foreground = has(kForeground);
  std::erase_if(list, [&](const Value& one) {
    return one.is_string() &&
           ((one.string() == kOrphan && !orphan) || (one.string() == kForeground && !foreground));
  });
  if (orphan && !had_orphan) list.emplace_back(kOrphan);
  if (foreground && !had_foreground) list.emplace_back(kForeground);
  if (list.empty()) {
    metadata.Remove("finalizers");
  } else {
    metadata.Set("finalizers", Value(std::move(list)));
  }
}

void BumpGeneration(Value& metadata) {
  if (const int64_t generation = metadata.IntAt({"generation"}); generation > 0)
    metadata.Set("generation", generation + 1);
}

struct Deleted {
  ObjectPtr object{};  // what remains, or what is gone
  Value tree{};        // what to answer instead, of a dry run
  bool removed = false;
};

// A pod may take its time to end (chapter 4.3); whoever else is asked goes at once.
std::optional<int64_t> GraceOf(const Call& call, const DeleteOptions& options, const Value& tree) {
  if (call.served->StoreName() != "pods") return std::nullopt;
  int64_t grace;
  if (options.grace) {
    grace = *options.grace;
  } else if (tree.Find({"metadata", "deletionGracePeriodSeconds"})) {
    grace = tree.IntAt({"metadata", "deletionGracePeriodSeconds"});
  } else {
    grace = tree.IntAt({"spec", "terminationGracePeriodSeconds"}, 30);
  }
  const std::string_view phase = tree.StringAt({"status", "phase"});
  if (tree.StringAt({"spec", "nodeName"}).empty() || phase == "Succeeded" || phase == "Failed")
    grace = 0;
  return grace < 0 ? 1 : grace;
}

std::string SecondsFromNow(const Core& core, int64_t seconds) {
  Time time = Time::From(core.env.clock->WallNow());
  time.nanos = 0;
  time.seconds += seconds;
  return time.String();
}

Result<Deleted> Store(Core& core, const Call& call, Value tree) {
  const Served& stored = *call.served->storage;
  Deleted done;
  const Revision revision = core.store.NextRevision();
  if (!call.dry_run) tree["metadata"].Set("resourceVersion", std::to_string(revision));
  auto normal = Normalise(std::move(tree), *stored.type);
  if (!normal) return normal.error();
  if (call.dry_run) {
    done.tree = *std::move(normal);
    return done;
  }
  done.object = MakeObject(*std::move(normal), stored, revision);
  core.store.Put(done.object);
  return done;
}

// One object; REQUIRES: the write lock. The tree is in the storage version.
Result<Deleted> DeleteOne(Core& core, Call& call, const DeleteOptions& options,
                          const ObjectPtr& object) {
  if (auto good = CheckPreconditions(call, options, *object); !good) return good.error();
  Value tree = TreeOf(*object, *call.served->storage);
  Value& metadata = tree["metadata"];
  const Value before = metadata;
  ApplyPolicy(call, options, metadata);
  const bool is_namespace = call.served->StoreName() == "namespaces";
  const Value* spec_finalizers = tree.Find({"spec", "finalizers"});
  const bool namespace_has_content =
      is_namespace && spec_finalizers && !spec_finalizers->array().empty();
  const bool pending = metadata.Find("finalizers") != nullptr;
  const auto grace = GraceOf(call, options, tree);

  if (is_namespace && (namespace_has_content || pending)) {
    if (object->terminating) return Deleted{object, {}, false};
    metadata.Set("deletionTimestamp", core.NowText());
    BumpGeneration(metadata);
    tree["status"].Set("phase", "Terminating");
    return Store(core, call, std::move(tree));
  }
  if (object->terminating && grace && *grace > 0) {
    const int64_t left = metadata.IntAt({"deletionGracePeriodSeconds"});
    if (!options.grace || *grace >= left) {
      if (before == metadata) return Deleted{object, {}, false};
      return Store(core, call, std::move(tree));
    }
    if (auto at = Time::Parse(metadata.StringAt({"deletionTimestamp"}))) {
      at->seconds -= left - *grace;
      metadata.Set("deletionTimestamp", at->String());
    }
    metadata.Set("deletionGracePeriodSeconds", *grace);
    return Store(core, call, std::move(tree));
  }
  if (pending) {
    if (object->terminating) {
      if (grace) metadata.Set("deletionGracePeriodSeconds", *grace);
      if (before == metadata) return Deleted{object, {}, false};
      return Store(core, call, std::move(tree));
    }
    metadata.Set("deletionTimestamp", SecondsFromNow(core, grace.value_or(0)));
    metadata.Set("deletionGracePeriodSeconds", grace.value_or(0));
    BumpGeneration(metadata);
    return Store(core, call, std::move(tree));
  }
  if (grace && *grace > 0) {
    metadata.Set("deletionTimestamp", SecondsFromNow(core, *grace));
    metadata.Set("deletionGracePeriodSeconds", *grace);
    BumpGeneration(metadata);
    return Store(core, call, std::move(tree));
  }
  ObjectPtr last = object;
  if (grace) {
    // Watchers see the last grace, then the end.
    const bool was_terminating = object->terminating;
    if (!was_terminating) {
      metadata.Set("deletionTimestamp", core.NowText());
      BumpGeneration(metadata);
    }
    metadata.Set("deletionGracePeriodSeconds", 0);
    auto marked = Store(core, call, std::move(tree));
    if (!marked) return marked;
    if (call.dry_run) return Deleted{nullptr, std::move(marked->tree), true};
    last = marked->object;
  }
  if (call.dry_run) return Deleted{object, {}, true};
  return Deleted{RemoveObject(core, *call.served, *object), {}, true};
}

Answer Success(const Call& call, const Object& object) {
  Status status;
  status.status = "Success";
  StatusDetails& details = status.details.emplace();
  details.name = object.key.name;
  details.group = call.served->group;
  details.kind = call.served->resource;
  details.uid = object.uid;
  Output plain = call.output;
  plain.view = View::kWhole;
  return RenderPlain(StatusValue(status), plain, 200, &TypeOf<Status>());
}

void WarnAboutOrphans(Call& call, const DeleteOptions& options) {
  if (call.served->group != "batch" || !call.served->strategy->orphans_by_default) return;
  if (options.orphan || !options.policy.empty()) return;
  call.Warn(
      "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background "
      "to remove them or set "
      "propagationPolicy=Orphan to suppress this warning");
}

}  // namespace

Result<Answer> DeleteObject(Core& core, Call& call) {
  auto options = ReadOptions(call);
  if (!options) return options.error();
  if (call.served->StoreName() == "namespaces" &&
      (call.info.name == "default" || call.info.name == "kube-system" ||
       call.info.name == "kube-public")) {
    return Forbidden(call.resource(), call.info.name, "this namespace may not be deleted");
  }
  const auto lock = core.store.LockWrites();
  const ObjectPtr object = core.store.Get(call.key());
  if (!object) return NotFound(call.resource(), call.info.name);
  WarnAboutOrphans(call, *options);
  auto deleted = DeleteOne(core, call, *options, object);
  if (!deleted) return deleted.error();
  const bool accepted = !deleted->removed && options->orphan && !*options->orphan;
  if (deleted->removed && !call.served->strategy->returns_deleted) return Success(call, *object);
  if (!deleted->tree.is_null())
    return RenderTree(core, call, std::move(deleted->tree), accepted ? 202 : 200);
  return RenderObject(core, call, deleted->object, accepted ? 202 : 200);
}

Result<Answer> DeleteCollection(Core& core, Call& call) {
  auto options = ReadOptions(call);
  if (!options) return options.error();
  auto query = ParseListQuery(call, false);
  if (!query) return query.error();
  const auto lock = core.store.LockWrites();
  auto page = core.store.List(query->selection, 0,
                              query->limit > 0 ? static_cast<size_t>(query->limit) : 0, "");
  if (!page) return page.error();
  if (!page->objects.empty()) WarnAboutOrphans(call, *options);
  for (const ObjectPtr& object : page->objects) {
    auto deleted = DeleteOne(core, call, *options, object);
    if (!deleted) return deleted.error();
  }
  return RenderList(core, call, *page, "");
}

}  // namespace k8s::fakeapiserver
