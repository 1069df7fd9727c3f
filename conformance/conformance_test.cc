// The reader of cases, the runner's eyes, and that every case of the tree is in order. What the
// cases say of our client is tested by running them: ctest -L conformance.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <regex>
#include <set>

#include "conformance/case.h"
#include "conformance/drivers/cpp.h"
#include "conformance/drivers/process.h"
#include "conformance/html_report.h"
#include "conformance/report.h"
#include "conformance/runner.h"
#include "k8s/base/strings.h"
#include "k8s/machinery/json.h"

namespace k8s::conformance {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr char kFolder[] = K8S_SOURCE_DIR "/conformance";

constexpr char kGood[] = R"(proves: C-4.2
given:
- {apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: default}}
config: {qps: -1}
faults:
- {match: {verb: get, resource: configmaps}, times: 1, do: [{reply: 429, retryAfter: 1}]}
when:
- get: {resource: v1/configmaps, namespace: default, name: a}
then:
- object: {metadata: {name: a}}
- exchanges: 2
)";

std::string Replaced(std::string_view from, std::string_view to) {
  std::string text = kGood;
  text.replace(text.find(from), from.size(), to);
  return text;
}

std::string WhyNot(std::string_view from, std::string_view to) {
  const auto read = ParseCase("area/name", Replaced(from, to));
  return read ? "it is fine" : read.error().message();
}

TEST(Case, IsReadStrictlyAndNamesItsField) {
  EXPECT_EQ(ParseCase("area/name", kGood).value().proves, std::vector<std::string>{"C-4.2"});
  EXPECT_EQ(WhyNot("config: {qps", "config: {qsp"), "area/name.yaml: unknown field \"config.qsp\"");
  EXPECT_EQ(WhyNot("exchanges: 2", "exchanges: [{methud: GET}]"),
            "area/name.yaml: then[1].exchanges: unknown field \"methud\"");
  EXPECT_THAT(WhyNot("exchanges: 2", "exchanges: [{matches: {A: '('}}]"),
              HasSubstr("matches.A: no regular expression"));
  EXPECT_THAT(WhyNot("qps: -1", "timeout: soon"), HasSubstr("config.timeout"));
  EXPECT_THAT(WhyNot("proves: C-4.2", "proves: []"), HasSubstr("names no statement"));
  EXPECT_THAT(WhyNot("- get:", "- fetch:"), HasSubstr("unknown field \"when[0].fetch\""));
  EXPECT_THAT(WhyNot("- get: {resource", "- get: {name"),
              HasSubstr("line 8: key \"name\" already set"));
}

TEST(Case, HasStepsThatAreOneCallEach) {
  EXPECT_THAT(WhyNot("name: a}\nthen", "name: a}\n  list: {resource: v1/pods}\nthen"),
              HasSubstr("when[0]: a step has exactly one verb"));
  EXPECT_EQ(WhyNot("name: a}\nthen", "name: a}\n  times: 3\nthen"), "it is fine");
  EXPECT_THAT(WhyNot("name: a}\nthen", "name: a}\n  times: -1\nthen"), HasSubstr("times must be"));
  EXPECT_THAT(WhyNot("- exchanges: 2", "- {step: 2, ok: true}"), HasSubstr("there is no step 2"));
}

TEST(Cases, OfTheTreeProveStatementsThatExist) {
  const auto statements = RealHost()->ReadFile(Cat(kFolder, "/statements.txt")).value();
  const auto cases = LoadCases(*RealHost(), Cat(kFolder, "/cases"));
  ASSERT_TRUE(cases) << cases.error();
  EXPECT_GE(cases->size(), 450u);
  for (const Case& one : *cases) {
    EXPECT_EQ(one.malformed, "") << one.name;
    for (const std::string& id : one.proves) {
      const auto known = CheckStatement(statements, id);
      EXPECT_TRUE(known) << one.name << ": " << known.error();
    }
  }
  EXPECT_FALSE(CheckStatement(statements, "C-4.0"));
  EXPECT_FALSE(CheckStatement(statements, "C-4.41"));
  EXPECT_FALSE(CheckStatement(statements, "C-44.1"));
}

