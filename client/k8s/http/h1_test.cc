#include "k8s/http/h1.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace k8s::http {
namespace {

using Kind = HeadParser::Kind;
using testing::HasSubstr;

Result<MessageHead> ParseWhole(Kind kind, std::string_view text) {
  HeadParser parser(kind);
  const auto done = parser.Parse(text);
  if (!done) return done.error();
  if (!*done) return Invalid("incomplete");
  return parser.Take();
}

std::string Response(std::string_view fields) {
  return std::string("HTTP/1.1 200 OK\r\n").append(fields).append("\r\n");
}

Result<Framing> FramingOf(std::string_view fields, std::string_view method = "GET") {
  return ParseWhole(Kind::kResponse, Response(fields)).and_then([&](MessageHead head) {
    return ResponseFraming(head, method);
  });
}

TEST(Head, IsReadAtEverySplitPosition) {
  const std::string text =
      "\r\nPOST /a/b?c=d HTTP/1.1\r\nHost: h\r\nX:  a b \t\r\nEmpty:\r\nContent-Length: "
      "3\r\n\r\nxyz";
  for (size_t split = 0; split <= text.size(); ++split) {
    HeadParser parser(Kind::kRequest);
    auto done = parser.Parse(std::string_view(text).substr(0, split));
    ASSERT_TRUE(done) << done.error();
    if (!*done) done = parser.Parse(text);
    ASSERT_TRUE(done && *done) << split;
    EXPECT_EQ(parser.consumed(), text.size() - 3);
    const MessageHead head = parser.Take();
    EXPECT_EQ(head.method, "POST");
    EXPECT_EQ(head.target, "/a/b?c=d");
    EXPECT_EQ(head.headers.Get("x"), "a b");
    EXPECT_TRUE(head.headers.Has("Empty"));
    EXPECT_EQ(head.headers.size(), 4u);
    EXPECT_TRUE(head.KeepsAlive());
  }
}

TEST(Head, OfAResponseIsReadByteByByte) {
  const std::string text = "HTTP/1.0 404 Not Found here\r\nA: b\r\n\r\n";
  HeadParser parser(Kind::kResponse);
  for (size_t size = 1; size < text.size(); ++size) {
    const auto done = parser.Parse(std::string_view(text).substr(0, size));
    ASSERT_TRUE(done) << done.error();
    EXPECT_FALSE(*done);
  }
  ASSERT_TRUE(*parser.Parse(text));
  const MessageHead head = parser.Take();
  EXPECT_EQ(head.status, 404);
  EXPECT_EQ(head.reason, "Not Found here");
  EXPECT_FALSE(head.KeepsAlive());
  EXPECT_EQ(ParseWhole(Kind::kResponse, "HTTP/1.1 200\r\n\r\n").value().reason, "");
}

TEST(Head, OfGarbageIsRefusedAtTheFirstWrongByte) {
  HeadParser parser(Kind::kResponse);
  const auto done = parser.Parse("SSH-2.0-x\r\n");
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().cause(), TransportCause::kProtocol);
  EXPECT_EQ(done.error().message(), "malformed HTTP response \"SSH-2.0-x\"");
  EXPECT_FALSE(HeadParser(Kind::kResponse).Parse("\x15\x03"));
}

TEST(Head, RefusesGamesWithLinesAndNames) {
  for (const char* bad :
       {"HTTP/1.1 200 OK\n\r\n\r\n", "HTTP/1.1 200 OK\r\nA: b\n\r\n", "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/1.1 2000 OK\r\n\r\n", "HTTP/1.1 +20 OK\r\n\r\n", "HTTP/2.0 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA : b\r\n\r\n", "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA\r\n\r\n", "HTTP/1.1 200 OK\r\n: b\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA: b\rc\r\n\r\n", "HTTP/1.1 200 OK\r\nA: b\x01\r\n\r\n",
        "HTTP/1.1 200 O\rK\r\n\r\n"}) {
    EXPECT_FALSE(ParseWhole(Kind::kResponse, bad)) << bad;
  }
  for (const char* bad : {"GET /\r\n\r\n", "GET / HTTP/1.1 \r\n\r\n", "GET  HTTP/1.1\r\n\r\n",
                          "G(T / HTTP/1.1\r\n\r\n", "GET /a b HTTP/1.1\r\n\r\n",
                          "GET / HTTP/3.0\r\n\r\n", "GET /\x7f HTTP/1.1\r\n\r\n"}) {
    EXPECT_FALSE(ParseWhole(Kind::kRequest, bad)) << bad;
  }
}

TEST(Head, IsBounded) {
  const std::string fits = "A: " + std::string(kMaxHeadBytes - 100, 'x') + "\r\n";
  EXPECT_TRUE(ParseWhole(Kind::kResponse, Response(fits)));
  HeadParser parser(Kind::kResponse);
  const auto done = parser.Parse("HTTP/1.1 200 OK\r\nA: " + std::string(kMaxHeadBytes, 'x'));
  ASSERT_FALSE(done);
  EXPECT_THAT(done.error().message(), HasSubstr("longer than 1 MiB"));
}

TEST(Head, NeverQuotesAValue) {
  const auto head = ParseWhole(Kind::kResponse, Response("Set-Cookie: s3cret\x01\r\n"));
  ASSERT_FALSE(head);
  EXPECT_THAT(head.error().message(), testing::Not(HasSubstr("s3cret")));
}

