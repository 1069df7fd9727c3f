#include "conformance/html_report.h"

#include <algorithm>
#include <array>
#include <set>

#include "conformance/report.h"
#include "k8s/base/strings.h"
#include "k8s/machinery/json.h"

namespace k8s::conformance {
namespace {

constexpr std::string_view kStyle = R"(
:root { color-scheme: light dark; --good: #1a7f37; --part: #9a6700; --bad: #b3261e; --line: #8884; --soft: #8881 }
@media (prefers-color-scheme: dark) { :root { --good: #57c271; --part: #d9a93f; --bad: #f2887f } }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem }
.wide { overflow-x: auto }
table { border-collapse: separate; border-spacing: 0 }
th[scope=row], thead th:first-child { position: sticky; left: 0; background: Canvas }
th, td { padding: .35rem .8rem; border-bottom: 1px solid var(--line); text-align: left; white-space: nowrap }
td { font-variant-numeric: tabular-nums }
tfoot th, tfoot td { border-top: 2px solid var(--line) }
small { opacity: .7; display: block; font-weight: normal }
a { color: inherit } td a { text-decoration: none } td a:hover { text-decoration: underline }
.all { color: var(--good) } .some { color: var(--part) } .none { color: var(--bad) }
details { margin: .3rem 0; padding: .2rem .7rem; background: var(--soft); border-radius: .4rem }
summary { cursor: pointer } summary b { font-weight: 600 }
pre { overflow-x: auto; font-size: 13px; line-height: 1.4 }
@media (max-width: 48rem) {
  body { margin: 1rem auto; padding: 0 .6rem }
  th, td { padding: .25rem .4rem; font-size: 13px }
}
)";

// Of each text about a failure. The report of a run of one case has them in full.
constexpr size_t kMaxText = 900;

std::string Cut(std::string_view text) {
  if (text.size() <= kMaxText) return std::string(text);
  return ToValidUtf8(Cat(text.substr(0, kMaxText), "..."));
}

// The kinds of verdicts, as a page counts them.
constexpr std::array<std::string_view, 3> kCounted = {"passed", "failed", "unsupported"};

std::string_view AreaOf(std::string_view name) { return name.substr(0, name.find('/')); }

// What was foreseen is still a failure to those who read the page.
std::string_view Counted(const Value& one) {
  const std::string_view verdict = one.StringAt({"verdict"});
  if (verdict == "passed" || verdict == "fixed") return kCounted[0];
  if (verdict == "unsupported" || verdict == "excused") return kCounted[2];
  return kCounted[1];
}

const Value::Array& CasesOf(const Value& run) {
  static const Value kNone = Value::MakeArray();
  const Value* cases = run.Find("cases");
  return cases != nullptr && cases->is_array() ? cases->array() : kNone.array();
}

struct Counts {
  size_t passed = 0, failed = 0, unsupported = 0;
};

// Of one area, or of all where it is empty.
Counts CountsOf(const Value& run, std::string_view area) {
  Counts counts;
  for (const Value& one : CasesOf(run)) {
    if (!area.empty() && AreaOf(one.StringAt({"case"})) != area) continue;
    const std::string_view kind = Counted(one);
    (kind == kCounted[0]   ? counts.passed
     : kind == kCounted[1] ? counts.failed
                           : counts.unsupported)++;
  }
  return counts;
}

std::set<std::string> AreasOf(const std::vector<Value>& runs) {
  std::set<std::string> areas;
  for (const Value& run : runs) {
    for (const Value& one : CasesOf(run)) areas.emplace(AreaOf(one.StringAt({"case"})));
  }
  return areas;
}

std::string Lines(const Value& one, std::string_view between) {
  std::string out;
  const Value* lines = one.Find("lines");
  if (lines == nullptr || !lines->is_array()) return out;
  for (const Value& line : lines->array()) out += Cat(out.empty() ? "" : between, line.string());
  return out;
}

std::string Cell(const Counts& counts, const std::string& anchor) {
  const size_t asked = counts.passed + counts.failed;
  std::string out = "<td>";
  if (asked > 0) {
    const char* kind = counts.failed == 0 ? "all" : counts.passed > 0 ? "some" : "none";
    out += Cat("<a class=", kind, " href=\"#", EscapeXml(anchor), "\">",
               std::to_string(counts.passed), " of ", std::to_string(asked), "</a>");
  } else {
    out += "-";
  }
  if (counts.unsupported > 0)
    out += Cat("<small>", std::to_string(counts.unsupported), " unsupported</small>");
  return out + "</td>";
}

std::string Row(const std::vector<Value>& runs, const std::string& area) {
  std::string out = Cat("<tr><th scope=row>", area.empty() ? "all" : EscapeXml(area), "</th>");
  for (const Value& run : runs) {
    const std::string_view driver = run.StringAt({"driver"});
    out += Cell(CountsOf(run, area), area.empty() ? std::string(driver) : Cat(driver, "-", area));
  }
  return out + "</tr>\n";
}

std::string Table(const std::vector<Value>& runs, const std::set<std::string>& areas) {
  std::string out = "<div class=wide><table>\n<thead><tr><th scope=col>area</th>";
  for (const Value& run : runs) {
    out += Cat("<th scope=col>", EscapeXml(run.StringAt({"driver"})), "<small>",
               EscapeXml(run.StringAt({"version"})), "</small></th>");
  }
  out += "</tr></thead>\n<tbody>\n";
  for (const std::string& area : areas) out += Row(runs, area);
  return Cat(out, "</tbody>\n<tfoot>", Row(runs, ""), "</tfoot></table></div>\n");
}

std::string Failure(const Value& one) {
  std::string out = Cat("<details><summary><b>", EscapeXml(one.StringAt({"case"})), "</b> ");
  const std::string_view reason = one.StringAt({"reason"});
  out += Cat(EscapeXml(reason.empty() ? Lines(one, "; ").substr(0, 160) : std::string(reason)),
             "</summary>\n<pre>");
  out += Cat(EscapeXml(Cut(Lines(one, "\n"))), "\n");
  for (const auto& [title, member] :
       {std::pair{"what the client answered", "did"}, {"what the server saw", "timeline"}}) {
    const std::string_view text = one.StringAt({member});
    if (!text.empty()) out += Cat("\n", title, ":\n", EscapeXml(Cut(text)));
  }
  return out + "</pre></details>\n";
}

// Everything of one client in one area.
std::string Details(const Value& run, const std::string& area) {
  std::string failures, passed, unsupported;
  for (const Value& one : CasesOf(run)) {
    const std::string_view name = one.StringAt({"case"});
    if (AreaOf(name) != area) continue;
    const std::string bare = EscapeXml(name.substr(area.size() + 1));
    const std::string_view kind = Counted(one);
    if (kind == kCounted[1]) {
      failures += Failure(one);
    } else if (kind == kCounted[0]) {
      passed += Cat(passed.empty() ? "" : ", ", bare);
    } else {
      unsupported += Cat("<li>", bare, ": ", EscapeXml(Lines(one, "; ")), "</li>");
    }
  }
  if (failures.empty() && passed.empty() && unsupported.empty()) return {};
  std::string out = Cat("<h3 id=\"", EscapeXml(run.StringAt({"driver"})), "-", EscapeXml(area),
                        "\">", EscapeXml(area), "</h3>\n", failures);
  if (!passed.empty()) out += Cat("<details><summary>passed</summary>", passed, "</details>\n");
  if (!unsupported.empty())
    out += Cat("<details><summary>unsupported</summary><ul>", unsupported, "</ul></details>\n");
  return out;
}

std::string Day(const Value& run) { return std::string(run.StringAt({"date"}).substr(0, 10)); }

}  // namespace

std::string HtmlReport(const std::vector<Value>& runs) {
  const std::set<std::string> areas = AreasOf(runs);
  size_t cases = 0;
  std::string day;
  for (const Value& run : runs) {
    cases = std::max(cases, CasesOf(run).size());
    day = std::max(day, Day(run));
  }
  std::string out = Cat(
      "<!doctype html>\n<html lang=en><head><meta charset=utf-8>\n"
      "<meta name=viewport content=\"width=device-width, initial-scale=1\">\n"
      "<title>Kubernetes clients under faults</title>\n<style>",
      kStyle, "</style></head><body>\n<h1>Kubernetes clients under faults</h1>\n<p>",
      std::to_string(cases),
      " cases, each a story about one statement of how client-go behaves, played on ",
      EscapeXml(day),
      " against an API server that misbehaves as the case says. A cell is how many cases passed of "
      "those that the "
      "client was asked; a case that needs what a client has no notion of is unsupported, and not "
      "a failure. "
      "Follow a cell to what failed, with the exchanges that the server saw.</p>\n");
  out += Table(runs, areas);
  for (const Value& run : runs) {
    const std::string driver = EscapeXml(run.StringAt({"driver"}));
    out += Cat("<h2 id=\"", driver, "\">", driver, " ", EscapeXml(run.StringAt({"version"})),
               "</h2>\n");
    for (const std::string& area : areas) out += Details(run, area);
  }
  return out + "</body></html>\n";
}

std::string GridJson(const std::vector<Value>& runs) {
  Value out = Value::MakeArray();
  const std::set<std::string> areas = AreasOf(runs);
  for (const Value& run : runs) {
    Value by_area = Value::MakeObject();
    for (const std::string& area : areas) {
      const Counts counts = CountsOf(run, area);
      by_area.Set(area, Value::MakeObject(
                            {{kCounted[0].data(), static_cast<int64_t>(counts.passed)},
                             {kCounted[1].data(), static_cast<int64_t>(counts.failed)},
                             {kCounted[2].data(), static_cast<int64_t>(counts.unsupported)}}));
    }
    Value with = run;
    with.Set("areas", std::move(by_area));
    out.Append(std::move(with));
  }
  return Cat(ToPrettyJson(Value::MakeObject({{"runs", std::move(out)}})), "\n");
}

}  // namespace k8s::conformance