constexpr char kTable[] = R"yaml(proves: C-4.2
config: {qps: -1}
faults:
- {times: 1, do: [$(fault)]}
when:
- get: {resource: v1/configmaps, name: of-$(name)}
then:
- {ok: $(ok), error: {code: $(code)}}
table:
- {name: good, fault: {reply: 429, retryAfter: 0}, ok: false, code: 404}
- {name: bad, fault: {reply: 429}, ok: false}
)yaml";

TEST(Table, IsACaseForEachRow) {
  const auto cases = ParseCases("area/name", kTable).value();
  ASSERT_EQ(cases.size(), 2u);
  EXPECT_EQ(cases[0].name, "area/name.good");
  EXPECT_EQ(cases[1].steps.array()[0].StringAt({"get", "name"}), "of-bad");
  EXPECT_EQ(cases[0].faults, R"([{"times":1,"do":[{"reply":429,"retryAfter":0}]}])");
  EXPECT_EQ(cases[0].story.then[0].error->code, 404);
  EXPECT_FALSE(cases[1].story.then[0].error.has_value());  // its row has no code
  EXPECT_EQ(ParseCase("area/name", kTable).error().message(), "area/name.yaml: has a table");
}

TEST(Table, SaysWhatIsWrongWithIt) {
  const auto why = [](std::string_view from, std::string_view to) {
    std::string text = kTable;
    text.replace(text.find(from), from.size(), to);
    const auto read = ParseCases("area/name", text);
    return read ? "it is fine" : read.error().message();
  };
  EXPECT_THAT(why("name: bad", "name: good"), HasSubstr("every row has a name of its own"));
  EXPECT_THAT(why("code: 404}", "code: 404, colour: red}"),
              HasSubstr("table: $(colour) does not occur"));
  EXPECT_THAT(why("ok: false}\n", "ok: maybe}\n"), HasSubstr("row bad"));
}

TEST(Changes, HappenAfterTheirExchange) {
  const std::string story =
      R"(proves: C-7.1
config: {qps: -1}
when:
- watch: {resource: v1/configmaps, namespace: default, options: {labelSelector: a=b}, events: 1}
then:
- events: [{type: ADDED, object: {metadata: {name: x}}}]
- exchanges: 1
meanwhile:
)";
  const auto create = [](int after) {
    return Cat("- {after: ", std::to_string(after),
               ", create: {apiVersion: v1, kind: ConfigMap, metadata: {name: x, namespace: default,"
               " labels: {a: b}}}}\n");
  };
  const auto play = [&](const std::string& changes) {
    return RunCase(ParseCase("area/name", story + changes).value(), *NewCppDriver());
  };
  EXPECT_EQ(play(create(1)).kind, Verdict::Kind::kPassed) << Join(play(create(1)).lines, "\n");
  EXPECT_THAT(play(create(1) + create(1)).lines,
              ElementsAre(HasSubstr("POST /api/v1/namespaces/default/configmaps was answered "
                                    "with 409")));
  EXPECT_THAT(play(create(1) + create(2)).lines, ElementsAre("meanwhile: there was no exchange 2"));
  EXPECT_THAT(ParseCase("area/name", story + "- {after: 1}").error().message(),
              HasSubstr("one of create, update, delete, compact"));
}

// Every statement of the chapters that are about clients has a case, or a test that is named.
TEST(Statements, AreAllProvedSomewhere) {
  std::set<std::string> proved, tests;
  for (const Case& one : LoadCases(*RealHost(), Cat(kFolder, "/cases")).value())
    proved.insert(one.proves.begin(), one.proves.end());
  for (const auto& entry : std::filesystem::recursive_directory_iterator(K8S_SOURCE_DIR)) {
    const std::string path = entry.path().string();
    if (!path.ends_with("_test.cc") || path.find("/build") != path.npos) continue;
    const std::string source = RealHost()->ReadFile(path).value();
    static const std::regex kTest(R"(\nTEST(?:_F|_P)?\((\w+),\s*(\w+)\))");
    for (std::sregex_iterator at(source.begin(), source.end(), kTest), end; at != end; ++at)
      tests.insert(Cat((*at)[1].str(), ".", (*at)[2].str()));
  }
  const auto elsewhere = RealHost()->ReadFile(Cat(kFolder, "/seen_elsewhere.txt")).value();
  for (const std::string_view line : Split(elsewhere, '\n')) {
    if (line.empty() || line.front() == '#') continue;
    const auto words = Split(line, ' ');
    ASSERT_EQ(words.size(), 2u) << line;
    EXPECT_TRUE(words[1] == "-" || tests.contains(std::string(words[1]))) << line;
    EXPECT_TRUE(proved.emplace(words[0]).second) << line << ": has a case";
  }
  const auto statements = RealHost()->ReadFile(Cat(kFolder, "/statements.txt")).value();
  for (int chapter = 1; chapter <= 8; ++chapter) {
    for (int number = 1;; ++number) {
      const std::string id = Cat("C-", std::to_string(chapter), ".", std::to_string(number));
      if (!CheckStatement(statements, id)) break;
      EXPECT_TRUE(proved.contains(id)) << id << " has neither a case nor a line in "
                                       << "seen_elsewhere.txt";
    }
  }
}

