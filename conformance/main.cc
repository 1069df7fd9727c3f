// conformance: plays cases with our client, or with any client whose driver speaks PROTOCOL.md.

#include <atomic>
#include <iostream>
#include <mutex>

#include "conformance/drivers/cpp.h"
#include "conformance/drivers/process.h"
#include "conformance/html_report.h"
#include "conformance/report.h"
#include "k8s/base/log.h"
#include "k8s/base/strings.h"
#include "k8s/base/thread.h"
#include "k8s/machinery/json.h"

namespace k8s::conformance {
namespace {

constexpr std::string_view kHelp =
    R"(conformance: cases about the behaviour of Kubernetes clients, against the fake API server

usage: conformance [options]

  --driver COMMAND   play with the client behind this shell command (conformance/PROTOCOL.md), over
                     sockets and in real time; without it with this repository's own client, in
                     memory and in virtual time
  --area NAME        only the cases of this folder
  --case NAME        only this case: retry/waits_for_retry_after, or the part behind the slash
  --jobs N           so many cases at once, a driver each (default 1)
  --report FORM      json, junit or html, on standard output; what a person reads then goes to
                     standard error
  --merge FILE...    plays nothing: joins reports in JSON into one page (html) or document (json)
  --cases FOLDER     where the cases are (default: those of the source tree)
  --known-failing FOLDER   where <driver>.txt names the cases that are known to fail
  --list             the names of the cases, and what they prove

It exits with 1 when a case fails that is not known to, or passes though it is known to fail, and
with 2 when it cannot run at all.
)";

struct Flags {
  std::string driver{}, area{}, name{}, report{};
  std::string cases = K8S_SOURCE_DIR "/conformance/cases";
  std::string known_failing = K8S_SOURCE_DIR "/conformance/known_failing";
  std::vector<std::string> merge{};
  int64_t jobs = 1;
  bool list = false, help = false;
};

Result<Flags> ParseFlags(const std::vector<std::string>& arguments) {
  Flags flags;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& name = arguments[i];
    if (name == "--help" || name == "--list") {
      (name == "--help" ? flags.help : flags.list) = true;
      continue;
    }
    if (name == "--merge") {
      flags.merge.assign(arguments.begin() + static_cast<ptrdiff_t>(i) + 1, arguments.end());
      break;
    }
    std::string* target = name == "--driver"          ? &flags.driver
                          : name == "--area"          ? &flags.area
                          : name == "--case"          ? &flags.name
                          : name == "--report"        ? &flags.report
                          : name == "--cases"         ? &flags.cases
                          : name == "--known-failing" ? &flags.known_failing
                                                      : nullptr;
    if (target == nullptr && name != "--jobs")
      return ConfigError(Cat("unknown option ", name, "; --help lists them all"));
    if (i + 1 == arguments.size()) return ConfigError(Cat(name, " needs a value"));
    const std::string& value = arguments[++i];
    if (target != nullptr) {
      *target = value;
    } else if (const auto jobs = ParseInt(value); jobs && *jobs >= 1 && *jobs <= 64) {
      flags.jobs = *jobs;
    } else {
      return ConfigError("--jobs is a number from 1 to 64");
    }
  }
  const auto& form = flags.report;
  if (!form.empty() && form != "json" && form != "junit" && form != "html")
    return ConfigError("--report is json, junit or html");
  if (!flags.merge.empty() && form != "json" && form != "html")
    return ConfigError("--merge stands last and needs --report json or html before it");
  return flags;
}

Result<std::unique_ptr<Driver>> NewDriver(const Flags& flags) {
  if (flags.driver.empty()) return NewCppDriver();
  return StartDriver(flags.driver);
}

Result<std::vector<Case>> Chosen(const Flags& flags) {
  auto cases = LoadCases(*RealHost(), flags.cases);
  if (!cases) return cases;
  std::erase_if(*cases, [&](const Case& one) {
    const std::string_view bare = std::string_view(one.name).substr(one.area.size() + 1);
    return (!flags.area.empty() && one.area != flags.area) ||
           (!flags.name.empty() && one.name != flags.name && bare != flags.name);
  });
  if (cases->empty()) return ConfigError("there is no such case");
  return cases;
}

// The name of the verdict about a driver that does not end, or leaves processes behind.
constexpr char kDriverEnds[] = "driver/ends_with_its_input";

// The cases, dealt out to as many drivers as there are jobs.
class Run {
 public:
  Run(const Flags& flags, std::vector<Case> cases, std::ostream& out)
      : flags_(flags), cases_(std::move(cases)), entries_(cases_.size()), out_(out) {}

