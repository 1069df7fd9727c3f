#include "k8s/kubernetes/dynamic.h"

#include "k8s/api/group_versions.h"
#include "k8s/base/strings.h"
#include "k8s/kubernetes/path_request.h"
#include "k8s/machinery/json.h"
#include "k8s/rest/transport_for.h"

namespace k8s::dynamic {
namespace {

Error NameIsRequired() { return Invalid("name is required"); }

Result<bool> DecodeInto(const rest::Answer& answer, Unstructured& object) {
  object = {};
  const auto read = answer.Into(TypeOf<Unstructured>(), &object);
  if (!read) return read.error();
  if (object.GetKind().empty()) {
    return DecodeError(Cat("Object 'Kind' is missing in '", answer.body, "'"));
  }
  return true;
}

Result<Unstructured> Decode(const Result<rest::Answer>& answer) {
  if (!answer) return answer.error();
  Unstructured object;
  if (auto read = DecodeInto(*answer, object); !read) return read.error();
  return object;
}

// The one subresource; of several none has rules of its own.
std::string_view Only(Subresources subresources) {
  return subresources.size() == 0 ? "" : subresources.size() == 1 ? *subresources.begin() : "/";
}

TypeMeta ListMetaOf(const Value& list) {
  return {std::string(list.StringAt({"apiVersion"})), std::string(list.StringAt({"kind"}))};
}

// Items of a list say nothing of their kind: it follows from the list's (C-8.22).
void SayKind(Unstructured& item, const TypeMeta& list) {
  if (!item.GetKind().empty() || !item.GetAPIVersion().empty()) return;
  std::string_view kind = list.kind;
  if (kind.ends_with("List")) kind.remove_suffix(4);
  item.SetAPIVersion(list.api_version);
  item.SetKind(kind);
}

// Hands each item of a list to a function.
class EachUnstructured final : public rest::ItemSink {
 public:
  explicit EachUnstructured(std::function<bool(Unstructured&&)> each) : each_(std::move(each)) {}
  const TypeInfo& type() const override { return TypeOf<Unstructured>(); }
  void* Fresh() override {
    object_ = {};
    return &object_;
  }
  bool Take(const TypeMeta& list) override {
    SayKind(object_, list);
    return each_(std::move(object_));
  }

