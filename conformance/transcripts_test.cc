// Recorded conversations with a real API server, area by area: the fake must answer the same. What
// it cannot yet stands in known_failing/transcripts.txt, one file a line with the reason; one that
// is listed and passes fails the test, so the list stays true.

#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <map>

#include "conformance/transcript.h"
#include "fakeapiserver/server.h"
#include "k8s/base/fake_clock.h"
#include "k8s/base/random.h"
#include "k8s/base/strings.h"
#include "k8s/http/socket_transport.h"
#include "k8s/machinery/scalars.h"

namespace k8s::conformance {
namespace {

constexpr size_t kShownDifferences = 5;
constexpr size_t kOverSocketsEvery = 10;

const std::string kFolder = K8S_SOURCE_DIR "/conformance/transcripts";

const std::map<std::string, std::string>& KnownFailing() {
  static const auto* const known = [] {
    auto* lines = new std::map<std::string, std::string>;
    const std::string text =
        RealHost()->ReadFile(K8S_SOURCE_DIR "/conformance/known_failing/transcripts.txt").value();
    for (std::string_view line : Split(text, '\n')) {
      const size_t colon = line.find(": ");
      if (colon != line.npos) lines->emplace(line.substr(0, colon), line.substr(colon + 2));
    }
    return lines;
  }();
  return *known;
}

constexpr uint64_t kSeed = 1;

// Some stories need a server that was started with flags.
fakeapiserver::Options OptionsOf(const Value& story) {
  fakeapiserver::Options options;
  // Chance must not hand out the very address or port that a story asks for later.
  options.env.random = SeededRandom(kSeed);
  constexpr std::string_view kInterval = "--etcd-compaction-interval=";
  for (std::string_view flag : Split(story.StringAt({"flags"}), ' ')) {
    if (flag.starts_with(kInterval))
      options.limits.compaction_interval = ParseDuration(flag.substr(kInterval.size())).value();
  }
  return options;
}

std::vector<std::string> InProcess(const Value& story) {
  const auto clock = std::make_shared<FakeClock>();
  fakeapiserver::Options options = OptionsOf(story);
  options.env.clock = clock;
  fakeapiserver::Server server(std::move(options));
  return Differences(story, {server.Loopback(), "http://server", clock});
}

std::vector<std::string> OverSockets(const Value& story) {
  fakeapiserver::Server server(OptionsOf(story));
  const std::string address = server.Listen().value();
  http::TransportOptions options;
  options.disable_compression = true;
  const auto transport = http::NewSocketTransport(options).value();
  return Differences(story, {transport, address, RealClock()});
}

class Transcripts : public testing::TestWithParam<std::string> {};

INSTANTIATE_TEST_SUITE_P(Area, Transcripts,
                         testing::ValuesIn(RealHost()->ListDirectory(kFolder).value()),
                         [](const auto& area) {
                           std::string name = area.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST_P(Transcripts, AreAnsweredAsARealServerAnswered) {
  const std::string& area = GetParam();
  size_t passed = 0, failed = 0;
  for (const std::string& file : RealHost()->ListDirectory(Cat(kFolder, "/", area)).value()) {
    const std::string path = Cat(area, "/", file);
    const auto text = RealHost()->ReadFile(Cat(kFolder, "/", path));
    const Value story = ReadStory(text.value()).value();
    const bool sockets =
        LooksAtFraming(story) || ((passed + failed) % kOverSocketsEvery == 0 && !Sleeps(story));
    const auto differences = sockets ? OverSockets(story) : InProcess(story);
    ++(differences.empty() ? passed : failed);
    const auto known = KnownFailing().find(path);
    if (known != KnownFailing().end()) {
      EXPECT_FALSE(differences.empty())
          << path << " passes: take it out of known_failing/transcripts.txt";
      continue;
    }
    for (size_t i = 0; i < differences.size() && i < kShownDifferences; ++i)
      ADD_FAILURE() << path << (sockets ? " over sockets: " : ": ") << differences[i];
  }
  std::cout << area << ": " << passed << " of " << passed + failed << " agree\n";
}

TEST(KnownFailing, NamesOnlyFilesThatAreThere) {
  for (const auto& [path, reason] : KnownFailing()) {
    EXPECT_TRUE(RealHost()->Exists(Cat(kFolder, "/", path))) << path;
    EXPECT_FALSE(reason.empty()) << path;
  }
}

}  // namespace
}  // namespace k8s::conformance
