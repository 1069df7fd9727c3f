#pragma once

// Bytes between a system call and whoever reads them: added at the end without being cleared first,
// taken away at both ends. Belongs to one thread at a time.

#include <cstddef>
#include <memory>
#include <string_view>

namespace k8s {

class ByteBuffer {
 public:
  // Valid until bytes are added.
  std::string_view view() const { return {bytes_.get() + begin_, size()}; }
  size_t size() const { return end_ - begin_; }
  bool empty() const { return begin_ == end_; }
  size_t capacity() const { return capacity_; }
  void clear() { begin_ = end_ = 0; }

  void Reserve(size_t capacity);
  // Room for `size` more bytes at the end, which count as written.
  char* Extend(size_t size);
  void Append(std::string_view bytes);
  // REQUIRES: that many are there.
  void RemovePrefix(size_t size) {
    begin_ += size;
    if (empty()) clear();
  }
  void RemoveSuffix(size_t size) { end_ -= size; }

 private:
  std::unique_ptr<char[]> bytes_;
  size_t begin_ = 0;
  size_t end_ = 0;
  size_t capacity_ = 0;
};

}  // namespace k8s
