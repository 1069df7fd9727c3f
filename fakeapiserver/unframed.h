#pragma once

// What a raw answer says once HTTP/1.1 is taken off its bytes: a head, and a body without its
// framing. Where the bytes are wrong, because a fault wanted them so, the connection ends. Bytes
// behind the answer are left out.

#include <memory>
#include <string>
#include <string_view>

#include "fakeapiserver/answer.h"
#include "k8s/http/h1.h"

namespace k8s::fakeapiserver {

class Unframed final : public Source {
 public:
  // `method` is that of the request.
  Unframed(std::unique_ptr<Source> raw, std::string_view method);

  struct Head {
    // kData: `message` is there, and the body can be asked for. kPending: ask again. Else the
    // answer ended before; what came of it was `garbage`, unless it began like an answer.
    Outcome outcome = Outcome::kPending;
    http::MessageHead message{};
    std::string garbage{};
  };
  Head ReadHead();

  Outcome Next(Slices& out) override;
  void SetWake(std::function<void()> wake) override { raw_->SetWake(std::move(wake)); }
  void SplitEvents() override { raw_->SplitEvents(); }
  int64_t revision() const override { return raw_->revision(); }
  TimePoint WakeAt() const override { return raw_->WakeAt(); }

 private:
  bool Decode(std::string_view bytes, std::string& out);

  std::unique_ptr<Source> raw_;
  const std::string method_;
  http::HeadParser parser_{http::HeadParser::Kind::kResponse};
  std::string early_;  // has come, and is not decoded yet
  http::Framing framing_;
  http::ChunkedDecoder chunks_;
  bool whole_ = false;  // the body is
};

}  // namespace k8s::fakeapiserver
