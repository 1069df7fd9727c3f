#include "k8s/machinery/json_codec.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstring>
#include <memory>

#include "k8s/base/base64.h"
#include "k8s/base/strings.h"
#include "k8s/machinery/json.h"
#include "k8s/machinery/json_scanner.h"
#include "k8s/machinery/quantity.h"
#include "k8s/machinery/scalars.h"
#include "k8s/machinery/unstructured.h"

namespace k8s {
namespace {

// ---- reading ----

// How long the list of a field was that this thread decoded last. Objects that follow each other
// are much alike, so that a list of that size mostly needs one allocation and has no slack.
struct LastSize {
  const Field* field;
  size_t size;
};
thread_local constinit std::array<LastSize, 256> last_sizes{};

LastSize& LastSizeSlot(const Field& field) {
  return last_sizes[reinterpret_cast<uintptr_t>(&field) / sizeof(Field) % last_sizes.size()];
}
size_t LastSizeOf(const Field& field) {
  const LastSize& last = LastSizeSlot(field);
  return last.field == &field ? last.size : 0;
}
// A long list grows in few steps anyway, and is not worth what a short one after it would waste.
void RememberSize(const Field& field, size_t size) {
  constexpr size_t kMost = 64;
  LastSizeSlot(field) = {&field, std::min(size, kMost)};
}

// The field sets that this thread read last, by their place in a list. Those of replicas, and of an
// object that changes, are the same again and again: to compare costs less than to read, and what
// is alike is kept once.
thread_local std::array<SharedText, 8> last_sets;

// Reads by recursion, to kMaxJsonDepth. What does not lead further down is not inlined: each of the
// 10,000 levels would hold its locals, and a thread has 8 MB of stack.
class Reader {
 public:
  Reader(std::string_view text, TypeMeta* meta, std::vector<std::string>* strict)
      : scanner_(text), meta_(meta), strict_(strict) {
    path_.reserve(16);  // as deep as most objects are
  }

  Result<void> Document(const TypeInfo& type, void* object) {
    if (Message(type, object) &&
        (scanner_.AtEnd() || scanner_.FailUnexpected("the end of the document"))) {
      return {};
    }
    return Failure();
  }

  Result<size_t> Front(const TypeInfo& type, void* object) {
    if (Message(type, object)) return scanner_.offset();
    return Failure();
  }

  Result<size_t> WatchEventFront(const TypeInfo& type, void* object, JsonWatchEvent& event) {
    if (WatchMembers(type, object, event)) return scanner_.offset();
    return Failure();
  }

  Result<void> WatchEvent(const TypeInfo& type, void* object, JsonWatchEvent& event) {
    if (WatchMembers(type, object, event) &&
        (scanner_.AtEnd() || scanner_.FailUnexpected("the end of the frame"))) {
      return {};
    }
    return Failure();
  }

 private:
  // A step of the path to where the reader is; kept for errors and strict problems.
  struct Step {
    std::string_view name;
    size_t index = kNoIndex;
  };
  static constexpr size_t kNoIndex = static_cast<size_t>(-1);

  Error Failure() const {
    const Error error = scanner_.error();
    return path_.empty() ? error : error.WithMessage(Cat(error.message(), ", in ", Path()));
  }

  bool WatchMembers(const TypeInfo& type, void* object, JsonWatchEvent& event) {
    if (!scanner_.Take('{')) return scanner_.FailUnexpected("an object");
    if (scanner_.Take('}')) return true;
    do {
      std::string_view name, text;
      if (!scanner_.String(name, scratch_)) return false;
      const bool is_type = name == "type", is_object = name == "object";
      if (!scanner_.Take(':')) return scanner_.FailUnexpected("':'");
      if (is_type && scanner_.Peek() == '"') {
        if (!scanner_.String(text, scratch_)) return false;
        event.type = text;
      } else if (is_object) {
        scanner_.Peek();
        const char* start = scanner_.position();
        // An ERROR carries a Status, whatever is watched: its text is enough.
        const bool read = event.type == "ERROR" ? scanner_.Skip(text) : Message(type, object);
        if (!read) return false;
        event.object_text = {start, static_cast<size_t>(scanner_.position() - start)};
      } else if (!scanner_.Skip(text)) {
        return false;
      }
    } while (scanner_.Take(','));
    return scanner_.Take('}') || scanner_.FailUnexpected("',' or '}'");
  }

