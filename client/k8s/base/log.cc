#include "k8s/base/log.h"

#include <unistd.h>

#include <atomic>
#include <mutex>

#include "k8s/base/strings.h"

namespace k8s {
namespace {

std::atomic<int> verbosity_limit = 0;

struct Sink {
  std::mutex mutex;
  LogSink write;
};

Sink& TheSink() {
  static Sink sink;
  return sink;
}

}  // namespace

void SetLogVerbosity(int verbosity) { verbosity_limit = verbosity; }
int LogVerbosity() { return verbosity_limit; }

void SetLogSink(LogSink sink) {
  std::lock_guard lock(TheSink().mutex);
  TheSink().write = std::move(sink);
}

void Log(int verbosity, std::string_view line) {
  if (verbosity > verbosity_limit) return;
  std::lock_guard lock(TheSink().mutex);
  if (TheSink().write) {
    TheSink().write(verbosity, line);
    return;
  }
  const std::string text = Cat(line, "\n");
  // One write, so that lines of several threads do not mix; there is nowhere to report a failure.
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
}

}  // namespace k8s
