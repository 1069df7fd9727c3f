#include "k8s/rest/watch_stream.h"

#include <algorithm>
#include <array>

#include "k8s/base/mutant.h"
#include "k8s/base/strings.h"
#include "k8s/machinery/json_codec.h"
#include "k8s/machinery/protobuf_codec.h"
#include "k8s/machinery/unstructured.h"
#include "k8s/rest/status_error.h"
#include "k8s/rest/status_type.h"

namespace k8s::rest {
namespace {

constexpr size_t kLengthPrefix = 4;
constexpr size_t kNotYet = JsonExtent::kNotYet;

// The constant with that text, so that the view stays good; empty for an unknown type.
std::string_view KnownType(std::string_view type) {
  for (const std::string_view known : {kAdded, kModified, kDeleted, kBookmark, kError}) {
    if (type == known) return known;
  }
  return {};
}

// What client-go passes over in silence when a stream breaks off; all else becomes an ERROR event.
bool IsUsualEnd(const Error& error) {
  switch (error.code()) {
    case Error::Code::kCanceled:
    case Error::Code::kDeadlineExceeded:
      return true;
    case Error::Code::kTransport:
      return error.cause() == TransportCause::kReset || error.cause() == TransportCause::kEof ||
             error.cause() == TransportCause::kTruncated ||
             error.cause() == TransportCause::kTimeout;
    default:
      return false;
  }
}

}  // namespace

Result<std::unique_ptr<WatchStream>> WatchStream::Open(OpenStream stream, KindLookup find_kind) {
  const auto media_type = ParseMediaType(stream.content_type);
  // What is missing or cannot be read counts as JSON.
  const bool protobuf = media_type && *media_type == kProtobuf;
  if (media_type && !protobuf && *media_type != kJson) {
    return DecodeError(Cat("no stream serializers registered for ", *media_type));
  }
  return std::unique_ptr<WatchStream>(new WatchStream(std::move(stream), find_kind, protobuf));
}

WatchStream::WatchStream(OpenStream stream, KindLookup find_kind, bool protobuf)
    : body_(std::move(stream.body)), find_kind_(find_kind), protobuf_(protobuf) {}

bool WatchStream::Fill() {
  if (begin_ > 0) {
    buffer_.erase(0, begin_);
    begin_ = 0;
  }
  const auto read = body_->Read(buffer_);
  if (read && *read > 0) return true;
  finished_ = true;
  const bool rest = protobuf_ ? !buffer_.empty() : !Trim(buffer_).empty();
  if (!read && !IsUsualEnd(read.error())) {
    Broken(read.error().message());
  } else if (!read) {
    end_ = read.error();
  } else if (rest) {
    end_ = Error::Transport(TransportCause::kTruncated, "the watch ended inside an event");
  }
  return false;
}

void WatchStream::SkipBlanks() {
  begin_ = std::min(buffer_.find_first_not_of(" \n\r\t", begin_), buffer_.size());
}

// How long the frame at the front of the buffer is, blanks before it aside, or kNotYet. What is no
// object is a line, and will not decode.
size_t WatchStream::JsonFrameLength() {
  SkipBlanks();
  const std::string_view front = Front();
  if (front.starts_with('{') || front.starts_with('[')) return extent_.End(front);
  const size_t line = front.find('\n');
  return line == std::string_view::npos ? kNotYet : line + 1;
}

bool WatchStream::NextFrame(std::string_view& frame) {
  size_t checked = 0;  // bytes of this frame that are known to begin a JSON document
  while (true) {
    const size_t available = buffer_.size() - begin_;
    size_t wanted = available, prefix = 0;
    bool whole = false;
    if (!protobuf_) {
      const size_t length = JsonFrameLength();
      whole = length != kNotYet;
      if (whole) wanted = length;
    } else if (available >= kLengthPrefix) {
      prefix = kLengthPrefix;
      wanted = 0;
      for (size_t i = 0; i < kLengthPrefix; ++i) {
        wanted = wanted << 8 | static_cast<uint8_t>(buffer_[begin_ + i]);
      }
      whole = available - prefix >= wanted;
    }
    if (wanted > kMaxFrameBytes) {
      Broken("object to decode was longer than maximum allowed size");
      return false;
    }
    if (whole) {
      frame = Front().substr(prefix, wanted);
      begin_ += prefix + wanted;
      extent_ = {};
      last_length_ = wanted;
      return true;
    }
    // What cannot become JSON is said at once, and not when the server hangs up. Looking only when
    // there is twice as much keeps a large frame cheap.
    if (!protobuf_ && available >= 2 * checked + 1) {
      const auto begun = CheckJsonPrefix(Front());
      if (!begun) {
        Broken(begun.error().message());
        return false;
      }
      checked = available;
    }
    if (!Fill()) return false;
  }
}

std::optional<std::string_view> WatchStream::Next(const TypeInfo& type, void* object) {
  if (finished_) return std::nullopt;
  if (!protobuf_) {
    if (const auto whole = EventAtFront(type, object)) return whole;
    if (finished_) return std::nullopt;
  }
  std::string_view frame;
  // A stream that breaks ends with an ERROR event of its own.
  if (!NextFrame(frame)) return broken_ ? std::optional(kError) : std::nullopt;
  return protobuf_ ? ProtobufEvent(frame, type, object) : JsonEvent(frame, type, object);
}

std::optional<std::string_view> WatchStream::EventAtFront(const TypeInfo& type, void* object) {
  SkipBlanks();
  if (Front().empty() && !Fill()) return broken_ ? std::optional(kError) : std::nullopt;
  // Events are about as long as the one before, so that most vain attempts are not made.
  if (Front().size() < last_length_) return std::nullopt;
  JsonWatchEvent event;
  const auto used = DecodeJsonWatchEventFront(Front(), type, object, event);
  if (!used || *used > kMaxFrameBytes || event.type == kError) return std::nullopt;
  begin_ += *used;
  last_length_ = *used;
  return Checked(event.type, event.meta, type, event.object_text);
}

std::optional<std::string_view> WatchStream::JsonEvent(std::string_view frame, const TypeInfo& type,
                                                       void* object) {
  JsonWatchEvent event;
  const auto read = DecodeJsonWatchEvent(frame, type, object, event);
  if (!read || event.type == kError) {
    // A Status, or an object of another kind, which need not even have the same forms: the frame
    // is read once more without them.
    Unstructured tree;
    JsonWatchEvent again;
    if (const auto plain = DecodeJsonWatchEvent(frame, TypeOf<Unstructured>(), &tree, again);
        !plain) {
      return Broken(plain.error().message());
    }
    if (again.type == kError) {
      Status status;
      const TypeInfo* type_of_status = StatusType(find_kind_);
      const auto peeked = PeekTypeMeta(again.object_text);
      const bool is_status = type_of_status != nullptr && peeked && IsStatus(*peeked) &&
                             DecodeJson(again.object_text, *type_of_status, &status);
      return ErrorEvent(is_status ? std::optional(std::move(status)) : std::nullopt);
    }
    const auto checked = Checked(again.type, again.meta, type, again.object_text);
    if (!checked || *checked == kError) return checked;
    return Undecodable(read.error().message());
  }
  return Checked(event.type, event.meta, type, event.object_text);
}

std::optional<std::string_view> WatchStream::ProtobufEvent(std::string_view frame,
                                                           const TypeInfo& type, void* object) {
  const auto event = OpenWatchEvent(frame);
  if (!event) return Broken(event.error().message());
  if (KnownType(event->type).empty()) return Checked(event->type, {}, type, {});
  const auto envelope = OpenEnvelope(event->object);
  if (!envelope) return Undecodable(envelope.error().message());
  if (event->type == kError) {
    Status status;
    const TypeInfo* type_of_status = StatusType(find_kind_);
    const bool is_status = type_of_status != nullptr && IsStatus(envelope->meta) &&
                           DecodeProtobufMessage(envelope->raw, *type_of_status, &status);
    return ErrorEvent(is_status ? std::optional(std::move(status)) : std::nullopt);
  }
  const auto checked = Checked(event->type, envelope->meta, type, {});
  if (!checked || *checked == kError) return checked;
  if (auto read = DecodeProtobufMessage(envelope->raw, type, object); !read) {
    return Undecodable(read.error().message());
  }
  return checked;
}

std::optional<std::string_view> WatchStream::ErrorEvent(std::optional<Status> status) {
  if (K8S_MUTANT("gone_ends_a_watch_in_silence") && status && status->code == 410) {
    finished_ = true;
    return std::nullopt;
  }
  if (!status) {
    status =
        Status{.status = "Failure", .message = "the server sent an ERROR event without a Status"};
  }
  status_ = std::move(status);
  return kError;
}

// What an event must say of itself (7.3).
std::optional<std::string_view> WatchStream::Checked(std::string_view event_type,
                                                     const TypeMeta& meta, const TypeInfo& type,
                                                     std::string_view object_text) {
  const std::string_view known = KnownType(event_type);
  if (known.empty()) return Broken(Cat("got invalid watch event type: ", event_type));
  if (meta.kind.empty() || meta.api_version.empty()) {
    return Undecodable(Cat("Object '", meta.kind.empty() ? "Kind" : "apiVersion",
                           "' is missing in '", object_text.substr(0, kMaxUnstructuredText), "'"));
  }
  if (type.Has(kTree) || (meta.kind == type.name && meta.api_version == type.api_version())) {
    return known;
  }
  return Undecodable(
      Cat("no kind ", Quote(meta.kind), " is registered for version ", Quote(meta.api_version)));
}

std::optional<std::string_view> WatchStream::Undecodable(std::string_view reason) {
  return Broken(Cat("unable to decode watch event: ", reason));
}

std::optional<std::string_view> WatchStream::Broken(std::string_view reason) {
  finished_ = broken_ = true;
  body_.reset();
  if (K8S_MUTANT("broken_watches_end_in_silence")) return std::nullopt;
  const std::string text = Cat("unable to decode an event from the watch stream: ", reason);
  StatusDetails details;
  details.causes.push_back({.reason = "UnexpectedServerResponse", .message = text});
  details.causes.push_back({.reason = "ClientWatchDecoding", .message = text});
  status_ = Status{.status = "Failure",
                   .message = Cat("an error on the server (", Quote(text),
                                  ") has prevented the request from succeeding"),
                   .reason = "InternalError",
                   .details = std::move(details),
                   .code = 500};
  end_ = Error::Api(*status_);
  return kError;
}

}  // namespace k8s::rest
