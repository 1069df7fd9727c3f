#pragma once

// What is known to differ from a real server: one table, of which docs/deviations.md and
// GET /fake/v1/deviations are views. A strict server refuses requests that would touch a row. The
// table is constant; any thread.

#include <span>
#include <string>
#include <string_view>

#include "fakeapiserver/registry.h"
#include "k8s/http/round_tripper.h"
#include "k8s/machinery/value.h"

namespace k8s::fakeapiserver {

struct RequestInfo;

// What a request looks like that touches it: all that is given holds. Lists are separated by
// blanks.
struct Touch {
  std::string_view verbs{};      // "create update"
  std::string_view resources{};  // "roles.rbac.authorization.k8s.io pods"
  std::string_view subresource{};
  std::string_view path{};    // of no resource; "+" is one segment of it, "*" at the end the rest
  std::string_view header{};  // is there; "Accept: x" also contains x
  // Places in the body of which one is set: "spec/rules/[]/host"; "**" is any way down.
  std::string_view fields{};

  bool IsNone() const {
    return verbs.empty() && resources.empty() && path.empty() && header.empty();
  }
  std::string Text() const;
};

struct Deviation {
  std::string_view name;
  std::string_view breaks;  // statements, or chapters, of the specification
  std::string_view says;    // one sentence
  Touch touch{};            // none: no single request does
};

std::span<const Deviation> Deviations();
// The first that the request touches, or null.
const Deviation* TouchedBy(const http::Request& request, const RequestInfo& info,
                           const Registry& registry);
// The answer of a strict server.
Error RefusedAsDeviation(const Deviation& deviation);

Value DeviationsValue();
// The rows of the document.
std::string DeviationsAsMarkdown();

}  // namespace k8s::fakeapiserver
