#pragma once

// What can go wrong with the bytes of an answer on their way out. A Mistreatment is a value;
// Mistreat turns an answer into a raw one whose Source does what it says. Pure but for the clock.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fakeapiserver/answer.h"
#include "k8s/base/clock.h"

namespace k8s::fakeapiserver {

// How a connection ends.
enum class Ending : uint8_t {
  kReset,  // RST
  kClose,  // FIN
  kHang,   // nothing more is said; a FIN after `silence`
};

// Where it ends.
enum class Place : uint8_t {
  kAccept,   // accepted, nothing read
  kHeaders,  // the head of the request was read, its body was not
  kRequest,  // the request was read
  kAnswer,   // after n bytes of the answer, its head included
  kBody,     // after n bytes of the answer's body
  kEvent,    // after n events of a watch
  kFrame,    // in the middle of event n+1 of a watch
};

struct Cut {
  Ending ending = Ending::kReset;
  Place place = Place::kRequest;
  size_t after = 0;
  Duration silence = Duration::max();  // of kHang
};

// What happens to single events of a watch, which are counted from 1.
struct EventFault {
  enum class Kind : uint8_t { kDrop, kDuplicate, kSwap, kDelay, kCorrupt };
  Kind kind = Kind::kDrop;
  size_t event = 1;  // kSwap: this one and the next change places
  Duration delay{};  // of kDelay
};

struct Mistreatment {
  std::optional<Cut> cut{};              // at kAnswer or later
  std::optional<std::string> garbage{};  // these bytes instead of the answer; then FIN
  uint64_t bytes_per_second = 0;         // 0: as fast as they go
  size_t drip_bytes = 0;                 // so many bytes at once, then a pause; 0: no pauses
  Duration drip_pause{};
  std::optional<size_t> corrupt{};  // one byte of the body is flipped, counted from 0
  bool wrong_chunk_size = false;    // the body comes in chunks whose sizes lie
  bool duplicate = false;           // the whole answer twice
  std::vector<EventFault> events{};
  bool withhold_bookmarks = false;
  // After so many events of a watch this frame is sent, and the watch ends well.
  std::optional<size_t> end_after_events{};
  std::string last_frame{};

  bool empty() const;
};

// `head_only`: the request was a HEAD.
Answer Mistreat(Answer answer, const Mistreatment& how, bool head_only,
                std::shared_ptr<Clock> clock);
// A raw answer that consists of an ending.
Answer EndAtOnce(const Cut& cut, std::shared_ptr<Clock> clock);

}  // namespace k8s::fakeapiserver
