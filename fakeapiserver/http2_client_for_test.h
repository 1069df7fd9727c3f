#pragma once

// A client of HTTP/2 without any I/O: nghttp2's, so that a session is held against something else
// than itself. Only tests include this.

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fakeapiserver/nghttp2_texts.h"
#include "k8s/http/headers.h"

namespace k8s::fakeapiserver {

class Http2ClientForTest {
 public:
  struct Answer {
    std::vector<std::string> interim{};  // statuses of 1xx
    std::string status{};
    http::Headers headers{};
    std::string body{};
    bool ended = false;
    std::optional<uint32_t> reset{};
  };

  // Without `opens_windows` it takes 64 KB of bodies and no more.
  explicit Http2ClientForTest(bool opens_windows = true) : session_(nullptr, nghttp2_session_del) {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, OnHeader);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, OnData);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, OnFrame);
    nghttp2_option* options = nullptr;
    nghttp2_option_new(&options);
    nghttp2_option_set_no_auto_window_update(options, opens_windows ? 0 : 1);
    nghttp2_option_set_max_send_header_block_length(options, size_t{4} << 20);
    nghttp2_session* session = nullptr;
    nghttp2_session_client_new2(&session, callbacks, this, options);
    session_.reset(session);
    nghttp2_option_del(options);
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, nullptr, 0);
  }

  Http2ClientForTest(const Http2ClientForTest&) = delete;
  Http2ClientForTest& operator=(const Http2ClientForTest&) = delete;

  // The number of its stream. The body is sent as windows open.
  int32_t Send(std::string method, std::string path, http::Headers headers = {},
               std::optional<std::string> body = std::nullopt) {
    http::Headers all{{":method", std::move(method)},
                      {":scheme", "https"},
                      {":authority", "server"},
                      {":path", std::move(path)}};
    for (const auto& [name, value] : headers) all.Add(name, value);
    const std::vector<nghttp2_nv> fields = FieldsOf(all);
    nghttp2_data_provider provider{};
    if (body) {
      bodies_.push_back(std::make_unique<Body>(Body{*std::move(body)}));
      provider.source.ptr = bodies_.back().get();
      provider.read_callback = ReadBody;
    }
    return nghttp2_submit_request(session_.get(), nullptr, fields.data(), fields.size(),
                                  body ? &provider : nullptr, nullptr);
  }
  void Reset(int32_t stream) {
    nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, stream, NGHTTP2_CANCEL);
  }

  // What it has to send.
  std::string Output() { return OutputOf(session_.get()); }
  // False: this is not HTTP/2.
  bool Receive(std::string_view bytes) {
    const auto used = nghttp2_session_mem_recv(session_.get(), BytesOf(bytes), bytes.size());
    return used == static_cast<ssize_t>(bytes.size());
  }

  const Answer& answer(int32_t stream) { return answers_[stream]; }
  std::optional<uint32_t> goaway() const { return goaway_; }  // its reason
  uint32_t PeerSetting(nghttp2_settings_id id) const {
    return nghttp2_session_get_remote_settings(session_.get(), id);
  }

 private:
  struct Body {
    std::string bytes;
    size_t sent = 0;
  };

  static Http2ClientForTest& Of(void* user) { return *static_cast<Http2ClientForTest*>(user); }

  static int OnHeader(nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name,
                      size_t name_size, const uint8_t* value, size_t value_size, uint8_t,
                      void* user) {
    Answer& answer = Of(user).answers_[frame->hd.stream_id];
    const std::string field(TextOf(name, name_size)), text(TextOf(value, value_size));
    if (field != ":status") {
      answer.headers.Add(field, text);
    } else if (text.starts_with('1')) {
      answer.interim.push_back(text);
    } else {
      answer.status = text;
    }
    return 0;
  }
  static int OnData(nghttp2_session*, uint8_t, int32_t id, const uint8_t* data, size_t size,
                    void* user) {
    Of(user).answers_[id].body += TextOf(data, size);
    return 0;
  }
  static int OnFrame(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    Answer& answer = Of(user).answers_[frame->hd.stream_id];
    if (frame->hd.type == NGHTTP2_GOAWAY) Of(user).goaway_ = frame->goaway.error_code;
    if (frame->hd.type == NGHTTP2_RST_STREAM) answer.reset = frame->rst_stream.error_code;
    if (frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA)
      answer.ended = answer.ended || (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    return 0;
  }
  static ssize_t ReadBody(nghttp2_session*, int32_t, uint8_t* to, size_t size, uint32_t* flags,
                          nghttp2_data_source* source, void*) {
    Body& body = *static_cast<Body*>(source->ptr);
    const size_t count = body.bytes.copy(reinterpret_cast<char*>(to), size, body.sent);
    body.sent += count;
    if (body.sent == body.bytes.size()) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(count);
  }

  std::unique_ptr<nghttp2_session, void (*)(nghttp2_session*)> session_;
  std::map<int32_t, Answer> answers_;
  std::vector<std::unique_ptr<Body>> bodies_;
  std::optional<uint32_t> goaway_;
};

}  // namespace k8s::fakeapiserver
