#pragma once

// What surrounds a run beside the server's objects and faults: the files of the case, in a folder
// of their own that goes with the run, and the changes that happen while the client calls. A run's
// thread makes both; the changes are then made on the threads of the exchanges they follow.

#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "conformance/case.h"
#include "fakeapiserver/server.h"

namespace k8s::conformance {

class Folder {
 public:
  Folder() = default;
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder();

  // Makes the folder, at the first call.
  Result<void> Make();
  // `name` may have folders in it. A text that begins with "#!" may be run.
  Result<void> Write(const std::string& name, std::string_view text) const;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// Plays the case's meanwhile: a change when the server has worked out the answer to the exchange
// that it is after, and before that answer goes out.
class Changes {
 public:
  // The number of a connection that no client has: what comes over it is not the client's.
  static constexpr uint64_t kConnection = ~uint64_t{0};

  // The folder outlives the changes.
  Changes(const Case& one, const Folder& folder) : changes_(one.changes), folder_(folder) {}
  // REQUIRES: no exchange has begun, and the server goes first.
  void Follow(fakeapiserver::Server& server);

  // What went wrong with them, and those that were never due.
  std::vector<std::string> Complaints() const;

 private:
  void AfterExchange(size_t count);
  std::string Make(const Value& change);
  std::string Send(std::string_view method, const Value& object);

  const Value& changes_;
  const Folder& folder_;
  fakeapiserver::Server* server_ = nullptr;
  mutable std::mutex mutex_;  // guards all below
  size_t exchanges_ = 0;
  size_t made_ = 0;
  std::vector<std::string> complaints_;
};

}  // namespace k8s::conformance
