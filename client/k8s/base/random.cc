#include "k8s/base/random.h"

#include <mutex>
#include <random>
#include <string_view>

namespace k8s {
namespace {

class EngineRandom final : public Random {
 public:
  explicit EngineRandom(uint64_t seed) : engine_(seed) {}
  uint64_t Next() override {
    std::lock_guard lock(mutex_);
    return engine_();
  }

 private:
  std::mutex mutex_;
  std::mt19937_64 engine_;
};

}  // namespace

std::shared_ptr<Random> SystemRandom() {
  static const auto random = [] {
    std::random_device device;
    return std::make_shared<EngineRandom>((uint64_t{device()} << 32) ^ device());
  }();
  return random;
}

std::shared_ptr<Random> SeededRandom(uint64_t seed) { return std::make_shared<EngineRandom>(seed); }

std::string NewUuid(Random& random) {
  uint64_t halves[2] = {random.Next(), random.Next()};
  halves[0] = (halves[0] & ~uint64_t{0xf000}) | 0x4000;                  // version 4
  halves[1] = (halves[1] & ~(uint64_t{3} << 62)) | (uint64_t{2} << 62);  // RFC 4122 variant
  std::string text;
  text.reserve(36);
  for (int digit = 0; digit < 32; ++digit) {
    if (digit == 8 || digit == 12 || digit == 16 || digit == 20) text += '-';
    text += "0123456789abcdef"[(halves[digit / 16] >> (60 - 4 * (digit % 16))) & 15];
  }
  return text;
}

std::string RandomName(Random& random, int length) {
  // No vowels and no digits that look like letters, so that no words come out.
  constexpr std::string_view kAlphabet = "bcdfghjklmnpqrstvwxz2456789";
  std::string text;
  for (int i = 0; i < length; ++i) text += kAlphabet[random.Below(kAlphabet.size())];
  return text;
}

}  // namespace k8s
