#include "k8s/http/tls.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cstring>
#include <ctime>
#include <deque>
#include <map>
#include <mutex>

#include "k8s/base/strings.h"

namespace k8s::http {
namespace {

// Sessions kept for resumption: peers, and tickets of each (a TLS 1.3 ticket serves once).
constexpr size_t kMaxSessionPeers = 64;
constexpr size_t kMaxSessionsPerPeer = 4;

template <auto function>
struct Freer {
  template <class T>
  void operator()(T* object) const {
    function(object);
  }
};
using BioPtr = std::unique_ptr<BIO, Freer<BIO_free>>;
using X509Ptr = std::unique_ptr<X509, Freer<X509_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;
using SslPtr = std::unique_ptr<SSL, Freer<SSL_free>>;
using SslCtxPtr = std::unique_ptr<SSL_CTX, Freer<SSL_CTX_free>>;
using SessionPtr = std::unique_ptr<SSL_SESSION, Freer<SSL_SESSION_free>>;

BioPtr ReadOnlyBio(std::string_view bytes) {
  return BioPtr(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
}

// The reason of the oldest queued error, in lower case; the queue is empty afterwards. A refused
// certificate counts before the errors of the libraries below that explain it.
std::string TakeReason(unsigned long* code = nullptr) {
  unsigned long first = ERR_get_error();
  while (const unsigned long next = ERR_get_error()) {
    if (ERR_GET_REASON(next) == SSL_R_CERTIFICATE_VERIFY_FAILED) first = next;
  }
  if (code != nullptr) *code = first;
  const char* text = first == 0 ? nullptr : ERR_reason_error_string(first);
  std::string reason = text == nullptr ? "unknown error" : ToLower(text);
  ERR_clear_error();
  return reason;
}

bool IsIpAddress(const std::string& host) {
  unsigned char bytes[16];
  return inet_pton(AF_INET, host.c_str(), bytes) == 1 ||
         inet_pton(AF_INET6, host.c_str(), bytes) == 1;
}

// Never asks a terminal for the password of a key.
int NoPassword(char*, int, int, void*) { return 0; }

// The names that a certificate is good for, as an error text lists them.
std::string NamesOf(X509* certificate) {
  std::vector<std::string> names;
  auto* all = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; all != nullptr && i < sk_GENERAL_NAME_num(all); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(all, i);
    if (name->type == GEN_DNS) {
      const auto* bytes = ASN1_STRING_get0_data(name->d.dNSName);
      names.emplace_back(reinterpret_cast<const char*>(bytes),
                         static_cast<size_t>(ASN1_STRING_length(name->d.dNSName)));
    } else if (name->type == GEN_IPADD) {
      const int size = ASN1_STRING_length(name->d.iPAddress);
      char text[INET6_ADDRSTRLEN] = "";
      inet_ntop(size == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(name->d.iPAddress), text,
                sizeof text);
      names.emplace_back(text);
    }
  }
  GENERAL_NAMES_free(all);
  return Join(names, ", ");
}

Result<void> AddRoots(const std::string& pem, X509_STORE* store) {
  const auto failed = [](std::string_view why) {
    return ConfigError(Cat("unable to load root certificates: ", why));
  };
  const BioPtr bio = ReadOnlyBio(pem);
  size_t blocks = 0;
  size_t good = 0;
  std::string broken;
  char* name = nullptr;
  char* header = nullptr;
  unsigned char* data = nullptr;
  long size = 0;
  while (PEM_read_bio(bio.get(), &name, &header, &data, &size) == 1) {
    ++blocks;
    // Blocks of other kinds are skipped, as Go does.
    if (std::strcmp(name, "CERTIFICATE") == 0 && *header == '\0') {
      const unsigned char* at = data;
      const X509Ptr certificate(d2i_X509(nullptr, &at, size));
      if (certificate) {
        X509_STORE_add_cert(store, certificate.get());
        ++good;
      } else if (broken.empty()) {
        broken = TakeReason();
      }
    }
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_free(data);
  }
  ERR_clear_error();
  if (good > 0) return {};
  if (blocks == 0) return failed("unable to parse bytes as PEM block");
  if (!broken.empty()) return failed(Cat("failed to parse certificate: ", broken));
  return failed("no valid certificate authority data seen");
}

Result<void> AddClientCertificate(const CertificatePair& pair, SSL_CTX* context) {
  const auto failed = [](std::string_view why) { return ConfigError(Cat("tls: ", why)); };
  const BioPtr chain = ReadOnlyBio(pair.cert_data);
  const X509Ptr leaf(PEM_read_bio_X509(chain.get(), nullptr, NoPassword, nullptr));
  if (!leaf) {
    ERR_clear_error();
    return failed("failed to find any PEM data in certificate input");
  }
  if (SSL_CTX_use_certificate(context, leaf.get()) != 1) {
    return failed(Cat("failed to use certificate: ", TakeReason()));
  }
  while (X509* next = PEM_read_bio_X509(chain.get(), nullptr, NoPassword, nullptr)) {
    SSL_CTX_add0_chain_cert(context, next);
  }
  ERR_clear_error();
  const BioPtr key_bio = ReadOnlyBio(pair.key_data);
  const KeyPtr key(PEM_read_bio_PrivateKey(key_bio.get(), nullptr, NoPassword, nullptr));
  if (!key) {
    ERR_clear_error();
    return failed("failed to find any PEM data in key input");
  }
  if (X509_check_private_key(leaf.get(), key.get()) != 1) {
    ERR_clear_error();
    return failed("private key does not match public key");
  }
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1) {
    return failed(Cat("failed to use private key: ", TakeReason()));
  }
  return {};
}

WallTime MomentOf(const ASN1_TIME* time) {
  // As far as nanoseconds of 64 bits reach; certificates may say the year 9999.
  constexpr int64_t kFarthest = 9'000'000'000;
  std::tm fields{};
  ASN1_TIME_to_tm(time, &fields);
  const int64_t seconds = std::clamp<int64_t>(::timegm(&fields), -kFarthest, kFarthest);
  return WallTime(std::chrono::seconds(seconds));
}

std::string AlpnBytes(const std::vector<std::string>& protocols) {
  std::string bytes;
  for (const std::string& protocol : protocols) {
    if (protocol.size() > 255) continue;
    bytes += static_cast<char>(protocol.size());
    bytes += protocol;
  }
  return bytes.empty() ? std::string("\x08http/1.1") : bytes;
}

// The alerts that peers send in practice, in Go's words.
std::string_view AlertText(int alert) {
  switch (alert) {
    case SSL_AD_HANDSHAKE_FAILURE:
      return "handshake failure";
    case SSL_AD_BAD_CERTIFICATE:
      return "bad certificate";
    case SSL_AD_CERTIFICATE_REVOKED:
      return "revoked certificate";
    case SSL_AD_CERTIFICATE_EXPIRED:
      return "expired certificate";
    case SSL_AD_UNKNOWN_CA:
      return "unknown certificate authority";
    case SSL_AD_PROTOCOL_VERSION:
      return "protocol version not supported";
    case SSL_AD_INTERNAL_ERROR:
      return "internal error";
    case SSL_AD_UNRECOGNIZED_NAME:
      return "unrecognized name";
    case SSL_AD_CERTIFICATE_REQUIRED:
      return "certificate required";
    case SSL_AD_NO_APPLICATION_PROTOCOL:
      return "no application protocol";
    default:
      return {};
  }
}

// The last sessions per peer. OpenSSL hands them over from whatever thread reads.
class Sessions {
 public:
  void Put(const std::string& peer, SessionPtr session) {
    std::lock_guard lock(mutex_);
    if (!peers_.contains(peer) && peers_.size() >= kMaxSessionPeers) peers_.erase(peers_.begin());
    auto& sessions = peers_[peer];
    sessions.push_back(std::move(session));
    if (sessions.size() > kMaxSessionsPerPeer) sessions.pop_front();
  }
  SessionPtr Take(const std::string& peer) {
    std::lock_guard lock(mutex_);
    const auto found = peers_.find(peer);
    if (found == peers_.end() || found->second.empty()) return nullptr;
    SessionPtr session = std::move(found->second.back());
    found->second.pop_back();
    return session;
  }

