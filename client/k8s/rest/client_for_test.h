#pragma once

// A rest::Client over a Stub, for tests of this room: its requests and answers are in one's hands.

#include "k8s/api/group_versions.h"
#include "k8s/http/chain.h"
#include "k8s/http/stub_for_test.h"
#include "k8s/rest/client.h"
#include "k8s/rest/request.h"

namespace k8s::rest {

inline constexpr std::string_view kFailureStatus =
    R"({"kind":"Status","apiVersion":"v1","status":"Failure","message":"nope",)"
    R"("reason":"AlreadyExists","code":409})";

struct TestClient {
  std::shared_ptr<http::Stub> stub = std::make_shared<http::Stub>();
  ClientOptions options{.base = {.scheme = "http", .host = "h"},
                        .api_path = "/api/v1",
                        .group = "",
                        .version = "v1",
                        .stack = stub,
                        .find_kind = &FindKind};

  std::shared_ptr<const Client> Make() const { return std::make_shared<const Client>(options); }
  // The next answer, JSON unless a type is named.
  TestClient& Answer(int status, std::string body, std::string type = "application/json") {
    http::Headers headers;
    if (!type.empty()) headers.Set("Content-Type", std::move(type));
    stub->Status(status, headers, std::move(body));
    return *this;
  }
};

// A body that comes in pieces and may end in an error.
class PiecesBody final : public http::Body {
 public:
  explicit PiecesBody(std::vector<std::string> pieces, std::optional<Error> end = {})
      : pieces_(std::move(pieces)), end_(std::move(end)) {}
  Result<size_t> Read(std::string& out) override {
    if (next_ == pieces_.size()) {
      if (end_) return *end_;
      return size_t{0};
    }
    out += pieces_[next_];
    return pieces_[next_++].size();
  }

 private:
  std::vector<std::string> pieces_;
  std::optional<Error> end_;
  size_t next_ = 0;
};

}  // namespace k8s::rest
