#pragma once

// An object of a type known only at run time, owned. Movable, belongs to one thread at a time.

#include <utility>

#include "k8s/machinery/type_info.h"

namespace k8s {

class AnyObject {
 public:
  // A fresh one. REQUIRES: the type is a kind (it has create and destroy).
  explicit AnyObject(const TypeInfo& type) : type_(&type), object_(type.create()) {}
  AnyObject(AnyObject&& other) noexcept
      : type_(other.type_), object_(std::exchange(other.object_, nullptr)) {}
  AnyObject& operator=(AnyObject&& other) noexcept {
    std::swap(type_, other.type_);
    std::swap(object_, other.object_);
    return *this;
  }
  ~AnyObject() {
    if (object_ != nullptr) type_->destroy(object_);
  }

  const TypeInfo& type() const { return *type_; }
  void* get() { return object_; }
  const void* get() const { return object_; }

 private:
  const TypeInfo* type_;
  void* object_;
};

}  // namespace k8s
