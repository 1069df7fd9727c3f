#include "k8s/machinery/protobuf_codec.h"

#include <array>
#include <bit>
#include <cstring>
#include <memory>

#include "k8s/base/strings.h"
#include "k8s/machinery/field_index.h"
#include "k8s/machinery/quantity.h"
#include "k8s/machinery/scalars.h"

namespace k8s {
namespace {

constexpr std::string_view kMagic("k8s\0", 4);

// The field set, shared with those that this thread has read before where they are alike.
// Not inlined: every time and quantity would pay for its locals.
[[gnu::noinline]] SharedText KeptOnce(std::string_view set) {
  thread_local std::array<SharedText, 16> last_sets;
  if (set.size() > FieldsV1::kMaxShared) return set;
  SharedText& last = last_sets[set.size() % last_sets.size()];
  if (last != set) last = set;
  return last;
}

// ---- writing ----

// Writes from the back to the front, so that every length is known when its prefix is due and one
// pass over the object is enough.
class BackwardBuffer {
 public:
  explicit BackwardBuffer(size_t capacity)
      : capacity_(capacity),
        begin_(capacity),
        buffer_(std::make_unique_for_overwrite<char[]>(capacity)) {}

  size_t written() const { return capacity_ - begin_; }
  std::string_view bytes() const { return {buffer_.get() + begin_, written()}; }

  void Bytes(std::string_view bytes) {
    Reserve(bytes.size());
    begin_ -= bytes.size();
    std::copy_n(bytes.data(), bytes.size(), buffer_.get() + begin_);
  }
  void Varint(uint64_t value) {
    Reserve(kMaxVarint);
    if (value < 0x80) {  // nearly every tag and most lengths
      buffer_[--begin_] = static_cast<char>(value);
      return;
    }
    char forward[kMaxVarint];
    size_t size = 0;
    while (value >= 0x80) {
      forward[size++] = static_cast<char>(value | 0x80);
      value >>= 7;
    }
    forward[size++] = static_cast<char>(value);
    begin_ -= size;
    std::memcpy(buffer_.get() + begin_, forward, size);
  }
  void Fixed64(uint64_t value) {
    char bytes[8];
    for (int i = 0; i < 8; ++i) bytes[i] = static_cast<char>(value >> 8 * i);
    Bytes({bytes, 8});
  }
  void Tag(uint32_t number, WireType type) { Varint(uint64_t{number} << 3 | type); }
  // Ends a part that began when written() was `mark`.
  void LengthSince(size_t mark) { Varint(written() - mark); }
  void Text(uint32_t number, std::string_view text) {
    Bytes(text);
    Varint(text.size());
    Tag(number, kLength);
  }

 private:
  static constexpr size_t kMaxVarint = 10;

  void Reserve(size_t more) {
    if (begin_ >= more) [[likely]]
      return;
    Grow(more);
  }
  void Grow(size_t more) {
    const size_t used = written();
    const size_t larger = 2 * (used + more) + 64;
    auto fresh = std::make_unique_for_overwrite<char[]>(larger);
    std::memcpy(fresh.get() + larger - used, buffer_.get() + begin_, used);
    capacity_ = larger;
    begin_ = larger - used;
    buffer_ = std::move(fresh);
  }

  size_t capacity_;
  size_t begin_;
  std::unique_ptr<char[]> buffer_;
};

class Writer {
 public:
  explicit Writer(BackwardBuffer& out) : out_(out) {}

  void Message(const TypeInfo& type, const void* object) {
    Fields(type, object, type.fields.size(), 0, 0);
  }

 private:
  // Writes the fields wire[..end) whose embedding starts with the `depth` numbers of `outer`,
  // back to front; returns where it stopped.
  size_t Fields(const TypeInfo& type, const void* object, size_t end, int depth, uint32_t outer) {
    const uint32_t mask = (1U << 8 * depth) - 1;
    size_t i = end;
    while (i > 0) {
      const Field& field = type.fields[type.index.wire[i - 1].index];
      if ((field.outer & mask) != outer) break;
      const uint32_t next = field.outer >> 8 * depth & 0xff;
      if (next == 0) {
        Value(field, MemberOf(object, field));
        --i;
        continue;
      }
      const size_t mark = out_.written();
      i = Fields(type, object, i, depth + 1, outer | next << 8 * depth);
      out_.LengthSince(mark);
      out_.Tag(next, kLength);
    }
    return i;
  }

