#include "k8s/base/byte_buffer.h"

#include <algorithm>
#include <cstring>

namespace k8s {

void ByteBuffer::Reserve(size_t capacity) {
  if (capacity <= capacity_) return;
  auto bytes = std::make_unique_for_overwrite<char[]>(capacity);
  const size_t used = size();
  if (used > 0) std::memcpy(bytes.get(), bytes_.get() + begin_, used);
  bytes_ = std::move(bytes);
  begin_ = 0;
  end_ = used;
  capacity_ = capacity;
}

char* ByteBuffer::Extend(size_t size) {
  const size_t used = this->size();
  if (end_ + size > capacity_) {
    if (begin_ >= size) {
      std::memmove(bytes_.get(), bytes_.get() + begin_, used);
      begin_ = 0;
      end_ = used;
    } else {
      Reserve(std::max(2 * capacity_, used + size));
    }
  }
  char* const at = bytes_.get() + end_;
  end_ += size;
  return at;
}

void ByteBuffer::Append(std::string_view bytes) {
  if (!bytes.empty()) std::memcpy(Extend(bytes.size()), bytes.data(), bytes.size());
}

}  // namespace k8s
