#include "k8s/http/socket_transport.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/tcp.h>
#include <zlib.h>

#include <atomic>

#include "k8s/http/raw_server_for_test.h"

namespace k8s::http {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

std::shared_ptr<RoundTripper> Transport(TransportOptions options = {}) {
  return NewSocketTransport(std::move(options)).value();
}

Request Get(const std::string& url, const std::string& method = "GET") {
  return {.method = method, .url = Url::Parse(url).value()};
}

Result<std::string> Fetch(RoundTripper& transport, const Request& request,
                          const Context& ctx = {}) {
  auto response = transport.RoundTrip(request, ctx);
  if (!response) return response.error();
  return response->body->ReadAll();
}

// Serves any number of requests on each connection with one answer.
auto Always(std::string answer) {
  return [answer = std::move(answer)](int fd, int) {
    while (!RawServer::ReadRequest(fd).empty()) RawServer::Write(fd, answer);
  };
}

TEST(SocketTransport, SendsARequestAndReadsTheAnswer) {
  std::string seen;
  RawServer server([&](int fd, int) {
    seen = RawServer::ReadRequest(fd);
    RawServer::Write(fd, Answer(201, "hello", "X-A: b\r\n"));
  });
  const auto transport = Transport();
  Request request = Get("http://" + server.Address() + "/a/b?c=d", "POST");
  request.headers.Set("X-Q", "v");
  request.body = std::make_shared<const std::string>("data");
  auto response = transport->RoundTrip(request, {});
  ASSERT_TRUE(response) << response.error();
  EXPECT_EQ(response->status, 201);
  EXPECT_EQ(response->headers.Get("x-a"), "b");
  EXPECT_EQ(response->body->ContentLength(), 5);
  EXPECT_EQ(response->body->ReadAll().value(), "hello");
  EXPECT_EQ(seen, "POST /a/b?c=d HTTP/1.1\r\nHost: " + server.Address() +
                      "\r\nAccept-Encoding: gzip\r\nX-Q: v\r\nContent-Length: 4\r\n\r\ndata");
}

TEST(SocketTransport, KeepsConnectionsAlive) {
  RawServer server(Always(Answer(200, "x")));
  const auto transport = Transport();
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(Fetch(*transport, Get("http://" + server.Address())).value(), "x");
  }
  EXPECT_EQ(server.connections(), 1);
}

TEST(SocketTransport, ClosesAConnectionWhoseBodyWasNotRead) {
  RawServer server(Always(Answer(200, std::string(100000, 'x'))));
  const auto transport = Transport();
  ASSERT_TRUE(transport->RoundTrip(Get("http://" + server.Address()), {}));
  EXPECT_EQ(Fetch(*transport, Get("http://" + server.Address())).value().size(), 100000u);
  EXPECT_EQ(server.connections(), 2);
}

TEST(SocketTransport, BoundsTheConnectionsToAHost) {
  RawServer server(Always(Answer(200, "x")));
  const auto transport = Transport({.max_connections_per_host = 2});
  std::vector<Thread> threads;
  std::atomic<int> good = 0;
  for (int i = 0; i < 16; ++i) {
    threads.emplace_back(RealClock(), "caller", [&](std::stop_token) {
      for (int j = 0; j < 10; ++j) {
        const auto text = Fetch(*transport, Get("http://" + server.Address()));
        good += text && *text == "x";
      }
    });
  }
  threads.clear();
  EXPECT_EQ(good, 160);
  EXPECT_LE(server.connections(), 2);
}

TEST(SocketTransport, KeepsTwentyFiveIdleConnections) {  // C-6.10
  std::atomic<int> waiting = 0;
  std::atomic<bool> go = false;
  RawServer server([&](int fd, int) {
    while (!RawServer::ReadRequest(fd).empty()) {
      // All thirty requests of a batch are under way before the first is answered.
      if (++waiting % 30 == 0) go = true;
      while (!go) std::this_thread::yield();
      RawServer::Write(fd, Answer(200, "x"));
    }
  });
  const auto transport = Transport();
  const auto batch = [&] {
    go = false;
    std::vector<Thread> threads;
    for (int i = 0; i < 30; ++i) {
      threads.emplace_back(RealClock(), "caller", [&](std::stop_token) {
        EXPECT_TRUE(Fetch(*transport, Get("http://" + server.Address())));
      });
    }
  };
  batch();
  EXPECT_EQ(server.connections(), 30);
  batch();
  EXPECT_LE(server.connections(), 35);
}

