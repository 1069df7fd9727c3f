#pragma once

// Box<T>: an optional T on the heap, copied deeply; the surface of std::optional. Go's pointers to
// structs become this. T may be incomplete where a Box is only declared. The bodies live in
// box_definitions.h and are instantiated once per type, beside the type's table, because inline
// they cost every file that copies a Deployment two seconds.
//
// A Box belongs to one thread at a time, like the struct that holds it.

#include <utility>

namespace k8s {

template <class T>
class Box {
 public:
  using value_type = T;

  Box() = default;
  Box(const T& value);  // NOLINT: as std::optional
  Box(T&& value);       // NOLINT
  Box(const Box& other);
  Box(Box&& other) noexcept : value_(std::exchange(other.value_, nullptr)) {}
  Box& operator=(const Box& other);
  Box& operator=(Box&& other) noexcept {
    std::swap(value_, other.value_);
    return *this;
  }
  // Most boxes are empty, and a pod has a hundred.
  ~Box() {
    if (value_ != nullptr) reset();
  }

  explicit operator bool() const { return value_ != nullptr; }
  bool has_value() const { return value_ != nullptr; }
  T& operator*() { return *value_; }
  const T& operator*() const { return *value_; }
  T* operator->() { return value_; }
  const T* operator->() const { return value_; }
  T* get() { return value_; }
  const T* get() const { return value_; }
  T& emplace();
  void reset();

 private:
  T* value_ = nullptr;
};

}  // namespace k8s
