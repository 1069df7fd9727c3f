#include "conformance/drivers/cpp_results.h"

#include "k8s/base/strings.h"
#include "k8s/machinery/scalars.h"

namespace k8s::conformance {
namespace {

std::string_view ClassOf(const Error& error) {
  switch (error.code()) {
    case Error::Code::kCanceled:
      return "canceled";
    case Error::Code::kDeadlineExceeded:
      return "timeout";
    case Error::Code::kDecode:
      return "decode";
    default:
      break;
  }
  switch (error.cause()) {
    case TransportCause::kReset:
      return "reset";
    case TransportCause::kEof:
    case TransportCause::kTruncated:
      return "eof";
    case TransportCause::kTimeout:
      return "timeout";
    case TransportCause::kRefused:
      return "refused";
    default:
      return "";
  }
}

}  // namespace

Value Failure(const Error& error) {
  Value out = Value::MakeObject({{"reason", ReasonForError(error)},
                                 {"code", int64_t{error.status() ? error.status()->code : 0}},
                                 {"class", ClassOf(error)},
                                 {"message", error.message()}});
  if (const int delay = SuggestsClientDelay(error); delay > 0) out.Set("retryAfterSeconds", delay);
  return Value::MakeObject({{"ok", false}, {"error", std::move(out)}});
}

Value Success() { return Value::MakeObject({{"ok", true}}); }

Value Text(const Result<std::string>& text) {
  if (!text) return Failure(text.error());
  return Value::MakeObject({{"ok", true}, {"text", *text}});
}

Value AsValue(const Status& status) {
  return Value::MakeObject({{"kind", "Status"},
                            {"code", int64_t{status.code}},
                            {"reason", status.reason},
                            {"message", status.message}});
}

kubernetes::PatchType PatchTypeOf(std::string_view name) {
  if (name == "json") return kubernetes::PatchType::kJSONPatch;
  if (name == "strategic") return kubernetes::PatchType::kStrategicMergePatch;
  if (name == "apply") return kubernetes::PatchType::kApplyYAML;
  return kubernetes::PatchType::kMergePatch;
}

metav1::GroupVersionResource ResourceOf(std::string_view text) {
  const auto parts = Split(text, '/');
  if (parts.size() == 2) return {"", std::string(parts[0]), std::string(parts[1])};
  if (parts.size() != 3) return {"", "", std::string(text)};
  return {std::string(parts[0]), std::string(parts[1]), std::string(parts[2])};
}

std::optional<Duration> DurationAt(const Value& value, std::string_view name) {
  const Value* text = value.Find(name);
  return text != nullptr && text->is_string() ? ParseDuration(text->string()) : std::nullopt;
}

}  // namespace k8s::conformance