  std::string Path() const {
    std::string path;
    for (const Step& step : path_) {
      if (step.index != kNoIndex) {
        path += Cat("[", std::to_string(step.index), "]");
      } else {
        path += path.empty() ? std::string(step.name) : Cat(".", step.name);
      }
    }
    return path;
  }

  void Note(std::string_view what, std::string_view name) {
    const std::string path = Path();
    strict_->push_back(Cat(what, " field ", Quote(path.empty() ? name : Cat(path, ".", name))));
  }

  bool Message(const TypeInfo& type, void* object) {
    if (type.Has(kTree)) return Tree(object);
    if (type.Has(kTransparent)) return Value(type.fields[0], object);
    if (type.Has(kUnion) && scanner_.Peek() != 'n') return Union(type, object);
    const char next = scanner_.Peek();
    if (next == 'n') return scanner_.Literal("null");
    if (next != '{') return scanner_.FailUnexpected("an object");
    scanner_.Advance();
    if (!scanner_.Enter()) return false;
    if (!scanner_.Take('}')) {
      if (!Members(type, object)) return false;
      if (!scanner_.Take('}')) return scanner_.FailUnexpected("',' or '}'");
    }
    scanner_.Leave();
    return true;
  }

  [[gnu::noinline]] bool Tree(void* object) {
    std::string_view text;
    if (!scanner_.Skip(text)) return false;
    auto value = ParseJson(text);
    if (!value) return scanner_.Fail(value.error().message());
    if (meta_ != nullptr && path_.empty()) {
      meta_->kind = value->StringAt({"kind"});
      meta_->api_version = value->StringAt({"apiVersion"});
    }
    static_cast<Unstructured*>(object)->content = *std::move(value);
    return true;
  }

  bool Members(const TypeInfo& type, void* object) {
    const size_t count = type.fields.size();
    const uint32_t* const names = type.index.names;
    if (type.list_of != nullptr) items_ = &type.fields.back();
    size_t hint = 0;  // documents mostly come in the order of the table
    std::array<uint64_t, 2> seen{};
    do {
      if (scanner_.Peek() != '"') return scanner_.FailUnexpected("a member name");
      const uint32_t next = scanner_.NextFour();
      const auto is_named = [&](size_t i) {
        return names[i] == next && scanner_.TakeName(type.fields[i].quoted);
      };
      size_t index = hint;
      while (index < count && !is_named(index)) ++index;
      if (index == count) {
        index = 0;
        while (index < hint && !is_named(index)) ++index;
        if (index == hint && !UnusualName(type, index, seen[1])) return false;
      }
      if (index == kSkipped) continue;
      if (strict_ != nullptr && index < 126) {
        uint64_t& bits = seen[index / 64];
        const uint64_t bit = uint64_t{1} << index % 64;
        if ((bits & bit) != 0) Note("duplicate", type.fields[index].name());
        bits |= bit;
      }
      hint = index + 1;
      path_.push_back({type.fields[index].name()});
      if (!Value(type.fields[index], object)) return false;
      path_.pop_back();
    } while (scanner_.Take(','));
    return true;
  }

  static constexpr size_t kSkipped = static_cast<size_t>(-2);

  // A name that no row has byte for byte: escaped, followed by blanks, kind and apiVersion, or
  // unknown. The value of those that are no field is read here. The two highest bits of seen tell
  // whether kind and apiVersion were there before; no type has so many fields.
  [[gnu::noinline]] bool UnusualName(const TypeInfo& type, size_t& index, uint64_t& seen) {
    std::string_view name;
    std::string own;
    if (!scanner_.String(name, own)) return false;
    if (!scanner_.Take(':')) return scanner_.FailUnexpected("':'");
    if (const Field* field = type.Find(name)) {
      index = static_cast<size_t>(field - type.fields.data());
      return true;
    }
    index = kSkipped;
    if (type.Has(kIsKind) && (name == "kind" || name == "apiVersion")) {
      const uint64_t bit = uint64_t{1} << (name == "kind" ? 63 : 62);
      if (strict_ != nullptr && (seen & bit) != 0) Note("duplicate", name);
      seen |= bit;
      const bool is_kind = name == "kind";
      if (scanner_.Peek() == 'n') return scanner_.Literal("null");
      std::string_view text;
      if (!scanner_.String(text, scratch_)) return false;
      if (meta_ != nullptr && path_.empty()) {
        (is_kind ? meta_->kind : meta_->api_version) = text;
      }
      return true;
    }
    if (strict_ != nullptr) Note("unknown", name);
    std::string_view skipped;
    return scanner_.Skip(skipped);
  }

