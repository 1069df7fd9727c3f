#pragma once

// The typed client of one kind, built-in, custom or Unstructured (chapter 8.2): a thin shell over
// ResourceCore. A verb that the kind lacks does not compile. A value; any thread may use it.

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "k8s/api/object.h"
#include "k8s/kubernetes/expansions.h"
#include "k8s/kubernetes/facts.h"
#include "k8s/kubernetes/resource_core.h"
#include "k8s/kubernetes/watcher.h"
#include "k8s/machinery/unstructured.h"

namespace k8s {

using kubernetes::PatchType;

// Named as in Go, for those who write the options out.
using metav1::ApplyOptions;
using metav1::CreateOptions;
using metav1::DeleteOptions;
using metav1::GetOptions;
using metav1::ListOptions;
using metav1::PatchOptions;
using metav1::UpdateOptions;

namespace kubernetes {

template <class T>
std::string_view NameOf(const T& object) {
  return object.metadata.name;
}
inline std::string_view NameOf(const Unstructured& object) { return object.GetName(); }

}  // namespace kubernetes

template <class T>
class ResourceClient : public kubernetes::Expansion<T> {
  using Core = kubernetes::ResourceCore;
  static constexpr bool Can(Verb verb) { return kubernetes::Supports<T>(verb); }
  static constexpr bool Has(kubernetes::Method method) { return kubernetes::Supports<T>(method); }

 public:
  using kubernetes::Expansion<T>::Expansion;

  Result<T> Get(std::string_view name, const GetOptions& options = {},
                const Context& ctx = {}) const requires(Can(Verb::kGet)) {
    return Core::template Call<T>(
        std::move(this->Start("GET").Name(name).VersionedParams(TypeOf<GetOptions>(), &options)),
        ctx);
  }

  // A program that reads lists of thousands again and again does well to turn off glibc's fast
  // bins, mallopt(M_MXFAST, 0): to merge what was freed into them is a part of the cost of the next
  // list (docs/performance.md).
  Result<ListOf<T>> List(const ListOptions& options = {}, const Context& ctx = {}) const
      requires(Can(Verb::kList)) {
    return Core::template CallList<T>(this->Listing("GET", options, false), ctx);
  }

  // The same list, of which `each` gets every object as soon as its bytes have arrived, so that
  // memory is bounded by the largest of them; false: enough. What went before an error was good. A
  // list that has an error before its first byte fails as List does, and is tried again as often.
  Result<metav1::ListMeta> ListEach(const ListOptions& options, std::function<bool(T&&)> each,
                                    const Context& ctx = {}) const requires(Can(Verb::kList)) {
    kubernetes::EachItem<T> sink(std::move(each));
    auto shell = Core::template CallList<ListOf<T>>(this->Listing("GET", options, false), sink,
                                                    rest::ListUse::kEach, ctx);
    if (!shell) return shell.error();
    return std::move(shell->metadata);
  }

  Result<Watcher<T>> Watch(const ListOptions& options = {}, const Context& ctx = {}) const
      requires(Can(Verb::kWatch)) {
    auto source = std::make_unique<kubernetes::WatchSource>(ctx);
    auto open = this->OpenWatch(options, source->ctx());
    if (!open) return open.error();
    auto stream = rest::WatchStream::Open(*std::move(open), this->Rest()->options().find_kind);
    if (!stream) return stream.error();
    source->stream = *std::move(stream);
    return Watcher<T>(std::move(source));
  }

  Result<T> Create(const T& object, const CreateOptions& options = {},
                   const Context& ctx = {}) const requires(Can(Verb::kCreate)) {
    rest::Request request = this->Start("POST");
    request.VersionedParams(TypeOf<CreateOptions>(), &options)
        .Body(TypeOf<T>(), &object, Core::MetaOf(TypeOf<T>()));
    return this->template Call<T>(
        std::move(request), {.verb = Verb::kCreate, .type = &TypeOf<T>(), .sent = &object}, ctx);
  }

  Result<T> Update(const T& object, const UpdateOptions& options = {},
                   const Context& ctx = {}) const requires(Can(Verb::kUpdate)) {
    return Put(object, {}, options, ctx);
  }

  Result<T> UpdateStatus(const T& object, const UpdateOptions& options = {},
                         const Context& ctx = {}) const requires(Has(kubernetes::kUpdateStatus)) {
    return Put(object, "status", options, ctx);
  }

  Result<void> Delete(std::string_view name, const DeleteOptions& options = {},
                      const Context& ctx = {}) const requires(Can(Verb::kDelete)) {
    return this->Call(this->Deleting(std::move(this->Start("DELETE").Name(name)), options),
                      {.verb = Verb::kDelete, .name = name, .options = &options}, ctx);
  }

  Result<void> DeleteCollection(const DeleteOptions& options = {}, const ListOptions& list = {},
                                const Context& ctx = {}) const
      requires(Can(Verb::kDeleteCollection)) {
    return this->Call(this->Deleting(this->Listing("DELETE", list, false), options),
                      {.verb = Verb::kDeleteCollection}, ctx);
  }

