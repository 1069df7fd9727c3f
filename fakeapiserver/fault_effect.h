#pragma once

// What a rule does, checked and ready: the form into which a faultsv1::FaultSpec is compiled before
// it strikes. Values; pure functions.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fakeapiserver/wire.h"
#include "k8s/api/faultsv1.h"
#include "k8s/http/headers.h"
#include "k8s/machinery/value.h"

namespace k8s::fakeapiserver {

// How an answer is made instead of, or around, that of the handlers.
struct Reply {
  int status = 0;
  http::Headers headers{};
  std::string reason{};
  std::string message{};
  std::optional<std::string> body{};  // instead of a Status
};

struct Effect {
  // When the store hears of the request.
  enum class Point : uint8_t {
    kBefore,    // it does not, unless the answer is its own
    kStored,    // it has done its part; what it answered is dropped
    kAnswered,  // the same, and the answer counts as given
  };
  Point point = Point::kBefore;
  std::optional<Reply> reply{};
  http::Headers headers{};                            // added to whatever is answered
  std::optional<std::string> body{}, content_type{};  // instead of those of the handlers
  std::vector<std::string> warnings{};
  std::string until_token{};
  Duration delay{};
  bool refuse = false;
  std::optional<Cut> cut{};  // before the answer
  Mistreatment wire{};       // of the answer
  std::optional<size_t> expire_watch{};
  int64_t stale = 0;
  std::string certificate{};
};
Result<Effect> CompileEffect(const faultsv1::FaultSpec& spec);
// The spec of an object of kind Fault: what is wrong with it.
Result<void> CheckFault(const Value& spec);
// As in the rules: "accept", "headers", ...
std::string_view NameOf(Place place);

}  // namespace k8s::fakeapiserver
