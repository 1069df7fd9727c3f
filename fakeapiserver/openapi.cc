// The OpenAPI documents, made from the tables when first asked for: one of version 3 a group
// version, and one of version 2 for all (chapter 1.6). They hold types, keys and defaults, and no
// descriptions, which the tables do not have.

#include <map>
#include <mutex>
#include <set>

#include "fakeapiserver/discovery.h"
#include "k8s/base/strings.h"
#include "k8s/machinery/json.h"

namespace k8s::fakeapiserver {
namespace {

std::string SchemaName(const TypeInfo& type) {
  return Cat(type.group_version->openapi, ".", type.name);
}

class Document {
 public:
  explicit Document(std::string_view reference) : reference_(reference) {}

  Value schemas() {
    while (!pending_.empty()) {
      const TypeInfo* type = *pending_.begin();
      pending_.erase(pending_.begin());
      done_.insert(type);
      found_.emplace(SchemaName(*type), Schema(*type));
    }
    Value out = Value::MakeObject();
    for (auto& [name, schema] : found_) out.Set(name, std::move(schema));
    return out;
  }

  Value Reference(const TypeInfo& type) {
    if (!done_.contains(&type)) pending_.insert(&type);
    return Value::MakeObject({{"$ref", Cat(reference_, SchemaName(type))}});
  }

  // The operations of a resource, as kubectl looks them up: which kind, and which query parameters.
  void AddPaths(const Served& served, Value& paths) {
    const std::string root = Cat(served.group.empty() ? "/api/" : "/apis/", served.api_version);
    const std::string collection = served.namespaced
                                       ? Cat(root, "/namespaces/{namespace}/", served.resource)
                                       : Cat(root, "/", served.resource);
    Value list = Value::MakeObject(), item = Value::MakeObject();
    const auto add = [&](Value& path, std::string_view method, std::string_view action, Verb verb,
                         std::vector<std::string_view> query) {
      if (served.Supports(verb)) path.Set(method, Operation(served, action, query));
    };
    add(list, "get", "list", Verb::kList,
        {"labelSelector", "fieldSelector", "limit", "continue", "watch"});
    add(list, "post", "post", Verb::kCreate, {"dryRun", "fieldManager", "fieldValidation"});
    add(list, "delete", "deletecollection", Verb::kDeleteCollection,
        {"labelSelector", "fieldSelector", "dryRun"});
    add(item, "get", "get", Verb::kGet, {});
    add(item, "put", "put", Verb::kUpdate, {"dryRun", "fieldManager", "fieldValidation"});
    add(item, "patch", "patch", Verb::kPatch,
        {"dryRun", "fieldManager", "fieldValidation", "force"});
    add(item, "delete", "delete", Verb::kDelete,
        {"dryRun", "gracePeriodSeconds", "propagationPolicy"});
    paths.Set(collection, std::move(list));
    if (!item.object().empty()) paths.Set(collection + "/{name}", std::move(item));
  }

 private:
  Value GroupVersionKind(const TypeInfo& type) const {
    return Value::MakeObject({{"group", type.group_version->group},
                              {"kind", type.name},
                              {"version", type.group_version->version}});
  }

  Value Operation(const Served& served, std::string_view action,
                  const std::vector<std::string_view>& query) {
    Value operation = Value::MakeObject();
    Value parameters = Value::MakeArray();
    const bool third = reference_.starts_with("#/components");
    for (std::string_view name : query) {
      Value parameter = Value::MakeObject({{"name", name}, {"in", "query"}});
      if (third) {
        parameter.Set("schema", Value::MakeObject({{"type", "string"}, {"uniqueItems", true}}));
      } else {
        parameter.Set("type", "string");
        parameter.Set("uniqueItems", true);
      }
      parameters.Append(std::move(parameter));
    }
    operation.Set("parameters", std::move(parameters));
    Value ok = Value::MakeObject({{"description", "OK"}});
    if (third) {
      ok["content"]["application/json"].Set("schema", Reference(*served.type));
    } else {
      ok.Set("schema", Reference(*served.type));
    }
    operation["responses"].Set("200", std::move(ok));
    operation.Set("x-kubernetes-action", action);
    operation.Set("x-kubernetes-group-version-kind", GroupVersionKind(*served.type));
    return operation;
  }