 private:
  std::mutex mutex_;
  std::map<std::string, std::deque<SessionPtr>> peers_;
};

class TlsStream;
int StreamIndex() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

class TlsStream final : public ByteStream {
 public:
  TlsStream(std::unique_ptr<ByteStream> under, SslPtr ssl, std::shared_ptr<Sessions> sessions,
            std::string session_key, std::shared_ptr<SSL_CTX> context)
      : under_(std::move(under)),
        context_(std::move(context)),
        ssl_(std::move(ssl)),
        sessions_(std::move(sessions)),
        session_key_(std::move(session_key)) {
    BIO* bio = BIO_new(Method());
    BIO_set_data(bio, this);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl_.get(), bio, bio);
    SSL_set_ex_data(ssl_.get(), StreamIndex(), this);
  }

  ~TlsStream() override {
    // Says goodbye when that needs no waiting. Without it, the session could not be resumed.
    if (SSL_is_init_finished(ssl_.get()) != 0 && !broken_) SSL_shutdown(ssl_.get());
    ERR_clear_error();
  }

  Attempt TryRead(char* to, size_t size) override {
    ERR_clear_error();
    size_t count = 0;
    const int result = SSL_read_ex(ssl_.get(), to, size, &count);
    if (result == 1) return {Outcome::kBytes, count};
    return After(result);
  }

