#include "conformance/stage.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "k8s/base/strings.h"
#include "k8s/machinery/json.h"

namespace k8s::conformance {

Folder::~Folder() {
  std::error_code ignored;
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

Result<void> Folder::Make() {
  if (!path_.empty()) return {};
  std::string name = (std::filesystem::temp_directory_path() / "case.XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr)
    return ConfigError(Cat("make a folder for the case's files: ", strerror(errno)));
  path_ = name;
  return {};
}

Result<void> Folder::Write(const std::string& name, std::string_view text) const {
  const std::filesystem::path below = std::filesystem::path(name).lexically_normal();
  if (below.empty() || below.is_absolute() || *below.begin() == "..")
    return Invalid(Cat("files: ", Quote(name), " is no path below the folder"));
  const std::filesystem::path file = std::filesystem::path(path_) / below;
  std::error_code failed;
  std::filesystem::create_directories(file.parent_path(), failed);
  if (failed) return ConfigError(Cat("files: ", failed.message()));
  return RealHost()->WriteFile(file.string(), text, text.starts_with("#!") ? 0700 : 0600);
}

void Changes::Follow(fakeapiserver::Server& server) {
  server_ = &server;
  if (changes_.array().empty()) return;
  server.recorder().SetOnClosed([this](const fakeapiserver::Exchange& exchange) {
    if (exchange.connection == kConnection) return;
    std::lock_guard lock(mutex_);
    AfterExchange(++exchanges_);
  });
}

std::vector<std::string> Changes::Complaints() const {
  std::lock_guard lock(mutex_);
  std::vector<std::string> out = complaints_;
  for (size_t i = made_; i < changes_.array().size(); ++i)
    out.push_back(Cat("meanwhile: there was no exchange ",
                      std::to_string(changes_.array()[i].IntAt({"after"}))));
  return out;
}

// Changes are in order: one waits for those before it.
void Changes::AfterExchange(size_t count) {
  while (made_ < changes_.array().size()) {
    const Value& change = changes_.array()[made_];
    if (static_cast<size_t>(change.IntAt({"after"})) > count) return;
    ++made_;
    if (std::string wrong = Make(change); !wrong.empty())
      complaints_.push_back(Cat("meanwhile: ", wrong));
  }
}

std::string Changes::Make(const Value& change) {
  if (const Value* object = change.Find("create")) return Send("POST", *object);
  if (const Value* object = change.Find("update")) return Send("PUT", *object);
  if (const Value* object = change.Find("delete")) return Send("DELETE", *object);
  if (const Value* files = change.Find("files")) {
    for (const auto& [name, text] : files->object()) {
      if (auto written = folder_.Write(name, text.string()); !written)
        return written.error().message();
    }
    return "";
  }
  server_->store().Compact(server_->store().revision());
  return "";
}

// What went wrong, or "".
std::string Changes::Send(std::string_view method, const Value& object) {
  const auto* served =
      server_->registry().FindKind(object.StringAt({"apiVersion"}), object.StringAt({"kind"}));
  if (served == nullptr) return Cat("no such kind: ", ToJson(object));
  http::Request request;
  request.method = method;
  request.url.path = Cat(served->group.empty() ? "/api/" : "/apis/", served->api_version);
  if (served->namespaced) {
    request.url.path += Cat("/namespaces/", object.StringAt({"metadata", "namespace"}, "default"));
  }
  request.url.path += Cat("/", served->resource);
  if (method != "POST") request.url.path += Cat("/", object.StringAt({"metadata", "name"}));
  request.headers.Set("Accept", "application/json");
  request.headers.Set("User-Agent", "conformance");
  if (method != "DELETE") {
    request.headers.Set("Content-Type", "application/json");
    request.body = std::make_shared<const std::string>(ToJson(object));
  }
  const auto answer = server_->Serve(request, kConnection);
  if (answer.status >= 200 && answer.status < 300) return "";
  return Cat(method, " ", request.url.path, " was answered with ", std::to_string(answer.status));
}

}  // namespace k8s::conformance
