#include "k8s/http/call_class.h"

#include <array>

namespace k8s::http {
namespace {

// In the order of the enumerators.
constexpr std::array<CallRow, 16> kRows = {{
    {CallClass::kRead, "get, list", Promise::kRepeat},
    {CallClass::kWatch, "watch, until it is open", Promise::kRepeat},
    {CallClass::kStream, "stream by GET, until it is open", Promise::kRepeat},
    {CallClass::kCreate, "create with a name", Promise::kReadBack},
    {CallClass::kCreateUnnamed, "create with generateName, or without any name", Promise::kOnce},
    {CallClass::kUpdateVersioned, "update with resourceVersion", Promise::kReadBack},
    {CallClass::kUpdate, "update without resourceVersion", Promise::kReadBack},
    {CallClass::kPatchVersioned, "patch or apply with resourceVersion, or a test of it",
     Promise::kReadBack},
    {CallClass::kMergePatch, "merge patch without resourceVersion", Promise::kReadBack},
    {CallClass::kStrategicMergePatch, "strategic merge patch without resourceVersion",
     Promise::kUnacted},
    {CallClass::kJsonPatch, "JSON patch without a test of resourceVersion", Promise::kUnacted},
    {CallClass::kApply, "apply without resourceVersion", Promise::kRepeat},
    {CallClass::kDeleteByUid, "delete with a uid in its preconditions", Promise::kReadBack},
    {CallClass::kDelete, "delete without", Promise::kReadBack},
    {CallClass::kDeleteCollection, "deletecollection", Promise::kUnacted},
    {CallClass::kOther, "changes of subresources but status, requests by hand", Promise::kUnacted},
}};

constexpr bool InOrder() {
  for (size_t i = 0; i < kRows.size(); ++i) {
    if (kRows[i].call_class != static_cast<CallClass>(i)) return false;
  }
  return true;
}
static_assert(InOrder());

}  // namespace

std::span<const CallRow> CallTable() { return kRows; }

Promise PromiseOf(CallClass call_class) { return kRows[static_cast<size_t>(call_class)].promise; }

std::string_view TextOf(Promise promise) {
  switch (promise) {
    case Promise::kRepeat:
      return "sent again";
    case Promise::kReadBack:
      return "read back";
    case Promise::kUnacted:
      return "not sent again";
    case Promise::kOnce:
      return "never sent twice";
  }
  return {};
}

}  // namespace k8s::http