  Attempt Read(char* to, size_t size, const Waiting& waiting) override {
    reading_ = &waiting;
    const Attempt attempt = TryRead(to, size);
    reading_ = nullptr;
    return attempt;
  }

  Attempt TryWrite(const iovec* parts, int count) override {
    // One record for head and body: TLS has no gathering write.
    if (pending_.empty()) {
      for (int i = 0; i < count && pending_.size() < kMaxRecord; ++i) {
        pending_.append(static_cast<const char*>(parts[i].iov_base),
                        std::min(parts[i].iov_len, kMaxRecord - pending_.size()));
      }
    }
    ERR_clear_error();
    size_t written = 0;
    const int result = SSL_write_ex(ssl_.get(), pending_.data(), pending_.size(), &written);
    if (result != 1) return After(result);
    pending_.clear();
    return {Outcome::kBytes, written};
  }

  Result<void> Wait(Outcome outcome, const Waiting& waiting) override {
    return under_->Wait(outcome, waiting);
  }

  Error Failure(std::string_view operation) const override {
    if (!error_.empty()) return Error::Transport(TransportCause::kTls, error_);
    return under_->Failure(operation);
  }

  bool IsQuiet() override {
    char byte;
    if (SSL_has_pending(ssl_.get()) == 0 && under_->IsQuiet()) return true;
    // A new session ticket may have arrived, which is no answer to anything.
    ERR_clear_error();
    size_t count = 0;
    const int result = SSL_peek_ex(ssl_.get(), &byte, 1, &count);
    return result != 1 && After(result).outcome == Outcome::kWantRead;
  }

  Result<void> Handshake(const Waiting& waiting, const std::string& host) {
    while (true) {
      ERR_clear_error();
      const int result = SSL_connect(ssl_.get());
      if (result == 1) return {};
      const Attempt attempt = After(result);
      switch (attempt.outcome) {
        case Outcome::kEnd:
          return Error::Transport(TransportCause::kEof, "EOF");
        case Outcome::kFailed:
          return HandshakeError(host);
        default:
          if (auto waited = Wait(attempt.outcome, waiting); !waited) {
            if (waited.error().code() != Error::Code::kTransport) return waited;
            return waited.error().WithMessage("net/http: TLS handshake timeout");
          }
      }
    }
  }

  // Sees each certificate that is verified. The names are kept for the error text, since OpenSSL
  // forgets a peer that it refuses.
  static int OnVerified(int good, X509_STORE_CTX* context) {
    if (good != 0) return good;
    auto* ssl = static_cast<SSL*>(
        X509_STORE_CTX_get_ex_data(context, SSL_get_ex_data_X509_STORE_CTX_idx()));
    auto* self = static_cast<TlsStream*>(SSL_get_ex_data(ssl, StreamIndex()));
    X509* leaf = X509_STORE_CTX_get0_cert(context);
    if (self != nullptr && leaf != nullptr) self->peer_names_ = NamesOf(leaf);
    return good;
  }

  static int OnNewSession(SSL* ssl, SSL_SESSION* session) {
    auto* self = static_cast<TlsStream*>(SSL_get_ex_data(ssl, StreamIndex()));
    if (self == nullptr) return 0;
    self->sessions_->Put(self->session_key_, SessionPtr(session));
    return 1;  // keeps the reference
  }

 private:
  static constexpr size_t kMaxRecord = 16384;

  Attempt ReadUnder(char* to, size_t size) {
    return reading_ != nullptr ? under_->Read(to, size, *reading_) : under_->TryRead(to, size);
  }

