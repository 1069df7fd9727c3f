#pragma once

// Objects in Kubernetes' protobuf, made from their JSON by way of the type's struct. Any thread.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fakeapiserver/answer.h"
#include "fakeapiserver/registry.h"
#include "fakeapiserver/store.h"
#include "k8s/machinery/value.h"

namespace k8s::fakeapiserver {

// A tree of that type in its envelope.
Result<std::string> EncodeTree(const Value& tree, const TypeInfo& type);
// The tree of an enveloped object; kind and apiVersion stand in it as the envelope says.
Result<Value> DecodeTreeFromProtobuf(std::string_view bytes, const TypeInfo& type);
// The message of an object at rest, without envelope; made once. REQUIRES: served is its storage
// version.
Result<std::shared_ptr<const std::string>> ProtobufOf(const ObjectPtr& object,
                                                      const Served& served);
// The envelope around a message that is not copied.
Slices Envelope(std::string_view api_version, std::string_view kind,
                std::shared_ptr<const std::string> message);
Slices ProtobufList(const Served& served, Revision revision, const std::string& token,
                    std::optional<int64_t> remaining,
                    std::vector<std::shared_ptr<const std::string>> items);

}  // namespace k8s::fakeapiserver
