#include "fakeapiserver/http2_session.h"

#include <algorithm>
#include <array>

#include "fakeapiserver/nghttp2_texts.h"
#include "fakeapiserver/unframed.h"
#include "k8s/base/strings.h"

namespace k8s::fakeapiserver {
namespace {

constexpr uint32_t kMaxStreams = 100;
constexpr uint32_t kStreamWindow = uint32_t{256} << 10;
constexpr int32_t kConnectionWindow = static_cast<int32_t>(kMaxStreams * kStreamWindow);
constexpr size_t kBlockBytes = 4096;
constexpr size_t kFrameHeadBytes = 9;

// What HTTP/1.1 says of its connection.
bool IsOfConnection(std::string_view name) {
  constexpr std::string_view kNames[] = {"Connection", "Transfer-Encoding", "Keep-Alive",
                                         "Proxy-Connection", "Upgrade"};
  return std::any_of(std::begin(kNames), std::end(kNames),
                     [&](std::string_view one) { return EqualsIgnoreCase(one, name); });
}

}  // namespace

struct Http2Session::Stream {
  Stream(Http2Session& of, int32_t number) : session(of), id(number) {}
  ~Stream() { DropSource(); }

  void SetSource(std::unique_ptr<Source> from) {
    source = std::move(from);
    source->SetWake([this] { session.Wake(*this); });
  }
  void DropSource() {
    if (source) source->SetWake({});
    source.reset();
  }

  Http2Session& session;
  const int32_t id;

  // The request.
  http::MessageHead head{};
  size_t head_bytes = 0;
  std::string body{};
  bool has_body = false;
  bool whole = false;   // nothing more of it comes
  bool served = false;  // nothing more of it matters

  // The answer.
  std::function<Answer()> decide{};
  TimePoint decide_at{};
  Unframed* raw = nullptr;  // the source, while the head of the answer is still inside
  std::unique_ptr<Source> source{};
  SliceQueue ready{};
  bool complete = false;         // nothing comes behind `ready`
  std::optional<Fate> ending{};  // of the connection, when `ready` is sent
  bool waits = false;            // for its source
  bool woken = false;            // guarded by the session's mutex
};

// What nghttp2 calls while it reads or writes.
struct Http2Session::Callbacks {
  static Http2Session& SessionOf(void* user) { return *static_cast<Http2Session*>(user); }
  static Stream* StreamOf(nghttp2_session* session, int32_t id) {
    return static_cast<Stream*>(nghttp2_session_get_stream_user_data(session, id));
  }
  static bool IsRequest(const nghttp2_frame* frame) {
    return frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST;
  }

  static int OnBeginHeaders(nghttp2_session* session, const nghttp2_frame* frame, void* user) {
    if (!IsRequest(frame)) return 0;
    const int32_t id = frame->hd.stream_id;
    auto& stream = SessionOf(user).streams_[id];
    stream = std::make_unique<Stream>(SessionOf(user), id);
    return nghttp2_session_set_stream_user_data(session, id, stream.get());
  }

  static int OnHeader(nghttp2_session* session, const nghttp2_frame* frame, const uint8_t* name,
                      size_t name_size, const uint8_t* value, size_t value_size, uint8_t, void*) {
    Stream* const stream = StreamOf(session, frame->hd.stream_id);
    if (stream == nullptr || !IsRequest(frame)) return 0;  // trailers
    stream->head_bytes += name_size + value_size;
    if (stream->head_bytes > http::kMaxHeadBytes) return 0;
    const std::string_view field = TextOf(name, name_size);
    std::string text(TextOf(value, value_size));
    if (field == ":method") {
      stream->head.method = std::move(text);
    } else if (field == ":path") {
      stream->head.target = std::move(text);
    } else if (field == ":authority") {
      stream->head.headers.Set("Host", std::move(text));
    } else if (!field.starts_with(':')) {
      stream->head.headers.Add(http::CanonicalName(field), std::move(text));
    }
    return 0;
  }

  static int OnFrame(nghttp2_session* session, const nghttp2_frame* frame, void* user) {
    const bool headers = frame->hd.type == NGHTTP2_HEADERS;
    if (!headers && frame->hd.type != NGHTTP2_DATA) return 0;
    Stream* const stream = StreamOf(session, frame->hd.stream_id);
    if (stream == nullptr) return 0;
    stream->whole = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    if (IsRequest(frame)) SessionOf(user).OnHead(*stream);
    if (stream->whole) SessionOf(user).Serve(*stream);
    return 0;
  }

