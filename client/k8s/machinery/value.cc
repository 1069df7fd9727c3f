#include "k8s/machinery/value.h"

#include <algorithm>
#include <memory>
#include <unordered_map>

namespace k8s {
namespace {

// From here on a lookup goes through an index instead of along the members.
constexpr size_t kIndexedFrom = 48;
constexpr size_t kNowhere = static_cast<size_t>(-1);

// Most names of one length differ in the last letter, which costs no call.
bool IsNamed(const Value::Member& member, std::string_view name) {
  const std::string& own = member.first;
  return own.size() == name.size() && (name.empty() || (own.back() == name.back() && own == name));
}

}  // namespace

struct Value::Object::Index {
  // Owns copies of the names: the members move when the vector grows.
  std::unordered_map<std::string, size_t> positions;
};

void Value::Object::IndexDeleter::operator()(Index* index) const { delete index; }

Value Value::MakeArray(std::initializer_list<Value> items) { return Array(items); }
Value Value::MakeObject(std::initializer_list<Member> members) { return Object(members); }

Value::Value(const Value& other) : type_(other.type_) {
  switch (type_) {
    case Type::kString:
      std::construct_at(&string_, other.string_);
      break;
    case Type::kArray:
      std::construct_at(&array_, other.array_);
      break;
    case Type::kObject:
      std::construct_at(&object_, other.object_);
      break;
    default:
      int_ = other.int_;
  }
}

// What the other held is destroyed, which after a move costs next to nothing.
void Value::TakeHeld(Value& other) noexcept {
  switch (type_) {
    case Type::kString:
      std::construct_at(&string_, std::move(other.string_));
      break;
    case Type::kArray:
      std::construct_at(&array_, std::move(other.array_));
      break;
    default:
      std::construct_at(&object_, std::move(other.object_));
  }
  other.DestroyHeld();
}

Value& Value::operator=(const Value& other) {
  if (this != &other) *this = Value(other);
  return *this;
}

Value& Value::operator=(Value&& other) noexcept {
  if (this == &other) return *this;
  Value taken(std::move(other));  // taken out first: other may live inside this
  Destroy();
  Take(taken);
  return *this;
}

void Value::DestroyHeld() noexcept {
  switch (type_) {
    case Type::kString:
      std::destroy_at(&string_);
      break;
    case Type::kArray:
      std::destroy_at(&array_);
      break;
    default:
      std::destroy_at(&object_);
  }
}

const Value* Value::Find(std::string_view name) const {
  return is_object() ? object_.Find(name) : nullptr;
}

Value* Value::Find(std::string_view name) { return is_object() ? object_.Find(name) : nullptr; }

const Value* Value::Find(std::initializer_list<std::string_view> path) const {
  const Value* at = this;
  for (const std::string_view name : path) {
    if (at == nullptr) return nullptr;
    at = at->Find(name);
  }
  return at;
}

Value* Value::Find(std::initializer_list<std::string_view> path) {
  return const_cast<Value*>(static_cast<const Value*>(this)->Find(path));
}

std::string_view Value::StringAt(std::initializer_list<std::string_view> path,
                                 std::string_view fallback) const {
  const Value* at = Find(path);
  return at != nullptr && at->is_string() ? std::string_view(at->string()) : fallback;
}

int64_t Value::IntAt(std::initializer_list<std::string_view> path, int64_t fallback) const {
  const Value* at = Find(path);
  return at != nullptr && at->is_int() ? at->integer() : fallback;
}

bool Value::BoolAt(std::initializer_list<std::string_view> path, bool fallback) const {
  const Value* at = Find(path);
  return at != nullptr && at->is_bool() ? at->boolean() : fallback;
}

Value& Value::operator[](std::string_view name) {
  if (!is_object()) *this = Object();
  return object_[name];
}

bool Value::Remove(std::string_view name) { return is_object() && object_.Remove(name); }

void Value::Append(Value item) {
  if (!is_array()) *this = Array();
  array_.push_back(std::move(item));
}

bool operator==(const Value& a, const Value& b) {
  if (a.type_ != b.type_) return a.is_number() && b.is_number() && a.number() == b.number();
  switch (a.type_) {
    case Value::Type::kNull:
      return true;
    case Value::Type::kBool:
      return a.bool_ == b.bool_;
    case Value::Type::kInt:
      return a.int_ == b.int_;
    case Value::Type::kDouble:
      return a.double_ == b.double_;
    case Value::Type::kString:
      return a.string_ == b.string_;
    case Value::Type::kArray:
      return a.array_ == b.array_;
    case Value::Type::kObject:
      break;
  }
  if (a.object_.size() != b.object_.size()) return false;
  for (size_t i = 0; i < a.object_.size(); ++i) {
    const auto& [name, member] = a.object_.at(i);
    const Value::Member& same_place = b.object_.at(i);
    const Value* other = same_place.first == name ? &same_place.second : b.object_.Find(name);
    if (other == nullptr || !(*other == member)) return false;
  }
  return true;
}

Value::Object::Object(std::initializer_list<Member> members) {
  members_.reserve(members.size());
  for (const Member& member : members) (*this)[member.first] = member.second;
}

Value::Object& Value::Object::operator=(const Object& other) {
  members_ = other.members_;
  index_.reset();
  return *this;
}

size_t Value::Object::Position(std::string_view name) const {
  if (members_.size() < kIndexedFrom) {
    for (size_t i = 0; i < members_.size(); ++i) {
      if (IsNamed(members_[i], name)) return i;
    }
    return kNowhere;
  }
  if (!index_) index_.reset(new Index());
  // Members are only ever added at the end or removed (which drops the index), so the index covers
  // a prefix.
  for (size_t i = index_->positions.size(); i < members_.size(); ++i) {
    index_->positions.emplace(members_[i].first, i);
  }
  const auto found = index_->positions.find(std::string(name));
  return found == index_->positions.end() ? kNowhere : found->second;
}

const Value* Value::Object::Find(std::string_view name) const {
  const size_t at = Position(name);
  return at == kNowhere ? nullptr : &members_[at].second;
}

Value* Value::Object::Find(std::string_view name) {
  const size_t at = Position(name);
  return at == kNowhere ? nullptr : &members_[at].second;
}

Value& Value::Object::operator[](std::string_view name) {
  if (Value* found = Find(name)) return *found;
  return AppendNew(std::string(name), Value());
}

bool Value::Object::Remove(std::string_view name) {
  const size_t at = Position(name);
  if (at == kNowhere) return false;
  RemoveAt(at);
  return true;
}

void Value::Object::RemoveAt(size_t at) {
  members_.erase(members_.begin() + static_cast<ptrdiff_t>(at));
  index_.reset();
}

Value& Value::Object::AppendNew(std::string name, Value value) {
  members_.emplace_back(std::move(name), std::move(value));
  return members_.back().second;
}

Value& Value::Object::InsertNew(size_t at, std::string name, Value value) {
  index_.reset();
  return members_
      .emplace(members_.begin() + static_cast<ptrdiff_t>(at), std::move(name), std::move(value))
      ->second;
}

void Value::Object::SortByName() {
  const auto less = [](const Member& a, const Member& b) { return a.first < b.first; };
  if (std::is_sorted(members_.begin(), members_.end(), less)) return;
  std::sort(members_.begin(), members_.end(), less);
  index_.reset();
}

}  // namespace k8s
