#include "conformance/drivers/cpp_reports.h"

#include "k8s/base/strings.h"
#include "k8s/http/metrics.h"

namespace k8s::conformance {
namespace {

thread_local Counts* listening = nullptr;

Value Numbers(const std::map<std::string, int64_t>& counts) {
  Value out = Value::MakeObject();
  for (const auto& [name, count] : counts) out.Set(name, count);
  return out;
}

}  // namespace

Warnings::Warnings(std::string_view how) {
  if (how.empty()) return;
  handler_ = [this](const rest::Warning& warning) { Add(warning.text); };
  if (how != "once") return;
  const rest::WarningWriter writer(
      [this](std::string_view line) {
        constexpr std::string_view kBefore = "Warning: ";
        if (line.starts_with(kBefore)) line.remove_prefix(kBefore.size());
        Add(Trim(line));
      },
      {.deduplicate = true});
  handler_ = writer.Handler();
}

void Warnings::Add(std::string_view text) {
  std::lock_guard lock(mutex_);
  texts_.emplace_back(text);
}

Value Warnings::Texts() const {
  std::lock_guard lock(mutex_);
  Value out = Value::MakeArray();
  for (const std::string& text : texts_) out.Append(text);
  return out;
}

struct CountingHooks {
  static void Register() {
    http::metrics::Register(
        {.request_latency =
             [](const std::string& verb, const std::string&, Duration) {
               if (listening != nullptr) ++listening->calls_[verb];
             },
         .request_result =
             [](const std::string& code, const std::string& method, const std::string&) {
               if (listening != nullptr) ++listening->results_[Cat(method, " ", code)];
             },
         .request_retry =
             [](const std::string& code, const std::string& method, const std::string&) {
               if (listening != nullptr) ++listening->retries_[Cat(method, " ", code)];
             }});
  }
};

Counts::Listening::Listening(Counts& counts) {
  CountingHooks::Register();
  listening = &counts;
}

Counts::Listening::~Listening() { listening = nullptr; }

Value Counts::AsValue() const {
  return Value::MakeObject(
      {{"results", Numbers(results_)}, {"retries", Numbers(retries_)}, {"calls", Numbers(calls_)}});
}

}  // namespace k8s::conformance
