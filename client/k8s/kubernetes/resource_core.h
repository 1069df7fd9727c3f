#pragma once

// What every typed client does, with the type taken out: ResourceClient<T> is a shell over this. A
// value that shares its rest::Client; any thread may use it.

#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "k8s/api/metav1.h"
#include "k8s/base/context.h"
#include "k8s/kubernetes/change.h"
#include "k8s/rest/list_stream.h"
#include "k8s/rest/request.h"
#include "k8s/rest/watch_stream.h"

namespace k8s::kubernetes {

// A request of a resource without a typed client, below the path of its group version. An empty
// namespace is all of them, an empty name the collection; subresources are not checked.
rest::Request RequestFor(const rest::Client& rest, std::string_view method,
                         const metav1::GroupVersionResource& resource, std::string_view namespace_,
                         std::string_view name = {},
                         std::initializer_list<std::string_view> subresources = {});

// Hands each item of a list to a function.
template <class T>
class EachItem final : public rest::ItemSink {
 public:
  explicit EachItem(std::function<bool(T&&)> each) : each_(std::move(each)) {}
  const TypeInfo& type() const override { return TypeOf<T>(); }
  void* Fresh() override { return &object_.emplace(); }
  bool Take(const TypeMeta&) override { return each_(*std::move(object_)); }

 private:
  std::function<bool(T&&)> each_;
  std::optional<T> object_;
};

// Keeps the items of a list.
template <class T>
class KeptItems final : public rest::ItemSink {
 public:
  const TypeInfo& type() const override { return TypeOf<T>(); }
  void* Fresh() override {
    if (items.size() > whole_) items.pop_back();
    return &items.emplace_back();
  }
  bool Take(const TypeMeta&) override {
    whole_ = items.size();
    return true;
  }
  void Expect(size_t count) override { items.reserve(count); }

  std::vector<T> items;  // after an error the last one is not whole

 private:
  size_t whole_ = 0;
};

class ResourceCore {
 public:
  ResourceCore(std::shared_ptr<const rest::Client> rest, std::string_view resource,
               std::string_view namespace_)
      : rest_(std::move(rest)), resource_(resource), namespace_(namespace_) {}

  const rest::Client& RESTClient() const { return *rest_; }

 protected:
  // A request for the collection; generated verbs prefer protobuf, hand-written ones do not.
  rest::Request Start(std::string_view method, bool generated = true) const;
  // The same of a namespace that must be set: subresources and hand-written methods (8.3).
  rest::Request StartInNamespace(std::string_view method, bool generated) const;
  rest::Request Listing(std::string_view method, const metav1::ListOptions& options,
                        bool watch) const;
  rest::Request Deleting(rest::Request request, const metav1::DeleteOptions& options) const;
  Result<rest::Request> Applying(std::string_view name, const TypeInfo& type, const void* object,
                                 const TypeMeta& meta, const metav1::ApplyOptions& options,
                                 std::string_view subresource) const;
  Result<rest::OpenStream> OpenWatch(const metav1::ListOptions& options, const Context& ctx) const;

  // Sends it and decodes the answer; T{} when the answer is of another known kind (C-3.25).
  template <class T>
  static Result<T> Call(rest::Request request, const Context& ctx) {
    Result<T> result(std::in_place);
    Settle(result, Send(request, ctx, TypeOf<T>(), &*result));
    return result;
  }
  // The same of a list, whose items go to the sink while they arrive: the list without them.
  template <class L>
  static Result<L> CallList(rest::Request request, rest::ItemSink& sink, rest::ListUse use,
                            const Context& ctx) {
    Result<L> result(std::in_place);
    Settle(result, SendList(request, ctx, TypeOf<L>(), &*result, sink, use));
    return result;
  }
  // A list with its items: they are decoded while they arrive, so that its bytes and its objects
  // are never in memory both.
  template <class T>
  static Result<ListOf<T>> CallList(rest::Request request, const Context& ctx) {
    KeptItems<T> sink;
    auto list = CallList<ListOf<T>>(std::move(request), sink, rest::ListUse::kWhole, ctx);
    if (list && list->items.empty()) list->items = std::move(sink.items);
    return list;
  }
  // Sends it; any answer from 200 to 206 will do (C-8.6).
  static Result<void> Call(rest::Request request, const Context& ctx);

  // The same of changes, which ReplaySafe looks after.
  template <class T>
  Result<T> Call(rest::Request request, const Change& change, const Context& ctx) const {
    if (!rest_->options().retry_policy) return Call<T>(std::move(request), ctx);
    Result<T> result(std::in_place);
    const Landing landing{&*result, [&result](const rest::Answer& answer) {
                            return answer.Into(TypeOf<T>(), &result.emplace());
                          }};
    Settle(result, SendSafely(std::move(request), change, landing, ctx));
    return result;
  }
  Result<void> Call(rest::Request request, const Change& change, const Context& ctx) const;

  // The kind and version to put on an object of that type.
  static TypeMeta MetaOf(const TypeInfo& type) {
    return {std::string(type.api_version()), std::string(type.name)};
  }

  const std::string& Namespace() const { return namespace_; }
  const std::string& Resource() const { return resource_; }
  const std::shared_ptr<const rest::Client>& Rest() const { return rest_; }

 private:
  // What was read becomes the result where it is: a copy of a pod is two kilobytes.
  template <class T>
  static void Settle(Result<T>& result, const Result<bool>& read) {
    if (!read) {
      result.Fail(read.error());
    } else if (!*read) {
      result.emplace();
    }
  }
  static Result<bool> Send(rest::Request& request, const Context& ctx, const TypeInfo& type,
                           void* object);
  static Result<bool> SendList(rest::Request& request, const Context& ctx, const TypeInfo& type,
                               void* shell, rest::ItemSink& sink, rest::ListUse use);
  Result<bool> SendSafely(rest::Request request, const Change& change, const Landing& landing,
                          const Context& ctx) const;

  std::shared_ptr<const rest::Client> rest_;
  std::string resource_;
  std::string namespace_;
};

}  // namespace k8s::kubernetes
