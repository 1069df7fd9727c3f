#include "k8s/rest/watch_stream.h"

#include <array>

#include "k8s/base/strings.h"
#include "k8s/machinery/json_codec.h"
#include "k8s/machinery/protobuf_codec.h"
#include "k8s/rest/status_type.h"

namespace k8s::rest {
namespace {

constexpr size_t kLengthPrefix = 4;
constexpr size_t kNotYet = static_cast<size_t>(-1);

// The constant with that text, so that the view stays good; empty for an unknown type.
std::string_view KnownType(std::string_view type) {
  for (const std::string_view known : {kAdded, kModified, kDeleted, kBookmark, kError}) {
    if (type == known) return known;
  }
  return {};
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
    scanned_ -= begin_;
    begin_ = 0;
  }
  const auto read = body_->Read(buffer_);
  if (read && *read > 0) return true;
  finished_ = true;
  if (!read) {
    end_ = read.error();
  } else if (!Trim(buffer_).empty()) {
    end_ = Error::Transport(TransportCause::kTruncated, "the watch ended inside an event");
  }
  return false;
}

// The end of the JSON value at the front of the buffer, or kNotYet. Looks at every byte once.
size_t WatchStream::JsonFrameEnd() {
  for (; scanned_ < buffer_.size(); ++scanned_) {
    const char c = buffer_[scanned_];
    if (quoted_) {
      if (escaped_) {
        escaped_ = false;
      } else if (c == '\\') {
        escaped_ = true;
      } else if (c == '"') {
        quoted_ = false;
      }
      continue;
    }
    if (c == '"') {
      quoted_ = true;
    } else if (c == '{' || c == '[') {
      ++depth_;
    } else if (c == '}' || c == ']') {
      if (--depth_ <= 0) {
        depth_ = 0;
        return ++scanned_;
      }
    } else if (depth_ == 0 && c != ' ' && c != '\n' && c != '\r' && c != '\t') {
      // No object: the line is a frame that will not decode.
      const size_t line = buffer_.find('\n', scanned_);
      if (line == std::string::npos) return kNotYet;
      return scanned_ = line + 1;
    }
  }
  return kNotYet;
}

bool WatchStream::NextFrame(std::string_view& frame) {
  while (true) {
    const size_t available = buffer_.size() - begin_;
    size_t wanted = 0;
    if (protobuf_ && available >= kLengthPrefix) {
      for (size_t i = 0; i < kLengthPrefix; ++i) {
        wanted = wanted << 8 | static_cast<uint8_t>(buffer_[begin_ + i]);
      }
      if (wanted <= kMaxFrameBytes && available - kLengthPrefix >= wanted) {
        frame = std::string_view(buffer_).substr(begin_ + kLengthPrefix, wanted);
        begin_ += kLengthPrefix + wanted;
        scanned_ = begin_;
        return true;
      }
    } else if (!protobuf_) {
      if (const size_t end = JsonFrameEnd(); end != kNotYet) {
        frame = std::string_view(buffer_).substr(begin_, end - begin_);
        begin_ = end;
        return true;
      }
      wanted = available;
    }
    if (wanted > kMaxFrameBytes) {
      Undecodable("object to decode was longer than maximum allowed size");
      oversize_ = true;
      return false;
    }
    if (!Fill()) return false;
  }
}

std::optional<std::string_view> WatchStream::Next(const TypeInfo& type, void* object) {
  if (finished_) return std::nullopt;
  std::string_view frame;
  // A frame that is too large ends the stream with an ERROR event of its own.
  if (!NextFrame(frame)) return oversize_ ? std::optional(kError) : std::nullopt;
  return protobuf_ ? ProtobufEvent(frame, type, object) : JsonEvent(frame, type, object);
}

std::optional<std::string_view> WatchStream::JsonEvent(std::string_view frame, const TypeInfo& type,
                                                       void* object) {
  JsonWatchEvent event;
  const auto read = DecodeJsonWatchEvent(frame, type, object, event);
  if (!read) {
    // An object of another kind may not even have the same forms; what it is decides first.
    const auto peeked = PeekTypeMeta(event.object_text);
    if (peeked && KnownType(event.type).empty()) return Checked(event.type, *peeked, type);
    return Undecodable(Cat("unable to decode watch event: ", read.error().message()));
  }
  if (event.type == kError) {
    const TypeInfo* type_of_status = StatusType(find_kind_);
    Status status;
    if (type_of_status == nullptr ||
        !DecodeJson(event.object_text, *type_of_status, &status, nullptr)) {
      return Undecodable("unable to decode watch event: an ERROR without a Status");
    }
    status_ = std::move(status);
    return kError;
  }
  return Checked(event.type, event.meta, type);
}

std::optional<std::string_view> WatchStream::ProtobufEvent(std::string_view frame,
                                                           const TypeInfo& type, void* object) {
  const auto event = OpenWatchEvent(frame);
  if (!event) return Undecodable(event.error().message());
  if (KnownType(event->type).empty()) return Checked(event->type, {}, type);
  const auto envelope = OpenEnvelope(event->object);
  if (!envelope) {
    return Undecodable(Cat("unable to decode watch event: ", envelope.error().message()));
  }
  if (event->type == kError) {
    const TypeInfo* type_of_status = StatusType(find_kind_);
    Status status;
    if (type_of_status == nullptr ||
        !DecodeProtobufMessage(envelope->raw, *type_of_status, &status)) {
      return Undecodable("unable to decode watch event: an ERROR without a Status");
    }
    status_ = std::move(status);
    return kError;
  }
  const auto checked = Checked(event->type, envelope->meta, type);
  if (!checked || *checked == kError) return checked;
  if (auto read = DecodeProtobufMessage(envelope->raw, type, object); !read) {
    return Undecodable(Cat("unable to decode watch event: ", read.error().message()));
  }
  return checked;
}

std::optional<std::string_view> WatchStream::Checked(std::string_view event_type,
                                                     const TypeMeta& meta, const TypeInfo& type) {
  const std::string_view known = KnownType(event_type);
  if (known.empty()) return Undecodable(Cat("got invalid watch event type: ", event_type));
  const bool is_target =
      type.Has(kTree) || ((meta.kind.empty() || meta.kind == type.name) &&
                          (meta.api_version.empty() || meta.api_version == type.api_version()));
  if (!is_target) {
    return Undecodable(Cat("unable to decode watch event: no kind ", Quote(meta.kind),
                           " is registered for version ", Quote(meta.api_version)));
  }
  return known;
}

std::optional<std::string_view> WatchStream::Undecodable(std::string_view reason) {
  finished_ = true;
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
