#include "k8s/rest/list_stream.h"

#include "k8s/base/strings.h"
#include "k8s/machinery/json_extent.h"
#include "k8s/machinery/protobuf_codec.h"
#include "k8s/rest/content.h"
#include "k8s/rest/status_error.h"

namespace k8s::rest {
namespace {

// The bytes of the body in order: each is kept for the shell, or passed over.
class ListReader {
 public:
  ListReader(http::Body& body, const TypeInfo& list, ItemSink& sink, ListUse use)
      : body_(body), list_(list), sink_(sink), use_(use) {}
  virtual ~ListReader() = default;

  Result<ListShell> Run() {
    if (!Document()) return *error_;
    return ListShell{Shell(), items_, bytes_, std::move(unreadable_)};
  }

 protected:
  // False: error_ is set.
  virtual bool Document() = 0;
  virtual std::string Shell() = 0;

  std::string_view Front() const { return std::string_view(buffer_).substr(begin_); }

  // Reads more. False at the end, and after an error.
  bool Fill() {
    if (error_ || ended_) return false;
    if (buffer_.size() - begin_ > most_) {
      return Fail(DecodeError(Cat("a part of the list is longer than ",
                                  std::to_string(kMaxListPartBytes), " bytes", After())));
    }
    buffer_.erase(0, begin_);
    begin_ = 0;
    const auto count = body_.Read(buffer_);
    if (!count) {
      const Error cut = UnreadableBody(count.error());
      return Fail(use_ == ListUse::kWhole ? cut : cut.WithMessage(Cat(cut.message(), After())));
    }
    bytes_ += *count;
    ended_ = *count == 0;
    return !ended_;
  }
  bool Need(size_t count) {
    while (buffer_.size() - begin_ < count) {
      if (!Fill()) return false;
    }
    return true;
  }

  void Keep(size_t count) {
    kept_.append(buffer_, begin_, count);
    begin_ += count;
  }
  void Pass(size_t count) { begin_ += count; }

  // The rest belongs to the shell, whatever it is.
  bool KeepAll() {
    do {
      Keep(buffer_.size() - begin_);
      if (kept_.size() > most_) {
        return Fail(DecodeError(Cat("what is no item of the list is longer than ",
                                    std::to_string(kMaxListPartBytes), " bytes", After())));
      }
    } while (Fill());
    return !error_;
  }

  bool Fail(Error error) {
    if (!error_) error_ = std::move(error);
    return false;
  }
  // The body ended well, the list did not; or else what is said already stands.
  bool FailTruncated() {
    if (!error_ && use_ == ListUse::kWhole) {
      return Unreadable(
          DecodeError(Cat("unexpected end of input at byte ", std::to_string(bytes_))));
    }
    return Fail(Error::Transport(TransportCause::kTruncated,
                                 Cat("the response ended inside the list", After())));
  }
  bool FailItem(const Error& error) {
    const Error located = error.Within(Cat("item ", std::to_string(items_)));
    return use_ == ListUse::kWhole ? Unreadable(located) : Fail(located);
  }
  // What follows may still say that this is no list of the type, or break off.
  bool Unreadable(Error error) {
    unreadable_ = std::move(error);
    return KeepAll();
  }
  std::string After() const { return Cat(" (after ", std::to_string(items_), " items)"); }

  bool IsOurs(const TypeMeta& said) const {
    return list_.Has(kTree) ||
           ((said.kind.empty() || said.kind == list_.name) &&
            (said.api_version.empty() || said.api_version == list_.api_version()));
  }
  // False: the caller has enough. `length` is that of the item.
  bool HandOut(size_t length) {
    if (++items_ == 1 && body_.ContentLength() > 0 && list_.list_of != nullptr) {
      // Items are mostly about as long as the first. A list that lies costs at most eight times its
      // own size.
      const auto all = static_cast<size_t>(body_.ContentLength());
      sink_.Expect(1 + std::min(all / (length + 1), 8 * all / list_.fields.back().access->stride));
    }
    return sink_.Take(said_);
  }

  http::Body& body_;
  const TypeInfo& list_;
  ItemSink& sink_;
  const ListUse use_;
  const size_t most_ = use_ == ListUse::kWhole ? std::string::npos : kMaxListPartBytes;
  TypeMeta said_;     // by the list, of itself
  std::string kept_;  // of the shell
  std::optional<Error> error_;
  std::optional<Error> unreadable_;

