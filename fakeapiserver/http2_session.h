#pragma once

// A connection of HTTP/2, whose frames nghttp2 reads and writes. A request is served when it is
// whole; answers go out side by side, so that many watches share a connection and the system calls
// for it. Limits are those of a real server (S-0.7).
//
// Faults are made of the bytes of HTTP/1.1. What they do to an answer is done to its stream; where
// they end the connection, that ends with all its streams (docs/faults.md).

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fakeapiserver/session.h"

struct nghttp2_session;

namespace k8s::fakeapiserver {

class Http2Session final : public Session {
 public:
  // The name of the protocol in ALPN.
  static constexpr std::string_view kProtocol = "h2";

  explicit Http2Session(SessionContext context);
  ~Http2Session() override;

  void Receive(std::string_view bytes) override;
  void ReceiveEnd() override;
  void Drive() override;
  bool CanContinue() const override;
  bool IsFlooded() const override;

 private:
  struct Stream;
  struct Callbacks;

  void OnHead(Stream& stream);
  void OnData(Stream& stream, std::string_view bytes);
  void Serve(Stream& stream);
  void Start(Stream& stream, Answer answer);
  void StartRaw(Stream& stream);
  void Submit(Stream& stream, int status, const http::Headers& headers, bool has_body);
  size_t Fill(Stream& stream, size_t wanted);
  void Put(std::string_view bytes);
  void Wake(Stream& stream);
  void Resume(Stream& stream);
  void ResumeWoken();
  void ResumeDue(TimePoint now);
  TimePoint NextDue() const;
  void Pump();

  std::map<int32_t, std::unique_ptr<Stream>> streams_;
  std::unique_ptr<nghttp2_session, void (*)(nghttp2_session*)> session_;
  std::shared_ptr<std::string> block_;  // where small frames are put next
  TimePoint idle_at_;                   // while there is no stream
  std::optional<Fate> ending_;          // comes when the output is gone

  std::mutex woken_mutex_;
  std::vector<int32_t> woken_;  // streams whose sources may have more; each stream once
};

}  // namespace k8s::fakeapiserver