  static int OnDataChunk(nghttp2_session* session, uint8_t, int32_t id, const uint8_t* data,
                         size_t size, void* user) {
    if (Stream* const stream = StreamOf(session, id))
      SessionOf(user).OnData(*stream, TextOf(data, size));
    return 0;
  }

  static int OnStreamClose(nghttp2_session*, int32_t id, uint32_t, void* user) {
    Http2Session& self = SessionOf(user);
    self.streams_.erase(id);
    self.idle_at_ = self.context_.clock->Now() + self.context_.limits.idle_timeout;
    return 0;
  }

  // Who has had the answer may as well stop sending the request.
  static int OnFrameSent(nghttp2_session* session, const nghttp2_frame* frame, void*) {
    const bool ends = (frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA) &&
                      (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    if (!ends) return 0;
    const Stream* const stream = StreamOf(session, frame->hd.stream_id);
    if (stream == nullptr || stream->whole) return 0;
    return nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, stream->id, NGHTTP2_NO_ERROR);
  }

  // How much of the body the next frame takes; SendData puts it behind the frame's head.
  static ssize_t ReadData(nghttp2_session*, int32_t, uint8_t*, size_t size, uint32_t* flags,
                          nghttp2_data_source* source, void* user) {
    Stream& stream = *static_cast<Stream*>(source->ptr);
    const size_t count = SessionOf(user).Fill(stream, size);
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (stream.complete && count == stream.ready.bytes()) {
      *flags |= NGHTTP2_DATA_FLAG_EOF;
    } else if (count == 0) {
      stream.waits = true;
      if (stream.ending) SessionOf(user).ending_ = stream.ending;
      return NGHTTP2_ERR_DEFERRED;
    }
    return static_cast<ssize_t>(count);
  }

  static int SendData(nghttp2_session*, nghttp2_frame*, const uint8_t* head, size_t size,
                      nghttp2_data_source* source, void* user) {
    Http2Session& self = SessionOf(user);
    if (self.out_.bytes() >= self.context_.limits.max_pending) return NGHTTP2_ERR_WOULDBLOCK;
    self.Put(TextOf(head, kFrameHeadBytes));
    SliceQueue& ready = static_cast<Stream*>(source->ptr)->ready;
    while (size > 0) {
      Slice piece = ready.Pop(size);
      size -= piece.bytes.size();
      self.out_.Push(std::move(piece));
    }
    return 0;
  }

  static nghttp2_session* NewSession(Http2Session& self) {
    nghttp2_session_callbacks* made = nullptr;
    nghttp2_session_callbacks_new(&made);
    const std::unique_ptr<nghttp2_session_callbacks, void (*)(nghttp2_session_callbacks*)>
        callbacks(made, nghttp2_session_callbacks_del);
    nghttp2_session_callbacks_set_on_begin_headers_callback(made, OnBeginHeaders);
    nghttp2_session_callbacks_set_on_header_callback(made, OnHeader);
    nghttp2_session_callbacks_set_on_frame_recv_callback(made, OnFrame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(made, OnDataChunk);
    nghttp2_session_callbacks_set_on_stream_close_callback(made, OnStreamClose);
    nghttp2_session_callbacks_set_on_frame_send_callback(made, OnFrameSent);
    nghttp2_session_callbacks_set_send_data_callback(made, SendData);
    nghttp2_option* some = nullptr;
    nghttp2_option_new(&some);
    const std::unique_ptr<nghttp2_option, void (*)(nghttp2_option*)> options(some,
                                                                             nghttp2_option_del);
    nghttp2_option_set_no_closed_streams(some, 1);
    nghttp2_session* session = nullptr;
    nghttp2_session_server_new2(&session, made, &self, some);
    return session;
  }
};

Http2Session::Http2Session(SessionContext context)
    : Session(std::move(context)),
      session_(Callbacks::NewSession(*this), nghttp2_session_del),
      idle_at_(context_.clock->Now() + context_.limits.idle_timeout) {
  const std::array<nghttp2_settings_entry, 3> settings{{
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, kMaxStreams},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kStreamWindow},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, static_cast<uint32_t>(http::kMaxHeadBytes)},
  }};
  nghttp2_submit_settings(session_.get(), NGHTTP2_FLAG_NONE, settings.data(), settings.size());
  nghttp2_session_set_local_window_size(session_.get(), NGHTTP2_FLAG_NONE, 0, kConnectionWindow);
}

