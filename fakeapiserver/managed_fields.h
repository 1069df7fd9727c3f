#pragma once

// Who owns which field: metadata.managedFields (chapter 7.6), kept up on plain writes and on apply.
// A FieldSet is a tree of path elements as fieldsV1 spells them ("f:spec", `k:{"name":"a"}`,
// "v:1"). Pure functions on trees.

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "fakeapiserver/api_error.h"
#include "k8s/base/result.h"
#include "k8s/machinery/type_info.h"
#include "k8s/machinery/value.h"

namespace k8s::fakeapiserver {

struct FieldOwner {
  std::string manager{};
  bool apply = false;
  std::string api_version{};
  std::string subresource{};
};

// The same object in another version of its resource, in which somebody owns fields of it.
struct OtherVersion {
  const TypeInfo* type = nullptr;
  std::function<Value(Value)> there{};
  std::function<Value(Value)> back{};
};
// By apiVersion; none where the version is not served or differs in name only.
using OtherVersions = std::function<std::optional<OtherVersion>(std::string_view api_version)>;

// The JSON of metadata.managedFields of a new object; "" when it has none. It is text because what
// becomes of it is only ever written.
std::string OwnersOfNew(const Value& made, const TypeInfo& type, const FieldOwner& owner,
                        std::string_view time);
// Puts that into the object.
void TrackCreate(Value& made, const TypeInfo& type, const FieldOwner& owner, std::string_view time);

// Rewrites metadata.managedFields of `now` after an update. `sent` is what the client sent as
// managedFields, null when it sent none.
void TrackUpdate(const Value& old, Value& now, Value sent, const TypeInfo& type,
                 const FieldOwner& owner, std::string_view time,
                 const OtherVersions& versions = {});

// Server-side apply of a partial object (chapter 7.5) to the live one (null: none yet).
Result<Value> ApplyObject(const Value* live, const Value& applied, const TypeInfo& type,
                          const FieldOwner& owner, bool force, std::string_view time,
                          const OtherVersions& versions = {});

}  // namespace k8s::fakeapiserver
