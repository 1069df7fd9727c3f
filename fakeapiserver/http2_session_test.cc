#include "fakeapiserver/http2_session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fakeapiserver/http2_client_for_test.h"
#include "fakeapiserver/scripted_door_for_test.h"
#include "fakeapiserver/wire.h"
#include "k8s/base/fake_clock.h"
#include "k8s/base/strings.h"

namespace k8s::fakeapiserver {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using Fate = Session::Fate;

// What the test pushes, when the test wakes.
struct Pushed {
  std::string bytes{};
  Source::Outcome end = Source::Outcome::kPending;
  std::function<void()> wake{};
};
class PushedSource final : public Source {
 public:
  explicit PushedSource(Pushed& pushed) : pushed_(pushed) {}
  Outcome Next(Slices& out) override {
    if (pushed_.bytes.empty()) return pushed_.end;
    out.push_back(Slice::Of(std::exchange(pushed_.bytes, {})));
    return Outcome::kData;
  }
  void SetWake(std::function<void()> wake) override { pushed_.wake = std::move(wake); }

 private:
  Pushed& pushed_;
};
Answer Stream(Pushed& pushed) {
  Answer answer;
  answer.source = std::make_unique<PushedSource>(pushed);
  return answer;
}

class Http2 : public testing::Test {
 protected:
  // Passes bytes to and fro until nobody has any.
  void Exchange() {
    for (bool moved = true; moved;) {
      const std::string sent = client_->Output();
      if (!sent.empty()) session_.Receive(sent);
      session_.Drive();
      std::string received;
      for (const Slice& slice : session_.output().slices()) received += slice.bytes;
      most_ = std::max(most_, received.size());
      session_.Sent(received.size());
      understood_ = client_->Receive(received) && understood_;
      wire_ += received;
      moved = !sent.empty() || !received.empty() || session_.CanContinue();
    }
  }
  // The answer to a GET of the path.
  const Http2ClientForTest::Answer& Get(const std::string& path = "/") {
    const int32_t stream = client_->Send("GET", path);
    Exchange();
    return client_->answer(stream);
  }
  const Http2ClientForTest::Answer& Suffer(const Mistreatment& how, const std::string& body) {
    door_.answer = [&, how](const http::Request& request) {
      return Mistreat(Answer::Text(200, body), how, request.method == "HEAD", clock_);
    };
    return Get();
  }

  std::shared_ptr<FakeClock> clock_ = std::make_shared<FakeClock>();
  ScriptedDoor door_;
  int wakes_ = 0;
  SessionLimits limits_{.max_body = 1000};
  Http2Session session_{{.door = door_,
                         .limits = limits_,
                         .clock = clock_,
                         .connection = 1,
                         .scheme = "https",
                         .wake = [this] { ++wakes_; }}};
  std::optional<Http2ClientForTest> client_{std::in_place};
  std::string wire_;
  size_t most_ = 0;  // bytes that were queued at once
  bool understood_ = true;
};

TEST_F(Http2, PassesOnRequestsAsHttp1Would) {
  client_->Send("POST", "/api/v1/pods?limit=5",
                {{"accept", "application/json"}, {"x-test-header", "one"}}, "the body");
  Exchange();
  ASSERT_EQ(door_.requests.size(), 1u);
  const http::Request& request = door_.requests[0];
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.url.scheme, "https");
  EXPECT_EQ(request.url.host, "server");
  EXPECT_EQ(request.url.path, "/api/v1/pods");
  EXPECT_EQ(request.url.query, "limit=5");
  EXPECT_THAT(
      std::vector(request.headers.begin(), request.headers.end()),
      ElementsAre(testing::Pair("Host", "server"), testing::Pair("Accept", "application/json"),
                  testing::Pair("X-Test-Header", "one")));
  EXPECT_EQ(*request.body, "the body");
}