  // In JSON a union is the value of one member; its form tells which.
  bool Union(const TypeInfo& type, void* object) {
    const char next = scanner_.Peek();
    for (const Field& field : type.fields) {
      const bool fits = next == '['                  ? field.shape == Shape::kList
                        : next == 't' || next == 'f' ? field.kind == Kind::kBool
                                                     : field.shape == Shape::kOptional;
      if (!fits) continue;
      if (next == '{') {  // a schema allows what it describes
        for (const Field& other : type.fields) {
          if (other.kind == Kind::kBool) *static_cast<bool*>(MemberOf(object, other)) = true;
        }
      }
      return Value(field, object);
    }
    return scanner_.FailUnexpected("another form of value");
  }

  bool Value(const Field& field, void* object) {
    void* member = MemberOf(object, field);
    if (field.kind == Kind::kString && field.shape == Shape::kOne && scanner_.Peek() == '"')
      return Text(*static_cast<std::string*>(member));  // most
    switch (field.shape) {
      case Shape::kOne:
        if (field.kind != Kind::kMessage && field.kind != Kind::kJson && scanner_.Peek() == 'n') {
          return scanner_.Literal("null");
        }
        return Element(field, member);
      case Shape::kOptional:
        if (scanner_.Peek() == 'n' && field.kind != Kind::kJson) {
          field.access->clear(member);
          return scanner_.Literal("null");
        }
        return Element(field, field.access->add(member, {}));
      case Shape::kList:
        return List(field, member);
      case Shape::kMap:
        return Map(field, member);
    }
    return false;
  }

  bool List(const Field& field, void* list) {
    field.access->clear(list);
    if (scanner_.Peek() == 'n') return scanner_.Literal("null");
    if (!scanner_.Take('[')) return scanner_.FailUnexpected("a list");
    if (!scanner_.Enter()) return false;
    if (!scanner_.Take(']')) {
      path_.push_back({{}, 0});
      const size_t begin = scanner_.offset();
      const bool is_items = &field == items_;
      const size_t expected = is_items ? 0 : LastSizeOf(field);
      if (expected > 1) field.access->reserve(list, expected);
      do {
        if (!ElementOrNull(field, field.access->add(list, {}))) return false;
        if (++path_.back().index == 1 && is_items) Reserve(field, list, begin);
      } while (scanner_.Take(','));
      if (const size_t size = path_.back().index; size != expected && !is_items) {
        field.access->fit(list);
        RememberSize(field, size);
      }
      path_.pop_back();
      if (!scanner_.Take(']')) return scanner_.FailUnexpected("',' or ']'");
    }
    scanner_.Leave();
    return true;
  }

  // A list document is mostly its items, so the first one tells about how many there are. Growing
  // in steps instead would move every item several times. A document that lies costs at most eight
  // times its own size.
  void Reserve(const Field& field, void* list, size_t begin) {
    const size_t length = scanner_.offset() - begin;
    const size_t most = 8 * scanner_.remaining() / field.access->stride;
    field.access->reserve(list, 1 + std::min(scanner_.remaining() / (length + 1), most));
  }

  bool Map(const Field& field, void* map) {
    if (scanner_.Peek() == 'n') {
      field.access->clear(map);
      return scanner_.Literal("null");
    }
    if (!scanner_.Take('{')) return scanner_.FailUnexpected("an object");
    if (!scanner_.Enter()) return false;
    if (!scanner_.Take('}')) {
      do {
        std::string_view key;
        if (scanner_.Peek() != '"') return scanner_.FailUnexpected("a member name");
        if (!scanner_.String(key, scratch_)) return false;
        const size_t before = strict_ != nullptr ? field.access->size(map) : 0;
        void* element = field.access->add(map, key);
        if (strict_ != nullptr && field.access->size(map) == before) Note("duplicate", key);
        path_.push_back({strict_ != nullptr ? Keep(key) : std::string_view()});
        if (!scanner_.Take(':')) return scanner_.FailUnexpected("':'");
        if (!ElementOrNull(field, element)) return false;
        path_.pop_back();
      } while (scanner_.Take(','));
      if (!scanner_.Take('}')) return scanner_.FailUnexpected("',' or '}'");
    }
    scanner_.Leave();
    return true;
  }

