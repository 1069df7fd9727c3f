#pragma once

// What a handler gives back, before any wire is involved: a status, headers, and a body that is
// either shared bytes in memory or a Source that is pulled. The listener and the loopback turn an
// Answer into their kind of response. Values that one thread hands to another as a whole.

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "k8s/base/clock.h"
#include "k8s/http/headers.h"

namespace k8s::fakeapiserver {

// A part of bytes that somebody else keeps alive too. Bodies are gathered from slices, never
// copied.
struct Slice {
  std::shared_ptr<const std::string> owner{};  // null: the bytes live as long as the program
  std::string_view bytes{};

  Slice() = default;
  Slice(std::shared_ptr<const std::string> from)  // NOLINT
      : owner(std::move(from)), bytes(*owner) {}
  Slice(std::shared_ptr<const std::string> from, std::string_view part)
      : owner(std::move(from)), bytes(part) {}
  static Slice Of(std::string text) {
    return Slice(std::make_shared<const std::string>(std::move(text)));
  }
  static Slice Literal(std::string_view text) { return Slice(nullptr, text); }
};
using Slices = std::vector<Slice>;

size_t SizeOf(const Slices& slices);
std::string Gather(const Slices& slices);

// Slices that wait to be sent, in their order.
class SliceQueue {
 public:
  bool empty() const { return slices_.empty(); }
  size_t bytes() const { return bytes_; }
  const std::deque<Slice>& slices() const { return slices_; }
  size_t offset() const { return offset_; }  // of the first slice: gone already

  void Push(Slice slice);
  // The rest of the first slice, at most so many bytes. REQUIRES: !empty().
  Slice Pop(size_t most);
  // REQUIRES: count <= bytes().
  void RemovePrefix(size_t count);

 private:
  std::deque<Slice> slices_;
  size_t bytes_ = 0;
  size_t offset_ = 0;
};

// A body that is produced while it is sent. Next is called by one thread at a time.
class Source {
 public:
  enum class Outcome : uint8_t {
    kData,     // something was appended
    kPending,  // nothing now: ask again after the wake call or at WakeAt()
    kEnd,      // complete
    kClose,    // the connection ends here, with a FIN
    kReset,    // the connection ends here, with a RST
  };
  virtual ~Source() = default;
  virtual Outcome Next(Slices& out) = 0;
  // wake is called, from any thread and under locks, when Next may have more; it must be quick and
  // must not call back. After SetWake({}) returns it is not called any more.
  virtual void SetWake(std::function<void()> wake) = 0;
  // From now on Next brings one event of a watch at a time.
  virtual void SplitEvents() {}
  // Of a watch: what the last event says that Next has brought whole; 0: nothing yet.
  virtual int64_t revision() const { return 0; }
  // The moment at which Next wants to be asked even without a wake call.
  virtual TimePoint WakeAt() const { return kForever; }
};

struct Answer {
  int status = 200;
  http::Headers headers{};
  Slices body{};
  std::unique_ptr<Source> source{};  // instead of body
  bool raw = false;  // the source brings the bytes of the whole response, its head included

  // Not decided yet: ask `decide` at `decide_at`. Handlers never block, so who must wait (for a
  // revision to come, for a delay that a fault asks for) says so here.
  std::function<Answer()> decide{};
  TimePoint decide_at{};

  static Answer Text(int status, std::string text);
  static Answer Bytes(int status, std::string media_type, std::string bytes);
};

}  // namespace k8s::fakeapiserver
