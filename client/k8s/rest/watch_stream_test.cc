#include "k8s/rest/watch_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "k8s/api/corev1.h"
#include "k8s/api/metav1.h"
#include "k8s/base/strings.h"
#include "k8s/machinery/protobuf_codec.h"
#include "k8s/machinery/unstructured.h"
#include "k8s/rest/client_for_test.h"
#include "k8s/rest/content.h"

namespace k8s::rest {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string Frame(std::string_view type, std::string_view name, std::string_view kind = "Pod") {
  return Cat(R"({"type":")", type, R"(","object":{"kind":")", kind,
             R"(","apiVersion":"v1","metadata":{"name":")", name, R"("}}})");
}

std::string ProtobufFrame(std::string_view type, std::string_view name) {
  const corev1::Pod pod{.metadata = {.name = std::string(name)}};
  std::string object, frame;
  EncodeProtobuf(TypeOf<corev1::Pod>(), &pod, {"v1", "Pod"}, object);
  AppendWatchFrame(type, object, frame);
  return frame;
}

struct Seen {
  std::vector<std::string> events{};  // "ADDED a"
  std::optional<Status> status{};
  std::optional<Error> end{};
};

constexpr std::string_view kWatchProtobuf = "application/vnd.kubernetes.protobuf;stream=watch";

Seen Drain(std::vector<std::string> pieces, std::string_view type = kJson,
           std::optional<Error> end = {}) {
  Seen seen;
  auto stream = WatchStream::Open(
      {std::string(type), std::make_unique<PiecesBody>(std::move(pieces), std::move(end))},
      &FindKind);
  if (!stream) {
    seen.end = stream.error();
    return seen;
  }
  while (true) {
    corev1::Pod pod;
    const auto event = (*stream)->Next(TypeOf<corev1::Pod>(), &pod);
    if (!event) break;
    seen.events.push_back(*event == kError ? std::string(*event)
                                           : Cat(*event, " ", pod.metadata.name));
  }
  seen.status = (*stream)->status();
  seen.end = (*stream)->end();
  return seen;
}

// What client-go makes up when a stream cannot go on.
void ExpectMadeUp(const Seen& seen, std::string_view reason) {
  ASSERT_FALSE(seen.events.empty());
  EXPECT_EQ(seen.events.back(), "ERROR");
  ASSERT_TRUE(seen.status);
  EXPECT_EQ(seen.status->code, 500);
  EXPECT_EQ(seen.status->reason, "InternalError");
  ASSERT_EQ(seen.status->details->causes.size(), 2u);
  EXPECT_EQ(seen.status->details->causes[0].reason, "UnexpectedServerResponse");
  EXPECT_EQ(seen.status->details->causes[1].reason, "ClientWatchDecoding");
  EXPECT_THAT(seen.status->details->causes[1].message, HasSubstr(reason));
  EXPECT_THAT(seen.status->message, HasSubstr("unable to decode an event from the watch stream: "));
}

TEST(WatchStream, CutsFramesWhereverChunksEnd) {  // C-7.1
  const std::string last = Frame("DELETED", "c");
  const Seen seen = Drain({Frame("ADDED", "a") + "\n" + Frame("MODIFIED", "b") + "\n",
                           last.substr(0, 3), last.substr(3, 30), last.substr(33) + "\n"});
  EXPECT_THAT(seen.events, ElementsAre("ADDED a", "MODIFIED b", "DELETED c"));
  EXPECT_FALSE(seen.end);
}

TEST(WatchStream, CutsFramesAtEveryByte) {  // C-7.1
  const std::string text = " " + Frame("ADDED", R"(a\"}\\)") + "\r\n\t" + Frame("BOOKMARK", "b");
  std::vector<std::string> bytes;
  for (const char c : text) bytes.emplace_back(1, c);
  EXPECT_THAT(Drain(bytes).events, ElementsAre(R"(ADDED a"}\)", "BOOKMARK b"));
  bytes.clear();
  for (const char c : ProtobufFrame("ADDED", "a") + ProtobufFrame("DELETED", "b")) {
    bytes.emplace_back(1, c);
  }
  EXPECT_THAT(Drain(bytes, kWatchProtobuf).events, ElementsAre("ADDED a", "DELETED b"));
}

TEST(WatchStream, NeedsNoLineEnds) {  // C-7.2
  EXPECT_THAT(Drain({Frame("ADDED", "a") + Frame("ADDED", "b")}).events,
              ElementsAre("ADDED a", "ADDED b"));
}

TEST(WatchStream, ReadsProtobufFrames) {  // C-7.3
  const Seen seen =
      Drain({ProtobufFrame("ADDED", "a") + ProtobufFrame("DELETED", "b")}, kWatchProtobuf);
  EXPECT_THAT(seen.events, ElementsAre("ADDED a", "DELETED b"));
  EXPECT_FALSE(seen.end);
}