  Attempt After(int result) {
    switch (SSL_get_error(ssl_.get(), result)) {
      case SSL_ERROR_WANT_READ:
        return {Outcome::kWantRead};
      case SSL_ERROR_WANT_WRITE:
        return {Outcome::kWantWrite};
      case SSL_ERROR_ZERO_RETURN:
        return {Outcome::kEnd};
      default:
        break;
    }
    broken_ = true;
    if (under_failed_) return {Outcome::kFailed};
    unsigned long code = 0;
    const std::string reason = TakeReason(&code);
    // Go reads a missing goodbye as the end, too; what is cut short then shows by its length.
    if (code == 0 || ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
      return {Outcome::kEnd};
    }
    error_ = Describe(code, reason);
    return {Outcome::kFailed};
  }

  std::string Describe(unsigned long code, const std::string& reason) const {
    const int number = ERR_GET_REASON(code);
    if (number == SSL_R_CERTIFICATE_VERIFY_FAILED) return "tls: failed to verify certificate";
    if (number > SSL_AD_REASON_OFFSET && number < SSL_AD_REASON_OFFSET + 256) {
      const std::string_view alert = AlertText(number - SSL_AD_REASON_OFFSET);
      return Cat("remote error: tls: ", alert.empty() ? std::string_view(reason) : alert);
    }
    return Cat("tls: ", reason);
  }

  Error HandshakeError(const std::string& host) const {
    if (under_failed_) return under_->Failure("read");
    const auto failed = [](std::string text) {
      return Error::Transport(TransportCause::kTls, std::move(text));
    };
    if (first_bytes_ == "HTTP/") return failed("http: server gave HTTP response to HTTPS client");
    if (error_ == "tls: wrong version number") {
      return failed("tls: first record does not look like a TLS handshake");
    }
    const long verdict = SSL_get_verify_result(ssl_.get());
    if (error_ != "tls: failed to verify certificate" || verdict == X509_V_OK) {
      return failed(error_);
    }
    std::string why;
    switch (verdict) {
      case X509_V_ERR_HOSTNAME_MISMATCH:
      case X509_V_ERR_IP_ADDRESS_MISMATCH: {
        why = peer_names_.empty()
                  ? Cat("certificate is not valid for any names, but wanted to match ", host)
                  : Cat("certificate is valid for ", peer_names_, ", not ", host);
        break;
      }
      case X509_V_ERR_CERT_HAS_EXPIRED:
      case X509_V_ERR_CERT_NOT_YET_VALID:
        why = "certificate has expired or is not yet valid";
        break;
      case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
      case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
      case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
      case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
      case X509_V_ERR_CERT_SIGNATURE_FAILURE:
        why = "certificate signed by unknown authority";
        break;
      default:
        why = ToLower(X509_verify_cert_error_string(verdict));
    }
    return failed(Cat("tls: failed to verify certificate: x509: ", why));
  }

  static BIO_METHOD* Method() {
    static BIO_METHOD* const method = [] {
      BIO_METHOD* made = BIO_meth_new(BIO_TYPE_SOURCE_SINK | BIO_get_new_index(), "k8s stream");
      BIO_meth_set_read(made, [](BIO* bio, char* to, int size) {
        auto* self = static_cast<TlsStream*>(BIO_get_data(bio));
        return self->Under(bio, self->ReadUnder(to, static_cast<size_t>(size)), to);
      });
      BIO_meth_set_write(made, [](BIO* bio, const char* from, int size) {
        auto* self = static_cast<TlsStream*>(BIO_get_data(bio));
        const iovec part{const_cast<char*>(from), static_cast<size_t>(size)};
        return self->Under(bio, self->under_->TryWrite(&part, 1), nullptr);
      });
      BIO_meth_set_ctrl(made, [](BIO*, int command, long, void*) -> long {
        return command == BIO_CTRL_FLUSH ? 1 : 0;
      });
      return made;
    }();
    return method;
  }

  // Translates an attempt on the stream below for OpenSSL.
  int Under(BIO* bio, Attempt attempt, const char* read) {
    BIO_clear_retry_flags(bio);
    switch (attempt.outcome) {
      case Outcome::kBytes:
        if (read != nullptr && first_bytes_.size() < 5) {
          first_bytes_.append(read, std::min(attempt.count, 5 - first_bytes_.size()));
        }
        return static_cast<int>(attempt.count);
      case Outcome::kEnd:
        return 0;
      case Outcome::kFailed:
        under_failed_ = true;
        return -1;
      case Outcome::kWantRead:
        BIO_set_retry_read(bio);
        return -1;
      case Outcome::kWantWrite:
        BIO_set_retry_write(bio);
        return -1;
    }
    return -1;
  }

