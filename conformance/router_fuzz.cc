// Any requests, one after the other, at one server: each is answered, with a status that a real
// server has, and an error is a Status that can be read. Inputs are as router_corpus.cc writes
// them.

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>

#include "fakeapiserver/server.h"
#include "k8s/base/fake_clock.h"
#include "k8s/base/strings.h"
#include "k8s/machinery/json.h"

namespace k8s {
namespace {

constexpr std::array<int, 23> kStatuses = {200, 201, 202, 204, 301, 304, 400, 401,
                                           403, 404, 405, 406, 409, 410, 413, 415,
                                           422, 429, 500, 501, 502, 503, 504};
// One server sees many inputs; a new one now and then forgets what they have left.
constexpr int kInputsOfAServer = 2000;
constexpr int kReadsOfAWatch = 20;

std::unique_ptr<fakeapiserver::Server> NewServer() {
  return std::make_unique<fakeapiserver::Server>(fakeapiserver::Options{
      .env = {.clock = std::make_shared<FakeClock>(), .random = SeededRandom(1)}});
}

http::Request Read(std::string_view text) {
  http::Request request;
  const size_t body = std::min(text.find("\n\n"), text.size());
  const auto lines = Split(text.substr(0, body), '\n');
  const size_t blank = std::min(lines[0].find(' '), lines[0].size());
  request.method = lines[0].substr(0, blank);
  const std::string_view target = lines[0].substr(std::min(blank + 1, lines[0].size()));
  const size_t mark = std::min(target.find('?'), target.size());
  request.url.path = target.substr(0, mark);
  request.url.query = target.substr(std::min(mark + 1, target.size()));
  for (size_t i = 1; i < lines.size(); ++i) {
    const size_t colon = lines[i].find(": ");
    if (colon != lines[i].npos)
      request.headers.Add(lines[i].substr(0, colon), std::string(lines[i].substr(colon + 2)));
  }
  if (body + 2 < text.size())
    request.body = std::make_shared<const std::string>(text.substr(body + 2));
  return request;
}

void Expect(bool holds, const http::Request& request, const fakeapiserver::Answer& answer) {
  if (holds) return;
  std::fprintf(stderr, "%s %s was answered %d: %s\n", request.method.c_str(),
               request.url.Target().c_str(), answer.status,
               fakeapiserver::Gather(answer.body).substr(0, 500).c_str());
  std::abort();
}

void Ask(fakeapiserver::Server& server, const http::Request& request) {
  fakeapiserver::Answer answer = server.Serve(request);
  while (answer.decide) {
    const auto decide = std::move(answer.decide);
    answer = decide();
  }
  Expect(std::find(kStatuses.begin(), kStatuses.end(), answer.status) != kStatuses.end(), request,
         answer);
  if (answer.source) {
    fakeapiserver::Slices out;
    for (int i = 0;
         i < kReadsOfAWatch && answer.source->Next(out) == fakeapiserver::Source::Outcome::kData;
         ++i) {
    }
    return;
  }
  const bool json = answer.headers.Get("Content-Type") == "application/json" &&
                    answer.headers.Get("Content-Encoding").empty();
  if (answer.status < 400 || !json) return;
  const auto body = ParseJson(fakeapiserver::Gather(answer.body));
  Expect(body && (body->StringAt({"kind"}) == "Status" || request.url.path.starts_with("/fake/")),
         request, answer);
}

}  // namespace
}  // namespace k8s

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static auto* server = new std::unique_ptr<k8s::fakeapiserver::Server>(k8s::NewServer());
  static int inputs = 0;
  if (++inputs % k8s::kInputsOfAServer == 0) *server = k8s::NewServer();
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  while (!rest.empty()) {
    const size_t end = std::min(rest.find("\n====\n"), rest.size());
    k8s::Ask(**server, k8s::Read(rest.substr(0, end)));
    rest.remove_prefix(std::min(end + 6, rest.size()));
  }
  return 0;
}