  // The key must outlive the scratch buffer while it stands in the path.
  std::string_view Keep(std::string_view key) {
    kept_.emplace_back(std::make_unique<std::string>(key));
    return *kept_.back();
  }

  bool ElementOrNull(const Field& field, void* element) {
    if (scanner_.Peek() == 'n' && field.kind != Kind::kMessage && field.kind != Kind::kJson) {
      return scanner_.Literal("null");
    }
    return Element(field, element);
  }

  template <class T>
  [[gnu::noinline]] bool Integer(void* element) {
    std::string_view text;
    bool is_integer;
    const char next = scanner_.Peek();
    if (next != '-' && (next < '0' || next > '9')) return scanner_.FailUnexpected("a number");
    if (!scanner_.Number(text, is_integer)) return false;
    if (!is_integer) return scanner_.Fail(Cat("number ", text, " is not an integer"));
    const auto [end, failure] =
        std::from_chars(text.data(), text.data() + text.size(), *static_cast<T*>(element));
    if (failure != std::errc() || end != text.data() + text.size()) {
      return scanner_.Fail(Cat("number ", text, " is out of range"));
    }
    return true;
  }

  [[gnu::noinline]] bool Double(void* element) {
    std::string_view text;
    bool is_integer;
    if (!scanner_.Number(text, is_integer)) return false;
    if (std::from_chars(text.data(), text.data() + text.size(), *static_cast<double*>(element))
            .ec != std::errc()) {
      return scanner_.Fail(Cat("number ", text, " is out of range"));
    }
    return true;
  }

  // Raw extensions, field sets and free JSON.
  template <class Kept>
  [[gnu::noinline]] bool Raw(Kept& raw) {
    std::string_view text;
    if (!scanner_.Skip(text)) return false;
    raw = scanner_.passed_blanks() ? Kept(CompactJson(text)) : Kept(text);
    return true;
  }

  bool FieldSet(SharedText& raw) {
    const size_t place = path_.size() < 2 ? 0 : path_[path_.size() - 2].index;
    SharedText& last = last_sets[place % last_sets.size()];
    if (!last.empty() && scanner_.TakeText(last)) {
      raw = last;
      return true;
    }
    if (!Raw(raw)) return false;
    // An object ends where it ends, whatever follows; of a number more could follow.
    const std::string_view text = raw;
    if (text.size() <= FieldsV1::kMaxShared && text.starts_with('{')) last = raw;
    return true;
  }

  bool Text(std::string_view& text) {
    if (scanner_.Peek() != '"') return scanner_.FailUnexpected("a string");
    return scanner_.String(text, scratch_);
  }

  bool Text(std::string& text) {
    std::string_view read;
    if (!Text(read)) return false;
    AssignExactly(read, text);
    return true;
  }

  bool Element(const Field& field, void* element) {
    switch (field.kind) {
      case Kind::kString:
        return Text(*static_cast<std::string*>(element));
      case Kind::kMessage:
        return Message(field.type(), element);
      case Kind::kBool:
        *static_cast<bool*>(element) = scanner_.Peek() == 't';
        if (scanner_.Peek() != 't' && scanner_.Peek() != 'f') {
          return scanner_.FailUnexpected("true or false");
        }
        return scanner_.Literal(scanner_.Peek() == 't' ? "true" : "false");
      case Kind::kInt32:
        return Integer<int32_t>(element);
      case Kind::kInt64:
        return Integer<int64_t>(element);
      case Kind::kUint64:
        return Integer<uint64_t>(element);
      case Kind::kDouble:
        return Double(element);
      case Kind::kFieldsV1:
        return FieldSet(static_cast<FieldsV1*>(element)->raw);
      case Kind::kRawExtension:
        return Raw(static_cast<RawExtension*>(element)->raw);
      case Kind::kJson:
        return Raw(static_cast<Json*>(element)->raw);
      default:
        return Spelled(field.kind, element);
    }
  }

