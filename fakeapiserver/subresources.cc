// Subresources with a handler of their own, and the kinds that are only created and never stored
// (chapter 8 of the specification).

#include <algorithm>
#include <map>

#include "fakeapiserver/core.h"
#include "fakeapiserver/defaults.h"
#include "fakeapiserver/go_text.h"
#include "fakeapiserver/managed_fields.h"
#include "fakeapiserver/tables.h"
#include "fakeapiserver/tree_access.h"
#include "fakeapiserver/typed_tree.h"
#include "k8s/api/authenticationv1.h"
#include "k8s/api/autoscalingv1.h"
#include "k8s/api/corev1.h"
#include "k8s/api/policyv1.h"
#include "k8s/base/base64.h"
#include "k8s/base/strings.h"
#include "k8s/machinery/json.h"
#include "k8s/machinery/json_patch.h"
#include "k8s/machinery/labels.h"
#include "k8s/machinery/merge_patch.h"
#include "k8s/machinery/scalars.h"
#include "k8s/machinery/yaml.h"

namespace k8s::fakeapiserver {
namespace {

constexpr std::string_view kAudience = "https://kubernetes.default.svc";

Answer Created(const Call& call) {
  const Value status = Value::MakeObject({{"kind", "Status"},
                                          {"apiVersion", "v1"},
                                          {"metadata", Value::MakeObject()},
                                          {"status", "Success"},
                                          {"code", 201}});
  Output plain = call.output;
  plain.view = View::kWhole;
  return RenderPlain(status, plain, 201, &TypeOf<Status>());
}

// --- scale ---

Value ScaleOf(const Value& object) {
  Value scale = Value::MakeObject({{"kind", "Scale"}, {"apiVersion", "autoscaling/v1"}});
  for (std::string_view name :
       {"name", "namespace", "uid", "resourceVersion", "creationTimestamp"}) {
    if (const Value* member = object.Find({"metadata", name})) scale["metadata"].Set(name, *member);
  }
  scale["spec"] = Value::MakeObject();
  if (const int64_t replicas = object.IntAt({"spec", "replicas"}))
    scale["spec"].Set("replicas", replicas);
  scale["status"].Set("replicas", object.IntAt({"status", "replicas"}));
  const Value* selector = object.Find({"spec", "selector"});
  if (selector) {
    // A replication controller's selector is the labels themselves.
    const bool plain = object.StringAt({"kind"}) == "ReplicationController";
    const Value wrapped = plain ? Value::MakeObject({{"matchLabels", *selector}}) : *selector;
    auto parsed = labels::Selector::FromValue(&wrapped);
    if (parsed && !parsed->String().empty()) scale["status"].Set("selector", parsed->String());
  }
  return scale;
}

Result<Answer> RenderScale(Core& core, const Call& call, const Value& object) {
  Value scale = ScaleOf(object);
  if (call.output.view == View::kTable) {
    const std::string revision(scale.StringAt({"metadata", "resourceVersion"}));
    std::vector<Value> rows;
    rows.push_back(std::move(scale));
    auto table = MakeTable(core,
                           {call.output.meta_version, call.Parameter("includeObject"), call.served,
                            "autoscaling/Scale"},
                           std::move(rows), false, true);
    if (!table) return table.error();
    (*table)["metadata"].Set("resourceVersion", revision);
    return RenderPlain(*table, call.output);
  }
  return RenderPlain(scale, call.output, 200, &TypeOf<autoscalingv1::Scale>());
}

// The scale that the request wants, given the present one.
Result<Value> WantedScale(Call& call, const Value& present) {
  const TypeInfo& type = TypeOf<autoscalingv1::Scale>();
  if (call.info.verb == "update") return DecodeBody(call, type);
  static const std::string kNoBody;
  const std::string& body = call.request.body ? *call.request.body : kNoBody;
  const std::string media = BaseType(call.request.headers.Get("Content-Type"));
  Value wanted = present;
  wanted["metadata"].Remove("resourceVersion");
  auto patch = media == "application/apply-patch+yaml" ? ParseYamlDocument(body) : ParseJson(body);
  if (!patch) return BadRequest("invalid JSON patch");
  if (media == "application/json-patch+json") {
    if (!patch->is_array() || !ApplyJsonPatch(*patch, wanted)) {
      return RouterError(422, "Invalid",
                         "the server rejected our request due to an error in our request");
    }
  } else {
    ApplyMergePatch(*patch, wanted);
  }
  return DecodeTree(call, std::move(wanted), type, {});
}

// A write of the scale owns the number, whatever it is, in an entry without a time. Where the
// number stays, the entry does not even say that it comes from the scale.
void OwnReplicas(const Call& call, Value& now, bool changes) {
  Value* entries = now.Find({"metadata", "managedFields"});
  if (!entries || !entries->is_array()) return;
  const std::string manager = ManagerOf(call);
  Value own = Value::MakeObject({{"manager", manager},
                                 {"operation", "Update"},
                                 {"apiVersion", call.served->api_version},
                                 {"fieldsType", "FieldsV1"}});
  own["fieldsV1"]["f:spec"]["f:replicas"] = Value::MakeObject();
  if (changes) own.Set("subresource", "scale");
  Value::Array kept = {std::move(own)};
  for (Value& entry : entries->array()) {
    Value* fields = entry.Find("fieldsV1");
    if (Value* spec = fields ? fields->Find("f:spec") : nullptr) {
      spec->Remove("f:replicas");
      if (spec->is_object() && spec->object().empty()) fields->Remove("f:spec");
    }
    if (fields && fields->is_object() && !fields->object().empty())
      kept.push_back(std::move(entry));
  }
  *entries = Value(std::move(kept));
}

Result<Answer> ServeScale(Core& core, Call& call) {
  if (call.info.verb == "get") {
    const ObjectPtr object = core.store.Get(call.key());
    if (!object) return NotFound(call.resource(), call.info.name);
    return RenderScale(core, call, TreeOf(*object, *call.served));
  }
  if (auto options =
          CheckWriteOptions(call, call.info.verb == "patch" ? "PatchOptions" : "UpdateOptions");
      !options)
    return options.error();
  const auto lock = core.store.LockWrites();
  const ObjectPtr object = core.store.Get(call.key());
  if (!object) return NotFound(call.resource(), call.info.name);
  auto wanted = WantedScale(call, ScaleOf(TreeOf(*object, *call.served)));
  if (!wanted) return wanted.error();
  const std::string name(wanted->StringAt({"metadata", "name"}));
  if (name != call.info.name) {
    if (name.empty())
      return BadRequest(Cat("the name of the object (", call.info.name,
                            " based on URL) was undeterminable: name must be provided"));
    return BadRequest(Cat("the name of the object (", name,
                          ") does not match the name on the URL (", call.info.name, ")"));
  }
  const std::string ns(wanted->StringAt({"metadata", "namespace"}));
  if (!ns.empty() && ns != call.info.ns)
    return BadRequest(
        "the namespace of the provided object does not match the namespace sent on the request");
  const int64_t replicas = wanted->IntAt({"spec", "replicas"});
  if (replicas < 0) {
    return InvalidObject(
        {"autoscaling", "Scale"}, call.info.name,
        {InvalidValue("spec.replicas", replicas, "must be greater than or equal to 0")});
  }
  const auto change = [&](const Value& live) -> Result<Value> {
    Value now = live;
    OwnReplicas(call, now, replicas != live.IntAt({"spec", "replicas"}));
    now["spec"].Set("replicas", replicas);
    now["metadata"].Remove("resourceVersion");
    for (std::string_view lock_member : {"resourceVersion", "uid"}) {
      if (const auto text = wanted->StringAt({"metadata", lock_member}); !text.empty())
        now["metadata"].Set(lock_member, text);
    }
    return now;
  };
  auto updated = UpdateTree(core, call, object, change, true);
  if (!updated) return updated.error();
  return RenderScale(core, call,
                     updated->object ? TreeOf(*updated->object, *call.served) : updated->tree);
}

// --- pods ---

// Changes an object past the checks of ordinary updates, as the server does for itself.
Result<ObjectPtr> Rewrite(Core& core, const Call& call, const Served& served,
                          const ObjectPtr& object, const std::function<void(Value&)>& change) {
  Value tree = TreeOf(*object, *served.storage);
  change(tree);
  if (call.dry_run) return object;
  const Revision revision = core.store.NextRevision();
  tree["metadata"].Set("resourceVersion", std::to_string(revision));
  auto normal = Normalise(std::move(tree), *served.storage->type);
  if (!normal) return normal.error();
  ObjectPtr stored = MakeObject(*std::move(normal), served, revision);
  core.store.Put(stored);
  return stored;
}

Value* ConditionOf(Value& object, std::string_view type) {
  Value& conditions = object["status"]["conditions"];
  if (!conditions.is_array()) conditions = Value::MakeArray();
  for (Value& one : conditions.array()) {
    if (one.StringAt({"type"}) == type) return &one;
  }
  conditions.Append(Value::MakeObject({{"type", type}}));
  return &conditions.array().back();
}

Result<Answer> BindPod(Core& core, Call& call, const Served& pods, const std::string& name,
                       const Value& binding) {
  const GroupResource shown{"", "pods/binding"};
  const std::string kind(binding.StringAt({"target", "kind"})),
      node(binding.StringAt({"target", "name"}));
  FieldErrors errors;
  if (!kind.empty() && kind != "Node")
    errors.push_back(Unsupported("target.kind", kind, {"Node", "<empty>"}));
  if (node.empty()) errors.push_back(Required("target.name"));
  if (!errors.empty()) return Untyped(AllOf(errors));
  const auto lock = core.store.LockWrites();
  const ObjectPtr pod = core.store.Get({"pods", call.info.ns, name});
  if (!pod) return NotFound({"", "pods"}, name);
  if (const std::string uid(binding.StringAt({"metadata", "uid"}));
      !uid.empty() && uid != pod->uid) {
    return Conflict(
        {"", "pods"}, name,
        Cat("StorageError: invalid object, Code: 4, Key: /registry/pods/", call.info.ns, "/", name,
            ", ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: ",
            uid, ", UID in object meta: ", pod->uid));
  }
  const Value tree = TreeOf(*pod, pods);
  if (pod->terminating)
    return Conflict(shown, name,
                    Cat("pod ", name, " is being deleted, cannot be assigned to a host"));
  if (const auto bound = tree.StringAt({"spec", "nodeName"}); !bound.empty()) {
    return Conflict(shown, name, Cat("pod ", name, " is already assigned to node ", Quote(bound)));
  }
  if (!ListAt(tree, {"spec", "schedulingGates"}).empty())
    return Conflict(shown, name, Cat("pod ", name, " has non-empty .spec.schedulingGates"));
  auto stored = Rewrite(core, call, pods, pod, [&](Value& now) {
    now["spec"].Set("nodeName", node);
    for (std::string_view map : {"annotations", "labels"}) {
      const Value* given = binding.Find({"metadata", map});
      if (!given || !given->is_object()) continue;
      for (const auto& [key, value] : given->object()) now["metadata"][map].Set(key, value);
    }
    Value& condition = *ConditionOf(now, "PodScheduled");
    condition.Set("status", "True");
    condition.Set("lastTransitionTime", core.NowText());
  });
  if (!stored) return stored.error();
  return Created(call);
}

Result<Answer> ServeBinding(Core& core, Call& call) {
  auto binding = DecodeBody(call, TypeOf<corev1::Binding>());
  if (!binding) return binding.error();
  if (auto options = CheckWriteOptions(call, "CreateOptions"); !options) return options.error();
  const std::string name(binding->StringAt({"metadata", "name"}));
  if (!call.info.name.empty() && name != call.info.name)
    return BadRequest("name in URL does not match name in Binding object");
  return BindPod(core, call, *core.registry.Find("", "v1", "pods"), name, *binding);
}

bool IsReady(const Value& pod) {
  for (const Value& one : ListAt(pod, {"status", "conditions"})) {
    if (one.StringAt({"type"}) == "Ready") return one.StringAt({"status"}) == "True";
  }
  return false;
}

Error TooManyDisruptions(std::string message, int retry_after) {
  Status status;
  status.status = "Failure";
  status.code = 429;
  status.reason = "TooManyRequests";
  status.message = "Cannot evict pod as it would violate the pod's disruption budget.";
  StatusDetails& details = status.details.emplace();
  details.causes.push_back({"DisruptionBudget", std::move(message), ""});
  details.retryAfterSeconds = retry_after;
  return Error::Api(std::move(status));
}

// Takes one disruption out of the budget that covers the pod, if one does (chapter 8.4).
Result<void> SpendBudget(Core& core, Call& call, const Object& pod, const Value& tree) {
  const Served& budgets = *core.registry.Find("policy", "v1", "poddisruptionbudgets");
  const auto page = core.store.List({budgets.StoreName(), call.info.ns, {}, {}}, 0, 0, "");
  std::vector<ObjectPtr> matching;
  for (const ObjectPtr& budget : page->objects) {
    const Value one = TreeOf(*budget, budgets);
    auto selector = labels::Selector::FromValue(one.Find({"spec", "selector"}));
    if (selector && selector->Matches(pod.labels)) matching.push_back(budget);
  }
  if (matching.empty()) return {};
  if (matching.size() > 1) {
    return Untyped(
        "This pod has more than one PodDisruptionBudget, which the eviction subresource does not "
        "support.");
  }
  const Value budget = TreeOf(*matching[0], budgets);
  const std::string name = matching[0]->key.name;
  const int64_t allowed = budget.IntAt({"status", "disruptionsAllowed"}),
                healthy = budget.IntAt({"status", "currentHealthy"}),
                desired = budget.IntAt({"status", "desiredHealthy"});
  const std::string_view policy =
      budget.StringAt({"spec", "unhealthyPodEvictionPolicy"}, "IfHealthyBudget");
  if (!IsReady(tree) && (policy == "AlwaysAllow" || (healthy >= desired && desired > 0))) return {};
  if (budget.IntAt({"status", "observedGeneration"}) < budget.IntAt({"metadata", "generation"})) {
    return TooManyDisruptions(
        Cat("The disruption budget ", name, " is still being processed by the server."), 10);
  }
  if (allowed <= 0) {
    return TooManyDisruptions(
        Cat("The disruption budget ", name, " needs ", std::to_string(desired),
            " healthy pods and has ", std::to_string(healthy), " currently"),
        0);
  }
  auto stored = Rewrite(core, call, budgets, matching[0], [&](Value& now) {
    const Value before = now;
    now["status"].Set("disruptionsAllowed", allowed - 1);
    now["status"]["disruptedPods"].Set(pod.key.name, core.NowText());
    Value& condition = *ConditionOf(now, "DisruptionAllowed");
    condition.Set("status", allowed > 1 ? "True" : "False");
    condition.Set("observedGeneration", now.IntAt({"status", "observedGeneration"}));
    condition.Set("lastTransitionTime", core.NowText());
    condition.Set("reason", allowed > 1 ? "SufficientPods" : "InsufficientPods");
    condition.Set("message", "");
    TrackUpdate(before, now, {}, *budgets.type,
                {"kube-apiserver", false, budgets.api_version, "status"}, core.NowText());
  });
  if (!stored) return stored.error();
  return {};
}

Result<Answer> ServeEviction(Core& core, Call& call) {
  auto eviction = DecodeBody(call, TypeOf<policyv1::Eviction>(), "policy/v1beta1");
  if (!eviction) return eviction.error();
  if (auto options = CheckWriteOptions(call, "CreateOptions"); !options) return options.error();
  if (eviction->StringAt({"metadata", "name"}) != call.info.name)
    return BadRequest("name in URL does not match name in Eviction object");
  if (!ListAt(*eviction, {"deleteOptions", "dryRun"}).empty()) call.dry_run = true;
  const Value* given = eviction->Find("deleteOptions");
  Value options = given && given->is_object() ? *given : Value::MakeObject();
  {
    const auto lock = core.store.LockWrites();
    const ObjectPtr pod = core.store.Get(call.key());
    if (!pod) return NotFound({"", "pods"}, call.info.name);
    const Value tree = TreeOf(*pod, *call.served);
    if (const std::string uid(options.StringAt({"preconditions", "uid"}));
        !uid.empty() && uid != pod->uid) {
      return Conflict(
          {"", "Pod"}, call.info.name,
          Cat("the UID in the precondition (", uid, ") does not match the UID in record (",
              pod->uid, "). The object might have been deleted and then recreated"));
    }
    const std::string_view phase = tree.StringAt({"status", "phase"});
    const bool free =
        phase == "Succeeded" || phase == "Failed" || phase == "Pending" || pod->terminating;
    if (!free) {
      if (auto spent = SpendBudget(core, call, *pod, tree); !spent) return spent.error();
    }
    if (!call.dry_run && !tree.StringAt({"spec", "nodeName"}).empty() && phase != "Succeeded" &&
        phase != "Failed") {
      auto marked = Rewrite(core, call, *call.served, pod, [&](Value& now) {
        Value& condition = *ConditionOf(now, "DisruptionTarget");
        condition.Set("status", "True");
        condition.Set("lastTransitionTime", core.NowText());
        condition.Set("reason", "EvictionByEvictionAPI");
        condition.Set("message", "Eviction API: evicting");
      });
      if (!marked) return marked.error();
    }
  }
  if (call.dry_run) options.Set("dryRun", Value::MakeArray({"All"}));
  options.Set("kind", "DeleteOptions");
  options.Set("apiVersion", "v1");
  http::Request request;
  request.headers.Set("Content-Type", std::string(kJsonType));
  request.body = std::make_shared<const std::string>(ToJson(options));
  Call deletion{request, {}, call.info, call.served, nullptr, call.output, {}, false, false};
  auto deleted = DeleteObject(core, deletion);
  if (!deleted) return deleted.error();
  return Created(call);
}

Result<std::string> ContainerOf(const Call& call, const Value& pod) {
  const std::string wanted = call.Parameter("container"), name = call.info.name;
  std::string all;
  size_t count = 0;
  for (std::string_view list : {"initContainers", "containers", "ephemeralContainers"}) {
    for (const Value& container : ListAt(pod, {"spec", list})) {
      if (container.StringAt({"name"}) == wanted && !wanted.empty()) return wanted;
      if (list == "ephemeralContainers") continue;
      all += Cat(all.empty() ? "" : " ", container.StringAt({"name"}));
      ++count;
    }
  }
  if (!wanted.empty()) return BadRequest(Cat("container ", wanted, " is not valid for pod ", name));
  if (count == 1) return all;
  return BadRequest(
      Cat("a container name must be specified for pod ", name, ", choose one of: [", all, "]"));
}

// There is no kubelet behind the nodes: what a real server says when it cannot reach one.
Result<Answer> AskKubelet(Core& core, const Value& pod, std::string_view what) {
  const std::string node_name(pod.StringAt({"spec", "nodeName"}));
  const ObjectPtr node = core.store.Get({"nodes", "", node_name});
  if (!node) return NotFound({"", "pods"}, node_name);
  const Value tree = ParseJson(node->json).value();
  std::string address;
  for (const Value& one : ListAt(tree, {"status", "addresses"})) {
    if (address.empty() && one.StringAt({"type"}) == "InternalIP")
      address = std::string(one.StringAt({"address"}));
  }
  if (address.empty()) return Untyped("no preferred addresses found; known addresses: []");
  const int64_t port = tree.IntAt({"status", "daemonEndpoints", "kubeletEndpoint", "Port"}, 10250);
  const std::string place = Cat(address, ":", std::to_string(port ? port : 10250));
  return Untyped(Cat("Get \"https://", place, "/", what, "\": dial tcp ", place,
                     ": connect: connection refused"));
}

Result<Answer> ServeLog(Core& core, Call& call) {
  const ObjectPtr pod = core.store.Get(call.key());
  FieldErrors errors;
  for (const auto& [name, least] :
       {std::pair("sinceSeconds", 1), std::pair("limitBytes", 1), std::pair("tailLines", 0)}) {
    const std::string text = call.Parameter(name);
    if (text.empty()) continue;
    const auto number = GoParseInt(text);
    if (!number) return BadRequest(number.error().message());
    if (*number < least)
      errors.push_back(InvalidValue(
          name, *number, least ? "must be greater than 0" : "must be greater than or equal to 0"));
  }
  if (!call.Parameter("sinceSeconds").empty() && !call.Parameter("sinceTime").empty()) {
    errors.push_back(
        ForbiddenField("[]", "at most one of `sinceTime` or `sinceSeconds` may be specified"));
  }
  if (!call.Parameter("stream").empty())
    errors.push_back(ForbiddenField("stream", "may not be specified"));
  if (!errors.empty()) return InvalidObject({"", "PodLogOptions"}, call.info.name, errors);
  if (!pod) return NotFound({"", "pods"}, call.info.name);
  const Value tree = TreeOf(*pod, *call.served);
  auto container = ContainerOf(call, tree);
  if (!container) return container.error();
  if (tree.StringAt({"spec", "nodeName"}).empty()) {
    Answer none;
    none.status = 204;
    return none;
  }
  return AskKubelet(core, tree,
                    Cat("containerLogs/", call.info.ns, "/", call.info.name, "/", *container));
}

Result<Answer> ServeExec(Core& core, Call& call) {
  const ObjectPtr pod = core.store.Get(call.key());
  if (!pod) return NotFound({"", "pods"}, call.info.name);
  const Value tree = TreeOf(*pod, *call.served);
  if (call.info.subresource != "portforward") {
    if (auto container = ContainerOf(call, tree); !container) return container.error();
  }
  if (tree.StringAt({"spec", "nodeName"}).empty())
    return BadRequest(Cat("pod ", call.info.name, " does not have a host assigned"));
  auto answer = AskKubelet(core, tree, call.info.subresource);
  const bool reachable =
      !answer && answer.error().message().find("connection refused") != std::string::npos;
  if (!reachable) return answer;
  if (call.request.headers.Get("Upgrade").empty()) return BadRequest("Upgrade request required");
  return answer;
}

Result<Answer> ServeProxy(Core& core, Call& call) {
  if (call.served->resource == "services") {
    Status status;
    status.status = "Failure";
    status.code = 503;
    status.reason = "ServiceUnavailable";
    std::string name = call.info.name;
    const auto parts = Split(name, ':');
    status.message =
        Cat("no endpoints available for service ",
            Quote(parts.size() > 1 ? parts[parts.size() - 2] : std::string_view(name)));
    return Error::Api(std::move(status));
  }
  const auto parts = Split(call.info.name, ':');
  const std::string name(parts.size() == 1 ? parts[0] : parts.size() == 2 ? parts[0] : parts[1]);
  const ObjectPtr object = core.store.Get({call.served->StoreName(), call.info.ns, name});
  if (!object) return NotFound(call.resource(), name);
  return BadRequest("address not allowed");
}

// --- accounts and reviews ---

// A token that names its account; it is signed by nobody.
std::string MakeToken(const Value& claims) {
  const auto part = [](const std::string& text) {
    std::string out = EncodeBase64(text);
    for (char& c : out) c = c == '+' ? '-' : c == '/' ? '_' : c;
    while (out.ends_with('=')) out.pop_back();
    return out;
  };
  return Cat(part(R"({"alg":"none","kid":"fake"})"), ".", part(ToJson(claims)), ".",
             part("unsigned"));
}

Result<Answer> ServeToken(Core& core, Call& call) {
  const TypeInfo& type = TypeOf<authenticationv1::TokenRequest>();
  auto request = DecodeBody(call, type);
  if (!request) return request.error();
  if (auto options = CheckWriteOptions(call, "CreateOptions"); !options) return options.error();
  const ObjectPtr account = core.store.Get(call.key());
  if (!account) return NotFound(call.resource(), call.info.name);
  Value& spec = (*request)["spec"];
  if (!spec.Find("expirationSeconds") || spec.Find("expirationSeconds")->is_null())
    spec.Set("expirationSeconds", 3600);
  FieldErrors errors;
  if (const std::string name(request->StringAt({"metadata", "name"}));
      !name.empty() && name != call.info.name) {
    errors.push_back(
        InvalidText("metadata.name", name, "must match the service account name if specified"));
  }
  const int64_t seconds = spec.IntAt({"expirationSeconds"});
  if (seconds < 600)
    errors.push_back(InvalidValue("spec.expirationSeconds", seconds,
                                  "may not specify a duration less than 10 minutes"));
  if (seconds > int64_t{1} << 32)
    errors.push_back(InvalidValue("spec.expirationSeconds", seconds,
                                  "may not specify a duration larger than 2^32 seconds"));
  if (!errors.empty()) return InvalidObject({"authentication.k8s.io", "TokenRequest"}, "", errors);
  TrackCreate(*request, type, {ManagerOf(call), false, "authentication.k8s.io/v1", "token"},
              core.NowText());
  Value& metadata = (*request)["metadata"];
  metadata.Set("name", call.info.name);
  metadata.Set("namespace", call.info.ns);
  metadata.Set("uid", account->uid);
  metadata.Set("creationTimestamp", core.NowText());
  if (ListAt(*request, {"spec", "audiences"}).empty())
    (*request)["spec"].Set("audiences", Value::MakeArray({kAudience}));
  Time expires = Time::From(core.env.clock->WallNow());
  const int64_t now = expires.seconds;
  expires.seconds += seconds;
  expires.nanos = 0;
  const Value claims = Value::MakeObject(
      {{"aud", (*request)["spec"]["audiences"]},
       {"exp", expires.seconds},
       {"iat", now},
       {"iss", kAudience},
       {"jti", NewUuid(*core.env.random)},
       {"kubernetes.io",
        Value::MakeObject({{"namespace", call.info.ns},
                           {"serviceaccount", Value::MakeObject({{"name", call.info.name},
                                                                 {"uid", account->uid}})}})},
       {"nbf", now},
       {"sub", Cat("system:serviceaccount:", call.info.ns, ":", call.info.name)}});
  (*request)["status"].Set("token", MakeToken(claims));
  (*request)["status"].Set("expirationTimestamp", expires.String());
  auto normal = Normalise(*std::move(request), type);
  if (!normal) return normal.error();
  return RenderPlain(*normal, call.output, 201, &type);
}

}  // namespace

Result<Answer> ServeSubresource(Core& core, Call& call) {
  static const std::map<std::string_view, Result<Answer> (*)(Core&, Call&)> kHandlers = {
      {"scale", ServeScale},      {"binding", ServeBinding}, {"eviction", ServeEviction},
      {"log", ServeLog},          {"exec", ServeExec},       {"attach", ServeExec},
      {"portforward", ServeExec}, {"proxy", ServeProxy},     {"token", ServeToken}};
  const auto found = kHandlers.find(call.info.subresource);
  if (found != kHandlers.end()) return found->second(core, call);
  // The others show and change the whole object; what they leave alone is told in writes.cc.
  if (call.info.verb == "get") return GetObject(core, call);
  if (call.info.verb == "update") return UpdateObject(core, call);
  return PatchObject(core, call);
}

namespace {

// `sent_metadata` as the client had it: reviews that are in no namespace take none.
FieldErrors CheckAccessReview(const Call& call, const Value& review, Value sent_metadata) {
  const std::string& kind = call.served->kind;
  const bool local = kind == "LocalSubjectAccessReview";
  const Value* resource = review.Find({"spec", "resourceAttributes"});
  const Value* other = review.Find({"spec", "nonResourceAttributes"});
  const bool has_resource = resource && resource->is_object(),
             has_other = other && other->is_object();
  FieldErrors errors;
  Value shown;
  if (has_other) {
    shown = Value::MakeObject(
        {{"Path", other->StringAt({"path"})}, {"Verb", other->StringAt({"verb"})}});
  }
  if (local && has_other) {
    errors.push_back(
        InvalidValue("spec.nonResourceAttributes", shown, "disallowed on this kind of request"));
  }
  if (has_resource == has_other) {
    errors.push_back(InvalidValue(
        "spec", shown,
        "exactly one of nonResourceAttributes or resourceAttributes must be specified"));
  }
  if (kind != "SelfSubjectAccessReview" && review.StringAt({"spec", "user"}).empty() &&
      ListAt(review, {"spec", "groups"}).empty())
    errors.push_back(
        InvalidText("spec.user", "", "at least one of user or group must be specified"));
  const auto ns = review.StringAt({"spec", "resourceAttributes", "namespace"});
  if (local && has_resource && ns != call.info.ns)
    errors.push_back(
        InvalidText("spec.resourceAttributes.namespace", ns, "must match metadata.namespace"));
  sent_metadata.Remove("managedFields");
  if (!local && sent_metadata.is_object() && !sent_metadata.object().empty())
    errors.push_back(InvalidValue("metadata", *review.Find("metadata"), "must be empty"));
  return errors;
}

// What the server says to a review of that kind; every caller is admin, and may do everything.
Result<void> AnswerReview(const Core& core, const std::string& kind, Value& review) {
  constexpr std::string_view kAllRules =
      R"({"resourceRules":[{"verbs":["*"],"apiGroups":["*"],"resources":["*"]}],"nonResourceRules":[{"verbs":["*"],"nonResourceURLs":["*"]}],"incomplete":false})";
  constexpr std::string_view kAdmin =
      R"({"userInfo":{"username":"admin","uid":"admin","groups":["system:masters","system:authenticated"]}})";
  if (kind.ends_with("AccessReview")) {
    review.Set("status", Value::MakeObject({{"allowed", true}}));
  } else if (kind == "SelfSubjectRulesReview") {
    if (review.StringAt({"spec", "namespace"}).empty())
      return BadRequest("no namespace on request");
    review.Set("status", ParseJson(kAllRules).value());
  } else if (kind == "TokenReview") {
    if (review.StringAt({"spec", "token"}).empty())
      return BadRequest("token is required for TokenReview in authentication");
    review.Set("status", Value::MakeObject(
                             {{"user", Value::MakeObject()}, {"error", "invalid bearer token"}}));
  } else if (kind == "SelfSubjectReview") {
    review["metadata"].Set("creationTimestamp", core.NowText());
    review.Set("status", ParseJson(kAdmin).value());
  }
  return {};
}

}  // namespace

Result<Answer> CreateVirtual(Core& core, Call& call) {
  if (call.served->resource == "bindings") return ServeBinding(core, call);
  const TypeInfo& type = *call.served->type;
  auto review = DecodeBody(call, type);
  if (!review) return review.error();
  if (auto options = CheckWriteOptions(call, "CreateOptions"); !options) return options.error();
  Value sent_metadata = (*review)["metadata"];
  TrackCreate(*review, type, {ManagerOf(call), false, call.served->api_version, ""},
              core.NowText());
  if (call.served->kind.ends_with("AccessReview")) {
    const FieldErrors errors = CheckAccessReview(call, *review, std::move(sent_metadata));
    if (!errors.empty()) return InvalidObject({"authorization.k8s.io", ""}, "", errors);
  }
  if (auto answered = AnswerReview(core, call.served->kind, *review); !answered)
    return answered.error();
  auto normal = Normalise(*std::move(review), type);
  if (!normal) return normal.error();
  Output plain = call.output;
  plain.view = View::kWhole;
  return RenderPlain(*normal, plain, 201, &type);
}

}  // namespace k8s::fakeapiserver