 private:
  std::string buffer_;
  size_t begin_ = 0;  // of the bytes that are neither kept nor passed over
  size_t items_ = 0, bytes_ = 0;
  bool ended_ = false;
};

class JsonList final : public ListReader {
 public:
  using ListReader::ListReader;

 private:
  bool Document() override {
    if (Peek() != '{') return KeepAll();
    Keep(1);
    do {
      std::string_view text;
      if (Peek() != '"' || !Value(text)) return KeepAll();
      const bool named_items = text == "\"items\"";
      Keep(text.size());
      if (Peek() != ':') return KeepAll();
      Keep(1);
      if (Peek() == '[' && named_items && items_at_ == 0 && SaysItIsOurs()) {
        Keep(1);
        items_at_ = kept_.size();
        if (!Items()) return stopped_;
        if (unreadable_) return true;
      } else {
        if (!Value(text)) return KeepAll();
        Keep(text.size());
      }
    } while (Peek() == ',' && KeepOne());
    return KeepAll();
  }

  std::string Shell() override {
    if (stopped_) kept_ += "]}";
    return std::move(kept_);
  }

  bool SaysItIsOurs() {
    if (auto said = PeekTypeMeta(Cat(kept_, "[]}"))) said_ = *std::move(said);
    return IsOurs(said_);
  }

  // The items up to and with the closing bracket; what separates them is passed over.
  bool Items() {
    if (PeekInside() == ']') return KeepOne();
    while (true) {
      if (PeekInside() == '\0') return FailTruncated();
      if (!Item()) return false;
      if (unreadable_) return true;
      const char next = PeekInside();
      if (next == ']') return KeepOne();
      if (next == '\0') return FailTruncated();
      if (next != ',') return FailItem(DecodeError("json: expected ',' or ']' behind it"));
      Pass(1);
    }
  }

  // Nearly always the item is in the buffer as a whole, and is decoded where it stands. Where it is
  // not, or is wrong, its end is looked for: so bytes are looked at twice at most, however small
  // the pieces. Items are about as long as the one before, so that most vain attempts are not made.
  bool Item() {
    std::optional<Result<size_t>> used;
    if (Front().size() >= last_length_)
      used = DecodeJsonFront(Front(), sink_.type(), sink_.Fresh());
    if (!used || !*used) {
      std::string_view text;
      if (!Value(text)) return FailTruncated();
      used = DecodeJsonFront(text, sink_.type(), sink_.Fresh());
      if (!*used) return FailItem(used->error());
    }
    last_length_ = **used;
    Pass(last_length_);
    stopped_ = !HandOut(last_length_);
    return !stopped_;
  }

  // The whole value that comes next, unread.
  bool Value(std::string_view& text) {
    JsonExtent extent;
    while (true) {
      const size_t end = extent.End(Front());
      if (end != JsonExtent::kNotYet) {
        text = Front().substr(0, end);
        return true;
      }
      if (!Fill()) return false;
    }
  }

  bool KeepOne() {
    Keep(1);
    return true;
  }

  // The next byte that is no blank, unread; 0 at the end. Blanks are kept, or inside the items not.
  char Peek() { return PeekAfterBlanks(true); }
  char PeekInside() { return PeekAfterBlanks(false); }
  char PeekAfterBlanks(bool keep) {
    while (Need(1)) {
      const char c = Front()[0];
      if (c != ' ' && c != '\n' && c != '\r' && c != '\t') return c;
      keep ? Keep(1) : Pass(1);
    }
    return '\0';
  }

  size_t last_length_ = 0;  // of an item
  size_t items_at_ = 0;     // where they were taken out; a second list of that name stays
  bool stopped_ = false;
};

class ProtobufList final : public ListReader {
 public:
  using ListReader::ListReader;

 private:
  static constexpr size_t kMagicBytes = 4;
  static constexpr uint32_t kVarint = 0, kFixed64 = 1, kLength = 2, kFixed32 = 5;
  static constexpr uint32_t kRaw = 2;  // of the envelope

