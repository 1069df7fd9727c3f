#include "fakeapiserver/router.h"

#include <algorithm>

#include "fakeapiserver/deviations.h"
#include "fakeapiserver/discovery.h"
#include "fakeapiserver/go_text.h"
#include "k8s/base/strings.h"

namespace k8s::fakeapiserver {
namespace {

constexpr size_t kGzipAbove = 131072;

std::string UnescapedPath(const http::Request& request) {
  auto path = http::UnescapePath(request.url.path);
  return path ? *path : request.url.path;
}

using Parts = std::span<const std::string_view>;

// The parts of a path behind its first slash; an empty one at the end does not count.
std::vector<std::string_view> PartsOf(std::string_view path) {
  if (path.starts_with('/')) path.remove_prefix(1);
  std::vector<std::string_view> parts = Split(path, '/');
  if (!parts.empty() && parts.back().empty()) parts.pop_back();
  return parts;
}

bool IsWatchFlag(const http::Query& query) {
  const std::string* watch = query.Get("watch");
  if (!watch) return false;
  const std::string lower = ToLower(*watch);
  return lower != "false" && lower != "0";
}

std::string VerbOf(std::string_view method, bool has_name) {
  if (method == "POST") return "create";
  if (method == "GET" || method == "HEAD") return has_name ? "get" : "list";
  if (method == "PUT") return "update";
  if (method == "PATCH") return "patch";
  if (method == "DELETE") return has_name ? "delete" : "deletecollection";
  return "";
}

// Where the parts behind the group version stand for what (chapter 1.7).
void ReadResourceParts(Parts parts, RequestInfo& info) {
  size_t at = 0;
  if (parts.size() > 2 && parts[0] == "namespaces" && parts[2] != "status" &&
      parts[2] != "finalize") {
    info.ns = parts[1];
    at = 2;
  }
  if (at < parts.size()) info.resource = parts[at++];
  if (at < parts.size()) info.name = parts[at++];
  if (at < parts.size()) info.subresource = parts[at++];
}

Answer PageNotFound() { return Answer::Text(404, "404 page not found\n"); }

const SubresourceInfo* FindSubresource(const Served& served, std::string_view name) {
  for (const SubresourceInfo& one : served.info->subresources) {
    if (one.name == name && one.served) return &one;
  }
  return nullptr;
}

std::optional<Verb> VerbFromName(std::string_view name) {
  static constexpr std::pair<std::string_view, Verb> kVerbs[] = {
      {"get", Verb::kGet},       {"list", Verb::kList},
      {"watch", Verb::kWatch},   {"create", Verb::kCreate},
      {"update", Verb::kUpdate}, {"patch", Verb::kPatch},
      {"delete", Verb::kDelete}, {"deletecollection", Verb::kDeleteCollection}};
  for (const auto& [text, verb] : kVerbs) {
    if (text == name) return verb;
  }
  return std::nullopt;
}

bool IsPatchType(std::string_view type) {
  return type == "application/json-patch+json" || type == "application/merge-patch+json" ||
         type == "application/strategic-merge-patch+json" || type == "application/apply-patch+yaml";
}

// Where nothing acceptable is left, errors are indented JSON (chapter 1.9).
Output OutputOrFallback(const http::Request& request, const http::Query& query) {
  auto output = ChooseOutput(request.headers, query, {});
  if (output) return *output;
  Output fallback;
  fallback.pretty = true;
  return fallback;
}

Call CallOf(const http::Request& request, const RequestInfo& info) {
  Call call{request};
  call.query = http::Query::Parse(request.url.query);
  call.info = info;
  call.output = OutputOrFallback(request, call.query);
  return call;
}

struct DeprecatedApi {
  std::string_view api_version, resource, warning;
};
constexpr DeprecatedApi kDeprecated[] = {
    {"v1", "componentstatuses", "v1 ComponentStatus is deprecated in v1.19+"},
    {"v1", "endpoints",
     "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"},
};

std::string WarningHeader(std::string_view text) {
  std::string out = "299 - \"";
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (c != '\n' && c != '\r') out += c;
  }
  return out + "\"";
}

bool OnAllNamespaces(const Call& call) { return call.served->namespaced && call.info.ns.empty(); }

// Sets what the path names: the resource and its subresource. `parts` of it stand behind the group
// version.
Result<void> FindServed(const Registry& registry, size_t parts, Call& call) {
  const RequestInfo& info = call.info;
  call.served = registry.Find(info.group, info.version, info.resource);
  if (!call.served) return NoSuchPath();
  if ((!call.served->namespaced && !info.ns.empty()) ||
      (OnAllNamespaces(call) && !info.name.empty()))
    return NoSuchPath();
  if (!info.subresource.empty()) {
    call.subresource = FindSubresource(*call.served, info.subresource);
    if (!call.subresource) return NoSuchPath();
  }
  const size_t known = (info.ns.empty() ? 0 : 2) + 1 + (info.name.empty() ? 0 : 1) +
                       (info.subresource.empty() ? 0 : 1);
  if (parts > known && info.subresource != "proxy") return NoSuchPath();
  if (info.name == "." || info.name == "..") {
    return BadRequest(
        Cat("Name parameter invalid: ", Quote(info.name), ": may not be '", info.name, "'"));
  }
  return {};
}

// Only what the table serves, and on all namespaces only reading.
Result<void> CheckMethod(const Call& call) {
  const RequestInfo& info = call.info;
  const std::string& method = call.request.method;
  const bool known_method = method == "GET" || method == "POST" || method == "PUT" ||
                            method == "PATCH" || method == "DELETE";
  const auto verb = VerbFromName(info.verb);
  const uint32_t verbs = call.subresource ? call.subresource->served : call.served->verbs;
  const bool serves = verb && (verbs & VerbBit(*verb));
  const bool reading = info.verb == "list" || info.verb == "watch";
  const bool wrong_place = (!info.name.empty() && info.verb == "create" && !call.subresource) ||
                           (info.name.empty() && (info.verb == "update" || info.verb == "patch")) ||
                           (OnAllNamespaces(call) && !reading);
  if (known_method && serves && !wrong_place) return {};
  // Kinds that are only created have no paths of single objects.
  if (call.served->verbs == VerbBit(Verb::kCreate) && !info.name.empty() && !call.subresource)
    return NoSuchPath();
  return NoSuchMethod();
}

// What came in and what may go out; sets the output (chapter 2.2: first the router, then the
// handler).
Result<void> Negotiate(Call& call) {
  const RequestInfo& info = call.info;
  const http::Headers& headers = call.request.headers;
  if (info.verb == "patch" && !IsPatchType(BaseType(headers.Get("Content-Type"))))
    return RouterError(415, "UnsupportedMediaType", "415: Unsupported Media Type");
  const bool free_form =
      call.subresource &&
      (info.subresource == "log" || info.subresource == "proxy" || info.subresource == "exec" ||
       info.subresource == "attach" || info.subresource == "portforward");
  const Offer offer{.watch = info.verb == "watch"};
  const auto output = ChooseOutput(headers, call.query, offer);
  if (!free_form) {
    const bool watchable =
        (info.verb == "list" || offer.watch) && call.served->Supports(Verb::kWatch);
    if (!RouterAccepts(headers)) return RouterNotAcceptable(watchable);
    if (!output) return HandlerNotAcceptable(offer);
  }
  call.output = output.value_or(Output{});
  return {};
}

Result<Answer> Dispatch(Core& core, Call& call) {
  const std::string& verb = call.info.verb;
  if (call.subresource && call.info.subresource != "status") return ServeSubresource(core, call);
  if (verb == "get") return GetObject(core, call);
  if (verb == "list") return ListObjects(core, call);
  if (verb == "watch") return WatchObjects(core, call);
  if (verb == "create" && !call.served->Supports(Verb::kGet)) return CreateVirtual(core, call);
  if (verb == "create") return CreateObject(core, call);
  if (verb == "update") return UpdateObject(core, call);
  if (verb == "patch") return PatchObject(core, call);
  if (verb == "delete") return DeleteObject(core, call);
  return DeleteCollection(core, call);
}

}  // namespace

