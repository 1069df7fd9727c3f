#pragma once

// The failures that real API servers and the proxies in front of them answer with, by name: headers
// and bodies as they were seen (chapter 14). Pure.

#include <span>
#include <string_view>

#include "fakeapiserver/fault_effect.h"
#include "k8s/base/status.h"

namespace k8s::fakeapiserver {

struct Flavour {
  std::string_view name;
  int status;
  std::string_view content_type;  // "": a Status in the form that the client asked for
  std::string_view reason;
  std::string_view text;         // the message of the Status, or the whole body
  std::string_view retry_after;  // "": no such header
  std::string_view imitates;     // the event in production
};
std::span<const Flavour> Flavours();
const Flavour* FindFlavour(std::string_view name);

// The reason that Kubernetes gives to a code, or "".
std::string_view ReasonOfCode(int code);
// The Status of a reply that has no body of its own.
Status StatusOf(const Reply& reply);

}  // namespace k8s::fakeapiserver
