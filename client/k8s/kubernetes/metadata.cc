#include "k8s/kubernetes/metadata.h"

#include "k8s/api/group_versions.h"
#include "k8s/base/strings.h"
#include "k8s/kubernetes/path_request.h"
#include "k8s/machinery/json_codec.h"
#include "k8s/rest/content.h"
#include "k8s/rest/transport_for.h"

namespace k8s::metadata {
namespace {

using metav1::PartialObjectMetadata;
using metav1::PartialObjectMetadataList;

constexpr std::string_view kAcceptOne =
    "application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,"
    "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json";
constexpr std::string_view kAcceptList =
    "application/vnd.kubernetes.protobuf;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,"
    "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json";

Error NameIsRequired() { return Invalid("name is required"); }

// A server that cannot reduce objects sends them whole; their metadata has the same place.
template <class T>
Result<T> Decode(const Result<rest::Answer>& answer) {
  if (!answer) return answer.error();
  const TypeInfo& type = TypeOf<T>();
  T object;
  const rest::Codec* codec = rest::FindCodec(answer->content_type);
  if (codec != nullptr && codec->media_type == rest::kJson) {
    const auto said = PeekTypeMeta(answer->body);
    if (said && !said->kind.empty() && !said->api_version.starts_with("meta.k8s.io/") &&
        said->kind != "Status") {
      const auto read = DecodeJson(answer->body, type, &object);
      if (read) return object;
      return DecodeError(
          Cat("unable to decode returned object as ", type.name, ": ", read.error().message()));
    }
  }
  const auto read = answer->Into(type, &object);
  if (!read) return read.error();
  if (!*read) {
    return DecodeError(Cat("unexpected object, expected ", type.name, " but got ",
                           codec->peek(answer->body)->kind));
  }
  return object;
}

Result<PartialObjectMetadata> DecodeOne(const Result<rest::Answer>& answer) {
  auto object = Decode<PartialObjectMetadata>(answer);
  if (!object) return object;
  const metav1::ObjectMeta& metadata = object->metadata;
  if (metadata.uid.empty() && metadata.creationTimestamp.IsZero() && metadata.name.empty() &&
      metadata.generateName.empty()) {
    return DecodeError(
        Cat("object does not appear to match the ObjectMeta schema: ", answer->body));
  }
  return object;
}

rest::Request& PutBody(rest::Request& request, const metav1::DeleteOptions& options) {
  std::string body;
  EncodeJson(TypeOf<metav1::DeleteOptions>(), &options, {"v1", "DeleteOptions"}, body);
  return request.SetHeader("Content-Type", std::string(rest::kJson)).Body(body + '\n');
}

}  // namespace

Result<Client> Client::NewForConfig(const rest::Config& config) {
  rest::Config own = config;
  if (own.user_agent.empty()) own.user_agent = rest::DefaultKubernetesUserAgent(own.env);
  auto rest = rest::ClientFor(own, {.content = {"", std::string(rest::kProtobuf)},
                                    .timeout = own.timeout,
                                    .find_kind = &FindKind});
  if (!rest) return rest.error();
  return Client(*std::move(rest));
}

rest::Request ResourceInterface::Start(std::string_view method, std::string_view name,
                                       Subresources subresources, std::string_view accept) const {
  rest::Request request =
      kubernetes::PathRequestFor(*rest_, method, resource_, namespace_, name, subresources);
  if (!accept.empty()) request.SetHeader("Accept", std::string(accept));
  return request;
}

Result<void> ResourceInterface::Delete(std::string_view name, const metav1::DeleteOptions& options,
                                       Subresources subresources, const Context& ctx) const {
  if (name.empty()) return NameIsRequired();
  rest::Request request = Start("DELETE", name, subresources, {});
  const auto answer = PutBody(request, options).Do(ctx);
  return answer ? Result<void>() : Result<void>(answer.error());
}

Result<void> ResourceInterface::DeleteCollection(const metav1::DeleteOptions& options,
                                                 const metav1::ListOptions& list,
                                                 const Context& ctx) const {
  rest::Request request = Start("DELETE", {}, {}, {});
  request.VersionedParams(TypeOf<metav1::ListOptions>(), &list);
  const auto answer = PutBody(request, options).Do(ctx);
  return answer ? Result<void>() : Result<void>(answer.error());
}

Result<PartialObjectMetadata> ResourceInterface::Get(std::string_view name,
                                                     const metav1::GetOptions& options,
                                                     Subresources subresources,
                                                     const Context& ctx) const {
  if (name.empty()) return NameIsRequired();
  rest::Request request = Start("GET", name, subresources, kAcceptOne);
  request.VersionedParams(TypeOf<metav1::GetOptions>(), &options);
  return DecodeOne(request.Do(ctx));
}

Result<PartialObjectMetadataList> ResourceInterface::List(const metav1::ListOptions& options,
                                                          const Context& ctx) const {
  rest::Request request = Start("GET", {}, {}, kAcceptList);
  request.VersionedParams(TypeOf<metav1::ListOptions>(), &options);
  return Decode<PartialObjectMetadataList>(request.Do(ctx));
}

Result<Watcher<PartialObjectMetadata>> ResourceInterface::Watch(const metav1::ListOptions& options,
                                                                const Context& ctx) const {
  auto source = std::make_unique<kubernetes::WatchSource>(ctx);
  metav1::ListOptions watching = options;
  watching.watch = true;
  rest::Request request = Start("GET", {}, {}, kAcceptOne);
  request.VersionedParams(TypeOf<metav1::ListOptions>(), &watching);
  request.Timeout(std::chrono::seconds(options.timeoutSeconds.value_or(0)));
  auto open = request.Watch(source->ctx());
  if (!open) return open.error();
  auto stream = rest::WatchStream::Open(*std::move(open), &FindKind);
  if (!stream) return stream.error();
  source->stream = *std::move(stream);
  return Watcher<PartialObjectMetadata>(std::move(source));
}

Result<PartialObjectMetadata> ResourceInterface::Patch(std::string_view name,
                                                       kubernetes::PatchType type, std::string data,
                                                       const metav1::PatchOptions& options,
                                                       Subresources subresources,
                                                       const Context& ctx) const {
  if (name.empty()) return NameIsRequired();
  rest::Request request = Start("PATCH", name, subresources, kAcceptOne);
  request.SetHeader("Content-Type", std::string(kubernetes::MediaTypeOf(type)))
      .VersionedParams(TypeOf<metav1::PatchOptions>(), &options)
      .Body(std::move(data));
  return DecodeOne(request.Do(ctx));
}

}  // namespace k8s::metadata
