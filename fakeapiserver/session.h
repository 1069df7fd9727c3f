#pragma once

// One connection of HTTP/1.1, the server's side, without any I/O: bytes go in, requests are served,
// bytes come out. The listener runs it over sockets and the loopback in memory, so both speak
// alike. A session belongs to one thread at a time; only the wake function is called from any
// thread.

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "fakeapiserver/answer.h"
#include "k8s/base/clock.h"
#include "k8s/http/h1.h"
#include "k8s/http/round_tripper.h"

namespace k8s::fakeapiserver {

// What becomes of a connection that has just been made.
struct Admission {
  uint64_t connection = 0;           // its number, from 1
  bool refused = false;              // as if nobody listened
  std::unique_ptr<Answer> answer{};  // at once, whatever the client sends; null: wait for requests
  std::string certificate{};         // the name of another one to show; "": the usual one
};

// Whether connections are refused now, and when that may change without further notice.
struct Refusal {
  bool now = false;
  TimePoint changes = kForever;
};

// What a way into the server asks of the house.
class Door {
 public:
  virtual ~Door() = default;
  virtual Admission Admit() = 0;
  virtual Refusal Refuses() = 0;
  // An answer that comes before the body is read; null: go on.
  virtual std::unique_ptr<Answer> OnHead(const http::MessageHead& head, uint64_t connection) = 0;
  virtual Answer Serve(const http::Request& request, uint64_t connection) = 0;
  // How many sessions there are; each one holds on to it, since idle ones may outlive the door.
  virtual const std::shared_ptr<std::atomic<size_t>>& sessions() const = 0;
};

struct SessionLimits {
  size_t max_body = size_t{3} << 20;       // a longer body is cut one byte behind this
  size_t max_pending = size_t{256} << 10;  // bytes queued for the client before a Source waits
  Duration head_timeout = std::chrono::seconds(32);
  Duration idle_timeout = std::chrono::seconds(90);
};

class Session {
 public:
  // What the connection's owner does once the output is sent.
  enum class Fate : uint8_t {
    kOpen,
    kDrain,  // end the output (FIN) and drop what still comes in
    kClose,
    kReset,
  };

  Session(Door& door, SessionLimits limits, std::shared_ptr<Clock> clock, uint64_t connection,
          std::string_view scheme, std::function<void()> wake);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Answers before anything is read.
  void Begin(Answer answer);
  void Receive(std::string_view bytes);
  void ReceiveEnd();
  // Does what can be done now. Called after bytes came or went, after wake, and at timer().
  void Drive();

  const std::deque<Slice>& output() const { return out_; }
  size_t output_offset() const { return out_offset_; }  // of the first slice: sent already
  void Sent(size_t count);

  Fate fate() const { return fate_; }
  // Drive would do more now that the output is gone.
  bool CanContinue() const;
  // Nothing more is read until the output is gone.
  bool IsFlooded() const;
  TimePoint timer() const { return timer_; }

 private:
  enum class State : uint8_t { kHead, kBody, kAnswer, kDrain };

  bool Advance();
  bool ParseHead();
  bool ParseBody();
  void Dispatch();
  void Enqueue(Slice slice);
  void Start(Answer answer);
  void Pump();
  void Finish();
  void DropSource();

  Door& door_;
  const std::shared_ptr<std::atomic<size_t>> sessions_;
  const SessionLimits limits_;
  const std::shared_ptr<Clock> clock_;
  const uint64_t connection_;
  const std::string scheme_;
  const std::function<void()> wake_;
  State state_ = State::kHead;
  Fate fate_ = Fate::kOpen;
  TimePoint timer_ = kForever;

  // Input.
  std::string in_;
  http::HeadParser parser_{http::HeadParser::Kind::kRequest};
  http::MessageHead head_;
  http::Framing framing_;
  http::ChunkedDecoder chunks_;
  std::string body_;
  bool eof_ = false;
  size_t drained_ = 0;

  // Output.
  std::deque<Slice> out_;
  size_t out_bytes_ = 0;
  size_t out_offset_ = 0;
  std::unique_ptr<Source> source_;
  std::function<Answer()> decide_;
  TimePoint decide_at_{};
  bool source_has_more_ = false;  // it was left because the output was full
  bool chunked_ = false;
  bool close_after_ = false;
  bool cut_ = false;
};

// The request of a head; its body is still to come.
http::Request RequestOf(http::MessageHead head);
// The status line and fields of an answer, to which it adds how the body ends: `chunked`, `close`.
std::string AnswerHead(Answer& answer, bool chunked, bool close);

}  // namespace k8s::fakeapiserver
