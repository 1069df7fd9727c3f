#pragma once

// A cache fed by list and watch, as a controller keeps one: it lists, watches from the list's
// revision, goes on from the last one it saw when the stream ends, and lists again when that is
// gone. It has no thread: whoever owns it says when it reads. Belongs to one run.

#include <map>
#include <optional>
#include <string>

#include "k8s/api/corev1.h"
#include "k8s/kubernetes/clientset.h"

namespace k8s::sim {

class Cache {
 public:
  Cache(const Clientset& clientset, std::string ns, Clock& clock)
      : maps_(clientset.CoreV1().ConfigMaps(std::move(ns))), clock_(clock) {}

  // Opens a watch that ends by itself after so long; lists first if need be. What fails is left to
  // the next call. REQUIRES: none is open.
  void Open(int64_t seconds, int64_t page);
  // Reads until the watch ends. True: it was open, and ended as it should.
  bool Drain();
  bool IsOpen() const { return watch_.has_value(); }

  struct Entry {
    std::string revision{};
    std::string value{};
    bool operator==(const Entry&) const = default;
  };
  const std::map<std::string, Entry>& entries() const { return entries_; }

 private:
  bool List(int64_t page);
  void Apply(std::string_view type, const corev1::ConfigMap& map);

  const ResourceClient<corev1::ConfigMap> maps_;
  Clock& clock_;
  std::string revision_;  // "": must list
  std::map<std::string, Entry> entries_;
  std::optional<Watcher<corev1::ConfigMap>> watch_;
};

// The member of a map that calls write and the model knows.
std::string ValueOf(const corev1::ConfigMap& map);

}  // namespace k8s::sim