RequestInfo ParseRequest(const http::Request& request) {
  RequestInfo info;
  info.path = UnescapedPath(request);
  info.verb = ToLower(request.method);
  const std::vector<std::string_view> all = PartsOf(info.path);
  Parts parts = all;
  if (parts.empty() || (parts[0] != "api" && parts[0] != "apis")) return info;
  const size_t prefix = parts[0] == "api" ? 2 : 3;
  if (parts.size() <= prefix) return info;
  if (parts[0] == "apis") info.group = parts[1];
  info.version = parts[prefix - 1];
  parts = parts.subspan(prefix);
  const bool legacy_watch = parts[0] == "watch";
  if (legacy_watch) parts = parts.subspan(1);
  ReadResourceParts(parts, info);
  if (info.resource.empty()) return info;
  info.is_resource = true;
  if (const std::string verb = VerbOf(request.method, !info.name.empty()); !verb.empty())
    info.verb = verb;
  const http::Query query = http::Query::Parse(request.url.query);
  if (info.verb == "list" && IsWatchFlag(query)) info.verb = "watch";
  if (legacy_watch && (info.verb == "get" || info.verb == "list")) info.verb = "watch";
  return info;
}

Answer Router::Finish(const Call& call, Answer answer) const {
  if (answer.decide) {
    answer.decide = [router = *this, kept = Keep(call), decide = std::move(answer.decide)] {
      return router.Finish(*kept, decide());
    };
    return answer;
  }
  const std::string_view audit = call.request.headers.Get("Audit-ID");
  answer.headers.Set("Audit-ID", audit.empty() ? NewUuid(*core_.env.random) : std::string(audit));
  if (!answer.headers.Has("Cache-Control"))
    answer.headers.Set("Cache-Control", "no-cache, private");
  Core::FlowUids flow = core_.flow_uids();
  answer.headers.Set("X-Kubernetes-PF-FlowSchema-UID", std::move(flow.schema));
  answer.headers.Set("X-Kubernetes-PF-PriorityLevel-UID", std::move(flow.level));
  for (const std::string& text : call.warnings) answer.headers.Add("Warning", WarningHeader(text));
  if (!answer.source && SizeOf(answer.body) > kGzipAbove && AcceptsGzip(call.request.headers)) {
    answer.body = {Slice::Of(Gzip(Gather(answer.body)))};
    answer.headers.Set("Content-Encoding", "gzip");
    answer.headers.Add("Vary", "Accept-Encoding");
  }
  return answer;
}