  Value Schema(const TypeInfo& type) {
    if (type.Has(kTransparent))
      return Value::MakeObject({{"type", "array"}, {"items", Element(type.fields[0])}});
    if (type.Has(kUnion)) return Value::MakeObject();
    Value schema = Value::MakeObject({{"type", "object"}});
    Value properties = Value::MakeObject();
    Value required = Value::MakeArray();
    if (type.Has(kIsKind)) {
      properties.Set("apiVersion", Value::MakeObject({{"type", "string"}}));
      properties.Set("kind", Value::MakeObject({{"type", "string"}}));
    }
    for (const Field& field : type.fields) {
      properties.Set(field.name(), Property(field));
      if (field.Has(kRequired)) required.Append(field.name());
    }
    properties.object().SortByName();
    if (!required.array().empty()) schema.Set("required", std::move(required));
    if (!properties.object().empty()) schema.Set("properties", std::move(properties));
    if (type.Has(kStructAtomic)) schema.Set("x-kubernetes-map-type", "atomic");
    if (type.Has(kIsKind))
      schema.Set("x-kubernetes-group-version-kind", Value::MakeArray({GroupVersionKind(type)}));
    return schema;
  }

  Value Property(const Field& field) {
    Value property;
    switch (field.shape) {
      case Shape::kList:
        property = Value::MakeObject({{"type", "array"}, {"items", Element(field)}});
        break;
      case Shape::kMap:
        property =
            Value::MakeObject({{"type", "object"}, {"additionalProperties", Element(field)}});
        break;
      default:
        property = Element(field);
    }
    if (!field.rules) return property;
    const FieldRules& rules = *field.rules;
    if (!rules.default_json.empty()) {
      if (auto value = ParseJson(rules.default_json)) property.Set("default", *std::move(value));
    }
    if (!rules.enum_values.empty() && field.shape != Shape::kList && field.shape != Shape::kMap) {
      Value list = Value::MakeArray();
      for (std::string_view one : Split(rules.enum_values, ',')) list.Append(one);
      property.Set("enum", std::move(list));
    }
    if (field.shape == Shape::kList) {
      property.Set("x-kubernetes-list-type", rules.list_type == ListType::kMap   ? "map"
                                             : rules.list_type == ListType::kSet ? "set"
                                                                                 : "atomic");
      if (!rules.list_keys.empty()) {
        Value keys = Value::MakeArray();
        for (std::string_view key : Split(rules.list_keys, ',')) keys.Append(key);
        property.Set("x-kubernetes-list-map-keys", std::move(keys));
      }
    }
    if (rules.map_atomic || rules.struct_atomic) property.Set("x-kubernetes-map-type", "atomic");
    if (!rules.patch_merge_key.empty())
      property.Set("x-kubernetes-patch-merge-key", rules.patch_merge_key);
    if (!rules.patch_strategy.empty())
      property.Set("x-kubernetes-patch-strategy", rules.patch_strategy);
    return property;
  }

  Value Element(const Field& field) {
    const auto scalar = [](std::string_view type, std::string_view format) {
      Value value = Value::MakeObject({{"type", type}});
      if (!format.empty()) value.Set("format", format);
      return value;
    };
    switch (field.kind) {
      case Kind::kBool:
        return scalar("boolean", "");
      case Kind::kInt32:
        return scalar("integer", "int32");
      case Kind::kInt64:
      case Kind::kUint64:
        return scalar("integer", "int64");
      case Kind::kDouble:
        return scalar("number", "double");
      case Kind::kBytes:
        return scalar("string", "byte");
      case Kind::kTime:
      case Kind::kMicroTime:
        return scalar("string", "date-time");
      case Kind::kIntOrString:
        return scalar("string", "int-or-string");
      case Kind::kString:
      case Kind::kDuration:
      case Kind::kQuantity:
        return scalar("string", "");
      case Kind::kRawExtension:
      case Kind::kFieldsV1:
        return scalar("object", "");
      case Kind::kJson:
        return Value::MakeObject();
      case Kind::kMessage:
        break;
    }
    if (reference_.starts_with("#/components"))
      return Value::MakeObject({{"allOf", Value::MakeArray({Reference(field.type())})}});
    return Reference(field.type());
  }