  // Scalars with a spelling of their own.
  [[gnu::noinline]] bool Spelled(Kind kind, void* element) {
    std::string_view text;
    bool is_integer;
    const char next = scanner_.Peek();
    const bool bare = next == '-' || (next >= '0' && next <= '9');
    if (kind == Kind::kIntOrString && bare) {
      *static_cast<IntOrString*>(element) = IntOrString();
      return Integer<int32_t>(&static_cast<IntOrString*>(element)->int_value);
    }
    if (kind == Kind::kQuantity && bare) {
      if (!scanner_.Number(text, is_integer)) return false;
    } else if (!Text(text)) {
      return false;
    }
    switch (kind) {
      case Kind::kBytes: {
        auto bytes = DecodeBase64(text);
        if (!bytes) return scanner_.Fail("illegal base64 data");
        *static_cast<std::string*>(element) = *std::move(bytes);
        return true;
      }
      case Kind::kTime:
        return Parsed<Time>(Time::Parse(text), element, "time", text);
      case Kind::kMicroTime:
        return Parsed<MicroTime>(MicroTime::Parse(text), element, "time with six digits", text);
      case Kind::kDuration:
        return Parsed<Duration>(ParseDuration(text), element, "duration", text);
      case Kind::kQuantity: {
        auto quantity = Quantity::Parse(Trim(text));
        if (!quantity) return scanner_.Fail(quantity.error().message());
        *static_cast<Quantity*>(element) = *std::move(quantity);
        return true;
      }
      case Kind::kIntOrString:
        *static_cast<IntOrString*>(element) = IntOrString(std::string(text));
        return true;
      default:
        return false;
    }
  }

  template <class T>
  bool Parsed(const std::optional<T>& value, void* element, std::string_view what,
              std::string_view text) {
    if (!value) return scanner_.Fail(Cat("cannot read ", Quote(text), " as a ", what));
    *static_cast<T*>(element) = *value;
    return true;
  }

  JsonScanner scanner_;
  TypeMeta* meta_;
  std::vector<std::string>* strict_;
  std::string scratch_;
  const Field* items_ = nullptr;  // of the list document that is being read
  std::vector<Step> path_;
  std::vector<std::unique_ptr<std::string>> kept_;
};

// ---- writing ----

void AppendInteger(int64_t number, std::string& out) {
  char buffer[24];
  out.append(buffer, std::to_chars(buffer, buffer + sizeof buffer, number).ptr);
}

bool IsZeroScalar(Kind kind, const void* member) {
  switch (kind) {
    case Kind::kBool:
      return !*static_cast<const bool*>(member);
    case Kind::kInt32:
      return *static_cast<const int32_t*>(member) == 0;
    case Kind::kInt64:
    case Kind::kUint64:
      return *static_cast<const int64_t*>(member) == 0;
    case Kind::kDouble:
      return *static_cast<const double*>(member) == 0;
    case Kind::kString:
    case Kind::kBytes:
    case Kind::kJson:
      return static_cast<const std::string*>(member)->empty();
    default:
      return false;  // Go's structs are never empty to it
  }
}

bool IsZeroMessage(const TypeInfo& type, const void* object);

bool IsZeroMember(const Field& field, const void* member) {
  if (field.shape != Shape::kOne) return field.access->size(member) == 0;
  switch (field.kind) {
    case Kind::kMessage:
      return IsZeroMessage(field.type(), member);
    case Kind::kTime:
    case Kind::kMicroTime:
      return static_cast<const Time*>(member)->IsZero();
    case Kind::kDuration:
      return static_cast<const Duration*>(member)->count() == 0;
    case Kind::kQuantity:
      return static_cast<const Quantity*>(member)->IsZero();
    case Kind::kRawExtension:
      return static_cast<const RawExtension*>(member)->raw.empty();
    case Kind::kFieldsV1:
      return static_cast<const FieldsV1*>(member)->raw.empty();
    case Kind::kIntOrString:
      return *static_cast<const IntOrString*>(member) == IntOrString();
    default:
      return IsZeroScalar(field.kind, member);
  }
}

bool IsZeroMessage(const TypeInfo& type, const void* object) {
  for (const Field& field : type.fields) {
    if (!IsZeroMember(field, MemberOf(object, field))) return false;
  }
  return true;
}

class Writer {
 public:
  // sparse: nothing that is zero is written, whatever Go would do.
  Writer(std::string& out, bool sparse) : out_(out), sparse_(sparse) {}

