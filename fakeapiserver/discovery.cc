#include "fakeapiserver/discovery.h"

#include <openssl/sha.h>

#include <algorithm>
#include <array>

#include "fakeapiserver/protobuf.h"
#include "fakeapiserver/views.h"
#include "k8s/api/apidiscoveryv2.h"
#include "k8s/api/metav1.h"
#include "k8s/base/base64.h"
#include "k8s/base/strings.h"
#include "k8s/machinery/json.h"

namespace k8s::fakeapiserver {
namespace {

constexpr std::string_view kVersion = "1.37.2";
constexpr std::string_view kIssuer = "https://kubernetes.default.svc.cluster.local";
constexpr std::string_view kKeySetType = "application/jwk-set+json";
constexpr std::string_view kAggregated = ";g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

bool IsGet(const Call& call) { return call.request.method == "GET"; }

Value Strings(std::string_view comma_list) {
  Value list = Value::MakeArray();
  if (comma_list.empty()) return list;
  for (std::string_view one : Split(comma_list, ',')) list.Append(one);
  return list;
}

// Sorted, as discovery lists them.
Value VerbList(uint32_t verbs) {
  static constexpr std::pair<std::string_view, Verb> kSorted[] = {
      {"create", Verb::kCreate},
      {"delete", Verb::kDelete},
      {"deletecollection", Verb::kDeleteCollection},
      {"get", Verb::kGet},
      {"list", Verb::kList},
      {"patch", Verb::kPatch},
      {"update", Verb::kUpdate},
      {"watch", Verb::kWatch}};
  Value list = Value::MakeArray();
  for (const auto& [name, verb] : kSorted) {
    if (verbs & VerbBit(verb)) list.Append(name);
  }
  return list;
}

std::string StorageVersionHash(const Served& served) {
  const Served& stored = *served.storage;
  const std::string_view version =
      stored.hashed_version.empty() ? std::string_view(stored.version) : stored.hashed_version;
  const std::string text = Cat(stored.group, "/", version, "/", stored.kind);
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest);
  return EncodeBase64(std::string_view(reinterpret_cast<const char*>(digest), 8));
}

bool IsStored(const Served& served) {
  return served.Supports(Verb::kList) && served.Supports(Verb::kCreate);
}

// The kind that a subresource speaks; the options of streaming ones are not named.
const TypeInfo& BodyOf(const Served& served, const SubresourceInfo& one) {
  return one.type ? one.type() : *served.type;
}

Value ResourceList(const ServedVersion& version) {
  Value out = Value::MakeObject({{"kind", "APIResourceList"}});
  if (!version.group.empty()) out.Set("apiVersion", "v1");
  out.Set("groupVersion", version.api_version);
  Value list = Value::MakeArray();
  for (const Served* served : version.resources) {
    Value one = Value::MakeObject({{"name", served->resource},
                                   {"singularName", served->info->singular},
                                   {"namespaced", served->namespaced},
                                   {"kind", served->kind}});
    one.Set("verbs", VerbList(served->verbs));
    if (!served->info->short_names.empty())
      one.Set("shortNames", Strings(served->info->short_names));
    if (!served->info->categories.empty()) one.Set("categories", Strings(served->info->categories));
    if (IsStored(*served)) one.Set("storageVersionHash", StorageVersionHash(*served));
    list.Append(std::move(one));
    std::vector<const SubresourceInfo*> subresources;
    for (const SubresourceInfo& sub : served->info->subresources) {
      if (sub.served) subresources.push_back(&sub);
    }
    std::sort(subresources.begin(), subresources.end(),
              [](auto* a, auto* b) { return a->name < b->name; });
    for (const SubresourceInfo* sub : subresources) {
      const TypeInfo& body = BodyOf(*served, *sub);
      Value entry = Value::MakeObject({{"name", Cat(served->resource, "/", sub->name)},
                                       {"singularName", ""},
                                       {"namespaced", served->namespaced}});
      if (body.group_version->api_version != version.api_version) {
        entry.Set("group", body.group_version->group);
        entry.Set("version", body.group_version->version);
      }
      entry.Set("kind", body.name);
      entry.Set("verbs", VerbList(sub->served));
      list.Append(std::move(entry));
    }
  }
  out.Set("resources", std::move(list));
  return out;
}

Value GroupVersionEntry(const ServedVersion& version) {
  return Value::MakeObject({{"groupVersion", version.api_version}, {"version", version.version}});
}

Value GroupEntry(const ServedGroup& group) {
  Value one = Value::MakeObject({{"name", group.name}});
  Value versions = Value::MakeArray();
  for (const ServedVersion& version : group.versions) versions.Append(GroupVersionEntry(version));
  one.Set("versions", std::move(versions));
  one.Set("preferredVersion", GroupVersionEntry(group.versions.front()));
  return one;
}

Value AggregatedKind(const TypeInfo& type, std::string_view api_version) {
  const bool same = type.group_version->api_version == api_version;
  return Value::MakeObject({{"group", same ? "" : std::string(type.group_version->group)},
                            {"version", same ? "" : std::string(type.group_version->version)},
                            {"kind", type.name}});
}

Value AggregatedResource(const Served& served) {
  Value one =
      Value::MakeObject({{"resource", served.resource},
                         {"responseKind", AggregatedKind(*served.type, served.api_version)}});
  one.Set("scope", served.namespaced ? "Namespaced" : "Cluster");
  one.Set("singularResource", served.info->singular);
  one.Set("verbs", VerbList(served.verbs));
  if (!served.info->short_names.empty()) one.Set("shortNames", Strings(served.info->short_names));
  if (!served.info->categories.empty()) one.Set("categories", Strings(served.info->categories));
  std::vector<const SubresourceInfo*> subresources;
  for (const SubresourceInfo& sub : served.info->subresources) {
    if (sub.served) subresources.push_back(&sub);
  }
  std::sort(subresources.begin(), subresources.end(),
            [](auto* a, auto* b) { return a->name < b->name; });
  if (!subresources.empty()) {
    Value list = Value::MakeArray();
    for (const SubresourceInfo* sub : subresources) {
      Value entry = Value::MakeObject({{"subresource", sub->name}});
      entry.Set("responseKind", AggregatedKind(BodyOf(served, *sub), served.api_version));
      entry.Set("verbs", VerbList(sub->served));
      list.Append(std::move(entry));
    }
    one.Set("subresources", std::move(list));
  }
  return one;
}

Value Aggregated(const Registry& registry, bool core_group) {
  Value out = Value::MakeObject({{"kind", "APIGroupDiscoveryList"},
                                 {"apiVersion", "apidiscovery.k8s.io/v2"},
                                 {"metadata", Value::MakeObject()}});
  Value items = Value::MakeArray();
  for (const ServedGroup& group : registry.groups()) {
    if (group.name.empty() != core_group) continue;
    Value item = Value::MakeObject();
    Value metadata = Value::MakeObject();
    if (!group.name.empty()) metadata.Set("name", group.name);
    item.Set("metadata", std::move(metadata));
    Value versions = Value::MakeArray();
    for (const ServedVersion& version : group.versions) {
      Value one = Value::MakeObject({{"version", version.version}});
      Value resources = Value::MakeArray();
      for (const Served* served : version.resources) resources.Append(AggregatedResource(*served));
      one.Set("resources", std::move(resources));
      one.Set("freshness", "Current");
      versions.Append(std::move(one));
    }
    item.Set("versions", std::move(versions));
    items.Append(std::move(item));
  }
  out.Set("items", std::move(items));
  return out;
}

Answer AggregatedAnswer(const Core& core, const Call& call, bool core_group, Media media) {
  const Value document = Aggregated(core.registry, core_group);
  auto body = media == Media::kProtobuf
                  ? EncodeTree(document, TypeOf<apidiscoveryv2::APIGroupDiscoveryList>())
                  : ToJson(document) + "\n";
  if (!body) return RenderError(body.error(), call.output);
  const std::string tag = Cat("\"", HashText(*body), "\"");
  Answer answer;
  if (call.request.headers.Get("If-None-Match") == tag) {
    answer.status = 304;
  } else {
    answer = Answer::Bytes(200, Cat(MediaTypeName(media), kAggregated), *std::move(body));
  }
  answer.headers.Set("ETag", tag);
  answer.headers.Set("Vary", "Accept");
  answer.headers.Set("Cache-Control", "public");
  return answer;
}

// One of the documents that every client knows. Nothing else may be made of them, so a clause with
// an "as" does not fit.
Answer PlainAnswer(const Call& call, const Value& document, const TypeInfo& type) {
  if (!RouterAccepts(call.request.headers))
    return RenderError(RouterNotAcceptable(false), call.output);
  const Offer offer{.tables = false};
  const auto output = ChooseOutput(call.request.headers, call.query, offer);
  if (!output) return RenderError(HandlerNotAcceptable(offer), call.output);
  return RenderPlain(document, *output, 200, &type);
}

Value Versions() {
  Value versions = Value::MakeObject({{"kind", "APIVersions"}});
  versions.Set("versions", Value::MakeArray({"v1"}));
  versions.Set("serverAddressByClientCIDRs",
               Value::MakeArray({Value::MakeObject(
                   {{"clientCIDR", "0.0.0.0/0"}, {"serverAddress", "127.0.0.1:6443"}})}));
  return versions;
}

Value GroupList(const Registry& registry) {
  Value groups = Value::MakeArray();
  for (const ServedGroup& group : registry.groups()) {
    if (!group.name.empty()) groups.Append(GroupEntry(group));
  }
  return Value::MakeObject(
      {{"kind", "APIGroupList"}, {"apiVersion", "v1"}, {"groups", std::move(groups)}});
}

Value Group(const ServedGroup& group) {
  Value one = Value::MakeObject({{"kind", "APIGroup"}, {"apiVersion", "v1"}});
  const Value entry = GroupEntry(group);
  for (const auto& [name, value] : entry.object()) one.Set(name, value);
  return one;
}

// What lies at /api and /apis, down to a group version.
std::optional<Answer> Discovery(const Core& core, const Call& call, const std::string& path) {
  const Registry& registry = core.registry;
  if (path == "/api" || path == "/apis") {
    const bool core_group = path == "/api";
    if (core_group && !IsGet(call)) return RenderError(NoSuchMethod(), call.output);
    if (const auto media = WantsAggregatedDiscovery(call.request.headers))
      return AggregatedAnswer(core, call, core_group, *media);
    if (core_group) return PlainAnswer(call, Versions(), TypeOf<metav1::APIVersions>());
    return PlainAnswer(call, GroupList(registry), TypeOf<metav1::APIGroupList>());
  }
  const auto parts = Split(path, '/');
  const bool is_core = parts.size() == 3 && parts[1] == "api";
  if (!is_core && (parts.size() < 3 || parts[1] != "apis" || parts[2].empty())) return std::nullopt;
  if (!is_core && parts.size() == 3) {
    const ServedGroup* group = registry.FindGroup(parts[2]);
    if (!group) return std::nullopt;
    return PlainAnswer(call, Group(*group), TypeOf<metav1::APIGroup>());
  }
  if (!is_core && parts.size() != 4) return std::nullopt;
  const ServedVersion* version = registry.FindVersion(is_core ? "" : parts[2], parts.back());
  if (!version) return std::nullopt;
  if (!IsGet(call)) return RenderError(NoSuchMethod(), call.output);
  return PlainAnswer(call, ResourceList(*version), TypeOf<metav1::APIResourceList>());
}

Answer VersionAnswer() {
  Value version = Value::MakeObject({{"major", "1"},
                                     {"minor", "37"},
                                     {"emulationMajor", "1"},
                                     {"emulationMinor", "37"},
                                     {"minCompatibilityMajor", "1"},
                                     {"minCompatibilityMinor", "36"},
                                     {"gitVersion", Cat("v", kVersion)},
                                     {"gitCommit", std::string(40, '0')},
                                     {"gitTreeState", "clean"},
                                     {"buildDate", "2026-01-01T00:00:00Z"},
                                     {"goVersion", "go1.26"},
                                     {"compiler", "gc"},
                                     {"platform", "linux/amd64"}});
  return Answer::Bytes(200, std::string(kJsonType), ToIndentedJson(version));
}

// What verifies tokens of service accounts: this server signs none, so there is no key to publish.
std::optional<Answer> IssuerDocument(const Call& call, const std::string& path) {
  std::string_view type;
  Value document;
  if (path == "/.well-known/openid-configuration") {
    type = kJsonType;
    document =
        Value::MakeObject({{"issuer", kIssuer},
                           {"jwks_uri", Cat(kIssuer, "/openid/v1/jwks")},
                           {"response_types_supported", Value::MakeArray({"id_token"})},
                           {"subject_types_supported", Value::MakeArray({"public"})},
                           {"id_token_signing_alg_values_supported", Value::MakeArray({"RS256"})}});
  } else if (path == "/openid/v1/jwks") {
    type = kKeySetType;
    document = Value::MakeObject({{"keys", Value::MakeArray()}});
  } else {
    return std::nullopt;
  }
  if (!RouterAccepts(call.request.headers, {type})) {
    return RenderError(RouterError(406, "NotAcceptable",
                                   Cat("406: Not Acceptable\n\nAvailable representations: ", type)),
                       call.output);
  }
  Answer answer = Answer::Bytes(200, std::string(type), ToJson(document));
  answer.headers.Set("Cache-Control", "public, max-age=3600");
  return answer;
}

constexpr std::array<std::string_view, 37> kChecks = {
    "ping",
    "log",
    "loopback-serving-certificate",
    "etcd",
    "etcd-readiness",
    "informer-sync",
    "poststarthook/start-apiserver-admission-initializer",
    "poststarthook/generic-apiserver-start-informers",
    "poststarthook/priority-and-fairness-config-consumer",
    "poststarthook/priority-and-fairness-filter",
    "poststarthook/storage-object-count-tracker-hook",
    "poststarthook/start-apiextensions-informers",
    "poststarthook/start-apiextensions-controllers",
    "poststarthook/crd-informer-synced",
    "poststarthook/start-system-namespaces-controller",
    "poststarthook/peer-endpoint-reconciler-controller",
    "poststarthook/start-cluster-authentication-info-controller",
    "poststarthook/start-kube-apiserver-identity-lease-controller",
    "poststarthook/start-kube-apiserver-identity-lease-garbage-collector",
    "poststarthook/storage-readiness",
    "poststarthook/start-legacy-token-tracking-controller",
    "poststarthook/start-service-ip-repair-controllers",
    "poststarthook/rbac/bootstrap-roles",
    "poststarthook/scheduling/bootstrap-system-priority-classes",
    "poststarthook/priority-and-fairness-config-producer",
    "poststarthook/bootstrap-controller",
    "poststarthook/start-kubernetes-service-cidr-controller",
    "poststarthook/start-kube-aggregator-informers",
    "poststarthook/apiservice-status-local-available-controller",
    "poststarthook/apiservice-status-remote-available-controller",
    "poststarthook/apiservice-registration-controller",
    "poststarthook/apiservice-discovery-controller",
    "poststarthook/kube-apiserver-autoregistration",
    "autoregister-completion",
    "poststarthook/apiservice-openapi-controller",
    "poststarthook/apiservice-openapiv3-controller",
    "shutdown"};

std::vector<std::string_view> ChecksOf(std::string_view endpoint) {
  std::vector<std::string_view> checks;
  for (std::string_view check : kChecks) {
    const bool ready_only =
        check == "etcd-readiness" || check == "informer-sync" || check == "shutdown";
    if (ready_only && endpoint != "readyz") continue;
    if (check == "loopback-serving-certificate" && endpoint == "readyz") continue;
    checks.push_back(check);
  }
  return checks;
}

std::optional<Answer> Health(const Call& call) {
  const std::string& path = call.info.path;
  for (std::string_view endpoint : {"healthz", "livez", "readyz"}) {
    const std::string root = Cat("/", endpoint);
    if (!path.starts_with(root)) continue;  // so it is with nearly every request
    const auto checks = ChecksOf(endpoint);
    if (path.starts_with(root + "/")) {
      const std::string name = path.substr(root.size() + 1);
      if (std::find(checks.begin(), checks.end(), name) == checks.end())
        return Answer::Text(404, "404 page not found\n");
      return Answer::Text(200, "ok");
    }
    if (path != root) continue;
    if (!call.query.Has("verbose")) return Answer::Text(200, "ok");
    std::vector<std::string> excluded;
    for (std::string_view one : call.query.Values("exclude")) {
      for (std::string_view part : Split(one, ',')) excluded.emplace_back(part);
    }
    std::string text;
    for (std::string_view check : checks) {
      const auto found = std::find(excluded.begin(), excluded.end(), check);
      text += Cat("[+]", check, found == excluded.end() ? " ok\n" : " excluded: ok\n");
    }
    std::string unknown;
    for (const std::string& one : excluded) {
      if (std::find(checks.begin(), checks.end(), one) == checks.end())
        unknown += Cat(unknown.empty() ? "" : ",", Quote(one));
    }
    if (!unknown.empty())
      text += Cat("warn: some health checks cannot be excluded: no matches for ", unknown, "\n");
    return Answer::Text(200, Cat(text, endpoint, " check passed\n"));
  }
  return std::nullopt;
}

Answer RootPaths(const Core& core) {
  std::vector<std::string> paths = {"/.well-known/openid-configuration",
                                    "/api",
                                    "/apis",
                                    "/apis/",
                                    "/openapi/v2",
                                    "/openapi/v3",
                                    "/openapi/v3/",
                                    "/openid/v1/jwks",
                                    "/version",
                                    "/metrics",
                                    "/metrics/slis",
                                    "/flagz",
                                    "/statusz"};
  for (const ServedGroup& group : core.registry.groups()) {
    if (!group.name.empty()) paths.push_back("/apis/" + group.name);
    for (const ServedVersion& version : group.versions)
      paths.push_back(Cat(group.name.empty() ? "/api/" : "/apis/", version.api_version));
  }
  for (std::string_view endpoint : {"healthz", "livez", "readyz"}) {
    paths.push_back(Cat("/", endpoint));
    for (std::string_view check : ChecksOf(endpoint))
      paths.push_back(Cat("/", endpoint, "/", check));
  }
  std::sort(paths.begin(), paths.end());
  Value list = Value::MakeArray();
  for (std::string& path : paths) list.Append(std::move(path));
  return Answer::Bytes(200, std::string(kJsonType),
                       ToIndentedJson(Value::MakeObject({{"paths", std::move(list)}})));
}

}  // namespace

