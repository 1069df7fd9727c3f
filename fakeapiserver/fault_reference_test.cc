// docs/faults.md, held to its word: every row of its tables is written here in C++ and YAML, both
// mean the same rule, the rule strikes, and the document has exactly these rows.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fakeapiserver/fault_replies.h"
#include "fakeapiserver/server.h"
#include "k8s/base/fake_clock.h"
#include "k8s/base/host.h"
#include "k8s/base/strings.h"
#include "k8s/machinery/json_codec.h"

namespace k8s::fakeapiserver {
namespace {

using namespace std::chrono_literals;

struct Row {
  std::string_view yaml, cpp;
  void (*write)(Rule& rule);
};
#define ROW(yaml, call)                        \
  {                                            \
    yaml, #call, [](Rule& rule) { rule.call; } \
  }

const Row kRows[] = {
    ROW("{reply: 503}", Reply(503)),
    ROW("{reply: 429, retryAfter: 7}", Reply(429).RetryAfter(7s)),
    ROW("{reply: 429, retryAfter: \"Wed, 21 Oct 2037 07:28:00 GMT\"}",
        Reply(429).RetryAfter("Wed, 21 Oct 2037 07:28:00 GMT")),
    ROW("{reply: too-many-requests}", ReplyLike("too-many-requests")),
    ROW(R"({reply: 409, reason: AlreadyExists, message: "pods \"a\" already exists"})",
        Reply(409).Reason("AlreadyExists").Message("pods \"a\" already exists")),
    ROW("{reply: 200, contentType: text/html, body: \"<html>\"}",
        Reply(200).Body("text/html", "<html>")),
    ROW("{contentType: text/plain}", Body("text/plain", "x")),
    ROW("{body: \"\"}", Body("", "")),
    ROW("{reply: 307, headers: {Location: /livez}}", Redirect(307, "/livez")),
    ROW("{untilToken: second}", UnauthorizedUntil("second")),
    ROW("{warnings: [\"old\"]}", Warning("old")),
    ROW("{headers: {X-A: b}}", AnswerHeader("X-A", "b")),
    ROW("{stale: 3}", Stale(3)),
    ROW("{refuse: true}", Refuse()),
    ROW("{reset: {at: accept}}", Reset(Place::kAccept)),
    ROW("{reset: {}}", Reset()),
    ROW("{reset: {at: headers}}", Reset(Place::kHeaders)),
    ROW("{reset: {at: body, after: 20}}", Reset(Place::kBody, 20)),
    ROW("{close: {}}", Close()),
    ROW("{close: {at: answer, after: 11}}", Close(Place::kAnswer, 11)),
    ROW("{hang: {at: accept}}", Hang(Place::kAccept)),
    ROW("{hang: {for: 3s}}", Hang(Place::kRequest, 0, 3s)),
    ROW("{hang: {at: body, after: 20}}", Hang(Place::kBody, 20)),
    ROW("{truncate: 20}", Truncate(20)),
    ROW("{delay: 2s}", Delay(2s)),
    ROW("{throttle: 1000}", Throttle(1000)),
    ROW("{drip: {bytes: 1, pause: 100ms}}", Drip(1, 100ms)),
    ROW(R"({garbage: "SSH-2.0-OpenSSH_9.2\r\n"})", Garbage("SSH-2.0-OpenSSH_9.2\r\n")),
    ROW("{corrupt: 20}", Corrupt(20)),
    ROW("{wrongChunkSize: true}", WrongChunkSize()),
    ROW("{duplicate: true}", Duplicate()),
    ROW("{certificate: expired}", Certificate("expired")),
    ROW("{events: [{event: 2, do: drop}]}", DropEvent(2)),
    ROW("{events: [{event: 2, do: duplicate}]}", DuplicateEvent(2)),
    ROW("{events: [{event: 2, do: swap}]}", SwapEvent(2)),
    ROW("{events: [{event: 2, do: delay, by: 5s}]}", DelayEvent(2, 5s)),
    ROW("{events: [{event: 2, do: corrupt}]}", CorruptEvent(2)),
    ROW("{withholdBookmarks: true}", WithholdBookmarks()),
    ROW("{endWatch: 2}", EndWatch(2)),
    ROW("{expireWatch: 2}", ExpireWatch(2)),
};

std::string Document() {
  return RealHost()->ReadFile(Cat(K8S_SOURCE_DIR, "/docs/faults.md")).value();
}

