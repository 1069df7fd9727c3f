#pragma once

// What a run came to, for people and for machines. Pure functions.

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "conformance/runner.h"

namespace k8s::conformance {

// The names of known_failing/<driver>.txt, one a line, with the reasons behind their '#'.
std::map<std::string, std::string> ParseKnownFailing(std::string_view text);

// A verdict, and whether it was foreseen.
struct Entry {
  Verdict verdict{};
  bool known_failing = false;
  std::string reason{};  // why it is known to fail
  // Neither a failure that nobody knew of nor one that has gone.
  bool good() const {
    return known_failing ? verdict.kind != Verdict::Kind::kPassed : !IsFailure(verdict.kind);
  }
};

// A text as it may stand in XML and HTML, in quotes too; control characters are left out.
std::string EscapeXml(std::string_view text);

std::string_view KindName(const Entry& entry);
// One line: "ok    retry/waits (3.0s)".
std::string ProgressLine(const Entry& entry);
// What was expected, what the client did, and the exchanges.
std::string Explanation(const Entry& entry);
// "driver cpp 0.1: 5 passed, 1 failed; retry 5/6"
std::string Summary(const Value& hello, const std::vector<Entry>& entries);
// {"driver", "version", "date", "cases": [...]}; HtmlReport draws it.
Value JsonReport(const Value& hello, const std::vector<Entry>& entries, WallTime date);
std::string JunitReport(const Value& hello, const std::vector<Entry>& entries);

}  // namespace k8s::conformance
