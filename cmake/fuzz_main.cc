// Runs a fuzz target without a fuzzer: over each file of a corpus, every prefix of it, and
// mutations that a seed decides. When the target dies, the input that killed it is named, so that
// the same seed finds it again. Usage: TARGET CORPUS-DIRECTORY [SEED]

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "k8s/base/clock.h"
#include "k8s/base/host.h"
#include "k8s/base/random.h"
#include "k8s/base/strings.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);
extern "C" __attribute__((weak)) void __sanitizer_set_death_callback(void (*callback)());

namespace {

constexpr uint64_t kDefaultSeed = 1;
constexpr int kMutations = 300;           // of each file
constexpr size_t kPrefixes = 400;         // of each file, evenly spread over a longer one
constexpr size_t kMaxMutated = 16 << 10;  // longer files are run as they are
constexpr auto kBudget = std::chrono::seconds(10);

char current[1024];  // what runs now; read when it dies

void SayWhatRan() { std::fprintf(stderr, "fuzz: died on %s\n", current); }

void OnAbort(int) {
  SayWhatRan();
  std::_Exit(1);
}

void Run(const std::string& input, const std::string& name) {
  std::snprintf(current, sizeof current, "%s: %s", name.c_str(),
                k8s::Quote(input.substr(0, 300)).c_str());
  // A copy of its own, without the terminator, so that a sanitizer sees a read past its end.
  const auto bytes = std::make_unique<uint8_t[]>(input.size());
  std::copy(input.begin(), input.end(), bytes.get());
  LLVMFuzzerTestOneInput(bytes.get(), input.size());
}

std::string Mutated(std::string input, const std::string& other, k8s::Random& random) {
  for (uint64_t changes = 1 + random.Below(4); changes > 0; --changes) {
    const size_t at = random.Below(input.size() + 1);
    const size_t length = random.Below(8) + 1;
    switch (random.Below(6)) {
      case 0:
        input.insert(at, 1, static_cast<char>(random.Next()));
        break;
      case 1:
        input.erase(at, length);
        break;
      case 2:
        if (at < input.size()) input[at] = static_cast<char>(random.Next());
        break;
      case 3:
        if (at < input.size()) input[at] = static_cast<char>(input[at] ^ (1 << random.Below(8)));
        break;
      case 4:  // something said twice
        input.insert(at, input.substr(random.Below(input.size() + 1), length * 4));
        break;
      default:  // a piece of another file
        input.insert(at, other.substr(random.Below(other.size() + 1), length * 4));
    }
  }
  return input;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return std::fprintf(stderr, "usage: %s CORPUS-DIRECTORY [SEED]\n", argv[0]), 2;
  const uint64_t seed = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : kDefaultSeed;
  if (__sanitizer_set_death_callback != nullptr) __sanitizer_set_death_callback(&SayWhatRan);
  std::signal(SIGABRT, &OnAbort);

  const std::string directory = argv[1];
  const auto host = k8s::RealHost();
  const auto names = host->ListDirectory(directory);
  if (!names || names->empty()) {
    std::fprintf(stderr, "fuzz: no corpus in %s\n", directory.c_str());
    return 1;
  }
  std::vector<std::string> files;
  for (const std::string& name : *names) {
    auto content = host->ReadFile(directory + "/" + name);
    if (!content) return std::fprintf(stderr, "fuzz: %s\n", content.error().message().c_str()), 1;
    files.push_back(*std::move(content));
    Run(files.back(), name);
  }

  // The clock bounds a run on a slow machine; what it leaves out, a faster one runs.
  const auto clock = k8s::RealClock();
  const auto half = clock->Now() + kBudget / 2, end = clock->Now() + kBudget;
  const auto random = k8s::SeededRandom(seed);
  size_t inputs = files.size();
  for (size_t i = 0; i < files.size(); ++i) {
    if (files[i].size() > kMaxMutated) continue;
    const size_t stride = 1 + files[i].size() / kPrefixes;
    for (size_t length = 0; length < files[i].size(); length += stride, ++inputs) {
      if (clock->Now() > half) break;
      Run(files[i].substr(0, length),
          k8s::Cat((*names)[i], ", the first ", std::to_string(length), " bytes"));
    }
  }
  for (int round = 0; round < kMutations && clock->Now() < end; ++round) {
    for (size_t i = 0; i < files.size(); ++i, ++inputs) {
      const std::string& other = files[random->Below(files.size())];
      const std::string input =
          Mutated(files[i].substr(0, kMaxMutated), other.substr(0, kMaxMutated), *random);
      Run(input, k8s::Cat((*names)[i], ", mutation ", std::to_string(round), " of seed ",
                          std::to_string(seed)));
    }
  }
  std::printf("%zu inputs from %zu files, seed %llu\n", inputs, files.size(),
              static_cast<unsigned long long>(seed));
  return 0;
}
