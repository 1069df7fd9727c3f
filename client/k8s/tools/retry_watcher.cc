#include "k8s/tools/retry_watcher.h"

#include <algorithm>

#include "k8s/base/log.h"
#include "k8s/base/strings.h"

namespace k8s::watch {
namespace {

Status InternalErrorStatus(std::string message) {
  Status status;
  status.status = "Failure";
  status.code = 500;
  status.reason = "InternalError";
  status.message = Cat("Internal error occurred: ", message);
  return status;
}

}  // namespace

Result<void> CheckInitialVersion(std::string_view resource_version) {
  if (!resource_version.empty() && resource_version != "0") return {};
  return Invalid(Cat("initial RV ", Quote(resource_version),
                     " is not supported due to issues with underlying WATCH"));
}

RetryWatchState::RetryWatchState(std::string resource_version, Env env, const Context& ctx)
    : resource_version_(std::move(resource_version)),
      env_(std::move(env)),
      forward_(ctx.stop(), Forward{&stop_}),
      ctx_(ctx.WithStop(stop_.get_token())) {}

bool RetryWatchState::WaitToOpen() {
  const TimePoint now = env_.clock->Now();
  TimePoint turn = not_before_;
  if (opened_at_) turn = std::max(turn, *opened_at_ + kRetryInterval);
  if (!Sleep(*env_.clock, turn - now, ctx_) || Over()) return false;
  opened_at_ = env_.clock->Now();
  return true;
}

metav1::ListOptions RetryWatchState::Options(metav1::ListOptions given) const {
  given.resourceVersion = resource_version_;
  given.allowWatchBookmarks = true;
  return given;
}

std::optional<Status> RetryWatchState::OnRefused(const Error& error) {
  if (error.status() != nullptr && (IsUnauthorized(error) || IsForbidden(error)))
    return *error.status();
  // Also a 410: a quirk of client-go, which tries the same place again for ever.
  Log(4, Cat("watch failed, opening it again: ", error.message()));
  return std::nullopt;
}

RetryWatchState::Next RetryWatchState::OnEvent(std::string_view type,
                                               std::string_view resource_version,
                                               const Status* status) {
  if (type == rest::kError) {
    if (status == nullptr) return Next::kReopen;
    if (status->code == 410) return Next::kSendAndEnd;
    const int seconds = status->details ? status->details->retryAfterSeconds : 0;
    not_before_ = env_.clock->Now() + std::chrono::seconds(std::max(seconds, 0));
    return Next::kReopen;
  }
  const bool bookmark = type == rest::kBookmark;
  if (!bookmark && type != rest::kAdded && type != rest::kModified && type != rest::kDeleted) {
    complaint_ = InternalErrorStatus(Cat("retryWatcher: unknown event type ", Quote(type)));
    return Next::kSendAndEnd;
  }
  if (resource_version.empty()) {
    complaint_ = InternalErrorStatus("retryWatcher: object does not have a resourceVersion");
    return Next::kSendAndEnd;
  }
  resource_version_ = resource_version;
  return bookmark ? Next::kSkip : Next::kSend;
}

}  // namespace k8s::watch
