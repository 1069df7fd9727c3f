// The socket transport against a server that others wrote.

#include <gtest/gtest.h>

#include "k8s/http/socket_transport.h"

#if __has_include(<httplib.h>)
#include <httplib.h>

#include "k8s/base/thread.h"

namespace k8s::http {
namespace {

class ForeignPeer : public testing::Test {
 protected:
  ForeignPeer() {
    server_.Get("/chunks", [](const httplib::Request&, httplib::Response& response) {
      response.set_chunked_content_provider("text/plain",
                                            [](size_t offset, httplib::DataSink& sink) {
                                              if (offset >= 50000) {
                                                sink.done();
                                                return true;
                                              }
                                              const std::string piece(10000, 'x');
                                              return sink.write(piece.data(), piece.size());
                                            });
    });
    server_.Put("/echo", [](const httplib::Request& request, httplib::Response& response) {
      response.set_content(request.body, "text/plain");
    });
    port_ = server_.bind_to_any_port("127.0.0.1");
    thread_ =
        Thread(RealClock(), "httplib", [this](std::stop_token) { server_.listen_after_bind(); });
  }
  ~ForeignPeer() override {
    transport_->CloseIdleConnections();
    server_.stop();
  }

  Result<std::string> Fetch(const std::string& method, const std::string& path,
                            const std::string& body = "") {
    Request request{.method = method,
                    .url = Url::Parse("http://127.0.0.1:" + std::to_string(port_) + path).value()};
    if (!body.empty()) request.body = std::make_shared<const std::string>(body);
    auto response = transport_->RoundTrip(request, {});
    if (!response) return response.error();
    return response->body->ReadAll();
  }

  std::shared_ptr<RoundTripper> transport_ = NewSocketTransport({}).value();
  httplib::Server server_;
  int port_ = 0;
  Thread thread_;
};

TEST_F(ForeignPeer, IsUnderstood) {
  // It ends each connection after a few requests, which must not show.
  for (int i = 0; i < 20; ++i) {
    const auto chunks = Fetch("GET", "/chunks");
    ASSERT_TRUE(chunks) << chunks.error();
    EXPECT_EQ(chunks->size(), 50000u);
    const auto echo = Fetch("PUT", "/echo", std::string(200000, 'y'));
    ASSERT_TRUE(echo) << echo.error();
    EXPECT_EQ(echo->size(), 200000u);
  }
}

}  // namespace
}  // namespace k8s::http
#endif
