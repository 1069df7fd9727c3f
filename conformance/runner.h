#pragma once

// Plays one case with one driver and holds what happened against what the case expects. A driver in
// process meets the server in memory and in virtual time, any other one over a socket. Every run
// has a server of its own; several may go on at once on different threads, a driver each.

#include <optional>
#include <string>
#include <vector>

#include "conformance/case.h"
#include "conformance/driver.h"

namespace k8s::conformance {

struct Verdict {
  // Broken: the driver died, hung or spoke nonsense. Malformed: the case cannot be read.
  enum class Kind : uint8_t { kPassed, kFailed, kBroken, kMalformed, kUnsupported, kExcused };
  std::string name{};
  Kind kind = Kind::kPassed;
  // Failed: a line for each expectation that does not hold. Unsupported: what the driver lacks.
  // Excused: why its client cannot.
  std::vector<std::string> lines{};
  std::string did{};       // what the client answered, a line a step
  std::string timeline{};  // of the exchanges
  Duration took{};         // by the clock of the run
  bool mistimed = false;   // failed, and by nothing but the bounds of gaps and elapsed
};

// Failed, broken or malformed.
bool IsFailure(Verdict::Kind kind);

Verdict RunCase(const Case& one, Driver& driver);
// The same; where time is real, a run that was only mistimed is made again, at most twice. A busy
// machine is late now and then, a client that waits wrongly always is.
Verdict RunCaseFairly(const Case& one, Driver& driver);

// What the driver would have to support, and does not say that it does.
std::optional<std::string> Unsupported(const Case& one, const Value& hello);

// Where `wanted` is an object, `actual` has every member of it, and so on below; lists agree
// element by element; all else is equal. A text where they differ, which begins with the path.
std::optional<std::string> Differs(const Value& wanted, const Value& actual,
                                   const std::string& path);

}  // namespace k8s::conformance
