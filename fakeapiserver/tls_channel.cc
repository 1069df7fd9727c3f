#include "fakeapiserver/tls_channel.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "k8s/base/strings.h"

namespace k8s::fakeapiserver {
namespace {

constexpr size_t kRecordBytes = RecordSealer::kMaxPlain;
constexpr size_t kMaxParts = 64;  // slices a record

// Those of Go's server on machines with AES in hardware, in its order. A client whose first choice
// is ChaCha20 has none, and gets that.
constexpr char kTls13Ciphers[] =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr char kTls12Ciphers[] =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"
    "ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA:ECDHE-RSA-AES256-SHA";

// In order of preference, each behind its length.
constexpr std::string_view kProtocols = "\x02h2\x08http/1.1";
constexpr std::string_view kOnlyHttp1 = kProtocols.substr(3);

struct Deleter {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};

TlsChannel::Io& IoOf(BIO* bio) { return *static_cast<TlsChannel::Io*>(BIO_get_data(bio)); }

int ReadIo(BIO* bio, char* to, size_t size, size_t* count) {
  TlsChannel::Io& io = IoOf(bio);
  BIO_clear_retry_flags(bio);
  *count = std::min(size, io.in.size());
  if (*count == 0) {
    BIO_set_retry_read(bio);
    return 0;
  }
  std::memcpy(to, io.in.data(), *count);
  io.in.remove_prefix(*count);
  return 1;
}

int WriteIo(BIO* bio, const char* from, size_t size, size_t* count) {
  TlsChannel::Io& io = IoOf(bio);
  BIO_clear_retry_flags(bio);
  *count = size;
  if (!io.sealer) {
    io.out->Append({from, size});
    return 1;
  }
  const std::string_view plain(from, size);
  const uint8_t type = std::exchange(io.type, RecordSealer::kApplicationData);
  return size <= RecordSealer::kMaxPlain && io.sealer->Seal(type, {&plain, 1}, *io.out);
}

// What OpenSSL asks of a BIO that may hand keys to the kernel; bio.h lists the numbers.
constexpr int kSetKeys = 72, kSetType = 74, kClearType = 75;

long ControlIo(BIO* bio, int command, long number, void* pointer) {
  TlsChannel::Io& io = IoOf(bio);
  switch (command) {
    case BIO_CTRL_FLUSH:
      return 1;
    case BIO_CTRL_GET_KTLS_SEND:
      return io.sealer != nullptr;
    case kSetKeys:
      // Keys to send with; those to receive with stay where they are.
      if (number != 0 && !io.sealer) io.sealer = RecordSealer::New(pointer);
      return number != 0 && io.sealer != nullptr;
    case kSetType:
      io.type = static_cast<uint8_t>(number);
      return 0;
    case kClearType:
      io.type = RecordSealer::kApplicationData;
      return 0;
    default:
      return 0;
  }
}

const BIO_METHOD* IoMethod() {
  static const BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "TlsChannel");
    BIO_meth_set_read_ex(made, ReadIo);
    BIO_meth_set_write_ex(made, WriteIo);
    BIO_meth_set_ctrl(made, ControlIo);
    BIO_meth_set_create(made, [](BIO* bio) {
      BIO_set_init(bio, 1);
      return 1;
    });
    return made;
  }();
  return method;
}

// Who wants none of the protocols is refused, as by Go's server.
int SelectProtocol(SSL*, const unsigned char** out, unsigned char* size,
                   const unsigned char* wanted, unsigned wanted_size, void* protocols) {
  const auto& ours = *static_cast<const std::string_view*>(protocols);
  const int found = SSL_select_next_proto(const_cast<unsigned char**>(out), size,
                                          reinterpret_cast<const unsigned char*>(ours.data()),
                                          static_cast<unsigned>(ours.size()), wanted, wanted_size);
  return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

void Configure(SSL_CTX* context, bool http2) {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  // Go's server does not renegotiate either; and so sealing never waits for the client.
  SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA |
                                   SSL_OP_NO_RENEGOTIATION | SSL_OP_ENABLE_KTLS);
  SSL_CTX_set_ciphersuites(context, kTls13Ciphers);
  SSL_CTX_set_cipher_list(context, kTls12Ciphers);
  SSL_CTX_set_alpn_select_cb(context, SelectProtocol,
                             const_cast<std::string_view*>(http2 ? &kProtocols : &kOnlyHttp1));
}

