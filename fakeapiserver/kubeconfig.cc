#include "fakeapiserver/kubeconfig.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

#include "k8s/base/base64.h"
#include "k8s/base/strings.h"
#include "k8s/machinery/yaml.h"

namespace k8s::fakeapiserver {
namespace {

struct Deleter {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(GENERAL_NAMES* names) const { GENERAL_NAMES_free(names); }
};
using Certificate = std::unique_ptr<X509, Deleter>;

std::vector<Certificate> Parse(std::string_view pem) {
  std::vector<Certificate> certificates;
  const std::unique_ptr<BIO, Deleter> from(
      BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  while (X509* one = PEM_read_bio_X509(from.get(), nullptr, nullptr, nullptr))
    certificates.emplace_back(one);
  ERR_clear_error();
  return certificates;
}

// The certificates alone: a key may stand in the same file.
std::string ToPem(const std::vector<Certificate>& certificates) {
  const std::unique_ptr<BIO, Deleter> to(BIO_new(BIO_s_mem()));
  for (const Certificate& one : certificates) PEM_write_bio_X509(to.get(), one.get());
  char* data = nullptr;
  const long size = BIO_get_mem_data(to.get(), &data);
  return std::string(data, static_cast<size_t>(size));
}

// "http://[::1]:80" -> "::1"
std::string HostOf(std::string_view address) {
  std::string_view host = address.substr(address.find("://") + 3);
  host = host.substr(0, host.rfind(':'));
  if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
  return std::string(host);
}

std::string FirstDnsName(X509* certificate) {
  const std::unique_ptr<GENERAL_NAMES, Deleter> names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_DNS) continue;
    return std::string(reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName)),
                       static_cast<size_t>(ASN1_STRING_length(name->d.dNSName)));
  }
  return "";
}

Value Cluster(std::string_view address, std::string_view certificate_pem) {
  Value cluster = Value::MakeObject({{"server", address}});
  if (!address.starts_with("https:")) return cluster;
  const auto certificates = Parse(certificate_pem);
  const bool has_authority =
      !certificates.empty() &&
      std::any_of(certificates.begin(), certificates.end(), [&](const Certificate& one) {
        return X509_check_issued(one.get(), certificates[0].get()) == X509_V_OK;
      });
  const bool names_host =
      has_authority && X509_check_ip_asc(certificates[0].get(), HostOf(address).c_str(), 0) == 1;
  const std::string name =
      has_authority && !names_host ? FirstDnsName(certificates[0].get()) : std::string();
  if (!names_host && name.empty()) {
    cluster.Set("insecure-skip-tls-verify", true);
    return cluster;
  }
  cluster.Set("certificate-authority-data", EncodeBase64(ToPem(certificates)));
  if (!name.empty()) cluster.Set("tls-server-name", name);
  return cluster;
}

// Every caller is admin here, but over TLS kubectl asks at the terminal who has no credentials.
Value User(std::string_view address) {
  if (!address.starts_with("https:")) return Value::MakeObject();
  return Value::MakeObject({{"token", "any"}});
}

}  // namespace

std::string KubeconfigFor(std::string_view address, std::string_view certificate_pem) {
  return ToYaml(Value::MakeObject({
      {"apiVersion", "v1"},
      {"kind", "Config"},
      {"clusters", Value::MakeArray({Value::MakeObject(
                       {{"name", "fake"}, {"cluster", Cluster(address, certificate_pem)}})})},
      {"users", Value::MakeArray({Value::MakeObject({{"name", "fake"}, {"user", User(address)}})})},
      {"contexts",
       Value::MakeArray({Value::MakeObject(
           {{"name", "fake"},
            {"context", Value::MakeObject({{"cluster", "fake"}, {"user", "fake"}})}})})},
      {"current-context", "fake"},
  }));
}

}  // namespace k8s::fakeapiserver
