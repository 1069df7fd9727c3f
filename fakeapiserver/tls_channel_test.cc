#include "fakeapiserver/tls_channel.h"

#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "fakeapiserver/certificates.h"

namespace k8s::fakeapiserver {
namespace {

const TlsContext& Http2Context() {
  static const auto context = TlsContext::New(Authority().Issue("127.0.0.1"), "", "", true).value();
  return *context;
}

// A channel and a client of OpenSSL's, which pass each other bytes in memory.
struct Pair {
  std::shared_ptr<SSL_CTX> client_context{SSL_CTX_new(TLS_client_method()), SSL_CTX_free};
  TlsChannel channel;
  std::shared_ptr<SSL> client;
  BIO* to_client = BIO_new(BIO_s_mem());
  BIO* to_server = BIO_new(BIO_s_mem());
  std::string received;  // by the channel

  explicit Pair(const char* ciphers = nullptr, int version = 0, std::string_view protocols = "",
                const TlsContext& server = Http2Context())
      : channel(server) {
    SSL_CTX_set_alpn_protos(client_context.get(),
                            reinterpret_cast<const unsigned char*>(protocols.data()),
                            static_cast<unsigned>(protocols.size()));
    if (ciphers) SSL_CTX_set_ciphersuites(client_context.get(), ciphers);
    if (version) SSL_CTX_set_max_proto_version(client_context.get(), version);
    client.reset(SSL_new(client_context.get()), SSL_free);
    BIO_set_mem_eof_return(to_client, -1);
    SSL_set_bio(client.get(), to_client, to_server);
    SSL_set_connect_state(client.get());
    for (int i = 0; i < 3; ++i) {
      SSL_do_handshake(client.get());
      ToServer();
    }
  }

