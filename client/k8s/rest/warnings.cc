#include "k8s/rest/warnings.h"

#include <mutex>
#include <set>

#include "k8s/base/log.h"
#include "k8s/base/strings.h"

namespace k8s::rest {
namespace {

constexpr int kMiscellaneous = 299;

// A quoted string with backslash escapes at the front of text.
bool TakeQuoted(std::string_view& text, std::string& out) {
  if (text.empty() || text[0] != '"') return false;
  for (size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '"') {
      text.remove_prefix(i + 1);
      return true;
    }
    if (text[i] == '\\' && ++i == text.size()) return false;
    if (static_cast<unsigned char>(text[i]) < 0x20 || text[i] == 0x7f) return false;
    out += text[i];
  }
  return false;
}

// <code> <agent> "<text>"["<date>"], then a comma or the end.
bool TakeWarning(std::string_view& line, Warning& warning) {
  line = Trim(line);
  const auto code = ParseInt(line.substr(0, 3));
  if (line.size() < 4 || !code || *code < 100 || line[3] != ' ') return false;
  warning.code = static_cast<int>(*code);
  line.remove_prefix(4);
  const size_t blank = line.find(' ');
  if (blank == std::string_view::npos || blank == 0) return false;
  warning.agent = line.substr(0, blank);
  line = Trim(line.substr(blank));
  if (!TakeQuoted(line, warning.text) || !IsValidUtf8(warning.text)) return false;
  line = Trim(line);
  std::string date;
  if (!line.empty() && line[0] == '"' && !TakeQuoted(line, date)) return false;
  line = Trim(line);
  if (line.empty()) return true;
  if (line[0] != ',') return false;
  line.remove_prefix(1);
  return true;
}

}  // namespace

std::vector<Warning> ParseWarnings(const http::Headers& headers) {
  std::vector<Warning> warnings;
  for (std::string_view line : headers.Values("Warning")) {
    while (!Trim(line).empty()) {
      Warning warning;
      if (!TakeWarning(line, warning)) break;
      warnings.push_back(std::move(warning));
    }
  }
  return warnings;
}

WarningHandler LogWarnings() {
  return [](const Warning& warning) {
    if (warning.code != kMiscellaneous || warning.text.empty()) return;
    Log(0, Cat("Warning: ", warning.text));
  };
}

WarningHandler NoWarnings() {
  return [](const Warning&) {};
}

struct WarningWriter::State {
  std::function<void(std::string_view line)> write;
  WarningWriterOptions options;
  std::mutex mutex{};
  std::set<std::string> texts{};  // guarded by mutex, as is count
  int count = 0;
};

WarningWriter::WarningWriter(std::function<void(std::string_view line)> write,
                             WarningWriterOptions options)
    : state_(new State{std::move(write), options}) {}

WarningHandler WarningWriter::Handler() const {
  return [state = state_](const Warning& warning) {
    if (warning.code != kMiscellaneous || warning.text.empty()) return;
    std::lock_guard lock(state->mutex);
    if (state->options.deduplicate && !state->texts.insert(warning.text).second) return;
    ++state->count;
    state->write(
        Cat(state->options.color ? "\x1b[33;1mWarning:\x1b[0m " : "Warning: ", warning.text));
  };
}

int WarningWriter::WarningCount() const {
  std::lock_guard lock(state_->mutex);
  return state_->count;
}

}  // namespace k8s::rest
