// Every fault of the wire against a raw socket: the bytes that come and how the connection ends.

#include "fakeapiserver/wire.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fakeapiserver/raw_socket_for_test.h"
#include "fakeapiserver/server.h"
#include "k8s/base/strings.h"
#include "k8s/http/socket_transport.h"
#include "k8s/machinery/json.h"

namespace k8s::fakeapiserver {
namespace {

using namespace std::chrono_literals;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr std::string_view kGet =
    "GET /api/v1/namespaces/default/configmaps/a HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr std::string_view kCloses =
    "GET /api/v1/namespaces/default/configmaps/a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
constexpr std::string_view kWatch =
    "GET /api/v1/namespaces/default/configmaps?watch=1&resourceVersion=0 HTTP/1.1\r\nHost: "
    "a\r\n\r\n";

class Wire : public testing::Test {
 protected:
  Wire() {
    address_ = server_.Listen().value();
    Add("a");
  }
  void Add(std::string_view name) {
    ASSERT_TRUE(server_.Seed(ParseJson(Cat(R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{)",
                                           R"("name":")", name, R"("},"data":{"k":"value"}})"))
                                 .value()));
  }
  // Sends the request and reads to the end of the connection.
  std::string End(std::string_view request) {
    RawSocket socket(server_.port());
    socket.Write(request);
    std::string end = socket.ReadToEnd();
    received_ = socket.received();
    const size_t head = received_.find("\r\n\r\n");
    body_ = head == std::string::npos ? "" : received_.substr(head + 4);
    return end;
  }
  // An answer without a fault.
  std::string Whole() {
    EXPECT_EQ(End(kCloses), "FIN");
    return received_;
  }

