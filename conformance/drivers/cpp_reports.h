#pragma once

// What the driver of our own client hears beside the answers: warnings and metrics.

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "k8s/machinery/value.h"
#include "k8s/rest/warnings.h"

namespace k8s::conformance {

// Collects the texts of a client's warnings: "all" through a handler of its own, "once" through the
// writer that says each only once, "" not at all. Handler() may be called from any thread, and
// belongs to this object.
class Warnings {
 public:
  explicit Warnings(std::string_view how);
  rest::WarningHandler Handler() const { return handler_; }
  Value Texts() const;

 private:
  void Add(std::string_view text);

  mutable std::mutex mutex_;
  std::vector<std::string> texts_;
  rest::WarningHandler handler_;
};

// Counts what the client's metrics report on this thread while a Listening stands. The hooks belong
// to the process, and several drivers may play in it.
class Counts {
 public:
  class Listening {
   public:
    explicit Listening(Counts& counts);
    Listening(const Listening&) = delete;
    Listening& operator=(const Listening&) = delete;
    ~Listening();
  };
  // {"results": {"GET 200": 1}, "retries": {"GET 503": 1}, "calls": {"GET": 1}}
  Value AsValue() const;

 private:
  friend struct CountingHooks;
  std::map<std::string, int64_t> results_, retries_, calls_;
};

}  // namespace k8s::conformance
