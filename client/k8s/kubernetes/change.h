#pragma once

// Changes under the policy ReplaySafe (docs/retry.md): what class a call is of, and, when its
// answer was lost, what the object that was read back says about it. Typed and dynamic clients send
// their changes through here. Functions; any thread may call them.

#include <functional>
#include <string_view>

#include "k8s/api/metav1.h"
#include "k8s/base/context.h"
#include "k8s/http/call_class.h"
#include "k8s/machinery/type_info.h"
#include "k8s/machinery/value.h"
#include "k8s/rest/request.h"

namespace k8s::kubernetes {

// The media types of Patch.
enum class PatchType : uint8_t { kJSONPatch, kMergePatch, kStrategicMergePatch, kApplyYAML };
std::string_view MediaTypeOf(PatchType type);

// One change, as far as one must know it to tell whether it was made. Refers to what its caller
// holds.
struct Change {
  Verb verb = Verb::kCreate;  // one that changes something
  std::string_view name{};    // but of kCreate
  std::string_view subresource{};
  const TypeInfo* type = nullptr;                 // of the object
  const void* sent = nullptr;                     // of kCreate, kUpdate, kApply: such an object
  PatchType patch_type = PatchType::kMergePatch;  // of kPatch
  std::string_view patch{};
  const metav1::DeleteOptions* options = nullptr;  // of kDelete
};

// Where an answer goes.
struct Landing {
  void* object = nullptr;  // of the change's type; null: nobody wants it
  // Decodes into a fresh *object; false when the answer says nothing of it (C-3.25).
  std::function<Result<bool>(const rest::Answer&)> decode{};
};

// Sends it as the policy of the client promises. read_back starts a GET of the object.
// REQUIRES: the client has a retry policy.
Result<bool> SendChange(const rest::Client& client, rest::Request request,
                        const std::function<rest::Request(std::string_view name)>& read_back,
                        const Change& change, const Landing& landing, const Context& ctx);

// --- the parts of it that are pure ---

// The class, and what the object read back is compared with.
struct Intent {
  http::CallClass call_class = http::CallClass::kOther;
  Value sent{};  // the object, or the patch
  std::string name{};
  std::string resource_version{};  // that the change names
  std::string uid{};               // that a delete names
  bool is_merge_patch = false;
  bool of_status = false;
  bool status_apart = false;  // only its subresource changes the status
};
Intent IntentOf(const Change& change);

enum class Finding : uint8_t {
  kDone,     // the change is there
  kNotDone,  // it is not, and cannot have been made
  kUnclear,
};
// `live` is null when there is no object. `began` is when the call did.
Finding Judge(const Intent& intent, const Value* live, WallTime began, Duration clock_skew);

}  // namespace k8s::kubernetes
