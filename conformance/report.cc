#include "conformance/report.h"

#include <algorithm>
#include <cstdio>
#include <map>

#include "k8s/base/strings.h"
#include "k8s/machinery/json.h"
#include "k8s/machinery/scalars.h"

namespace k8s::conformance {
namespace {

std::string Seconds(Duration d) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3f", std::chrono::duration<double>(d).count());
  return text;
}

std::string Indented(std::string_view text) {
  std::string out;
  for (const std::string_view line : Split(text, '\n')) {
    if (!line.empty()) out += Cat("    ", line, "\n");
  }
  return out;
}

std::string AreaOf(const Entry& entry) {
  return entry.verdict.name.substr(0, entry.verdict.name.find('/'));
}

size_t CountOf(const std::vector<Entry>& entries, std::string_view kind) {
  return static_cast<size_t>(std::count_if(
      entries.begin(), entries.end(), [&](const Entry& one) { return KindName(one) == kind; }));
}

}  // namespace

std::string EscapeXml(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '"') {
      out += "&quot;";
    } else if (byte >= 0x20 || c == '\n' || c == '\t') {
      out += c;
    }
  }
  return ToValidUtf8(out);
}

std::map<std::string, std::string> ParseKnownFailing(std::string_view text) {
  std::map<std::string, std::string> names;
  for (const std::string_view line : Split(text, '\n')) {
    const size_t hash = std::min(line.find('#'), line.size());
    const std::string_view name = Trim(line.substr(0, hash));
    const std::string_view reason = Trim(line.substr(std::min(hash + 1, line.size())));
    if (!name.empty()) names.emplace(name, reason);
  }
  return names;
}

std::string_view KindName(const Entry& entry) {
  switch (entry.verdict.kind) {
    case Verdict::Kind::kPassed:
      return entry.known_failing ? "fixed" : "passed";
    case Verdict::Kind::kFailed:
      return entry.known_failing ? "known failing" : "failed";
    case Verdict::Kind::kBroken:
      return entry.known_failing ? "known failing" : "broken";
    case Verdict::Kind::kMalformed:
      return "malformed";
    case Verdict::Kind::kUnsupported:
      return "unsupported";
    case Verdict::Kind::kExcused:
      return "excused";
  }
  return "";
}

std::string ProgressLine(const Entry& entry) {
  std::string line = Cat(KindName(entry), "  ", entry.verdict.name);
  const bool says_why = entry.verdict.kind == Verdict::Kind::kUnsupported ||
                        entry.verdict.kind == Verdict::Kind::kExcused;
  if (says_why) return Cat(line, ": ", Join(entry.verdict.lines, "; "));
  return Cat(line, " (", Seconds(entry.verdict.took), "s)");
}

std::string Explanation(const Entry& entry) {
  const Verdict& verdict = entry.verdict;
  std::string out = Cat(KindName(entry), "  ", verdict.name, "\n");
  if (verdict.kind == Verdict::Kind::kPassed)
    return Cat(out, "  it is listed as known to fail, and passes: take it off the list\n");
  out += Cat("  what does not hold:\n", Indented(Join(verdict.lines, "\n")));
  if (!verdict.did.empty()) out += Cat("  what the client answered:\n", Indented(verdict.did));
  if (!verdict.timeline.empty()) out += Cat("  what the server saw:\n", Indented(verdict.timeline));
  return out;
}

std::string Summary(const Value& hello, const std::vector<Entry>& entries) {
  std::string out = Cat("driver ", hello.StringAt({"driver"}), " ", hello.StringAt({"version"}),
                        ": ", std::to_string(entries.size()), " cases");
  for (const char* kind : {"passed", "failed", "broken", "malformed", "fixed", "known failing",
                           "unsupported", "excused"}) {
    if (const size_t count = CountOf(entries, kind); count > 0)
      out += Cat(", ", std::to_string(count), " ", kind);
  }
  std::map<std::string, std::pair<size_t, size_t>> areas;
  for (const Entry& entry : entries) {
    auto& [passed, all] = areas[AreaOf(entry)];
    ++all;
    passed += entry.verdict.kind == Verdict::Kind::kPassed;
  }
  std::vector<std::string> parts;
  for (const auto& [area, counts] : areas)
    parts.push_back(
        Cat(area, " ", std::to_string(counts.first), "/", std::to_string(counts.second)));
  return Cat(out, " (", Join(parts, ", "), ")\n");
}

Value JsonReport(const Value& hello, const std::vector<Entry>& entries, WallTime date) {
  Value cases = Value::MakeArray();
  for (const Entry& entry : entries) {
    Value lines = Value::MakeArray();
    for (const std::string& line : entry.verdict.lines) lines.Append(line);
    Value one =
        Value::MakeObject({{"case", entry.verdict.name},
                           {"verdict", KindName(entry)},
                           {"seconds", std::chrono::duration<double>(entry.verdict.took).count()}});
    if (!lines.array().empty()) one.Set("lines", std::move(lines));
    if (IsFailure(entry.verdict.kind)) {
      one.Set("reason", entry.reason);
      one.Set("did", entry.verdict.did);
      one.Set("timeline", entry.verdict.timeline);
    }
    cases.Append(std::move(one));
  }
  return Value::MakeObject({{"driver", hello.StringAt({"driver"})},
                            {"version", hello.StringAt({"version"})},
                            {"date", Time::From(date).String()},
                            {"cases", std::move(cases)}});
}

std::string JunitReport(const Value& hello, const std::vector<Entry>& entries) {
  const auto failures = std::count_if(entries.begin(), entries.end(),
                                      [](const Entry& entry) { return !entry.good(); });
  std::string out =
      Cat("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"conformance.",
          EscapeXml(hello.StringAt({"driver"})), "\" tests=\"", std::to_string(entries.size()),
          "\" failures=\"", std::to_string(failures), "\">\n");
  for (const Entry& entry : entries) {
    const size_t slash = entry.verdict.name.find('/');
    out += Cat("  <testcase classname=\"", EscapeXml(AreaOf(entry)), "\" name=\"",
               EscapeXml(entry.verdict.name.substr(slash + 1)), "\" time=\"",
               Seconds(entry.verdict.took), "\"");
    if (!entry.good()) {
      out += Cat("><failure message=\"", EscapeXml(KindName(entry)), "\">",
                 EscapeXml(Explanation(entry)), "</failure></testcase>\n");
    } else if (entry.verdict.kind != Verdict::Kind::kPassed) {
      out += Cat("><skipped message=\"", EscapeXml(ProgressLine(entry)), "\"/></testcase>\n");
    } else {
      out += "/>\n";
    }
  }
  return out + "</testsuite>\n";
}

}  // namespace k8s::conformance
