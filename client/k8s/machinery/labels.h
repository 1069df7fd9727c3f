#pragma once

// Label selectors: parsed from their text, matched against labels, printed again (C-9.17, S-5.12).
// Values; matching is read-only and may happen on many threads.

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "k8s/base/result.h"
#include "k8s/machinery/value.h"

namespace k8s::labels {

// An object's labels, in any order.
using Set = std::vector<std::pair<std::string, std::string>>;

enum class Operator : uint8_t {
  kIn,
  kNotIn,
  kEquals,
  kDoubleEquals,
  kNotEquals,
  kExists,
  kDoesNotExist,
  kGreaterThan,
  kLessThan
};

struct Requirement {
  std::string key{};
  Operator op = Operator::kExists;
  std::vector<std::string> values{};  // sorted, unique

  bool Matches(const Set& labels) const;
};

class Selector {
 public:
  Selector() = default;  // selects everything
  explicit Selector(std::vector<Requirement> requirements);

  // Errors carry an API server's words; a caller that answers them adds nothing.
  static Result<Selector> Parse(std::string_view text);
  // Of a metav1.LabelSelector: matchLabels and matchExpressions. Null selects nothing.
  static Result<Selector> FromValue(const Value* selector);

  bool Matches(const Set& labels) const;
  bool empty() const { return requirements_.empty() && !nothing_; }
  std::string String() const;
  const std::vector<Requirement>& requirements() const { return requirements_; }

 private:
  std::vector<Requirement> requirements_;  // sorted by key
  bool nothing_ = false;
};

}  // namespace k8s::labels
