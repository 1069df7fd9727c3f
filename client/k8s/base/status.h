#pragma once

// The server's error object, metav1.Status. It stands here, below everything else, because Error
// carries it; metav1::Status and its parts are these types, and their tables are generated from
// schema/meta_v1.facts like all others. Plain aggregates; members are named as on the wire.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "k8s/base/box.h"

namespace k8s {

struct ShardInfo {
  std::string selector{};
};

struct ListMeta {
  std::string selfLink{};
  std::string resourceVersion{};
  std::string continue_{};
  std::optional<int64_t> remainingItemCount{};
  Box<ShardInfo> shardInfo{};
};

struct StatusCause {
  std::string reason{};
  std::string message{};
  std::string field{};
};

struct StatusDetails {
  std::string name{};
  std::string group{};
  std::string kind{};
  std::string uid{};
  std::vector<StatusCause> causes{};
  int32_t retryAfterSeconds{};
};

struct Status {
  ListMeta metadata{};
  std::string status{};
  std::string message{};
  std::string reason{};
  Box<StatusDetails> details{};
  int32_t code{};
};

}  // namespace k8s
