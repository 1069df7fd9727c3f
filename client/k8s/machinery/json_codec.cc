#include "k8s/machinery/json_codec.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "k8s/base/base64.h"
#include "k8s/base/strings.h"
#include "k8s/machinery/json.h"
#include "k8s/machinery/json_scanner.h"
#include "k8s/machinery/quantity.h"
#include "k8s/machinery/scalars.h"
#include "k8s/machinery/unstructured.h"

namespace k8s {
namespace {

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
// 10,000 levels would hold its locals, and a thread has 8 MB of stack. As those of JsonScanner, its
// functions read from `at` and say where they stopped; null: see Failure().
class Reader {
 public:
  Reader(std::string_view text, TypeMeta* meta, std::vector<std::string>* strict)
      : scanner_(text), meta_(meta), strict_(strict) {}

  Result<void> Document(const TypeInfo& type, void* object) {
    return Whole(Message(scanner_.begin(), type, object), "the end of the document");
  }

  Result<size_t> Front(const TypeInfo& type, void* object) {
    return Part(Message(scanner_.begin(), type, object));
  }

  Result<void> WatchEvent(const TypeInfo& type, void* object, JsonWatchEvent& event) {
    return Whole(WatchMembers(scanner_.begin(), type, object, event), "the end of the frame");
  }

  Result<size_t> WatchEventFront(const TypeInfo& type, void* object, JsonWatchEvent& event) {
    return Part(WatchMembers(scanner_.begin(), type, object, event));
  }

 private:
  // A step of the path to where the reader is: a field, a key or a place in a list. Each lies in
  // the stack frame of the function that reads what is below it; they are looked at for errors,
  // strict problems and little else.
  struct Step {
    const Step* outer;
    const Field* field = nullptr;
    std::string_view key{};
    size_t index = kNoIndex;

    bool IsSet() const { return field != nullptr || key.data() != nullptr || index != kNoIndex; }
  };
  static constexpr size_t kNoIndex = static_cast<size_t>(-1);

  Result<void> Whole(const char* at, std::string_view end) {
    if (at == nullptr) return Failure();
    if (scanner_.IsAtEnd(at)) return {};
    scanner_.FailUnexpected(at, end);
    return Failure();
  }
  Result<size_t> Part(const char* at) {
    if (at == nullptr) return Failure();
    return scanner_.OffsetOf(at);
  }

  Error Failure() const {
    const Error error = scanner_.error();
    if (!failed_in_ || failed_in_->empty()) return error;
    return error.WithMessage(Cat(error.message(), ", in ", *failed_in_));
  }

  // Always null, for a function whose steps end with its failure: the path is kept.
  const char* Lost() {
    if (!failed_in_) failed_in_ = Path();
    return nullptr;
  }

  const char* WatchMembers(const char* at, const TypeInfo& type, void* object,
                           JsonWatchEvent& event) {
    if (!scanner_.Take(at, '{')) return scanner_.FailUnexpected(at, "an object");
    if (scanner_.Take(at, '}')) return at;
    do {
      std::string_view name, text;
      if ((at = scanner_.String(at, name, scratch_)) == nullptr) return nullptr;
      const bool is_type = name == "type", is_object = name == "object";
      if (!scanner_.Take(at, ':')) return scanner_.FailUnexpected(at, "':'");
      const char next = scanner_.Peek(at);
      if (is_type && next == '"') {
        at = scanner_.String(at, text, scratch_);
        event.type = text;
      } else if (is_object) {
        const char* const start = at;
        // An ERROR carries a Status, whatever is watched: its text is enough.
        at = event.type == "ERROR" ? scanner_.Skip(at, text) : Message(at, type, object);
        if (at != nullptr) event.object_text = {start, static_cast<size_t>(at - start)};
      } else {
        at = scanner_.Skip(at, text);
      }
      if (at == nullptr) return nullptr;
    } while (scanner_.Take(at, ','));
    if (!scanner_.Take(at, '}')) return scanner_.FailUnexpected(at, "',' or '}'");
    return at;
  }

  std::string Path() const {
    std::vector<const Step*> steps;
    for (const Step* step = innermost_; step != nullptr; step = step->outer) {
      if (step->IsSet()) steps.push_back(step);
    }
    std::string path;
    for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
      if ((*step)->index != kNoIndex) {
        path += Cat("[", std::to_string((*step)->index), "]");
      } else {
        const std::string_view name = (*step)->field ? (*step)->field->name() : (*step)->key;
        path += path.empty() ? std::string(name) : Cat(".", name);
      }
    }
    return path;
  }

