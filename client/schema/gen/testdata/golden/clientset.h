#pragma once

// Made by k8s-gen from client/schema/. Edits are lost.
// Clientset: one accessor a group version, as Go's kubernetes.Interface. It includes no API
// types: include k8s/api/<package>.h for those in use. Copying is cheap; all copies share one
// stack; any thread may call any member.

#include "k8s/kubernetes/clientset_base.h"
#include "k8s/kubernetes/expansions.h"
#include "k8s/kubernetes/resource_client.h"

namespace k8s {

namespace samplev1 {
struct Machine;
struct Depot;
}
namespace samplev1 {
struct Scale;
}

namespace kubernetes {
template <>
struct Facts<samplev1::Machine> {
  static constexpr uint32_t verbs = kAllVerbs;
  static constexpr uint32_t methods = Method::kUpdateStatus | Method::kApplyStatus | Method::kGetScale | Method::kUpdateScale;
  using Scale = samplev1::Scale;
};
template <>
struct Facts<samplev1::Depot> {
  static constexpr uint32_t verbs = VerbBit(Verb::kCreate) | VerbBit(Verb::kGet);
  static constexpr uint32_t methods = 0;
};
}  // namespace kubernetes

namespace samplev1 {
class Client : public kubernetes::GroupClient {
 public:
  using GroupClient::GroupClient;
  ResourceClient<samplev1::Machine> Machines(std::string_view namespace_ = {}) const {
    return {rest_, "machines", namespace_};
  }
  ResourceClient<samplev1::Depot> Depots() const {
    return {rest_, "depots", {}};
  }
};
}  // namespace samplev1

class Clientset : public kubernetes::ClientsetBase {
 public:
  // Makes the shared transport and limiter; no network I/O. Rules: C-1.5 to C-1.10.
  static Result<Clientset> NewForConfig(const rest::Config& config) {
    return Make(config).transform([](ClientsetBase base) { return Clientset(std::move(base)); });
  }

  samplev1::Client SampleV1() const { return samplev1::Client(Group("sample.example.com", "v1")); }

 private:
  explicit Clientset(ClientsetBase base) : ClientsetBase(std::move(base)) {}
};

}  // namespace k8s
