#include "k8s/http/debug.h"

#include <algorithm>

#include "k8s/base/log.h"
#include "k8s/base/strings.h"

namespace k8s::http {
namespace {

constexpr size_t kBodyAtEight = 1024;
constexpr size_t kBodyAtNine = 10240;

std::string Masked(const Headers::Field& field) {
  return EqualsIgnoreCase(field.first, "Authorization") ? MaskAuthorization(field.second)
                                                        : field.second;
}

void LogHeaders(int verbosity, std::string_view title, const Headers& headers) {
  Log(verbosity, title);
  for (const auto& field : headers) {
    Log(verbosity, Cat("    ", field.first, ": ", Masked(field)));
  }
}

std::string CurlCommand(const Request& request) {
  std::string command = Cat("curl -v -X", request.method);
  for (const auto& field : request.headers) {
    command += Cat("  -H ", Quote(Cat(field.first, ": ", Masked(field))));
  }
  return Cat(command, " '", request.url.String(), "'");
}

std::string HexDump(std::string_view bytes) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out;
  for (size_t i = 0; i < bytes.size(); ++i) {
    const auto byte = static_cast<unsigned char>(bytes[i]);
    if (i > 0) out += ' ';
    out += kHex[byte >> 4];
    out += kHex[byte & 15];
  }
  return out;
}

class DebugLayer final : public RoundTripper {
 public:
  DebugLayer(std::shared_ptr<RoundTripper> next, std::shared_ptr<Clock> clock, int level)
      : next_(std::move(next)), clock_(std::move(clock)), level_(level) {}

  Result<Response> RoundTrip(const Request& request, const Context& ctx) override {
    const std::string url = request.url.String();
    if (level_ >= 9) {
      Log(9, CurlCommand(request));
    } else if (level_ >= 7) {
      Log(7, Cat(request.method, " ", url));
      LogHeaders(7, "Request Headers:", request.headers);
    }
    const TimePoint began = clock_->Now();
    auto response = next_->RoundTrip(request, ctx);
    const auto spent = std::chrono::duration_cast<std::chrono::milliseconds>(clock_->Now() - began);
    const std::string status = response ? std::to_string(response->status) : "";
    Log(6, Cat(request.method, " ", url, " ", status, status.empty() ? "" : " ", "in ",
               std::to_string(spent.count()), " milliseconds"));
    if (response && level_ >= 8) LogHeaders(8, "Response Headers:", response->headers);
    return response;
  }
  void CloseIdleConnections() override { next_->CloseIdleConnections(); }

 private:
  std::shared_ptr<RoundTripper> next_;
  std::shared_ptr<Clock> clock_;
  int level_;
};

}  // namespace

std::string MaskAuthorization(std::string_view value) {
  if (value.empty()) return {};
  const std::string_view scheme = value.substr(0, value.find(' '));
  for (const std::string_view known : {"Bearer", "Basic", "Negotiate"}) {
    if (!EqualsIgnoreCase(scheme, known)) continue;
    return scheme.size() == value.size() ? std::string(scheme) : Cat(scheme, " <masked>");
  }
  return "<masked>";
}

bool LogsBodies() { return LogVerbosity() >= 8; }

void LogBody(std::string_view title, std::string_view body) {
  if (!LogsBodies()) return;
  const int level = LogVerbosity();
  const bool binary = std::any_of(body.begin(), body.end(),
                                  [](char c) { return static_cast<unsigned char>(c) < 0x0a; });
  std::string text = binary ? HexDump(body) : std::string(body);
  const size_t most = level >= 10 ? text.size() : level == 9 ? kBodyAtNine : kBodyAtEight;
  if (text.size() > most) {
    const size_t cut = text.size() - most;
    text.resize(most);
    text += Cat(" [truncated ", std::to_string(cut), " chars]");
  }
  Log(8, Cat(title, ": ", text));
}

Layer Debug(std::shared_ptr<Clock> clock) {
  const int level = LogVerbosity();
  return [=](std::shared_ptr<RoundTripper> next) -> std::shared_ptr<RoundTripper> {
    if (level < 6) return next;
    return std::make_shared<DebugLayer>(std::move(next), clock, level);
  };
}

}  // namespace k8s::http