TEST(WatchStream, ACleanEndHasNoReason) {  // C-7.4
  const Seen seen = Drain({Frame("ADDED", "a"), Frame("ADDED", "b") + "\n"});
  EXPECT_EQ(seen.events.size(), 2u);
  EXPECT_FALSE(seen.end);
  EXPECT_FALSE(seen.status);
}

TEST(WatchStream, WhatRetryMakesUpIsAnEmptyWatch) {  // chapter 4.3
  const Seen seen = Drain({}, "");
  EXPECT_TRUE(seen.events.empty());
  EXPECT_FALSE(seen.end);
}

TEST(WatchStream, ABreakMidFrameIsNoEvent) {  // C-7.5
  const Error reset = Error::Transport(TransportCause::kReset, "connection reset by peer");
  const Error canceled(Error::Code::kCanceled, "context canceled");
  const Error timeout = Error::Transport(TransportCause::kTimeout, "timeout");
  for (const Error& error : {reset, canceled, timeout}) {
    const Seen seen = Drain({Frame("ADDED", "a"), R"({"type":)"}, kJson, error);
    EXPECT_THAT(seen.events, ElementsAre("ADDED a"));
    ASSERT_TRUE(seen.end);
    EXPECT_EQ(seen.end->message(), error.message());
  }
  const Seen cut = Drain({Frame("ADDED", "a"), R"({"type":)"});
  EXPECT_THAT(cut.events, ElementsAre("ADDED a"));
  EXPECT_EQ(cut.end->cause(), TransportCause::kTruncated);
  const std::string frame = ProtobufFrame("ADDED", "a");
  EXPECT_THAT(Drain({frame, frame.substr(0, 9)}, kWatchProtobuf).events, ElementsAre("ADDED a"));
  EXPECT_EQ(Drain({frame, std::string(" ")}, kWatchProtobuf).end->cause(),
            TransportCause::kTruncated);
}

TEST(WatchStream, OtherReadErrorsAreAnEvent) {  // chapter 7.4
  const Seen seen =
      Drain({Frame("ADDED", "a")}, kJson,
            Error::Transport(TransportCause::kProtocol, "malformed chunked encoding"));
  EXPECT_THAT(seen.events, ElementsAre("ADDED a", "ERROR"));
  ExpectMadeUp(seen, "malformed chunked encoding");
}

TEST(WatchStream, AFrameThatIsNoJsonEndsIt) {  // C-7.6
  for (const char* bad :
       {"{bad", "{bad}\n", "hello", "[1]", "{\"type\":\"ADDED\"]", "}", "null\n"}) {
    const Seen seen = Drain({Frame("ADDED", "a"), bad, Frame("ADDED", "b")});
    EXPECT_THAT(seen.events, ElementsAre("ADDED a", "ERROR")) << bad;
    ExpectMadeUp(seen, "");
  }
}

TEST(WatchStream, SaysThatAFrameIsBadBeforeTheServerHangsUp) {  // C-7.6
  class Endless final : public http::Body {
   public:
    Result<size_t> Read(std::string& out) override {
      EXPECT_FALSE(read_) << "it should have known";
      read_ = true;
      out += "{bad";
      return size_t{4};
    }
    bool read_ = false;
  };
  auto stream = WatchStream::Open({std::string(kJson), std::make_unique<Endless>()}, &FindKind);
  corev1::Pod pod;
  EXPECT_EQ((*stream)->Next(TypeOf<corev1::Pod>(), &pod), kError);
  EXPECT_FALSE((*stream)->Next(TypeOf<corev1::Pod>(), &pod));
}

TEST(WatchStream, TypesMindTheirCase) {  // C-7.7
  ExpectMadeUp(Drain({Frame("added", "a")}), "got invalid watch event type: added");
  ExpectMadeUp(Drain({R"({"type":"","object":{}})"}), "got invalid watch event type: ");
  ExpectMadeUp(Drain({ProtobufFrame("added", "a")}, kWatchProtobuf),
               "got invalid watch event type: added");
  ExpectMadeUp(Drain({std::string(4, '\0')}, kWatchProtobuf), "got invalid watch event type: ");
}

TEST(WatchStream, AnErrorEventDoesNotEndIt) {  // C-7.8
  const std::string status =
      R"({"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Expired","code":410})";
  for (const std::string& frame : {Cat(R"({"type":"ERROR","object":)", status, "}"),
                                   Cat(R"({"object":)", status, R"(,"type":"ERROR"})")}) {
    const Seen seen = Drain({frame + Frame("ADDED", "a")});
    EXPECT_THAT(seen.events, ElementsAre("ERROR", "ADDED a"));
    ASSERT_TRUE(seen.status);
    EXPECT_EQ(seen.status->code, 410);
    EXPECT_FALSE(seen.end);
  }
}

