#pragma once

// TLS of one connection, the server's side, without any I/O: what was received goes in, what is to
// be sent comes out, into buffers of the caller's. An idle channel holds no buffer. A TlsContext
// may be shared by any number of channels; a channel belongs to one thread at a time.

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "fakeapiserver/answer.h"
#include "fakeapiserver/certificates.h"
#include "fakeapiserver/record_sealer.h"
#include "k8s/base/result.h"

struct ssl_ctx_st;
struct ssl_st;

namespace k8s::fakeapiserver {

// What a server shows and accepts: its certificate and its key, and the ciphers of Go's server in
// Go's order.
class TlsContext {
 public:
  // Errors name the files that the identity comes from; what was made on the spot has none.
  // Clients may agree on HTTP/1.1 (ALPN), and with `http2` on HTTP/2, which is preferred.
  static Result<std::unique_ptr<TlsContext>> New(const Identity& identity,
                                                 std::string_view certificate_file,
                                                 std::string_view key_file, bool http2);

 private:
  friend class TlsChannel;
  explicit TlsContext(std::shared_ptr<ssl_ctx_st> context) : context_(std::move(context)) {}
  const std::shared_ptr<ssl_ctx_st> context_;
};

class TlsChannel {
 public:
  enum class State : uint8_t {
    kShakingHands,
    kOpen,
    kEnded,      // the client has said that nothing more comes; it may still be sent to
    kFailed,     // of no use any more
    kPlainHttp,  // failed: the client speaks HTTP in the clear
  };
  // So much plain text one call of Seal takes, give or take a record: few system calls, and few
  // bytes that wait for a client that does not read.
  static constexpr size_t kMaxSealed = size_t{256} << 10;
  // Room for that, the last record and what TLS adds.
  static constexpr size_t kMaxSealedBytes = kMaxSealed + size_t{20} * 1024;

  explicit TlsChannel(const TlsContext& context);
  ~TlsChannel();
  TlsChannel(const TlsChannel&) = delete;
  TlsChannel& operator=(const TlsChannel&) = delete;

  State state() const { return state_; }
  // What was agreed on (ALPN) when the handshake is done; "" where the client asked for nothing.
  std::string_view protocol() const;
  // Whether its records are sealed without SSL_write (docs/adr/0005).
  bool HasSealer() const { return io_.sealer != nullptr; }
  // The bytes must stay until Open has returned 0. REQUIRES: it has since the last call.
  void Receive(std::string_view sealed) { io_.in = sealed; }
  // The next plain text of what was received; 0: that was all. What TLS itself has to say (its
  // handshake, an alert) is appended to out and wants to be sent, whatever the state is then.
  size_t Open(std::span<char> plain, ByteBuffer& out);
  // Appends the beginning of `plain` to out; the number of bytes that it took, which stay in
  // `plain`. REQUIRES: kOpen or kEnded.
  size_t Seal(const SliceQueue& plain, ByteBuffer& out);
  // Says that nothing more comes.
  void End(ByteBuffer& out);

  // Where OpenSSL reads and writes.
  struct Io {
    std::string_view in{};
    ByteBuffer* out = nullptr;  // during a call
    // Once OpenSSL has handed over the keys: it writes plain text from then on, of this type.
    std::unique_ptr<RecordSealer> sealer{};
    uint8_t type = RecordSealer::kApplicationData;
  };

 private:
  void ShakeHands();
  bool SealRecord(std::span<const std::string_view> plain, size_t size);
  void Fail();

  Io io_;
  std::unique_ptr<ssl_st, void (*)(ssl_st*)> ssl_;
  State state_ = State::kShakingHands;
};

}  // namespace k8s::fakeapiserver