  void Note(std::string_view what, std::string_view name) {
    const std::string path = Path();
    strict_->push_back(Cat(what, " field ", Quote(path.empty() ? name : Cat(path, ".", name))));
  }

  const char* Message(const char* at, const TypeInfo& type, void* object) {
    if ((type.flags & (kTree | kTransparent | kUnion)) != 0) [[unlikely]]
      return UnusualMessage(at, type, object);
    return Object(at, type, object);
  }

  const char* UnusualMessage(const char* at, const TypeInfo& type, void* object) {
    if (type.Has(kTree)) return Tree(at, object);
    if (type.Has(kTransparent)) return Value(at, type.fields[0], object);
    return scanner_.Peek(at) == 'n' ? scanner_.Literal(at, "null") : Union(at, type, object);
  }

  const char* Object(const char* at, const TypeInfo& type, void* object) {
    const char next = scanner_.Peek(at);
    if (next != '{') [[unlikely]] {
      return next == 'n' ? scanner_.Literal(at, "null") : scanner_.FailUnexpected(at, "an object");
    }
    if (!scanner_.Enter(++at)) return nullptr;
    if (!scanner_.Take(at, '}')) {
      if ((at = Members(at, type, object)) == nullptr) return nullptr;
      if (!scanner_.Take(at, '}')) return scanner_.FailUnexpected(at, "',' or '}'");
    }
    scanner_.Leave();
    return at;
  }

  [[gnu::noinline]] const char* Tree(const char* at, void* object) {
    std::string_view text;
    if ((at = scanner_.Skip(at, text)) == nullptr) return nullptr;
    auto value = ParseJson(text);
    if (!value) return scanner_.Fail(at, value.error().message());
    if (meta_ != nullptr && innermost_ == nullptr) {
      meta_->kind = value->StringAt({"kind"});
      meta_->api_version = value->StringAt({"apiVersion"});
    }
    static_cast<Unstructured*>(object)->content = *std::move(value);
    return at;
  }

  const char* Members(const char* at, const TypeInfo& type, void* object) {
    const size_t count = type.fields.size();
    const Field* const fields = type.fields.data();
    const uint32_t* const names = type.index.names;
    if (type.list_of != nullptr) items_ = &type.fields.back();
    size_t hint = 0;  // documents mostly come in the order of the table
    Seen seen{};
    Step step{.outer = innermost_};
    innermost_ = &step;
    do {
      if (scanner_.Peek(at) != '"') [[unlikely]] {
        scanner_.FailUnexpected(at, "a member name");
        return Lost();
      }
      const uint32_t next = scanner_.FourAt(at);
      const auto is_named = [&](size_t i) {
        return names[i] == next && scanner_.TakeName(at, fields[i].quoted);
      };
      size_t index = hint;
      while (index < count && !is_named(index)) ++index;
      if (index == count) [[unlikely]] {
        index = 0;
        while (index < hint && !is_named(index)) ++index;
        if (index == hint && (at = UnusualName(at, type, index, seen[1])) == nullptr) return Lost();
        if (index == kSkipped) continue;
      }
      if (strict_ != nullptr) [[unlikely]]
        NoteDuplicate(fields[index], index, seen);
      hint = index + 1;
      const Field& field = fields[index];
      step.field = &field;
      std::string_view text;
      if (field.kind == Kind::kString && field.shape == Shape::kOne &&
          scanner_.TakePlainString(at, text)) {  // most
        AssignExactly(text, *static_cast<std::string*>(MemberOf(object, field)));
      } else if ((at = Value(at, field, object)) == nullptr) [[unlikely]] {
        return Lost();
      }
      step.field = nullptr;
    } while (scanner_.Take(at, ','));
    innermost_ = step.outer;
    return at;
  }

  static constexpr size_t kSkipped = static_cast<size_t>(-2);
  // Which fields an object had so far, a bit each. The two highest bits tell whether kind and
  // apiVersion were there, which are no fields; no type has so many.
  using Seen = std::array<uint64_t, 2>;

  [[gnu::noinline]] void NoteDuplicate(const Field& field, size_t index, Seen& seen) {
    if (index >= 126) return;
    uint64_t& bits = seen[index / 64];
    const uint64_t bit = uint64_t{1} << index % 64;
    if ((bits & bit) != 0) Note("duplicate", field.name());
    bits |= bit;
  }

