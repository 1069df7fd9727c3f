#pragma once

// The open sockets of a transport or of several, so that all can be closed when what they were
// opened with, a client certificate, has been replaced. Streams enter and leave by themselves
// (NewSocketStream). Any thread may call any member.

#include <mutex>
#include <set>

namespace k8s::http {

class ConnectionTracker {
 public:
  void Add(int fd);
  // REQUIRES: fd is still open.
  void Remove(int fd);
  // Ends every connection, those in use included: whoever waits on one sees it closed.
  void CloseAll();

 private:
  std::mutex mutex_;
  std::set<int> open_;
};

}  // namespace k8s::http