  const std::string reference_;
  std::set<const TypeInfo*> pending_, done_;
  std::map<std::string, Value> found_;
};

struct Rendered {
  std::shared_ptr<const std::string> text;
  std::string hash;
};

Rendered Render(const Value& document) {
  auto text = std::make_shared<const std::string>(ToJson(document));
  return {text, HashText(*text)};
}

// Version 2 of the documents names the patch release, version 3 the minor one.
Value Info(std::string_view version) {
  return Value::MakeObject({{"title", "Kubernetes"}, {"version", version}});
}
constexpr std::string_view kWholeVersion = "v1.37.2", kDocumentVersion = "1.37";

Rendered VersionDocument(const ServedVersion& version) {
  Document document("#/components/schemas/");
  Value paths = Value::MakeObject();
  for (const Served* served : version.resources) {
    document.AddPaths(*served, paths);
    document.Reference(*served->type);
    if (served->type->list) document.Reference(served->type->list());
  }
  Value out = Value::MakeObject(
      {{"openapi", "3.0.0"}, {"info", Info(kDocumentVersion)}, {"paths", std::move(paths)}});
  out["components"].Set("schemas", document.schemas());
  return Render(out);
}

Rendered WholeDocument(const Registry& registry) {
  Document document("#/definitions/");
  Value paths = Value::MakeObject();
  for (const ServedGroup& group : registry.groups()) {
    for (const ServedVersion& version : group.versions) {
      for (const Served* served : version.resources) {
        document.AddPaths(*served, paths);
        if (served->type->list) document.Reference(served->type->list());
      }
    }
  }
  Value out = Value::MakeObject(
      {{"swagger", "2.0"}, {"info", Info(kWholeVersion)}, {"paths", std::move(paths)}});
  out.Set("definitions", document.schemas());
  return Render(out);
}

// Made once in a process: the tables are constant.
const std::map<std::string, Rendered>& VersionDocuments(const Registry& registry) {
  static std::mutex mutex;
  static std::map<std::string, Rendered> documents;
  std::lock_guard lock(mutex);
  if (documents.empty()) {
    const auto empty = [](const std::string& path) {
      Value paths = Value::MakeObject({{Cat("/", path, "/"), Value::MakeObject()}});
      return Render(Value::MakeObject(
          {{"openapi", "3.0.0"}, {"info", Info(kDocumentVersion)}, {"paths", std::move(paths)}}));
    };
    for (const char* path :
         {".well-known/openid-configuration", "api", "apis", "openid/v1/jwks", "version"})
      documents.emplace(path, empty(path));
    for (const ServedGroup& group : registry.groups()) {
      if (!group.name.empty()) {
        documents.emplace("apis/" + group.name, empty("apis/" + group.name));
      }
      for (const ServedVersion& version : group.versions) {
        documents.emplace(Cat(group.name.empty() ? "api/" : "apis/", version.api_version),
                          VersionDocument(version));
      }
    }
  }
  return documents;
}

Answer Whole(const Core& core, const Call& call) {
  static std::mutex mutex;
  static std::optional<Rendered> document;
  {
    std::lock_guard lock(mutex);
    if (!document) document = WholeDocument(core.registry);
  }
  Answer answer;
  const std::string tag = Cat("\"", document->hash, "\"");
  if (call.request.headers.Get("If-None-Match") == tag) {
    answer.status = 304;
  } else {
    answer.headers.Set("Content-Type", std::string(kJsonType));
    answer.body = {Slice(document->text)};
  }
  answer.headers.Set("ETag", tag);
  answer.headers.Add("Vary", "Accept-Encoding");
  answer.headers.Add("Vary", "Accept");
  return answer;
}

Answer Index(const std::map<std::string, Rendered>& documents) {
  Value paths = Value::MakeObject();
  for (const auto& [path, document] : documents) {
    paths[path].Set("serverRelativeURL", Cat("/openapi/v3/", path, "?hash=", document.hash));
  }
  return Answer::Bytes(200, "text/plain; charset=utf-8",
                       ToJson(Value::MakeObject({{"paths", std::move(paths)}})));
}

}  // namespace

std::optional<Answer> ServeOpenApi(Core& core, const Call& call) {
  const std::string& path = call.info.path;
  // Served as JSON alone; who cannot take it gets an empty 406, as from a real server.
  const bool acceptable = RouterAccepts(call.request.headers, {kJsonType});
  const auto not_acceptable = [] {
    Answer answer;
    answer.status = 406;
    return answer;
  };
  if (path == "/openapi/v2") return acceptable ? Whole(core, call) : not_acceptable();
  const auto& documents = VersionDocuments(core.registry);
  if (path == "/openapi/v3") return Index(documents);
  constexpr std::string_view kPrefix = "/openapi/v3/";
  if (!path.starts_with(kPrefix)) return std::nullopt;
  const auto found = documents.find(path.substr(kPrefix.size()));
  Answer answer;
  if (found == documents.end()) {
    answer.status = 404;
    return answer;
  }
  if (!acceptable) return not_acceptable();
  const Rendered& document = found->second;
  const std::string hash = call.Parameter("hash");
  if (!hash.empty() && hash != document.hash) {
    answer.status = 301;
    answer.headers.Set("Content-Type", std::string(kJsonType));
    answer.headers.Set("Location", Cat(path, "?hash=", document.hash));
    return answer;
  }
  const std::string tag = Cat("\"", document.hash, "\"");
  answer.headers.Set("ETag", tag);
  answer.headers.Add("Vary", "Accept");
  if (!hash.empty()) answer.headers.Set("Cache-Control", "public, immutable");
  if (call.request.headers.Get("If-None-Match") == tag) {
    answer.status = 304;
    return answer;
  }
  answer.headers.Set("Content-Type", std::string(kJsonType));
  answer.body = {Slice(document.text)};
  return answer;
}

}  // namespace k8s::fakeapiserver
