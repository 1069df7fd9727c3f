#pragma once

// Certificates made on the spot, and a TLS server over RawServer. Only tests include this.

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <signal.h>

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "k8s/http/raw_server_for_test.h"

namespace k8s::http {

// A certificate with its key; PEM on demand.
struct TestCertificate {
  std::shared_ptr<EVP_PKEY> key;
  std::shared_ptr<X509> certificate;

  std::string CertPem() const {
    BIO* bio = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(bio, certificate.get());
    return Take(bio);
  }
  std::string KeyPem() const {
    BIO* bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PrivateKey(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    return Take(bio);
  }

 private:
  static std::string Take(BIO* bio) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    std::string text(data, static_cast<size_t>(size));
    BIO_free(bio);
    return text;
  }
};

// `names` as OpenSSL writes them ("DNS:foo,IP:127.0.0.1"); empty: an authority. No issuer: signed
// by itself. Valid from `begin` to `end`, in seconds from now.
inline TestCertificate MakeCertificate(const std::string& common_name, const std::string& names,
                                       const TestCertificate* issuer = nullptr, long begin = -3600,
                                       long end = 3600) {
  static int serial = 1;
  TestCertificate made;
  made.key.reset(EVP_EC_gen("P-256"), EVP_PKEY_free);
  made.certificate.reset(X509_new(), X509_free);
  X509* certificate = made.certificate.get();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate), begin);
  X509_gmtime_adj(X509_getm_notAfter(certificate), end);
  X509_set_pubkey(certificate, made.key.get());
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(common_name.c_str()), -1, -1,
                             0);
  const X509* signer = issuer == nullptr ? certificate : issuer->certificate.get();
  X509_set_issuer_name(certificate, X509_get_subject_name(signer));
  X509V3_CTX context;
  X509V3_set_ctx(&context, const_cast<X509*>(signer), certificate, nullptr, nullptr, 0);
  const auto extend = [&](int kind, const char* value) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
  };
  extend(NID_basic_constraints, names.empty() ? "critical,CA:TRUE" : "CA:FALSE");
  if (!names.empty()) extend(NID_subject_alt_name, names.c_str());
  X509_sign(certificate, (issuer == nullptr ? made.key : issuer->key).get(), EVP_sha256());
  return made;
}

// Shakes hands on every connection and answers every request.
class TlsServer {
 public:
  struct Options {
    TestCertificate certificate{};
    const TestCertificate* client_ca = nullptr;  // asks for client certificates
    int max_version = 0;                         // 0: the newest
    std::string answer = Answer(200, "hello");
    // Instead of answer: for the request with this number, counted from 1 over all connections.
    std::function<std::string(int number)> answers{};
  };
  struct Seen {
    std::string server_name;
    std::string client;  // subject of the client's certificate
    bool resumed = false;
  };

  explicit TlsServer(Options options)
      : options_(std::move(options)), context_(SSL_CTX_new(TLS_server_method()), SSL_CTX_free) {
    SSL_CTX* context = context_.get();
    if (options_.max_version != 0) {
      SSL_CTX_set_security_level(context, 0);
      SSL_CTX_set_min_proto_version(context, TLS1_VERSION);
      SSL_CTX_set_max_proto_version(context, options_.max_version);
    }
    SSL_CTX_use_certificate(context, options_.certificate.certificate.get());
    SSL_CTX_use_PrivateKey(context, options_.certificate.key.get());
    const unsigned char id[] = "test";
    SSL_CTX_set_session_id_context(context, id, sizeof id);
    if (options_.client_ca != nullptr) {
      X509_STORE_add_cert(SSL_CTX_get_cert_store(context), options_.client_ca->certificate.get());
      SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    }
    server_ = std::make_unique<RawServer>([this](int fd, int) { Serve(fd); });
  }

  std::string Address() const { return server_->Address(); }
  std::string Port() const { return Address().substr(Address().find(':')); }
  int connections() const { return server_->connections(); }
  int ended() const { return server_->ended(); }
  // The heads of the requests, in the order of their arrival.
  std::vector<std::string> requests() {
    std::lock_guard lock(mutex_);
    return requests_;
  }
  std::vector<Seen> seen() {
    std::lock_guard lock(mutex_);
    return seen_;
  }

  // One connection, for tests that bring it here by other ways.
  void Serve(int fd) {
    // SSL_write has no way to say MSG_NOSIGNAL.
    ::signal(SIGPIPE, SIG_IGN);
    const std::unique_ptr<SSL, decltype(&SSL_free)> ssl(SSL_new(context_.get()), SSL_free);
    SSL_set_fd(ssl.get(), fd);
    if (SSL_accept(ssl.get()) != 1) {
      // Closing with unread bytes would send a RST, which may overtake the alert.
      ::shutdown(fd, SHUT_WR);
      RawServer::WaitForPeer(fd);
      return;
    }
    Note(ssl.get());
    std::string text;
    char buffer[4096];
    while (true) {
      const int n = SSL_read(ssl.get(), buffer, sizeof buffer);
      if (n <= 0) return;
      text.append(buffer, static_cast<size_t>(n));
      if (text.find("\r\n\r\n") == std::string::npos) continue;
      const int number = NoteRequest(std::move(text));
      text.clear();
      const std::string answer = options_.answers ? options_.answers(number) : options_.answer;
      if (SSL_write(ssl.get(), answer.data(), static_cast<int>(answer.size())) <= 0) return;
    }
  }

 private:
  int NoteRequest(std::string text) {
    std::lock_guard lock(mutex_);
    requests_.push_back(std::move(text));
    return static_cast<int>(requests_.size());
  }

  void Note(SSL* ssl) {
    Seen seen;
    const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    seen.server_name = name == nullptr ? "" : name;
    seen.resumed = SSL_session_reused(ssl) != 0;
    if (X509* client = SSL_get1_peer_certificate(ssl)) {
      char text[128] = "";
      X509_NAME_get_text_by_NID(X509_get_subject_name(client), NID_commonName, text, sizeof text);
      seen.client = text;
      X509_free(client);
    }
    std::lock_guard lock(mutex_);
    seen_.push_back(seen);
  }

  Options options_;
  std::shared_ptr<SSL_CTX> context_;
  std::mutex mutex_;
  std::vector<Seen> seen_;
  std::vector<std::string> requests_;
  std::unique_ptr<RawServer> server_;
};

}  // namespace k8s::http