  void Value(const Field& field, const void* member) {
    switch (field.shape) {
      case Shape::kOne:
        if (field.kind == Kind::kBytes && static_cast<const std::string*>(member)->empty()) return;
        if (field.kind == Kind::kMessage && field.type().Has(kTransparent) &&
            field.type().fields[0].access->size(member) == 0) {
          return;
        }
        Tagged(field, member);
        return;
      case Shape::kOptional:
        if (field.access->size(member) != 0) Tagged(field, field.access->data(member));
        return;
      case Shape::kList: {
        const char* first = static_cast<const char*>(field.access->data(member));
        for (size_t i = field.access->size(member); i > 0; --i) {
          Tagged(field, first + (i - 1) * field.access->stride);
        }
        return;
      }
      case Shape::kMap:
        Map(field, member);
        return;
    }
  }

  void Map(const Field& field, const void* map) {
    std::vector<std::pair<const std::string*, const void*>> entries;
    entries.reserve(field.access->size(map));
    field.access->visit(map, &entries,
                        [](void* context, const std::string& key, const void* element) {
                          static_cast<decltype(entries)*>(context)->emplace_back(&key, element);
                        });
    for (size_t i = entries.size(); i > 0; --i) {
      const size_t mark = out_.written();
      Element(field, entries[i - 1].second);
      out_.Tag(2, WireTypeOf(field.kind));
      out_.Text(1, *entries[i - 1].first);
      out_.LengthSince(mark);
      out_.Tag(field.number, kLength);
    }
  }

  void Tagged(const Field& field, const void* element) {
    Element(field, element);
    out_.Tag(field.number, WireTypeOf(field.kind));
  }

  void Element(const Field& field, const void* element) {
    const size_t mark = out_.written();
    switch (field.kind) {
      case Kind::kBool:
        out_.Varint(*static_cast<const bool*>(element) ? 1 : 0);
        return;
      case Kind::kInt32:
        out_.Varint(Signed(*static_cast<const int32_t*>(element)));
        return;
      case Kind::kInt64:
        out_.Varint(Signed(*static_cast<const int64_t*>(element)));
        return;
      case Kind::kUint64:
        out_.Varint(*static_cast<const uint64_t*>(element));
        return;
      case Kind::kDouble:
        out_.Fixed64(std::bit_cast<uint64_t>(*static_cast<const double*>(element)));
        return;
      case Kind::kString:
      case Kind::kBytes:
        out_.Bytes(*static_cast<const std::string*>(element));
        break;
      case Kind::kTime:
        Moment(*static_cast<const Time*>(element), 0);
        break;
      case Kind::kMicroTime: {
        const auto& time = *static_cast<const MicroTime*>(element);
        Moment(time, time.nanos / 1000 * 1000);
        break;
      }
      case Kind::kDuration:
        out_.Varint(Signed(static_cast<const Duration*>(element)->count()));
        out_.Tag(1, kVarint);
        break;
      case Kind::kQuantity:
        out_.Text(1, static_cast<const Quantity*>(element)->String());
        break;
      case Kind::kIntOrString: {
        const auto& value = *static_cast<const IntOrString*>(element);
        out_.Text(3, value.string_value);
        out_.Varint(Signed(value.int_value));
        out_.Tag(2, kVarint);
        out_.Varint(value.is_string ? 1 : 0);
        out_.Tag(1, kVarint);
        break;
      }
      case Kind::kRawExtension:
        Raw(static_cast<const RawExtension*>(element)->raw);
        break;
      case Kind::kFieldsV1:
        Raw(static_cast<const FieldsV1*>(element)->raw);
        break;
      case Kind::kJson:
        Raw(static_cast<const Json*>(element)->raw);
        break;
      case Kind::kMessage:
        Message(field.type(), element);
        break;
    }
    out_.LengthSince(mark);
  }

  void Raw(std::string_view raw) {
    if (!raw.empty()) out_.Text(1, raw);
  }

  static uint64_t Signed(int64_t value) { return static_cast<uint64_t>(value); }

  template <class T>
  void Moment(const T& time, int32_t nanos) {
    if (time.IsZero()) return;
    out_.Varint(Signed(nanos));
    out_.Tag(2, kVarint);
    out_.Varint(Signed(time.seconds));
    out_.Tag(1, kVarint);
  }

