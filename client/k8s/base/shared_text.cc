#include "k8s/base/shared_text.h"

#include <atomic>
#include <ostream>

namespace k8s {

struct SharedText::Shared {
  std::atomic<size_t> owners = 1;
  const std::string text;
};

SharedText::SharedText(std::string_view text)
    : shared_(text.empty() ? nullptr : new Shared{.text = std::string(text)}) {}

SharedText::SharedText(const SharedText& other) noexcept : shared_(other.shared_) {
  if (shared_ != nullptr) shared_->owners.fetch_add(1, std::memory_order_relaxed);
}

// The last owner must see what the others have read before it frees it.
void SharedText::Release() {
  if (shared_->owners.fetch_sub(1, std::memory_order_acq_rel) == 1) delete shared_;
}

std::string_view SharedText::view() const {
  return shared_ != nullptr ? std::string_view(shared_->text) : std::string_view();
}

std::ostream& operator<<(std::ostream& out, const SharedText& text) { return out << text.view(); }

}  // namespace k8s
