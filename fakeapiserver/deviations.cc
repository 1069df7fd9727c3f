#include "fakeapiserver/deviations.h"

#include <algorithm>
#include <optional>

#include "fakeapiserver/api_error.h"
#include "fakeapiserver/core.h"
#include "fakeapiserver/protobuf.h"
#include "fakeapiserver/router.h"
#include "k8s/base/strings.h"
#include "k8s/machinery/json.h"
#include "k8s/machinery/yaml.h"

namespace k8s::fakeapiserver {
namespace {

constexpr std::string_view kWrites = "create update patch";
constexpr std::string_view kWithPods =
    "pods podtemplates replicationcontrollers deployments.apps replicasets.apps statefulsets.apps "
    "daemonsets.apps jobs.batch cronjobs.batch";

constexpr Deviation kDeviations[] = {
    {"custom-resources",
     "S-11.1 S-11.2 S-11.13",
     "A CustomResourceDefinition is stored, and the kind that it defines is not served.",
     {.verbs = kWrites, .resources = "customresourcedefinitions.apiextensions.k8s.io"}},
    {"tokens",
     "S-13.1",
     "Bearer tokens are not looked at: whoever asks is admin in system:masters.",
     {.header = "Authorization"}},
    {"anonymous", "S-13.2", "A request without credentials is admin's, not system:anonymous's."},
    {"impersonation",
     "S-13.6",
     "A request for another user is done as admin.",
     {.header = "Impersonate-User"}},
    {"rbac",
     "S-13.3 S-13.4 S-13.5 S-13.7 S-13.9",
     "Roles and bindings are stored and never asked: everybody may do everything.",
     {.verbs = kWrites,
      .resources = "roles.rbac.authorization.k8s.io clusterroles.rbac.authorization.k8s.io "
                   "rolebindings.rbac.authorization.k8s.io "
                   "clusterrolebindings.rbac.authorization.k8s.io"}},
    {"escalation", "S-13.8", "Nobody is kept from granting rights that he lacks."},
    {"rbac-at-start",
     "chapter 13.3",
     "The roles and bindings that a real server makes for itself are not there.",
     {.verbs = "get list watch",
      .resources = "roles.rbac.authorization.k8s.io clusterroles.rbac.authorization.k8s.io "
                   "rolebindings.rbac.authorization.k8s.io "
                   "clusterrolebindings.rbac.authorization.k8s.io"}},
    {"access-reviews",
     "chapter 8.11",
     "A review of what another user may do says that he may, whoever he is.",
     {.verbs = "create",
      .resources = "subjectaccessreviews.authorization.k8s.io "
                   "localsubjectaccessreviews.authorization.k8s.io"}},
    {"token-reviews",
     "chapter 8.11",
     "No token is a good one in a review.",
     {.verbs = "create", .resources = "tokenreviews.authentication.k8s.io"}},
    {"token-requests",
     "S-8.7",
     "A requested token is no signed one, and nobody can check it: no keys are published.",
     {.verbs = "create", .resources = "serviceaccounts", .subresource = "token"}},
    {"webhooks",
     "chapter 14.4",
     "Admission webhooks are stored and never called.",
     {.verbs = kWrites,
      .resources = "validatingwebhookconfigurations.admissionregistration.k8s.io "
                   "mutatingwebhookconfigurations.admissionregistration.k8s.io"}},
    {"admission-policies",
     "chapter 14.4",
     "Admission policies are stored, their CEL is not compiled, and they decide nothing.",
     {.verbs = kWrites,
      .resources = "validatingadmissionpolicies.admissionregistration.k8s.io "
                   "validatingadmissionpolicybindings.admissionregistration.k8s.io "
                   "mutatingadmissionpolicies.admissionregistration.k8s.io "
                   "mutatingadmissionpolicybindings.admissionregistration.k8s.io"}},
    {"device-expressions",
     "chapter 10.2",
     "Of the CEL that selects devices only empty texts, literals and plain names are looked at.",
     {.verbs = kWrites,
      .resources = "deviceclasses.resource.k8s.io resourceclaims.resource.k8s.io "
                   "resourceclaimtemplates.resource.k8s.io",
      .fields = "spec/selectors/[]/cel spec/devices/requests/[]/exactly/selectors "
                "spec/devices/requests/[]/firstAvailable/[]/selectors "
                "spec/spec/devices/requests/[]/exactly/selectors "
                "spec/spec/devices/requests/[]/firstAvailable/[]/selectors"}},
    {"api-services",
     "chapter 12.1",
     "An APIService is stored; its availability is not looked into, and nothing is passed on to "
     "it.",
     {.verbs = kWrites, .resources = "apiservices.apiregistration.k8s.io"}},
    {"pod-security",
     "chapter 10.2",
     "The levels of pod security that the labels of a namespace enforce are not enforced.",
     {.verbs = kWrites,
      .resources = "namespaces",
      .fields = "metadata/labels/pod-security.kubernetes.io~1enforce"}},
    {"service-account-of-pods", "chapter 10.1",
     "Pods get no service account and no volume with its token, as under envtest."},
    {"proxies",
     "chapter 8.6",
     "Nothing is passed on to pods, services or nodes, for there are none.",
     {.resources = "pods services nodes", .subresource = "proxy"}},
    {"exec",
     "S-8.12",
     "A command in a pod ends in the error for a missing node.",
     {.resources = "pods", .subresource = "exec"}},
    {"attach",
     "S-8.12",
     "The console of a pod ends in the error for a missing node.",
     {.resources = "pods", .subresource = "attach"}},
    {"port-forward",
     "S-8.12",
     "The ports of a pod end in the error for a missing node.",
     {.resources = "pods", .subresource = "portforward"}},
    {"logs",
     "S-8.5",
     "Pods have no logs: no node runs them.",
     {.resources = "pods", .subresource = "log"}},
    {"time-zones",
     "chapter 10.2",
     "A time zone is good when it is UTC, GMT or has a slash; no data base is asked.",
     {.verbs = kWrites, .resources = "cronjobs.batch", .fields = "spec/timeZone"}},
    {"signing-requests",
     "chapter 10.2",
     "A signing request is not taken apart: its envelope is all that is checked.",
     {.verbs = "create",
      .resources = "certificatesigningrequests.certificates.k8s.io "
                   "podcertificaterequests.certificates.k8s.io"}},
    {"trust-anchors",
     "chapter 10.2",
     "The certificates of a trust bundle are not parsed, only counted and compared.",
     {.verbs = kWrites, .resources = "clustertrustbundles.certificates.k8s.io"}},
    {"old-volumes",
     "chapter 10.2",
     "Of the volumes of storage systems that Kubernetes no longer drives the members go unchecked.",
     {.verbs = kWrites,
      .resources = kWithPods,
      .fields = "**/volumes/[]/cephfs **/volumes/[]/fc **/volumes/[]/flexVolume "
                "**/volumes/[]/flocker **/volumes/[]/glusterfs **/volumes/[]/quobyte "
                "**/volumes/[]/rbd **/volumes/[]/scaleIO **/volumes/[]/storageos "
                "**/volumes/[]/cinder **/volumes/[]/vsphereVolume **/volumes/[]/azureDisk "
                "**/volumes/[]/azureFile **/volumes/[]/portworxVolume "
                "**/volumes/[]/gcePersistentDisk **/volumes/[]/awsElasticBlockStore"}},
    {"windows-options",
     "chapter 10.2",
     "What Windows asks of the security contexts of pods and containers is not checked.",
     {.verbs = kWrites, .resources = kWithPods, .fields = "**/securityContext/windowsOptions"}},
    {"openapi-of-groups",
     "chapter 1.6",
     "OpenAPI v3 documents that are not of a group version have paths and no contents.",
     {.path = "/openapi/v3/api /openapi/v3/apis /openapi/v3/apis/+ /openapi/v3/version "
              "/openapi/v3/.well-known/*"}},
    {"openapi-in-protobuf",
     "chapter 1.6",
     "OpenAPI v3 documents come in JSON alone.",
     {.path = "/openapi/v3/*", .header = "Accept: application/com.github.proto-openapi"}},
    {"metrics",
     "chapter 1.1",
     "Of the metrics of a real server a few are there.",
     {.path = "/metrics"}},
    {"diagnostics",
     "chapter 1.1",
     "There are no profiles, flags and logs to be had.",
     {.path = "/debug/* /logs/*"}},
    {"flow-control", "S-14.1 S-14.2",
     "Requests are not held back, and all belong to the flow of admin; rules of faults make a "
     "429."},
    {"time-limits", "S-14.4", "Handlers answer at once, so that the time limit never strikes."},
    {"shut-down", "S-14.5", "A server that gets SIGTERM ends at once."},
    {"http2", "S-14.10",
     "There is no --goaway-chance; a rule of faults that adds the header Connection: close to an "
     "answer makes the GOAWAY behind it."},
    {"controllers", "S-12.6 S-12.7 S-12.8",
     "Of the controllers those of namespaces, garbage and service accounts can be turned on, no "
     "others."},
    {"empty-lists-in-differences", "chapter 10.2",
     "The 422 that shows what of a pod was changed writes null where an empty list was sent."},
    {"memory-of-watches", "S-6.6",
     "Watches begin at any change in the history, by number of changes; a real server remembers "
     "fewer of some kinds."},
};

bool HasWord(std::string_view words, std::string_view word) {
  const auto all = Split(words, ' ');
  return std::find(all.begin(), all.end(), word) != all.end();
}

std::string ResourceOf(const RequestInfo& info) {
  return GroupResource{info.group, info.resource}.String();
}

std::string Unescaped(std::string_view part) {
  std::string out(part);
  if (const size_t at = out.find("~1"); at != out.npos) out.replace(at, 2, "/");
  return out;
}

bool HasPlace(const Value& tree, std::span<const std::string_view> place) {
  if (tree.is_null()) return false;
  if (place.empty()) return true;
  if (place[0] == "**") {
    if (HasPlace(tree, place.subspan(1))) return true;
    const auto below = [&](const Value& part) { return HasPlace(part, place); };
    if (tree.is_array()) return std::any_of(tree.array().begin(), tree.array().end(), below);
    return tree.is_object() &&
           std::any_of(tree.object().begin(), tree.object().end(),
                       [&](const auto& member) { return below(member.second); });
  }
  if (place[0] == "[]") {
    return tree.is_array() &&
           std::any_of(tree.array().begin(), tree.array().end(),
                       [&](const Value& item) { return HasPlace(item, place.subspan(1)); });
  }
  const Value* member = tree.is_object() ? tree.Find(Unescaped(place[0])) : nullptr;
  return member && HasPlace(*member, place.subspan(1));
}

// A JSON patch says where it writes: at the place, below it, or around it with the place in its
// value.
bool PatchesPlace(std::span<const std::string_view> written, const Value& value,
                  std::span<const std::string_view> place) {
  if (place.empty()) return true;
  if (written.empty()) return HasPlace(value, place);
  if (place[0] == "**") {
    return PatchesPlace(written, value, place.subspan(1)) ||
           PatchesPlace(written.subspan(1), value, place);
  }
  if (place[0] != "[]" && place[0] != written[0]) return false;
  return PatchesPlace(written.subspan(1), value, place.subspan(1));
}

bool PatchesPlace(const Value& operation, std::span<const std::string_view> place) {
  std::string_view text = operation.StringAt({"path"});
  if (text.starts_with('/')) text.remove_prefix(1);
  const auto written = Split(text, '/');
  const Value* value = operation.Find("value");
  return PatchesPlace(written, value ? *value : Value(), place);
}

Value BodyOf(const http::Request& request, const RequestInfo& info, const Registry& registry) {
  if (!request.body) return {};
  if (request.headers.Get("Content-Type").starts_with("application/vnd.kubernetes.protobuf")) {
    const Served* served = registry.Find(info.group, info.version, info.resource);
    auto tree =
        served ? DecodeTreeFromProtobuf(*request.body, *served->type) : Result<Value>(Value());
    return tree ? *std::move(tree) : Value();
  }
  if (auto json = ParseJson(*request.body)) return *std::move(json);
  auto yaml = ParseYamlDocument(*request.body);
  return yaml ? *std::move(yaml) : Value();
}

bool SetsOneOf(std::string_view fields, const Value& body) {
  for (std::string_view field : Split(fields, ' ')) {
    const auto place = Split(field, '/');
    const bool touched =
        body.is_array() ? std::any_of(body.array().begin(), body.array().end(),
                                      [&](const Value& one) { return PatchesPlace(one, place); })
                        : HasPlace(body, place);
    if (touched) return true;
  }
  return false;
}

// "+" stands for one segment, "*" at the end for any.
bool FitsPath(std::string_view pattern, std::string_view path) {
  const auto wanted = Split(pattern, '/'), given = Split(path, '/');
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i] == "*") return given.size() >= i;
    if (i >= given.size() || (wanted[i] != "+" && wanted[i] != given[i])) return false;
  }
  return wanted.size() == given.size();
}

