#include "k8s/http/retry.h"

#include <algorithm>

#include "k8s/base/log.h"
#include "k8s/base/mutant.h"
#include "k8s/base/strings.h"
#include "k8s/http/backoff.h"
#include "k8s/http/redirect.h"
#include "k8s/http/throttle.h"

namespace k8s::http {
namespace {

// The wait after a connection that failed, as if the server had asked for it.
constexpr Duration kWaitAfterTransportError = std::chrono::seconds(1);
constexpr int64_t kMaxRetryAfterSeconds = int64_t{10} * 366 * 24 * 3600;

bool IsBrokenConnection(const Error& error) {
  return error.code() == Error::Code::kTransport &&
         (error.cause() == TransportCause::kReset || error.cause() == TransportCause::kEof);
}

bool IsTimedOut(const Error& error) {
  return error.code() == Error::Code::kDeadlineExceeded ||
         (error.code() == Error::Code::kTransport && error.cause() == TransportCause::kTimeout);
}

// The table of 4.3.
bool IsRetryable(const Request& request, const Error& error) {
  switch (request.mode) {
    case Mode::kStream:
      return K8S_MUTANT("streams_are_retried") && IsBrokenConnection(error);
    case Mode::kWatch:
      return IsBrokenConnection(error) ||
             (!K8S_MUTANT("watch_gives_up_at_a_timeout") && IsTimedOut(error));
    default:
      if (K8S_MUTANT("timeouts_are_retried") && IsTimedOut(error)) return true;
      return (K8S_MUTANT("writes_are_retried_on_reset") || request.method == "GET") &&
             !K8S_MUTANT("reads_are_not_retried_on_reset") && IsBrokenConnection(error);
  }
}

// One call with its attempts.
class Call {
 public:
  Call(RoundTripper& next, RateLimiter* limiter, const Env& env, const ReplaySafe* policy,
       const Request& request, const Context& ctx)
      : next_(next),
        limiter_(request.rate_limiter ? request.rate_limiter.get() : limiter),
        env_(env),
        policy_(policy),
        first_(request),
        ctx_(ctx),
        // From the environment one per request, so that no call slows another (C-4.33).
        backoff_(request.backoff ? request.backoff : BackoffFromEnvironment(env)) {
    if (policy_ == nullptr) return;
    growing_ = policy_->backoff;
    policy_->shared_budget->OnCall();
  }

  Result<Response> Run() {
    while (true) {
      if (auto ready = Prepare(); !ready) return Abandon(ready.error());
      auto response = Try();
      Record(response);
      if (!ShouldRetry(response)) return Finish(std::move(response));
      if (response) {
        if (first_.mode != Mode::kStream) DrainShortBody(*response->body);
        response->body.reset();
      }
      LogRetry();
    }
  }

 private:
  Result<void> Prepare() {
    if (auto over = ctx_.Check(*env_.clock); !over) {
      Track(over.error());
      return over;
    }
    Duration wait = backoff_ ? backoff_->CalculateBackoff(first_.url) : Duration::zero();
    if (attempts_ > 0)
      wait = K8S_MUTATED("backoff_is_added_to_retry_after", wait + retry_after_,
                         std::max(wait, retry_after_));
    // A context that ends here shows in the next steps, before anything is sent.
    static_cast<void>(Sleep(*env_.clock, wait, ctx_).has_value());
    if (K8S_MUTANT("sleeps_twice")) static_cast<void>(Sleep(*env_.clock, wait, ctx_).has_value());
    if (K8S_MUTANT("limiter_is_skipped_on_a_retry") || attempts_ == 0) return {};
    if (limiter_ == nullptr || !first_.throttle) return {};
    auto waited = WaitForLimiter(*limiter_, first_, reason_, *env_.clock, ctx_);
    if (!waited) Track(waited.error());
    return waited;
  }

  Result<Response> Try() {
    const TimePoint now = env_.clock->Now();
    if (attempts_ == 0) start_ = now;
    Waited(now);
    began_ = now;
    ++attempts_;
    if (attempts_ == 1) return next_.RoundTrip(first_, ctx_);
    Request again = first_;
    again.attempt = attempts_;
    if (K8S_MUTANT("body_is_not_rewound")) again.body.reset();
    return next_.RoundTrip(again, ctx_);
  }

