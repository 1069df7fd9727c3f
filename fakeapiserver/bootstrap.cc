#include "fakeapiserver/bootstrap.h"

#include "k8s/base/log.h"
#include "k8s/base/strings.h"
#include "k8s/machinery/json.h"

namespace k8s::fakeapiserver {
namespace {

// One JSON document a line, in the order of creation.
constexpr std::string_view kObjects[] = {
    R"({"apiVersion":"v1","kind":"Namespace","metadata":{"name":"kube-system"}})",
    R"({"apiVersion":"v1","kind":"Namespace","metadata":{"name":"kube-node-lease"}})",
    R"({"apiVersion":"v1","kind":"Namespace","metadata":{"name":"kube-public"}})",
    R"({"apiVersion":"v1","kind":"Namespace","metadata":{"name":"default"}})",
    R"({"apiVersion":"networking.k8s.io/v1","kind":"ServiceCIDR","metadata":{"name":"kubernetes"},"spec":{"cidrs":["10.0.0.0/24"]}})",
    R"({"apiVersion":"v1","kind":"Service","metadata":{"name":"kubernetes","namespace":"default","labels":{"component":"apiserver","provider":"kubernetes"}},"spec":{"clusterIP":"10.0.0.1","ports":[{"name":"https","port":443,"targetPort":6443}]}})",
    R"({"apiVersion":"v1","kind":"Endpoints","metadata":{"name":"kubernetes","namespace":"default","labels":{"endpointslice.kubernetes.io/skip-mirror":"true"}},"subsets":[{"addresses":[{"ip":"192.0.2.1"}],"ports":[{"name":"https","port":6443}]}]})",
    R"({"apiVersion":"discovery.k8s.io/v1","kind":"EndpointSlice","metadata":{"name":"kubernetes","namespace":"default","labels":{"kubernetes.io/service-name":"kubernetes"}},"addressType":"IPv4","endpoints":[{"addresses":["192.0.2.1"],"conditions":{"ready":true}}],"ports":[{"name":"https","port":6443}]})",
    R"({"apiVersion":"scheduling.k8s.io/v1","kind":"PriorityClass","metadata":{"name":"system-node-critical"},"value":2000001000,"description":"Used for system critical pods that must not be moved from their current node."})",
    R"({"apiVersion":"scheduling.k8s.io/v1","kind":"PriorityClass","metadata":{"name":"system-cluster-critical"},"value":2000000000,"description":"Used for system critical pods that must run in the cluster, but can be moved to another node if necessary."})",
    R"({"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole","metadata":{"name":"cluster-admin","labels":{"kubernetes.io/bootstrapping":"rbac-defaults"},"annotations":{"rbac.authorization.kubernetes.io/autoupdate":"true"}},"rules":[{"apiGroups":["*"],"resources":["*"],"verbs":["*"]},{"nonResourceURLs":["*"],"verbs":["*"]}]})",
    R"({"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRoleBinding","metadata":{"name":"cluster-admin","labels":{"kubernetes.io/bootstrapping":"rbac-defaults"},"annotations":{"rbac.authorization.kubernetes.io/autoupdate":"true"}},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"cluster-admin"},"subjects":[{"apiGroup":"rbac.authorization.k8s.io","kind":"Group","name":"system:masters"}]})",
    R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"kube-apiserver-legacy-service-account-token-tracking","namespace":"kube-system"},"data":{"since":"2026-01-01"}})",
    R"({"apiVersion":"networking.k8s.io/v1","kind":"IPAddress","metadata":{"name":"10.0.0.1","labels":{"ipaddress.kubernetes.io/ip-family":"IPv4","ipaddress.kubernetes.io/managed-by":"ipallocator.k8s.io"}},"spec":{"parentRef":{"resource":"services","namespace":"default","name":"kubernetes"}}})",
    R"({"apiVersion":"v1","kind":"ComponentStatus","metadata":{"name":"scheduler"},"conditions":[{"type":"Healthy","status":"False","message":"Get \"https://127.0.0.1:10259/healthz\": dial tcp 127.0.0.1:10259: connect: connection refused"}]})",
    R"({"apiVersion":"v1","kind":"ComponentStatus","metadata":{"name":"controller-manager"},"conditions":[{"type":"Healthy","status":"False","message":"Get \"https://127.0.0.1:10257/healthz\": dial tcp 127.0.0.1:10257: connect: connection refused"}]})",
    R"({"apiVersion":"v1","kind":"ComponentStatus","metadata":{"name":"etcd-0"},"conditions":[{"type":"Healthy","status":"True","message":"ok"}]})",
};

void Create(Core& core, const Value& tree) {
  const Served* served =
      core.registry.FindKind(tree.StringAt({"apiVersion"}), tree.StringAt({"kind"}));
  if (!served) return;
  http::Request request;
  request.headers.Set("User-Agent", "kube-apiserver");
  Call call{request};
  call.served = served;
  call.info.verb = "create";
  call.info.resource = served->resource;
  call.info.ns = std::string(tree.StringAt({"metadata", "namespace"}));
  auto decoded = DecodeTree(call, tree, *served->type, {});
  auto created =
      decoded ? CreateTree(core, call, *std::move(decoded)) : Result<ObjectPtr>(decoded.error());
  if (!created)
    Log(0, Cat("bootstrap ", served->resource, " ", tree.StringAt({"metadata", "name"}), ": ",
               created.error().message()));
}

}  // namespace

void Bootstrap(Core& core) {
  const auto lock = core.store.LockWrites();
  for (std::string_view text : kObjects) {
    if (auto tree = ParseJson(text)) Create(core, *tree);
  }
}

}  // namespace k8s::fakeapiserver
