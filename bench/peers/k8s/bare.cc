// What the kernel alone costs a client: the bytes of a request are sent, those of its answer are
// received, and nothing is looked at but where they end. No client of a blocking socket is below.
//
//   peers_bare --server http://ADDRESS:PORT --work get|list --encoding json|protobuf --n N

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <cstdlib>

#include "k8s/base/strings.h"
#include "k8s/http/byte_stream.h"
#include "k8s/http/url.h"
#include "measure.h"

namespace k8s::bench {
namespace {

constexpr std::string_view kBlankLine = "\r\n\r\n", kLastChunk = "\r\n0\r\n\r\n";

Error Broken(std::string_view what) {
  return Invalid(Cat(what, ": ", http::DescribeOsError(errno)));
}

// How long the answer is that begins with this head; npos: it comes in chunks.
size_t LengthOf(std::string_view head) {
  constexpr std::string_view kLength = "Content-Length: ";
  const size_t at = head.find(kLength);
  if (at == head.npos) return at;
  size_t body = 0;
  std::from_chars(head.data() + at + kLength.size(), head.data() + head.size(), body);
  return head.size() + body;
}

Result<void> Exchange(int fd, std::string_view request) {
  static std::array<char, size_t{256} << 10> buffer;
  if (::send(fd, request.data(), request.size(), 0) != static_cast<ssize_t>(request.size()))
    return Broken("send");
  std::string tail;  // in which the last chunk shows, however the pieces fall
  size_t received = 0, length = 0;
  do {
    const ssize_t count = ::recv(fd, buffer.data(), buffer.size(), 0);
    if (count < 0) return Broken("recv");
    if (count == 0) return Invalid("the server has hung up");
    const std::string_view bytes(buffer.data(), static_cast<size_t>(count));
    if (received == 0) {
      const size_t head = bytes.find(kBlankLine);
      if (!bytes.starts_with("HTTP/1.1 200 ") || head == bytes.npos)
        return Invalid(Cat("the server answered ", Quote(bytes.substr(0, 100))));
      length = LengthOf(bytes.substr(0, head + kBlankLine.size()));
    }
    received += bytes.size();
    tail += bytes.substr(bytes.size() - std::min(bytes.size(), kLastChunk.size()));
    tail.erase(0, tail.size() - std::min(tail.size(), kLastChunk.size()));
  } while (length == std::string_view::npos ? tail != kLastChunk : received < length);
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

Result<void> Run(const std::map<std::string, std::string>& flags, const std::string& encoding,
                 int n) {
  const std::string& work = flags.at("--work");
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
  auto measured = MeasureWork(n, [&](int count) -> Result<void> {
    for (int i = 0; i < count; ++i) {
      if (auto done = Exchange(*fd, request); !done) return done;
    }
    return {};
  });
  ::close(*fd);
  if (!measured) return measured.error();
  measured->who = "bare socket";
  measured->work = work;
  measured->encoding = encoding;
  Print(*measured);
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
  const auto encoding = EncodingOf(*flags);
  if (!encoding) return fail(encoding.error(), kUsage);
  if (auto done = Run(*flags, *encoding, *n); !done) return fail(done.error(), 1);
  return 0;
}

}  // namespace
}  // namespace k8s::bench

int main(int argc, char** argv) {
  return k8s::bench::Main(std::vector<std::string>(argv + 1, argv + argc));
}
