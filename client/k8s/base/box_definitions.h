#pragma once

// The bodies of Box<T>, for the one file that instantiates it for its T. See box.h.

#include "k8s/base/box.h"

namespace k8s {

template <class T>
Box<T>::Box(const T& value) : value_(new T(value)) {}

template <class T>
Box<T>::Box(T&& value) : value_(new T(std::move(value))) {}

template <class T>
Box<T>::Box(const Box& other) : value_(other.value_ ? new T(*other.value_) : nullptr) {}

template <class T>
Box<T>& Box<T>::operator=(const Box& other) {
  if (this != &other) {
    T* copy = other.value_ ? new T(*other.value_) : nullptr;
    delete value_;
    value_ = copy;
  }
  return *this;
}

template <class T>
T& Box<T>::emplace() {
  T* fresh = new T();
  delete value_;
  value_ = fresh;
  return *value_;
}

template <class T>
void Box<T>::reset() {
  delete value_;
  value_ = nullptr;
}

}  // namespace k8s
