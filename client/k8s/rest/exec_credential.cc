#include "k8s/rest/exec_credential.h"

#include "k8s/base/base64.h"
#include "k8s/base/strings.h"
#include "k8s/machinery/json.h"
#include "k8s/machinery/yaml.h"

namespace k8s::rest {
namespace {

void Put(Value& out, std::string_view name, const std::string& text) {
  if (!text.empty()) out.Set(name, Value(text));
}

Value ToValue(const ExecCluster& cluster) {
  Value out = Value::MakeObject();
  out.Set("server", Value(cluster.server));
  Put(out, "tls-server-name", cluster.tls_server_name);
  if (cluster.insecure_skip_tls_verify) out.Set("insecure-skip-tls-verify", Value(true));
  Put(out, "certificate-authority-data", EncodeBase64(cluster.certificate_authority_data));
  Put(out, "proxy-url", cluster.proxy_url);
  if (cluster.disable_compression) out.Set("disable-compression", Value(true));
  if (!cluster.config.is_null()) out.Set("config", cluster.config);
  return out;
}

Error Undecodable(std::string_view why) { return ConfigError(Cat("decoding stdout: ", why)); }

// A member that is absent or null is "".
Result<std::string> TextAt(const Value& status, std::string_view name) {
  const Value* member = status.Find(name);
  if (member == nullptr || member->is_null()) return std::string();
  if (!member->is_string()) return Undecodable(Cat("status.", name, " is not a string"));
  return member->string();
}

Result<Value> ReadDocument(std::string_view output) {
  auto document =
      Trim(output).starts_with('{') ? ParseJson(Trim(output)) : ParseYamlDocument(output);
  // What a parser says of a text may quote the text, and this one is full of secrets.
  if (!document) return Undecodable("neither JSON nor YAML");
  if (!document->is_object()) return Undecodable("not an object");
  return document;
}

Result<void> CheckVersion(const Value& document, std::string_view wanted) {
  const std::string_view kind = document.StringAt({"kind"});
  const std::string_view version = document.StringAt({"apiVersion"});
  if (kind.empty()) return Undecodable("object 'Kind' is missing");
  if (version.empty()) return Undecodable("object 'apiVersion' is missing");
  if (kind != "ExecCredential" || (version != kExecV1 && version != kExecV1beta1)) {
    return Undecodable(Cat("no kind ", Quote(kind), " is registered for version ", Quote(version)));
  }
  if (version == wanted) return {};
  return ConfigError(Cat("exec plugin is configured to use API version ", wanted,
                         ", plugin returned version ", version));
}

}  // namespace

std::string ExecInfo(std::string_view api_version, const std::optional<ExecCluster>& cluster,
                     bool interactive) {
  Value spec = Value::MakeObject();
  if (cluster) spec.Set("cluster", ToValue(*cluster));
  spec.Set("interactive", Value(interactive));
  return ToJson(Value::MakeObject({{"kind", Value("ExecCredential")},
                                   {"apiVersion", Value(api_version)},
                                   {"spec", std::move(spec)}}));
}

Result<ExecCredential> ReadExecCredential(std::string_view output, std::string_view api_version) {
  const auto document = ReadDocument(output);
  if (!document) return document.error();
  if (auto fits = CheckVersion(*document, api_version); !fits) return fits.error();
  const Value* status = document->Find("status");
  if (status == nullptr || status->is_null()) {
    return ConfigError("exec plugin didn't return a status field");
  }
  if (!status->is_object()) return Undecodable("status is not an object");
  ExecCredential credential;
  std::string expiration;
  for (const auto& [name, text] :
       {std::pair{"token", &credential.token},
        std::pair{"clientCertificateData", &credential.certificate.cert_data},
        std::pair{"clientKeyData", &credential.certificate.key_data},
        std::pair{"expirationTimestamp", &expiration}}) {
    auto read = TextAt(*status, name);
    if (!read) return read.error();
    *text = std::move(*read);
  }
  if (!expiration.empty()) {
    const auto moment = Time::Parse(expiration);
    if (!moment) return Undecodable("status.expirationTimestamp is not a time of RFC 3339");
    credential.expiration = *moment;
  }
  const bool has_certificate = !credential.certificate.cert_data.empty();
  const bool has_key = !credential.certificate.key_data.empty();
  if (credential.token.empty() && !has_certificate && !has_key) {
    return ConfigError("exec plugin didn't return a token or cert/key pair");
  }
  if (has_certificate != has_key) {
    return ConfigError("exec plugin returned only certificate or key, not both");
  }
  return credential;
}

}  // namespace k8s::rest