TEST(Head, SaysWhatItExpects) {
  EXPECT_TRUE(ParseWhole(Kind::kRequest, "PUT / HTTP/1.1\r\nExpect: 100-Continue\r\n\r\n")
                  .value()
                  .ExpectsContinue());
  EXPECT_FALSE(ParseWhole(Kind::kRequest, "PUT / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n")
                   .value()
                   .ExpectsContinue());
  EXPECT_FALSE(ParseWhole(Kind::kRequest, "GET / HTTP/1.1\r\nConnection: x, Close\r\n\r\n")
                   .value()
                   .KeepsAlive());
}

TEST(Framing, FollowsMethodStatusAndFields) {
  EXPECT_EQ(FramingOf("")->kind, Framing::Kind::kUntilClose);
  EXPECT_EQ(FramingOf("Content-Length: 0\r\n")->kind, Framing::Kind::kNone);
  EXPECT_EQ(FramingOf("Content-Length: 7\r\n")->length, 7u);
  EXPECT_EQ(FramingOf("Content-Length: 7\r\nContent-Length: 7\r\n")->length, 7u);
  EXPECT_EQ(FramingOf("Content-Length: 7\r\n", "HEAD")->kind, Framing::Kind::kNone);
  EXPECT_EQ(FramingOf("Transfer-Encoding: Chunked\r\n")->kind, Framing::Kind::kChunked);
  MessageHead head;
  head.headers.Set("Content-Length", "7");
  for (const int status : {101, 204, 304}) {
    head.status = status;
    EXPECT_EQ(ResponseFraming(head, "GET")->kind, Framing::Kind::kNone) << status;
  }
  EXPECT_EQ(RequestFraming(MessageHead{})->kind, Framing::Kind::kNone);
  EXPECT_EQ(RequestFraming(head)->length, 7u);
}

TEST(Framing, RefusesWhatTwoReadersMayReadDifferently) {
  for (const char* bad : {"Content-Length: 7\r\nContent-Length: 8\r\n", "Content-Length: 7, 7\r\n",
                          "Content-Length: +7\r\n", "Content-Length: -1\r\n", "Content-Length:\r\n",
                          "Content-Length: 0x7\r\n", "Content-Length: 99999999999999999999\r\n",
                          "Content-Length: 7\r\nTransfer-Encoding: chunked\r\n",
                          "Transfer-Encoding: gzip\r\n", "Transfer-Encoding: gzip, chunked\r\n",
                          "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"}) {
    EXPECT_FALSE(FramingOf(bad)) << bad;
  }
  EXPECT_FALSE(ParseWhole(Kind::kRequest, "PUT / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n")
                   .and_then(RequestFraming));
}

TEST(Chunks, AreReadAtEverySplitPosition) {
  const std::string text =
      "5\r\nhello\r\n1;a=\"b\"\r\n \r\n00A \r\n0123456789\r\n0\r\nX: y\r\nZ: w\r\n\r\nnext";
  for (size_t split = 0; split <= text.size(); ++split) {
    ChunkedDecoder decoder;
    std::string out;
    const auto first = decoder.Decode(std::string_view(text).substr(0, split), out);
    ASSERT_TRUE(first) << first.error();
    const auto second = decoder.Decode(std::string_view(text).substr(*first), out);
    ASSERT_TRUE(second) << second.error();
    EXPECT_TRUE(decoder.done());
    EXPECT_EQ(out, "hello 0123456789");
    EXPECT_EQ(*first + *second, text.size() - 4);
  }
}

TEST(Chunks, WithBadLinesAreRefused) {
  for (const char* bad : {"x\r\n", "\r\n", "5\nhello", "5\r\nhelloX", "5\r\nhello\rX", "-1\r\n",
                          "5;a\nb\r\n", "0\r\nA: b\n", "0\r\n\rX", "fffffffffffffffff\r\n"}) {
    ChunkedDecoder decoder;
    std::string out;
    const auto used = decoder.Decode(bad, out);
    ASSERT_FALSE(used) << bad;
    EXPECT_EQ(used.error().cause(), TransportCause::kProtocol);
  }
}

TEST(Chunks, BoundTheirLines) {
  for (const std::string& bad :
       {"1;" + std::string(kMaxChunkLineBytes + 1, 'a'), std::string(kMaxChunkLineBytes + 1, '0'),
        "0\r\n" + std::string(kMaxTrailerBytes + 1, 'a')}) {
    ChunkedDecoder decoder;
    std::string out;
    EXPECT_FALSE(decoder.Decode(bad, out));
  }
}

TEST(Writing, IsReadBackUnchanged) {
  std::string text;
  AppendStatusLine(429, "", text);
  AppendFields({{"A", "b"}, {"Transfer-Encoding", "chunked"}}, text);
  const auto head = ParseWhole(Kind::kResponse, text).value();
  EXPECT_EQ(head.reason, "Too Many Requests");
  EXPECT_EQ(head.headers.Get("a"), "b");

  std::string body;
  AppendChunk("hello", body);
  AppendChunk("", body);
  AppendChunk(std::string(300, 'x'), body);
  body += kLastChunk;
  ChunkedDecoder decoder;
  std::string out;
  ASSERT_TRUE(decoder.Decode(body, out));
  EXPECT_TRUE(decoder.done());
  EXPECT_EQ(out, "hello" + std::string(300, 'x'));
}

TEST(Writing, RefusesFieldsThatWouldMakeNewLines) {
  EXPECT_TRUE(CheckHeaders({{"A", "b\tc"}}));
  EXPECT_FALSE(CheckHeaders({{"A", "b\r\nC: d"}}));
  EXPECT_FALSE(CheckHeaders({{"A:", "b"}}));
  EXPECT_FALSE(CheckHeaders({{"", "b"}}));
}

}  // namespace
}  // namespace k8s::http