  void ToClient(const ByteBuffer& bytes) const {
    BIO_write(to_client, bytes.view().data(), static_cast<int>(bytes.view().size()));
  }
  // What the client has written, in pieces of `step` bytes.
  void ToServer(size_t step = 1 << 20) {
    char* data = nullptr;
    const auto size = static_cast<size_t>(BIO_get_mem_data(to_server, &data));
    const std::string bytes(data, size);
    BIO_reset(to_server);
    ByteBuffer out;
    for (size_t at = 0; at < bytes.size(); at += step) {
      std::string plain(300, '\0');
      channel.Receive(std::string_view(bytes).substr(at, step));
      while (const size_t count = channel.Open(plain, out)) received.append(plain, 0, count);
    }
    ToClient(out);
  }
  std::string ReadAll() const {
    std::string all, some(5000, '\0');
    size_t count = 0;
    while (SSL_read_ex(client.get(), some.data(), some.size(), &count) == 1)
      all.append(some, 0, count);
    return all;
  }
  // Everything, as often as Seal wants to be called.
  void SendAll(const Slices& slices) {
    SliceQueue queue;
    for (const Slice& slice : slices) queue.Push(slice);
    while (!queue.empty()) {
      ByteBuffer out;
      const size_t count = channel.Seal(queue, out);
      ASSERT_GT(count, 0u);
      ToClient(out);
      queue.RemovePrefix(count);
    }
  }
};

// Slices of all sizes that matter: below, at and above what is encrypted where it lies, a record,
// and what is sealed at a time, in and out of step with blocks; and many small ones.
Slices ManySlices(std::string& expected) {
  Slices slices;
  unsigned next = 0;
  for (size_t size :
       {1, 15, 16384, 16385, 5, 400'000, 16383, 1023, 1024, 1025, 16, 1040, 3, 7000}) {
    std::string text(size, '\0');
    for (char& c : text) c = static_cast<char>(next = next * 1'103'515'245 + 12'345, next >> 16);
    slices.push_back(Slice::Of(std::move(text)));
  }
  for (size_t i = 0; i < 500; ++i) slices.push_back(Slice::Of(std::to_string(i)));
  for (const Slice& slice : slices) expected += slice.bytes;
  return slices;
}

void ExpectThatBytesPass(Pair& pair) {
  ASSERT_EQ(pair.channel.state(), TlsChannel::State::kOpen);
  std::string expected;
  const auto slices = ManySlices(expected);
  for (int i = 0; i < 2; ++i) {
    pair.SendAll(slices);
    EXPECT_EQ(pair.ReadAll(), expected);
    SSL_write(pair.client.get(), expected.data(), 100'000);
    pair.ToServer(7);
    EXPECT_EQ(pair.received, expected.substr(0, 100'000));
    pair.received.clear();
  }
}

TEST(TlsChannel, PassesBytesWithEachCipherAndVersion) {
  for (const char* cipher :
       {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"}) {
    SCOPED_TRACE(cipher);
    Pair pair(cipher);
    EXPECT_STREQ(SSL_get_cipher(pair.client.get()), cipher);
    ExpectThatBytesPass(pair);
  }
  Pair older(nullptr, TLS1_2_VERSION);
  EXPECT_STREQ(SSL_get_cipher(older.client.get()), "ECDHE-ECDSA-AES128-GCM-SHA256");
  ExpectThatBytesPass(older);
}

TEST(TlsChannel, ChoosesItsCipherAsGoDoes) {
  EXPECT_STREQ(SSL_get_cipher(Pair("TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256").client.get()),
               "TLS_AES_128_GCM_SHA256");
  const Pair without_aes("TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256");
  EXPECT_STREQ(SSL_get_cipher(without_aes.client.get()), "TLS_CHACHA20_POLY1305_SHA256");
}

#ifndef OPENSSL_NO_KTLS
TEST(TlsChannel, SealsRecordsOfTls13WithAesItself) {
  EXPECT_TRUE(Pair("TLS_AES_128_GCM_SHA256").channel.HasSealer());
  EXPECT_TRUE(Pair("TLS_AES_256_GCM_SHA384").channel.HasSealer());
  EXPECT_FALSE(Pair("TLS_CHACHA20_POLY1305_SHA256").channel.HasSealer());
  EXPECT_FALSE(Pair(nullptr, TLS1_2_VERSION).channel.HasSealer());
}
#endif

TEST(TlsChannel, TellsAndHearsOfTheEnd) {
  Pair pair;
  ByteBuffer out;
  pair.SendAll({Slice::Literal("last words")});
  pair.channel.End(out);
  pair.ToClient(out);
  EXPECT_EQ(pair.ReadAll(), "last words");
  EXPECT_EQ(SSL_get_shutdown(pair.client.get()) & SSL_RECEIVED_SHUTDOWN, SSL_RECEIVED_SHUTDOWN);
  SSL_shutdown(pair.client.get());
  pair.ToServer();
  EXPECT_EQ(pair.channel.state(), TlsChannel::State::kEnded);
}

TEST(TlsChannel, FailsAtRecordsThatWereTamperedWith) {
  Pair pair;
  SSL_write(pair.client.get(), "hello", 5);
  char* data = nullptr;
  const long size = BIO_get_mem_data(pair.to_server, &data);
  data[size - 1] = static_cast<char>(data[size - 1] ^ 1);
  pair.ToServer();
  EXPECT_EQ(pair.channel.state(), TlsChannel::State::kFailed);
  EXPECT_EQ(pair.received, "");
  // The client gets to know why.
  ERR_clear_error();
  EXPECT_EQ(pair.ReadAll(), "");
  EXPECT_EQ(ERR_GET_REASON(ERR_peek_error()), SSL_R_SSLV3_ALERT_BAD_RECORD_MAC);
}

TEST(TlsChannel, KnowsHttpInTheClear) {
  TlsChannel channel(Http2Context());
  ByteBuffer out;
  std::string plain(100, '\0');
  channel.Receive("GET / HTTP/1.1\r\n\r\n");
  EXPECT_EQ(channel.Open(plain, out), 0u);
  EXPECT_EQ(channel.state(), TlsChannel::State::kPlainHttp);
  EXPECT_TRUE(out.empty());
}

// Whether the keys may change on the way depends on OpenSSL; garbage must not come of it.
TEST(TlsChannel, EndsOrGoesOnWhenTheClientChangesKeys) {
  Pair pair;
  SSL_key_update(pair.client.get(), SSL_KEY_UPDATE_REQUESTED);
  SSL_write(pair.client.get(), "hello", 5);
  pair.ToServer();
  if (pair.channel.state() != TlsChannel::State::kOpen) return;
  EXPECT_EQ(pair.received, "hello");
  pair.SendAll({Slice::Literal("still here")});
  EXPECT_EQ(pair.ReadAll(), "still here");
}

TEST(TlsChannel, AgreesOnTheBestProtocolThatTheClientWants) {
  const auto agreed = [](std::string_view wanted) {
    return std::string(Pair(nullptr, 0, wanted).channel.protocol());
  };
  EXPECT_EQ(agreed("\x08http/1.1\x02h2"), "h2");
  EXPECT_EQ(agreed("\x08http/1.1"), "http/1.1");
  EXPECT_EQ(agreed(""), "");
  EXPECT_EQ(Pair(nullptr, 0, "\x06spdy/3").channel.state(), TlsChannel::State::kFailed);
}

TEST(TlsChannel, AgreesOnHttp1WhereHttp2IsOff) {
  const auto context = TlsContext::New(Authority().Issue("127.0.0.1"), "", "", false).value();
  EXPECT_EQ(Pair(nullptr, 0, "\x02h2\x08http/1.1", *context).channel.protocol(), "http/1.1");
}

}  // namespace
}  // namespace k8s::fakeapiserver