TEST_F(Http2, AnswersWithoutWhatIsSaidOfConnections) {
  door_.answer = [](const http::Request&) {
    Answer answer = Answer::Text(201, "made");
    answer.headers.Set("Keep-Alive", "timeout=5");
    return answer;
  };
  const auto& answer = Get();
  EXPECT_EQ(answer.status, "201");
  EXPECT_EQ(answer.body, "made");
  EXPECT_EQ(answer.headers.Get("content-length"), "4");
  EXPECT_FALSE(answer.headers.Has("keep-alive"));
  EXPECT_TRUE(answer.ended);
  EXPECT_EQ(session_.fate(), Fate::kOpen);
}

TEST_F(Http2, AnswersToHeadHaveNoBody) {
  const int32_t stream = client_->Send("HEAD", "/");
  Exchange();
  EXPECT_EQ(client_->answer(stream).headers.Get("content-length"), "4");
  EXPECT_EQ(client_->answer(stream).body, "");
  EXPECT_TRUE(client_->answer(stream).ended);
}

TEST_F(Http2, SaysTheLimitsOfARealServer) {
  Get();
  EXPECT_EQ(client_->PeerSetting(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS), 100u);
  EXPECT_EQ(client_->PeerSetting(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE), 256u << 10);
}

TEST_F(Http2, ServesABodyThatIsTooLongUpToTheLimitAndStopsIt) {
  const int32_t stream = client_->Send("POST", "/", {}, std::string(1'000'000, 'x'));
  Exchange();
  ASSERT_EQ(door_.requests.size(), 1u);
  EXPECT_EQ(door_.requests[0].body->size(), limits_.max_body + 1);
  EXPECT_EQ(client_->answer(stream).body, "fine");
  EXPECT_EQ(client_->answer(stream).reset, uint32_t{NGHTTP2_NO_ERROR});
  EXPECT_EQ(Get().body, "fine");
}

// Few bytes may stand for many: a field that comes again is one byte.
TEST_F(Http2, RefusesAHeadThatIsTooLong) {
  http::Headers headers;
  for (int i = 0; i < 500; ++i) headers.Add("x-again", std::string(3000, 'x'));
  const int32_t stream = client_->Send("GET", "/", headers);
  Exchange();
  EXPECT_EQ(client_->answer(stream).status, "431");
  EXPECT_TRUE(door_.requests.empty());
}

TEST_F(Http2, TellsAClientThatWaitsToGoOn) {
  const int32_t stream = client_->Send("POST", "/", {{"expect", "100-continue"}}, "body");
  Exchange();
  EXPECT_THAT(client_->answer(stream).interim, ElementsAre("100"));
  EXPECT_EQ(client_->answer(stream).status, "200");
}

TEST_F(Http2, StreamsSideBySide) {
  std::map<std::string, Pushed> pushed;
  door_.answer = [&](const http::Request& request) { return Stream(pushed[request.url.path]); };
  const int32_t a = client_->Send("GET", "/a"), b = client_->Send("GET", "/b");
  Exchange();
  EXPECT_EQ(client_->answer(a).status, "200");
  EXPECT_FALSE(client_->answer(a).headers.Has("content-length"));
  // Who wakes twice is asked once.
  pushed["/b"].bytes = "to b";
  pushed["/b"].wake();
  pushed["/b"].wake();
  pushed["/a"].bytes = "not woken";
  EXPECT_EQ(wakes_, 1);
  Exchange();
  EXPECT_EQ(client_->answer(a).body, "");
  EXPECT_EQ(client_->answer(b).body, "to b");
  for (auto& [path, one] : pushed) {
    one.end = Source::Outcome::kEnd;
    one.wake();
  }
  EXPECT_EQ(wakes_, 2);
  Exchange();
  EXPECT_EQ(client_->answer(a).body, "not woken");
  EXPECT_TRUE(client_->answer(a).ended);
  EXPECT_TRUE(client_->answer(b).ended);
}

TEST_F(Http2, LetsGoOfTheSourceOfAStreamThatTheClientResets) {
  Pushed pushed;
  door_.answer = [&](const http::Request&) { return Stream(pushed); };
  const int32_t stream = client_->Send("GET", "/");
  Exchange();
  EXPECT_TRUE(pushed.wake);
  client_->Reset(stream);
  Exchange();
  EXPECT_FALSE(pushed.wake);
  EXPECT_EQ(session_.fate(), Fate::kOpen);
}

