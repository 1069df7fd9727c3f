// Every namespace has a ServiceAccount `default` and a ConfigMap with the root certificates.

#include <set>

#include "fakeapiserver/controllers.h"

namespace k8s::fakeapiserver {
namespace {

constexpr char kAccount[] = "default";
constexpr char kCertificates[] = "kube-root-ca.crt";
constexpr char kDescription[] =
    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal "
    "endpoints such as the "
    "internal service IP or kubernetes.default.svc. No other usage is guaranteed across "
    "distributions of Kubernetes "
    "clusters.";

class ServiceAccountController final : public Controller {
 public:
  ServiceAccountController(const ControllerClient& client,
                           std::function<std::string()> root_certificates)
      : client_(client), root_certificates_(std::move(root_certificates)) {}

  void Restart() override { look_at_.clear(); }

  void See(const Change& change) override {
    const Key& key = (change.now ? change.now : change.before)->key;
    if (key.resource == "namespaces" && change.now) {
      look_at_.insert(key.name);
    } else if ((key.resource == "serviceaccounts" && key.name == kAccount && !change.now) ||
               (key.resource == "configmaps" && key.name == kCertificates)) {
      look_at_.insert(key.ns);
    }
  }

  void Work() override {
    for (const std::string& ns : std::exchange(look_at_, {})) {
      const ObjectPtr space = client_.Get({"namespaces", "", ns});
      if (space && !space->terminating) Furnish(ns);
    }
  }

 private:
  void Furnish(const std::string& ns) const {
    if (!client_.Get({"serviceaccounts", ns, kAccount})) {
      client_.Create(
          "serviceaccounts", ns,
          Value::MakeObject(
              {{"metadata", Value::MakeObject({{"name", kAccount}, {"namespace", ns}})}}));
    }
    const Value data = Value::MakeObject({{"ca.crt", root_certificates_()}});
    const ObjectPtr map = client_.Get({"configmaps", ns, kCertificates});
    if (!map) {
      client_.Create(
          "configmaps", ns,
          Value::MakeObject(
              {{"metadata",
                Value::MakeObject({{"name", kCertificates},
                                   {"namespace", ns},
                                   {"annotations", Value::MakeObject({{"kubernetes.io/description",
                                                                       kDescription}})}})},
               {"data", data}}));
      return;
    }
    Value tree = client_.TreeOf(*map);
    const Value* held = tree.Find("data");
    if (held != nullptr && *held == data && map->terminating == false) return;
    tree.Set("data", data);
    if (!map->terminating) client_.Update(*map, tree);
  }

  const ControllerClient& client_;
  const std::function<std::string()> root_certificates_;
  std::set<std::string> look_at_;  // namespaces
};

}  // namespace

std::unique_ptr<Controller> NewServiceAccountController(
    const ControllerClient& client, std::function<std::string()> root_certificates) {
  return std::make_unique<ServiceAccountController>(client, std::move(root_certificates));
}

}  // namespace k8s::fakeapiserver
