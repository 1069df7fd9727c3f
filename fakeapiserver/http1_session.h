#pragma once

// A connection of HTTP/1.1. Requests are served one after the other; what a client pipelines waits.

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "fakeapiserver/session.h"
#include "k8s/http/h1.h"

namespace k8s::fakeapiserver {

class Http1Session final : public Session {
 public:
  explicit Http1Session(SessionContext context);
  ~Http1Session() override;

  // Answers before anything is read.
  void Begin(Answer answer);

  void Receive(std::string_view bytes) override;
  void ReceiveEnd() override;
  void Drive() override;
  bool CanContinue() const override;
  bool IsFlooded() const override;

 private:
  enum class State : uint8_t { kHead, kBody, kAnswer, kDrain };

  bool Advance();
  bool ParseHead();
  bool ParseBody();
  void Dispatch();
  void Start(Answer answer);
  void Pump();
  void Finish();
  void DropSource();

  State state_ = State::kHead;

  // Input.
  std::string in_;
  http::HeadParser parser_{http::HeadParser::Kind::kRequest};
  http::MessageHead head_;
  http::Framing framing_;
  http::ChunkedDecoder chunks_;
  std::string body_;
  bool eof_ = false;

  // Output.
  std::unique_ptr<Source> source_;
  std::function<Answer()> decide_;
  TimePoint decide_at_{};
  bool source_has_more_ = false;  // it was left because the output was full
  bool chunked_ = false;
  bool close_after_ = false;
  bool cut_ = false;
};

// The status line and fields of an answer, to which it adds how the body ends: `chunked`, `close`.
std::string AnswerHead(Answer& answer, bool chunked, bool close);

}  // namespace k8s::fakeapiserver
