// Any bytes as a connection of HTTP/2, in pieces: whatever they are, the session comes to rest with
// its output gone, and lets go of every source.

#include <cstdint>
#include <cstdlib>

#include "fakeapiserver/http2_session.h"
#include "fakeapiserver/scripted_door_for_test.h"
#include "k8s/base/fake_clock.h"

using namespace k8s::fakeapiserver;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ScriptedDoor door;
  door.answer = [](const k8s::http::Request& request) {
    return Answer::Text(request.url.path.size() > 1 ? 200 : 401, request.body ? *request.body : "");
  };
  Http2Session session({.door = door,
                        .limits = {.max_body = 100},
                        .clock = std::make_shared<k8s::FakeClock>(),
                        .scheme = "https",
                        .wake = [] {}});
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  while (!bytes.empty() && session.fate() != Session::Fate::kClose) {
    const std::string_view piece = bytes.substr(0, 1 + bytes.size() / 2);
    bytes.remove_prefix(piece.size());
    session.Receive(piece);
    int turns = 0;
    do {
      session.Drive();
      session.Sent(session.output().bytes());
      if (++turns > 10'000) std::abort();
    } while (session.CanContinue());
  }
  return 0;
}
