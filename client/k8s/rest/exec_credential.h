#pragma once

// What a program and its credential plugin tell each other (2.6): the ExecCredential that goes into
// KUBERNETES_EXEC_INFO, and the one that the plugin prints. Pure functions; error texts never quote
// what was printed.

#include <optional>
#include <string>
#include <string_view>

#include "k8s/http/tls.h"
#include "k8s/machinery/scalars.h"
#include "k8s/machinery/value.h"

namespace k8s::rest {

inline constexpr std::string_view kExecV1 = "client.authentication.k8s.io/v1";
inline constexpr std::string_view kExecV1beta1 = "client.authentication.k8s.io/v1beta1";

// The server that the credentials are for, as a plugin with provideClusterInfo sees it.
struct ExecCluster {
  std::string server{};
  std::string tls_server_name{};
  bool insecure_skip_tls_verify = false;
  std::string certificate_authority_data{};  // PEM
  std::string proxy_url{};
  bool disable_compression = false;
  Value config{};  // the cluster's extension client.authentication.k8s.io/exec
};

// What a plugin handed out: a token, a certificate pair, or both.
struct ExecCredential {
  std::string token{};
  http::CertificatePair certificate{};
  Time expiration{};  // zero: never
};

// The value of KUBERNETES_EXEC_INFO.
std::string ExecInfo(std::string_view api_version, const std::optional<ExecCluster>& cluster,
                     bool interactive);

// Reads JSON or YAML. Certificate and key are both there or both empty, and not looked at.
Result<ExecCredential> ReadExecCredential(std::string_view output, std::string_view api_version);

}  // namespace k8s::rest