bool IsOneOf(std::string_view patterns, std::string_view path) {
  const auto all = Split(patterns, ' ');
  return std::any_of(all.begin(), all.end(),
                     [&](std::string_view pattern) { return FitsPath(pattern, path); });
}

bool HasHeader(const http::Request& request, std::string_view wanted) {
  const size_t colon = wanted.find(": ");
  const std::string_view value = request.headers.Get(wanted.substr(0, colon));
  return colon == wanted.npos ? !value.empty() : value.find(wanted.substr(colon + 2)) != value.npos;
}

}  // namespace

std::string Touch::Text() const {
  if (IsNone()) return "no single request";
  std::vector<std::string> parts;
  const auto listed = [](std::string_view words) {
    std::string out(words);
    for (size_t at = 0; (at = out.find(' ', at)) != out.npos; at += 2) out.replace(at, 1, ", ");
    return out;
  };
  if (!verbs.empty()) parts.push_back(listed(verbs));
  if (!resources.empty()) parts.push_back(Cat(verbs.empty() ? "" : "of ", listed(resources)));
  if (!subresource.empty()) parts.push_back(Cat("at /", subresource));
  if (!path.empty()) parts.push_back(Cat("path ", listed(path)));
  if (!header.empty()) parts.push_back(Cat("header ", header));
  if (!fields.empty()) parts.push_back(Cat("with ", listed(fields)));
  return Join(parts, " ");
}

