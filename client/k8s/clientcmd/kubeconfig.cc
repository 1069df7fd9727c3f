#include "k8s/clientcmd/kubeconfig.h"

#include <algorithm>

#include "k8s/base/base64.h"
#include "k8s/base/strings.h"
#include "k8s/machinery/yaml.h"

namespace k8s::clientcmd {
namespace {

std::string_view TypeName(const Value& value) {
  switch (value.type()) {
    case Value::Type::kNull:
      return "null";
    case Value::Type::kBool:
      return "bool";
    case Value::Type::kInt:
    case Value::Type::kDouble:
      return "number";
    case Value::Type::kString:
      return "string";
    case Value::Type::kArray:
      return "list";
    case Value::Type::kObject:
      return "object";
  }
  return "value";
}

// Reads members of one object; the first mistake sticks. A null counts as absent, as in Go.
class Reader {
 public:
  Reader(const Value& object, std::string path, std::optional<Error>& error)
      : object_(object), path_(std::move(path)), error_(error) {
    if (!object.is_object() && !object.is_null()) Wrong(path_, object, "object");
  }

  void Read(std::string_view name, std::string& out) {
    const Value* value = Member(name);
    if (value == nullptr) return;
    if (!value->is_string()) return Wrong(At(name), *value, "string");
    out = value->string();
  }
  void Read(std::string_view name, bool& out) {
    const Value* value = Member(name);
    if (value == nullptr) return;
    if (!value->is_bool()) return Wrong(At(name), *value, "bool");
    out = value->boolean();
  }
  void ReadBase64(std::string_view name, std::string& out) {
    std::string text;
    Read(name, text);
    if (text.empty()) return;
    auto bytes = DecodeBase64(text);
    if (!bytes) {
      // The first byte that does not fit; a text of good ones is too short or padded wrongly.
      const size_t at = text.find_first_not_of(
          "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/\r\n");
      return Fail(Cat(At(name), ": illegal base64 data at input byte ",
                      std::to_string(at == std::string::npos ? text.size() : at)));
    }
    out = std::move(*bytes);
  }
  void Read(std::string_view name, std::vector<std::string>& out) {
    ReadList(name, [&](const Value& item, const std::string& at) {
      if (!item.is_string()) return Wrong(at, item, "string");
      out.push_back(item.string());
    });
  }
  void Read(std::string_view name, std::map<std::string, std::string>& out) {
    ReadMap(name, [&](const std::string& key, const Value& item) {
      if (!item.is_string()) return Wrong(Cat(At(name), ".", key), item, "string");
      out[key] = item.string();
    });
  }
  void Read(std::string_view name, std::map<std::string, std::vector<std::string>>& out) {
    ReadMap(name, [&](const std::string& key, const Value&) {
      Reader(*Member(name), At(name), error_).Read(key, out[key]);
    });
  }
  // A list of {name, <what>}, which becomes a map; read(item reader, entry).
  template <class T, class ReadEntry>
  void ReadNamed(std::string_view list, std::string_view what, std::map<std::string, T>& out,
                 ReadEntry read) {
    ReadList(list, [&](const Value& item, const std::string& at) {
      std::string name;
      Reader(item, at, error_).Read("name", name);
      if (error_) return;
      if (out.contains(name)) {
        return Fail(Cat("error converting ", list, ": duplicate name ", Quote(name), " in list"));
      }
      static const Value kNull;
      const Value* value = item.Find(what);
      read(value == nullptr ? kNull : *value, Cat(at, ".", what), out[name]);
    });
  }
  void ReadExtensions(std::map<std::string, Value>& out) {
    ReadNamed("extensions", "extension", out,
              [](const Value& value, const std::string&, Value& extension) { extension = value; });
  }
  template <class ReadItem>
  void ReadList(std::string_view name, ReadItem read) {
    const Value* value = Member(name);
    if (value == nullptr) return;
    if (!value->is_array()) return Wrong(At(name), *value, "list");
    for (size_t i = 0; i < value->array().size() && !error_; ++i) {
      read(value->array()[i], Cat(At(name), "[", std::to_string(i), "]"));
    }
  }
  const Value* Member(std::string_view name) const {
    const Value* value = object_.Find(name);
    return value == nullptr || value->is_null() || error_ ? nullptr : value;
  }
  std::string At(std::string_view name) const {
    return path_.empty() ? std::string(name) : Cat(path_, ".", name);
  }

