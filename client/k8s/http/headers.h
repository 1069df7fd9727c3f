#pragma once

// Header fields in the order they were set; names compare without case. A value, no locking.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace k8s::http {

class Headers {
 public:
  using Field = std::pair<std::string, std::string>;

  Headers() = default;
  Headers(std::initializer_list<Field> fields) : fields_(fields) {}

  // The first value, or "" when there is none; the view lives until the next change.
  std::string_view Get(std::string_view name) const;
  bool Has(std::string_view name) const;
  std::vector<std::string_view> Values(std::string_view name) const;
  void Set(std::string_view name, std::string value);  // replaces every value
  void Add(std::string_view name, std::string value);
  void Remove(std::string_view name);

  auto begin() const { return fields_.begin(); }
  auto end() const { return fields_.end(); }
  size_t size() const { return fields_.size(); }
  bool empty() const { return fields_.empty(); }

 private:
  std::vector<Field> fields_;
};

// The name as Go spells it on the wire: "x-test" is "X-Test". What is no name stays as it is.
std::string CanonicalName(std::string_view name);

}  // namespace k8s::http