  BackwardBuffer& out_;
};

// ---- reading ----

// Its functions read from `at` to at most `end` and say where they stopped; null: see error(). What
// is read travels in registers, since a watch or a list reads hundreds of fields an object.
class Reader {
 public:
  // A number, or the length of what begins at `at`.
  struct Number {
    const char* at;
    uint64_t value;
  };

  // The places in errors count from the begin of `whole`.
  explicit Reader(std::string_view whole) : whole_(whole.data()) {}

  Result<void> Run(std::string_view bytes, const TypeInfo& type, void* object) {
    if (Message(bytes.data(), bytes.data() + bytes.size(), type, object, 0, 0)) return {};
    return error();
  }

  Error error() const {
    return DecodeError(Cat("protobuf: ", what_, " at byte ", std::to_string(failed_at_)));
  }

  bool failed() const { return !what_.empty(); }

  // The next field that has a length and a number up to `last`, passing over all others. False at
  // the end and after a failure.
  [[gnu::noinline]] bool NextPart(std::string_view& in, uint32_t last, uint32_t& number,
                                  std::string_view& part) {
    const char* at = in.data();
    const char* const end = at + in.size();
    while (!failed() && at != end) {
      const Number tag = Tag(at, end);
      if (tag.at == nullptr) return false;
      number = static_cast<uint32_t>(tag.value >> 3);
      if (number > last || (tag.value & 7) != kLength) {
        at = Skip(tag.at, end, tag.value & 7);
        continue;
      }
      const Number length = Length(tag.at, end);
      if (length.at == nullptr) return false;
      part = {length.at, length.value};
      at = length.at + length.value;
      in = {at, static_cast<size_t>(end - at)};
      return true;
    }
    return false;
  }

 private:
  const char* Fail(std::string_view what, const char* at) {
    if (what_.empty()) {
      what_ = what;
      failed_at_ = static_cast<size_t>(at - whole_);
    }
    return nullptr;
  }

  Number Varint(const char* at, const char* end) {
    // Nearly every tag and most lengths.
    if (at != end && static_cast<uint8_t>(*at) < 0x80) [[likely]]
      return {at + 1, static_cast<uint8_t>(*at)};
    return LongVarint(at, end);
  }
  [[gnu::noinline]] Number LongVarint(const char* at, const char* end) {
    uint64_t value = 0;
    for (int i = 0; i < 10; ++i) {
      if (at + i == end) return {Fail("unexpected end of input", end), 0};
      const auto byte = static_cast<uint8_t>(at[i]);
      value |= uint64_t{byte & 0x7fU} << 7 * i;
      if (byte < 0x80) return {at + i + 1, value};
    }
    return {Fail("a number longer than 64 bits", at), 0};
  }

  Number Length(const char* at, const char* end) {
    const Number length = Varint(at, end);
    if (length.at == nullptr) return length;
    if (length.value > static_cast<size_t>(end - length.at))
      return {Fail("unexpected end of input", end), 0};
    return length;
  }

  Number Tag(const char* at, const char* end) {
    const Number tag = Varint(at, end);
    if (tag.at != nullptr && (tag.value >> 3 == 0 || tag.value >> 32 != 0))
      return {Fail("an illegal tag", at), 0};
    return tag;
  }

  const char* Skip(const char* at, const char* end, uint64_t wire) {
    switch (wire) {
      case kVarint:
        return Varint(at, end).at;
      case kLength: {
        const Number length = Length(at, end);
        return length.at == nullptr ? nullptr : length.at + length.value;
      }
      case kFixed64:
      case kFixed32: {
        const ptrdiff_t size = wire == kFixed64 ? 8 : 4;
        return end - at < size ? Fail("unexpected end of input", at) : at + size;
      }
      default:
        return Fail(Cat("wire type ", std::to_string(wire), ", which is not supported"), at);
    }
  }

  static constexpr uint32_t kNoKey = 0xffff'ffff;  // of no field

