// conformance_mutants: whether the cases bite. The client's sources are compiled into it with their
// planted faults (k8s/base/mutant.h); mutants.txt names each. One fault at a time is turned on, and
// the cases are played until one fails: it has killed the mutant. A mutant that survives all of
// them means that a case is missing.

#include <algorithm>
#include <iostream>
#include <mutex>
#include <set>

#include "conformance/case.h"
#include "conformance/drivers/cpp.h"
#include "conformance/report.h"
#include "conformance/runner.h"
#include "k8s/base/log.h"
#include "k8s/base/mutant.h"
#include "k8s/base/strings.h"

namespace k8s {
namespace {

struct Switches {
  std::mutex mutex;
  std::string on;
  std::set<std::string, std::less<>> asked;  // everything that the client has ever asked for
};

Switches& AllSwitches() {
  static auto* const switches = new Switches;
  return *switches;
}

void TurnOn(std::string_view name) {
  std::lock_guard lock(AllSwitches().mutex);
  AllSwitches().on = name;
}

}  // namespace

bool IsMutant(std::string_view name) {
  Switches& switches = AllSwitches();
  std::lock_guard lock(switches.mutex);
  if (!switches.asked.contains(name)) switches.asked.emplace(name);
  return name == switches.on;
}

namespace conformance {
namespace {

constexpr char kFolder[] = K8S_SOURCE_DIR "/conformance";

constexpr std::string_view kHelp =
    R"(conformance_mutants: turns on one planted fault of the client at a time and plays the cases

usage: conformance_mutants [NAME...]     the mutants of conformance/mutants/mutants.txt, or all

It exits with 1 when a mutant survives every case, and with 2 when the cases fail without any.
)";

struct Mutant {
  std::string name{};
  std::string statement{};  // that it breaks; the cases that prove it are played first
};

// "name  C-4.2  what it does", one a line.
Result<std::vector<Mutant>> ReadList() {
  const auto text = RealHost()->ReadFile(Cat(kFolder, "/mutants/mutants.txt"));
  if (!text) return text.error();
  std::vector<Mutant> mutants;
  for (const std::string_view line : Split(*text, '\n')) {
    if (line.empty() || line.starts_with('#')) continue;
    Mutant mutant{.name = std::string(line.substr(0, line.find(' ')))};
    const std::string_view rest = Trim(line.substr(mutant.name.size()));
    mutant.statement = rest.substr(0, rest.find(' '));
    if (!mutant.statement.starts_with("C-"))
      return ConfigError(Cat("mutants.txt: ", mutant.name, " names no statement"));
    mutants.push_back(std::move(mutant));
  }
  return mutants;
}

// The first case that fails, with why; "" when all hold.
std::string FirstFailure(const std::vector<Case>& cases, const std::string& statement) {
  const auto driver = NewCppDriver();
  const auto proves = [&](const Case& one) {
    return std::find(one.proves.begin(), one.proves.end(), statement) != one.proves.end();
  };
  for (const bool first : {true, false}) {
    for (const Case& one : cases) {
      if (proves(one) != first) continue;
      const Verdict verdict = RunCase(one, *driver);
      if (IsFailure(verdict.kind))
        return Cat(one.name, ": ", verdict.lines.empty() ? "" : verdict.lines.front());
    }
  }
  return {};
}

Result<int> Main(const std::set<std::string>& wanted) {
  const auto mutants = ReadList();
  if (!mutants) return mutants.error();
  auto cases = LoadCases(*RealHost(), Cat(kFolder, "/cases"));
  if (!cases) return cases.error();
  // What fails anyway kills nobody.
  const auto list = RealHost()->ReadFile(Cat(kFolder, "/known_failing/cpp.txt"));
  if (!list) return list.error();
  const auto known_failing = ParseKnownFailing(*list);
  std::erase_if(*cases, [&](const Case& one) { return known_failing.contains(one.name); });
  SetLogSink([](int, std::string_view) {});
  if (const std::string failed = FirstFailure(*cases, {}); !failed.empty())
    return ConfigError(Cat("a case fails without any mutant: ", failed));
  // Switches that were met are listed, and the other way round; some are met only by a mutant.
  std::set<std::string> known;
  int survivors = 0, played = 0;
  for (const Mutant& mutant : *mutants) {
    known.insert(mutant.name);
    if (!wanted.empty() && !wanted.contains(mutant.name)) continue;
    ++played;
    TurnOn(mutant.name);
    const std::string killer = FirstFailure(*cases, mutant.statement);
    TurnOn({});
    std::cout << (killer.empty() ? "SURVIVED  " : "killed  ") << mutant.name
              << (killer.empty() ? "" : "  by ") << killer << std::endl;
    survivors += killer.empty();
    if (!AllSwitches().asked.contains(mutant.name))
      std::cout << "  the client has no such switch, or no case comes by it\n";
  }
  for (const std::string& name : AllSwitches().asked) {
    // Options that are lost share one switch; not each of them has to be listed.
    if (known.contains(name) || name.ends_with("_is_lost")) continue;
    return ConfigError(Cat("mutants.txt does not list the switch ", name));
  }
  std::cout << played - survivors << " of " << played << " mutants killed by " << cases->size()
            << " cases\n";
  return survivors > 0 ? 1 : 0;
}

}  // namespace
}  // namespace conformance
}  // namespace k8s

int main(int argc, char** argv) {
  const std::set<std::string> wanted(argv + 1, argv + argc);
  if (wanted.contains("--help")) {
    std::cout << k8s::conformance::kHelp;
    return 0;
  }
  const auto code = k8s::conformance::Main(wanted);
  if (code) return *code;
  std::cerr << "conformance_mutants: " << code.error() << "\n";
  return 2;
}
