// Writes what the recorded conversations ask of a server as inputs of router_fuzz, a file a story:
// each request as a line "METHOD target", its headers, an empty line and its body; "====" stands
// between two. Usage: router_corpus TRANSCRIPTS FOLDER

#include <filesystem>
#include <iostream>

#include "conformance/transcript.h"
#include "fakeapiserver/server.h"
#include "k8s/base/fake_clock.h"
#include "k8s/base/strings.h"

namespace k8s::conformance {
namespace {

class Spy final : public http::RoundTripper {
 public:
  explicit Spy(std::shared_ptr<http::RoundTripper> next) : next_(std::move(next)) {}

  Result<http::Response> RoundTrip(const http::Request& request, const Context& ctx) override {
    std::string text = Cat(request.method, " ", request.url.Target(), "\n");
    for (const auto& [name, value] : request.headers) text += Cat(name, ": ", value, "\n");
    text += "\n";
    if (request.body) text += *request.body;
    {
      std::lock_guard lock(mutex_);
      seen_ += Cat(seen_.empty() ? "" : "\n====\n", text);
    }
    return next_->RoundTrip(request, ctx);
  }
  void CloseIdleConnections() override {}
  std::string seen() const {
    std::lock_guard lock(mutex_);
    return seen_;
  }

 private:
  const std::shared_ptr<http::RoundTripper> next_;
  mutable std::mutex mutex_;
  std::string seen_;
};

Result<void> WriteAll(const std::string& from, const std::string& to) {
  const auto host = RealHost();
  std::filesystem::create_directories(to);
  const auto areas = host->ListDirectory(from);
  if (!areas) return areas.error();
  for (const std::string& area : *areas) {
    const auto files = host->ListDirectory(Cat(from, "/", area));
    if (!files) return files.error();
    for (const std::string& file : *files) {
      const auto text = host->ReadFile(Cat(from, "/", area, "/", file));
      if (!text) return text.error();
      const auto story = ReadStory(*text);
      if (!story) return story.error().Within(file);
      // As router_fuzz makes its own, so that uids and revisions in the requests are those of
      // there.
      const auto clock = std::make_shared<FakeClock>();
      fakeapiserver::Server server({.env = {.clock = clock, .random = SeededRandom(1)}});
      const auto spy = std::make_shared<Spy>(server.Loopback());
      Differences(*story, {spy, "http://server", clock});
      if (auto written = host->WriteFile(Cat(to, "/", area, "-", file), spy->seen(), 0644);
          !written)
        return written;
    }
  }
  return {};
}

}  // namespace
}  // namespace k8s::conformance

int main(int argc, char** argv) {
  if (argc != 3) return std::cerr << "usage: router_corpus TRANSCRIPTS FOLDER\n", 2;
  const auto written = k8s::conformance::WriteAll(argv[1], argv[2]);
  if (!written) std::cerr << "router_corpus: " << written.error() << "\n";
  return written ? 0 : 1;
}