  // A field's tag, and what it says of the bytes behind it.
  struct Head {
    uint32_t number = 0;
    size_t head = 0;  // bytes of the tag, and of the length where there is one
    size_t size = 0;  // bytes behind the head
  };

  bool Document() override {
    if (!Need(kMagicBytes)) return KeepAll();
    Keep(kMagicBytes);
    Head field;
    while (Need(1)) {
      if (!Next(field)) return KeepAll();
      if (field.number != kRaw) {
        if (!Need(field.head + field.size)) return KeepAll();
        Keep(field.head + field.size);
        continue;
      }
      if (auto envelope = OpenEnvelope(kept_)) said_ = envelope->meta;
      if (!IsOurs(said_) || list_.list_of == nullptr) return KeepAll();
      envelope_ = std::move(kept_);
      kept_.clear();
      Pass(field.head);
      if (!Members(field.size)) return stopped_;
      CloseEnvelope();
      if (unreadable_) return true;
    }
    return !error_;
  }

  std::string Shell() override {
    if (stopped_) CloseEnvelope();
    return std::move(kept_);
  }

  // Puts the list without its items back into the envelope.
  void CloseEnvelope() {
    envelope_ += static_cast<char>(kRaw << 3 | kLength);
    size_t size = kept_.size();
    for (; size >= 0x80; size >>= 7) envelope_ += static_cast<char>(size | 0x80);
    envelope_ += static_cast<char>(size);
    envelope_ += kept_;
    kept_ = std::move(envelope_);
  }

  // The members of the list, so many bytes.
  bool Members(size_t size) {
    const uint32_t items = list_.fields.back().number;
    Head field;
    while (size > 0) {
      if (!Next(field)) return FailTruncated();
      if (field.size > size || field.head > size - field.size) {
        return FailItem(DecodeError("protobuf: a member is longer than the list"));
      }
      if (!Need(field.head + field.size)) return FailTruncated();
      size -= field.head + field.size;
      if (field.number != items) {
        Keep(field.head + field.size);
        continue;
      }
      const auto read = DecodeProtobufMessage(Front().substr(field.head, field.size), sink_.type(),
                                              sink_.Fresh());
      if (!read) return FailItem(read.error());
      Pass(field.head + field.size);
      stopped_ = !HandOut(field.head + field.size);
      if (stopped_) return false;
    }
    return true;
  }

  // What the next field is, unread. False when the body ends in it, or it is no field.
  bool Next(Head& field) {
    uint64_t tag, number = 0;
    size_t at = 0;
    if (!Varint(at, tag)) return false;
    field.number = static_cast<uint32_t>(tag >> 3);
    field.head = at;
    switch (tag & 7) {
      case kVarint:
        if (!Varint(at, number)) return false;
        field.size = at - field.head;
        return true;
      case kFixed64:
        field.size = 8;
        return true;
      case kFixed32:
        field.size = 4;
        return true;
      case kLength:
        if (!Varint(at, number)) return false;
        field.head = at;
        field.size = number;
        return true;
      default:
        return false;
    }
  }

  bool Varint(size_t& at, uint64_t& value) {
    value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (!Need(at + 1)) return false;
      const auto byte = static_cast<uint8_t>(Front()[at++]);
      value |= uint64_t{byte & 0x7fU} << shift;
      if (byte < 0x80) return true;
    }
    return false;
  }

  std::string envelope_;  // what came before the list itself
  bool stopped_ = false;
};

}  // namespace

Result<ListShell> ReadList(http::Body& body, std::string_view media_type, const TypeInfo& list,
                           ItemSink& sink, ListUse use) {
  const Codec* codec = FindCodec(media_type);
  if (codec != nullptr && codec->media_type == kJson) return JsonList(body, list, sink, use).Run();
  if (codec != nullptr && codec->media_type == kProtobuf) {
    return ProtobufList(body, list, sink, use).Run();
  }
  if (use == ListUse::kWhole) {
    auto document = body.ReadAll();
    if (!document) return UnreadableBody(document.error());
    const size_t bytes = document->size();
    return ListShell{*std::move(document), 0, bytes};
  }
  if (codec == nullptr) return DecodeError(Cat("serializer for ", media_type, " doesn't exist"));
  return DecodeError(
      Cat("lists as ", media_type, " cannot be read item by item; use List, or accept JSON"));
}

}  // namespace k8s::rest