TEST(KnownFailing, NamesCasesThatAreThere) {
  std::set<std::string> names;
  for (const Case& one : LoadCases(*RealHost(), Cat(kFolder, "/cases")).value())
    names.insert(one.name);
  for (const std::string& file :
       RealHost()->ListDirectory(Cat(kFolder, "/known_failing")).value()) {
    if (file == "transcripts.txt") continue;  // of the server; transcripts_test.cc holds it
    const auto text = RealHost()->ReadFile(Cat(kFolder, "/known_failing/", file)).value();
    for (const auto& [name, reason] : ParseKnownFailing(text)) {
      EXPECT_TRUE(names.contains(name)) << file << ": " << name;
      EXPECT_FALSE(reason.empty()) << file << ": " << name << " needs a reason behind a #";
    }
  }
}

// Editors and the reader agree on what may stand where.
void ExpectSameFields(const Value& schema, const TypeInfo& type) {
  std::set<std::string> fields, properties;
  for (const Field& field : type.fields) fields.emplace(field.name());
  for (const auto& [name, property] : schema.Find("properties")->object()) properties.insert(name);
  EXPECT_EQ(properties, fields) << type.name;
}

TEST(Schema, HasTheFieldsOfTheFacts) {
  const Value schema =
      ParseJson(RealHost()->ReadFile(Cat(kFolder, "/case.schema.json")).value()).value();
  ExpectSameFields(schema, TypeOf<casesv1::Case>());
  for (const TypeInfo* type : {&TypeOf<casesv1::CaseConfig>(), &TypeOf<casesv1::CaseStep>(),
                               &TypeOf<casesv1::CaseCall>(), &TypeOf<casesv1::CaseExpectation>(),
                               &TypeOf<casesv1::CaseError>(), &TypeOf<casesv1::CaseRange>(),
                               &TypeOf<casesv1::CaseExchange>(), &TypeOf<casesv1::CaseChange>()}) {
    ExpectSameFields(*schema.Find("$defs")->Find(type->name), *type);
  }
}

Verdict Play(const std::string& text) {
  return RunCase(ParseCase("area/name", text).value(), *NewCppDriver());
}

TEST(Runner, KeepsFilesInTheirFolder) {
  for (const char* name : {"../x", "/x", "a/../../x"}) {
    EXPECT_THAT(Play(Replaced("qps: -1", Cat("files: {", name, ": text}"))).lines,
                ElementsAre(HasSubstr("is no path below the folder")))
        << name;
  }
}

TEST(Runner, PassesWhatHolds) {
  const Verdict verdict = Play(kGood);
  EXPECT_EQ(verdict.kind, Verdict::Kind::kPassed) << Join(verdict.lines, "\n");
  EXPECT_EQ(verdict.took, std::chrono::seconds(1));
}

TEST(Runner, SaysWhatDoesNotHoldWithTheTimeline) {
  const Entry entry{.verdict = Play(Replaced("exchanges: 2", "exchanges: 3"))};
  EXPECT_FALSE(entry.good());
  EXPECT_THAT(entry.verdict.lines, ElementsAre("then[1].exchanges: expected 3, but it was 2"));
  EXPECT_THAT(Explanation(entry), HasSubstr("429, retry after 1 <- rule-1"));
}

