#include "k8s/machinery/json_extent.h"

namespace k8s {
namespace {

bool EndsScalar(char c) {
  return c == ',' || c == '}' || c == ']' || c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

}  // namespace

size_t JsonExtent::End(std::string_view text) {
  for (; scanned_ < text.size(); ++scanned_) {
    const char c = text[scanned_];
    if (quoted_) {
      if (escaped_) {
        escaped_ = false;
      } else if (c == '\\') {
        escaped_ = true;
      } else if (c == '"') {
        quoted_ = false;
        if (depth_ == 0) return ++scanned_;
      }
    } else if (c == '"') {
      quoted_ = true;
    } else if (c == '{' || c == '[') {
      ++depth_;
    } else if (depth_ == 0) {
      if (scanned_ > 0 && EndsScalar(c)) return scanned_;
    } else if (c == '}' || c == ']') {
      if (--depth_ == 0) return ++scanned_;
    }
  }
  return kNotYet;
}

}  // namespace k8s
