#pragma once

// Warning headers (chapter 3.9). Pure parsing, and the handlers that client-go has.

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "k8s/http/headers.h"

namespace k8s::rest {

struct Warning {
  int code = 0;
  std::string agent{};
  std::string text{};
};

// Called once for each valid warning, on the thread of the call.
using WarningHandler = std::function<void(const Warning&)>;

// Every valid entry in order; a malformed one drops the rest of its header line.
std::vector<Warning> ParseWarnings(const http::Headers& headers);

// Logs "Warning: <text>" for code 299 with a text; what clients do by default.
WarningHandler LogWarnings();
WarningHandler NoWarnings();

struct WarningWriterOptions {
  bool deduplicate = false;  // each text once
  bool color = false;        // "Warning:" in bold yellow, for terminals
};

// The same as lines to `write`, one at a time, from any thread; counts them. Copies share the
// count.
class WarningWriter {
 public:
  explicit WarningWriter(std::function<void(std::string_view line)> write,
                         WarningWriterOptions options = {});
  WarningHandler Handler() const;
  int WarningCount() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace k8s::rest
