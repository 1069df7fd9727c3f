#include "fakeapiserver/certificates.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "k8s/base/strings.h"

namespace k8s::fakeapiserver {
namespace {

constexpr long kHour = 3600;
constexpr long kYear = 365 * 24 * kHour;
constexpr int kSerialBits = 64;

struct Deleter {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(X509_EXTENSION* extension) const { X509_EXTENSION_free(extension); }
};
using Key = std::unique_ptr<EVP_PKEY, Deleter>;
using Certificate = std::unique_ptr<X509, Deleter>;

std::string Text(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<size_t>(size)};
}

std::string PemOf(X509* certificate) {
  const std::unique_ptr<BIO, Deleter> to(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(to.get(), certificate);
  return Text(to.get());
}

std::string PemOf(EVP_PKEY* key) {
  const std::unique_ptr<BIO, Deleter> to(BIO_new(BIO_s_mem()));
  PEM_write_bio_PrivateKey(to.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
  return Text(to.get());
}

// `names` as OpenSSL spells them; empty: an authority. Signed by itself without an issuer. The
// moments are seconds from now, by the system's clock, as those who verify count.
Certificate Sign(EVP_PKEY* key, const char* common_name, const std::string& names, X509* issuer,
                 EVP_PKEY* issuer_key, long begin, long end) {
  Certificate made(X509_new());
  X509* const certificate = made.get();
  X509_set_version(certificate, X509_VERSION_3);
  BIGNUM* const serial = BN_new();
  BN_rand(serial, kSerialBits, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY);
  BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(certificate));
  BN_free(serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate), begin);
  X509_gmtime_adj(X509_getm_notAfter(certificate), end);
  X509_set_pubkey(certificate, key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(common_name), -1, -1, 0);
  X509* const signer = issuer == nullptr ? certificate : issuer;
  X509_set_issuer_name(certificate, X509_get_subject_name(signer));
  X509V3_CTX context;
  X509V3_set_ctx(&context, signer, certificate, nullptr, nullptr, 0);
  const auto extend = [&](int kind, const char* value) {
    const std::unique_ptr<X509_EXTENSION, Deleter> extension(
        X509V3_EXT_conf_nid(nullptr, &context, kind, value));
    X509_add_ext(certificate, extension.get(), -1);
  };
  const bool authority = names.empty();
  extend(NID_basic_constraints, authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
  extend(NID_key_usage, authority ? "critical,keyCertSign" : "critical,digitalSignature");
  // Chains with several authorities of one name are told apart by their keys.
  extend(NID_subject_key_identifier, "hash");
  if (!authority) {
    extend(NID_ext_key_usage, "serverAuth");
    extend(NID_subject_alt_name, names.c_str());
  }
  X509_sign(certificate, issuer_key == nullptr ? key : issuer_key, EVP_sha256());
  return made;
}

}  // namespace

struct Authority::Pair {
  Key key{EVP_EC_gen("P-256")};
  Certificate certificate{
      Sign(key.get(), "fakeapiserver authority", "", nullptr, nullptr, -kHour, kYear)};
};

Authority::Authority()
    : pair_(std::make_unique<const Pair>()), certificate_(PemOf(pair_->certificate.get())) {}
Authority::~Authority() = default;

Identity Authority::Issue(const std::string& address, std::string_view flaw) const {
  if (flaw == "unknown-ca") return Authority().Issue(address);
  const std::string names =
      flaw == "wrong-name" ? "DNS:other.example" : Cat("IP:", address, ",DNS:localhost");
  const long end = flaw == "expired" ? -kHour / 2 : kYear;
  const Key key(EVP_EC_gen("P-256"));
  const Certificate certificate = Sign(key.get(), "fakeapiserver", names, pair_->certificate.get(),
                                       pair_->key.get(), -kHour, end);
  return {Cat(PemOf(certificate.get()), certificate_), PemOf(key.get())};
}

}  // namespace k8s::fakeapiserver
