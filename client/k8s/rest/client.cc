#include "k8s/rest/client.h"

#include "k8s/base/mutant.h"
#include "k8s/base/strings.h"
#include "k8s/rest/request.h"

namespace k8s::rest {

Client::Client(ClientOptions options)
    : options_(std::move(options)),
      prefix_(http::CleanPath(Cat(options_.base.path, options_.api_path))) {}

Request Client::Get() const { return Verb("GET"); }
Request Client::Post() const { return Verb("POST"); }
Request Client::Put() const { return Verb("PUT"); }
Request Client::Delete() const { return Verb("DELETE"); }

Request Client::Patch(std::string_view patch_type) const {
  return std::move(Verb("PATCH").SetHeader(
      "Content-Type",
      std::string(K8S_MUTATED("patches_are_plain_json", "application/json", patch_type))));
}

Request Client::Verb(std::string_view method) const { return {shared_from_this(), method}; }

std::string Client::ApiVersion() const {
  return options_.group.empty() ? options_.version : Cat(options_.group, "/", options_.version);
}

}  // namespace k8s::rest