  // depth and outer say which of Go's embedded structs the bytes belong to.
  bool Message(const char* at, const char* end, const TypeInfo& type, void* object, int depth,
               uint32_t outer) {
    if (++nesting_ > kMaxProtobufDepth)
      return Fail("nested deeper than 1000 levels", at) != nullptr;
    const WireField* const wire = type.index.wire;
    const size_t count = type.fields.size();
    size_t last = 0;  // fields mostly come in the order of their numbers
    bool again = false;
    while (at != end) {
      const Number tag = Tag(at, end);
      if (tag.at == nullptr) return false;
      const uint32_t key = tag.value <= kMaxKeyedTag ? WireKey(tag.value, outer) : kNoKey;
      size_t i = last;
      while (i < count && wire[i].key != key) ++i;
      if (i == count) [[unlikely]] {
        i = 0;
        while (i < last && wire[i].key != key) ++i;
        if (i == last) {
          at = Unusual(tag, end, type, object, depth, outer);
          if (at == nullptr) return false;
          continue;
        }
      }
      again = again && i == last;
      void* const member = static_cast<char*>(object) + wire[i].offset;
      at = wire[i].kind == Kind::kString && wire[i].shape == Shape::kOne  // most
               ? Text(tag.at, end, member)
               : Value(tag.at, end, type.fields[wire[i].index], member, again);
      if (at == nullptr) return false;
      last = i;
      again = true;
    }
    --nesting_;
    return true;
  }

  // The field of that number, or the first of the embedded struct of that number.
  static const Field* Find(const TypeInfo& type, uint64_t number, int depth, uint32_t outer,
                           bool& embedded) {
    const uint32_t mask = (1U << 8 * depth) - 1;
    for (const Field& field : type.fields) {
      if ((field.outer & mask) != outer) continue;
      const uint32_t next = field.outer >> 8 * depth & 0xff;
      embedded = next != 0;
      if ((embedded ? next : field.number) == number) return &field;
    }
    return nullptr;
  }

  // A field that is unknown, of another type than expected, packed, of an embedded struct, or of a
  // very large number.
  [[gnu::noinline]] const char* Unusual(Number tag, const char* end, const TypeInfo& type,
                                        void* object, int depth, uint32_t outer) {
    const uint64_t number = tag.value >> 3, wire = tag.value & 7;
    bool embedded = false;
    const Field* field = Find(type, number, depth, outer, embedded);
    if (field == nullptr) return Skip(tag.at, end, wire);
    const WireType expected = WireTypeOf(*field);
    if (!embedded && wire == expected)  // its number has no key
      return Value(tag.at, end, *field, MemberOf(object, *field), false);
    const bool packed = field->shape == Shape::kList && expected != kLength;
    if (wire != kLength || !(embedded || packed)) {
      return Fail(field->shape == Shape::kMap ? "a map entry of another type than expected"
                                              : "a field of another type than expected",
                  tag.at);
    }
    const Number length = Length(tag.at, end);
    if (length.at == nullptr) return nullptr;
    const char *at = length.at, *const stop = at + length.value;
    if (embedded) {
      outer |= static_cast<uint32_t>(number) << 8 * depth;
      return Message(at, stop, type, object, depth + 1, outer) ? stop : nullptr;
    }
    void* const list = MemberOf(object, *field);
    while (at != nullptr && at != stop)
      at = Element(at, stop, *field, field->access->add(list, {}));
    return at;
  }

  // again: the value before was one of the same field.
  const char* Value(const char* at, const char* end, const Field& field, void* member, bool again) {
    switch (field.shape) {
      case Shape::kOne:
        break;
      case Shape::kOptional:
        // A message that comes twice is merged in protobuf, so what is there stays.
        member = field.access->size(member) != 0 ? const_cast<void*>(field.access->data(member))
                                                 : field.access->add(member, {});
        break;
      case Shape::kList:
        if (!again && WireTypeOf(field.kind) == kLength && field.access->size(member) == 0) {
          if (const size_t alike = CountAlike(at, end, field.number); alike > 1)
            field.access->reserve(member, alike);
        }
        member = field.access->add(member, {});
        break;
      case Shape::kMap:
        return MapEntry(at, end, field, member);
    }
    return Element(at, end, field, member);
  }

  // How many fields of that number follow each other; the first one's length is at `at`. What is
  // wrong with them is for those who read them to say.
  static size_t CountAlike(const char* at, const char* end, uint32_t number) {
    Reader ahead({at, static_cast<size_t>(end - at)});
    size_t count = 0;
    Number tag;
    do {
      const Number length = ahead.Length(at, end);
      if (length.at == nullptr) break;
      ++count;
      at = length.at + length.value;
      if (at == end) break;
      tag = ahead.Varint(at, end);
      at = tag.at;
    } while (at != nullptr && tag.value == (uint64_t{number} << 3 | kLength));
    return count;
  }

