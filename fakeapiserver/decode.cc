// Request bodies: media type, syntax, kind, types and unknown fields (chapters 3.2 and 3.3), and
// the options in the query of a write.

#include <algorithm>

#include "fakeapiserver/core.h"
#include "fakeapiserver/defaults.h"
#include "fakeapiserver/go_text.h"
#include "fakeapiserver/protobuf.h"
#include "fakeapiserver/strategy.h"
#include "fakeapiserver/typed_tree.h"
#include "k8s/api/group_versions.h"
#include "k8s/base/strings.h"
#include "k8s/machinery/json.h"
#include "k8s/machinery/yaml.h"

namespace k8s::fakeapiserver {
namespace {

constexpr size_t kMaxManager = 128;
constexpr size_t kSummaryBytes = 30;

std::string Hex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (unsigned char c : bytes) out += kDigits[c >> 4], out += kDigits[c & 15];
  return out;
}

std::string ToUpperHex(unsigned char byte) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  return {kDigits[byte >> 4], kDigits[byte & 15]};
}

std::string Summary(std::string_view body) {
  if (body.empty()) return "<empty>";
  const std::string_view head = body.substr(0, kSummaryBytes);
  const std::string shown = body[0] == '{' ? std::string(head) : Hex(head);
  return body.size() > kSummaryBytes ? shown + " ..." : shown;
}

Error Unrecognised(std::string_view kind, std::string_view why, std::string_view body) {
  return BadRequest(Cat("the object provided is unrecognized (must be of type ", kind, "): ", why,
                        " (", Summary(body), ")"));
}

Error WrongForm(const TypeInfo& type, const Value& tree, std::string_view body) {
  const std::string_view what = tree.is_array()    ? "array"
                                : tree.is_string() ? "string"
                                : tree.is_bool()   ? "bool"
                                                   : "number";
  return Unrecognised(
      type.name,
      Cat("couldn't get version/kind; json parse error: json: cannot unmarshal ", what,
          " into Go value of type struct { APIVersion string "
          "\"json:\\\"apiVersion,omitempty\\\"\"; Kind string "
          "\"json:\\\"kind,omitempty\\\"\" }"),
      body);
}

std::string_view VersionOf(std::string_view api_version) {
  const size_t slash = api_version.find('/');
  return slash == std::string_view::npos ? api_version : api_version.substr(slash + 1);
}

// The Go package of a group's internal types.
std::string InternalPackage(std::string_view group) {
  if (group.empty()) return "core";
  return std::string(group.substr(0, group.find('.')));
}

// The body says another kind than the path.
Result<void> CheckKind(const TypeInfo& type, std::string_view api_version, std::string_view kind) {
  if (api_version == type.api_version() && kind == type.name) return {};
  const TypeInfo* said = FindKind(api_version, kind);
  const std::string handled = Cat(kind, " in version ", Quote(VersionOf(api_version)),
                                  " cannot be handled as a ", type.name, ": ");
  if (!said)
    return BadRequest(Cat(handled, "no kind ", Quote(kind), " is registered for version ",
                          Quote(api_version), " in ", kScheme));
  if (AreOneKind(*said, type)) {
    return BadRequest(Cat("the API version in the data (", api_version,
                          ") does not match the expected API version (", type.api_version(), ")"));
  }
  return BadRequest(Cat(handled, "converting (", VersionOf(api_version), ".", kind, ") to (",
                        InternalPackage(type.group_version->group), ".", type.name,
                        "): unknown conversion"));
}

// Go's conversion of a document that is not in JSON yet.
Result<Value> ReadYaml(Call& call, const TypeInfo& type, std::string_view body,
                       std::vector<std::string>& duplicates) {
  auto documents = ParseYaml(body);
  if (!documents) return Unrecognised(type.name, GoYamlError(documents.error().message()), body);
  if (documents->empty()) return Value();
  duplicates = std::move(documents->front().duplicates);
  // A warning is one line each; as an error they are the one that Go's parser makes of them.
  if (!duplicates.empty() && FieldValidationOf(call) == FieldValidation::kStrict)
    duplicates = {Cat("yaml: unmarshal errors:\n  ", Join(duplicates, "\n  "))};
  return std::move(documents->front().value);
}

}  // namespace

FieldValidation FieldValidationOf(const Call& call) {
  const std::string mode = call.Parameter("fieldValidation");
  if (mode == "Ignore") return FieldValidation::kIgnore;
  if (mode == "Strict") return FieldValidation::kStrict;
  return FieldValidation::kWarn;
}

std::string ManagerOf(const Call& call) {
  if (std::string manager = call.Parameter("fieldManager"); !manager.empty()) return manager;
  const std::string_view agent = call.request.headers.Get("User-Agent");
  std::string manager;
  for (char c : agent.substr(0, agent.find('/'))) {
    if (c >= 0x20 && c != 0x7f) manager += c;
  }
  if (manager.size() > kMaxManager) manager.resize(kMaxManager);
  return manager.empty() ? "unknown" : manager;
}

