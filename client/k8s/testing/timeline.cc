#include "k8s/testing/timeline.h"

#include <algorithm>
#include <cstdio>
#include <ostream>

#include "k8s/base/strings.h"

namespace k8s {
namespace {

// Shorter pauses are not drawn.
constexpr Duration kPause = std::chrono::milliseconds(1);
constexpr size_t kMaxRequestWidth = 100;

std::string Seconds(Duration d) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3fs", std::chrono::duration<double>(d).count());
  return text;
}

std::string Padded(std::string text, size_t width) {
  text.resize(std::max(width, text.size()), ' ');
  return text;
}

std::string RequestText(const fakeapiserver::Exchange& one) {
  return Cat("#", std::to_string(one.number), " ", one.method, " ", one.target);
}

std::string ConnectionText(const fakeapiserver::Exchange& one) {
  return one.connection == 0 ? "-" : Cat("c", std::to_string(one.connection));
}

}  // namespace

std::string DescribeAnswer(const fakeapiserver::Exchange& one) {
  std::string text;
  if (one.answered_at == TimePoint{}) {
    text = "no answer yet";
  } else {
    text = one.status == 0 ? "no answer" : std::to_string(one.status);
    if (one.answered_at > one.at) text += Cat(" after ", Seconds(one.answered_at - one.at));
  }
  if (!one.retry_after.empty()) text += Cat(", retry after ", one.retry_after);
  if (one.handled != 0 && one.handled != one.status)
    text += Cat(" (the handlers said ", std::to_string(one.handled), ")");
  if (one.info.verb == "watch" && one.answered_at != TimePoint{}) {
    if (one.last_revision > 0) text += Cat(", events to ", std::to_string(one.last_revision));
    if (one.ended_at != TimePoint{}) {
      text +=
          Cat(one.hung_up ? ", hung up after " : ", ended after ", Seconds(one.ended_at - one.at));
    }
  }
  if (!one.fault.empty()) text += Cat(" <- ", one.fault);
  return text;
}

std::string Timeline(const Exchanges& exchanges) {
  if (exchanges.empty()) return "no exchanges\n";
  const size_t first = exchanges.size() - std::min(exchanges.size(), kMaxTimelineLines);
  size_t width = 0;
  for (size_t i = first; i < exchanges.size(); ++i)
    width = std::max(width, RequestText(exchanges[i]).size());
  width = std::min(width, kMaxRequestWidth) + 2;
  const auto line = [&](std::string time, std::string conn, std::string request,
                        std::string_view answer) {
    if (!answer.empty()) request = Padded(Cat(request, "  "), width);
    return Cat(Padded(std::move(time), 10), Padded(std::move(conn), 6), request, answer, "\n");
  };
  std::string out = line("time", "conn", "request", "answer");
  if (first > 0) out += line("", "...", Cat(std::to_string(first), " earlier ones"), "");
  for (size_t i = first; i < exchanges.size(); ++i) {
    const fakeapiserver::Exchange& one = exchanges[i];
    if (i > first && one.at - exchanges[i - 1].at >= kPause)
      out += line("", "...", Seconds(one.at - exchanges[i - 1].at), "");
    out += line(Seconds(one.at - exchanges.front().at), ConnectionText(one), RequestText(one),
                DescribeAnswer(one));
  }
  return out;
}

namespace fakeapiserver {
void PrintTo(const Exchange& exchange, std::ostream* out) {
  *out << RequestText(exchange) << " -> " << DescribeAnswer(exchange);
}
}  // namespace fakeapiserver

}  // namespace k8s