  const char* MapEntry(const char* at, const char* end, const Field& field, void* map) {
    const Number entry = Length(at, end);
    if (entry.at == nullptr) return nullptr;
    const char* const stop = entry.at + entry.value;
    std::string_view key;
    const char* value = nullptr;
    for (at = entry.at; at != stop;) {
      const Number tag = Tag(at, stop);
      if (tag.at == nullptr) return nullptr;
      at = tag.at;
      if (tag.value == (1 << 3 | kLength)) {
        const Number length = Length(at, stop);
        if (length.at == nullptr) return nullptr;
        key = {length.at, length.value};
        at = length.at + length.value;
        continue;
      }
      if (tag.value == (2U << 3 | WireTypeOf(field.kind))) value = at;
      at = Skip(at, stop, tag.value & 7);
      if (at == nullptr) return nullptr;
    }
    void* const element = field.access->add(map, key);
    if (value != nullptr && Element(value, stop, field, element) == nullptr) return nullptr;
    return stop;
  }

  const char* Text(const char* at, const char* end, void* element) {
    const Number length = Length(at, end);
    if (length.at == nullptr) return nullptr;
    AssignExactly({length.at, length.value}, *static_cast<std::string*>(element));
    return length.at + length.value;
  }

  const char* Element(const char* at, const char* end, const Field& field, void* element) {
    switch (field.kind) {
      case Kind::kBool: {
        const Number number = Varint(at, end);
        *static_cast<bool*>(element) = number.value != 0;
        return number.at;
      }
      case Kind::kInt32: {
        const Number number = Varint(at, end);
        *static_cast<int32_t*>(element) = static_cast<int32_t>(number.value);
        return number.at;
      }
      case Kind::kInt64:
      case Kind::kUint64: {
        const Number number = Varint(at, end);
        std::memcpy(element, &number.value, sizeof number.value);
        return number.at;
      }
      case Kind::kDouble: {
        if (end - at < 8) return Fail("unexpected end of input", at);
        uint64_t bits = 0;
        for (int i = 7; i >= 0; --i) bits = bits << 8 | static_cast<uint8_t>(at[i]);
        *static_cast<double*>(element) = std::bit_cast<double>(bits);
        return at + 8;
      }
      case Kind::kString:
      case Kind::kBytes:
        return Text(at, end, element);
      default:
        break;
    }
    const Number length = Length(at, end);
    if (length.at == nullptr) return nullptr;
    const char* const stop = length.at + length.value;
    const bool read = field.kind == Kind::kMessage
                          ? Message(length.at, stop, field.type(), element, 0, 0)
                          : Small(length.at, stop, field.kind, element);
    return read ? stop : nullptr;
  }

  // The messages behind the scalars with rules of their own: at most three fields.
  bool Small(const char* at, const char* end, Kind kind, void* element) {
    uint64_t numbers[4] = {};
    std::string_view texts[4] = {};
    const bool any = at != end;
    while (at != end) {
      const Number tag = Tag(at, end);
      if (tag.at == nullptr) return false;
      const uint64_t number = tag.value >> 3, wire = tag.value & 7;
      at = tag.at;
      if (number > 3 || (wire != kVarint && wire != kLength)) {
        at = Skip(at, end, wire);
        if (at == nullptr) return false;
        continue;
      }
      const Number value = wire == kVarint ? Varint(at, end) : Length(at, end);
      if (value.at == nullptr) return false;
      at = value.at;
      if (wire == kVarint) {
        numbers[number] = value.value;
      } else {
        texts[number] = {at, value.value};
        at += value.value;
      }
    }
    switch (kind) {
      case Kind::kTime:
        if (any) *static_cast<Time*>(element) = {static_cast<int64_t>(numbers[1]), 0};
        return true;
      case Kind::kMicroTime:
        if (any) {
          *static_cast<MicroTime*>(element) = {static_cast<int64_t>(numbers[1]),
                                               static_cast<int32_t>(numbers[2]) / 1000 * 1000};
        }
        return true;
      case Kind::kDuration:
        *static_cast<Duration*>(element) = Duration(static_cast<int64_t>(numbers[1]));
        return true;
      case Kind::kQuantity: {
        auto quantity = Quantity::Parse(texts[1].empty() ? "0" : texts[1]);
        if (!quantity) return Fail(quantity.error().message(), end) != nullptr;
        *static_cast<Quantity*>(element) = *std::move(quantity);
        return true;
      }
      case Kind::kIntOrString: {
        auto& value = *static_cast<IntOrString*>(element);
        value.is_string = numbers[1] != 0;
        value.int_value = static_cast<int32_t>(numbers[2]);
        value.string_value = texts[3];
        return true;
      }
      case Kind::kFieldsV1:
        static_cast<FieldsV1*>(element)->raw = KeptOnce(texts[1]);
        return true;
      case Kind::kJson:
        static_cast<Json*>(element)->raw = texts[1];
        return true;
      default:
        static_cast<RawExtension*>(element)->raw = texts[1];
        return true;
    }
  }

