// create and update, and what every change of an object passes through (chapters 3.4 to 3.10).

#include <algorithm>

#include "fakeapiserver/checks.h"
#include "fakeapiserver/core.h"
#include "fakeapiserver/defaults.h"
#include "fakeapiserver/go_text.h"
#include "fakeapiserver/managed_fields.h"
#include "fakeapiserver/protobuf.h"
#include "fakeapiserver/quotas.h"
#include "fakeapiserver/strategy.h"
#include "fakeapiserver/typed_tree.h"
#include "k8s/api/metav1.h"
#include "k8s/base/strings.h"
#include "k8s/machinery/json.h"

namespace k8s::fakeapiserver {
namespace {

constexpr size_t kMaxGeneratedBase = 58;
constexpr size_t kMaxStored = size_t{3} << 19;   // 1.5 MiB, as etcd (S-14.9)
constexpr size_t kMaxMessage = size_t{2} << 20;  // 2 MiB: more is not even sent to etcd
constexpr int kGenerateTries = 8;
constexpr int kGeneratedSuffix = 5;

std::string NameOf(const Value& tree) { return std::string(tree.StringAt({"metadata", "name"})); }

bool HasStatusSubresource(const Served& served) {
  for (const SubresourceInfo& one : served.info->subresources) {
    if (one.name == "status") return true;
  }
  return false;
}

// Fills the namespace of the URL in, or refuses another one.
Result<void> CheckNamespace(const Call& call, Value& tree) {
  Value& metadata = tree["metadata"];
  if (!call.served->namespaced) {
    metadata.Remove("namespace");
    return {};
  }
  const std::string_view said = metadata.StringAt({"namespace"});
  if (!said.empty() && said != call.info.ns) {
    return BadRequest(
        "the namespace of the provided object does not match the namespace sent on the request");
  }
  metadata.Set("namespace", call.info.ns);
  return {};
}

// New content needs a namespace that is there and stays (chapter 4.6).
Result<void> CheckNamespaceLives(Core& core, const Call& call, const std::string& name) {
  if (!call.served->namespaced) return {};
  const ObjectPtr ns = core.store.Get({"namespaces", "", call.info.ns});
  if (!ns) return NotFound({"", "namespaces"}, call.info.ns);
  if (!ns->terminating) return {};
  Status status = StatusOf(Forbidden(call.resource(), name,
                                     Cat("unable to create new content in namespace ", call.info.ns,
                                         " because it is being terminated")));
  status.details->causes.push_back({"NamespaceTerminating",
                                    Cat("namespace ", call.info.ns, " is being terminated"),
                                    "metadata.namespace"});
  return Error::Api(std::move(status));
}

// Owners of one uid are merged, with a warning (chapter 3.4).
void MergeDuplicateOwners(Call& call, Value& metadata) {
  Value* owners = metadata.Find("ownerReferences");
  if (!owners || !owners->is_array()) return;
  Value::Array kept;
  std::string duplicates;
  for (Value& owner : owners->array()) {
    const std::string uid(owner.StringAt({"uid"}));
    const bool known = std::any_of(kept.begin(), kept.end(), [&](const Value& one) {
      return one.StringAt({"uid"}) == uid && one == owner;
    });
    if (known) {
      duplicates += (duplicates.empty() ? "" : ", ") + uid;
    } else {
      kept.push_back(std::move(owner));
    }
  }
  owners->array() = std::move(kept);
  if (duplicates.empty()) return;
  call.Warn(
      Cat(".metadata.ownerReferences contains duplicate entries; API server dedups owner "
          "references in 1.20+, and may reject such requests as early as 1.24; "
          "please fix your requests; duplicate UID(s) observed: ",
          duplicates));
}

FieldOwner OwnerOf(const Call& call) {
  return {ManagerOf(call), false, call.served->api_version, call.info.subresource};
}

bool SpecChanged(const Served& served, const Value& now, const Value& old) {
  static const Value kNone;
  const auto differs = [&](std::string_view name) {
    const Value* a = now.Find(name);
    const Value* b = old.Find(name);
    return !((a ? *a : kNone) == (b ? *b : kNone));
  };
  const auto metadata_differs = [&](std::string_view name) {
    const Value* a = now.Find({"metadata", name});
    const Value* b = old.Find({"metadata", name});
    return !((a ? *a : kNone) == (b ? *b : kNone));
  };
  switch (served.strategy->generation) {
    case Generation::kNone:
    case Generation::kConstant:
      return false;
    case Generation::kSpec:
    case Generation::kSpecFromZero:
      return differs("spec");
    case Generation::kSpecAndAnnotations:
      return differs("spec") || metadata_differs("annotations");
    case Generation::kWebhooks:
      return differs("webhooks");
    case Generation::kAllButMetadata: {
      if (metadata_differs("labels")) return true;
      for (const Field& field : served.type->fields) {
        if (field.name() != "metadata" && differs(field.name())) return true;
      }
      return false;
    }
  }
  return false;
}

// What a client may not change, put back from the stored object.
void KeepServerMetadata(Value& now, const Value& old) {
  Value& metadata = now["metadata"];
  for (std::string_view name : {"uid", "creationTimestamp", "deletionTimestamp",
                                "deletionGracePeriodSeconds", "generation"}) {
    const Value* stored = old.Find({"metadata", name});
    if (stored) {
      metadata.Set(name, *stored);
    } else {
      metadata.Remove(name);
    }
  }
  metadata.Remove("selfLink");
}

// What other subresources may write; everything else stays (chapters 8.7, 8.9 and 8.10).
struct Narrow {
  std::string_view subresource;
  void (*copy)(const Core& core, Value& to, const Value& sent);
};
constexpr Narrow kNarrow[] = {
    {"ephemeralcontainers",
     [](const Core&, Value& to, const Value& sent) {
       if (const Value* list = sent.Find({"spec", "ephemeralContainers"})) {
         to["spec"].Set("ephemeralContainers", *list);
       } else {
         to["spec"].Remove("ephemeralContainers");
       }
     }},
    {"resize",
     [](const Core&, Value& to, const Value& sent) {
       const Value* list = sent.Find({"spec", "containers"});
       Value* stored = to.Find({"spec", "containers"});
       if (!list || !list->is_array() || !stored) return;
       for (Value& container : stored->array()) {
         for (const Value& one : list->array()) {
           if (one.StringAt({"name"}) != container.StringAt({"name"})) continue;
           if (const Value* resources = one.Find("resources"))
             container.Set("resources", *resources);
         }
       }
     }},
    {"finalize",
     [](const Core&, Value& to, const Value& sent) {
       const Value* list = sent.Find({"spec", "finalizers"});
       if (list && list->is_array() && !list->array().empty()) {
         to["spec"].Set("finalizers", *list);
       } else {
         to["spec"].Remove("finalizers");
       }
       for (std::string_view name : {"labels", "annotations"}) {
         if (const Value* map = sent.Find({"metadata", name})) {
           to["metadata"].Set(name, *map);
         } else {
           to["metadata"].Remove(name);
         }
       }
     }},
    {"approval",
     [](const Core& core, Value& to, const Value& sent) {
       const Value* list = sent.Find({"status", "conditions"});
       if (!list || !list->is_array()) return;
       Value& conditions = to["status"].Set("conditions", *list);
       for (Value& one : conditions.array()) {
         for (std::string_view name : {"lastUpdateTime", "lastTransitionTime"}) {
           if (one.StringAt({name}).empty()) one.Set(name, core.NowText());
         }
       }
     }},
};

const Narrow* NarrowOf(const Call& call) {
  for (const Narrow& row : kNarrow) {
    if (row.subresource == call.info.subresource) return &row;
  }
  return nullptr;
}

void CopyNarrow(const Core& core, const Narrow& narrow, Value& now, const Value& old) {
  Value kept = old;
  narrow.copy(core, kept, now);
  if (const Value* owners = now.Find({"metadata", "managedFields"}))
    kept["metadata"].Set("managedFields", *owners);
  now = std::move(kept);
}

// The main path keeps the status, /status everything else (chapter 3.8).
void SplitStatus(const Call& call, Value& now, const Value& old) {
  if (NarrowOf(call) || !HasStatusSubresource(*call.served)) return;
  const auto keep = [&](Value& to, const Value& from, std::string_view name) {
    if (const Value* stored = from.Find(name)) {
      to.Set(name, *stored);
    } else {
      to.Remove(name);
    }
  };
  if (call.info.subresource != "status") {
    keep(now, old, "status");
    return;
  }
  for (const Field& field : call.served->type->fields) {
    if (field.name() != "status" && field.name() != "metadata") keep(now, old, field.name());
  }
  const Strategy& strategy = *call.served->strategy;
  if (strategy.status_keeps_metadata) {
    for (std::string_view name : {"labels", "annotations", "finalizers", "ownerReferences"})
      keep(now["metadata"], *old.Find("metadata"), name);
  } else if (strategy.status_keeps_labels) {
    keep(now["metadata"], *old.Find("metadata"), "labels");
  }
}

Result<void> CheckLock(const Call& call, const Value& now, const ObjectPtr& old) {
  const std::string version(now.StringAt({"metadata", "resourceVersion"}));
  Revision wanted = 0;
  if (!version.empty()) {
    const auto parsed = GoParseUint(version);
    if (!parsed) return Untyped(parsed.error().message());
    wanted = static_cast<Revision>(*parsed);
  }
  if (wanted == 0) {
    if (call.served->strategy->unconditional_update || call.info.verb == "patch") return {};
    // Here the details name the resource, not the kind (chapter 3.7).
    return InvalidObject(
        {call.served->group, call.served->resource}, call.info.name,
        {InvalidValue("metadata.resourceVersion", 0, "must be specified for an update")});
  }
  if (wanted != old->revision) return OptimisticLock(call.resource(), call.info.name);
  return {};
}

Error UidMismatch(const Call& call, std::string_view wanted, std::string_view stored) {
  const std::string place =
      call.info.ns.empty() ? call.info.name : Cat(call.info.ns, "/", call.info.name);
  return Conflict(
      call.resource(), call.info.name,
      Cat("StorageError: invalid object, Code: 4, Key: /registry/", call.served->resource, "/",
          place,
          ", ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: ",
          wanted, ", UID in object meta: ", stored));
}

// Equal but for one member of objects, which `same` compares.
template <class Same>
bool SameBut(std::string_view name, const Value& a, const Value& b, const Same& same) {
  if (!a.is_object() || !b.is_object()) return a == b;
  const Value *left = a.Find(name), *right = b.Find(name);
  if (a.object().size() - (left ? 1 : 0) != b.object().size() - (right ? 1 : 0)) return false;
  for (const auto& member : a.object()) {
    if (&member.second == left) continue;
    const Value* other = b.Find(member.first);
    if (!other || !(*other == member.second)) return false;
  }
  return same(left, right);
}

// Equal but for the times in managedFields (chapter 3.7, no-op).
bool SameButTimes(const Value& a, const Value& b) {
  const auto present = [](const auto& same) {
    return [&same](const Value* left, const Value* right) {
      return left && right ? same(*left, *right) : left == right;
    };
  };
  const auto any_time = [](const Value*, const Value*) { return true; };
  const auto owners = [&](const Value& left, const Value& right) {
    if (!left.is_array() || !right.is_array()) return left == right;
    return std::equal(left.array().begin(), left.array().end(), right.array().begin(),
                      right.array().end(), [&](const Value& one, const Value& other) {
                        return SameBut("time", one, other, any_time);
                      });
  };
  const auto metadata = [&](const Value& left, const Value& right) {
    return SameBut("managedFields", left, right, present(owners));
  };
  return SameBut("metadata", a, b, present(metadata));
}

// A normal tree in the form of the storage version, normal again.
Result<Value> ForStorage(Value tree, const Served& served) {
  if (&served == served.storage) return tree;
  Convert(tree, served, *served.storage);
  return Normalise(std::move(tree), *served.storage->type);
}

// At rest an empty list or map is none, as in protobuf. A normal tree stays one.
void DropEmpties(Value& tree, const TypeInfo& type) {
  WalkMessages(tree, type, [](Value& message, const TypeInfo& of) {
    for (size_t i = message.object().size(); i-- > 0;) {
      auto& [name, member] = message.object().at(i);
      const bool empty = (member.is_array() && member.array().empty()) ||
                         (member.is_object() && member.object().empty());
      const Field* field = empty ? of.Find(name) : nullptr;
      if (!field || field->shape != (member.is_array() ? Shape::kList : Shape::kMap)) continue;
      if (field->Has(kAlways)) {
        member = Value();
      } else {
        message.object().RemoveAt(i);
      }
    }
  });
}

void SetMetadata(Value& tree, std::string_view name, Value value) {
  SetInOrder(tree["metadata"], TypeOf<metav1::ObjectMeta>(), name, std::move(value));
}

// --- the steps of a create ---

Result<void> CheckNoRevision(const Call& call, const Value& tree) {
  const std::string version(tree.StringAt({"metadata", "resourceVersion"}));
  if (version.empty() || call.dry_run) return {};
  const auto parsed = GoParseUint(version);
  if (parsed && *parsed != 0)
    return Untyped("resourceVersion should not be set on objects to be created");
  return {};
}

// Sets what only the server says, in place of what was sent of it. The JSON of the managed fields
// is returned, unless they are given.
std::string StampNew(const Core& core, Call& call, Value& tree, const Value* managed_fields) {
  const Served& served = *call.served;
  for (std::string_view name :
       {"uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink",
        "resourceVersion", "managedFields"}) {
    tree["metadata"].Remove(name);
  }
  MergeDuplicateOwners(call, tree["metadata"]);
  // Who owns what is told by what was sent, before the server adds its own (chapter 3.10).
  std::string owners;
  if (managed_fields) {
    tree["metadata"].Set("managedFields", *managed_fields);
  } else {
    owners = OwnersOfNew(tree, *served.type, OwnerOf(call), core.NowText());
  }
  if (HasStatusSubresource(served) && !served.strategy->creates_with_status) tree.Remove("status");
  Value& metadata = tree["metadata"];
  const Generation generation = served.strategy->generation;
  if (generation != Generation::kNone && generation != Generation::kSpecFromZero)
    metadata.Set("generation", 1);
  metadata.Set("uid", NewUuid(*core.env.random));
  metadata.Set("creationTimestamp", core.NowText());
  return owners;
}

std::string GeneratedName(const Core& core, const std::string& base) {
  return base.substr(0, kMaxGeneratedBase) + RandomName(*core.env.random, kGeneratedSuffix);
}

// Refuses a name that is taken. Instead of one that was generated from `base` others are tried.
Result<void> TakeName(const Core& core, const Call& call, const std::string& base, Value& tree) {
  Key key{call.served->StoreName(), call.served->namespaced ? call.info.ns : "", NameOf(tree)};
  const bool generated = !base.empty();
  ObjectPtr taken = core.store.Get(key);
  for (int tries = 1; taken && generated && tries < kGenerateTries; ++tries) {
    key.name = GeneratedName(core, base);
    tree["metadata"].Set("name", key.name);
    taken = core.store.Get(key);
  }
  if (!taken) return {};
  Status status = StatusOf(AlreadyExists(call.resource(), key.name));
  if (generated) {
    status.message += ", the server was not able to generate a unique name for the object";
    status.details->retryAfterSeconds = 1;
  } else if (taken->terminating) {
    status.message = "object is being deleted: " + status.message;
  }
  return Error::Api(std::move(status));
}

size_t VarintSize(uint64_t number) {
  size_t size = 1;
  while (number >>= 7) ++size;
  return size;
}
// A field of protobuf with a short tag that holds so many bytes.
size_t FieldSize(size_t bytes) { return 1 + VarintSize(bytes) + bytes; }

// How long the transaction is that a real server sends to etcd: if the key is at this revision, put
// the object, else (on updates) get what is there.
size_t EtcdMessageSize(const Key& key, size_t value, bool is_new, Revision old_revision) {
  constexpr size_t kTarget = 2;
  const std::string resource = key.resource.substr(0, key.resource.find('.'));
  const size_t key_size = FieldSize(Cat("/registry/", resource, "/", key.Relative()).size());
  const auto revision = is_new ? 0 : static_cast<uint64_t>(old_revision);
  const size_t compare = kTarget + key_size + 1 + VarintSize(revision);
  return FieldSize(compare) + FieldSize(FieldSize(key_size + FieldSize(value))) +
         (is_new ? 0 : FieldSize(FieldSize(key_size)));
}

// Text that is too long for JSON may still fit, as etcd has protobuf.
Result<void> CheckFitsEtcd(const Core& core, const Object& object, const Served& served,
                           const ObjectPtr& old) {
  if (object.json.size() <= kMaxStored) return {};
  Value tree = TreeOf(object, served);
  tree["metadata"].Remove("resourceVersion");
  const auto bytes = EncodeTree(tree, *served.type);
  const size_t size = EtcdMessageSize(object.key, bytes ? bytes->size() : object.json.size(), !old,
                                      old ? old->revision : core.store.revision());
  if (size > kMaxMessage) {
    return Untyped(
        Cat("rpc error: code = ResourceExhausted desc = trying to send message larger than max (",
            std::to_string(size), " vs. ", std::to_string(kMaxMessage), ")"));
  }
  if (size > kMaxStored) return Untyped("etcdserver: request is too large");
  return {};
}

bool IsApply(const Call& call) {
  return call.info.verb == "patch" &&
         call.request.headers.Get("Content-Type").starts_with("application/apply-patch");
}

// The tree as the next revision; stored unless the call is a dry run. `owners` is the JSON of its
// managed fields where they are not in the tree. REQUIRES: it is normal.
Result<ObjectPtr> StoreNext(Core& core, const Call& call, Value tree,
                            std::string_view owners = {}) {
  const Revision revision = core.store.NextRevision();
  SetMetadata(tree, "resourceVersion", std::to_string(revision));
  if (!call.dry_run) DropEmpties(tree, *call.served->type);
  auto finished = ForStorage(std::move(tree), *call.served);
  if (!finished) return finished.error();
  ObjectPtr object = MakeObject(*std::move(finished), *call.served, revision, owners);
  const Served& storage = *call.served->storage;
  if (object->json.size() > kMaxStored) {
    const ObjectPtr old = core.store.Get(object->key);
    // What is too long is tried again without its owners, which can be long.
    if (!CheckFitsEtcd(core, *object, storage, old) && !IsApply(call)) {
      Value bare = TreeOf(*object, storage);
      bare["metadata"].Remove("managedFields");
      object = MakeObject(std::move(bare), storage, revision);
    }
    if (auto fits = CheckFitsEtcd(core, *object, storage, old); !fits) return fits.error();
  }
  if (call.dry_run) return object;
  core.store.Put(object);
  if (const auto settle = call.served->strategy->settle) settle(core, *call.served, object);
  return object;
}

// --- the steps of an update ---

// What of an object's identity a change may not touch. A PUT with another uid means another object.
Result<FieldErrors> CheckIdentity(const Call& call, const Value& now, const Value& before,
                                  const ObjectPtr& old) {
  FieldErrors errors;
  if (const std::string uid(now.StringAt({"metadata", "uid"})); !uid.empty() && uid != old->uid) {
    if (call.info.verb == "update") return UidMismatch(call, uid, old->uid);
    errors.push_back(InvalidText("metadata.uid", uid, "field is immutable"));
  }
  if (call.info.verb != "patch") return errors;
  for (std::string_view name : {"deletionTimestamp", "deletionGracePeriodSeconds"}) {
    const Value* wanted = now.Find({"metadata", name});
    if (wanted && !wanted->is_null() && !before.Find({"metadata", name}))
      errors.push_back(InvalidValue(Cat("metadata.", name), *wanted, "field is immutable"));
  }
  return errors;
}

void TrackSender(const Core& core, const Call& call, const Value& before, Value& now) {
  Value* member = now.Find({"metadata", "managedFields"});
  Value sent = member ? std::move(*member) : Value();
  if (call.resets_owners) sent = Value::MakeArray();
  ConvertThroughStorage(now, *call.served);  // a status may show in annotations
  TrackUpdate(before, now, std::move(sent), *call.served->type, OwnerOf(call), core.NowText(),
              OtherVersionsOf(core, *call.served));
}

// Puts the change on top of what the path does not write, and lets the kind have its say.
Result<Value> Prepare(Core& core, Call& call, const Value& before, Value now) {
  const Served& served = *call.served;
  const Strategy& strategy = *served.strategy;
  KeepServerMetadata(now, before);
  if (const Narrow* narrow = NarrowOf(call)) CopyNarrow(core, *narrow, now, before);
  MergeDuplicateOwners(call, now["metadata"]);
  if (strategy.prepare_update && call.info.subresource.empty())
    strategy.prepare_update(core, now, before);
  if (strategy.admit) {
    if (auto admitted = strategy.admit(core, call, now, &before); !admitted)
      return admitted.error();
  }
  auto normal = Normalise(std::move(now), *served.type);
  if (normal && call.info.subresource != "status" && SpecChanged(served, *normal, before))
    SetMetadata(*normal, "generation", before.IntAt({"metadata", "generation"}) + 1);
  return normal;
}

Result<void> Validate(Call& call, const Value& now, const Value& before, FieldErrors errors) {
  const Served& served = *call.served;
  const Strategy& strategy = *served.strategy;
  ValidateMetadata(now, &before, served, errors);
  if (strategy.validate) strategy.validate(now, errors);
  std::vector<std::string> warnings;
  CheckByFacts(now, &before, *served.type, errors, &warnings);
  if (const auto name = strategy.constant_bytes; !name.empty()) {
    const Value *a = now.Find(name), *b = before.Find(name);
    if (call.info.verb == "patch" || !a || !b || !(*a == *b))
      errors.push_back(InvalidValue(std::string(name), a ? *a : Value(), "field is immutable"));
  }
  if (strategy.validate_update && call.info.subresource.empty())
    strategy.validate_update(now, before, errors);
  if (strategy.validate_subresource && !call.info.subresource.empty())
    strategy.validate_subresource(call.info.subresource, now, before, errors);
  if (!errors.empty()) return InvalidObject(served.storage->group_kind(), call.info.name, errors);
  for (std::string& text : warnings) call.Warn(std::move(text));
  return {};
}

// Whether the change takes away the last thing that kept a deleted object.
bool LetsGo(const Served& served, const Object& old, const Value& before, const Value& now) {
  if (!old.terminating || now.Find({"metadata", "finalizers"})) return false;
  if (served.StoreName() == "namespaces") return !now.Find({"spec", "finalizers"});
  return now.IntAt({"metadata", "deletionGracePeriodSeconds"}) == 0 &&
         before.Find({"metadata", "finalizers"});
}

}  // namespace

ObjectPtr RemoveObject(Core& core, const Served& served, const Object& object) {
  if (served.strategy->release) served.strategy->release(core, object);
  return core.store.Remove(object.key);
}

Result<void> CheckName(const Call& call, const Value& tree) {
  const std::string name = NameOf(tree);
  if (name == call.info.name) return {};
  if (name.empty()) {
    return BadRequest(Cat("the name of the object (", call.info.name,
                          " based on URL) was undeterminable: name must be provided"));
  }
  return BadRequest(Cat("the name of the object (", name, ") does not match the name on the URL (",
                        call.info.name, ")"));
}

Result<ObjectPtr> CreateTree(Core& core, Call& call, Value tree, const Value* managed_fields) {
  const Served& served = *call.served;
  const Strategy& strategy = *served.strategy;
  if (auto good = CheckNamespace(call, tree); !good) return good.error();
  if (auto good = CheckNoRevision(call, tree); !good) return good.error();
  const std::string owners = StampNew(core, call, tree, managed_fields);
  std::string base;
  if (NameOf(tree).empty()) base = tree.StringAt({"metadata", "generateName"});
  if (!base.empty()) tree["metadata"].Set("name", GeneratedName(core, base));
  if (auto lives = CheckNamespaceLives(core, call, NameOf(tree)); !lives) return lives.error();
  if (strategy.admit) {
    if (auto admitted = strategy.admit(core, call, tree, nullptr); !admitted)
      return admitted.error();
  }
  if (strategy.prepare_create) strategy.prepare_create(core, tree);

  FieldErrors errors;
  ValidateMetadata(tree, nullptr, served, errors);
  if (strategy.validate) strategy.validate(tree, errors);
  std::vector<std::string> warnings;
  CheckByFacts(tree, nullptr, *served.type, errors, &warnings);
  if (!errors.empty()) return InvalidObject(served.storage->group_kind(), NameOf(tree), errors);
  for (std::string& text : warnings) call.Warn(std::move(text));
  auto normal = Normalise(std::move(tree), *served.type);
  if (!normal) return normal.error();
  if (auto free = TakeName(core, call, base, *normal); !free) return free.error();
  if (auto charged = ChargeQuotas(core, call, *normal); !charged) return charged.error();
  if (strategy.acquire && !call.dry_run) strategy.acquire(core, *normal);
  return StoreNext(core, call, *std::move(normal), owners);
}

Result<Answer> RenderCreated(Core& core, const Call& call, const ObjectPtr& object,
                             const std::string& sent_version) {
  if (!call.dry_run) return RenderObject(core, call, object, 201);
  // What was not stored has no revision; one that the client sent is shown again.
  Value shown = TreeOf(*object, *call.served);
  shown["metadata"].Remove("resourceVersion");
  if (!sent_version.empty()) shown["metadata"].Set("resourceVersion", sent_version);
  auto ordered = Normalise(std::move(shown), *call.served->type);
  if (!ordered) return ordered.error();
  return RenderTree(core, call, *std::move(ordered), 201);
}

Result<Answer> CreateObject(Core& core, Call& call) {
  auto tree = DecodeBody(call, *call.served->type);
  if (!tree) return tree.error();
  if (auto options = CheckWriteOptions(call, "CreateOptions"); !options) return options.error();
  const std::string sent_version(tree->StringAt({"metadata", "resourceVersion"}));
  const auto lock = core.store.LockWrites();
  auto object = CreateTree(core, call, *std::move(tree));
  if (!object) return object.error();
  return RenderCreated(core, call, *object, sent_version);
}

Result<UpdateResult> UpdateTree(Core& core, Call& call, const ObjectPtr& old,
                                const MakeChange& change, bool apply) {
  const Value before = TreeOf(*old, *call.served);
  auto now = change(before);
  if (!now) return now.error();
  if (auto good = CheckName(call, *now); !good) return good.error();
  if (auto good = CheckNamespace(call, *now); !good) return good.error();
  if (auto good = CheckLock(call, *now, old); !good) return good.error();
  auto errors = CheckIdentity(call, *now, before, old);
  if (!errors) return errors.error();
  // What the path resets is nobody's; what it only leaves alone (kNarrow) is the sender's.
  SplitStatus(call, *now, before);
  if (!apply) TrackSender(core, call, before, *now);
  now = Prepare(core, call, before, *std::move(now));
  if (!now) return now.error();
  if (auto good = Validate(call, *now, before, *std::move(errors)); !good) return good.error();

  SetMetadata(*now, "resourceVersion", std::to_string(old->revision));
  if (SameButTimes(*now, before)) return UpdateResult{old, before};
  if (LetsGo(*call.served, *old, before, *now)) {
    if (!call.dry_run) RemoveObject(core, *call.served, *old);
    return UpdateResult{nullptr, *std::move(now)};
  }
  if (call.dry_run) return UpdateResult{nullptr, *std::move(now)};
  auto object = StoreNext(core, call, *std::move(now));
  if (!object) return object.error();
  return UpdateResult{*std::move(object), {}};
}

Result<Answer> UpdateObject(Core& core, Call& call) {
  auto tree = DecodeBody(call, *call.served->type);
  if (!tree) return tree.error();
  if (auto options = CheckWriteOptions(call, "UpdateOptions"); !options) return options.error();
  if (auto good = CheckName(call, *tree); !good) return good.error();
  const auto lock = core.store.LockWrites();
  const ObjectPtr old = core.store.Get(call.key());
  if (!old) {
    if (!call.served->strategy->creates_on_update || !call.info.subresource.empty())
      return NotFound(call.resource(), call.info.name);
    if (auto good = CheckNamespace(call, *tree); !good) return good.error();
    if (const std::string uid(tree->StringAt({"metadata", "uid"})); !uid.empty())
      return UidMismatch(call, uid, "");
    (*tree)["metadata"].Remove("resourceVersion");
    auto object = CreateTree(core, call, *std::move(tree));
    if (!object) return object.error();
    return RenderCreated(core, call, *object, "");
  }
  auto updated =
      UpdateTree(core, call, old, [&](const Value&) -> Result<Value> { return *std::move(tree); });
  if (!updated) return updated.error();
  if (updated->object) return RenderObject(core, call, updated->object);
  return RenderTree(core, call, std::move(updated->tree));
}

}  // namespace k8s::fakeapiserver
