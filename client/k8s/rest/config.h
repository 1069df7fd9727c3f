#pragma once

// rest::Config: how to reach an API server and as whom, with Go's field names in snake case. A
// value; the functions below are pure but for the files that they name, and no constructor does
// network I/O. Printing a Config shows no secret.

#include <iosfwd>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "k8s/base/env.h"
#include "k8s/http/dial.h"
#include "k8s/http/impersonate.h"
#include "k8s/http/proxy.h"
#include "k8s/http/rate_limiter.h"
#include "k8s/http/replay_safe.h"
#include "k8s/http/round_tripper.h"
#include "k8s/http/trace.h"
#include "k8s/machinery/value.h"
#include "k8s/rest/warnings.h"

namespace k8s::rest {

inline constexpr double kDefaultQps = 5;
inline constexpr int kDefaultBurst = 10;

// Data beats file, for each of the three on its own. Data is PEM.
struct TlsClientConfig {
  bool insecure = false;
  std::string server_name{};
  std::string cert_file{};
  std::string key_file{};
  std::string ca_file{};
  std::string cert_data{};
  std::string key_data{};
  std::string ca_data{};
  std::vector<std::string> next_protos{};

  bool HasCa() const { return !ca_file.empty() || !ca_data.empty(); }
  bool HasCert() const { return !cert_file.empty() || !cert_data.empty(); }
  bool HasCertPair() const { return HasCert() && (!key_file.empty() || !key_data.empty()); }
};

// Which credential plugins may run. A program sets this; a file that names a plugin cannot.
struct PluginPolicy {
  std::string type{};  // "" or "AllowAll", "DenyAll", "Allowlist"
  // Names or clean paths, as written in the config or where the command is found. Only with, and
  // never missing or empty with, "Allowlist".
  std::optional<std::vector<std::string>> allowlist{};
  bool operator==(const PluginPolicy&) const = default;
};

// A program that prints credentials (exec_plugin.h).
struct ExecEnvVar {
  std::string name{};
  std::string value{};
  bool operator==(const ExecEnvVar&) const = default;
};
struct ExecConfig {
  std::string command{};
  std::vector<std::string> args{};
  std::vector<ExecEnvVar> env{};
  std::string api_version{};
  std::string install_hint{};
  bool provide_cluster_info = false;
  std::string interactive_mode{};  // "Never", "IfAvailable", "Always"
  // The rest is not in the user's entry of a file: the cluster's extension for plugins, and what
  // the program says.
  Value config{};
  bool stdin_unavailable = false;
  std::string stdin_unavailable_message{};
  PluginPolicy plugin_policy{};
  bool operator==(const ExecConfig&) const = default;
};

struct AuthProviderConfig {
  std::string name{};
  std::map<std::string, std::string> config{};
  bool operator==(const AuthProviderConfig&) const = default;
};

struct Config {
  std::string host{};      // host, host:port, or a URL whose path is in front of every request
  std::string api_path{};  // "/api", "/apis"
  std::string accept_content_types{};
  std::string content_type{};
  std::string username{};
  std::string password{};
  std::string bearer_token{};
  std::string bearer_token_file{};
  http::Impersonation impersonate{};
  std::optional<AuthProviderConfig> auth_provider{};
  std::optional<ExecConfig> exec_provider{};
  TlsClientConfig tls{};
  std::string user_agent{};
  bool disable_compression = false;
  std::shared_ptr<http::RoundTripper> transport{};  // instead of sockets
  std::vector<http::Layer> wrap{};  // next to the transport; the last one is the outermost
  double qps = 0;                   // 0: 5; negative: no client-side limit
  int burst = 0;                    // 0: 10
  std::shared_ptr<http::RateLimiter> rate_limiter{};  // beats qps and burst
  std::optional<http::ReplaySafe> retry_policy{};     // none: client-go's rules (docs/retry.md)
  WarningHandler warning_handler{};                   // empty: LogWarnings()
  Duration timeout{};                                 // of each exchange; zero: none
  // Open at once to one host, idle ones included; more requests wait. 0: any number, as client-go.
  size_t max_connections_per_host = 0;
  http::DialFunction dial{};
  http::ProxyFunction proxy{};  // empty: from the environment
  http::TraceFunction trace{};
  Env env{};
};

// Shows which secrets are set, never what they are (C-1.20).
std::ostream& operator<<(std::ostream& out, const Config& config);

// Where requests go: scheme, host, and the path in front of all of them without a slash at its end
// (1.2). Errors are kConfig.
Result<http::Url> DefaultServerURL(const Config& config);
// "/api/v1", "/apis/apps/v1": the path of a group version below the base.
std::string DefaultVersionedApiPath(std::string_view api_path, std::string_view group,
                                    std::string_view version);
// Requests would go over TLS; false when the host cannot be read.
bool IsConfigTransportTLS(const Config& config);

// "<program>/<version> (<os>/<arch>) kubernetes/<commit>".
std::string DefaultKubernetesUserAgent(const Env& env = {});
// Sets the default with "/<part>" behind it, and returns the same config.
Config& AddUserAgent(Config& config, std::string_view part);

// The same server, without anything that says who is calling (1.6).
Config AnonymousClientConfig(const Config& config);
// Fills the three data members from the files. On an error some may be filled.
Result<void> LoadTLSFiles(Config& config);

// The limiter of one REST client (1.3); null: none.
std::shared_ptr<http::RateLimiter> RateLimiterFor(const Config& config);
// The retry policy of one client, with a budget; null: none.
std::shared_ptr<const http::ReplaySafe> RetryPolicyFor(const Config& config);
// A copy for a clientset: with QPS set, all groups share one new limiter; else each gets its own.
// All groups share one retry budget.
Result<Config> ConfigForClientset(const Config& config);

// The config of the pod that this program runs in (2.5).
Result<Config> InClusterConfig(const Env& env = {});

}  // namespace k8s::rest
