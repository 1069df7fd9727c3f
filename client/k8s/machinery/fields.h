#pragma once

// Field selectors: parsed, matched, printed (C-9.18, chapter 5.5 of the server's specification).
// Values; matching is read-only and may happen on many threads.

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "k8s/base/result.h"
#include "k8s/machinery/labels.h"

namespace k8s::fields {

// Selectable fields of an object by path; an absent path means the empty text.
using Set = labels::Set;
std::string_view Get(const Set& fields, std::string_view field);

struct Term {
  std::string field{};
  std::string value{};
  bool equal = true;
};

class Selector {
 public:
  Selector() = default;  // selects everything
  explicit Selector(std::vector<Term> terms) : terms_(std::move(terms)) {}
  static Result<Selector> Parse(std::string_view text);

  bool Matches(const Set& fields) const;
  // The same where the fields stand elsewhere: asks for the value of each that it names.
  bool MatchesValues(const std::function<std::string_view(std::string_view field)>& value_of) const;
  bool empty() const { return terms_.empty(); }
  const std::vector<Term>& terms() const { return terms_; }
  // The value that the field must have, or null.
  const std::string* RequiresExactMatch(std::string_view field) const;
  std::string String() const;

 private:
  std::vector<Term> terms_;  // sorted by their text when parsed
};

std::string EscapeValue(std::string_view value);

}  // namespace k8s::fields