 private:
  template <class ReadItem>
  void ReadMap(std::string_view name, ReadItem read) {
    const Value* value = Member(name);
    if (value == nullptr) return;
    if (!value->is_object()) return Wrong(At(name), *value, "object");
    for (const auto& [key, item] : value->object()) {
      if (!error_) read(key, item);
    }
  }
  void Wrong(const std::string& at, const Value& value, std::string_view wanted) {
    Fail(Cat(at.empty() ? std::string_view("document") : std::string_view(at),
             ": cannot unmarshal ", TypeName(value), " into a field of type ", wanted));
  }
  void Fail(std::string text) {
    if (!error_) error_ = ConfigError(std::move(text));
  }

  const Value& object_;
  std::string path_;
  std::optional<Error>& error_;
};

void ReadCluster(Reader reader, Cluster& cluster) {
  reader.Read("server", cluster.server);
  reader.Read("tls-server-name", cluster.tls_server_name);
  reader.Read("insecure-skip-tls-verify", cluster.insecure_skip_tls_verify);
  reader.Read("certificate-authority", cluster.certificate_authority);
  reader.ReadBase64("certificate-authority-data", cluster.certificate_authority_data);
  reader.Read("proxy-url", cluster.proxy_url);
  reader.Read("disable-compression", cluster.disable_compression);
  reader.ReadExtensions(cluster.extensions);
}

rest::ExecConfig ReadExec(const Value& value, const std::string& path,
                          std::optional<Error>& error) {
  rest::ExecConfig exec;
  Reader reader(value, path, error);
  reader.Read("command", exec.command);
  reader.Read("args", exec.args);
  reader.ReadList("env", [&](const Value& item, const std::string& at) {
    rest::ExecEnvVar variable;
    Reader entry(item, at, error);
    entry.Read("name", variable.name);
    entry.Read("value", variable.value);
    exec.env.push_back(std::move(variable));
  });
  reader.Read("apiVersion", exec.api_version);
  reader.Read("installHint", exec.install_hint);
  reader.Read("provideClusterInfo", exec.provide_cluster_info);
  reader.Read("interactiveMode", exec.interactive_mode);
  // Only version v1 requires it (C-2.30).
  if (exec.interactive_mode.empty() &&
      (exec.api_version.ends_with("/v1beta1") || exec.api_version.ends_with("/v1alpha1"))) {
    exec.interactive_mode = "IfAvailable";
  }
  return exec;
}

void ReadAuthInfo(Reader reader, AuthInfo& user, std::optional<Error>& error) {
  reader.Read("client-certificate", user.client_certificate);
  reader.ReadBase64("client-certificate-data", user.client_certificate_data);
  reader.Read("client-key", user.client_key);
  reader.ReadBase64("client-key-data", user.client_key_data);
  reader.Read("token", user.token);
  reader.Read("tokenFile", user.token_file);
  reader.Read("as", user.impersonate);
  reader.Read("as-uid", user.impersonate_uid);
  reader.Read("as-groups", user.impersonate_groups);
  reader.Read("as-user-extra", user.impersonate_user_extra);
  reader.Read("username", user.username);
  reader.Read("password", user.password);
  if (const Value* value = reader.Member("auth-provider")) {
    rest::AuthProviderConfig provider;
    Reader entry(*value, reader.At("auth-provider"), error);
    entry.Read("name", provider.name);
    entry.Read("config", provider.config);
    user.auth_provider = std::move(provider);
  }
  if (const Value* value = reader.Member("exec")) {
    user.exec = ReadExec(*value, reader.At("exec"), error);
  }
  reader.ReadExtensions(user.extensions);
}

void ReadContext(Reader reader, KubeContext& context) {
  reader.Read("cluster", context.cluster);
  reader.Read("user", context.auth_info);
  reader.Read("namespace", context.namespace_);
  reader.ReadExtensions(context.extensions);
}

Result<void> CheckVersion(Reader& reader, const std::optional<Error>& error) {
  std::string version;
  std::string kind;
  reader.Read("apiVersion", version);
  reader.Read("kind", kind);
  if (error) return error->Within("couldn't get version/kind");
  if (version.empty()) version = "v1";
  if (kind.empty()) kind = "Config";
  if (version == "v1" && kind == "Config") return {};
  return ConfigError(Cat("no kind ", Quote(kind), " is registered for version ", Quote(version)));
}

// Sets what is not empty.
void Put(Value& object, std::string_view name, const std::string& text) {
  if (!text.empty()) object.Set(name, Value(text));
}
void Put(Value& object, std::string_view name, bool flag) {
  if (flag) object.Set(name, Value(true));
}
void Put(Value& object, std::string_view name, const std::vector<std::string>& texts) {
  if (texts.empty()) return;
  Value list = Value::MakeArray();
  for (const std::string& text : texts) list.Append(Value(text));
  object.Set(name, std::move(list));
}
void Put(Value& object, const std::map<std::string, Value>& extensions) {
  if (extensions.empty()) return;
  Value list = Value::MakeArray();
  for (const auto& [name, extension] : extensions) {
    list.Append(Value::MakeObject({{"name", Value(name)}, {"extension", extension}}));
  }
  object.Set("extensions", std::move(list));
}

Value ToValue(const Cluster& cluster) {
  Value out = Value::MakeObject();
  Put(out, "certificate-authority", cluster.certificate_authority);
  Put(out, "certificate-authority-data", EncodeBase64(cluster.certificate_authority_data));
  Put(out, "disable-compression", cluster.disable_compression);
  Put(out, cluster.extensions);
  Put(out, "insecure-skip-tls-verify", cluster.insecure_skip_tls_verify);
  Put(out, "proxy-url", cluster.proxy_url);
  out.Set("server", Value(cluster.server));
  Put(out, "tls-server-name", cluster.tls_server_name);
  return out;
}

Value ToValue(const rest::ExecConfig& exec) {
  Value out = Value::MakeObject();
  out.Set("apiVersion", Value(exec.api_version));
  Put(out, "args", exec.args);
  out.Set("command", Value(exec.command));
  Value env = Value::MakeArray();
  for (const auto& [name, value] : exec.env) {
    env.Append(Value::MakeObject({{"name", Value(name)}, {"value", Value(value)}}));
  }
  if (!exec.env.empty()) out.Set("env", std::move(env));
  Put(out, "installHint", exec.install_hint);
  Put(out, "interactiveMode", exec.interactive_mode);
  out.Set("provideClusterInfo", Value(exec.provide_cluster_info));
  return out;
}

Value ToValue(const AuthInfo& user) {
  Value out = Value::MakeObject();
  Put(out, "as", user.impersonate);
  Put(out, "as-groups", user.impersonate_groups);
  Put(out, "as-uid", user.impersonate_uid);
  Value extra = Value::MakeObject();
  for (const auto& [key, values] : user.impersonate_user_extra) Put(extra, key, values);
  if (!user.impersonate_user_extra.empty()) out.Set("as-user-extra", std::move(extra));
  if (user.auth_provider) {
    Value config = Value::MakeObject();
    for (const auto& [key, value] : user.auth_provider->config) config.Set(key, Value(value));
    out.Set("auth-provider", Value::MakeObject({{"config", std::move(config)},
                                                {"name", Value(user.auth_provider->name)}}));
  }
  Put(out, "client-certificate", user.client_certificate);
  Put(out, "client-certificate-data", EncodeBase64(user.client_certificate_data));
  Put(out, "client-key", user.client_key);
  Put(out, "client-key-data", EncodeBase64(user.client_key_data));
  if (user.exec) out.Set("exec", ToValue(*user.exec));
  Put(out, user.extensions);
  Put(out, "password", user.password);
  Put(out, "token", user.token);
  Put(out, "tokenFile", user.token_file);
  Put(out, "username", user.username);
  return out;
}

Value ToValue(const KubeContext& context) {
  Value out = Value::MakeObject();
  out.Set("cluster", Value(context.cluster));
  Put(out, context.extensions);
  Put(out, "namespace", context.namespace_);
  out.Set("user", Value(context.auth_info));
  return out;
}

template <class T>
Value ToNamedList(const std::map<std::string, T>& entries, std::string_view what) {
  Value list = Value::MakeArray();
  for (const auto& [name, entry] : entries) {
    Value item = Value::MakeObject();
    item.Set(what, ToValue(entry));
    item.Set("name", Value(name));
    list.Append(std::move(item));
  }
  return list;
}

std::string FolderOf(const std::string& file, const Env& env) {
  const std::string absolute =
      file.starts_with('/') ? file : Cat(env.host->WorkingDirectory(), "/", file);
  return absolute.substr(0, absolute.rfind('/'));
}

void Resolve(std::string& path, const std::string& origin, const Env& env) {
  if (path.empty() || path.starts_with('/') || origin.empty()) return;
  path = http::CleanPath(Cat(FolderOf(origin, env), "/", path));
}

Result<void> Inline(std::string& file, std::string& data, const Env& env) {
  if (file.empty()) return {};
  if (data.empty()) {
    auto content = env.host->ReadFile(file);
    if (!content) return content.error();
    data = std::move(*content);
  }
  file.clear();
  return {};
}

}  // namespace

Result<Kubeconfig> Load(std::string_view text) {
  auto document = ParseYamlDocument(text);
  if (!document) return ConfigError(Cat("yaml: ", document.error().message()));
  std::optional<Error> error;
  Reader reader(*document, "", error);
  if (auto known = CheckVersion(reader, error); !known) return known.error();
  Kubeconfig config;
  reader.Read("current-context", config.current_context);
  reader.ReadNamed("clusters", "cluster", config.clusters,
                   [&](const Value& value, const std::string& at, Cluster& cluster) {
                     ReadCluster(Reader(value, at, error), cluster);
                   });
  reader.ReadNamed("users", "user", config.auth_infos,
                   [&](const Value& value, const std::string& at, AuthInfo& user) {
                     ReadAuthInfo(Reader(value, at, error), user, error);
                   });
  reader.ReadNamed("contexts", "context", config.contexts,
                   [&](const Value& value, const std::string& at, KubeContext& context) {
                     ReadContext(Reader(value, at, error), context);
                   });
  if (const Value* preferences = reader.Member("preferences")) {
    Reader entry(*preferences, "preferences", error);
    entry.Read("colors", config.colors);
    entry.ReadExtensions(config.preference_extensions);
  }
  reader.ReadExtensions(config.extensions);
  if (!error) return config;
  // The message begins with the path of the field.
  const std::string_view message = error->message();
  const int line = YamlLineOf(text, message.substr(0, message.find(": ")));
  return error->Within(Cat("line ", std::to_string(line)));
}

std::string PlaceOf(const std::string& origin, std::string_view list, std::string_view name,
                    const Env& env) {
  if (origin.empty()) return {};
  const auto text = env.host->ReadFile(origin);
  const auto document = text ? ParseYamlDocument(*text) : Result<Value>(text.error());
  if (!document) return origin;
  std::string path(list);
  if (const Value* entries = document->Find(list); entries && entries->is_array()) {
    const auto& all = entries->array();
    const auto entry = std::find_if(
        all.begin(), all.end(), [&](const Value& one) { return one.StringAt({"name"}) == name; });
    if (entry != all.end()) path += Cat("[", std::to_string(entry - all.begin()), "]");
  }
  return Cat(origin, " line ", std::to_string(YamlLineOf(*text, path)));
}

Result<Kubeconfig> LoadFromFile(const std::string& path, const Env& env) {
  auto text = env.host->ReadFile(path);
  if (!text) return text.error();
  auto config = Load(*text);
  if (!config) return config;
  if (!config->current_context.empty()) config->current_context_origin = path;
  for (auto& [name, cluster] : config->clusters) cluster.location_of_origin = path;
  for (auto& [name, user] : config->auth_infos) user.location_of_origin = path;
  for (auto& [name, context] : config->contexts) context.location_of_origin = path;
  return config;
}

void MergeInto(Kubeconfig& first, const Kubeconfig& later) {
  // insert keeps what is there already.
  first.clusters.insert(later.clusters.begin(), later.clusters.end());
  first.auth_infos.insert(later.auth_infos.begin(), later.auth_infos.end());
  first.contexts.insert(later.contexts.begin(), later.contexts.end());
  first.extensions.insert(later.extensions.begin(), later.extensions.end());
  first.preference_extensions.insert(later.preference_extensions.begin(),
                                     later.preference_extensions.end());
  if (first.current_context.empty()) {
    first.current_context = later.current_context;
    first.current_context_origin = later.current_context_origin;
  }
  first.colors = first.colors || later.colors;
}

void ResolveLocalPaths(Kubeconfig& config, const Env& env) {
  for (auto& [name, cluster] : config.clusters) {
    Resolve(cluster.certificate_authority, cluster.location_of_origin, env);
  }
  for (auto& [name, user] : config.auth_infos) {
    Resolve(user.client_certificate, user.location_of_origin, env);
    Resolve(user.client_key, user.location_of_origin, env);
    Resolve(user.token_file, user.location_of_origin, env);
    // A bare name is looked up in PATH (C-2.4).
    if (user.exec && user.exec->command.find('/') != std::string::npos) {
      Resolve(user.exec->command, user.location_of_origin, env);
    }
  }
}

std::string Write(const Kubeconfig& config) {
  Value out = Value::MakeObject();
  out.Set("apiVersion", Value("v1"));
  out.Set("clusters", ToNamedList(config.clusters, "cluster"));
  out.Set("contexts", ToNamedList(config.contexts, "context"));
  out.Set("current-context", Value(config.current_context));
  Put(out, config.extensions);
  out.Set("kind", Value("Config"));
  if (config.colors || !config.preference_extensions.empty()) {
    Value preferences = Value::MakeObject();
    Put(preferences, "colors", config.colors);
    Put(preferences, config.preference_extensions);
    out.Set("preferences", std::move(preferences));
  }
  out.Set("users", ToNamedList(config.auth_infos, "user"));
  return ToYaml(out);
}

Result<void> WriteToFile(const Kubeconfig& config, const std::string& path, const Env& env) {
  return env.host->WriteFile(path, Write(config), 0600);
}

Result<void> MinifyConfig(Kubeconfig& config) {
  if (config.current_context.empty()) {
    return ConfigError("current-context must exist in order to minify");
  }
  const auto context = config.contexts.find(config.current_context);
  if (context == config.contexts.end()) {
    return ConfigError(Cat("cannot locate context ", config.current_context));
  }
  const KubeContext kept = context->second;
  if (!kept.cluster.empty() && !config.clusters.contains(kept.cluster)) {
    return ConfigError(Cat("cannot locate cluster ", kept.cluster));
  }
  if (!kept.auth_info.empty() && !config.auth_infos.contains(kept.auth_info)) {
    return ConfigError(Cat("cannot locate user ", kept.auth_info));
  }
  std::erase_if(config.contexts, [&](const auto& e) { return e.first != config.current_context; });
  std::erase_if(config.clusters, [&](const auto& e) { return e.first != kept.cluster; });
  std::erase_if(config.auth_infos, [&](const auto& e) { return e.first != kept.auth_info; });
  return {};
}

Result<void> FlattenConfig(Kubeconfig& config, const Env& env) {
  ResolveLocalPaths(config, env);
  for (auto& [name, user] : config.auth_infos) {
    auto done = Inline(user.client_certificate, user.client_certificate_data, env);
    if (done) done = Inline(user.client_key, user.client_key_data, env);
    if (!done) return done;
  }
  for (auto& [name, cluster] : config.clusters) {
    auto done = Inline(cluster.certificate_authority, cluster.certificate_authority_data, env);
    if (!done) return done;
  }
  return {};
}

}  // namespace k8s::clientcmd
