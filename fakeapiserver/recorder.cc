#include "fakeapiserver/recorder.h"

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

void Recorder::Struck(uint64_t number, std::string_view rule) {
  std::lock_guard lock(mutex_);
  if (exchanges_.empty() || number < exchanges_.front().number) return;
  exchanges_[number - exchanges_.front().number].fault = rule;
}

void Recorder::Close(uint64_t number, int status) {
  const TimePoint now = clock_->Now();
  std::lock_guard lock(mutex_);
  if (exchanges_.empty() || number < exchanges_.front().number) return;
  Exchange& exchange = exchanges_[number - exchanges_.front().number];
  exchange.status = status;
  exchange.answered_at = now;
}

}  // namespace k8s::fakeapiserver
