#pragma once

// A RoundTripper that answers from a list and remembers what it was asked, for tests of layers.

#include <map>
#include <vector>

#include "k8s/base/env.h"
#include "k8s/base/fake_clock.h"
#include "k8s/base/host.h"
#include "k8s/http/round_tripper.h"

namespace k8s::http {

class Stub final : public RoundTripper {
 public:
  using Answer = std::function<Result<Response>(const Request&, const Context&)>;
  explicit Stub(std::shared_ptr<Clock> clock = RealClock()) : clock_(std::move(clock)) {}

  // Answers are used in order; the last one stays.
  Stub& Then(Answer answer) {
    answers_.push_back(std::move(answer));
    return *this;
  }
  Stub& Status(int status, Headers headers = {}, std::string body = "") {
    return Then([=](const Request&, const Context&) -> Result<Response> {
      return Response{status, headers, StringBody(body)};
    });
  }
  Stub& Fail(Error error) {
    return Then([=](const Request&, const Context&) -> Result<Response> { return error; });
  }
  Stub& Fail(TransportCause cause, const std::string& text) {
    return Fail(Error::Transport(cause, text));
  }

  Result<Response> RoundTrip(const Request& request, const Context& ctx) override {
    requests.push_back(request);
    times.push_back(clock_->Now());
    const size_t index = std::min(requests.size(), answers_.size()) - 1;
    return answers_[index](request, ctx);
  }

  // Whole seconds between one request and the next.
  std::vector<int> Gaps() const {
    std::vector<int> gaps;
    for (size_t i = 1; i < times.size(); ++i) {
      gaps.push_back(static_cast<int>(
          std::chrono::duration_cast<std::chrono::seconds>(times[i] - times[i - 1]).count()));
    }
    return gaps;
  }

  std::vector<Request> requests;
  std::vector<TimePoint> times;

 private:
  std::shared_ptr<Clock> clock_;
  std::vector<Answer> answers_;
};

// Environment variables and files from two maps; the names of files imply their folders.
class FakeHost final : public Host {
 public:
  std::optional<std::string> GetEnv(const std::string& name) const override {
    const auto found = variables.find(name);
    if (found == variables.end()) return std::nullopt;
    return found->second;
  }
  Result<std::string> ReadFile(const std::string& path) const override {
    if (const auto found = files.find(path); found != files.end()) return found->second;
    if (IsDirectory(path)) return ConfigError("read " + path + ": is a directory");
    return ConfigError("open " + path + ": no such file or directory");
  }
  Result<void> WriteFile(const std::string& path, std::string_view content,
                         int mode) const override {
    files[path] = content;
    last_mode = mode;
    return {};
  }
  bool Exists(const std::string& path) const override {
    return files.contains(path) || IsDirectory(path);
  }
  bool IsDirectory(const std::string& path) const override {
    const auto next = files.lower_bound(path + "/");
    return next != files.end() && next->first.starts_with(path + "/");
  }
  Result<std::vector<std::string>> ListDirectory(const std::string&) const override {
    return std::vector<std::string>();
  }
  std::string WorkingDirectory() const override { return "/elsewhere"; }
  std::string ProgramName() const override { return program; }

  std::map<std::string, std::string> variables;
  mutable std::map<std::string, std::string> files;
  mutable int last_mode = 0;
  std::string program = "prog";
};

}  // namespace k8s::http
