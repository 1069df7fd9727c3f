#include "fakeapiserver/server.h"

#include <algorithm>

#include "fakeapiserver/bootstrap.h"
#include "fakeapiserver/loopback.h"
#include "fakeapiserver/router.h"
#include "k8s/base/strings.h"
#include "k8s/machinery/json.h"
#include "k8s/machinery/yaml.h"

namespace k8s::fakeapiserver {
namespace {

// The number of the document in which a parse error lies; its text begins with "line N:".
size_t DocumentAt(std::string_view text, std::string_view message) {
  const auto line = ParseInt(message.substr(5, message.find(':') - 5)).value_or(1);
  size_t document = 1;
  int64_t number = 0;
  for (std::string_view one : Split(text, '\n')) {
    if (++number >= line) break;
    if (number > 1 && one.starts_with("---")) ++document;
  }
  return document;
}

}  // namespace

Server::Server(Options options)
    : core_(std::make_unique<Core>(std::move(options.env), options.limits)) {
  core_->flow_schema_uid = NewUuid(*core_->env.random);
  core_->priority_level_uid = NewUuid(*core_->env.random);
  if (options.bootstrap) Bootstrap(*core_);
}

Server::~Server() {
  std::lock_guard lock(listener_mutex_);
  listener_.reset();
}

Answer Server::Serve(const http::Request& request) {
  const RequestInfo info = ParseRequest(request);
  const uint64_t number = core_->recorder.Open(request, info);
  Answer answer;
  if (auto replaced = core_->faults.Before(request, info)) {
    answer = *std::move(replaced);
  } else {
    answer = Router(*core_).Serve(request, info);
  }
  answer = core_->faults.After(request, info, std::move(answer));
  if (answer.decide) {
    // The recorder hears of the answer when there is one.
    answer.decide = [this, number, decide = std::move(answer.decide)] {
      Answer decided = decide();
      if (!decided.decide) core_->recorder.Close(number, decided.status);
      return decided;
    };
  } else {
    core_->recorder.Close(number, answer.status);
  }
  return answer;
}

std::shared_ptr<http::RoundTripper> Server::Loopback() {
  return MakeLoopback(core_->env, [this](const http::Request& request) { return Serve(request); });
}

Result<std::string> Server::Listen(ListenerOptions options) {
  const std::string scheme = options.certificate_file.empty() ? "http://" : "https://";
  const std::string host =
      options.bind.find(':') == std::string::npos ? options.bind : Cat("[", options.bind, "]");
  options.max_body = kMaxRequestBody;
  auto listener = Listener::Start(std::move(options), core_->env,
                                  [this](const http::Request& request) { return Serve(request); });
  if (!listener) return listener.error();
  std::lock_guard lock(listener_mutex_);
  listener_ = *std::move(listener);
  return Cat(scheme, host, ":", std::to_string(listener_->port()));
}

int Server::port() const {
  std::lock_guard lock(listener_mutex_);
  return listener_ ? listener_->port() : 0;
}

size_t Server::connections() const {
  std::lock_guard lock(listener_mutex_);
  return listener_ ? listener_->connections() : 0;
}

Result<std::vector<Server::Document>> Server::ReadManifest(std::string_view place,
                                                           std::string_view text) const {
  auto parsed = ParseYaml(text);
  if (!parsed) {
    return parsed.error().Within(
        Cat(place, ": document ", std::to_string(DocumentAt(text, parsed.error().message()))));
  }
  std::vector<Document> documents;
  for (size_t i = 0; i < parsed->size(); ++i) {
    YamlDocument& one = (*parsed)[i];
    if (one.value.is_null()) continue;
    const std::string where =
        Cat(place, ": document ", std::to_string(i + 1), " (line ", std::to_string(one.line), ")");
    if (!one.value.is_object()) return DecodeError(Cat(where, ": not an object"));
    const Value* items = one.value.Find("items");
    if (one.value.StringAt({"kind"}).ends_with("List") && items && items->is_array()) {
      for (const Value& item : items->array()) documents.push_back({item, where});
    } else {
      documents.push_back({std::move(one.value), where});
    }
  }
  return documents;
}

Result<void> Server::CheckServed(const std::vector<Document>& documents) const {
  for (const Document& document : documents) {
    const std::string kind(document.tree.StringAt({"kind"})),
        api_version(document.tree.StringAt({"apiVersion"}));
    if (kind.empty() || api_version.empty())
      return DecodeError(Cat(document.place, ": kind and apiVersion must be set"));
    if (!core_->registry.FindKind(api_version, kind)) {
      return DecodeError(Cat(document.place, ": kind ", Quote(kind), " in version ",
                             Quote(api_version), " is not served"));
    }
  }
  return {};
}

Result<void> Server::CreateOne(const Document& document) {
  const Served& served = *core_->registry.FindKind(document.tree.StringAt({"apiVersion"}),
                                                   document.tree.StringAt({"kind"}));
  http::Request request;
  request.method = "POST";
  request.headers.Set("User-Agent", "fakeapiserver");
  Call call{request};
  call.served = &served;
  call.info.verb = "create";
  call.info.resource = served.resource;
  if (served.namespaced) {
    call.info.ns = std::string(document.tree.StringAt({"metadata", "namespace"}, "default"));
  }
  Value tree = document.tree;
  const Value* status_member = tree.Find("status");
  const Value status = status_member ? *status_member : Value();
  auto decoded = DecodeTree(call, std::move(tree), *served.type, {});
  if (!decoded) return decoded.error().Within(document.place);
  const Value decoded_status = decoded->Find("status") ? *decoded->Find("status") : Value();
  auto created = CreateTree(*core_, call, *std::move(decoded));
  if (!created) return created.error().Within(document.place);
  if (status.is_null() || !status.is_object() || status.object().empty()) return {};
  // A manifest may say what the status is; a client would write it in a second step.
  call.info.verb = "update";
  call.info.subresource = "status";
  call.info.name = (*created)->key.name;
  auto updated = UpdateTree(*core_, call, *created, [&](const Value& live) -> Result<Value> {
    Value now = live;
    now.Set("status", decoded_status);
    return now;
  });
  if (!updated) return updated.error().Within(document.place);
  return {};
}

Result<void> Server::CreateAll(const std::vector<Document>& documents) {
  if (auto served = CheckServed(documents); !served) return served;
  const auto lock = core_->store.LockWrites();
  std::vector<const Document*> ordered;
  for (const Document& document : documents) ordered.push_back(&document);
  // Namespaces first, so that a folder may come in any order.
  std::stable_partition(ordered.begin(), ordered.end(), [](const Document* one) {
    return one->tree.StringAt({"kind"}) == "Namespace";
  });
  std::vector<Key> created;
  for (const Document* document : ordered) {
    const Revision before = core_->store.revision();
    if (auto done = CreateOne(*document); !done) {
      for (const Key& key : created) core_->store.Remove(key);
      return done;
    }
    if (core_->store.revision() == before) continue;
    const Served& served = *core_->registry.FindKind(document->tree.StringAt({"apiVersion"}),
                                                     document->tree.StringAt({"kind"}));
    created.push_back({served.StoreName(),
                       served.namespaced ? std::string(document->tree.StringAt(
                                               {"metadata", "namespace"}, "default"))
                                         : "",
                       std::string(document->tree.StringAt({"metadata", "name"}))});
  }
  return {};
}

Result<void> Server::LoadManifest(std::string_view place, std::string_view text) {
  auto documents = ReadManifest(place, text);
  if (!documents) return documents.error();
  return CreateAll(*documents);
}

Result<void> Server::LoadPath(const std::string& path) {
  const Host& host = *core_->env.host;
  std::vector<std::string> files;
  if (host.IsDirectory(path)) {
    auto names = host.ListDirectory(path);
    if (!names) return names.error();
    for (const std::string& name : *names) {
      if (name.ends_with(".yaml") || name.ends_with(".yml") || name.ends_with(".json"))
        files.push_back(path + "/" + name);
    }
  } else {
    files.push_back(path);
  }
  std::vector<Document> all;
  for (const std::string& file : files) {
    auto text = host.ReadFile(file);
    if (!text) return text.error();
    auto documents = ReadManifest(file, *text);
    if (!documents) return documents.error();
    std::move(documents->begin(), documents->end(), std::back_inserter(all));
  }
  return CreateAll(all);
}

Result<void> Server::Seed(const Value& object) { return CreateAll({{object, "seed"}}); }

}  // namespace k8s::fakeapiserver