Answer Router::Serve(const http::Request& request, const RequestInfo& info) {
  Call call = CallOf(request, info);
  call.stale = stale_;
  const auto finish = [&](Answer answer) { return Finish(call, std::move(answer)); };
  const std::string& path = info.path;

  if (const std::string* timeout = call.query.Get("timeout");
      timeout && !timeout->empty() && info.verb != "watch") {
    if (auto parsed = GoParseDuration(*timeout); !parsed) {
      return finish(RenderError(
          BadRequest("invalid timeout specified in the request URL - " + parsed.error().message()),
          call.output));
    }
  }
  if (core_.strict) {
    if (const Deviation* touched = TouchedBy(request, info, core_.registry))
      return finish(RenderError(RefusedAsDeviation(*touched), call.output));
  }
  if (auto fixed = ServeFixedPath(core_, call)) return finish(*std::move(fixed));
  const bool is_core = path == "/api" || path.starts_with("/api/");
  if (!is_core && !path.starts_with("/apis/")) return finish(PageNotFound());

  if (path.find("//") != std::string::npos) return finish(RenderError(NoSuchPath(), call.output));
  const std::vector<std::string_view> parts = PartsOf(path);
  const size_t prefix = is_core ? 2 : 3;
  if (!is_core && !core_.registry.FindGroup(parts[1])) return finish(PageNotFound());
  const std::string_view group = is_core ? std::string_view() : parts[1];
  if (parts.size() < prefix || !core_.registry.FindVersion(group, parts[prefix - 1]))
    return finish(RenderError(NoSuchPath(), call.output));
  return ServeResource(call, Parts(parts).subspan(prefix));
}

// The path /watch or /proxy alone, which a real server cannot even read.
Answer Router::Unreadable(const Call& call) const {
  Answer answer = Answer::Text(
      500, Cat("Internal Server Error: ", Quote(call.info.path),
               ": failed to create RequestInfo: unable to determine kind and namespace from url, ",
               call.info.path, "\n"));
  answer.headers.Set("Cache-Control", "");
  answer = Finish(call, std::move(answer));
  answer.headers.Remove("Cache-Control");
  return answer;
}

Answer Router::Fail(const http::Request& request, const RequestInfo& info, const Error& error) {
  const Call call = CallOf(request, info);
  return Finish(call, RenderError(error, call.output));
}

Answer Router::ServeResource(Call& call, std::span<const std::string_view> parts) {
  const RequestInfo& info = call.info;
  if (parts.size() == 1 && (parts[0] == "watch" || parts[0] == "proxy")) return Unreadable(call);
  if (!parts.empty() && parts[0] == "watch") parts = parts.subspan(1);  // the legacy form

  const auto serve = [&]() -> Result<Answer> {
    if (auto found = FindServed(core_.registry, parts.size(), call); !found) return found.error();
    const bool unwatched = info.verb == "watch" && call.served->Supports(Verb::kList) &&
                           !call.served->Supports(Verb::kWatch) && !call.subresource;
    if (auto good = CheckMethod(call); !good && !unwatched) return good.error();
    for (const DeprecatedApi& row : kDeprecated) {
      if (row.api_version == call.served->api_version && row.resource == call.served->resource)
        call.Warn(std::string(row.warning));
    }
    if (unwatched) return MethodNotSupported(call.resource(), "watch");
    if (auto good = Negotiate(call); !good) return good.error();
    if (info.verb == "watch" && !info.name.empty()) {
      // The legacy watch of one object.
      call.query.Set("fieldSelector", "metadata.name=" + info.name);
    }
    return Dispatch(core_, call);
  };
  auto answer = serve();
  return Finish(call, answer ? *std::move(answer) : RenderError(answer.error(), call.output));
}

}  // namespace k8s::fakeapiserver
