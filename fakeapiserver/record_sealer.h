#pragma once

// Seals the records of TLS 1.3 with AES-GCM, from where the parts of the plain text lie into a
// buffer of the caller's: without most of the work that SSL_write does for each record.
// OpenSSL hands over the keys where it would hand them to the kernel, and sends what it has to say
// itself through here as well, so the records have one count. A sealer belongs to one thread at a
// time.

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include "k8s/base/byte_buffer.h"

struct evp_cipher_ctx_st;

namespace k8s::fakeapiserver {

class RecordSealer {
 public:
  static constexpr size_t kMaxPlain = 16384;  // of one record
  static constexpr size_t kOverhead = 5 + 1 + 16;
  static constexpr uint8_t kApplicationData = 23;

  // Keys as OpenSSL describes them to the kernel; null: not those of a cipher that it knows.
  static std::unique_ptr<RecordSealer> New(const void* keys);

  // One record. REQUIRES: at most kMaxPlain bytes. False: OpenSSL has failed.
  bool Seal(uint8_t type, std::span<const std::string_view> plain, ByteBuffer& out);

 private:
  using Context = std::unique_ptr<evp_cipher_ctx_st, void (*)(evp_cipher_ctx_st*)>;
  RecordSealer(Context context, std::array<uint8_t, 12> iv, uint64_t number)
      : context_(std::move(context)), iv_(iv), number_(number) {}

  Context context_;
  const std::array<uint8_t, 12> iv_;
  uint64_t number_;  // of the next record
};

}  // namespace k8s::fakeapiserver
