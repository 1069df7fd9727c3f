#pragma once

// One connection, the server's side, without any I/O: bytes go in, requests are served, bytes come
// out. The listener runs it over sockets and the loopback in memory, so both speak alike. A session
// belongs to one thread at a time; only the wake function is called from any thread.

#include <atomic>
#include <functional>
#include <memory>
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

// What a session lives with.
struct SessionContext {
  Door& door;
  SessionLimits limits;
  std::shared_ptr<Clock> clock;
  uint64_t connection = 0;
  std::string_view scheme;     // a literal
  std::function<void()> wake;  // asks for Drive, from any thread and under locks
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

  virtual ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  virtual void Receive(std::string_view bytes) = 0;
  virtual void ReceiveEnd() = 0;
  // Does what can be done now. Called after bytes came or went, after wake, and at timer().
  virtual void Drive() = 0;

  const SliceQueue& output() const { return out_; }
  void Sent(size_t count) { out_.RemovePrefix(count); }

  Fate fate() const { return fate_; }
  // Drive would do more now that the output is gone.
  virtual bool CanContinue() const = 0;
  // Nothing more is read until the output is gone.
  virtual bool IsFlooded() const = 0;
  TimePoint timer() const { return timer_; }

 protected:
  explicit Session(SessionContext context);

  // Ends the output once it is sent. What comes in from then on is dropped, up to a limit.
  void StartDrain();
  void Drop(size_t count);

  const SessionContext context_;
  Fate fate_ = Fate::kOpen;
  TimePoint timer_ = kForever;
  SliceQueue out_;

 private:
  const std::shared_ptr<std::atomic<size_t>> sessions_;
  size_t drained_ = 0;
};

// The request of a head; its body is still to come.
http::Request RequestOf(http::MessageHead head);
// Whether the answer to that request is one with a body.
bool HasBody(const http::MessageHead& request, const Answer& answer);
// Says how long the body is, where that is known.
void SetLength(Answer& answer);

}  // namespace k8s::fakeapiserver
