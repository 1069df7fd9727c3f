// Answers in the form that was asked for: JSON, YAML or protobuf; whole, as a table, or metadata
// only.

#include <optional>

#include "fakeapiserver/core.h"
#include "fakeapiserver/protobuf.h"
#include "fakeapiserver/tables.h"
#include "fakeapiserver/views.h"
#include "k8s/api/metav1.h"
#include "k8s/base/strings.h"
#include "k8s/machinery/json.h"
#include "k8s/machinery/yaml.h"

namespace k8s::fakeapiserver {
namespace {

// Two blanks an indentation, as kube-apiserver prints for people.
void AppendIndented(const Value& value, size_t depth, std::string& out) {
  const auto line = [&](size_t blanks) {
    out += '\n';
    out.append(2 * blanks, ' ');
  };
  if (value.is_object() && !value.object().empty()) {
    out += '{';
    bool first = true;
    for (const auto& [name, member] : value.object()) {
      if (!std::exchange(first, false)) out += ',';
      line(depth + 1);
      AppendJsonString(name, out);
      out += ": ";
      AppendIndented(member, depth + 1, out);
    }
    line(depth);
    out += '}';
  } else if (value.is_array() && !value.array().empty()) {
    out += '[';
    bool first = true;
    for (const Value& item : value.array()) {
      if (!std::exchange(first, false)) out += ',';
      line(depth + 1);
      AppendIndented(item, depth + 1, out);
    }
    line(depth);
    out += ']';
  } else {
    AppendJson(value, out);
  }
}

// A tree in a media type; type is needed for protobuf.
Result<std::string> Encode(const Value& value, const Output& output, const TypeInfo* type) {
  switch (output.media) {
    case Media::kYaml:
      return ToYaml(value);
    case Media::kProtobuf:
      if (type) return EncodeTree(value, *type);
      [[fallthrough]];
    case Media::kJson:
      break;
  }
  if (output.pretty) return ToIndentedJson(value);
  return ToJson(value) + "\n";
}

Answer Encoded(std::string bytes, const Output& output, int status, bool typed) {
  const Media media = output.media == Media::kProtobuf && !typed ? Media::kJson : output.media;
  return Answer::Bytes(status, std::string(MediaTypeName(media)), std::move(bytes));
}

bool SameVersion(const Call& call) { return call.served->storage == call.served; }

Error WrongShape(std::string_view as, std::string_view what, std::string_view go_type) {
  return NotAcceptable(
      Cat("you requested ", as, ", but the requested object is ", what, " (", go_type, ")"));
}

// The Go package of a kind's internal type: `*core.Pod`.
std::string InternalTypeName(const Served& served, std::string_view kind) {
  const std::string group =
      served.group.empty() ? "core" : served.group.substr(0, served.group.find('.'));
  return Cat("*", group, ".", kind);
}

Result<Answer> RenderView(Core& core, const Call& call, Value tree, int status) {
  if (call.output.view == View::kPartialMetadataList) {
    return WrongShape("PartialObjectMetadataList", "not a list",
                      InternalTypeName(*call.served, tree.StringAt({"kind"})));
  }
  if (call.output.view == View::kPartialMetadata) {
    Value partial = PartialMetadata(tree, call.output.meta_version);
    auto bytes = Encode(partial, call.output, &TypeOf<metav1::PartialObjectMetadata>());
    if (!bytes) return bytes.error();
    return Encoded(*std::move(bytes), call.output, status, true);
  }
  TableRequest request{call.output.meta_version, call.Parameter("includeObject"), call.served};
  std::vector<Value> rows;
  const std::string revision(tree.StringAt({"metadata", "resourceVersion"}));
  rows.push_back(std::move(tree));
  auto table = MakeTable(core, request, std::move(rows), false, true);
  if (!table) return table.error();
  if (!revision.empty()) (*table)["metadata"].Set("resourceVersion", revision);
  auto bytes = Encode(*table, call.output, nullptr);
  return Encoded(*std::move(bytes), call.output, status, false);
}

Value ListMetadata(const Page& page, const std::string& token) {
  Value metadata = Value::MakeObject();
  metadata.Set("resourceVersion", std::to_string(page.revision));
  if (!token.empty()) metadata.Set("continue", token);
  if (page.remaining && !token.empty()) metadata.Set("remainingItemCount", *page.remaining);
  return metadata;
}

// Items are gathered from their bytes at rest.
Answer GatherJsonList(const Call& call, const Page& page, const std::string& token) {
  Answer answer;
  answer.headers.Set("Content-Type", std::string(kJsonType));
  Slices& body = answer.body;
  body.reserve(2 * page.objects.size() + 2);
  body.push_back(Slice::Of(
      Cat("{\"kind\":\"", call.served->list_kind, "\",\"apiVersion\":\"", call.served->api_version,
          "\",\"metadata\":", ToJson(ListMetadata(page, token)), ",\"items\":[")));
  bool first = true;
  for (const ObjectPtr& object : page.objects) {
    body.push_back(Slice::Literal(std::exchange(first, false) ? "{" : ",{"));
    body.push_back(JsonOf(object, object->Members()));
  }
  body.push_back(Slice::Literal("]}\n"));
  return answer;
}

Result<Answer> GatherProtobufList(const Call& call, const Page& page, const std::string& token) {
  Answer answer;
  answer.headers.Set("Content-Type", std::string(kProtobufType));
  std::vector<std::shared_ptr<const std::string>> items;
  items.reserve(page.objects.size());
  for (const ObjectPtr& object : page.objects) {
    auto item = ProtobufOf(object, *call.served);
    if (!item) return item.error();
    items.push_back(*std::move(item));
  }
  answer.body = ProtobufList(*call.served, page.revision, token,
                             token.empty() ? std::nullopt : page.remaining, std::move(items));
  return answer;
}

}  // namespace

std::string ToIndentedJson(const Value& value) {
  std::string out;
  AppendIndented(value, 0, out);
  return out;
}

Value PartialMetadata(const Value& tree, std::string_view meta_version) {
  Value partial = Value::MakeObject(
      {{"kind", "PartialObjectMetadata"}, {"apiVersion", Cat("meta.k8s.io/", meta_version)}});
  const Value* metadata = tree.Find("metadata");
  partial.Set("metadata", metadata ? *metadata : Value::MakeObject());
  return partial;
}

Answer RenderPlain(const Value& value, const Output& output, int status, const TypeInfo* type) {
  auto bytes = Encode(value, output, type);
  if (!bytes) return RenderError(bytes.error(), {});
  return Encoded(*std::move(bytes), output, status, type != nullptr);
}

Answer RenderError(const Error& error, const Output& output) {
  const Status status = StatusOf(error);
  Output plain = output;
  plain.view = View::kWhole;
  Answer answer =
      RenderPlain(StatusValue(status), plain, status.code ? status.code : 500, &TypeOf<Status>());
  if (status.details && status.details->retryAfterSeconds > 0) {
    answer.headers.Set("Retry-After", std::to_string(status.details->retryAfterSeconds));
  }
  return answer;
}

Result<Answer> RenderTree(Core& core, const Call& call, Value tree, int status) {
  if (call.output.view != View::kWhole) return RenderView(core, call, std::move(tree), status);
  auto bytes = Encode(tree, call.output, call.served->type);
  if (!bytes) return bytes.error();
  return Encoded(*std::move(bytes), call.output, status, true);
}

Result<Answer> RenderObject(Core& core, const Call& call, const ObjectPtr& object, int status) {
  const Output& output = call.output;
  if (output.view == View::kWhole && SameVersion(call)) {
    if (output.media == Media::kJson && !output.pretty) {
      Answer answer;
      answer.status = status;
      answer.headers.Set("Content-Type", std::string(kJsonType));
      answer.body = {JsonOf(object), Slice::Literal("\n")};
      return answer;
    }
    if (output.media == Media::kProtobuf) {
      auto raw = ProtobufOf(object, *call.served);
      if (!raw) return raw.error();
      Answer answer;
      answer.status = status;
      answer.headers.Set("Content-Type", std::string(kProtobufType));
      answer.body = Envelope(call.served->api_version, call.served->kind, *raw);
      return answer;
    }
  }
  return RenderTree(core, call, TreeOf(*object, *call.served), status);
}

Result<Answer> RenderList(Core& core, const Call& call, const Page& page,
                          const std::string& token) {
  const Output& output = call.output;
  if (output.view == View::kPartialMetadata) {
    return WrongShape("PartialObjectMetadata", "a list",
                      InternalTypeName(*call.served, call.served->list_kind));
  }
  if (output.view == View::kWhole && SameVersion(call)) {
    if (output.media == Media::kJson && !output.pretty) return GatherJsonList(call, page, token);
    if (output.media == Media::kProtobuf) return GatherProtobufList(call, page, token);
  }
  std::vector<Value> trees;
  trees.reserve(page.objects.size());
  for (const ObjectPtr& object : page.objects) trees.push_back(TreeOf(*object, *call.served));

  if (output.view == View::kTable) {
    TableRequest request{output.meta_version, call.Parameter("includeObject"), call.served};
    auto table = MakeTable(core, request, std::move(trees), true, true);
    if (!table) return table.error();
    table->Set("metadata", ListMetadata(page, token));
    auto bytes = Encode(*table, output, nullptr);
    return Encoded(*std::move(bytes), output, 200, false);
  }
  Value list = Value::MakeObject();
  const bool partial = output.view == View::kPartialMetadataList;
  list.Set("kind", partial ? "PartialObjectMetadataList" : call.served->list_kind);
  list.Set("apiVersion",
           partial ? Cat("meta.k8s.io/", output.meta_version) : call.served->api_version);
  list.Set("metadata", ListMetadata(page, token));
  Value items = partial && trees.empty() ? Value() : Value::MakeArray();
  for (Value& tree : trees) {
    if (partial) {
      items.Append(PartialMetadata(tree, output.meta_version));
    } else {
      tree.Remove("kind");
      tree.Remove("apiVersion");
      items.Append(std::move(tree));
    }
  }
  list.Set("items", std::move(items));
  const TypeInfo* type = partial                   ? &TypeOf<metav1::PartialObjectMetadataList>()
                         : call.served->type->list ? &call.served->type->list()
                                                   : nullptr;
  auto bytes = Encode(list, output, type);
  if (!bytes) return bytes.error();
  return Encoded(*std::move(bytes), output, 200, type != nullptr);
}

}  // namespace k8s::fakeapiserver
