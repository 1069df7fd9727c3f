#include "fakeapiserver/recorder.h"

#include <optional>

namespace k8s::fakeapiserver {

std::vector<Exchange> Recorder::Exchanges() const {
  std::lock_guard lock(mutex_);
  return {exchanges_.begin(), exchanges_.end()};
}

size_t Recorder::Count() const {
  std::lock_guard lock(mutex_);
  return next_ - first_;
}

void Recorder::Clear() {
  std::lock_guard lock(mutex_);
  exchanges_.clear();
  first_ = next_;
}

uint64_t Recorder::Open(const http::Request& request, const RequestInfo& info,
                        uint64_t connection) {
  Exchange exchange;
  exchange.at = clock_->Now();
  exchange.wall = clock_->WallNow();
  exchange.method = request.method;
  exchange.target = request.url.Target();
  exchange.headers = request.headers;
  exchange.body = request.body;
  exchange.info = info;
  exchange.connection = connection;
  std::lock_guard lock(mutex_);
  exchange.number = next_++;
  exchanges_.push_back(std::move(exchange));
  if (exchanges_.size() > kMaxExchanges) exchanges_.pop_front();
  return next_ - 1;
}

template <class Change>
void Recorder::With(uint64_t number, Change change) {
  std::lock_guard lock(mutex_);
  if (exchanges_.empty() || number < exchanges_.front().number) return;
  change(exchanges_[number - exchanges_.front().number]);
}

void Recorder::Struck(uint64_t number, std::string_view rule) {
  With(number, [&](Exchange& exchange) { exchange.fault = rule; });
}

void Recorder::Handled(uint64_t number, int status) {
  With(number, [&](Exchange& exchange) { exchange.handled = status; });
}

void Recorder::Close(uint64_t number, int status, std::string_view retry_after) {
  const TimePoint now = clock_->Now();
  std::optional<Exchange> closed;
  With(number, [&](Exchange& exchange) {
    exchange.status = status;
    exchange.retry_after = retry_after;
    exchange.answered_at = now;
    if (on_closed_) closed = exchange;
  });
  if (closed) on_closed_(*closed);
}

void Recorder::Sent(uint64_t number, int64_t revision) {
  With(number, [&](Exchange& exchange) { exchange.last_revision = revision; });
}

void Recorder::Ended(uint64_t number, bool hung_up) {
  const TimePoint now = clock_->Now();
  With(number, [&](Exchange& exchange) {
    exchange.ended_at = now;
    exchange.hung_up = hung_up;
  });
}

}  // namespace k8s::fakeapiserver
