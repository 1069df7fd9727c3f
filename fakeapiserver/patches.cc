// patch in its four forms (chapter 7 of the specification).

#include <functional>

#include "fakeapiserver/core.h"
#include "fakeapiserver/defaults.h"
#include "fakeapiserver/go_text.h"
#include "fakeapiserver/managed_fields.h"
#include "fakeapiserver/strategic_patch.h"
#include "fakeapiserver/typed_tree.h"
#include "k8s/api/group_versions.h"
#include "k8s/base/strings.h"
#include "k8s/machinery/json.h"
#include "k8s/machinery/json_patch.h"
#include "k8s/machinery/merge_patch.h"
#include "k8s/machinery/yaml.h"

namespace k8s::fakeapiserver {
namespace {

constexpr std::string_view kJsonPatch = "application/json-patch+json";
constexpr std::string_view kMergePatch = "application/merge-patch+json";
constexpr std::string_view kStrategicPatch = "application/strategic-merge-patch+json";

std::string_view GoKind(const Value& value) {
  if (value.is_array()) return "array";
  if (value.is_object()) return "object";
  if (value.is_string()) return "string";
  if (value.is_bool()) return "bool";
  return "number";
}

// `"" is invalid: patch: Invalid value: ...`: the result makes no object.
Error Undecodable(std::string shown, std::string why) {
  return InvalidObject({}, "",
                       {{FieldError::Type::kInvalid, "patch", std::move(shown), std::move(why)}});
}

struct ReadPatch {
  Value document{};
  std::vector<std::string> problems{};  // duplicate and unknown members of the patch itself
};

Result<ReadPatch> Read(const Call& call, std::string_view type) {
  static const std::string kNoBody;
  const std::string& body = call.request.body ? *call.request.body : kNoBody;
  if (body.size() > kMaxRequestBody)
    return TooLarge(Cat("limit is ", std::to_string(kMaxRequestBody)));
  if (GoJsonError(body)) return BadRequest("invalid JSON patch");
  ReadPatch patch;
  std::vector<std::string> duplicates;
  auto parsed = ParseJson(body, &duplicates);
  if (!parsed) return BadRequest("invalid JSON patch");
  patch.document = *std::move(parsed);
  const bool ignore = FieldValidationOf(call) == FieldValidation::kIgnore;
  for (const std::string& path : duplicates) {
    patch.problems.push_back(type == kJsonPatch ? Cat("json patch duplicate field ", Quote(path))
                                                : Cat("duplicate field ", Quote(path)));
  }
  if (type == kJsonPatch) {
    if (!patch.document.is_array()) {
      return BadRequest(
          Cat(ignore ? "json: cannot unmarshal " : "error decoding patch: json: cannot unmarshal ",
              GoKind(patch.document), " into Go value of type ",
              ignore ? "jsonpatch.Patch" : "[]handlers.jsonPatchOp"));
    }
    if (patch.document.array().size() > kMaxJsonPatchOperations) {
      return TooLarge(Cat("The allowed maximum operations in a JSON patch is 10000, got ",
                          std::to_string(patch.document.array().size())));
    }
    for (size_t i = 0; i < patch.document.array().size(); ++i) {
      const Value& operation = patch.document.array()[i];
      if (!operation.is_object())
        return BadRequest(Cat("error decoding patch: json: cannot unmarshal ", GoKind(operation),
                              " into Go value of type handlers.jsonPatchOp"));
      for (const auto& member : operation.object()) {
        if (member.first == "op" || member.first == "path" || member.first == "from" ||
            member.first == "value")
          continue;
        patch.problems.push_back(Cat("json patch unknown field ",
                                     Quote(Cat("[", std::to_string(i), "].", member.first))));
      }
    }
    return patch;
  }
  if (patch.document.is_object()) return patch;
  if (type == kMergePatch) {
    if (patch.document.is_null()) return BadRequest("Invalid JSON Patch");
    return BadRequest(Cat("error decoding patch: json: cannot unmarshal ", GoKind(patch.document),
                          " into Go value of type map[string]interface {}"));
  }
  if (patch.document.is_null()) {
    patch.document = Value::MakeObject();
    return patch;
  }
  return BadRequest(Cat("json: cannot unmarshal ", GoKind(patch.document),
                        " into Go value of type map[string]interface {}"));
}

// The library behind the patches rewrites the objects on the way to what it changes, with their
// members sorted, and leaves all others as they stand.
void SortTouched(Value& result, const Value& patch) {
  if (!result.is_object()) return;
  result.object().SortByName();
  if (!patch.is_object()) return;
  for (const auto& [name, change] : patch.object()) {
    if (Value* member = result.Find(name); member && change.is_object())
      SortTouched(*member, change);
  }
}

// A merge patch that touches what the operations of a JSON patch touch.
Value TouchedBy(const Value& patch) {
  if (!patch.is_array()) return patch;
  Value touched = Value::MakeObject();
  for (const Value& operation : patch.array()) {
    for (std::string_view end : {"path", "from"}) {
      Value* at = &touched;
      auto parts = Split(operation.StringAt({end}), '/');
      if (parts.size() < 2) continue;
      for (size_t i = 1; i + 1 < parts.size(); ++i) at = &(*at)[parts[i]];
      if (!at->is_object()) *at = Value::MakeObject();
    }
  }
  return touched;
}

// Makes the object that a patch is applied to, patched; again for whoever complains about it.
using MakePatched = std::function<Result<Value>()>;

// The patched tree, decoded as the kind; problems of unknown fields as the mode wants them.
Result<Value> Decode(Call& call, Value patched, const MakePatched& again, const TypeInfo& type,
                     const ReadPatch& patch, bool strategic) {
  const FieldValidation mode = FieldValidationOf(call);
  const auto shown = [&] {
    if (strategic) return Quote(GoMapText(patch.document));
    Value result = again().value();
    SortTouched(result, TouchedBy(patch.document));
    return Quote(ToJson(result));
  };
  if (strategic && !patched.Find("kind") && !patched.Find("apiVersion")) {
    patched.Set("kind", type.name);
    patched.Set("apiVersion", type.api_version());
  }
  if (patched.StringAt({"kind"}) != type.name ||
      patched.StringAt({"apiVersion"}) != type.api_version()) {
    const std::string kind(patched.StringAt({"kind"})),
        api_version(patched.StringAt({"apiVersion"}));
    if (const TypeInfo* other = FindKind(api_version, kind)) {
      if (auto decoded = Normalise(patched, *other); !decoded)
        return Undecodable(shown(), decoded.error().message());
    }
    return Undecodable(shown(), Cat("no kind ", Quote(kind), " is registered for version ",
                                    Quote(api_version), " in ", kScheme));
  }
  std::vector<std::string> unknown;
  auto normal = Normalise(std::move(patched), type, &unknown,
                          strategic ? Decoder::kConverter : Decoder::kJson);
  if (!normal) return Undecodable(shown(), normal.error().message());
  std::vector<std::string> problems = patch.problems;
  for (const std::string& path : unknown) problems.push_back(Cat("unknown field ", Quote(path)));
  if (mode == FieldValidation::kStrict && !problems.empty())
    return Undecodable(shown(), Cat("strict decoding error: ", Join(problems, ", ")));
  if (mode == FieldValidation::kWarn) {
    for (std::string& problem : problems) call.Warn(std::move(problem));
  }
  SetDefaults(*normal, type);
  return normal;
}

Result<Value> ApplyPatch(Value document, const ReadPatch& patch, const TypeInfo& type,
                         std::string_view kind_of_patch) {
  if (kind_of_patch == kJsonPatch) {
    if (auto done = ApplyJsonPatch(patch.document, document); !done) {
      return RouterError(422, "Invalid",
                         "the server rejected our request due to an error in our request");
    }
  } else if (kind_of_patch == kMergePatch) {
    ApplyMergePatch(patch.document, document);
  } else {
    if (auto done = ApplyStrategicPatch(patch.document, type, document); !done) {
      if (done.error().status()) return done.error();
      return Untyped(done.error().message());
    }
  }
  return document;
}

Result<Value> Patched(Call& call, const Value& old, const ReadPatch& patch,
                      std::string_view kind_of_patch) {
  const TypeInfo& type = *call.served->type;
  const MakePatched make = [&] { return ApplyPatch(old, patch, type, kind_of_patch); };
  auto document = make();
  if (!document) return document.error();
  if (!document->is_object())
    return Undecodable(Quote(ToJson(*document)), "couldn't get version/kind; json parse error");
  return Decode(call, *std::move(document), make, type, patch, kind_of_patch == kStrategicPatch);
}

struct AppliedConfiguration {
  Value tree{};
  std::vector<std::string> duplicates{};
};

Result<AppliedConfiguration> ReadApplied(Call& call) {
  static const std::string kNoBody;
  const std::string& body = call.request.body ? *call.request.body : kNoBody;
  if (body.size() > kMaxRequestBody)
    return TooLarge(Cat("limit is ", std::to_string(kMaxRequestBody)));
  auto documents = ParseYaml(body);
  if (!documents)
    return BadRequest(Cat("error encoding patch: ", GoYamlError(documents.error().message())));
  AppliedConfiguration applied;
  if (!documents->empty()) {
    applied.tree = std::move(documents->front().value);
    applied.duplicates = std::move(documents->front().duplicates);
  }
  if (applied.tree.is_null()) applied.tree = Value::MakeObject();
  if (!applied.tree.is_object()) {
    return BadRequest(
        Cat("error decoding patch: error unmarshaling JSON: while decoding JSON: json: cannot "
            "unmarshal ",
            GoKind(applied.tree), " into Go value of type map[string]interface {}"));
  }
  const FieldValidation mode = FieldValidationOf(call);
  if (mode == FieldValidation::kStrict && !applied.duplicates.empty()) {
    return BadRequest(Cat(
        "error strict decoding patch: error converting YAML to JSON: yaml: unmarshal errors:\n  ",
        Join(applied.duplicates, "\n  ")));
  }
  if (mode == FieldValidation::kWarn) {
    for (const std::string& text : applied.duplicates) call.Warn(text);
  }
  return applied;
}

Result<Answer> Apply(Core& core, Call& call) {
  const Served& served = *call.served;
  auto applied = ReadApplied(call);
  if (!applied) return applied.error();
  Value& tree = applied->tree;
  const std::string api_version(tree.StringAt({"apiVersion"})), kind(tree.StringAt({"kind"}));
  if (api_version != served.api_version || kind != served.kind) {
    const std::string shown =
        api_version.find('/') == std::string::npos ? "/" + api_version : api_version;
    return BadRequest(Cat("invalid object type: ", shown, ", Kind=", kind));
  }
  if (tree.Find({"metadata", "managedFields"}))
    return BadRequest("metadata.managedFields must be nil");
  const auto lock = core.store.LockWrites();
  const ObjectPtr old = core.store.Get(call.key());
  const FieldOwner owner{ManagerOf(call), true, served.api_version, call.info.subresource};
  const bool force = call.Flag("force");
  if (!old) {
    if (!call.info.subresource.empty()) return NotFound(call.resource(), call.info.name);
    if (const std::string uid(tree.StringAt({"metadata", "uid"})); !uid.empty()) {
      return Conflict(call.resource(), call.info.name,
                      Cat("uid mismatch: the provided object specified uid ", uid,
                          ", and no existing object was found"));
    }
    if (auto good = CheckName(call, tree); !good) return good.error();
    auto merged = ApplyObject(nullptr, tree, *served.type, owner, force, core.NowText());
    if (!merged) return merged.error();
    const Value* owners = merged->Find({"metadata", "managedFields"});
    const Value managed = owners ? *owners : Value();
    auto decoded = DecodeTree(call, *std::move(merged), *served.type, {});
    if (!decoded) return decoded.error();
    auto object = CreateTree(core, call, *std::move(decoded), &managed);
    if (!object) return object.error();
    return RenderCreated(core, call, *object, "");
  }
  auto updated = UpdateTree(
      core, call, old,
      [&](const Value& live) -> Result<Value> {
        auto merged = ApplyObject(&live, tree, *served.type, owner, force, core.NowText(),
                                  OtherVersionsOf(core, served));
        if (!merged) return merged.error();
        if (!tree.StringAt({"metadata", "resourceVersion"}).empty()) {
          (*merged)["metadata"].Set("resourceVersion",
                                    tree.StringAt({"metadata", "resourceVersion"}));
        }
        return DecodeTree(call, *std::move(merged), *served.type, {});
      },
      true);
  if (!updated) return updated.error();
  if (updated->object) return RenderObject(core, call, updated->object);
  return RenderTree(core, call, std::move(updated->tree));
}

}  // namespace

Result<Answer> PatchObject(Core& core, Call& call) {
  const std::string type = BaseType(call.request.headers.Get("Content-Type"));
  if (auto options = CheckWriteOptions(call, "PatchOptions"); !options) return options.error();
  if (type == "application/apply-patch+yaml") return Apply(core, call);
  auto patch = Read(call, type);
  if (!patch) return patch.error();
  const auto lock = core.store.LockWrites();
  const ObjectPtr old = core.store.Get(call.key());
  if (!old) return NotFound(call.resource(), call.info.name);
  auto updated = UpdateTree(core, call, old, [&](const Value& before) -> Result<Value> {
    auto patched = Patched(call, before, *patch, type);
    if (!patched) return patched.error();
    // The stored revision in the result is no lock; one that the patch changed is.
    if (patched->StringAt({"metadata", "resourceVersion"}) ==
        before.StringAt({"metadata", "resourceVersion"})) {
      (*patched)["metadata"].Remove("resourceVersion");
    }
    return patched;
  });
  if (!updated) return updated.error();
  if (updated->object) return RenderObject(core, call, updated->object);
  return RenderTree(core, call, std::move(updated->tree));
}

}  // namespace k8s::fakeapiserver