TEST(Runner, TakesAFaultThatNeverStrikesForAFailure) {
  const Verdict verdict = Play(Replaced("verb: get", "verb: watch"));
  EXPECT_EQ(verdict.kind, Verdict::Kind::kFailed);
  ASSERT_FALSE(verdict.lines.empty());
  EXPECT_THAT(verdict.lines[0], HasSubstr("a fault never struck"));
}

TEST(Runner, TellsWhatWasOnlyMistimed) {
  const std::string late = Replaced("exchanges: 2", "elapsed: {below: 1ms}");
  EXPECT_TRUE(Play(late).mistimed);
  EXPECT_FALSE(Play(Cat(late, "- exchanges: 3\n")).mistimed);
  EXPECT_FALSE(Play(kGood).mistimed);
}

TEST(Runner, SeesWhatDiffers) {
  const auto differs = [](const char* wanted, const char* actual) {
    return Differs(ParseJson(wanted).value(), ParseJson(actual).value(), "object").value_or("");
  };
  EXPECT_EQ(differs(R"({"a":1})", R"({"a":1,"b":2})"), "");
  EXPECT_EQ(differs(R"({"a":{"b":1}})", R"({"a":{"b":2}})"),
            "object.a.b: expected 1, but it was 2");
  EXPECT_EQ(differs("[1]", "[1,2]"), "object: expected [1], but it was [1,2]");
  EXPECT_EQ(differs(R"({"a":null})", R"({})"), "");
}

TEST(Runner, DoesNotAskForWhatADriverCannot) {
  const Case one = ParseCase("area/name", kGood).value();
  EXPECT_EQ(Unsupported(one, CppHello()), std::nullopt);
  EXPECT_EQ(Unsupported(one, ParseJson(R"({"verbs":["list"]})").value()), "verb get");
  const Value bare = ParseJson(R"({"verbs":["get"],"config":[]})").value();
  EXPECT_EQ(Unsupported(one, bare), std::nullopt) << "no limit needs no limiter";
  const Case limited = ParseCase("area/name", Replaced("qps: -1", "qps: 5")).value();
  EXPECT_EQ(Unsupported(limited, bare), "config qps");
  const Case in_json =
      ParseCase("area/name", Replaced("qps: -1", "contentType: application/json")).value();
  EXPECT_EQ(Unsupported(in_json, bare), std::nullopt) << "JSON is what all speak";
  const Case in_cbor =
      ParseCase("area/name", Replaced("qps: -1", "contentType: application/cbor")).value();
  EXPECT_EQ(Unsupported(in_cbor, bare), "config contentType");
  const Case elsewhere =
      ParseCase("area/name", Replaced("qps: -1", "overrides: {context: x, user: u}")).value();
  EXPECT_EQ(Unsupported(elsewhere,
                        ParseJson(R"({"verbs":["get"],"config":["overrides.context"]})").value()),
            "config overrides.user");
  const Case paged =
      ParseCase("area/name", Replaced("object: {metadata: {name: a}}", "metadata: {continue: x}"))
          .value();
  EXPECT_EQ(Unsupported(paged, ParseJson(R"({"verbs":["get"],"config":[]})").value()),
            "feature listMetadata");
  EXPECT_EQ(Play(Cat(kGood, "cannot: {cpp: why}")).kind, Verdict::Kind::kExcused);
}

TEST(Report, MakesAKnownFailureGoodUntilItPasses) {
  EXPECT_EQ(ParseKnownFailing("# all\na/b  # why\n\nc/d\n"),
            (std::map<std::string, std::string>{{"a/b", "why"}, {"c/d", ""}}));
  Entry entry{.verdict = {.name = "a/b", .kind = Verdict::Kind::kFailed}, .known_failing = true};
  EXPECT_TRUE(entry.good());
  entry.verdict.kind = Verdict::Kind::kPassed;
  EXPECT_FALSE(entry.good());
  EXPECT_THAT(JunitReport(CppHello(), {entry}), HasSubstr("failures=\"1\""));
  EXPECT_EQ(JsonReport(CppHello(), {entry}, {}).Find("cases")->array()[0].StringAt({"verdict"}),
            "fixed");
}

