// All verbs and watches from many threads at one server: every watcher sees every change once and
// in order, whatever the others do (chapter 6). Under ThreadSanitizer it looks for data races too.

#include <gtest/gtest.h>

#include <map>

#include "fakeapiserver/server.h"
#include "k8s/base/strings.h"
#include "k8s/base/thread.h"
#include "k8s/machinery/json.h"

namespace k8s::fakeapiserver {
namespace {

constexpr int kThreads = 16;
constexpr int kRounds = 150;
constexpr int kNames = 12;  // few, so that they meet
constexpr char kMaps[] = "/api/v1/namespaces/default/configmaps";
constexpr uint64_t kSeed = 1;

http::Request RequestOf(std::string method, std::string path, std::string query = {},
                        std::string body = {}, std::string type = "application/json") {
  http::Request request;
  request.method = std::move(method);
  request.url.path = std::move(path);
  request.url.query = std::move(query);
  request.headers.Set("Content-Type", std::move(type));
  if (!body.empty()) request.body = std::make_shared<const std::string>(std::move(body));
  return request;
}

// One thread's life: whatever comes, with names that the others use as well. Conflicts and missing
// objects are part of it; what must not happen is an answer that is neither.
void Live(Server& server, int thread) {
  const auto random = SeededRandom(kSeed + static_cast<uint64_t>(thread));
  for (int round = 0; round < kRounds; ++round) {
    const std::string name = Cat("m", std::to_string(random->Below(kNames)));
    const std::string object =
        Cat(R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":")", name,
            R"("},"data":{"k":")", std::to_string(random->Next()), R"("}})");
    http::Request request;
    switch (random->Below(9)) {
      case 0:
      case 1:
        request = RequestOf("POST", kMaps, "", object);
        break;
      case 2:
        request = RequestOf("PUT", Cat(kMaps, "/", name), "", object);
        break;
      case 3:
        request = RequestOf("PATCH", Cat(kMaps, "/", name), "",
                            R"({"metadata":{"labels":{"l":"x"}}})", "application/merge-patch+json");
        break;
      case 4:
        request = RequestOf("PATCH", Cat(kMaps, "/", name), "fieldManager=me&force=true", object,
                            "application/apply-patch+yaml");
        break;
      case 5:
        request = RequestOf("DELETE", Cat(kMaps, "/", name));
        break;
      case 6:
        request = RequestOf("GET", kMaps, "limit=3");
        break;
      case 7:
        request = RequestOf("GET", Cat(kMaps, "/", name));
        break;
      default:
        request = RequestOf("DELETE", kMaps, Cat("fieldSelector=metadata.name%3D", name));
    }
    const int status = server.Serve(request).status;
    EXPECT_TRUE(status == 200 || status == 201 || status == 404 || status == 409)
        << request.method << " " << request.url.Target() << ": " << status;
  }
}

// The events that a watch has for its reader now: "ADDED m1 17".
std::vector<std::string> Drain(Source& source) {
  std::string text;
  for (;;) {
    Slices out;
    const auto outcome = source.Next(out);
    text += Gather(out);
    if (outcome != Source::Outcome::kData) break;
  }
  std::vector<std::string> events;
  for (const std::string_view line : Split(text, '\n')) {
    if (line.empty()) continue;
    const Value event = ParseJson(line).value();
    const Value& metadata = *event.Find({"object", "metadata"});
    events.push_back(Cat(event.StringAt({"type"}), " ", metadata.StringAt({"name"}), " ",
                         metadata.StringAt({"resourceVersion"})));
  }
  return events;
}

TEST(ServerStress, EveryWatcherSeesEveryChangeOnceAndInOrder) {
  RecordProperty("seed", std::to_string(kSeed));
  Server server({.limits = {.watch_queue = kThreads * kRounds * kNames}});
  const std::string from = std::to_string(server.store().revision());
  const auto watch = [&] {
    return server.Serve(RequestOf("GET", kMaps, Cat("watch=true&resourceVersion=", from))).source;
  };
  const auto first = watch();
  std::vector<std::unique_ptr<Source>> during(kThreads);
  {
    std::vector<Thread> threads;
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back(RealClock(), "stress", [&, i](std::stop_token) {
        Live(server, i);
        // From where the others began: some of it comes from history, some as it happens.
        during[static_cast<size_t>(i)] = watch();
        Live(server, i + kThreads);
      });
    }
    for (Thread& thread : threads) thread.Join();
  }
  const auto after = watch();
  const std::vector<std::string> expected = Drain(*after);
  ASSERT_GT(expected.size(), 100u);
  EXPECT_EQ(Drain(*first), expected);
  for (const auto& source : during) EXPECT_EQ(Drain(*source), expected);

  // In order, and what they add up to is what is there.
  int64_t last = 0;
  std::map<std::string, std::string> state;
  for (const std::string& event : expected) {
    const auto words = Split(event, ' ');
    const int64_t revision = ParseInt(words[2]).value();
    EXPECT_GT(revision, last) << event;
    last = revision;
    if (words[0] == "DELETED") {
      EXPECT_EQ(state.erase(std::string(words[1])), 1u) << event;
    } else {
      const bool added =
          state.insert_or_assign(std::string(words[1]), std::string(words[2])).second;
      EXPECT_EQ(added, words[0] == "ADDED") << event;
    }
  }
  std::map<std::string, std::string> stored;
  const auto page = server.store().List(
      {.resource = "configmaps", .ns = "default", .labels = {}, .fields = {}}, 0, 0, "");
  for (const ObjectPtr& object : page->objects)
    stored[object->key.name] = std::to_string(object->revision);
  EXPECT_EQ(stored, state);
}

}  // namespace
}  // namespace k8s::fakeapiserver