  Result<T> Patch(std::string_view name, PatchType type, std::string data,
                  const PatchOptions& options = {}, std::string_view subresource = {},
                  const Context& ctx = {}) const requires(Can(Verb::kPatch)) {
    rest::Request request = this->Start("PATCH");
    request.SetHeader("Content-Type", std::string(kubernetes::MediaTypeOf(type))).Name(name);
    if (!subresource.empty()) request.SubResource(subresource);
    request.VersionedParams(TypeOf<PatchOptions>(), &options).Body(data);
    return this->template Call<T>(std::move(request),
                                  {.verb = Verb::kPatch,
                                   .name = name,
                                   .subresource = subresource,
                                   .type = &TypeOf<T>(),
                                   .patch_type = type,
                                   .patch = data},
                                  ctx);
  }

  // Sends what differs from a fresh object. An explicit zero needs the form with Unstructured.
  Result<T> Apply(const T& object, const ApplyOptions& options = {}, const Context& ctx = {}) const
      requires(Can(Verb::kApply)) {
    return ApplyTo<T>(kubernetes::NameOf(object), object, options, {}, ctx);
  }
  Result<T> Apply(const Unstructured& object, const ApplyOptions& options = {},
                  const Context& ctx = {}) const
      requires(Can(Verb::kApply) && !std::is_same_v<T, Unstructured>) {
    return ApplyTo<T>(object.GetName(), object, options, {}, ctx);
  }
  Result<T> ApplyStatus(const T& object, const ApplyOptions& options = {},
                        const Context& ctx = {}) const requires(Has(kubernetes::kApplyStatus)) {
    return ApplyTo<T>(kubernetes::NameOf(object), object, options, "status", ctx);
  }

  // The scale of a kind that has one; an empty namespace is refused before anything is sent.
  template <class U = T>
  Result<kubernetes::ScaleOf<U>> GetScale(std::string_view name, const GetOptions& options = {},
                                          const Context& ctx = {}) const
      requires(kubernetes::Supports<U>(kubernetes::kGetScale)) {
    rest::Request request = this->StartInNamespace("GET", true);
    request.Name(name).SubResource("scale").VersionedParams(TypeOf<GetOptions>(), &options);
    return Core::template Call<kubernetes::ScaleOf<U>>(std::move(request), ctx);
  }
  template <class U = T>
  Result<kubernetes::ScaleOf<U>> UpdateScale(std::string_view name,
                                             const kubernetes::ScaleOf<U>& scale,
                                             const UpdateOptions& options = {},
                                             const Context& ctx = {}) const
      requires(kubernetes::Supports<U>(kubernetes::kUpdateScale)) {
    rest::Request request = this->StartInNamespace("PUT", true);
    request.Name(name).SubResource("scale").VersionedParams(TypeOf<UpdateOptions>(), &options);
    const TypeInfo& type = TypeOf<kubernetes::ScaleOf<U>>();
    request.Body(type, &scale, Core::MetaOf(type));
    return Core::template Call<kubernetes::ScaleOf<U>>(std::move(request), ctx);
  }
  template <class S, class U = T>
  Result<kubernetes::ScaleOf<U>> ApplyScale(std::string_view name, const S& scale,
                                            const ApplyOptions& options = {},
                                            const Context& ctx = {}) const
      requires(kubernetes::Supports<U>(kubernetes::kApplyScale)) {
    return ApplyTo<kubernetes::ScaleOf<U>>(name, scale, options, "scale", ctx);
  }

 private:
  Result<T> Put(const T& object, std::string_view subresource, const UpdateOptions& options,
                const Context& ctx) const {
    rest::Request request = this->Start("PUT");
    request.Name(kubernetes::NameOf(object));
    if (!subresource.empty()) request.SubResource(subresource);
    request.VersionedParams(TypeOf<UpdateOptions>(), &options)
        .Body(TypeOf<T>(), &object, Core::MetaOf(TypeOf<T>()));
    return this->template Call<T>(std::move(request),
                                  {.verb = Verb::kUpdate,
                                   .name = kubernetes::NameOf(object),
                                   .subresource = subresource,
                                   .type = &TypeOf<T>(),
                                   .sent = &object},
                                  ctx);
  }

  template <class R, class S>
  Result<R> ApplyTo(std::string_view name, const S& object, const ApplyOptions& options,
                    std::string_view subresource, const Context& ctx) const {
    const TypeInfo& type = TypeOf<S>();
    auto request = this->Applying(name, type, &object, Core::MetaOf(type), options, subresource);
    if (!request) return request.error();
    return this->template Call<R>(*std::move(request),
                                  {.verb = Verb::kApply,
                                   .name = name,
                                   .subresource = subresource,
                                   .type = &type,
                                   .sent = &object},
                                  ctx);
  }
};

}  // namespace k8s
