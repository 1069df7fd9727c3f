// What the kernel alone costs a client: the bytes of a request are sent, those of its answer are
// received, and nothing is looked at but where they end. No client of a blocking socket is below.
//
//   peers_bare --server http://ADDRESS:PORT --work get|list --encoding json|protobuf --n N

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "k8s/base/strings.h"
#include "k8s/http/byte_stream.h"
#include "k8s/http/url.h"
#include "measure.h"

namespace k8s::bench {
namespace {

constexpr std::string_view kLastChunk = "\r\n0\r\n\r\n";

Error Broken(std::string_view what) {
  return Invalid(Cat(what, ": ", http::DescribeOsError(errno)));
}

// Where the answer ends that begins with these bytes; npos when they do not tell yet, or when it
// comes in chunks.
size_t EndOf(std::string_view begin) {
  constexpr std::string_view kLength = "Content-Length: ", kBlankLine = "\r\n\r\n";
  const size_t body = begin.find(kBlankLine);
  const size_t length = begin.substr(0, body).find(kLength);
  if (body == begin.npos || length == begin.npos) return begin.npos;
  size_t size = 0;
  std::from_chars(begin.data() + length + kLength.size(), begin.data() + body, size);
  return body + kBlankLine.size() + size;
}

Result<void> Exchange(int fd, std::string_view request) {
  static std::array<char, size_t{256} << 10> buffer;
  if (::send(fd, request.data(), request.size(), 0) != static_cast<ssize_t>(request.size()))
    return Broken("send");
  size_t received = 0, end = std::string_view::npos;
  for (bool first = true; received < end; first = false) {
    const ssize_t count = ::recv(fd, buffer.data(), buffer.size(), 0);
    if (count <= 0) return Broken("recv");
    const std::string_view bytes(buffer.data(), static_cast<size_t>(count));
    if (first && !bytes.starts_with("HTTP/1.1 200 "))
      return Invalid(Cat("the server answered ", Quote(bytes.substr(0, 100))));
    if (first) end = EndOf(bytes);
    received += bytes.size();
    if (end == std::string_view::npos && bytes.ends_with(kLastChunk)) return {};
  }
  return {};
}

Result<int> Connect(const http::Url& url) {
  sockaddr_in to{};
  to.sin_family = AF_INET;
  uint16_t port = 0;
  std::from_chars(url.port.data(), url.port.data() + url.port.size(), port);
  to.sin_port = htons(port);
  if (url.scheme != "http" || ::inet_pton(AF_INET, url.host.c_str(), &to.sin_addr) != 1 ||
      port == 0)
    return Invalid(Cat("--server must be http://ADDRESS:PORT, not ", Quote(url.String())));
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  if (fd < 0 || ::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0)
    return Broken("connect");
  return fd;
}

Result<void> Run(const std::map<std::string, std::string>& flags, int n) {
  const std::string &work = flags.at("--work"), &encoding = flags.at("--encoding");
  if (work != "get" && work != "list") {
    std::fprintf(stderr, "peers_bare: skipped %s: there is nothing to send alone\n", work.c_str());
    std::exit(kSkipped);
  }
  const auto url = http::Url::Parse(flags.at("--server"));
  if (!url) return url.error();
  const auto fd = Connect(*url);
  if (!fd) return fd.error();
  const std::string request =
      Cat("GET /api/v1/namespaces/default/pods", work == "get" ? "/app-7d4b9c6f5-7" : "",
          " HTTP/1.1\r\nHost: ", url->Authority(), "\r\nAccept: application/",
          encoding == "json" ? "json" : "vnd.kubernetes.protobuf", "\r\n\r\n");
  for (int i = 0; i < (n + 9) / 10; ++i) {
    if (auto warm = Exchange(*fd, request); !warm) return warm;
  }
  const auto clock = RealClock();
  const int64_t cpu = OwnCpuNanoseconds();
  const TimePoint begin = clock->Now();
  for (int i = 0; i < n; ++i) {
    if (auto done = Exchange(*fd, request); !done) return done;
  }
  const auto wall =
      std::chrono::duration_cast<std::chrono::microseconds>(clock->Now() - begin).count();
  const int64_t used = OwnCpuNanoseconds() - cpu;
  ::close(*fd);
  const auto peak = Megabytes({"self"}, "VmHWM");
  if (!peak) return peak.error();
  Print({"bare socket", work, encoding, n, used, wall, *peak});
  return {};
}

int Main(const std::vector<std::string>& arguments) {
  const auto fail = [](const Error& error, int code) {
    std::fprintf(stderr, "peers_bare: %s\n", error.message().c_str());
    return code;
  };
  const auto flags = ParseFlags(
      arguments, {{"--server", ""}, {"--work", "get"}, {"--encoding", "json"}, {"--n", "1000"}});
  if (!flags) return fail(flags.error(), kUsage);
  const auto n = CountOf(*flags, "--n");
  if (!n) return fail(n.error(), kUsage);
  if (auto done = Run(*flags, *n); !done) return fail(done.error(), 1);
  return 0;
}

}  // namespace
}  // namespace k8s::bench

int main(int argc, char** argv) {
  return k8s::bench::Main(std::vector<std::string>(argv + 1, argv + argc));
}
