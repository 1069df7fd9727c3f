#include "k8s/http/connection_tracker.h"

#include <sys/socket.h>

namespace k8s::http {

void ConnectionTracker::Add(int fd) {
  std::lock_guard lock(mutex_);
  open_.insert(fd);
}

void ConnectionTracker::Remove(int fd) {
  std::lock_guard lock(mutex_);
  open_.erase(fd);
}

void ConnectionTracker::CloseAll() {
  // The descriptors stay their owners': under the lock none of them can be closed and given away.
  std::lock_guard lock(mutex_);
  for (const int fd : open_) ::shutdown(fd, SHUT_RDWR);
}

}  // namespace k8s::http