TEST(ProcessDriver, PlaysOverItsPipeAndASocket) {
  auto driver = StartDriver(K8S_CPP_DRIVER);
  ASSERT_TRUE(driver) << driver.error();
  const Verdict verdict =
      RunCase(ParseCase("area/name", Replaced("retryAfter: 1", "retryAfter: 0")).value(), **driver);
  EXPECT_EQ(verdict.kind, Verdict::Kind::kPassed) << Join(verdict.lines, "\n");
}

TEST(ProcessDriver, IsToldApartFromAProgramThatIsNone) {
  EXPECT_EQ(StartDriver("exit 3").error().message(),
            "the driver has ended with exit code 3 without an answer");
  EXPECT_EQ(StartDriver("kill -9 $$").error().message(),
            "the driver was ended by signal 9 without an answer");
  EXPECT_THAT(StartDriver("echo hello").error().message(), HasSubstr("the driver's first line"));
  EXPECT_EQ(StartDriver("echo '{}'").error().message(), "the driver does not say its name");
  auto driver =
      StartDriver(R"(echo '{"driver":"x","verbs":["get"],"config":["qps"]}'; read l; echo '{}')");
  ASSERT_TRUE(driver) << driver.error();
  const Verdict verdict = RunCase(ParseCase("area/name", kGood).value(), **driver);
  EXPECT_THAT(verdict.lines, ElementsAre("the driver did not answer with one result a step"));
}

TEST(ProcessDriver, ThatHangsIsToldSo) {
  const auto hangs = StartDriver("sleep 1000", {.answer = std::chrono::milliseconds(50)});
  EXPECT_EQ(hangs.error().message(), "the driver has not answered within 50ms");
}

TEST(ProcessDriver, EndsWithItsInputAndLeavesNothingBehind) {
  EXPECT_TRUE(StartDriver(K8S_CPP_DRIVER).value()->Finish());
  const std::string hello = R"(echo '{"driver":"x"}'; )";
  auto leaves = StartDriver(Cat(hello, "sleep 1000 >/dev/null & cat"),
                            {.ending = std::chrono::milliseconds(100)});
  EXPECT_EQ((*leaves)->Finish().error().message(), "the driver leaves processes behind");
}

TEST(Runner, GoesOnAfterACaseThatCannotBeRead) {
  const auto driver = NewCppDriver();
  const Verdict verdict =
      RunCase({.area = "a", .name = "a/b", .malformed = "a/b.yaml: line 3: no"}, *driver);
  EXPECT_EQ(verdict.kind, Verdict::Kind::kMalformed);
  EXPECT_FALSE(Entry{.verdict = verdict}.good());
}

TEST(HtmlReport, ShowsEachFailureWithItsTimelineAndEscapesIt) {
  Value run =
      ParseJson(R"({"driver": "x<y", "version": "1", "date": "2020-01-02T03:04:05Z", "cases": [
    {"case": "retry/a", "verdict": "passed"},
    {"case": "retry/b", "verdict": "known failing", "reason": "never retries", "timeline": "#1 GET /<a>"},
    {"case": "watch/c", "verdict": "unsupported", "lines": ["verb watch"]}]})")
          .value();
  const std::string page = HtmlReport({run});
  EXPECT_THAT(page, HasSubstr("3 cases"));
  EXPECT_THAT(page, HasSubstr("<a class=some href=\"#x&lt;y-retry\">1 of 2</a>"));
  EXPECT_THAT(page, HasSubstr("#1 GET /&lt;a>"));
  EXPECT_THAT(page, HasSubstr("<li>c: verb watch</li>"));
  EXPECT_EQ(page.find("<script"), page.npos);
  EXPECT_THAT(GridJson({run}), HasSubstr("\"unsupported\": 1"));
  Value dies = run;
  dies.Find("cases")->array()[0].Set("verdict", "broken");
  EXPECT_THAT(HtmlReport({dies}), HasSubstr("0 of 2")) << "who dies has not passed, and was asked";
  Value long_one = Value::MakeObject(
      {{"case", "retry/l"}, {"verdict", "failed"}, {"timeline", std::string(5000, 't')}});
  run.Set("cases", Value::MakeArray({std::move(long_one)}));
  EXPECT_LT(HtmlReport({run}).size(), 5000u) << "long texts are cut";
}

}  // namespace
}  // namespace k8s::conformance