  Server server_;
  std::string address_, received_, body_;
};

TEST_F(Wire, EndsAfterTheRequestInTheHeadOrInTheBody) {
  Whole();
  const std::string body = body_;
  const auto end = [&](Ending ending, Place place, size_t after) {
    server_.faults().Clear();
    Rule& rule = server_.faults().OnEvery("configmaps");
    const std::string how =
        End((ending == Ending::kReset ? rule.Reset(place, after) : rule.Close(place, after), kGet));
    EXPECT_EQ(how, ending == Ending::kReset ? "RST" : "FIN");
  };
  for (const Ending ending : {Ending::kReset, Ending::kClose}) {
    end(ending, Place::kRequest, 0);
    EXPECT_EQ(received_, "");
    end(ending, Place::kAnswer, 7);
    EXPECT_EQ(received_, "HTTP/1.");
    end(ending, Place::kBody, 0);
    EXPECT_THAT(received_, EndsWith("\r\n\r\n"));
    end(ending, Place::kBody, 7);
    EXPECT_EQ(body_, body.substr(0, 7));
  }
}

TEST_F(Wire, StrikesAtAcceptBeforeAnythingIsRead) {
  server_.faults().OnConnection().Times(1).Reset(Place::kAccept);
  server_.faults().OnConnection().Times(1).Close(Place::kAccept);
  EXPECT_EQ(End(""), "RST");
  EXPECT_EQ(End(""), "FIN");
  EXPECT_EQ(server_.faults().Unspent(), 0);
  EXPECT_EQ(server_.recorder().Count(), 0u);
}

TEST_F(Wire, StrikesAfterTheHeadBeforeTheBody) {
  server_.faults().On(Verb::kCreate, "configmaps").Reset(Place::kHeaders);
  EXPECT_EQ(End("POST /api/v1/namespaces/default/configmaps HTTP/1.1\r\nHost: a\r\n"
                "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n"),
            "RST");
  ASSERT_EQ(server_.recorder().Count(), 1u);
  EXPECT_EQ(server_.recorder().Exchanges()[0].body, nullptr);
}

TEST_F(Wire, SaysNothingAndThenCloses) {
  server_.faults().OnEvery("configmaps").Times(1).Hang(Place::kBody, 3, 20ms);
  EXPECT_EQ(End(kGet), "FIN");
  EXPECT_EQ(body_.size(), 3u);
  server_.faults().OnConnection().Times(1).Hang(Place::kAccept, 0, 20ms);
  EXPECT_EQ(End(kGet), "FIN");
  EXPECT_EQ(received_, "");
}

TEST_F(Wire, AHangWithoutEndLeavesTheConnectionOpen) {
  server_.faults().OnEvery("configmaps").Hang(Place::kAnswer, 5);
  RawSocket socket(server_.port());
  socket.Write(kGet);
  EXPECT_EQ(socket.ReadUntil("HTTP/"), "HTTP/");
  EXPECT_EQ(server_.connections(), 1u);
}

TEST_F(Wire, RefusesWhileTheRuleStands) {
  server_.faults().OnConnection().Refuse();
  int error = 0;
  // The port is closed by the server's thread, soon after the rule is made.
  for (int tries = 0; tries < 10'000 && error != ECONNREFUSED; ++tries)
    error = RawSocket(server_.port()).error();
  EXPECT_EQ(error, ECONNREFUSED);
  EXPECT_EQ(server_.faults().Unspent(), 0);
  server_.faults().Clear();
  for (int tries = 0; tries < 10'000 && error != 0; ++tries)
    error = RawSocket(server_.port()).error();
  EXPECT_EQ(error, 0);
}

TEST_F(Wire, TruncatesBelowContentLength) {
  const std::string whole = Whole();
  const std::string body = body_;
  server_.faults().OnEvery("configmaps").Truncate(10);
  EXPECT_EQ(End(kGet), "FIN");
  EXPECT_EQ(body_, body.substr(0, 10));
  EXPECT_THAT(received_, HasSubstr(Cat("Content-Length: ", std::to_string(body.size()))));
}

TEST_F(Wire, SendsGarbageInPlaceOfHttp) {
  server_.faults().OnEvery("configmaps").Garbage("SSH-2.0-OpenSSH_9.2\r\n");
  EXPECT_EQ(End(kGet), "FIN");
  EXPECT_EQ(received_, "SSH-2.0-OpenSSH_9.2\r\n");
}

TEST_F(Wire, FlipsOneByteOfTheBody) {
  Whole();
  const std::string body = body_;
  server_.faults().OnEvery("configmaps").Corrupt(4);
  EXPECT_EQ(End(kCloses), "FIN");
  ASSERT_EQ(body_.size(), body.size());
  for (size_t i = 0; i < body.size(); ++i) EXPECT_EQ(body_[i] == body[i], i != 4) << i;
}

TEST_F(Wire, LiesAboutTheSizeOfAChunk) {
  Whole();
  const std::string body = body_;
  server_.faults().OnEvery("configmaps").WrongChunkSize();
  EXPECT_EQ(End(kGet), "FIN");
  EXPECT_THAT(received_, HasSubstr("Transfer-Encoding: chunked"));
  const size_t announced = std::stoul(body_, nullptr, 16);
  EXPECT_NE(announced, body.size());
  EXPECT_THAT(body_, HasSubstr(body));
}

TEST_F(Wire, SendsTheAnswerTwice) {
  const std::string whole = Whole();
  server_.faults().OnEvery("configmaps").Duplicate();
  EXPECT_EQ(End(kCloses), "FIN");
  EXPECT_EQ(received_.size() % 2, 0u);
  EXPECT_EQ(received_.substr(0, received_.size() / 2), received_.substr(received_.size() / 2));
}

TEST_F(Wire, DripsAndThrottlesWithoutLosingAByte) {
  Whole();
  const std::string body = body_;
  server_.faults().OnEvery("configmaps").Times(1).Drip(50, 1ms);
  EXPECT_EQ(End(kCloses), "FIN");
  EXPECT_EQ(body_, body);
  server_.faults().OnEvery("configmaps").Times(1).Throttle(100'000);
  EXPECT_EQ(End(kCloses), "FIN");
  EXPECT_EQ(body_, body);
}

TEST_F(Wire, CutsAWatchBetweenEventsAndInTheMiddleOfOne) {
  Add("b");
  server_.faults().On(Verb::kWatch, "configmaps").Times(1).Reset(Place::kEvent, 1);
  EXPECT_EQ(End(kWatch), "RST");
  EXPECT_THAT(body_, EndsWith("}\n\r\n"));
  EXPECT_THAT(body_, Not(HasSubstr(R"("name":"b")")));
  server_.faults().On(Verb::kWatch, "configmaps").Times(1).Close(Place::kFrame, 1);
  EXPECT_EQ(End(kWatch), "FIN");
  EXPECT_THAT(body_, HasSubstr(R"("name":"a")"));
  EXPECT_THAT(body_, Not(EndsWith("\n\r\n")));
}

TEST_F(Wire, TampersWithEventsOfAWatch) {
  Add("b");
  Add("c");
  const auto names = [&] {
    std::string out;
    for (size_t at = 0; (at = body_.find(R"("name":")", at)) != std::string::npos; at += 8) {
      out += body_[at + 8];
    }
    return out;
  };
  const auto watch = [&](Rule& rule) {
    rule.Times(1).Reset(Place::kEvent, 3);
    End(kWatch);
    return names();
  };
  auto& faults = server_.faults();
  EXPECT_EQ(watch(faults.On(Verb::kWatch, "configmaps").DuplicateEvent(1)), "aab");
  EXPECT_EQ(watch(faults.On(Verb::kWatch, "configmaps").SwapEvent(1)), "bac");
  Add("d");
  EXPECT_EQ(watch(faults.On(Verb::kWatch, "configmaps").DropEvent(2)), "acd");
  EXPECT_EQ(watch(faults.On(Verb::kWatch, "configmaps").DelayEvent(1, 5ms)), "abc");
  watch(faults.On(Verb::kWatch, "configmaps").CorruptEvent(1));
  EXPECT_FALSE(ParseJson(body_.substr(body_.find('{'), body_.find('\n') - body_.find('{'))));
}

TEST_F(Wire, EndsAWatchWellOrWithAnExpiredError) {
  server_.faults().On(Verb::kWatch, "configmaps").Times(1).EndWatch(1);
  RawSocket ended(server_.port());
  ended.Write(kWatch);
  EXPECT_THAT(ended.ReadUntil("0\r\n\r\n"), HasSubstr(R"("name":"a")"));
  server_.faults().On(Verb::kWatch, "configmaps").Times(1).ExpireWatch(1);
  RawSocket expired(server_.port());
  expired.Write(kWatch);
  const std::string text = expired.ReadUntil("0\r\n\r\n");
  EXPECT_THAT(text, HasSubstr(R"({"type":"ERROR","object":{"kind":"Status")"));
  EXPECT_THAT(text, HasSubstr(R"("reason":"Expired")"));
  EXPECT_THAT(text, HasSubstr(R"("code":410)"));
}

TEST_F(Wire, StrikesAfterTheChangeIsStored) {
  const auto create = [](std::string_view name) {
    const std::string body = Cat(R"({"metadata":{"name":")", name, "\"}}");
    return Cat(
        "POST /api/v1/namespaces/default/configmaps HTTP/1.1\r\nHost: a\r\n"
        "Content-Type: application/json\r\nContent-Length: ",
        std::to_string(body.size()), "\r\n\r\n", body);
  };
  auto& faults = server_.faults();
  const auto stored = [&](std::string_view name) {
    return server_.store().Get({"configmaps", "default", std::string(name)}) != nullptr;
  };
  faults.On(Verb::kCreate, "configmaps").Times(1).Reset();
  EXPECT_EQ(End(create("b")), "RST");
  EXPECT_FALSE(stored("b"));
  faults.On(Verb::kCreate, "configmaps").Times(1).Stored().Reset();
  EXPECT_EQ(End(create("c")), "RST");
  EXPECT_TRUE(stored("c"));
  EXPECT_EQ(server_.recorder().Exchanges().back().status, 0);
  faults.On(Verb::kCreate, "configmaps").Times(1).Answered().Reset();
  EXPECT_EQ(End(create("d")), "RST");
  EXPECT_TRUE(stored("d"));
  EXPECT_EQ(server_.recorder().Exchanges().back().status, 201);
  EXPECT_EQ(server_.recorder().Exchanges().back().fault, "rule-3");
}

TEST_F(Wire, AClientThatEndsItsOutputStillGetsItsAnswer) {
  RawSocket socket(server_.port());
  socket.Write(kGet);
  socket.EndOutput();
  EXPECT_EQ(socket.ReadToEnd(), "FIN");
  EXPECT_THAT(socket.received(), StartsWith("HTTP/1.1 200 OK"));
}

// TLS, seen by the client library, which is held against other peers elsewhere.
class TlsWire : public testing::Test {
 protected:
  static std::string TextOf(const Result<std::string>& text) {
    return text ? *text : text.error().message();
  }
  std::string Get() {
    const auto transport =
        http::NewSocketTransport({.tls = {.ca_data = server_.certificate_chain()}}).value();
    auto response = transport->RoundTrip(
        {.method = "GET", .url = http::Url::Parse(Cat(address_, "/livez")).value()},
        Context().WithTimeout(100ms));
    return response ? TextOf(response->body->ReadAll()) : response.error().message();
  }

  Server server_;
  std::string address_ = server_.Listen({.self_made_certificate = true}).value();
};

TEST_F(TlsWire, ShowsOtherCertificates) {
  EXPECT_EQ(Get(), "ok");
  const auto with = [&](std::string_view which) {
    server_.faults().OnConnection().Times(1).Certificate(which);
    return Get();
  };
  EXPECT_THAT(with("expired"), HasSubstr("expired"));
  EXPECT_THAT(with("wrong-name"), HasSubstr("other.example"));
  EXPECT_THAT(with("unknown-ca"), HasSubstr("unknown authority"));
  EXPECT_EQ(with("changed"), "ok");
  EXPECT_EQ(server_.faults().Unspent(), 0);
}

TEST_F(TlsWire, StallsAndBreaksTheHandshake) {
  server_.faults().OnConnection().Times(1).Hang(Place::kAccept);
  EXPECT_THAT(Get(), HasSubstr("deadline exceeded"));
  server_.faults().OnConnection().Times(1).Reset(Place::kAccept);
  EXPECT_THAT(Get(), HasSubstr("connection reset by peer"));
  server_.faults().OnPath("/livez").Times(1).Truncate(1);
  EXPECT_THAT(Get(), HasSubstr("unexpected EOF"));
}

}  // namespace
}  // namespace k8s::fakeapiserver