  // A name that no row has byte for byte: escaped, followed by blanks, kind and apiVersion, or
  // unknown. The value of those that are no field is read here.
  [[gnu::noinline]] const char* UnusualName(const char* at, const TypeInfo& type, size_t& index,
                                            uint64_t& seen) {
    std::string_view name;
    std::string own;
    if ((at = scanner_.String(at, name, own)) == nullptr) return nullptr;
    if (!scanner_.Take(at, ':')) return scanner_.FailUnexpected(at, "':'");
    if (const Field* field = type.Find(name)) {
      index = static_cast<size_t>(field - type.fields.data());
      return at;
    }
    index = kSkipped;
    if (type.Has(kIsKind) && (name == "kind" || name == "apiVersion")) {
      const uint64_t bit = uint64_t{1} << (name == "kind" ? 63 : 62);
      if (strict_ != nullptr && (seen & bit) != 0) Note("duplicate", name);
      seen |= bit;
      const bool is_kind = name == "kind";
      if (scanner_.Peek(at) == 'n') return scanner_.Literal(at, "null");
      std::string_view text;
      if ((at = scanner_.String(at, text, scratch_)) == nullptr) return nullptr;
      if (meta_ != nullptr && innermost_->outer == nullptr) {
        (is_kind ? meta_->kind : meta_->api_version) = text;
      }
      return at;
    }
    if (strict_ != nullptr) Note("unknown", name);
    std::string_view skipped;
    return scanner_.Skip(at, skipped);
  }

  // In JSON a union is the value of one member; its form tells which.
  const char* Union(const char* at, const TypeInfo& type, void* object) {
    const char next = scanner_.Peek(at);
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
      return Value(at, field, object);
    }
    return scanner_.FailUnexpected(at, "another form of value");
  }

  const char* Value(const char* at, const Field& field, void* object) {
    void* const member = MemberOf(object, field);
    if (field.shape == Shape::kOne) return ElementOrNull(at, field, member);
    if (field.shape == Shape::kList) return List(at, field, member);
    if (field.shape == Shape::kMap) return Map(at, field, member);
    if (scanner_.Peek(at) == 'n' && field.kind != Kind::kJson) {
      field.access->clear(member);
      return scanner_.Literal(at, "null");
    }
    return Element(at, field, field.access->add(member, {}));
  }

  [[gnu::noinline]] const char* List(const char* at, const Field& field, void* list) {
    field.access->clear(list);
    if (scanner_.Peek(at) == 'n') return scanner_.Literal(at, "null");
    if (!scanner_.Take(at, '[')) return scanner_.FailUnexpected(at, "a list");
    if (!scanner_.Enter(at)) return nullptr;
    if (!scanner_.Take(at, ']')) {
      Step step{.outer = innermost_, .index = 0};
      innermost_ = &step;
      const char* const begin = at;
      const bool is_items = &field == items_;
      const size_t expected = is_items ? 0 : LastSizeOf(field);
      if (expected > 1) field.access->reserve(list, expected);
      do {
        if ((at = ElementOrNull(at, field, field.access->add(list, {}))) == nullptr) return Lost();
        if (++step.index == 1 && is_items) Reserve(field, list, begin, at);
      } while (scanner_.Take(at, ','));
      if (step.index != expected && !is_items) {
        field.access->fit(list);
        RememberSize(field, step.index);
      }
      innermost_ = step.outer;
      if (!scanner_.Take(at, ']')) return scanner_.FailUnexpected(at, "',' or ']'");
    }
    scanner_.Leave();
    return at;
  }

  // A list document is mostly its items, so the first one, from begin to `at`, tells about how many
  // there are. Growing in steps instead would move every item several times. A document that lies
  // costs at most eight times its own size.
  void Reserve(const Field& field, void* list, const char* begin, const char* at) {
    const auto length = static_cast<size_t>(at - begin);
    const size_t remaining = scanner_.RemainingAt(at);
    const size_t most = 8 * remaining / field.access->stride;
    field.access->reserve(list, 1 + std::min(remaining / (length + 1), most));
  }