  Result<int> Play() {
    auto first = NewDriver(flags_);
    if (!first) return first.error();
    hello_ = (*first)->hello();
    const auto known =
        RealHost()->ReadFile(Cat(flags_.known_failing, "/", (*first)->name(), ".txt"));
    if (known) known_ = ParseKnownFailing(*known);
    out_ << "driver " << (*first)->name() << ": " << cases_.size() << " cases" << std::endl;
    {
      std::vector<Thread> others;
      for (int64_t i = 1; i < flags_.jobs; ++i) {
        others.emplace_back(RealClock(), "conformance", [this](std::stop_token) {
          if (auto driver = NewDriver(flags_)) Work(*driver);
        });
      }
      Work(*first);
      for (Thread& other : others) other.Join();
    }
    return Report();
  }

 private:
  void Work(std::unique_ptr<Driver>& driver) {
    for (size_t i = next_++; i < cases_.size(); i = next_++) {
      Entry entry = EntryOf(known_.contains(cases_[i].name) ? RunCase(cases_[i], *driver)
                                                            : RunCaseFairly(cases_[i], *driver));
      if (entry.verdict.kind == Verdict::Kind::kBroken) {
        // It may have died or lost count, so the next case gets a fresh one.
        if (auto fresh = NewDriver(flags_)) driver = *std::move(fresh);
      }
      std::lock_guard lock(mutex_);
      Tell(entry);
      entries_[i] = std::move(entry);
    }
    auto finished = driver->Finish();
    if (finished) return;
    std::lock_guard lock(mutex_);
    if (std::exchange(ended_badly_, true)) return;
    Entry entry = EntryOf({.name = kDriverEnds,
                           .kind = Verdict::Kind::kBroken,
                           .lines = {finished.error().message()}});
    Tell(entry);
    entries_.push_back(std::move(entry));
  }

  Entry EntryOf(Verdict verdict) const {
    const auto known = known_.find(verdict.name);
    if (known == known_.end()) return {.verdict = std::move(verdict)};
    return {.verdict = std::move(verdict), .known_failing = true, .reason = known->second};
  }

  // REQUIRES: mutex_ is held.
  void Tell(const Entry& entry) {
    out_ << ProgressLine(entry) << std::endl;
    if (!entry.good()) out_ << Explanation(entry) << std::flush;
  }

  int Report() {
    out_ << Summary(hello_, entries_);
    const Value report = JsonReport(hello_, entries_, RealClock()->WallNow());
    if (flags_.report == "json") std::cout << ToPrettyJson(report) << "\n";
    if (flags_.report == "html") std::cout << HtmlReport({report});
    if (flags_.report == "junit") std::cout << JunitReport(hello_, entries_);
    for (const Entry& entry : entries_) {
      if (!entry.good()) return 1;
    }
    return 0;
  }

  const Flags& flags_;
  const std::vector<Case> cases_;
  std::vector<Entry> entries_;
  std::ostream& out_;
  Value hello_;
  std::map<std::string, std::string> known_;  // with the reasons
  std::atomic<size_t> next_ = 0;
  std::mutex mutex_;  // guards entries_, ended_badly_ and out_
  bool ended_badly_ = false;
};

Result<int> Merge(const Flags& flags) {
  std::vector<Value> runs;
  for (const std::string& file : flags.merge) {
    auto text = RealHost()->ReadFile(file);
    if (!text) return text.error();
    auto run = ParseJson(*text);
    if (!run) return run.error().Within(file);
    if (run->StringAt({"driver"}).empty())
      return ConfigError(Cat(file, " is no report: it names no driver"));
    runs.push_back(*std::move(run));
  }
  std::cout << (flags.report == "html" ? HtmlReport(runs) : GridJson(runs));
  return 0;
}

Result<int> Main(const std::vector<std::string>& arguments) {
  auto flags = ParseFlags(arguments);
  if (!flags) return flags.error();
  if (flags->help) {
    std::cout << kHelp;
    return 0;
  }
  if (!flags->merge.empty()) return Merge(*flags);
  auto cases = Chosen(*flags);
  if (!cases) return cases.error();
  if (flags->list) {
    for (const Case& one : *cases) std::cout << one.name << "  " << Join(one.proves, " ") << "\n";
    return 0;
  }
  SetLogSink([](int, std::string_view) {});
  return Run(*flags, *std::move(cases), flags->report.empty() ? std::cout : std::cerr).Play();
}

}  // namespace
}  // namespace k8s::conformance

int main(int argc, char** argv) {
  const auto code = k8s::conformance::Main(std::vector<std::string>(argv + 1, argv + argc));
  if (code) return *code;
  std::cerr << "conformance: " << code.error() << "\n";
  return 2;
}
