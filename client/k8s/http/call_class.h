#pragma once

// What kind of call a request is, and what the client promises for it when it may not know what
// became of an attempt. One table, which docs/retry.md shows; pure and constant.
//
// Only the policy ReplaySafe looks at it: client-go's rules know modes and methods alone.

#include <cstdint>
#include <span>
#include <string_view>

namespace k8s::http {

enum class CallClass : uint8_t {
  kRead,
  kWatch,
  kStream,
  kCreate,
  kCreateUnnamed,
  kUpdateVersioned,
  kUpdate,
  kPatchVersioned,
  kMergePatch,
  kStrategicMergePatch,
  kJsonPatch,
  kApply,
  kDeleteByUid,
  kDelete,
  kDeleteCollection,
  kOther,
};

// When an attempt is in doubt, that is, when the server may have acted on it.
enum class Promise : uint8_t {
  kRepeat,    // sent again: twice is as good as once
  kReadBack,  // the object is read back; sent again only if that shows that nothing was done
  kUnacted,   // not sent again: the caller gets the error
  kOnce,      // the same, and not even an answer such as 429 makes it go out a second time
};

struct CallRow {
  CallClass call_class;
  std::string_view call;  // as docs/retry.md calls it
  Promise promise;
};

std::span<const CallRow> CallTable();
Promise PromiseOf(CallClass call_class);
// As docs/retry.md puts it.
std::string_view TextOf(Promise promise);

}  // namespace k8s::http