  [[gnu::noinline]] const char* Map(const char* at, const Field& field, void* map) {
    if (scanner_.Peek(at) == 'n') {
      field.access->clear(map);
      return scanner_.Literal(at, "null");
    }
    if (!scanner_.Take(at, '{')) return scanner_.FailUnexpected(at, "an object");
    if (!scanner_.Enter(at)) return nullptr;
    if (!scanner_.Take(at, '}')) {
      Step step{.outer = innermost_};
      innermost_ = &step;
      std::string own;  // of a key that is unescaped, as long as it is a step
      do {
        std::string_view key;
        if (scanner_.Peek(at) != '"') {
          scanner_.FailUnexpected(at, "a member name");
          return Lost();
        }
        if ((at = scanner_.String(at, key, own)) == nullptr) return Lost();
        const size_t before = strict_ != nullptr ? field.access->size(map) : 0;
        void* element = field.access->add(map, key);
        if (strict_ != nullptr && field.access->size(map) == before) Note("duplicate", key);
        step.key = key;
        if (!scanner_.Take(at, ':')) {
          scanner_.FailUnexpected(at, "':'");
          return Lost();
        }
        if ((at = ElementOrNull(at, field, element)) == nullptr) return Lost();
        step.key = {};
      } while (scanner_.Take(at, ','));
      innermost_ = step.outer;
      if (!scanner_.Take(at, '}')) return scanner_.FailUnexpected(at, "',' or '}'");
    }
    scanner_.Leave();
    return at;
  }

  const char* ElementOrNull(const char* at, const Field& field, void* element) {
    if (scanner_.Peek(at) == 'n' && field.kind != Kind::kMessage && field.kind != Kind::kJson) {
      return scanner_.Literal(at, "null");
    }
    return Element(at, field, element);
  }

  template <class T>
  [[gnu::noinline]] const char* Integer(const char* at, void* element) {
    const char next = scanner_.Peek(at);
    if (uint32_t number; scanner_.TakeShortNumber(at, number)) [[likely]] {
      *static_cast<T*>(element) = static_cast<T>(number);
      return at;
    }
    std::string_view text;
    bool is_integer;
    if (next != '-' && (next < '0' || next > '9')) return scanner_.FailUnexpected(at, "a number");
    if ((at = scanner_.Number(at, text, is_integer)) == nullptr) return nullptr;
    if (!is_integer) return scanner_.Fail(at, Cat("number ", text, " is not an integer"));
    const auto [end, failure] =
        std::from_chars(text.data(), text.data() + text.size(), *static_cast<T*>(element));
    if (failure != std::errc() || end != text.data() + text.size()) {
      return scanner_.Fail(at, Cat("number ", text, " is out of range"));
    }
    return at;
  }

  [[gnu::noinline]] const char* Double(const char* at, void* element) {
    std::string_view text;
    bool is_integer;
    if ((at = scanner_.Number(at, text, is_integer)) == nullptr) return nullptr;
    if (std::from_chars(text.data(), text.data() + text.size(), *static_cast<double*>(element))
            .ec != std::errc()) {
      return scanner_.Fail(at, Cat("number ", text, " is out of range"));
    }
    return at;
  }

  // Raw extensions, field sets and free JSON.
  template <class Kept>
  [[gnu::noinline]] const char* Raw(const char* at, Kept& raw) {
    std::string_view text;
    if ((at = scanner_.Skip(at, text)) == nullptr) return nullptr;
    raw = scanner_.passed_blanks() ? Kept(CompactJson(text)) : Kept(text);
    return at;
  }

  [[gnu::noinline]] const char* FieldSet(const char* at, SharedText& raw) {
    // The place in the list of the object that it is a field of.
    const Step* const entry = innermost_ == nullptr ? nullptr : innermost_->outer;
    const size_t place = entry == nullptr || entry->index == kNoIndex ? 0 : entry->index;
    SharedText& last = last_sets[place % last_sets.size()];
    if (!last.empty() && scanner_.TakeText(at, last)) {
      raw = last;
      return at;
    }
    if ((at = Raw(at, raw)) == nullptr) return nullptr;
    // An object ends where it ends, whatever follows; of a number more could follow.
    const std::string_view text = raw;
    if (text.size() <= FieldsV1::kMaxShared && text.starts_with('{')) last = raw;
    return at;
  }

  const char* Text(const char* at, std::string& text) {
    std::string_view read;
    if ((at = scanner_.String(at, read, scratch_)) == nullptr) return nullptr;
    AssignExactly(read, text);
    return at;
  }

  const char* Element(const char* at, const Field& field, void* element) {
    switch (field.kind) {
      case Kind::kString:
        return Text(at, *static_cast<std::string*>(element));
      case Kind::kMessage:
        return Message(at, field.type(), element);
      case Kind::kBool:
        return Bool(at, *static_cast<bool*>(element));
      case Kind::kInt32:
        return Integer<int32_t>(at, element);
      case Kind::kInt64:
        return Integer<int64_t>(at, element);
      case Kind::kUint64:
        return Integer<uint64_t>(at, element);
      case Kind::kDouble:
        return Double(at, element);
      case Kind::kFieldsV1:
        return FieldSet(at, static_cast<FieldsV1*>(element)->raw);
      case Kind::kRawExtension:
        return Raw(at, static_cast<RawExtension*>(element)->raw);
      case Kind::kJson:
        return Raw(at, static_cast<Json*>(element)->raw);
      default:
        return Spelled(at, field.kind, element);
    }
  }

