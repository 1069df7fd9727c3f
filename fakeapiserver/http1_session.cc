#include "fakeapiserver/http1_session.h"

#include <algorithm>

#include "k8s/base/strings.h"

namespace k8s::fakeapiserver {
namespace {

constexpr size_t kUsualHead = 512;  // bytes that an answer begins with

}  // namespace

std::string AnswerHead(Answer& answer, bool chunked, bool close) {
  if (chunked) {
    answer.headers.Set("Transfer-Encoding", "chunked");
  } else {
    SetLength(answer);
  }
  if (close) answer.headers.Set("Connection", "close");
  std::string head;
  head.reserve(kUsualHead);
  http::AppendStatusLine(answer.status, {}, head);
  http::AppendFields(answer.headers, head);
  return head;
}

Http1Session::Http1Session(SessionContext context) : Session(std::move(context)) {
  timer_ = context_.clock->Now() + context_.limits.head_timeout;
}

Http1Session::~Http1Session() { DropSource(); }

void Http1Session::DropSource() {
  if (source_) source_->SetWake({});
  source_.reset();
}

void Http1Session::Begin(Answer answer) {
  close_after_ = true;
  Start(std::move(answer));
}

void Http1Session::Receive(std::string_view bytes) {
  if (state_ == State::kDrain) return Drop(bytes.size());
  in_.append(bytes);
}

void Http1Session::ReceiveEnd() {
  eof_ = true;
  // Nobody waits for a stream without end; a plain answer may still be on its way out.
  if (state_ == State::kDrain || source_ || decide_) fate_ = Fate::kClose;
}

// Drive is called again and again, so each step leaves when there is nothing for it to do.
void Http1Session::Drive() {
  if (fate_ == Fate::kOpen && context_.clock->Now() >= timer_) {
    timer_ = kForever;
    if (state_ != State::kAnswer) fate_ = Fate::kClose;  // idle, or too slow with its request
  }
  if (fate_ == Fate::kDrain && context_.clock->Now() >= timer_) fate_ = Fate::kClose;
  while (fate_ == Fate::kOpen) {
    if (state_ == State::kHead || state_ == State::kBody) {
      if (!Advance()) fate_ = Fate::kClose;
      if (state_ != State::kAnswer) return;
    }
    if (decide_ && context_.clock->Now() >= decide_at_) {
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

bool Http1Session::CanContinue() const {
  if (fate_ != Fate::kOpen || !out_.empty() || state_ != State::kAnswer) return false;
  return source_has_more_ || (!source_ && !decide_);
}

bool Http1Session::IsFlooded() const {
  return state_ == State::kAnswer && in_.size() > context_.limits.max_pending;
}

void Http1Session::Finish() {
  body_.clear();
  head_ = {};
  if (close_after_) {
    state_ = State::kDrain;
    return StartDrain();
  }
  state_ = State::kHead;
  timer_ = context_.clock->Now() + context_.limits.idle_timeout;
}

bool Http1Session::Advance() {
  if (state_ == State::kHead && !ParseHead()) return false;
  if (state_ == State::kBody && !ParseBody()) return false;
  return true;
}

bool Http1Session::ParseHead() {
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
  if (auto answer = context_.door.OnHead(head_, context_.connection)) {
    in_.clear();
    Begin(std::move(*answer));
    return true;
  }
  state_ = State::kBody;
  if (head_.ExpectsContinue() && framing_.kind != http::Framing::Kind::kNone) {
    out_.Push(Slice::Literal(http::kContinue));
  }
  return true;
}

bool Http1Session::ParseBody() {
  const size_t limit = context_.limits.max_body + 1;
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

void Http1Session::Dispatch() {
  // The answer's form depends on these two; the request gets the rest.
  http::Request request = RequestOf(
      std::exchange(head_, {.method = head_.method, .minor_version = head_.minor_version}));
  request.url.scheme = context_.scheme;
  if (framing_.kind != http::Framing::Kind::kNone) {
    request.body = std::make_shared<const std::string>(std::move(body_));
  }
  body_ = {};
  timer_ = kForever;
  Start(context_.door.Serve(request, context_.connection));
}

void Http1Session::Start(Answer answer) {
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
  if (!answer.raw) out_.Push(Slice::Of(AnswerHead(answer, chunked_, close_after_)));
  if (!has_body) return;
  for (Slice& slice : answer.body) out_.Push(std::move(slice));
  if (answer.source) {
    source_ = std::move(answer.source);
    source_->SetWake(context_.wake);
  }
}

void Http1Session::Pump() {
  source_has_more_ = false;
  while (source_) {
    if (out_.bytes() >= context_.limits.max_pending) {
      source_has_more_ = true;
      break;
    }
    Slices data;
    const Source::Outcome outcome = source_->Next(data);
    if (const size_t size = SizeOf(data)) {
      if (chunked_) {
        std::string line;
        http::AppendChunkSize(size, line);
        out_.Push(Slice::Of(std::move(line)));
      }
      for (Slice& slice : data) out_.Push(std::move(slice));
      if (chunked_) out_.Push(Slice::Literal(http::kChunkEnd));
    }
    if (outcome == Source::Outcome::kData) continue;
    if (outcome == Source::Outcome::kPending) break;
    cut_ = outcome == Source::Outcome::kReset;
    if (outcome == Source::Outcome::kClose) close_after_ = true;
    if (outcome == Source::Outcome::kEnd && chunked_) out_.Push(Slice::Literal(http::kLastChunk));
    DropSource();
    timer_ = kForever;
    return;
  }
  if (source_) timer_ = source_->WakeAt();
}

}  // namespace k8s::fakeapiserver
