#pragma once

// Value: a JSON document as a tree. Objects keep the order of their members, integers that fit stay
// 64-bit. It exists where an object is changed or has no C++ type: Unstructured, patches,
// admission. A value type: copies are deep, no locking.

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace k8s {

class Value {
 public:
  enum class Type : uint8_t { kNull, kBool, kInt, kDouble, kString, kArray, kObject };
  using Array = std::vector<Value>;
  using Member = std::pair<std::string, Value>;
  // Members in order. Names are unique: Set replaces in place.
  class Object {
   public:
    Object() = default;
    Object(std::initializer_list<Member> members);
    Object(const Object& other) : members_(other.members_) {}
    Object(Object&& other) noexcept = default;
    Object& operator=(const Object& other);
    Object& operator=(Object&& other) noexcept = default;

    const Value* Find(std::string_view name) const;
    Value* Find(std::string_view name);
    Value& operator[](std::string_view name);
    bool Remove(std::string_view name);
    // Adds at the end without looking for the name. REQUIRES: it is not there yet.
    Value& AppendNew(std::string name, Value value);
    // The same in front of the member at that position.
    Value& InsertNew(size_t at, std::string name, Value value);
    void RemoveAt(size_t at);
    void SortByName();
    void reserve(size_t n) { members_.reserve(n); }

    auto begin() const { return members_.begin(); }
    auto end() const { return members_.end(); }
    auto begin() { return members_.begin(); }
    auto end() { return members_.end(); }
    const Member& at(size_t i) const { return members_[i]; }
    Member& at(size_t i) { return members_[i]; }
    size_t size() const { return members_.size(); }
    bool empty() const { return members_.empty(); }
    const Member& back() const { return members_.back(); }

   private:
    struct Index;  // built once an object grows large, so that lookups stay cheap
    struct IndexDeleter {
      void operator()(Index* index) const;
    };
    size_t Position(std::string_view name) const;

    std::vector<Member> members_;
    mutable std::unique_ptr<Index, IndexDeleter> index_;
  };

  Value() : type_(Type::kNull), int_(0) {}
  Value(std::nullptr_t) : Value() {}                                             // NOLINT
  Value(bool value) : type_(Type::kBool), int_(0) { bool_ = value; }             // NOLINT
  Value(int value) : Value(static_cast<int64_t>(value)) {}                       // NOLINT
  Value(int64_t value) : type_(Type::kInt) { int_ = value; }                     // NOLINT
  Value(double value) : type_(Type::kDouble) { double_ = value; }                // NOLINT
  Value(std::string value) : type_(Type::kString), string_(std::move(value)) {}  // NOLINT
  Value(std::string_view value) : Value(std::string(value)) {}                   // NOLINT
  Value(const char* value) : Value(std::string(value)) {}                        // NOLINT
  Value(Array value) : type_(Type::kArray), array_(std::move(value)) {}          // NOLINT
  Value(Object value) : type_(Type::kObject), object_(std::move(value)) {}       // NOLINT
  static Value MakeArray(std::initializer_list<Value> items = {});
  static Value MakeObject(std::initializer_list<Member> members = {});

  Value(const Value& other);
  Value(Value&& other) noexcept { Take(other); }
  Value& operator=(const Value& other);
  Value& operator=(Value&& other) noexcept;
  ~Value() { Destroy(); }

  Type type() const { return type_; }
  bool is_null() const { return type_ == Type::kNull; }
  bool is_bool() const { return type_ == Type::kBool; }
  bool is_int() const { return type_ == Type::kInt; }
  bool is_number() const { return type_ == Type::kInt || type_ == Type::kDouble; }
  bool is_string() const { return type_ == Type::kString; }
  bool is_array() const { return type_ == Type::kArray; }
  bool is_object() const { return type_ == Type::kObject; }

  // REQUIRES: the type fits.
  bool boolean() const { return bool_; }
  int64_t integer() const { return int_; }
  double number() const { return type_ == Type::kInt ? static_cast<double>(int_) : double_; }
  const std::string& string() const { return string_; }
  std::string& string() { return string_; }
  const Array& array() const { return array_; }
  Array& array() { return array_; }
  const Object& object() const { return object_; }
  Object& object() { return object_; }

  // Lookups that never fail: null when there is no such member or this is no object.
  const Value* Find(std::string_view name) const;
  Value* Find(std::string_view name);
  const Value* Find(std::initializer_list<std::string_view> path) const;
  Value* Find(std::initializer_list<std::string_view> path);
  // The string, integer or bool at the path, or the fallback when it is absent or another type.
  std::string_view StringAt(std::initializer_list<std::string_view> path,
                            std::string_view fallback = {}) const;
  int64_t IntAt(std::initializer_list<std::string_view> path, int64_t fallback = 0) const;
  bool BoolAt(std::initializer_list<std::string_view> path, bool fallback = false) const;

  // The member, added as null at the end when absent; anything but an object becomes one first.
  Value& operator[](std::string_view name);
  Value& Set(std::string_view name, Value value) { return (*this)[name] = std::move(value); }
  bool Remove(std::string_view name);  // false when there was none
  void Append(Value item);             // anything but an array becomes one first

  // Objects compare without regard to order; an integer equals a double of the same number.
  friend bool operator==(const Value& a, const Value& b);

 private:
  bool IsScalar() const { return type_ < Type::kString; }
  // REQUIRES: the union holds nothing yet. The other becomes null.
  void Take(Value& other) noexcept {
    type_ = other.type_;
    if (IsScalar()) {
      int_ = other.int_;
    } else {
      TakeHeld(other);
    }
    other.type_ = Type::kNull;
  }
  void Destroy() noexcept {
    if (!IsScalar()) DestroyHeld();
  }
  void TakeHeld(Value& other) noexcept;
  void DestroyHeld() noexcept;

  Type type_;
  union {
    bool bool_;
    int64_t int_;
    double double_;
    std::string string_;
    Array array_;
    Object object_;
  };
};

}  // namespace k8s
