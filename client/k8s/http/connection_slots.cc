#include "k8s/http/connection_slots.h"

namespace k8s::http {

ConnectionSlots::ConnectionSlots(size_t limit, std::shared_ptr<Clock> clock)
    : limit_(limit), clock_(std::move(clock)) {}

ConnectionSlots::Slot ConnectionSlots::TryTake(const std::string& host) {
  if (limit_ == 0) return std::make_shared<char>();
  std::lock_guard lock(mutex_);
  if (open_[host] >= limit_) return nullptr;
  ++open_[host];
  return {this, [self = shared_from_this(), host](void*) {
            std::lock_guard guard(self->mutex_);
            if (--self->open_[host] == 0) self->open_.erase(host);
            ++self->version_;
            self->changed_.notify_all();
          }};
}

uint64_t ConnectionSlots::version() const {
  if (limit_ == 0) return 0;
  std::lock_guard lock(mutex_);
  return version_;
}

void ConnectionSlots::Changed() {
  if (limit_ == 0) return;
  std::lock_guard lock(mutex_);
  ++version_;
  changed_.notify_all();
}

Result<void> ConnectionSlots::WaitForChange(uint64_t seen, const Context& ctx) {
  std::unique_lock lock(mutex_);
  clock_->Wait(lock, changed_, kForever, ctx, [&] { return version_ != seen; });
  return ctx.Check(*clock_);
}

}  // namespace k8s::http