TEST_F(Http2, LetsGoOfSourcesThatAreLeft) {
  Pushed pushed;
  door_.answer = [&](const http::Request&) { return Stream(pushed); };
  Http2ClientForTest client;
  client.Send("GET", "/");
  {
    Http2Session session(
        {.door = door_, .limits = {}, .clock = clock_, .scheme = "https", .wake = [] {}});
    session.Receive(client.Output());
    session.Drive();
    EXPECT_TRUE(pushed.wake);
  }
  EXPECT_FALSE(pushed.wake);
}

TEST_F(Http2, QueuesNoMoreOfABodyThanItsLimit) {
  const std::string body(3'000'000, 'x');
  door_.answer = [&](const http::Request&) { return Answer::Text(200, body); };
  EXPECT_EQ(Get().body, body);
  EXPECT_LT(most_, limits_.max_pending + (64u << 10));
}

TEST_F(Http2, WaitsForTheClientsWindow) {
  client_.emplace(false);
  const std::string body(100'000, 'x');
  door_.answer = [&](const http::Request&) { return Answer::Text(200, body); };
  EXPECT_EQ(Get().body.size(), 65'535u);
  EXPECT_FALSE(session_.CanContinue());
  EXPECT_EQ(session_.fate(), Fate::kOpen);
}

TEST_F(Http2, DecidesLater) {
  door_.answer = [&](const http::Request&) {
    return Answer{.decide = [] { return Answer::Text(200, "late"); },
                  .decide_at = clock_->Now() + 3s};
  };
  const int32_t stream = client_->Send("GET", "/");
  Exchange();
  EXPECT_EQ(client_->answer(stream).status, "");
  EXPECT_EQ(session_.timer(), clock_->Now() + 3s);
  clock_->Step(3s);
  Exchange();
  EXPECT_EQ(client_->answer(stream).body, "late");
}

TEST_F(Http2, GoesAwayAfterA401AndEndsWhenItsStreamsHaveEnded) {
  Pushed pushed;
  door_.answer = [&](const http::Request& request) {
    return request.url.path == "/watch" ? Stream(pushed) : Answer::Text(401, "who?");
  };
  const int32_t watch = client_->Send("GET", "/watch");
  Exchange();
  EXPECT_EQ(Get().status, "401");
  EXPECT_EQ(client_->goaway(), uint32_t{NGHTTP2_NO_ERROR});
  EXPECT_EQ(session_.fate(), Fate::kOpen);
  pushed = {.bytes = "last", .end = Source::Outcome::kEnd, .wake = pushed.wake};
  pushed.wake();
  Exchange();
  EXPECT_EQ(client_->answer(watch).body, "last");
  EXPECT_EQ(session_.fate(), Fate::kDrain);
}

TEST_F(Http2, GoesAwayWhenNothingIsAskedForLong) {
  Get();
  EXPECT_EQ(session_.timer(), clock_->Now() + limits_.idle_timeout);
  clock_->Step(limits_.idle_timeout);
  Exchange();
  EXPECT_EQ(client_->goaway(), uint32_t{NGHTTP2_NO_ERROR});
  EXPECT_EQ(session_.fate(), Fate::kDrain);
}

TEST_F(Http2, EndsWithWhoeverSpeaksSomethingElse) {
  session_.Receive("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  session_.Drive();
  session_.Sent(session_.output().bytes());
  session_.Drive();
  EXPECT_EQ(session_.fate(), Fate::kDrain);
}

TEST_F(Http2, TellsWhatIsWrongWithAFrame) {
  Get();
  // DATA on a stream that is none.
  session_.Receive(std::string("\0\0\1\0\0\0\0\0\0x", 10));
  Exchange();
  EXPECT_EQ(client_->goaway(), uint32_t{NGHTTP2_PROTOCOL_ERROR});
  EXPECT_EQ(session_.fate(), Fate::kDrain);
}

TEST_F(Http2, AFaultMayStrikeAtTheHead) {
  door_.on_head = [&](const http::MessageHead& head) {
    EXPECT_EQ(head.target, "/");
    return std::make_unique<Answer>(EndAtOnce({}, clock_));
  };
  EXPECT_EQ(Get().status, "");
  EXPECT_TRUE(door_.requests.empty());
  EXPECT_EQ(session_.fate(), Fate::kReset);
}

TEST_F(Http2, AnEndInTheHeadSaysNothing) {
  const auto& answer =
      Suffer({.cut = Cut{.ending = Ending::kClose, .place = Place::kAnswer, .after = 7}}, "body");
  EXPECT_EQ(answer.status, "");
  EXPECT_TRUE(understood_);
  EXPECT_EQ(session_.fate(), Fate::kDrain);
}

TEST_F(Http2, AnEndInTheBodyComesAfterSoManyOfItsBytes) {
  const auto& answer =
      Suffer({.cut = Cut{.ending = Ending::kReset, .place = Place::kBody, .after = 3}}, "body");
  EXPECT_EQ(answer.status, "200");
  EXPECT_EQ(answer.headers.Get("content-length"), "4");
  EXPECT_EQ(answer.body, "bod");
  EXPECT_FALSE(answer.ended);
  EXPECT_EQ(session_.fate(), Fate::kReset);
}

TEST_F(Http2, SilenceLeavesOtherStreamsAlone) {
  const auto& answer = Suffer(
      {.cut = Cut{.ending = Ending::kHang, .place = Place::kBody, .after = 3, .silence = 5s}},
      "body");
  EXPECT_EQ(answer.body, "bod");
  door_.answer = [](const http::Request&) { return Answer::Text(200, "other"); };
  EXPECT_EQ(Get().body, "other");
  EXPECT_EQ(session_.timer(), clock_->Now() + 5s);
  clock_->Step(5s);
  Exchange();
  EXPECT_EQ(session_.fate(), Fate::kDrain);
}

TEST_F(Http2, SlowBodiesCome) {
  const auto& answer = Suffer({.drip_bytes = 100, .drip_pause = 1s}, "slow body");
  for (int i = 0; i < 5 && !answer.ended; ++i) {
    EXPECT_EQ(answer.body, "");  // the head and the body come in portions of 100 bytes
    clock_->Step(1s);
    Exchange();
  }
  EXPECT_EQ(answer.body, "slow body");
  EXPECT_TRUE(answer.ended);
}

TEST_F(Http2, GarbageComesAsItIs) {
  Suffer({.garbage = "this is no frame of HTTP/2\r\n"}, "body");
  EXPECT_THAT(wire_, testing::EndsWith("this is no frame of HTTP/2\r\n"));
  EXPECT_EQ(session_.fate(), Fate::kDrain);
}

TEST_F(Http2, AFlippedByteIsFlipped) { EXPECT_EQ(Suffer({.corrupt = 1}, "body").body, "bndy"); }

TEST_F(Http2, LyingChunksEndTheConnectionInTheBody) {
  const auto& answer = Suffer({.wrong_chunk_size = true}, "body");
  EXPECT_EQ(answer.status, "200");
  EXPECT_FALSE(answer.ended);
  EXPECT_EQ(session_.fate(), Fate::kDrain);
}

TEST_F(Http2, AnAnswerComesOnce) {
  const auto& answer = Suffer({.duplicate = true}, "body");
  EXPECT_EQ(answer.body, "body");
  EXPECT_TRUE(answer.ended);
  EXPECT_TRUE(understood_);
}

TEST_F(Http2, AWatchIsCutAfterSoManyEvents) {
  Pushed pushed{.bytes = "event\n"};
  door_.answer = [&](const http::Request&) {
    const Mistreatment how{.cut =
                               Cut{.ending = Ending::kReset, .place = Place::kFrame, .after = 1}};
    return Mistreat(Stream(pushed), how, false, clock_);
  };
  const auto& answer = Get();
  EXPECT_EQ(answer.body, "event\n");
  EXPECT_EQ(session_.fate(), Fate::kOpen);
  pushed.bytes = "event\n";
  pushed.wake();
  Exchange();
  EXPECT_EQ(answer.body, "event\neve");
  EXPECT_EQ(session_.fate(), Fate::kReset);
}

}  // namespace
}  // namespace k8s::fakeapiserver
