#include "k8s/base/thread.h"

#include <pthread.h>

namespace k8s {

Thread::Thread(std::shared_ptr<Clock> clock, const std::string& name,
               std::function<void(std::stop_token)> body)
    : clock_(std::move(clock)) {
  clock_->OnThread(+1);
  thread_ = std::jthread([clock = clock_, body = std::move(body)](std::stop_token stop) {
    body(std::move(stop));
    clock->OnThread(-1);
  });
  pthread_setname_np(thread_.native_handle(), name.substr(0, 15).c_str());
}

Thread& Thread::operator=(Thread&& other) noexcept {
  if (this != &other) {
    RequestStop();
    Join();
    clock_ = std::move(other.clock_);
    thread_ = std::move(other.thread_);
  }
  return *this;
}

Thread::~Thread() {
  RequestStop();
  Join();
}

void Thread::Join() {
  if (!thread_.joinable()) return;
  clock_->OnBlocked(+1);
  thread_.join();
  clock_->OnBlocked(-1);
}

}  // namespace k8s
