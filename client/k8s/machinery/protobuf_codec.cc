#include "k8s/machinery/protobuf_codec.h"

#include <array>
#include <bit>
#include <cstring>
#include <memory>

#include "k8s/base/strings.h"
#include "k8s/machinery/quantity.h"
#include "k8s/machinery/scalars.h"

namespace k8s {
namespace {

constexpr std::string_view kMagic("k8s\0", 4);

enum WireType : uint32_t { kVarint = 0, kFixed64 = 1, kLength = 2, kFixed32 = 5 };

WireType WireTypeOf(Kind kind) {
  switch (kind) {
    case Kind::kBool:
    case Kind::kInt32:
    case Kind::kInt64:
    case Kind::kUint64:
      return kVarint;
    case Kind::kDouble:
      return kFixed64;
    default:
      return kLength;
  }
}

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
  // Writes the fields wire_order[..end) whose embedding starts with the `depth` numbers of `outer`,
  // back to front; returns where it stopped.
  size_t Fields(const TypeInfo& type, const void* object, size_t end, int depth, uint32_t outer) {
    const uint32_t mask = (1U << 8 * depth) - 1;
    size_t i = end;
    while (i > 0) {
      const Field& field = type.fields[type.wire_order[i - 1]];
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

// A window of bytes with its place in the whole, for errors.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : whole_(bytes.data()) {}

  Result<void> Run(std::string_view bytes, const TypeInfo& type, void* object) {
    if (Message(bytes, type, object, 0, 0)) return {};
    return error();
  }

  Error error() const {
    return DecodeError(Cat("protobuf: ", what_, " at byte ", std::to_string(failed_at_)));
  }

  bool failed() const { return !what_.empty(); }

  // The next field that has a length and a number up to `last`, passing over all others. False at
  // the end and after a failure.
  bool NextPart(std::string_view& in, uint32_t last, uint32_t& number, std::string_view& part) {
    while (!failed() && !in.empty()) {
      uint32_t wire;
      if (!Tag(in, number, wire)) return false;
      if (number <= last && wire == kLength) return Length(in, part);
      if (!Skip(in, wire)) return false;
    }
    return false;
  }

  bool Fail(std::string_view what, const char* at) {
    if (what_.empty()) {
      what_ = what;
      failed_at_ = static_cast<size_t>(at - whole_);
    }
    return false;
  }

  bool Varint(std::string_view& in, uint64_t& value) {
    // Nearly every tag and most lengths.
    if (!in.empty() && static_cast<uint8_t>(in[0]) < 0x80) [[likely]] {
      value = static_cast<uint8_t>(in[0]);
      in.remove_prefix(1);
      return true;
    }
    return LongVarint(in, value);
  }
  [[gnu::noinline]] bool LongVarint(std::string_view& in, uint64_t& value) {
    value = 0;
    for (size_t i = 0; i < 10; ++i) {
      if (i == in.size()) return Fail("unexpected end of input", in.data() + i);
      const auto byte = static_cast<uint8_t>(in[i]);
      value |= uint64_t{byte & 0x7fU} << 7 * i;
      if (byte < 0x80) {
        in.remove_prefix(i + 1);
        return true;
      }
    }
    return Fail("a number longer than 64 bits", in.data());
  }

  bool Length(std::string_view& in, std::string_view& part) {
    uint64_t length;
    if (!Varint(in, length)) return false;
    if (length > in.size()) return Fail("unexpected end of input", in.data() + in.size());
    part = in.substr(0, length);
    in.remove_prefix(length);
    return true;
  }

  bool Tag(std::string_view& in, uint32_t& number, uint32_t& type) {
    const char* at = in.data();
    uint64_t tag;
    if (!Varint(in, tag)) return false;
    number = static_cast<uint32_t>(tag >> 3);
    type = tag & 7;
    if (number == 0 || tag >> 32 != 0) return Fail("an illegal tag", at);
    return true;
  }

  bool Skip(std::string_view& in, uint32_t type) {
    uint64_t number;
    std::string_view part;
    const char* at = in.data();
    switch (type) {
      case kVarint:
        return Varint(in, number);
      case kLength:
        return Length(in, part);
      case kFixed64:
      case kFixed32: {
        const size_t size = type == kFixed64 ? 8 : 4;
        if (in.size() < size) return Fail("unexpected end of input", at);
        in.remove_prefix(size);
        return true;
      }
      default:
        return Fail(Cat("wire type ", std::to_string(type), ", which is not supported"), at);
    }
  }

  // The field of that number, or the first of the embedded struct of that number. Fields mostly
  // come in the order of their numbers, so it is looked for from `at` on.
  static const Field* Find(const TypeInfo& type, uint32_t number, int depth, uint32_t outer,
                           size_t& at, bool& embedded) {
    const Field* const fields = type.fields.data();
    const uint32_t mask = (1U << 8 * depth) - 1;
    const auto look = [&](size_t from, size_t end) -> const Field* {
      for (size_t i = from; i < end; ++i) {
        const Field& field = fields[type.wire_order[i]];
        if ((field.outer & mask) != outer) continue;
        const uint32_t next = field.outer >> 8 * depth & 0xff;
        if ((next == 0 ? field.number : next) != number) continue;
        at = i;
        embedded = next != 0;
        return &field;
      }
      return nullptr;
    };
    const size_t start = at;
    const Field* found = look(start, type.fields.size());
    return found != nullptr ? found : look(0, start);
  }

  // depth and outer say which of Go's embedded structs the bytes belong to.
  bool Message(std::string_view in, const TypeInfo& type, void* object, int depth, uint32_t outer) {
    if (++nesting_ > kMaxProtobufDepth) return Fail("nested deeper than 1000 levels", in.data());
    size_t at = 0;
    while (!in.empty()) {
      uint32_t number, wire;
      if (!Tag(in, number, wire)) return false;
      bool embedded = false;
      const Field* found = Find(type, number, depth, outer, at, embedded);
      if (found == nullptr || found->number == 0) {
        if (!Skip(in, wire)) return false;
      } else if (embedded) {
        std::string_view part;
        if (wire != kLength) return Fail("a field of another type than expected", in.data());
        if (!Length(in, part)) return false;
        if (!Message(part, type, object, depth + 1, outer | number << 8 * depth)) return false;
      } else if (!Value(in, *found, wire, object)) {
        return false;
      }
    }
    --nesting_;
    return true;
  }

 private:
  bool Value(std::string_view& in, const Field& field, uint32_t wire, void* object) {
    void* member = MemberOf(object, field);
    if (field.shape == Shape::kMap) {
      if (wire != kLength) return Fail("a map entry of another type than expected", in.data());
      return MapEntry(in, field, member);
    }
    const WireType expected = WireTypeOf(field.kind);
    if (field.shape == Shape::kList && wire == kLength && expected != kLength) {
      std::string_view packed;
      if (!Length(in, packed)) return false;
      while (!packed.empty()) {
        if (!Element(packed, field, field.access->add(member, {}))) return false;
      }
      return true;
    }
    if (wire != expected) return Fail("a field of another type than expected", in.data());
    if (field.shape == Shape::kOne) return Element(in, field, member);
    // A message that comes twice is merged in protobuf, so what is there stays.
    if (field.shape == Shape::kOptional && field.access->size(member) != 0) {
      return Element(in, field, const_cast<void*>(field.access->data(member)));
    }
    if (field.shape == Shape::kList && wire == kLength && field.access->size(member) == 0) {
      if (const size_t alike = CountAlike(in, field.number); alike > 1) {
        field.access->reserve(member, alike);
      }
    }
    return Element(in, field, field.access->add(member, {}));
  }

  // How many fields of that number follow each other; `in` begins at the first one's length. What
  // is wrong with them is for those who read them to say.
  static size_t CountAlike(std::string_view in, uint32_t number) {
    Reader ahead(in);
    size_t count = 0;
    uint32_t next, wire;
    std::string_view part;
    do {
      if (!ahead.Length(in, part)) break;
      ++count;
    } while (!in.empty() && ahead.Tag(in, next, wire) && next == number && wire == kLength);
    return count;
  }

  bool MapEntry(std::string_view& in, const Field& field, void* map) {
    std::string_view entry, key, value;
    if (!Length(in, entry)) return false;
    bool has_value = false;
    while (!entry.empty()) {
      uint32_t number, wire;
      if (!Tag(entry, number, wire)) return false;
      if (number == 1 && wire == kLength) {
        if (!Length(entry, key)) return false;
      } else if (number == 2 && wire == WireTypeOf(field.kind)) {
        value = entry;
        has_value = true;
        if (!Skip(entry, wire)) return false;
      } else if (!Skip(entry, wire)) {
        return false;
      }
    }
    void* element = field.access->add(map, key);
    return !has_value || Element(value, field, element);
  }

  bool Element(std::string_view& in, const Field& field, void* element) {
    uint64_t number = 0;
    std::string_view part;
    const WireType wire = WireTypeOf(field.kind);
    if (wire == kVarint && !Varint(in, number)) return false;
    if (wire == kLength && !Length(in, part)) return false;
    switch (field.kind) {
      case Kind::kBool:
        *static_cast<bool*>(element) = number != 0;
        return true;
      case Kind::kInt32:
        *static_cast<int32_t*>(element) = static_cast<int32_t>(number);
        return true;
      case Kind::kInt64:
        *static_cast<int64_t*>(element) = static_cast<int64_t>(number);
        return true;
      case Kind::kUint64:
        *static_cast<uint64_t*>(element) = number;
        return true;
      case Kind::kDouble: {
        if (in.size() < 8) return Fail("unexpected end of input", in.data());
        uint64_t bits = 0;
        for (int i = 7; i >= 0; --i) {
          bits = bits << 8 | static_cast<uint8_t>(in[static_cast<size_t>(i)]);
        }
        in.remove_prefix(8);
        *static_cast<double*>(element) = std::bit_cast<double>(bits);
        return true;
      }
      case Kind::kString:
      case Kind::kBytes:
        AssignExactly(part, *static_cast<std::string*>(element));
        return true;
      case Kind::kMessage:
        return Message(part, field.type(), element, 0, 0);
      default:
        return Small(part, field.kind, element);
    }
  }

  // The messages behind the scalars with rules of their own: at most three fields.
  bool Small(std::string_view in, Kind kind, void* element) {
    uint64_t numbers[4] = {};
    std::string_view texts[4] = {};
    bool any = false;
    while (!in.empty()) {
      uint32_t number, wire;
      if (!Tag(in, number, wire)) return false;
      any = true;
      if (number <= 3 && wire == kVarint) {
        if (!Varint(in, numbers[number])) return false;
      } else if (number <= 3 && wire == kLength) {
        if (!Length(in, texts[number])) return false;
      } else if (!Skip(in, wire)) {
        return false;
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
        if (!quantity) return Fail(quantity.error().message(), in.data());
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