std::span<const Deviation> Deviations() { return kDeviations; }

const Deviation* TouchedBy(const http::Request& request, const RequestInfo& info,
                           const Registry& registry) {
  std::optional<Value> body;  // read when a row asks for it
  for (const Deviation& row : kDeviations) {
    const Touch& touch = row.touch;
    if (touch.IsNone()) continue;
    if (!touch.verbs.empty() && !HasWord(touch.verbs, info.verb)) continue;
    if (!touch.path.empty() && !IsOneOf(touch.path, info.path)) continue;
    if (!touch.resources.empty() &&
        (!info.is_resource || !HasWord(touch.resources, ResourceOf(info)) ||
         info.subresource != touch.subresource))
      continue;
    if (!touch.header.empty() && !HasHeader(request, touch.header)) continue;
    if (!touch.fields.empty()) {
      if (!body) body = BodyOf(request, info, registry);
      if (!SetsOneOf(touch.fields, *body)) continue;
    }
    return &row;
  }
  return nullptr;
}

Error RefusedAsDeviation(const Deviation& deviation) {
  Status status;
  status.status = "Failure";
  status.reason = "NotImplemented";
  status.code = 501;
  status.message =
      Cat("the fake API server is strict and differs from a real one here: ", deviation.says, " (",
          deviation.name, ", against ", deviation.breaks,
          "); without --strict it answers all the same");
  return Error::Api(std::move(status));
}

Value DeviationsValue() {
  Value list = Value::MakeArray();
  for (const Deviation& row : kDeviations) {
    Value breaks = Value::MakeArray();
    if (row.breaks.starts_with("S-")) {
      for (std::string_view one : Split(row.breaks, ' ')) breaks.Append(one);
    } else {
      breaks.Append(row.breaks);
    }
    Value one = Value::MakeObject({{"name", row.name}, {"says", row.says}});
    one.Set("breaks", std::move(breaks));
    one.Set("touchedBy", row.touch.Text());
    one.Set("refusedByStrict", !row.touch.IsNone());
    list.Append(std::move(one));
  }
  return list;
}

std::string DeviationsAsMarkdown() {
  std::string out = "| name | what differs | against | touched by |\n| --- | --- | --- | --- |\n";
  for (const Deviation& row : kDeviations) {
    out += Cat("| ", row.name, " | ", row.says, " | ", row.breaks, " | ", row.touch.Text(), " |\n");
  }
  return out;
}

}  // namespace k8s::fakeapiserver
