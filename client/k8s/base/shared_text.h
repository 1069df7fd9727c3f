#pragma once

// A text that never changes and that copies share, so that what many objects have in common is in
// memory once. A pointer, null for "". Copies may belong to different threads; each of them belongs
// to one thread at a time.

#include <concepts>
#include <iosfwd>
#include <string>
#include <string_view>
#include <utility>

namespace k8s {

class SharedText {
 public:
  SharedText() = default;
  SharedText(std::string_view text);                                           // NOLINT
  SharedText(const std::string& text) : SharedText(std::string_view(text)) {}  // NOLINT
  SharedText(const char* text) : SharedText(std::string_view(text)) {}         // NOLINT
  SharedText(const SharedText& other) noexcept;
  SharedText(SharedText&& other) noexcept : shared_(std::exchange(other.shared_, nullptr)) {}
  SharedText& operator=(SharedText other) noexcept {
    std::swap(shared_, other.shared_);
    return *this;
  }
  ~SharedText() {
    if (shared_ != nullptr) Release();
  }

  bool empty() const { return shared_ == nullptr; }
  std::string_view view() const;
  operator std::string_view() const { return view(); }  // NOLINT
  bool IsSharedWith(const SharedText& other) const { return shared_ == other.shared_; }

  friend bool operator==(const SharedText& a, const SharedText& b) {
    return a.IsSharedWith(b) || a.view() == b.view();
  }
  template <std::convertible_to<std::string_view> Text>
  friend bool operator==(const SharedText& a, const Text& b) {
    return a.view() == std::string_view(b);
  }
  friend std::ostream& operator<<(std::ostream& out, const SharedText& text);

 private:
  struct Shared;
  void Release();

  Shared* shared_ = nullptr;
};

}  // namespace k8s
