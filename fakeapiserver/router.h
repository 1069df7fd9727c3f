#pragma once

// From a request to its handler: what a URL means, which methods it has, what is answered when it
// means nothing (chapter 1 of the specification). Serve may be called from any thread.

#include <span>
#include <string_view>

#include "fakeapiserver/core.h"

namespace k8s::fakeapiserver {

// What the path and query mean, whether or not that is served.
RequestInfo ParseRequest(const http::Request& request);

class Router {
 public:
  // `stale`: reads show the state of so many revisions ago.
  explicit Router(Core& core, int64_t stale = 0) : core_(core), stale_(stale) {}
  Answer Serve(const http::Request& request, const RequestInfo& info);
  // The error as a handler would answer it.
  Answer Fail(const http::Request& request, const RequestInfo& info, const Error& error);

 private:
  // `parts` of the path stand behind the group version.
  Answer ServeResource(Call& call, std::span<const std::string_view> parts);
  Answer Unreadable(const Call& call) const;
  Answer Finish(const Call& call, Answer answer) const;

  Core& core_;
  const int64_t stale_;
};

}  // namespace k8s::fakeapiserver