TEST(SocketTransport, GivesASlotBackWhenItsConnectionEnds) {
  RawServer server([](int fd, int number) {
    RawServer::ReadRequest(fd);
    if (number == 2) RawServer::Write(fd, Answer(200, "x", "Connection: close\r\n"));
  });
  const auto transport = Transport({.max_connections_per_host = 1});
  EXPECT_FALSE(Fetch(*transport, Get("http://" + server.Address())));
  EXPECT_TRUE(Fetch(*transport, Get("http://" + server.Address())));
  EXPECT_FALSE(Fetch(*transport, Get("http://" + server.Address())));
}

TEST(SocketTransport, GivesUpOnAPeerThatHasDied) {
  RawServer server(Always(Answer(200, "x")));
  int fd = -1;
  const auto dial = [&](const std::string& address, const Context& ctx) -> Result<int> {
    const Waker waker;
    auto connected =
        DialTcp("127.0.0.1", address.substr(address.find(':') + 1), {*RealClock(), ctx, waker});
    if (connected) fd = *connected;
    return connected;
  };
  const auto transport = Transport({.dial = dial});
  ASSERT_TRUE(Fetch(*transport, Get("http://" + server.Address())));
  const auto option = [&](int level, int name) {
    int value = 0;
    socklen_t size = sizeof value;
    EXPECT_EQ(::getsockopt(fd, level, name, &value, &size), 0);
    return value;
  };
  EXPECT_EQ(option(SOL_SOCKET, SO_KEEPALIVE), 1);
  EXPECT_EQ(option(IPPROTO_TCP, TCP_KEEPIDLE), 30);
  EXPECT_EQ(option(IPPROTO_TCP, TCP_USER_TIMEOUT), 45'000);
}

TEST(SocketTransport, ReadsChunksAndBodiesUntilTheEnd) {
  RawServer server([](int fd, int number) {
    RawServer::ReadRequest(fd);
    RawServer::Write(fd, number == 1 ? "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"
                                       "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
                                       "5\r\nhello\r\n3\r\n yo\r\n0\r\n\r\n"
                                     : "HTTP/1.1 200 OK\r\n\r\nuntil the end");
  });
  const auto transport = Transport();
  EXPECT_EQ(Fetch(*transport, Get("http://" + server.Address())).value(), "hello yo");
  EXPECT_EQ(Fetch(*transport, Get("http://" + server.Address())).value(), "until the end");
}

TEST(SocketTransport, SaysThatNobodyListens) {  // C-4.16
  std::string address;
  {
    RawServer server([](int, int) {});
    address = server.Address();
  }
  const auto refused = Fetch(*Transport(), Get("http://" + address));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().cause(), TransportCause::kRefused);
  EXPECT_EQ(refused.error().message(), "dial tcp " + address + ": connect: connection refused");
}

TEST(SocketTransport, SaysThatANameHasNoAddress) {
  const auto unknown = Fetch(*Transport(), Get("http://no-such-host.invalid"));
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().cause(), TransportCause::kResolve) << unknown.error();
  EXPECT_THAT(unknown.error().message(), HasSubstr("dial tcp: lookup no-such-host.invalid: "));
}

TEST(SocketTransport, ResolvesNames) {
  RawServer server(Always(Answer(200, "x")));
  const auto port = server.Address().substr(server.Address().find(':'));
  EXPECT_EQ(Fetch(*Transport(), Get("http://localhost" + port)).value(), "x");
}

struct Cut {
  const char* name;
  const char* bytes;
  bool reset;
  TransportCause cause;
};

class CutAnswer : public testing::TestWithParam<Cut> {};

TEST_P(CutAnswer, IsToldApart) {  // section 4.9 of the client's chapter on retries
  RawServer server([](int fd, int) {
    RawServer::ReadRequest(fd);
    RawServer::Write(fd, GetParam().bytes);
    if (GetParam().reset) RawServer::Reset(fd);
  });
  const auto result = Fetch(*Transport(), Get("http://" + server.Address()));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), Error::Code::kTransport);
  EXPECT_EQ(result.error().cause(), GetParam().cause) << result.error();
}

