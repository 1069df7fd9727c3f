#pragma once

// The clients that a task is played with, and the calls that are not the common verbs of typed and
// dynamic clients. Any thread may make calls.

#include <memory>
#include <optional>
#include <string>

#include "k8s/base/env.h"
#include "k8s/discovery/cached.h"
#include "k8s/kubernetes/clientset.h"
#include "k8s/kubernetes/dynamic.h"
#include "k8s/kubernetes/metadata.h"
#include "k8s/kubernetes/scale.h"
#include "k8s/machinery/value.h"

namespace k8s::conformance {

struct Clients {
  Clientset typed;
  dynamic::Client dynamic;
  metadata::Client metadata;
  scale::Client scale;
  discovery::Client discovery;
  std::shared_ptr<discovery::CachedInterface> cached;
  std::string kind{};  // "dynamic", "typed", "metadata", "scale"
  Env env{};

  static Result<Clients> For(const rest::Config& config, std::string_view kind);
};

// nullopt: a common verb.
std::optional<Value> SpecialCall(const Clients& clients, const std::string& verb, const Value& call,
                                 const Context& ctx);
// A common verb with the client of metadata.
Value OfMetadata(const Clients& clients, const std::string& verb, const Value& call,
                 const Context& ctx);

}  // namespace k8s::conformance