  void Message(const TypeInfo& type, const void* object, const TypeMeta* meta = nullptr) {
    if (type.Has(kTree)) {
      AppendJson(static_cast<const Unstructured*>(object)->content, out_);
      return;
    }
    if (type.Has(kTransparent)) {
      List(type.fields[0], MemberOf(object, type.fields[0]));
      return;
    }
    if (type.Has(kUnion)) {
      Union(type, object);
      return;
    }
    out_ += '{';
    bool first = true;
    if (meta != nullptr) {
      for (const auto& [name, text] :
           {std::pair<std::string_view, const std::string&>("\"kind\":", meta->kind),
            {"\"apiVersion\":", meta->api_version}}) {
        if (text.empty()) continue;
        if (!first) out_ += ',';
        first = false;
        out_ += name;
        AppendJsonString(text, out_);
      }
    }
    for (const Field& field : type.fields) {
      const void* member = MemberOf(object, field);
      if (!IsWritten(field, member)) continue;
      if (!first) out_ += ',';
      first = false;
      out_ += field.quoted;
      Value(field, member);
    }
    out_ += '}';
  }

 private:
  bool IsWritten(const Field& field, const void* member) const {
    if (sparse_) return !IsZeroMember(field, member);
    if (field.shape != Shape::kOne) {
      return field.Has(kAlways) || field.access->size(member) != 0;
    }
    if (field.kind == Kind::kMessage && field.type().Has(kTransparent)) {
      return field.Has(kAlways) || !IsZeroMessage(field.type(), member);
    }
    if (field.Has(kOmitZero)) return !IsZeroMember(field, member);
    return field.Has(kAlways) || !IsZeroScalar(field.kind, member);
  }

  void Union(const TypeInfo& type, const void* object) {
    const Field* fallback = nullptr;
    for (const Field& field : type.fields) {
      if (field.shape == Shape::kOne) {
        fallback = &field;
      } else if (field.access->size(MemberOf(object, field)) != 0) {
        Value(field, MemberOf(object, field));
        return;
      }
    }
    if (fallback != nullptr) {
      Element(*fallback, MemberOf(object, *fallback));
    } else {
      out_ += "null";
    }
  }

  void Value(const Field& field, const void* member) {
    switch (field.shape) {
      case Shape::kOne:
        if (field.kind == Kind::kBytes && static_cast<const std::string*>(member)->empty()) {
          out_ += "null";
          return;
        }
        if (field.kind == Kind::kMessage && field.type().Has(kTransparent) &&
            IsZeroMessage(field.type(), member)) {
          out_ += "null";
          return;
        }
        Element(field, member);
        return;
      case Shape::kOptional:
        if (field.access->size(member) == 0) {
          out_ += "null";
        } else {
          Element(field, field.access->data(member));
        }
        return;
      case Shape::kList:
        if (field.access->size(member) == 0) {
          out_ += "null";
        } else {
          List(field, member);
        }
        return;
      case Shape::kMap:
        Map(field, member);
        return;
    }
  }

  void List(const Field& field, const void* list) {
    const size_t size = field.access->size(list);
    const char* element = static_cast<const char*>(field.access->data(list));
    out_ += '[';
    for (size_t i = 0; i < size; ++i, element += field.access->stride) {
      if (i != 0) out_ += ',';
      Element(field, element);
    }
    out_ += ']';
  }

  void Map(const Field& field, const void* map) {
    if (field.access->size(map) == 0) {
      out_ += "null";
      return;
    }
    struct Walk {
      Writer* writer;
      const Field* field;
      bool first = true;
    } walk{this, &field};
    out_ += '{';
    field.access->visit(map, &walk, [](void* context, const std::string& key, const void* element) {
      Walk& now = *static_cast<Walk*>(context);
      if (!now.first) now.writer->out_ += ',';
      now.first = false;
      AppendJsonString(key, now.writer->out_);
      now.writer->out_ += ':';
      now.writer->Element(*now.field, element);
    });
    out_ += '}';
  }

  void Quoted(std::string_view plain) {
    out_ += '"';
    out_ += plain;
    out_ += '"';
  }

