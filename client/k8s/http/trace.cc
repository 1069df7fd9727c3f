#include "k8s/http/trace.h"

namespace k8s::http {
namespace {

class TraceLayer final : public RoundTripper {
 public:
  TraceLayer(std::shared_ptr<RoundTripper> next, TraceFunction trace, std::shared_ptr<Clock> clock)
      : next_(std::move(next)), trace_(std::move(trace)), clock_(std::move(clock)) {}

  Result<Response> RoundTrip(const Request& request, const Context& ctx) override {
    const TimePoint began = clock_->Now();
    auto response = next_->RoundTrip(request, ctx);
    trace_({request, began, clock_->Now(), response ? response->status : 0,
            response ? nullptr : &response.error()});
    return response;
  }
  void CloseIdleConnections() override { next_->CloseIdleConnections(); }

 private:
  std::shared_ptr<RoundTripper> next_;
  TraceFunction trace_;
  std::shared_ptr<Clock> clock_;
};

}  // namespace

Layer Trace(TraceFunction trace, std::shared_ptr<Clock> clock) {
  return [=](std::shared_ptr<RoundTripper> next) -> std::shared_ptr<RoundTripper> {
    if (!trace) return next;
    return std::make_shared<TraceLayer>(std::move(next), trace, clock);
  };
}

}  // namespace k8s::http