  [[gnu::noinline]] const char* Bool(const char* at, bool& value) {
    const char next = scanner_.Peek(at);
    if (next != 't' && next != 'f') return scanner_.FailUnexpected(at, "true or false");
    value = next == 't';
    return scanner_.Literal(at, value ? "true" : "false");
  }

  // Scalars with a spelling of their own.
  [[gnu::noinline]] const char* Spelled(const char* at, Kind kind, void* element) {
    std::string_view text;
    bool is_integer;
    const char next = scanner_.Peek(at);
    const bool bare = next == '-' || (next >= '0' && next <= '9');
    if (kind == Kind::kIntOrString && bare) {
      *static_cast<IntOrString*>(element) = IntOrString();
      return Integer<int32_t>(at, &static_cast<IntOrString*>(element)->int_value);
    }
    at = kind == Kind::kQuantity && bare ? scanner_.Number(at, text, is_integer)
                                         : scanner_.String(at, text, scratch_);
    if (at == nullptr) return nullptr;
    switch (kind) {
      case Kind::kBytes: {
        auto bytes = DecodeBase64(text);
        if (!bytes) return scanner_.Fail(at, "illegal base64 data");
        *static_cast<std::string*>(element) = *std::move(bytes);
        return at;
      }
      case Kind::kTime:
        return Parsed<Time>(at, Time::Parse(text), element, "time", text);
      case Kind::kMicroTime:
        return Parsed<MicroTime>(at, MicroTime::Parse(text), element, "time with six digits", text);
      case Kind::kDuration:
        return Parsed<Duration>(at, ParseDuration(text), element, "duration", text);
      case Kind::kQuantity: {
        auto quantity = Quantity::Parse(Trim(text));
        if (!quantity) return scanner_.Fail(at, quantity.error().message());
        *static_cast<Quantity*>(element) = *std::move(quantity);
        return at;
      }
      case Kind::kIntOrString:
        *static_cast<IntOrString*>(element) = IntOrString(std::string(text));
        return at;
      default:
        return nullptr;
    }
  }

  template <class T>
  const char* Parsed(const char* at, const std::optional<T>& value, void* element,
                     std::string_view what, std::string_view text) {
    if (!value) return scanner_.Fail(at, Cat("cannot read ", Quote(text), " as a ", what));
    *static_cast<T*>(element) = *value;
    return at;
  }

  JsonScanner scanner_;
  TypeMeta* meta_;
  std::vector<std::string>* strict_;
  std::string scratch_;
  const Field* items_ = nullptr;  // of the list document that is being read
  const Step* innermost_ = nullptr;
  std::optional<std::string> failed_in_;
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

Result<TypeMeta> PeekTypeMeta(std::string_view text) {
  JsonScanner scanner(text);
  TypeMeta meta;
  const auto read = [&](const char* at) -> const char* {
    if (!scanner.Take(at, '{')) return scanner.FailUnexpected(at, "an object");
    if (scanner.Take(at, '}')) return at;
    do {
      std::string_view name, value;
      std::string scratch, value_scratch;
      if ((at = scanner.String(at, name, scratch)) == nullptr) return nullptr;
      if (!scanner.Take(at, ':')) return scanner.FailUnexpected(at, "':'");
      const bool is_kind = name == "kind", is_version = name == "apiVersion";
      if ((is_kind || is_version) && scanner.Peek(at) == '"') {
        at = scanner.String(at, value, value_scratch);
        (is_kind ? meta.kind : meta.api_version) = value;
        if (!meta.kind.empty() && !meta.api_version.empty()) return at;
      } else {
        at = scanner.Skip(at, value);
      }
      if (at == nullptr) return nullptr;
    } while (scanner.Take(at, ','));
    return at;
  };
  if (read(scanner.begin()) == nullptr) return scanner.error();
  return meta;
}

Result<void> CheckJsonPrefix(std::string_view text) {
  JsonScanner scanner(text);
  std::string_view skipped;
  if (scanner.Skip(scanner.begin(), skipped) != nullptr || scanner.ran_out()) return {};
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
