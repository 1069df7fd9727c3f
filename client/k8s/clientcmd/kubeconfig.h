#pragma once

// The contents of a kubeconfig file, as values: reading, merging, writing, and the paths inside.
// Pure but for LoadFromFile and WriteToFile. Errors name the file and the field, never a value.

#include <map>
#include <string>
#include <vector>

#include "k8s/base/env.h"
#include "k8s/machinery/value.h"
#include "k8s/rest/config.h"

namespace k8s::clientcmd {

struct Cluster {
  std::string location_of_origin{};  // the file that it came from
  std::string server{};
  std::string tls_server_name{};
  bool insecure_skip_tls_verify = false;
  std::string certificate_authority{};
  std::string certificate_authority_data{};  // decoded
  std::string proxy_url{};
  bool disable_compression = false;
  std::map<std::string, Value> extensions{};
};

struct AuthInfo {
  std::string location_of_origin{};
  std::string client_certificate{};
  std::string client_certificate_data{};  // decoded
  std::string client_key{};
  std::string client_key_data{};  // decoded
  std::string token{};
  std::string token_file{};
  std::string impersonate{};
  std::string impersonate_uid{};
  std::vector<std::string> impersonate_groups{};
  std::map<std::string, std::vector<std::string>> impersonate_user_extra{};
  std::string username{};
  std::string password{};
  std::optional<rest::AuthProviderConfig> auth_provider{};
  std::optional<rest::ExecConfig> exec{};
  std::map<std::string, Value> extensions{};
};

struct KubeContext {
  std::string location_of_origin{};
  std::string cluster{};
  std::string auth_info{};
  std::string namespace_{};
  std::map<std::string, Value> extensions{};
};

struct Kubeconfig {
  std::map<std::string, Cluster> clusters{};
  std::map<std::string, AuthInfo> auth_infos{};
  std::map<std::string, KubeContext> contexts{};
  std::string current_context{};
  std::string current_context_origin{};  // the file that it came from
  bool colors = false;
  std::map<std::string, Value> preference_extensions{};
  std::map<std::string, Value> extensions{};
};

// Reads YAML or JSON; only the first document counts, unknown fields do not.
Result<Kubeconfig> Load(std::string_view text);
// The same, with every entry remembering the file. Relative paths stay as they are.
Result<Kubeconfig> LoadFromFile(const std::string& path, const Env& env = {});

// Where an entry of a list ("clusters", "users", "contexts") stands, or a field of the document
// when name is empty: "/home/jane/.kube/config line 7"; "" when origin is.
std::string PlaceOf(const std::string& origin, std::string_view list, std::string_view name,
                    const Env& env);

// Entries and scalars of `first` win, each as a whole (2.2).
void MergeInto(Kubeconfig& first, const Kubeconfig& later);
// Relative paths become absolute, seen from the file of their entry.
void ResolveLocalPaths(Kubeconfig& config, const Env& env);

// YAML with entries sorted by name.
std::string Write(const Kubeconfig& config);
Result<void> WriteToFile(const Kubeconfig& config, const std::string& path, const Env& env = {});

// Keeps only what the current context needs; fails when it is not there.
Result<void> MinifyConfig(Kubeconfig& config);
// Replaces files of certificates and keys by their contents.
Result<void> FlattenConfig(Kubeconfig& config, const Env& env = {});

}  // namespace k8s::clientcmd
