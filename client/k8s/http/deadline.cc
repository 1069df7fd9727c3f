#include "k8s/http/deadline.h"

#include "k8s/base/mutant.h"
#include "k8s/base/strings.h"

namespace k8s::http {
namespace {

class DeadlineLayer final : public RoundTripper {
 public:
  DeadlineLayer(std::shared_ptr<RoundTripper> next, std::shared_ptr<Clock> clock)
      : next_(std::move(next)), clock_(std::move(clock)) {}

  Result<Response> RoundTrip(const Request& request, const Context& ctx) override {
    const bool applies = request.timeout > Duration::zero() &&
                         (request.mode == Mode::kDo || request.mode == Mode::kDoRaw);
    if (K8S_MUTANT("timeout_is_not_kept") || !applies) return next_->RoundTrip(request, ctx);
    return next_->RoundTrip(request, ctx.WithTimeout(*clock_, request.timeout));
  }
  void CloseIdleConnections() override { next_->CloseIdleConnections(); }

 private:
  std::shared_ptr<RoundTripper> next_;
  std::shared_ptr<Clock> clock_;
};

// An attempt's own limit is a transport error, which a watch retries, unlike the end of the call.
Error Translate(const Error& error, bool caller_first, std::string_view while_doing) {
  if (error.code() != Error::Code::kDeadlineExceeded || caller_first) return error;
  return Error::Transport(TransportCause::kTimeout,
                          Cat(error.message(), " (Client.Timeout ", while_doing, ")"))
      .WithNothingDone(error.nothing_done());
}

class TimedBody final : public Body {
 public:
  TimedBody(std::unique_ptr<Body> body, bool caller_first)
      : body_(std::move(body)), caller_first_(caller_first) {}

  Result<size_t> Read(std::string& out) override {
    auto count = body_->Read(out);
    if (!count) return Ended(count.error());
    return count;
  }
  Result<std::string> ReadAll() override {
    auto all = body_->ReadAll();
    if (!all) return Ended(all.error());
    return all;
  }
  int64_t ContentLength() const override { return body_->ContentLength(); }

 private:
  Error Ended(const Error& error) const {
    return Translate(error, caller_first_, "or context cancellation while reading body");
  }

  std::unique_ptr<Body> body_;
  bool caller_first_;
};

class AttemptTimeoutLayer final : public RoundTripper {
 public:
  AttemptTimeoutLayer(std::shared_ptr<RoundTripper> next, Duration timeout,
                      std::shared_ptr<Clock> clock)
      : next_(std::move(next)), timeout_(timeout), clock_(std::move(clock)) {}

  Result<Response> RoundTrip(const Request& request, const Context& ctx) override {
    // Where both end at once, Go's client names its own timeout in the body and the caller's
    // before.
    const TimePoint own = clock_->Now() + timeout_;
    const bool caller_first = ctx.deadline() && *ctx.deadline() <= own;
    const bool caller_first_in_body = ctx.deadline() && *ctx.deadline() < own;
    auto response = next_->RoundTrip(request, ctx.WithDeadline(own));
    if (!response) {
      return Translate(response.error(), caller_first, "exceeded while awaiting headers");
    }
    response->body = std::make_unique<TimedBody>(std::move(response->body), caller_first_in_body);
    return response;
  }
  void CloseIdleConnections() override { next_->CloseIdleConnections(); }

 private:
  std::shared_ptr<RoundTripper> next_;
  Duration timeout_;
  std::shared_ptr<Clock> clock_;
};

}  // namespace

Layer Deadline(std::shared_ptr<Clock> clock) {
  return [=](std::shared_ptr<RoundTripper> next) -> std::shared_ptr<RoundTripper> {
    return std::make_shared<DeadlineLayer>(std::move(next), clock);
  };
}

Layer AttemptTimeout(Duration timeout, std::shared_ptr<Clock> clock) {
  return [=](std::shared_ptr<RoundTripper> next) -> std::shared_ptr<RoundTripper> {
    if (timeout <= Duration::zero()) return next;
    return std::make_shared<AttemptTimeoutLayer>(std::move(next), timeout, clock);
  };
}

}  // namespace k8s::http