  const char* whole_;
  std::string what_;
  size_t failed_at_ = 0;
  int nesting_ = 0;
};

// A guess that is mostly enough; the buffer doubles when it is not.
constexpr size_t kFirstCapacity = 1024;

}  // namespace

Result<void> DecodeProtobufMessage(std::string_view bytes, const TypeInfo& type, void* object) {
  return Reader(bytes).Run(bytes, type, object);
}

void EncodeProtobufMessage(const TypeInfo& type, const void* object, std::string& out) {
  BackwardBuffer buffer(kFirstCapacity);
  Writer(buffer).Message(type, object);
  out += buffer.bytes();
}

Result<ProtobufEnvelope> OpenEnvelope(std::string_view bytes) {
  if (bytes.empty()) return DecodeError("empty data");
  if (!bytes.starts_with(kMagic)) {
    return DecodeError(
        "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]");
  }
  Reader reader(bytes);
  std::string_view in = bytes.substr(kMagic.size());
  if (in.empty()) return DecodeError("empty body");
  ProtobufEnvelope envelope;
  uint32_t number;
  std::string_view part, text;
  while (reader.NextPart(in, 2, number, part)) {
    if (number == 2) {
      envelope.raw = part;
      continue;
    }
    while (reader.NextPart(part, 2, number, text)) {
      (number == 1 ? envelope.meta.api_version : envelope.meta.kind) = text;
    }
  }
  if (reader.failed()) return reader.error();
  return envelope;
}

Result<void> DecodeProtobuf(std::string_view bytes, const TypeInfo& type, void* object,
                            TypeMeta* meta) {
  auto envelope = OpenEnvelope(bytes);
  if (!envelope) return envelope.error();
  if (meta != nullptr) *meta = std::move(envelope->meta);
  return Reader(bytes).Run(envelope->raw, type, object);
}

void EncodeProtobuf(const TypeInfo& type, const void* object, const TypeMeta& meta,
                    std::string& out) {
  BackwardBuffer buffer(kFirstCapacity);
  buffer.Text(4, "");
  buffer.Text(3, "");
  size_t mark = buffer.written();
  Writer(buffer).Message(type, object);
  buffer.LengthSince(mark);
  buffer.Tag(2, kLength);
  mark = buffer.written();
  buffer.Text(2, meta.kind);
  buffer.Text(1, meta.api_version);
  buffer.LengthSince(mark);
  buffer.Tag(1, kLength);
  buffer.Bytes(kMagic);
  out += buffer.bytes();
}

Result<ProtobufWatchEvent> OpenWatchEvent(std::string_view frame) {
  Reader reader(frame);
  ProtobufWatchEvent event;
  std::string_view in = frame;
  uint32_t number;
  std::string_view part;
  while (reader.NextPart(in, 2, number, part)) {
    if (number == 1) {
      event.type = part;
      continue;
    }
    while (reader.NextPart(part, 1, number, event.object)) {
    }
  }
  if (reader.failed()) return reader.error();
  return event;
}

void AppendWatchFrame(std::string_view type, std::string_view object, std::string& out) {
  AppendWatchFrameHead(type, object.size(), out);
  out += object;
}

void AppendWatchFrameHead(std::string_view type, size_t size, std::string& out) {
  BackwardBuffer buffer(64);
  buffer.Varint(size);
  buffer.Tag(1, kLength);
  buffer.Varint(buffer.written() + size);
  buffer.Tag(2, kLength);
  buffer.Text(1, type);
  const auto length = static_cast<uint32_t>(buffer.written() + size);
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(length >> shift);
  out += buffer.bytes();
}

}  // namespace k8s