  void Record(const Result<Response>& response) {
    ended_ = env_.clock->Now();
    earlier_in_doubt_ = in_doubt_;
    if (!NothingDone(response) && (!response || response->status >= 300)) in_doubt_ = true;
    Keep(response);
    if (!response) {
      Track(response.error());
    } else {
      Track(std::nullopt);
    }
    if (!K8S_MUTANT("backoff_never_grows") && backoff_)
      backoff_->UpdateBackoff(first_.url, response ? response->status : 0);
  }

  // For the error that may come of it in the end.
  void Keep(const Result<Response>& response) {
    if (attempts_ == 1 && response && response->status < 400) return;
    if (tried_.size() == kMaxAttemptsKept) tried_.erase(tried_.begin());
    tried_.push_back({.began = began_ - start_,
                      .cause = response ? std::to_string(response->status)
                                        : WithoutPlace(response.error().message())});
  }

  bool ShouldRetry(const Result<Response>& response) {
    if (!K8S_MUTANT("body_readers_are_sent_again") && first_.body_reader) return false;
    if (attempts_ > std::max(first_.max_retries, 0) + K8S_MUTATED("eleven_retries", 1, 0))
      return false;
    if (!(policy_ ? AgainSafely(response) : AgainAsClientGo(response))) return false;
    Explain(response);
    return true;
  }

  bool AgainSafely(const Result<Response>& response) {
    if (!MayHeal(response) || !MayRepeat(first_.call_class, response)) return false;
    if (!policy_->shared_budget->Take()) {
      refusal_ = Cat("not tried again: ", policy_->shared_budget->Refusal());
      return false;
    }
    const auto asked =
        response ? ParseRetryAfter(response->headers.Get("Retry-After")) : std::nullopt;
    retry_after_ =
        std::max(growing_.Step(*env_.random),
                 Jitter(asked.value_or(Duration::zero()), policy_->backoff.jitter, *env_.random));
    return true;
  }

  bool AgainAsClientGo(const Result<Response>& response) {
    if (!response) {
      retry_after_ =
          K8S_MUTATED("no_wait_after_a_reset", Duration::zero(), kWaitAfterTransportError);
      return IsRetryable(first_, response.error());
    }
    if ((K8S_MUTANT("too_many_requests_is_final") || response->status != 429) &&
        (K8S_MUTANT("server_errors_are_final") || response->status < 500)) {
      return false;
    }
    const auto asked = ParseRetryAfter(response->headers.Get("Retry-After"));
    if (asked) retry_after_ = K8S_MUTATED("retry_after_is_ignored", Duration::zero(), *asked);
    return K8S_MUTANT("retries_without_retry_after") || asked.has_value();
  }

  // Why there will be another attempt, for the log of a limiter that holds it up.
  void Explain(const Result<Response>& response) {
    if (!response) {
      reason_ = Cat("due to retryable error, error: ", response.error().message());
    } else {
      reason_ = response->status == 429
                    ? Cat("due to server-side throttling, FlowSchema UID: ",
                          Quote(response->headers.Get("X-Kubernetes-PF-FlowSchema-UID")))
                    : std::to_string(response->status);
    }
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(retry_after_).count();
    reason_ = Cat("retries: ", std::to_string(attempts_),
                  ", retry-after: ", std::to_string(seconds), "s - retry-reason: ", reason_);
  }

  Result<Response> Finish(Result<Response> response) {
    if (response) {
      if (attempts_ > 1 || response->status >= 400) response->attempts = History();
      return response;
    }
    // A watch that could not be had is an empty one: its owner watches again (4.3).
    const bool empty_watch = policy_ == nullptr && first_.mode == Mode::kWatch &&
                             !first_.body_reader && IsRetryable(first_, response.error());
    if (!K8S_MUTANT("unreachable_watch_is_an_error") && empty_watch)
      return Response{.status = 200, .headers = {}, .body = StringBody("")};
    Error error = WithHistory(response.error()).WithAttempts(History());
    return earlier_in_doubt_ ? error.WithNothingDone(false) : error;
  }