// The cells of every row whose first cell is a fault: `{...}`.
std::vector<std::vector<std::string>> DocumentRows() {
  std::vector<std::vector<std::string>> rows;
  const std::string text = Document();
  for (const std::string_view line : Split(text, '\n')) {
    if (!line.starts_with("| `{")) continue;
    std::vector<std::string> cells;
    for (const std::string_view cell : Split(line, '|')) {
      std::string_view trimmed = Trim(cell);
      if (trimmed.starts_with('`')) trimmed = trimmed.substr(1, trimmed.size() - 2);
      cells.emplace_back(trimmed);
    }
    rows.push_back(std::move(cells));
  }
  return rows;
}

std::string Text(const faultsv1::FaultSpec& spec) {
  std::string text;
  EncodeSparseJson(TypeOf<faultsv1::FaultSpec>(), &spec, {}, text);
  return text;
}

TEST(FaultReference, HasTheRowsThatAreTriedHere) {
  const auto rows = DocumentRows();
  std::vector<std::string> documented, tried;
  for (const auto& cells : rows) documented.push_back(Cat(cells[1], " ", cells[2]));
  for (const Row& row : kRows) tried.push_back(Cat(row.yaml, " ", row.cpp));
  EXPECT_THAT(documented, testing::UnorderedElementsAreArray(tried));
}

TEST(FaultReference, SaysTheSameThroughEveryDoor) {
  for (const Row& row : kRows) {
    SCOPED_TRACE(row.yaml);
    Faults faults(std::make_shared<FakeClock>(), "admin");
    Rule& rule = faults.OnEvery();
    row.write(rule);
    ASSERT_TRUE(faults.Load("row", Cat("match: {}\ndo: [", row.yaml, "]")));
    const auto rules = faults.Rules();
    // A retryAfter is a text or a number; the header is the same.
    std::string cpp = Text(rules[0].spec), yaml = Text(rules[1].spec);
    if (const size_t at = cpp.find("\"retryAfter\":\"7\""); at != cpp.npos) {
      cpp.replace(at, 16, "\"retryAfter\":7");
    }
    if (row.yaml == "{contentType: text/plain}") continue;  // in C++ the body goes with it
    EXPECT_EQ(cpp, yaml);
    EXPECT_FALSE(rule.error()) << *rule.error();
  }
}

TEST(FaultReference, StrikesAsItSays) {
  for (const Row& row : kRows) {
    SCOPED_TRACE(row.yaml);
    const auto clock = std::make_shared<FakeClock>();
    Server server({.env = {.clock = clock, .random = SeededRandom(1)}});
    ASSERT_TRUE(server.faults().Load("row", Cat("match: {}\ndo: [", row.yaml, "]")));
    const bool watches = row.yaml.find("vents") != row.yaml.npos ||
                         row.yaml.find("Watch") != row.yaml.npos ||
                         row.yaml.find("Bookmarks") != row.yaml.npos;
    http::Request request{.method = "GET"};
    request.url =
        http::Url::Parse(watches ? "http://server/api/v1/namespaces?watch=1&timeoutSeconds=9"
                                 : "http://server/api/v1/namespaces")
            .value();
    // Nothing hangs for longer than the caller allows.
    const Context ctx = Context().WithTimeout(*clock, 1min);
    auto response = server.Loopback()->RoundTrip(request, ctx);
    if (response) static_cast<void>(response->body->ReadAll().has_value());
    EXPECT_EQ(server.faults().Unspent(), 0) << server.faults().DescribeUnspent();
  }
}

TEST(FaultReference, ShowsYamlThatCanBeLoaded) {
  const std::string text = Document();
  int blocks = 0;
  for (size_t at = 0; (at = text.find("```yaml\n", at)) != text.npos; ++blocks) {
    const size_t begin = at + 8;
    at = text.find("```", begin);
    Faults faults(std::make_shared<FakeClock>(), "admin");
    const auto loaded = faults.Load("docs/faults.md", text.substr(begin, at - begin));
    EXPECT_TRUE(loaded) << loaded.error();
  }
  EXPECT_GE(blocks, 2);
}

TEST(FaultReference, ListsTheRepliesByName) {
  std::string wanted;
  for (const Flavour& one : Flavours()) {
    std::string words(one.text.substr(0, one.text.find('\n')));
    if (one.content_type == "text/html") words = "an HTML page";
    if (words.starts_with('{')) words = "a Status without a kind, as text";
    wanted += Cat("| `", one.name, "` | ", std::to_string(one.status),
                  one.retry_after.empty() ? "" : Cat(", Retry-After ", one.retry_after), ": ",
                  words, " | ", one.imitates, " |\n");
  }
  EXPECT_NE(Document().find(wanted), std::string::npos) << "docs/faults.md must say\n" << wanted;
}

}  // namespace
}  // namespace k8s::fakeapiserver
