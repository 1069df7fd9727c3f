#pragma once

// How the driver of our own client reads calls and writes results, as PROTOCOL.md has them.
// Functions without state; any thread may call them.

#include <optional>
#include <string>
#include <string_view>

#include "k8s/base/result.h"
#include "k8s/kubernetes/resource_core.h"
#include "k8s/machinery/json.h"
#include "k8s/machinery/json_codec.h"
#include "k8s/machinery/unstructured.h"
#include "k8s/machinery/value.h"
#include "k8s/rest/watch_stream.h"

namespace k8s::conformance {

Value Failure(const Error& error);
Value Success();
Value Text(const Result<std::string>& text);
// The Status of an ERROR event.
Value AsValue(const Status& status);
kubernetes::PatchType PatchTypeOf(std::string_view name);
// "apps/v1/deployments"; "v1/pods".
metav1::GroupVersionResource ResourceOf(std::string_view text);
std::optional<Duration> DurationAt(const Value& value, std::string_view name);

template <class T>
Value AsValue(const T& object) {
  if constexpr (std::is_same_v<T, Unstructured>) {
    return object.content;
  } else {
    std::string text;
    const TypeInfo& type = TypeOf<T>();
    EncodeJson(type, &object, {std::string(type.api_version()), std::string(type.name)}, text);
    return ParseJson(text).value();
  }
}

template <class T>
Value Outcome(const Result<T>& result) {
  if (!result) return Failure(result.error());
  Value out = Success();
  if constexpr (!std::is_void_v<T>) out.Set("object", AsValue(*result));
  return out;
}

// The events, as many as the call asks for, or all until the end.
template <class Watcher>
Value Watched(Result<Watcher> watch, int64_t most) {
  if (!watch) return Failure(watch.error());
  Value out = Success();
  Value& events = out["events"] = Value::MakeArray();
  while (most == 0 || static_cast<int64_t>(events.array().size()) < most) {
    const auto event = watch->Next();
    if (!event) break;
    Value object = AsValue(event->object);
    if (event->type == rest::kError && watch->status()) object = AsValue(*watch->status());
    events.Append(Value::MakeObject({{"type", event->type}, {"object", std::move(object)}}));
  }
  return out;
}

template <class List>
Value Listed(const Result<List>& found) {
  if (!found) return Failure(found.error());
  Value out = Success();
  Value& items = out["items"] = Value::MakeArray();
  for (const auto& item : found->items) items.Append(AsValue(item));
  if constexpr (requires { found->content; }) {
    if (const Value* metadata = found->content.Find("metadata")) out["metadata"] = *metadata;
  } else {
    std::string metadata;
    EncodeJson(TypeOf<metav1::ListMeta>(), &found->metadata, {}, metadata);
    out["metadata"] = ParseJson(metadata).value();
  }
  return out;
}

template <class T>
Result<T> OptionsOf(const Value& call) {
  T options;
  const Value* given = call.Find("options");
  if (given == nullptr) return options;
  auto decoded = DecodeJson(ToJson(*given), TypeOf<T>(), &options);
  if (!decoded) return decoded.error();
  return options;
}

template <class T>
Result<T> ObjectOf(const Value& call) {
  const Value* given = call.Find("object");
  const Value object = given != nullptr ? *given : Value::MakeObject();
  if constexpr (std::is_same_v<T, Unstructured>) {
    return T{object};
  } else {
    T out;
    auto decoded = DecodeJson(ToJson(object), TypeOf<T>(), &out);
    if (!decoded) return decoded.error();
    return out;
  }
}

}  // namespace k8s::conformance
