#pragma once

// A watch response as events: bytes to frames to objects, for JSON and protobuf (chapter 7). Pulled
// by one thread; no thread and no queue of its own, so a slow reader slows the server down.

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "k8s/base/result.h"
#include "k8s/machinery/json_extent.h"
#include "k8s/machinery/type_info.h"
#include "k8s/rest/request.h"

namespace k8s::rest {

inline constexpr size_t kMaxFrameBytes = size_t{16} << 20;

// The types of watch events.
inline constexpr std::string_view kAdded = "ADDED";
inline constexpr std::string_view kModified = "MODIFIED";
inline constexpr std::string_view kDeleted = "DELETED";
inline constexpr std::string_view kBookmark = "BOOKMARK";
inline constexpr std::string_view kError = "ERROR";

class WatchStream {
 public:
  // Fails for a media type that cannot be streamed (C-7.10).
  static Result<std::unique_ptr<WatchStream>> Open(OpenStream stream, KindLookup find_kind);

  // Reads the next event; its type is one of the constants above. nullopt: the stream has ended and
  // end() says why. ERROR events leave the object alone and set status().
  // REQUIRES: object is fresh and of that type.
  std::optional<std::string_view> Next(const TypeInfo& type, void* object);

  // What the last ERROR event said.
  const std::optional<Status>& status() const { return status_; }
  // Why the stream ended: nullopt after a clean end between two frames.
  const std::optional<Error>& end() const { return end_; }

 private:
  WatchStream(OpenStream stream, KindLookup find_kind, bool protobuf);

  // The next whole frame, without its length prefix; false at the end.
  bool NextFrame(std::string_view& frame);
  bool Fill();  // reads more; false at the end
  // The event that stands in the buffer as a whole, as nearly all do: decoded where it stands,
  // without looking for its end first. nullopt: it is not whole, or needs a closer look.
  std::optional<std::string_view> EventAtFront(const TypeInfo& type, void* object);
  std::optional<std::string_view> JsonEvent(std::string_view frame, const TypeInfo& type,
                                            void* object);
  std::optional<std::string_view> ProtobufEvent(std::string_view frame, const TypeInfo& type,
                                                void* object);
  std::optional<std::string_view> ErrorEvent(std::optional<Status> status);
  std::optional<std::string_view> Checked(std::string_view event_type, const TypeMeta& meta,
                                          const TypeInfo& type, std::string_view object_text);
  // The ERROR event that client-go makes up when a stream cannot go on (7.4); the last one. Hangs
  // up. Undecodable blames an object.
  std::optional<std::string_view> Broken(std::string_view reason);
  std::optional<std::string_view> Undecodable(std::string_view reason);
  size_t JsonFrameLength();
  void SkipBlanks();
  std::string_view Front() const { return std::string_view(buffer_).substr(begin_); }

  std::unique_ptr<http::Body> body_;
  KindLookup find_kind_;
  const bool protobuf_;
  std::string buffer_;
  size_t begin_ = 0;        // of the bytes not yet handed out
  size_t last_length_ = 0;  // of a frame
  JsonExtent extent_;       // of the one at the front
  bool finished_ = false, broken_ = false;
  std::optional<Status> status_;
  std::optional<Error> end_;
};

}  // namespace k8s::rest
