#include "fakeapiserver/session.h"

namespace k8s::fakeapiserver {
namespace {

constexpr size_t kMaxDrain = size_t{64} << 20;  // of a refused body, read only to be dropped
constexpr Duration kDrainTimeout = std::chrono::seconds(5);

}  // namespace

http::Request RequestOf(http::MessageHead head) {
  http::Request request;
  const std::string_view target = head.target;
  const size_t question = target.find('?');
  request.url.path = std::string(target.substr(0, question));
  if (question != target.npos) request.url.query = std::string(target.substr(question + 1));
  request.url.host = std::string(head.headers.Get("Host"));
  request.method = std::move(head.method);
  request.headers = std::move(head.headers);
  return request;
}

bool HasBody(const http::MessageHead& request, const Answer& answer) {
  return request.method != "HEAD" && answer.status != 204 && answer.status != 304;
}

void SetLength(Answer& answer) {
  if (answer.status == 204 || answer.status == 304 || answer.source) return;
  answer.headers.Set("Content-Length", std::to_string(SizeOf(answer.body)));
}

Session::Session(SessionContext context)
    : context_(std::move(context)), sessions_(context_.door.sessions()) {
  ++*sessions_;
}

Session::~Session() { --*sessions_; }

void Session::StartDrain() {
  fate_ = Fate::kDrain;
  timer_ = context_.clock->Now() + kDrainTimeout;
}

void Session::Drop(size_t count) {
  drained_ += count;
  if (drained_ > kMaxDrain) fate_ = Fate::kClose;
}

}  // namespace k8s::fakeapiserver