 private:
  std::function<bool(Unstructured&&)> each_;
  Unstructured object_;
};

void PutBody(rest::Request& request, const Unstructured& object) {
  request.Body(TypeOf<Unstructured>(), &object, {});
}

void PutBody(rest::Request& request, const metav1::DeleteOptions& options) {
  request.Body(TypeOf<metav1::DeleteOptions>(), &options, {"v1", "DeleteOptions"});
}

}  // namespace

Result<Client> Client::NewForConfig(const rest::Config& config) {
  rest::Config own = config;
  if (own.user_agent.empty()) own.user_agent = rest::DefaultKubernetesUserAgent(own.env);
  auto rest = rest::ClientFor(own, {.content = {"application/json", "application/json"},
                                    .timeout = own.timeout,
                                    .find_kind = &FindKind});
  if (!rest) return rest.error();
  return Client(*std::move(rest));
}

rest::Request ResourceInterface::Start(std::string_view method, std::string_view name,
                                       Subresources subresources) const {
  return kubernetes::PathRequestFor(*rest_, method, gvr_, namespace_, name, subresources);
}

Result<bool> ResourceInterface::SendSafely(rest::Request request, const kubernetes::Change& change,
                                           const kubernetes::Landing& landing,
                                           const Context& ctx) const {
  const auto read_back = [this](std::string_view name) { return Start("GET", name, {}); };
  kubernetes::Change typed = change;
  typed.type = &TypeOf<Unstructured>();
  return kubernetes::SendChange(*rest_, std::move(request), read_back, typed, landing, ctx);
}

Result<Unstructured> ResourceInterface::Send(rest::Request request,
                                             const kubernetes::Change& change,
                                             const Context& ctx) const {
  if (!rest_->options().retry_policy) return Decode(request.Do(ctx));
  Unstructured object;
  const kubernetes::Landing landing{
      &object, [&object](const rest::Answer& answer) { return DecodeInto(answer, object); }};
  const auto sent = SendSafely(std::move(request), change, landing, ctx);
  if (!sent) return sent.error();
  return object;
}

Result<void> ResourceInterface::SendAway(rest::Request request, const kubernetes::Change& change,
                                         const Context& ctx) const {
  if (rest_->options().retry_policy) {
    const auto sent = SendSafely(std::move(request), change, {}, ctx);
    return sent ? Result<void>() : Result<void>(sent.error());
  }
  const auto answer = request.Do(ctx);
  return answer ? Result<void>() : Result<void>(answer.error());
}

Result<Unstructured> ResourceInterface::Create(const Unstructured& object,
                                               const metav1::CreateOptions& options,
                                               Subresources subresources,
                                               const Context& ctx) const {
  std::string_view name;
  if (subresources.size() > 0) {
    name = object.GetName();
    if (name.empty()) return NameIsRequired();
  }
  rest::Request request = Start("POST", name, subresources);
  request.VersionedParams(TypeOf<metav1::CreateOptions>(), &options);
  PutBody(request, object);
  return Send(std::move(request),
              {.verb = Verb::kCreate, .subresource = Only(subresources), .sent = &object}, ctx);
}

Result<Unstructured> ResourceInterface::Update(const Unstructured& object,
                                               const metav1::UpdateOptions& options,
                                               Subresources subresources,
                                               const Context& ctx) const {
  if (object.GetName().empty()) return NameIsRequired();
  rest::Request request = Start("PUT", object.GetName(), subresources);
  request.VersionedParams(TypeOf<metav1::UpdateOptions>(), &options);
  PutBody(request, object);
  return Send(std::move(request),
              {.verb = Verb::kUpdate,
               .name = object.GetName(),
               .subresource = Only(subresources),
               .sent = &object},
              ctx);
}

Result<Unstructured> ResourceInterface::UpdateStatus(const Unstructured& object,
                                                     const metav1::UpdateOptions& options,
                                                     const Context& ctx) const {
  return Update(object, options, {"status"}, ctx);
}

Result<void> ResourceInterface::Delete(std::string_view name, const metav1::DeleteOptions& options,
                                       Subresources subresources, const Context& ctx) const {
  if (name.empty()) return NameIsRequired();
  rest::Request request = Start("DELETE", name, subresources);
  PutBody(request, options);
  return SendAway(
      std::move(request),
      {.verb = Verb::kDelete, .name = name, .subresource = Only(subresources), .options = &options},
      ctx);
}

Result<void> ResourceInterface::DeleteCollection(const metav1::DeleteOptions& options,
                                                 const metav1::ListOptions& list,
                                                 const Context& ctx) const {
  rest::Request request = Start("DELETE", {}, {});
  request.VersionedParams(TypeOf<metav1::ListOptions>(), &list);
  PutBody(request, options);
  return SendAway(std::move(request), {.verb = Verb::kDeleteCollection}, ctx);
}

Result<Unstructured> ResourceInterface::Get(std::string_view name,
                                            const metav1::GetOptions& options,
                                            Subresources subresources, const Context& ctx) const {
  if (name.empty()) return NameIsRequired();
  rest::Request request = Start("GET", name, subresources);
  request.VersionedParams(TypeOf<metav1::GetOptions>(), &options);
  return Decode(request.Do(ctx));
}

Result<UnstructuredList> ResourceInterface::List(const metav1::ListOptions& options,
                                                 const Context& ctx) const {
  rest::Request request = Start("GET", {}, {});
  request.VersionedParams(TypeOf<metav1::ListOptions>(), &options);
  auto object = Decode(request.Do(ctx));
  if (!object) return object.error();
  UnstructuredList list;
  list.content = std::move(object->content);
  const TypeMeta said = ListMetaOf(list.content);
  if (Value* items = list.content.Find("items"); items != nullptr && items->is_array()) {
    for (Value& item : items->array()) {
      SayKind(list.items.emplace_back(Unstructured{std::move(item)}), said);
    }
  }
  list.content.Remove("items");
  return list;
}

Result<UnstructuredList> ResourceInterface::ListEach(const metav1::ListOptions& options,
                                                     std::function<bool(Unstructured&&)> each,
                                                     const Context& ctx) const {
  rest::Request request = Start("GET", {}, {});
  request.VersionedParams(TypeOf<metav1::ListOptions>(), &options);
  EachUnstructured sink(std::move(each));
  auto object = Decode(request.DoList(TypeOf<Unstructured>(), sink, rest::ListUse::kEach, ctx));
  if (!object) return object.error();
  UnstructuredList list{std::move(object->content)};
  list.content.Remove("items");
  return list;
}

Result<Watcher<Unstructured>> ResourceInterface::Watch(const metav1::ListOptions& options,
                                                       const Context& ctx) const {
  auto source = std::make_unique<kubernetes::WatchSource>(ctx);
  metav1::ListOptions watching = options;
  watching.watch = true;
  rest::Request request = Start("GET", {}, {});
  request.VersionedParams(TypeOf<metav1::ListOptions>(), &watching);
  auto open = request.Watch(source->ctx());
  if (!open) return open.error();
  auto stream = rest::WatchStream::Open(*std::move(open), &FindKind);
  if (!stream) return stream.error();
  source->stream = *std::move(stream);
  return Watcher<Unstructured>(std::move(source));
}

Result<Unstructured> ResourceInterface::Patch(std::string_view name, kubernetes::PatchType type,
                                              std::string data, const metav1::PatchOptions& options,
                                              Subresources subresources, const Context& ctx) const {
  if (name.empty()) return NameIsRequired();
  rest::Request request = Start("PATCH", name, subresources);
  request.SetHeader("Content-Type", std::string(kubernetes::MediaTypeOf(type)))
      .VersionedParams(TypeOf<metav1::PatchOptions>(), &options)
      .Body(data);
  return Send(std::move(request),
              {.verb = Verb::kPatch,
               .name = name,
               .subresource = Only(subresources),
               .patch_type = type,
               .patch = data},
              ctx);
}

Result<Unstructured> ResourceInterface::Apply(std::string_view name, const Unstructured& object,
                                              const metav1::ApplyOptions& options,
                                              Subresources subresources, const Context& ctx) const {
  if (name.empty()) return NameIsRequired();
  if (object.content.Find({"metadata", "managedFields"}) != nullptr) {
    return Invalid("cannot apply an object with managed fields already set: remove them first");
  }
  const metav1::PatchOptions patch{
      .dryRun = options.dryRun, .force = options.force, .fieldManager = options.fieldManager};
  return Patch(name, kubernetes::PatchType::kApplyYAML, ToJson(object.content), patch, subresources,
               ctx);
}

}  // namespace k8s::dynamic