// While they last, sources may wake the session.
Http2Session::~Http2Session() { streams_.clear(); }

void Http2Session::Receive(std::string_view bytes) {
  if (fate_ == Fate::kDrain) return Drop(bytes.size());
  if (ending_) return;
  const auto used = nghttp2_session_mem_recv(session_.get(), BytesOf(bytes), bytes.size());
  // Of errors that a client can be told of, nghttp2 has put a frame among those to send.
  if (used < 0) ending_ = Fate::kDrain;
}

void Http2Session::ReceiveEnd() { fate_ = Fate::kClose; }

bool Http2Session::CanContinue() const {
  return fate_ == Fate::kOpen && out_.empty() &&
         (ending_ || nghttp2_session_want_write(session_.get()) != 0);
}

bool Http2Session::IsFlooded() const { return out_.bytes() >= context_.limits.max_pending; }

void Http2Session::Drive() {
  const TimePoint now = context_.clock->Now();
  if (fate_ == Fate::kDrain && now >= timer_) fate_ = Fate::kClose;
  if (fate_ != Fate::kOpen) return;
  ResumeWoken();
  ResumeDue(now);
  if (streams_.empty() && now >= idle_at_) {
    idle_at_ = kForever;
    nghttp2_session_terminate_session(session_.get(), NGHTTP2_NO_ERROR);
  }
  Pump();
  timer_ = streams_.empty() ? idle_at_ : NextDue();
  if (!out_.empty()) return;
  const bool done = nghttp2_session_want_read(session_.get()) == 0 &&
                    nghttp2_session_want_write(session_.get()) == 0;
  if (ending_ == Fate::kDrain || (done && !ending_)) {
    StartDrain();
  } else if (ending_) {
    fate_ = *ending_;
  }
}

void Http2Session::OnHead(Stream& stream) {
  if (stream.head_bytes > http::kMaxHeadBytes) {
    stream.served = true;
    return Start(stream, Answer::Text(431, "431 Request Header Fields Too Large"));
  }
  if (auto answer = context_.door.OnHead(stream.head, context_.connection)) {
    stream.served = true;
    return Start(stream, std::move(*answer));
  }
  if (stream.head.ExpectsContinue() && !stream.whole) {
    const nghttp2_nv status = FieldOf(":status", "100");
    nghttp2_submit_headers(session_.get(), NGHTTP2_FLAG_NONE, stream.id, nullptr, &status, 1,
                           nullptr);
  }
}

void Http2Session::OnData(Stream& stream, std::string_view bytes) {
  if (stream.served) return;
  stream.has_body = true;
  const size_t limit = context_.limits.max_body + 1;
  stream.body.append(bytes.substr(0, limit - stream.body.size()));
  if (stream.body.size() == limit) Serve(stream);
}

void Http2Session::Serve(Stream& stream) {
  if (std::exchange(stream.served, true)) return;
  http::Request request =
      RequestOf(std::exchange(stream.head, http::MessageHead{.method = stream.head.method}));
  request.url.scheme = context_.scheme;
  if (stream.has_body)
    request.body = std::make_shared<const std::string>(std::exchange(stream.body, {}));
  Start(stream, context_.door.Serve(request, context_.connection));
}

void Http2Session::Start(Stream& stream, Answer answer) {
  if (answer.decide) {
    stream.decide = std::move(answer.decide);
    stream.decide_at = answer.decide_at;
    return;
  }
  if (answer.raw) {
    auto raw = std::make_unique<Unframed>(std::move(answer.source), stream.head.method);
    stream.raw = raw.get();
    stream.SetSource(std::move(raw));
    return StartRaw(stream);
  }
  SetLength(answer);
  const bool has_body = HasBody(stream.head, answer);
  if (has_body) {
    for (Slice& slice : answer.body) stream.ready.Push(std::move(slice));
    stream.complete = answer.source == nullptr;
    if (answer.source) stream.SetSource(std::move(answer.source));
  }
  Submit(stream, answer.status, answer.headers, has_body);
}

// A fault has made the bytes of the answer, its head among them.
void Http2Session::StartRaw(Stream& stream) {
  auto head = stream.raw->ReadHead();
  if (head.outcome == Source::Outcome::kPending) {
    stream.waits = true;
    return;
  }
  if (head.outcome == Source::Outcome::kData) {
    stream.raw = nullptr;
    return Submit(stream, head.message.status, head.message.headers, true);
  }
  // Whatever these bytes are, they are no frame.
  Put(head.garbage);
  ending_ = head.outcome == Source::Outcome::kReset ? Fate::kReset : Fate::kDrain;
}