Result<void> CheckWriteOptions(Call& call, std::string_view kind) {
  FieldErrors errors;
  const auto dry_runs = call.query.Values("dryRun");
  if (!dry_runs.empty()) {
    call.dry_run = true;
    for (std::string_view one : dry_runs) {
      if (one == "All") continue;
      Value list = Value::MakeArray();
      for (std::string_view each : dry_runs) list.Append(each);
      errors.push_back(Unsupported("dryRun", list, {"All"}));
      break;
    }
  }
  const std::string manager = call.Parameter("fieldManager");
  if (kind == "PatchOptions") {
    const bool apply =
        BaseType(call.request.headers.Get("Content-Type")) == "application/apply-patch+yaml";
    if (apply && manager.empty())
      errors.push_back(Required("fieldManager", "is required for apply patch"));
    if (!apply && call.query.Has("force"))
      errors.push_back(ForbiddenField("force", "may not be specified for non-apply patch"));
  }
  if (manager.size() > kMaxManager) {
    errors.push_back(TooLong("fieldManager", kMaxManager));
  }
  for (size_t i = 0; i < manager.size(); ++i) {
    const auto byte = static_cast<unsigned char>(manager[i]);
    if (byte >= 0x20 && byte != 0x7f) continue;
    errors.push_back(InvalidText(
        "fieldManager", manager,
        Cat("invalid character U+00", ToUpperHex(byte), " (at position ", std::to_string(i), ")")));
    break;
  }
  if (const std::string* mode = call.query.Get("fieldValidation")) {
    if (!mode->empty() && *mode != "Ignore" && *mode != "Strict" && *mode != "Warn") {
      errors.push_back(Unsupported("fieldValidation", *mode, {"", "Ignore", "Strict", "Warn"}));
    }
  }
  if (!errors.empty()) return InvalidObject({"meta.k8s.io", std::string(kind)}, "", errors);
  return {};
}

Result<Value> DecodeBody(Call& call, const TypeInfo& type, std::string_view older) {
  const auto media = BodyMedia(call.request.headers);
  if (!media) {
    return UnsupportedMediaType(
        "the body of the request was in an unknown format - accepted media types include: "
        "application/json, application/yaml, "
        "application/vnd.kubernetes.protobuf");
  }
  static const std::string kNoBody;
  const std::string& body = call.request.body ? *call.request.body : kNoBody;
  if (body.size() > kMaxRequestBody)
    return TooLarge(Cat("limit is ", std::to_string(kMaxRequestBody)));
  std::vector<std::string> duplicates;
  Value tree;
  if (*media == Media::kProtobuf) {
    if (body.empty())
      return BadRequest(Cat("the object provided is unrecognized (must be of type ", type.name,
                            "): empty data (<empty>)"));
    auto decoded = DecodeTreeFromProtobuf(body, type);
    if (!decoded) {
      if (!body.starts_with(std::string_view("k8s\0", 4))) {
        return BadRequest(Cat("the object provided is unrecognized (must be of type ", type.name,
                              "): provided data does not appear to be a protobuf message, expected "
                              "prefix [107 56 115 0] (",
                              Hex(body.substr(0, kSummaryBytes)),
                              body.size() > kSummaryBytes ? " ..." : "", ")"));
      }
      return BadRequest(decoded.error().message());
    }
    tree = *std::move(decoded);
  } else if (*media == Media::kYaml) {
    auto read = ReadYaml(call, type, body, duplicates);
    if (!read) return read.error();
    tree = *std::move(read);
  } else {
    std::vector<std::string> paths;
    auto parsed = ParseJson(body, &paths);
    if (!parsed) {
      const auto complaint = GoJsonError(body);
      return Unrecognised(type.name,
                          Cat("couldn't get version/kind; json parse error: ",
                              complaint ? *complaint : parsed.error().message()),
                          body);
    }
    tree = *std::move(parsed);
    for (const std::string& path : paths)
      duplicates.push_back(Cat("duplicate field ", Quote(path)));
  }
  if (tree.is_null()) tree = Value::MakeObject();
  if (!tree.is_object()) return WrongForm(type, tree, body);
  std::string api_version(tree.StringAt({"apiVersion"})), kind(tree.StringAt({"kind"}));
  if (api_version.empty() || api_version == older) api_version = std::string(type.api_version());
  if (kind.empty()) kind = std::string(type.name);
  if (std::count(api_version.begin(), api_version.end(), '/') > 1)
    return Unrecognised(type.name, "unexpected GroupVersion string: " + api_version, body);
  if (auto same = CheckKind(type, api_version, kind); !same) return same.error();
  return DecodeTree(call, std::move(tree), type, duplicates);
}

Result<Value> DecodeTree(Call& call, Value tree, const TypeInfo& type,
                         const std::vector<std::string>& duplicates) {
  if (const Value* sent = tree.Find({"metadata", "managedFields"})) {
    call.resets_owners = sent->is_array() && sent->array().empty();
  }
  tree.Set("kind", type.name);
  tree.Set("apiVersion", type.api_version());
  std::vector<std::string> unknown;
  const FieldValidation mode = FieldValidationOf(call);
  auto normal =
      Normalise(std::move(tree), type, mode == FieldValidation::kIgnore ? nullptr : &unknown);
  const std::string handled = Cat(type.name, " in version ", Quote(type.group_version->version),
                                  " cannot be handled as a ", type.name, ": ");
  if (!normal) return BadRequest(handled + normal.error().message());
  if (mode != FieldValidation::kIgnore) {
    std::vector<std::string> problems = duplicates;
    for (const std::string& path : unknown) problems.push_back(Cat("unknown field ", Quote(path)));
    if (mode == FieldValidation::kStrict && !problems.empty()) {
      return BadRequest(Cat(handled, "strict decoding error: ", Join(problems, ", ")));
    }
    for (std::string& problem : problems) call.Warn(std::move(problem));
  }
  SetDefaults(*normal, type);
  if (&type == call.served->type) ConvertThroughStorage(*normal, *call.served);
  return normal;
}

}  // namespace k8s::fakeapiserver
