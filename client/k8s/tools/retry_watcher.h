#pragma once

// A watch that outlives its connections (client-go's tools/watch.RetryWatcher): when the stream
// ends or cannot be had it is opened again where it was, at most once a second. It lists nothing,
// so it ends when the server has forgotten that place (410).
//
// One thread iterates, as over a Watcher; Stop may be called from any thread.

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>

#include "k8s/api/metav1.h"
#include "k8s/base/env.h"
#include "k8s/kubernetes/watcher.h"

namespace k8s::watch {

// From the start of one attempt to that of the next.
inline constexpr Duration kRetryInterval = std::chrono::seconds(1);

// The decisions, without the type: chapter 7.6.
class RetryWatchState {
 public:
  RetryWatchState(std::string resource_version, Env env, const Context& ctx);

  // Waits for the next attempt's turn; false: it is over.
  bool WaitToOpen();
  metav1::ListOptions Options(metav1::ListOptions given) const;
  // A Status to send as the last event, or none: the watch is opened again.
  std::optional<Status> OnRefused(const Error& error);
  enum class Next : uint8_t { kSend, kSkip, kReopen, kSendAndEnd };
  // `status` is that of an ERROR event, if it was one. kSendAndEnd for what the watcher itself
  // complains about sends complaint().
  Next OnEvent(std::string_view type, std::string_view resource_version, const Status* status);
  const std::optional<Status>& complaint() const { return complaint_; }

  const Context& ctx() const { return ctx_; }
  void Stop() { stop_.request_stop(); }
  bool Over() const { return !ctx_.Check(*env_.clock); }

 private:
  struct Forward {
    std::stop_source* target;
    void operator()() const { target->request_stop(); }
  };
  std::string resource_version_;
  const Env env_;
  std::stop_source stop_;
  std::stop_callback<Forward> forward_;
  const Context ctx_;
  std::optional<TimePoint> opened_at_;
  TimePoint not_before_{};  // what the server asked for
  std::optional<Status> complaint_;
};

// Fails for a version that names no place: "" and "0".
Result<void> CheckInitialVersion(std::string_view resource_version);

template <class T>
class RetryWatcher {
 public:
  using Open = std::function<Result<Watcher<T>>(const metav1::ListOptions&, const Context&)>;

  // `options` carries selectors; its resource version is replaced.
  static Result<RetryWatcher> New(std::string_view resource_version, Open open,
                                  const metav1::ListOptions& options = {}, Env env = {},
                                  const Context& ctx = {}) {
    if (auto good = CheckInitialVersion(resource_version); !good) return good.error();
    return RetryWatcher(std::string(resource_version), std::move(open), options, std::move(env),
                        ctx);
  }

  // The next event, waiting for it, also through failures; nullopt at the end. Bookmarks are not
  // among them. An ERROR is the last one; status() says what it was.
  std::optional<WatchEvent<T>> Next() {
    while (!ended_) {
      if (!watch_ && !Reopen()) {
        if (refused_) return Last(*std::exchange(refused_, {}));
        continue;
      }
      auto event = watch_->Next();
      if (!event) {
        watch_.reset();
        if (state_->Over()) ended_ = true;
        continue;
      }
      const bool is_error = event->type == rest::kError;
      const auto& said = watch_->status();
      switch (state_->OnEvent(event->type, event->object.metadata.resourceVersion,
                              is_error && said ? &*said : nullptr)) {
        case RetryWatchState::Next::kSend:
          return event;
        case RetryWatchState::Next::kSkip:
          break;
        case RetryWatchState::Next::kReopen:
          watch_.reset();
          break;
        case RetryWatchState::Next::kSendAndEnd:
          return Last(state_->complaint() ? *state_->complaint() : *said);
      }
    }
    return std::nullopt;
  }

  void Stop() { state_->Stop(); }
  // Of the ERROR event that ended it.
  const std::optional<Status>& status() const { return status_; }

 private:
  RetryWatcher(std::string resource_version, Open open, const metav1::ListOptions& options, Env env,
               const Context& ctx)
      : state_(std::make_unique<RetryWatchState>(std::move(resource_version), std::move(env), ctx)),
        open_(std::move(open)),
        options_(options) {}

  // False: there is nothing to read from yet.
  bool Reopen() {
    if (!state_->WaitToOpen()) {
      ended_ = true;
      return false;
    }
    auto opened = open_(state_->Options(options_), state_->ctx());
    if (opened) {
      watch_.emplace(*std::move(opened));
      return true;
    }
    refused_ = state_->OnRefused(opened.error());
    return false;
  }

  std::optional<WatchEvent<T>> Last(const Status& status) {
    status_ = status;
    ended_ = true;
    watch_.reset();
    return WatchEvent<T>{rest::kError, T{}};
  }

  std::unique_ptr<RetryWatchState> state_;
  Open open_;
  metav1::ListOptions options_;
  std::optional<Watcher<T>> watch_;
  std::optional<Status> refused_;
  std::optional<Status> status_;
  bool ended_ = false;
};

}  // namespace k8s::watch
