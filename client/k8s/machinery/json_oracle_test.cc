// nlohmann's parser as an oracle: whatever it makes of a document, ours must make of it too.

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "k8s/base/random.h"
#include "k8s/machinery/json.h"

namespace k8s {
namespace {

constexpr uint64_t kSeed = 20230610;

std::string RandomString(Random& random) {
  static constexpr std::string_view kParts[] = {
      "a", "key", "\\n", "\\\"", "\\/", "\\u00e9", "\\ud83d\\ude00", "€", "\\u0000", " "};
  std::string text = "\"";
  for (uint64_t n = random.Below(6); n > 0; --n) text += kParts[random.Below(std::size(kParts))];
  return text + '"';
}

std::string RandomNumber(Random& random) {
  std::string text = random.Below(2) ? "-" : "";
  text += std::to_string(random.Below(uint64_t{1} << (1 + random.Below(62))));
  if (random.Below(3) == 0) text += '.' + std::to_string(random.Below(100000));
  if (random.Below(3) == 0)
    text += (random.Below(2) ? "e" : "E-") + std::to_string(random.Below(30));
  return text;
}

std::string RandomDocument(Random& random, int depth) {
  const std::string blank(random.Below(2), ' ');
  switch (random.Below(depth > 0 ? 7 : 5)) {
    case 0:
      return "null";
    case 1:
      return random.Below(2) ? "true" : "false";
    case 2:
      return RandomNumber(random);
    case 5: {
      std::string text = "[";
      for (uint64_t n = random.Below(5); n > 0; --n) {
        text += RandomDocument(random, depth - 1) + (n > 1 ? "," : "") + blank;
      }
      return text + "]";
    }
    case 6: {
      std::string text = "{" + blank;
      for (uint64_t n = random.Below(5); n > 0; --n) {
        text += RandomString(random) + blank + ":" + RandomDocument(random, depth - 1);
        text += n > 1 ? "," : "";
      }
      return text + "}";
    }
    default:
      return RandomString(random);
  }
}

TEST(JsonOracle, SoundDocumentsMeanTheSame) {
  const auto random = SeededRandom(kSeed);
  for (int round = 0; round < 5000; ++round) {
    const std::string text = RandomDocument(*random, 5);
    const auto ours = ParseJson(text);
    ASSERT_TRUE(ours) << text << ": " << ours.error() << " (seed " << kSeed << ")";
    EXPECT_EQ(nlohmann::json::parse(ToJson(*ours)), nlohmann::json::parse(text)) << text;
  }
}

TEST(JsonOracle, DamagedDocumentsAreRefusedAlike) {
  const auto random = SeededRandom(kSeed);
  static constexpr std::string_view kDamage = "{}[],:\"0e.-+tn \\";
  for (int round = 0; round < 20000; ++round) {
    std::string text = RandomDocument(*random, 3);
    // Where half of a character remains, Go reads U+FFFD, as we do, and nlohmann refuses.
    if (text.find("\\u") != text.npos || text.find("€") != text.npos) continue;
    text[random->Below(text.size())] = kDamage[random->Below(kDamage.size())];
    EXPECT_EQ(ParseJson(text).has_value(), nlohmann::json::accept(text))
        << text << " (seed " << kSeed << ")";
  }
}

}  // namespace
}  // namespace k8s