TEST(WatchStream, AnErrorEventMayBeProtobuf) {  // C-7.8
  const metav1::Status status{.status = "Failure", .reason = "Expired", .code = 410};
  std::string object, frame;
  EncodeProtobuf(TypeOf<metav1::Status>(), &status, {"v1", "Status"}, object);
  AppendWatchFrame("ERROR", object, frame);
  const Seen seen = Drain({frame + ProtobufFrame("ADDED", "a")}, kWatchProtobuf);
  EXPECT_THAT(seen.events, ElementsAre("ERROR", "ADDED a"));
  EXPECT_EQ(seen.status->code, 410);
}

TEST(WatchStream, AnErrorEventNeedNotBeAStatus) {  // chapter 7.6
  const Seen seen = Drain({Frame("ERROR", "a") + Frame("ADDED", "b")});
  EXPECT_THAT(seen.events, ElementsAre("ERROR", "ADDED b"));
  EXPECT_EQ(seen.status->code, 0);
}

TEST(WatchStream, OnlyJsonAndProtobufCanBeStreamed) {  // C-7.10
  for (const char* type : {"text/plain", "application/yaml"}) {
    const Seen seen = Drain({Frame("ADDED", "a")}, type);
    EXPECT_TRUE(seen.events.empty());
    EXPECT_EQ(seen.end->message(), Cat("no stream serializers registered for ", type));
  }
  for (const char* type : {"", "a/b/c", "application/json;charset=utf-8"}) {
    EXPECT_THAT(Drain({Frame("ADDED", "a")}, type).events, ElementsAre("ADDED a"));
  }
}

TEST(WatchStream, FramesHaveALimit) {  // C-7.11
  const std::string large = Frame("ADDED", std::string(kMaxFrameBytes, 'x'));
  const std::string most =
      Frame("ADDED", std::string(kMaxFrameBytes - Frame("ADDED", "").size(), 'x'));
  const std::string text = "object to decode was longer than maximum allowed size";
  EXPECT_EQ(Drain({most + Frame("ADDED", "b")}).events.size(), 2u);
  ExpectMadeUp(Drain({large}), text);
  std::vector<std::string> pieces;
  for (size_t at = 0; at < large.size(); at += 1 << 20) pieces.push_back(large.substr(at, 1 << 20));
  const Seen seen = Drain(pieces);
  EXPECT_THAT(seen.events, ElementsAre("ERROR"));
  ExpectMadeUp(seen, text);
  ExpectMadeUp(Drain({std::string("\x01\x00\x00\x01", 4)}, kWatchProtobuf), text);
  ExpectMadeUp(Drain({"\xff\xff\xff\xff"}, kWatchProtobuf), text);
}

TEST(WatchStream, AnotherKindIsAnErrorToATypedWatchAlone) {  // C-7.12
  const std::string frame = Frame("ADDED", "a", "Foo");
  ExpectMadeUp(Drain({frame}), R"(unable to decode watch event: no kind "Foo" is registered)");
  // Its members need not even have the same forms.
  ExpectMadeUp(Drain({R"({"type":"ADDED","object":{"kind":"Foo","apiVersion":"v1","spec":5}})"}),
               R"(no kind "Foo" is registered)");
  auto stream =
      WatchStream::Open({"", std::make_unique<PiecesBody>(std::vector{frame})}, &FindKind);
  Unstructured tree;
  EXPECT_EQ((*stream)->Next(TypeOf<Unstructured>(), &tree), kAdded);
  EXPECT_EQ(tree.GetName(), "a");
  EXPECT_EQ(tree.GetKind(), "Foo");
}

TEST(WatchStream, ObjectsMustSayWhatTheyAre) {  // chapter 7.3
  ExpectMadeUp(Drain({R"({"type":"ADDED","object":{"metadata":{}}})"}), "Object 'Kind' is missing");
  ExpectMadeUp(Drain({R"({"type":"ADDED","object":{"kind":"Pod"}})"}), "'apiVersion' is missing");
  ExpectMadeUp(Drain({R"({"type":"ADDED"})"}), "Object 'Kind' is missing");
}

TEST(WatchStream, AnObjectThatCannotBeReadEndsIt) {  // chapter 7.4
  ExpectMadeUp(Drain({R"({"type":"ADDED","object":{"kind":"Pod","apiVersion":"v1","spec":5}})"}),
               "unable to decode watch event: ");
  std::string frame;
  AppendWatchFrame("ADDED", "no envelope", frame);
  ExpectMadeUp(Drain({frame}, kWatchProtobuf), "unable to decode watch event: ");
}

}  // namespace
}  // namespace k8s::rest