INSTANTIATE_TEST_SUITE_P(
    SocketTransport, CutAnswer,
    testing::Values(
        Cut{"Fin", "", false, TransportCause::kEof}, Cut{"Rst", "", true, TransportCause::kReset},
        Cut{"FinInStatusLine", "HTTP/1.1 20", false, TransportCause::kTruncated},
        Cut{"FinInHead", "HTTP/1.1 200 OK\r\nContent-Ty", false, TransportCause::kTruncated},
        Cut{"FinInLength", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", false,
            TransportCause::kTruncated},
        Cut{"FinInChunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", false,
            TransportCause::kTruncated},
        Cut{"BadChunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxx\r\n", false,
            TransportCause::kProtocol},
        Cut{"NotHttp", "SSH-2.0-x\r\n", false, TransportCause::kProtocol}),
    [](const auto& info) { return info.param.name; });

TEST(SocketTransport, ReplaysOnADeadReusedConnection) {  // C-4.39
  std::atomic<int> requests{0};
  RawServer server([&](int fd, int number) {
    RawServer::ReadRequest(fd);
    ++requests;
    RawServer::Write(fd, Answer(200, "x"));
    if (number > 1) return;
    RawServer::ReadRequest(fd);  // and closes without an answer
    ++requests;
  });
  const auto transport = Transport();
  EXPECT_TRUE(Fetch(*transport, Get("http://" + server.Address())));
  EXPECT_TRUE(Fetch(*transport, Get("http://" + server.Address())));
  EXPECT_EQ(requests, 3);
}

TEST(SocketTransport, DoesNotReplayWhatMayHaveHadAnEffect) {
  RawServer server([&](int fd, int) {
    RawServer::ReadRequest(fd);
    RawServer::Write(fd, Answer(200, "x"));
    RawServer::ReadRequest(fd);
  });
  const auto transport = Transport();
  EXPECT_TRUE(Fetch(*transport, Get("http://" + server.Address(), "POST")));
  const auto second = Fetch(*transport, Get("http://" + server.Address(), "POST"));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().cause(), TransportCause::kEof);
  EXPECT_EQ(second.error().message(), "EOF");
  EXPECT_EQ(server.connections(), 1);
}

TEST(SocketTransport, EndsWithItsContextWhileWaitingForTheHead) {
  RawServer server([](int fd, int) { RawServer::WaitForPeer(fd); });
  const auto transport = Transport();
  const auto late =
      Fetch(*transport, Get("http://" + server.Address()), Context().WithTimeout(30ms));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code(), Error::Code::kDeadlineExceeded);

  std::stop_source stop;
  Thread canceller(RealClock(), "canceller", [&](std::stop_token) {
    ASSERT_TRUE(Sleep(*RealClock(), 30ms, {}));
    stop.request_stop();
  });
  const auto canceled =
      Fetch(*transport, Get("http://" + server.Address()), Context(stop.get_token()));
  ASSERT_FALSE(canceled);
  EXPECT_EQ(canceled.error().code(), Error::Code::kCanceled);
}

// A wait that no context bounds is one in the read itself.
TEST(SocketTransport, EndsWhenItsConnectionIsClosedUnderIt) {
  TransportOptions options;
  options.tracker = std::make_shared<ConnectionTracker>();
  RawServer server([tracker = options.tracker](int fd, int) {
    RawServer::ReadRequest(fd);
    tracker->CloseAll();
    RawServer::WaitForPeer(fd);
  });
  const auto cut = Fetch(*Transport(options), Get("http://" + server.Address(), "POST"));
  ASSERT_FALSE(cut);
  EXPECT_EQ(cut.error().cause(), TransportCause::kEof);
}

TEST(SocketTransport, EndsWithItsContextInsideTheBody) {
  RawServer server([](int fd, int) {
    RawServer::ReadRequest(fd);
    RawServer::Write(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n");
    RawServer::WaitForPeer(fd);
  });
  std::stop_source stop;
  auto response =
      Transport()->RoundTrip(Get("http://" + server.Address()), Context(stop.get_token()));
  ASSERT_TRUE(response);
  std::string body;
  EXPECT_EQ(response->body->Read(body).value(), 1u);
  stop.request_stop();
  const auto ended = response->body->Read(body);
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().code(), Error::Code::kCanceled);
  EXPECT_EQ(body, "x");
}

