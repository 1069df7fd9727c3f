#pragma once

// rest::Client is client-go's RESTClient: where one group version lives and how to speak to it. It
// starts requests. Immutable after its making; any thread may use it; shared by pointer.

#include <memory>
#include <string>

#include "k8s/base/env.h"
#include "k8s/http/replay_safe.h"
#include "k8s/http/round_tripper.h"
#include "k8s/http/url.h"
#include "k8s/machinery/type_info.h"
#include "k8s/rest/content.h"
#include "k8s/rest/warnings.h"

namespace k8s::rest {

class Request;

// Finds the type of a kind that a body says it is; null when nobody knows it.
using KindLookup = const TypeInfo* (*)(std::string_view api_version, std::string_view kind);

struct ClientOptions {
  http::Url base{};                // scheme, host and a path prefix without a slash at its end
  std::string api_path{};          // "/api/v1", "/apis/apps/v1", or "/" for raw requests
  std::string group{}, version{};  // of requests for resources
  ContentConfig content{};
  std::shared_ptr<http::RoundTripper> stack{};  // the layers and the transport below them
  std::shared_ptr<const http::ReplaySafe> retry_policy{};  // the one of the stack
  Duration timeout{};                                      // of each request: Config.Timeout
  WarningHandler warning_handler = LogWarnings();
  KindLookup find_kind = nullptr;
  Env env{};
};

class Client : public std::enable_shared_from_this<Client> {
 public:
  explicit Client(ClientOptions options);

  Request Get() const;
  Request Post() const;
  Request Put() const;
  Request Delete() const;
  Request Patch(std::string_view patch_type) const;  // "application/merge-patch+json"
  Request Verb(std::string_view method) const;

  const ClientOptions& options() const { return options_; }
  // The path that requests begin with: "/api/v1".
  const std::string& prefix() const { return prefix_; }
  // "apps/v1", "v1".
  std::string ApiVersion() const;

 private:
  ClientOptions options_;
  std::string prefix_;
};

}  // namespace k8s::rest