std::string HashText(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  unsigned char digest[SHA512_DIGEST_LENGTH];
  SHA512(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest);
  std::string out;
  for (unsigned char byte : digest) out += kDigits[byte >> 4], out += kDigits[byte & 15];
  return out;
}

std::optional<Answer> ServeFixedPath(Core& core, const Call& call) {
  std::string path = call.info.path;
  if (path == "/" || path.empty() || path == "/index.html") return RootPaths(core);
  if (auto health = Health(call)) return health;
  if (path.starts_with("/openapi/")) return ServeOpenApi(core, call);
  if (path.size() > 1 && path.back() == '/') path.pop_back();
  if (path == "/version")
    return IsGet(call) ? VersionAnswer() : RenderError(NoSuchMethod(), call.output);
  if (path == "/metrics" || path == "/metrics/slis") {
    if (!IsGet(call)) return RenderError(NoSuchMethod(), call.output);
    return Answer::Bytes(200, "text/plain; version=0.0.4; charset=utf-8; escaping=underscores",
                         Cat("# HELP apiserver_storage_objects [STABLE] Number of stored "
                             "objects.\n# TYPE apiserver_storage_objects gauge\n"
                             "apiserver_storage_objects{resource=\"pods\"} ",
                             std::to_string(core.store.Count("pods")), "\n"));
  }
  if (auto issuer = IssuerDocument(call, path))
    return IsGet(call) ? std::move(issuer) : RenderError(NoSuchMethod(), call.output);
  return Discovery(core, call, path);
}

}  // namespace k8s::fakeapiserver