TEST(SocketTransport, EndsWithItsContextWhileConnecting) {
  // The backlog of this listener is full, so the handshake of TCP never ends.
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ::bind(listener, reinterpret_cast<sockaddr*>(&address), size);
  ::listen(listener, 0);
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  int fill[4];
  for (int& fd : fill) {
    fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    static_cast<void>(!::connect(fd, reinterpret_cast<sockaddr*>(&address), size));
  }
  const auto url = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  const auto late = Fetch(*Transport(), Get(url), Context().WithTimeout(30ms));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code(), Error::Code::kDeadlineExceeded);
  const auto timeout = Fetch(*Transport({.dial_timeout = 30ms}), Get(url));
  ASSERT_FALSE(timeout);
  EXPECT_EQ(timeout.error().cause(), TransportCause::kTimeout);
  EXPECT_THAT(timeout.error().message(), HasSubstr(": i/o timeout"));
  for (const int fd : fill) ::close(fd);
  ::close(listener);
}

std::string Gzip(std::string_view text) {
  z_stream stream{};
  deflateInit2(&stream, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, text.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

TEST(SocketTransport, InflatesWhatItAskedFor) {  // C-1.21, C-6.17
  const std::string text(1000000, 'x');
  RawServer server(Always(Answer(200, Gzip(text) + Gzip("y"), "Content-Encoding: gzip\r\n")));
  const auto transport = Transport();
  auto response = transport->RoundTrip(Get("http://" + server.Address()), {});
  ASSERT_TRUE(response);
  EXPECT_FALSE(response->headers.Has("Content-Encoding"));
  EXPECT_FALSE(response->headers.Has("Content-Length"));
  EXPECT_EQ(response->body->ContentLength(), -1);
  EXPECT_TRUE(response->body->ReadAll().value() == text + "y");

  Request plain = Get("http://" + server.Address());
  plain.headers.Set("Accept-Encoding", "gzip");
  EXPECT_EQ(Fetch(*transport, plain).value(), Gzip(text) + Gzip("y"));
  EXPECT_EQ(server.connections(), 1);
}

TEST(SocketTransport, DoesNotAskForGzipWhenTold) {  // C-1.21
  std::string seen;
  RawServer server([&](int fd, int) {
    seen = RawServer::ReadRequest(fd);
    RawServer::Write(fd, Answer(200, "x"));
  });
  EXPECT_TRUE(Fetch(*Transport({.disable_compression = true}), Get("http://" + server.Address())));
  EXPECT_THAT(seen, Not(HasSubstr("Accept-Encoding")));
}

TEST(SocketTransport, SaysThatGzipWasCut) {
  RawServer server(
      Always(Answer(200, Gzip("hello world").substr(0, 15), "Content-Encoding: gzip\r\n")));
  const auto cut = Fetch(*Transport(), Get("http://" + server.Address()));
  ASSERT_FALSE(cut);
  EXPECT_EQ(cut.error().cause(), TransportCause::kTruncated);
}

class Pieces final : public BodyReader {
 public:
  Result<bool> Read(std::string& out) override {
    if (left_-- == 0) return false;
    out += "piece";
    return true;
  }

 private:
  int left_ = 2;
};

TEST(SocketTransport, StreamsABodyInChunks) {
  std::string seen;
  RawServer server([&](int fd, int) {
    char buffer[4096];
    while (!seen.ends_with("0\r\n\r\n")) {
      const ssize_t n = ::recv(fd, buffer, sizeof buffer, 0);
      if (n <= 0) return;
      seen.append(buffer, static_cast<size_t>(n));
    }
    RawServer::Write(fd, Answer(200, "x"));
  });
  Request request = Get("http://" + server.Address(), "POST");
  request.body_reader = std::make_shared<Pieces>();
  EXPECT_TRUE(Fetch(*Transport(), request));
  EXPECT_THAT(seen, HasSubstr("Transfer-Encoding: chunked\r\n\r\n5\r\npiece\r\n5\r\npiece\r\n0"));
}

TEST(SocketTransport, ReadsAnEarlyAnswerToALargeBody) {
  RawServer server([](int fd, int) {
    char buffer[1024];
    static_cast<void>(!::recv(fd, buffer, sizeof buffer, 0));
    RawServer::Write(fd, Answer(413, "too much", "Connection: close\r\n"));
    ::shutdown(fd, SHUT_WR);
    RawServer::WaitForPeer(fd);
  });
  Request request = Get("http://" + server.Address(), "PUT");
  request.body = std::make_shared<const std::string>(std::string(3000000, 'x'));
  auto response = Transport()->RoundTrip(request, {});
  ASSERT_TRUE(response) << response.error();
  EXPECT_EQ(response->status, 413);
}

TEST(SocketTransport, UsesTheDialHook) {
  RawServer server(Always(Answer(200, "x")));
  std::string asked;
  TransportOptions options;
  options.dial = [&](const std::string& address, const Context& ctx) {
    asked = address;
    const Waker waker;
    const auto at = server.Address().find(':');
    return DialTcp("127.0.0.1", server.Address().substr(at + 1), {*RealClock(), ctx, waker});
  };
  EXPECT_EQ(Fetch(*Transport(options), Get("http://anywhere/")).value(), "x");
  EXPECT_EQ(asked, "anywhere:80");
}

TEST(SocketTransport, SendsAbsoluteTargetsThroughAProxy) {
  std::string seen;
  RawServer proxy([&](int fd, int) {
    seen = RawServer::ReadRequest(fd);
    RawServer::Write(fd, Answer(200, "from the proxy"));
  });
  TransportOptions options;
  options.proxy = FixedProxy(Url::Parse("http://u:p@" + proxy.Address()).value());
  EXPECT_EQ(Fetch(*Transport(options), Get("http://far.example/a")).value(), "from the proxy");
  EXPECT_THAT(seen, HasSubstr("GET http://far.example/a HTTP/1.1\r\nHost: far.example\r\n"));
  EXPECT_THAT(seen, HasSubstr("Proxy-Authorization: Basic dTpw\r\n"));
}

TEST(SocketTransport, SpeaksSocks) {
  std::string target;
  RawServer proxy([&](int fd, int) {
    char buffer[64];
    static_cast<void>(!::recv(fd, buffer, 3, MSG_WAITALL));
    RawServer::Write(fd, std::string_view("\x05\x00", 2));
    const ssize_t n = ::recv(fd, buffer, 5 + 11 + 2, MSG_WAITALL);
    target.assign(buffer, static_cast<size_t>(std::max<ssize_t>(n, 0)));
    RawServer::Write(fd, std::string_view("\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00", 10));
    RawServer::ReadRequest(fd);
    RawServer::Write(fd, Answer(200, "tunnelled"));
  });
  TransportOptions options;
  options.proxy = FixedProxy(Url::Parse("socks5://" + proxy.Address()).value());
  EXPECT_EQ(Fetch(*Transport(options), Get("http://far.example/a")).value(), "tunnelled");
  EXPECT_EQ(target, std::string("\x05\x01\x00\x03\x0b"
                                "far.example\x00\x50",
                                18));
}

TEST(SocketTransport, SaysWhyAProxyRefused) {
  RawServer proxy([&](int fd, int) {
    RawServer::ReadRequest(fd);
    RawServer::Write(fd, "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
  });
  TransportOptions options;
  options.proxy = FixedProxy(Url::Parse("http://" + proxy.Address()).value());
  const auto refused = Fetch(*Transport(options), Get("https://far.example/a"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message(), "proxyconnect tcp: Proxy Authentication Required");
}

TEST(SocketTransport, RefusesHeadersThatWouldMakeNewLines) {
  RawServer server(Always(Answer(200, "x")));
  Request request = Get("http://" + server.Address());
  request.headers.Set("Authorization", "s3cret\r\nX: y");
  const auto refused = Fetch(*Transport(), request);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message(), Not(HasSubstr("s3cret")));
  EXPECT_EQ(server.connections(), 0);
}

TEST(SocketTransport, ServesManyThreads) {
  RawServer server(Always(Answer(200, "x")));
  const auto transport = Transport();
  std::atomic<int> good{0};
  {
    std::vector<Thread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back(RealClock(), "client", [&](std::stop_token) {
        for (int n = 0; n < 50; ++n) {
          if (Fetch(*transport, Get("http://" + server.Address()))) ++good;
        }
      });
    }
    for (Thread& thread : threads) thread.Join();
  }
  EXPECT_EQ(good, 400);
  EXPECT_LE(server.connections(), 8);
}

TEST(SocketTransport, ClosesIdleConnectionsWhenAsked) {
  RawServer server(Always(Answer(200, "x")));
  const auto transport = Transport({.max_idle_per_host = 1});
  EXPECT_TRUE(Fetch(*transport, Get("http://" + server.Address())));
  transport->CloseIdleConnections();
  EXPECT_TRUE(Fetch(*transport, Get("http://" + server.Address())));
  EXPECT_EQ(server.connections(), 2);
}

}  // namespace
}  // namespace k8s::http
