#pragma once

// Result<T>: a value, or the Error that took its place. The surface of C++23's std::expected, which
// g++ 12 does not have in C++20. Whoever prefers exceptions writes .value().

#include <functional>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <variant>

#include "k8s/base/error.h"

namespace k8s {

// What .value() throws when there is none; carries the Error.
class BadResult : public std::runtime_error {
 public:
  explicit BadResult(Error error) : std::runtime_error(error.message()), error_(std::move(error)) {}
  const Error& error() const { return error_; }

 private:
  Error error_;
};

template <class T>
class [[nodiscard]] Result {
 public:
  using value_type = T;

  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT
  // With a T{} that may be filled where it is.
  explicit Result(std::in_place_t) : state_(std::in_place_index<0>) {}
  template <class U>
  requires(std::is_convertible_v<U, T> && !std::is_same_v<std::remove_cvref_t<U>, T> &&
           !std::is_same_v<std::remove_cvref_t<U>, Error> &&
           !std::is_same_v<std::remove_cvref_t<U>, Result>) Result(U&& value)
      : state_(std::in_place_index<0>, std::forward<U>(value)) {}  // NOLINT

  bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }

  // REQUIRES: has_value().
  T& operator*() & { return *std::get_if<0>(&state_); }
  const T& operator*() const& { return *std::get_if<0>(&state_); }
  T&& operator*() && { return std::move(*std::get_if<0>(&state_)); }
  T* operator->() { return std::get_if<0>(&state_); }
  const T* operator->() const { return std::get_if<0>(&state_); }

  // Throws BadResult when there is no value.
  T& value() & { return Check(), **this; }
  const T& value() const& { return Check(), **this; }
  T value() && { return Check(), std::move(**this); }

  // REQUIRES: !has_value().
  const Error& error() const& { return *std::get_if<1>(&state_); }
  Error&& error() && { return std::move(*std::get_if<1>(&state_)); }

  // In the place of what there is.
  T& emplace() { return state_.template emplace<0>(); }
  void Fail(Error error) { state_.template emplace<1>(std::move(error)); }

  T value_or(T other) && { return has_value() ? std::move(**this) : std::move(other); }

  template <class F>
  auto and_then(F&& next) && -> std::invoke_result_t<F, T&&> {
    if (!has_value()) return std::move(*this).error();
    return std::invoke(std::forward<F>(next), std::move(**this));
  }
  template <class F>
  auto transform(F&& next) && -> Result<std::invoke_result_t<F, T&&>> {
    if (!has_value()) return std::move(*this).error();
    if constexpr (std::is_void_v<std::invoke_result_t<F, T&&>>) {
      std::invoke(std::forward<F>(next), std::move(**this));
      return {};
    } else {
      return std::invoke(std::forward<F>(next), std::move(**this));
    }
  }
  template <class F>
  Result or_else(F&& other) && {
    if (has_value()) return std::move(*this);
    return std::invoke(std::forward<F>(other), error());
  }

 private:
  void Check() const {
    if (!has_value()) throw BadResult(error());
  }

  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  using value_type = void;

  Result() : state_(std::in_place_index<0>) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT

  bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }
  // Throws BadResult on an error.
  void value() const {
    if (!has_value()) throw BadResult(error());
  }
  // REQUIRES: !has_value().
  const Error& error() const { return *std::get_if<1>(&state_); }

  template <class F>
  auto and_then(F&& next) && -> std::invoke_result_t<F> {
    if (!has_value()) return error();
    return std::invoke(std::forward<F>(next));
  }

 private:
  std::variant<std::monostate, Error> state_;
};

}  // namespace k8s
