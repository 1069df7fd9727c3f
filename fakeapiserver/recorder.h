#pragma once

// Every exchange as the server saw it, with its time. Members may be called from any thread. It
// keeps the newest kMaxExchanges; bodies are shared with the requests, not copied.

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "k8s/base/clock.h"
#include "k8s/http/round_tripper.h"

namespace k8s::fakeapiserver {

inline constexpr size_t kMaxExchanges = 10'000;

// What a URL means: the verb and the object that it names.
struct RequestInfo {
  bool is_resource = false;
  std::string verb{};  // get list watch create update patch delete deletecollection, or the method
                       // in lower case
  std::string group{};
  std::string version{};
  std::string ns{};
  std::string resource{};
  std::string name{};
  std::string subresource{};
  std::string path{};  // unescaped
};

struct Exchange {
  uint64_t number = 0;  // from 1, in order of arrival
  TimePoint at{};
  WallTime wall{};
  std::string method{};
  std::string target{};  // path and query
  http::Headers headers{};
  std::shared_ptr<const std::string> body{};
  RequestInfo info{};
  uint64_t connection = 0;    // 0: the loopback, without a wire
  std::string fault{};        // the rule that struck; "": none
  int handled = 0;            // what the handlers said, also where a fault kept it; 0: not asked
  int status = 0;             // 0 while there is no answer yet, or when there is none to come
  std::string retry_after{};  // as it went out
  TimePoint answered_at{};    // 0 while there is no answer yet
  // Of a watch: what the last event or bookmark that went out whole says, and how it ended.
  int64_t last_revision = 0;
  TimePoint ended_at{};  // 0 while it runs
  bool hung_up = false;  // by the client, which may not have read all that was sent
};

class Recorder {
 public:
  explicit Recorder(std::shared_ptr<Clock> clock) : clock_(std::move(clock)) {}
  std::vector<Exchange> Exchanges() const;
  size_t Count() const;  // since the start or the last Clear, forgotten ones included
  void Clear();
  // Called at each Close, on its thread, with no lock of the recorder held.
  // REQUIRES: before the first exchange.
  void SetOnClosed(std::function<void(const Exchange&)> on_closed) {
    on_closed_ = std::move(on_closed);
  }

  // The path of a request through the server: Open, then Close with the same number.
  uint64_t Open(const http::Request& request, const RequestInfo& info, uint64_t connection = 0);
  void Struck(uint64_t number, std::string_view rule);
  void Handled(uint64_t number, int status);
  void Close(uint64_t number, int status, std::string_view retry_after = {});
  // Of watches, after Close.
  void Sent(uint64_t number, int64_t revision);
  void Ended(uint64_t number, bool hung_up);

 private:
  // Calls change(exchange) unless it is forgotten.
  template <class Change>
  void With(uint64_t number, Change change);

  const std::shared_ptr<Clock> clock_;
  std::function<void(const Exchange&)> on_closed_;
  mutable std::mutex mutex_;
  std::deque<Exchange> exchanges_;
  uint64_t next_ = 1;
  uint64_t first_ = 1;  // the number that Count counts from
};

}  // namespace k8s::fakeapiserver
