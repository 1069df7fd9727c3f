#include "fakeapiserver/session.h"

#include <algorithm>

#include "k8s/base/strings.h"

namespace k8s::fakeapiserver {
namespace {

constexpr size_t kMaxDrain = size_t{64} << 20;  // of a refused body, read only to be dropped
constexpr size_t kUsualHead = 512;              // bytes that an answer begins with
constexpr Duration kDrainTimeout = std::chrono::seconds(5);

bool HasBody(const http::MessageHead& head, const Answer& answer) {
  return head.method != "HEAD" && answer.status != 204 && answer.status != 304;
}

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

std::string AnswerHead(Answer& answer, bool chunked, bool close) {
  if (chunked) {
    answer.headers.Set("Transfer-Encoding", "chunked");
  } else if (answer.status != 204 && answer.status != 304 && !answer.source) {
    answer.headers.Set("Content-Length", std::to_string(SizeOf(answer.body)));
  }
  if (close) answer.headers.Set("Connection", "close");
  std::string head;
  head.reserve(kUsualHead);
  http::AppendStatusLine(answer.status, {}, head);
  http::AppendFields(answer.headers, head);
  return head;
}

Session::Session(Door& door, SessionLimits limits, std::shared_ptr<Clock> clock,
                 uint64_t connection, std::string_view scheme, std::function<void()> wake)
    : door_(door),
      sessions_(door.sessions()),
      limits_(limits),
      clock_(std::move(clock)),
      connection_(connection),
      scheme_(scheme),
      wake_(std::move(wake)),
      timer_(clock_->Now() + limits_.head_timeout) {
  ++*sessions_;
}

Session::~Session() {
  DropSource();
  --*sessions_;
}

void Session::DropSource() {
  if (source_) source_->SetWake({});
  source_.reset();
}

void Session::Begin(Answer answer) {
  close_after_ = true;
  Start(std::move(answer));
}

void Session::Receive(std::string_view bytes) {
  if (state_ == State::kDrain) {
    drained_ += bytes.size();
    if (drained_ > kMaxDrain) fate_ = Fate::kClose;
    return;
  }
  in_.append(bytes);
}

void Session::ReceiveEnd() {
  eof_ = true;
  // Nobody waits for a stream without end; a plain answer may still be on its way out.
  if (state_ == State::kDrain || source_ || decide_) fate_ = Fate::kClose;
}

// Drive is called again and again, so each step leaves when there is nothing for it to do.
void Session::Drive() {
  if (fate_ == Fate::kOpen && clock_->Now() >= timer_) {
    timer_ = kForever;
    if (state_ != State::kAnswer) fate_ = Fate::kClose;  // idle, or too slow with its request
  }
  if (fate_ == Fate::kDrain && clock_->Now() >= timer_) fate_ = Fate::kClose;
  while (fate_ == Fate::kOpen) {
    if (state_ == State::kHead || state_ == State::kBody) {
      if (!Advance()) fate_ = Fate::kClose;
      if (state_ != State::kAnswer) return;
    }
    if (decide_ && clock_->Now() >= decide_at_) {
      timer_ = kForever;
      Start(std::exchange(decide_, {})());
    }
    Pump();
    if (eof_ && (source_ || decide_)) fate_ = Fate::kClose;
    if (source_ || decide_ || !out_.empty()) return;
    if (cut_) {
      fate_ = Fate::kReset;
      return;
    }
    Finish();
    if (in_.empty()) {
      if (eof_ && fate_ == Fate::kOpen) fate_ = Fate::kClose;
      return;
    }
  }
}

bool Session::CanContinue() const {
  if (fate_ != Fate::kOpen || !out_.empty() || state_ != State::kAnswer) return false;
  return source_has_more_ || (!source_ && !decide_);
}

bool Session::IsFlooded() const {
  return state_ == State::kAnswer && in_.size() > limits_.max_pending;
}

void Session::Sent(size_t count) {
  out_bytes_ -= count;
  while (count > 0) {
    const size_t rest = out_.front().bytes.size() - out_offset_;
    if (count < rest) {
      out_offset_ += count;
      return;
    }
    count -= rest;
    out_.pop_front();
    out_offset_ = 0;
  }
}

void Session::Finish() {
  body_.clear();
  head_ = {};
  if (close_after_) {
    state_ = State::kDrain;
    fate_ = Fate::kDrain;
    timer_ = clock_->Now() + kDrainTimeout;
    return;
  }
  state_ = State::kHead;
  timer_ = clock_->Now() + limits_.idle_timeout;
}

bool Session::Advance() {
  if (state_ == State::kHead && !ParseHead()) return false;
  if (state_ == State::kBody && !ParseBody()) return false;
  return true;
}

bool Session::ParseHead() {
  if (in_.empty()) return !eof_;
  auto done = parser_.Parse(in_);
  const auto refuse = [&](int status, const Error& error) {
    head_ = {};
    in_.clear();
    Begin(Answer::Text(status, Cat(std::to_string(status), " ", http::ReasonPhrase(status), ": ",
                                   error.message())));
    return true;
  };
  if (!done) return refuse(in_.size() >= http::kMaxHeadBytes ? 431 : 400, done.error());
  if (!*done) return !eof_;
  const size_t consumed = parser_.consumed();
  head_ = parser_.Take();
  in_.erase(0, consumed);
  auto framing = http::RequestFraming(head_);
  if (!framing) return refuse(400, framing.error());
  framing_ = *framing;
  close_after_ = !head_.KeepsAlive();
  chunks_ = {};
  body_.clear();
  if (auto answer = door_.OnHead(head_, connection_)) {
    in_.clear();
    Begin(std::move(*answer));
    return true;
  }
  state_ = State::kBody;
  if (head_.ExpectsContinue() && framing_.kind != http::Framing::Kind::kNone) {
    Enqueue(Slice::Literal(http::kContinue));
  }
  return true;
}

bool Session::ParseBody() {
  const size_t limit = limits_.max_body + 1;
  bool cut = false;
  switch (framing_.kind) {
    case http::Framing::Kind::kNone:
    case http::Framing::Kind::kUntilClose:
      break;
    case http::Framing::Kind::kLength: {
      const uint64_t wanted = std::min<uint64_t>(framing_.length, limit);
      const size_t take =
          static_cast<size_t>(std::min<uint64_t>(wanted - body_.size(), in_.size()));
      body_.append(in_, 0, take);
      in_.erase(0, take);
      if (body_.size() < wanted) return !eof_;
      cut = wanted < framing_.length;
      break;
    }
    case http::Framing::Kind::kChunked: {
      auto used = chunks_.Decode(in_, body_);
      if (!used) return false;
      in_.erase(0, *used);
      cut = body_.size() >= limit;
      if (cut) body_.resize(limit);
      if (!cut && !chunks_.done()) return !eof_;
      break;
    }
  }
  if (cut) {
    close_after_ = true;
    in_.clear();
  }
  Dispatch();
  return true;
}

void Session::Dispatch() {
  // The answer's form depends on these two; the request gets the rest.
  http::Request request = RequestOf(
      std::exchange(head_, {.method = head_.method, .minor_version = head_.minor_version}));
  request.url.scheme = scheme_;
  if (framing_.kind != http::Framing::Kind::kNone) {
    request.body = std::make_shared<const std::string>(std::move(body_));
  }
  body_ = {};
  timer_ = kForever;
  Start(door_.Serve(request, connection_));
}

void Session::Enqueue(Slice slice) {
  if (slice.bytes.empty()) return;
  out_bytes_ += slice.bytes.size();
  out_.push_back(std::move(slice));
}

void Session::Start(Answer answer) {
  state_ = State::kAnswer;
  if (answer.decide) {
    decide_ = std::move(answer.decide);
    decide_at_ = timer_ = answer.decide_at;
    return;
  }
  timer_ = kForever;
  const bool has_body = answer.raw || HasBody(head_, answer);
  chunked_ = answer.source != nullptr && has_body && !answer.raw;
  if (chunked_ && head_.minor_version == 0) {
    chunked_ = false;  // to a client of HTTP/1.0 the end of the connection ends the body
    close_after_ = true;
  }
  if (!answer.raw) Enqueue(Slice::Of(AnswerHead(answer, chunked_, close_after_)));
  if (!has_body) return;
  for (Slice& slice : answer.body) Enqueue(std::move(slice));
  if (answer.source) {
    source_ = std::move(answer.source);
    source_->SetWake(wake_);
  }
}

void Session::Pump() {
  source_has_more_ = false;
  while (source_) {
    if (out_bytes_ >= limits_.max_pending) {
      source_has_more_ = true;
      break;
    }
    Slices data;
    const Source::Outcome outcome = source_->Next(data);
    if (const size_t size = SizeOf(data)) {
      if (chunked_) {
        std::string line;
        http::AppendChunkSize(size, line);
        Enqueue(Slice::Of(std::move(line)));
      }
      for (Slice& slice : data) Enqueue(std::move(slice));
      if (chunked_) Enqueue(Slice::Literal(http::kChunkEnd));
    }
    if (outcome == Source::Outcome::kData) continue;
    if (outcome == Source::Outcome::kPending) break;
    cut_ = outcome == Source::Outcome::kReset;
    if (outcome == Source::Outcome::kClose) close_after_ = true;
    if (outcome == Source::Outcome::kEnd && chunked_) Enqueue(Slice::Literal(http::kLastChunk));
    DropSource();
    timer_ = kForever;
    return;
  }
  if (source_) timer_ = source_->WakeAt();
}

}  // namespace k8s::fakeapiserver