  void Element(const Field& field, const void* element) {
    switch (field.kind) {
      case Kind::kBool:
        out_ += *static_cast<const bool*>(element) ? "true" : "false";
        return;
      case Kind::kInt32:
        AppendInteger(*static_cast<const int32_t*>(element), out_);
        return;
      case Kind::kInt64:
        AppendInteger(*static_cast<const int64_t*>(element), out_);
        return;
      case Kind::kUint64:
        out_ += std::to_string(*static_cast<const uint64_t*>(element));
        return;
      case Kind::kDouble:
        AppendJsonDouble(*static_cast<const double*>(element), out_);
        return;
      case Kind::kString:
        AppendJsonString(*static_cast<const std::string*>(element), out_);
        return;
      case Kind::kBytes:
        out_ += '"';
        AppendBase64(*static_cast<const std::string*>(element), out_);
        out_ += '"';
        return;
      case Kind::kTime:
        Moment(*static_cast<const Time*>(element));
        return;
      case Kind::kMicroTime:
        Moment(*static_cast<const MicroTime*>(element));
        return;
      case Kind::kDuration:
        Quoted(FormatDuration(*static_cast<const Duration*>(element)));
        return;
      case Kind::kQuantity:
        Quoted(static_cast<const Quantity*>(element)->String());
        return;
      case Kind::kIntOrString: {
        const auto& value = *static_cast<const IntOrString*>(element);
        if (value.is_string) {
          AppendJsonString(value.string_value, out_);
        } else {
          AppendInteger(value.int_value, out_);
        }
        return;
      }
      case Kind::kRawExtension:
        return Raw(static_cast<const RawExtension*>(element)->raw);
      case Kind::kJson:
        return Raw(static_cast<const Json*>(element)->raw);
      case Kind::kFieldsV1:
        return Raw(static_cast<const FieldsV1*>(element)->raw);
      case Kind::kMessage:
        Message(field.type(), element);
        return;
    }
  }

  void Raw(std::string_view raw) { out_ += raw.empty() ? "null" : raw; }

  template <class T>
  void Moment(const T& time) {
    if (time.IsZero()) {
      out_ += "null";
    } else {
      Quoted(time.String());
    }
  }

  std::string& out_;
  const bool sparse_;
};

}  // namespace

Result<void> DecodeJson(std::string_view text, const TypeInfo& type, void* object, TypeMeta* meta,
                        std::vector<std::string>* strict) {
  return Reader(text, meta, strict).Document(type, object);
}

Result<size_t> DecodeJsonFront(std::string_view text, const TypeInfo& type, void* object) {
  return Reader(text, nullptr, nullptr).Front(type, object);
}

Result<void> DecodeJsonWatchEvent(std::string_view frame, const TypeInfo& type, void* object,
                                  JsonWatchEvent& event) {
  return Reader(frame, &event.meta, nullptr).WatchEvent(type, object, event);
}

Result<size_t> DecodeJsonWatchEventFront(std::string_view text, const TypeInfo& type, void* object,
                                         JsonWatchEvent& event) {
  return Reader(text, &event.meta, nullptr).WatchEventFront(type, object, event);
}

void EncodeJson(const TypeInfo& type, const void* object, const TypeMeta& meta, std::string& out) {
  Writer(out, false).Message(type, object, &meta);
}

void EncodeSparseJson(const TypeInfo& type, const void* object, const TypeMeta& meta,
                      std::string& out) {
  Writer(out, true).Message(type, object, &meta);
}

Result<TypeMeta> PeekTypeMeta(std::string_view text) {
  JsonScanner scanner(text);
  TypeMeta meta;
  const auto read = [&]() -> bool {
    if (!scanner.Take('{')) return scanner.FailUnexpected("an object");
    if (scanner.Take('}')) return true;
    do {
      std::string_view name, value;
      std::string scratch, value_scratch;
      if (!scanner.String(name, scratch)) return false;
      if (!scanner.Take(':')) return scanner.FailUnexpected("':'");
      const bool is_kind = name == "kind", is_version = name == "apiVersion";
      if ((is_kind || is_version) && scanner.Peek() == '"') {
        if (!scanner.String(value, value_scratch)) return false;
        (is_kind ? meta.kind : meta.api_version) = value;
        if (!meta.kind.empty() && !meta.api_version.empty()) return true;
      } else if (!scanner.Skip(value)) {
        return false;
      }
    } while (scanner.Take(','));
    return true;
  };
  if (!read()) return scanner.error();
  return meta;
}

Result<void> CheckJsonPrefix(std::string_view text) {
  JsonScanner scanner(text);
  std::string_view skipped;
  if (scanner.Skip(skipped) || scanner.ran_out()) return {};
  return scanner.error();
}

std::string CompactJson(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted && c == '\\') {
      out += c;
      if (++i < text.size()) out += text[i];
      continue;
    }
    if (c == '"') quoted = !quoted;
    if (!quoted && (c == ' ' || c == '\n' || c == '\t' || c == '\r')) continue;
    out += c;
  }
  return out;
}

}  // namespace k8s