void Http2Session::Submit(Stream& stream, int status, const http::Headers& headers, bool has_body) {
  const std::string code = std::to_string(status);
  std::vector<nghttp2_nv> fields{FieldOf(":status", code)};
  // A real server ends the connection of whom it does not know (chapter 13).
  bool ends = status == 401;
  for (const auto& [name, value] : headers) {
    if (IsOfConnection(name)) {
      ends = ends || EqualsIgnoreCase(value, "close");
    } else {
      fields.push_back(FieldOf(name, value));
    }
  }
  nghttp2_data_provider body{};
  body.source.ptr = &stream;
  body.read_callback = Callbacks::ReadData;
  nghttp2_submit_response(session_.get(), stream.id, fields.data(), fields.size(),
                          has_body ? &body : nullptr);
  if (ends) {
    nghttp2_submit_goaway(session_.get(), NGHTTP2_FLAG_NONE,
                          nghttp2_session_get_last_proc_stream_id(session_.get()), NGHTTP2_NO_ERROR,
                          nullptr, 0);
  }
}

// Asks the source for so many bytes; how many there are, at most that many.
size_t Http2Session::Fill(Stream& stream, size_t wanted) {
  auto outcome = Source::Outcome::kData;
  while (stream.source && stream.ready.bytes() < wanted && outcome == Source::Outcome::kData) {
    Slices data;
    outcome = stream.source->Next(data);
    for (Slice& slice : data) stream.ready.Push(std::move(slice));
    switch (outcome) {
      case Source::Outcome::kData:
      case Source::Outcome::kPending:
        continue;
      case Source::Outcome::kEnd:
        stream.complete = true;
        break;
      case Source::Outcome::kClose:
        stream.ending = Fate::kDrain;
        break;
      case Source::Outcome::kReset:
        stream.ending = Fate::kReset;
        break;
    }
    stream.DropSource();
  }
  return std::min(wanted, stream.ready.bytes());
}

// Views of the block stay valid while it has room.
void Http2Session::Put(std::string_view bytes) {
  if (!block_ || block_->capacity() - block_->size() < bytes.size()) {
    block_ = std::make_shared<std::string>();
    block_->reserve(std::max(kBlockBytes, bytes.size()));
  }
  const size_t at = block_->size();
  block_->append(bytes);
  out_.Push(Slice(block_, std::string_view(*block_).substr(at)));
}

void Http2Session::Wake(Stream& stream) {
  {
    std::lock_guard lock(woken_mutex_);
    if (std::exchange(stream.woken, true)) return;
    woken_.push_back(stream.id);
    if (woken_.size() > 1) return;
  }
  context_.wake();
}

void Http2Session::ResumeWoken() {
  std::vector<int32_t> woken;
  {
    std::lock_guard lock(woken_mutex_);
    woken.swap(woken_);
    for (int32_t id : woken) {
      if (const auto found = streams_.find(id); found != streams_.end())
        found->second->woken = false;
    }
  }
  for (int32_t id : woken) {
    if (const auto found = streams_.find(id); found != streams_.end()) Resume(*found->second);
  }
}

void Http2Session::Resume(Stream& stream) {
  if (!std::exchange(stream.waits, false)) return;
  if (stream.raw != nullptr) return StartRaw(stream);
  nghttp2_session_resume_data(session_.get(), stream.id);
}

void Http2Session::ResumeDue(TimePoint now) {
  for (const auto& [id, stream] : streams_) {
    if (stream->decide && now >= stream->decide_at)
      Start(*stream, std::exchange(stream->decide, {})());
    if (stream->waits && stream->source && now >= stream->source->WakeAt()) Resume(*stream);
  }
}

TimePoint Http2Session::NextDue() const {
  TimePoint next = kForever;
  for (const auto& [id, stream] : streams_) {
    if (stream->decide) next = std::min(next, stream->decide_at);
    if (stream->waits && stream->source) next = std::min(next, stream->source->WakeAt());
  }
  return next;
}

void Http2Session::Pump() {
  while (!ending_ && out_.bytes() < context_.limits.max_pending) {
    const uint8_t* bytes = nullptr;
    const auto size = nghttp2_session_mem_send(session_.get(), &bytes);
    if (size < 0) ending_ = Fate::kClose;
    if (size <= 0) return;
    Put(TextOf(bytes, static_cast<size_t>(size)));
  }
}

}  // namespace k8s::fakeapiserver
