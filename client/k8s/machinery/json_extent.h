#pragma once

// Finds where a JSON value ends while its bytes still arrive. Looks at every byte once and checks
// no grammar: brackets are counted, not matched. A value; belongs to one thread.

#include <cstddef>
#include <string_view>

namespace k8s {

class JsonExtent {
 public:
  static constexpr size_t kNotYet = static_cast<size_t>(-1);

  // The length of the value at the front of text, or kNotYet. After kNotYet the next text is the
  // same with more behind it. REQUIRES: text begins with the value's first byte.
  size_t End(std::string_view text);

 private:
  size_t scanned_ = 0;
  int depth_ = 0;
  bool quoted_ = false, escaped_ = false;
};

}  // namespace k8s