  std::unique_ptr<ByteStream> under_;
  std::shared_ptr<SSL_CTX> context_;
  SslPtr ssl_;
  std::shared_ptr<Sessions> sessions_;
  std::string session_key_;
  std::string pending_;
  std::string first_bytes_;
  std::string peer_names_;
  std::string error_;
  bool under_failed_ = false;
  bool broken_ = false;
  const Waiting* reading_ = nullptr;  // of the Read that is on
};

class OpenSslContext final : public TlsContext {
 public:
  OpenSslContext(std::shared_ptr<SSL_CTX> context, std::string server_name, bool system_roots)
      : context_(std::move(context)),
        server_name_(std::move(server_name)),
        system_roots_(system_roots) {}

  Result<std::unique_ptr<ByteStream>> Handshake(std::unique_ptr<ByteStream> under,
                                                const std::string& host,
                                                const std::string& session_key,
                                                const Waiting& waiting) override {
    // Reading the system's roots takes some 20 ms and 6 MB, and a client that speaks plain HTTP, as
    // through kubectl proxy, needs none.
    if (system_roots_) {
      std::call_once(roots_read_, [&] { SSL_CTX_set_default_verify_paths(context_.get()); });
    }
    const std::string name = server_name_.empty() ? host : server_name_;
    SslPtr ssl(SSL_new(context_.get()));
    X509_VERIFY_PARAM* verify = SSL_get0_param(ssl.get());
    if (IsIpAddress(name)) {
      X509_VERIFY_PARAM_set1_ip_asc(verify, name.c_str());
    } else {
      SSL_set_tlsext_host_name(ssl.get(), name.c_str());
      // Go looks at the alternative names only, never at the common name.
      X509_VERIFY_PARAM_set_hostflags(
          verify, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
      X509_VERIFY_PARAM_set1_host(verify, name.c_str(), 0);
    }
    if (const SessionPtr session = sessions_->Take(session_key)) {
      SSL_set_session(ssl.get(), session.get());
    }
    auto stream = std::make_unique<TlsStream>(std::move(under), std::move(ssl), sessions_,
                                              session_key, context_);
    if (auto shaken = stream->Handshake(waiting, name); !shaken) return shaken.error();
    return std::unique_ptr<ByteStream>(std::move(stream));
  }

 private:
  std::shared_ptr<SSL_CTX> context_;
  std::string server_name_;
  const bool system_roots_;
  std::once_flag roots_read_;
  std::shared_ptr<Sessions> sessions_ = std::make_shared<Sessions>();
};

}  // namespace

Result<Validity> CheckCertificatePair(const CertificatePair& pair) {
  ERR_clear_error();
  const SslCtxPtr context(SSL_CTX_new(TLS_client_method()));
  if (!context) return ConfigError(Cat("tls: ", TakeReason()));
  if (auto added = AddClientCertificate(pair, context.get()); !added) return added.error();
  const X509* leaf = SSL_CTX_get0_certificate(context.get());
  return Validity{MomentOf(X509_get0_notBefore(leaf)), MomentOf(X509_get0_notAfter(leaf))};
}

Result<std::shared_ptr<TlsContext>> TlsContext::New(const TlsOptions& options) {
  ERR_clear_error();
  const std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
  if (!context) return ConfigError(Cat("tls: ", TakeReason()));
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context.get(), TlsStream::OnNewSession);
  SSL_CTX_set_verify(context.get(), options.insecure ? SSL_VERIFY_NONE : SSL_VERIFY_PEER,
                     options.insecure ? nullptr : TlsStream::OnVerified);
  X509_STORE* store = SSL_CTX_get_cert_store(context.get());
  // Go trusts whatever is in the pool, an intermediate certificate included.
  X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
  if (!options.ca_data.empty()) {
    if (auto added = AddRoots(options.ca_data, store); !added) return added.error();
  }
  if (!options.certificate.cert_data.empty()) {
    auto added = AddClientCertificate(options.certificate, context.get());
    if (!added) return added.error();
  }
  const std::string alpn = AlpnBytes(options.next_protos);
  SSL_CTX_set_alpn_protos(context.get(), reinterpret_cast<const unsigned char*>(alpn.data()),
                          static_cast<unsigned>(alpn.size()));
  const bool system_roots = options.ca_data.empty() && !options.trust_nobody && !options.insecure;
  return std::shared_ptr<TlsContext>(
      std::make_shared<OpenSslContext>(context, options.server_name, system_roots));
}

}  // namespace k8s::http
