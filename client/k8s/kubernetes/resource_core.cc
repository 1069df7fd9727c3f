#include "k8s/kubernetes/resource_core.h"

#include "k8s/base/mutant.h"
#include "k8s/base/strings.h"
#include "k8s/kubernetes/path_request.h"

namespace k8s::kubernetes {

rest::Request RequestFor(const rest::Client& rest, std::string_view method,
                         const metav1::GroupVersionResource& resource, std::string_view namespace_,
                         std::string_view name,
                         std::initializer_list<std::string_view> subresources) {
  rest::Request request = RequestBelow(rest, method, resource);
  request.NamespaceIfSet(namespace_).Resource(resource.resource);
  if (!name.empty()) request.Name(name);
  // Not as SubResource: there may be several.
  request.Suffix(subresources);
  return request;
}

rest::Request ResourceCore::Start(std::string_view method, bool generated) const {
  rest::Request request = rest_->Verb(method);
  if (generated) request.UseProtobufAsDefault();
  request.NamespaceIfSet(namespace_).Resource(resource_);
  return request;
}

rest::Request ResourceCore::StartInNamespace(std::string_view method, bool generated) const {
  rest::Request request = rest_->Verb(method);
  if (generated) request.UseProtobufAsDefault();
  request.Namespace(namespace_).Resource(resource_);
  return request;
}

rest::Request ResourceCore::Listing(std::string_view method, const metav1::ListOptions& options,
                                    bool watch) const {
  metav1::ListOptions sent = options;
  if (watch) sent.watch = true;
  rest::Request request = Start(method);
  request.VersionedParams(TypeOf<metav1::ListOptions>(), &sent);
  // Typed lists put their own timeout, or none, in the place of the client's (1.4).
  if (!K8S_MUTANT("typed_lists_keep_the_client_timeout"))
    request.Timeout(std::chrono::seconds(options.timeoutSeconds.value_or(0)));
  return request;
}

rest::Request ResourceCore::Deleting(rest::Request request,
                                     const metav1::DeleteOptions& options) const {
  request.Body(TypeOf<metav1::DeleteOptions>(), &options, {rest_->ApiVersion(), "DeleteOptions"});
  return request;
}

Result<rest::Request> ResourceCore::Applying(std::string_view name, const TypeInfo& type,
                                             const void* object, const TypeMeta& meta,
                                             const metav1::ApplyOptions& options,
                                             std::string_view subresource) const {
  if (name.empty()) return Invalid("obj.Name must be provided to Apply");
  rest::Request request = rest_->Patch(MediaTypeOf(PatchType::kApplyYAML));
  request.UseProtobufAsDefault().NamespaceIfSet(namespace_).Resource(resource_).Name(name);
  if (!subresource.empty()) request.SubResource(subresource);
  const metav1::PatchOptions patch{
      .dryRun = options.dryRun, .force = options.force, .fieldManager = options.fieldManager};
  request.VersionedParams(TypeOf<metav1::PatchOptions>(), &patch);
  std::string body;
  EncodeSparseJson(type, object, meta, body);
  request.Body(std::move(body));
  return request;
}

Result<rest::OpenStream> ResourceCore::OpenWatch(const metav1::ListOptions& options,
                                                 const Context& ctx) const {
  return Listing("GET", options, true).Watch(ctx);
}

Result<bool> ResourceCore::Send(rest::Request& request, const Context& ctx, const TypeInfo& type,
                                void* object) {
  const auto answer = request.Do(ctx);
  if (!answer) return answer.error();
  return answer->Into(type, object);
}

Result<bool> ResourceCore::SendList(rest::Request& request, const Context& ctx,
                                    const TypeInfo& type, void* shell, rest::ItemSink& sink,
                                    rest::ListUse use) {
  const auto answer = request.DoList(type, sink, use, ctx);
  if (!answer) return answer.error();
  return answer->Into(type, shell);
}

Result<bool> ResourceCore::SendSafely(rest::Request request, const Change& change,
                                      const Landing& landing, const Context& ctx) const {
  const auto read_back = [this](std::string_view name) {
    return std::move(Start("GET").Name(name));
  };
  return SendChange(*rest_, std::move(request), read_back, change, landing, ctx);
}

Result<void> ResourceCore::Call(rest::Request request, const Context& ctx) {
  const auto answer = request.Do(ctx);
  if (!answer) return answer.error();
  return {};
}

Result<void> ResourceCore::Call(rest::Request request, const Change& change,
                                const Context& ctx) const {
  if (!rest_->options().retry_policy) return Call(std::move(request), ctx);
  const auto sent = SendSafely(std::move(request), change, {}, ctx);
  if (!sent) return sent.error();
  return {};
}

}  // namespace k8s::kubernetes