Result<void> Show(const Identity& identity, std::string_view certificate_file,
                  std::string_view key_file, SSL_CTX* context) {
  const auto memory = [](const std::string& bytes) {
    return std::unique_ptr<BIO, Deleter>(
        BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
  };
  const auto from = memory(identity.chain);
  const std::unique_ptr<X509, Deleter> leaf(
      PEM_read_bio_X509(from.get(), nullptr, nullptr, nullptr));
  if (!leaf || SSL_CTX_use_certificate(context, leaf.get()) != 1)
    return ConfigError(Cat("no usable PEM certificate in ", certificate_file));
  while (X509* next = PEM_read_bio_X509(from.get(), nullptr, nullptr, nullptr))
    SSL_CTX_add0_chain_cert(context, next);
  // OpenSSL would ask the terminal for the password of an encrypted key.
  const auto no_password = [](char*, int, int, void*) { return 0; };
  const std::unique_ptr<EVP_PKEY, Deleter> private_key(
      PEM_read_bio_PrivateKey(memory(identity.key).get(), nullptr, no_password, nullptr));
  if (!private_key) return ConfigError(Cat("no PEM key without a password in ", key_file));
  if (SSL_CTX_use_PrivateKey(context, private_key.get()) != 1)
    return ConfigError(Cat("key ", key_file, " does not belong to certificate ", certificate_file));
  return {};
}

}  // namespace

Result<std::unique_ptr<TlsContext>> TlsContext::New(const Identity& identity,
                                                    std::string_view certificate_file,
                                                    std::string_view key_file, bool http2) {
  std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  Configure(context.get(), http2);
  const auto shown = Show(identity, certificate_file, key_file, context.get());
  ERR_clear_error();
  if (!shown) return shown.error();
  return std::unique_ptr<TlsContext>(new TlsContext(std::move(context)));
}

TlsChannel::TlsChannel(const TlsContext& context)
    : ssl_(SSL_new(context.context_.get()), SSL_free) {
  BIO* const bio = BIO_new(IoMethod());
  BIO_set_data(bio, &io_);
  SSL_set_bio(ssl_.get(), bio, bio);
  SSL_set_accept_state(ssl_.get());
}

TlsChannel::~TlsChannel() = default;

std::string_view TlsChannel::protocol() const {
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl_.get(), &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

void TlsChannel::Fail() {
  state_ =
      ERR_GET_REASON(ERR_peek_error()) == SSL_R_HTTP_REQUEST ? State::kPlainHttp : State::kFailed;
  ERR_clear_error();
}

void TlsChannel::ShakeHands() {
  ERR_clear_error();
  const int done = SSL_do_handshake(ssl_.get());
  if (done == 1) {
    state_ = State::kOpen;
  } else if (SSL_get_error(ssl_.get(), done) != SSL_ERROR_WANT_READ) {
    Fail();
  }
}

size_t TlsChannel::Open(std::span<char> plain, ByteBuffer& out) {
  io_.out = &out;
  if (state_ == State::kShakingHands) ShakeHands();
  if (state_ != State::kOpen) return 0;
  ERR_clear_error();
  size_t count = 0;
  if (SSL_read_ex(ssl_.get(), plain.data(), plain.size(), &count) == 1) return count;
  switch (SSL_get_error(ssl_.get(), 0)) {
    case SSL_ERROR_WANT_READ:
      break;
    case SSL_ERROR_ZERO_RETURN:
      state_ = State::kEnded;
      break;
    default:
      Fail();
  }
  return 0;
}

size_t TlsChannel::Seal(const SliceQueue& plain, ByteBuffer& out) {
  io_.out = &out;
  size_t total = 0, offset = plain.offset();
  auto slice = plain.slices().begin();
  const auto end = plain.slices().end();
  while (slice != end && total < kMaxSealed) {
    std::array<std::string_view, kMaxParts> parts;
    size_t count = 0, size = 0;
    while (slice != end && count < kMaxParts && size < kRecordBytes) {
      const std::string_view part = slice->bytes.substr(offset, kRecordBytes - size);
      parts[count++] = part;
      size += part.size();
      offset += part.size();
      if (offset < slice->bytes.size()) break;
      ++slice;
      offset = 0;
    }
    if (!SealRecord({parts.data(), count}, size)) {
      Fail();
      return 0;
    }
    total += size;
  }
  return total;
}

bool TlsChannel::SealRecord(std::span<const std::string_view> plain, size_t size) {
  if (io_.sealer) return io_.sealer->Seal(RecordSealer::kApplicationData, plain, *io_.out);
  ERR_clear_error();
  // A call of SSL_write makes a record of its own, so it gets the slices together.
  std::array<char, kRecordBytes> gathered;
  size_t used = 0;
  for (const std::string_view part : plain) {
    std::memcpy(gathered.data() + used, part.data(), part.size());
    used += part.size();
  }
  return SSL_write_ex(ssl_.get(), gathered.data(), size, &used) == 1;
}

void TlsChannel::End(ByteBuffer& out) {
  io_.out = &out;
  if (state_ == State::kOpen || state_ == State::kEnded) SSL_shutdown(ssl_.get());
  ERR_clear_error();
}

}  // namespace k8s::fakeapiserver