  // A call that ended before its next attempt.
  Error Abandon(const Error& error) {
    Waited(env_.clock->Now());
    const Error ended = WithHistory(error).WithNothingDone(!in_doubt_);
    return attempts_ == 0 ? ended : ended.WithAttempts(History());
  }

  std::shared_ptr<const Attempts> History() {
    return std::make_shared<const Attempts>(Attempts{.made = attempts_,
                                                     .allowed = std::max(first_.max_retries, 0) + 1,
                                                     .latest = std::move(tried_),
                                                     .ended = std::move(refusal_),
                                                     .in_doubt = earlier_in_doubt_});
  }

  // The time between the end of the latest attempt and `now`.
  void Waited(TimePoint now) {
    if (!tried_.empty()) tried_.back().waited = now - ended_;
  }

  // Remembers the two latest failures; answers leave no history (4.6).
  void Track(std::optional<Error> failure) {
    if (current_) previous_ = std::move(current_);
    current_ = std::move(failure);
  }

  Error WithHistory(const Error& error) const {
    if (K8S_MUTANT("earlier_errors_are_forgotten") || !previous_ || first_.mode == Mode::kStream ||
        previous_->message() == error.message()) {
      return error;
    }
    return error.WithMessage(Cat(
        error.message(), " - error from a previous attempt: ", WithoutPlace(previous_->message())));
  }

  std::string WithoutPlace(std::string_view text) const {
    const std::string place = Cat(Describe(first_), ": ");
    if (text.starts_with(place)) text.remove_prefix(place.size());
    return std::string(text);
  }

  void LogRetry() const {
    if (LogVerbosity() < 4) return;
    const auto seconds = std::chrono::duration<double>(retry_after_).count();
    Log(4, Cat("Got a Retry-After response delay=", std::to_string(seconds),
               "s attempt=", std::to_string(attempts_), " url=", Quote(first_.url.String())));
  }

  RoundTripper& next_;
  RateLimiter* limiter_;
  const Env& env_;
  const ReplaySafe* policy_;
  const Request& first_;
  const Context& ctx_;
  const std::shared_ptr<BackoffManager> backoff_;
  Backoff growing_;  // of the policy
  int attempts_ = 0;
  TimePoint start_{}, began_{}, ended_{};  // of the first attempt; of the latest
  std::vector<Attempt> tried_;
  bool in_doubt_ = false, earlier_in_doubt_ = false;  // with the latest attempt; without it
  std::string refusal_;
  Duration retry_after_{};
  std::string reason_;
  std::optional<Error> current_;
  std::optional<Error> previous_;
};

class RetryLayer final : public RoundTripper {
 public:
  RetryLayer(std::shared_ptr<RoundTripper> next, std::shared_ptr<RateLimiter> limiter, Env env,
             std::shared_ptr<const ReplaySafe> policy)
      : next_(std::move(next)),
        limiter_(std::move(limiter)),
        env_(std::move(env)),
        policy_(std::move(policy)) {}

  Result<Response> RoundTrip(const Request& request, const Context& ctx) override {
    return Call(*next_, limiter_.get(), env_, policy_.get(), request, ctx).Run();
  }
  void CloseIdleConnections() override { next_->CloseIdleConnections(); }

 private:
  std::shared_ptr<RoundTripper> next_;
  std::shared_ptr<RateLimiter> limiter_;
  Env env_;
  std::shared_ptr<const ReplaySafe> policy_;
};

}  // namespace

std::optional<Duration> ParseRetryAfter(std::string_view value) {
  const auto seconds = ParseInt(value);
  if (!seconds) return std::nullopt;
  if (K8S_MUTANT("retry_after_in_milliseconds")) return std::chrono::milliseconds(*seconds);
  return std::chrono::seconds(std::clamp<int64_t>(*seconds, 0, kMaxRetryAfterSeconds));
}

Layer Retry(std::shared_ptr<RateLimiter> limiter, Env env,
            std::shared_ptr<const ReplaySafe> policy) {
  return [=](std::shared_ptr<RoundTripper> next) -> std::shared_ptr<RoundTripper> {
    return std::make_shared<RetryLayer>(std::move(next), limiter, env, policy);
  };
}

}  // namespace k8s::http
