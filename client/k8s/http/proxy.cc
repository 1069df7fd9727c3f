#include "k8s/http/proxy.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "k8s/base/base64.h"
#include "k8s/base/strings.h"
#include "k8s/http/h1.h"

namespace k8s::http {
namespace {

// An IPv4 address counts as its IPv6 form, so that one comparison serves both.
struct IpAddress {
  std::array<unsigned char, 16> bytes{};
  bool v4 = false;

  bool IsLoopback() const {
    if (v4) return bytes[12] == 127;
    return std::all_of(bytes.begin(), bytes.end() - 1, [](auto b) { return b == 0; }) &&
           bytes[15] == 1;
  }
};

std::optional<IpAddress> ParseIp(std::string_view text) {
  IpAddress address;
  const std::string copy(text);
  if (inet_pton(AF_INET, copy.c_str(), address.bytes.data() + 12) == 1) {
    address.bytes[10] = address.bytes[11] = 0xff;
    address.v4 = true;
    return address;
  }
  if (inet_pton(AF_INET6, copy.c_str(), address.bytes.data()) == 1) return address;
  return std::nullopt;
}

// One entry of NO_PROXY.
struct Exception {
  std::string domain;  // with a leading dot; matches what ends in it
  bool exact = false;  // the domain itself, too
  std::optional<IpAddress> ip;
  int bits = 128;
  std::string port;

  bool Matches(const std::string& host, const std::string& host_port,
               const std::optional<IpAddress>& address) const {
    if (!port.empty() && port != host_port) return false;
    if (ip) return address && address->v4 == ip->v4 && SamePrefix(*address);
    if (address) return false;
    return host.ends_with(domain) || (exact && host == std::string_view(domain).substr(1));
  }
  bool SamePrefix(const IpAddress& other) const {
    for (int bit = 0; bit < bits; ++bit) {
      const auto byte = static_cast<size_t>(bit / 8);
      const int mask = 0x80 >> (bit % 8);
      if (((ip->bytes[byte] ^ other.bytes[byte]) & mask) != 0) return false;
    }
    return true;
  }
};

std::optional<Exception> ParseException(std::string_view text) {
  Exception entry;
  if (const size_t slash = text.find('/'); slash != std::string_view::npos) {
    entry.ip = ParseIp(text.substr(0, slash));
    const auto bits = ParseInt(text.substr(slash + 1));
    if (!entry.ip || !bits || *bits < 0 || *bits > (entry.ip->v4 ? 32 : 128)) return std::nullopt;
    entry.bits = static_cast<int>(*bits) + (entry.ip->v4 ? 96 : 0);
    return entry;
  }
  entry.ip = ParseIp(text);
  if (entry.ip) return entry;
  if (const size_t colon = text.rfind(':'); colon != std::string_view::npos) {
    entry.port = text.substr(colon + 1);
    text = text.substr(0, colon);
    if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);
    entry.ip = ParseIp(text);
    if (entry.ip) return entry;
  }
  if (text.starts_with("*.")) text.remove_prefix(1);
  if (text.empty()) return std::nullopt;
  entry.exact = text[0] != '.';
  entry.domain = ToLower(entry.exact ? Cat(".", text) : std::string(text));
  return entry;
}

std::string FirstOf(const Host& host, const std::string& name) {
  const auto upper = host.GetEnv(name);
  if (upper && !upper->empty()) return *upper;
  return host.GetEnv(ToLower(name)).value_or("");
}

struct Environment {
  std::string http;
  std::string https;
  bool none = false;
  std::vector<Exception> exceptions;

  bool Skips(const Url& target) const {
    const std::string host = ToLower(target.host);
    const auto address = ParseIp(host);
    if (none || host == "localhost" || (address && address->IsLoopback())) return true;
    return std::any_of(exceptions.begin(), exceptions.end(), [&](const Exception& entry) {
      return entry.Matches(host, target.PortOrDefault(), address);
    });
  }
};

Result<Url> ParseProxy(const std::string& text) {
  auto url = Url::Parse(text);
  if (url && !url->host.empty() &&
      (url->scheme == "http" || url->scheme == "https" || url->scheme == "socks5" ||
       url->scheme == "socks5h")) {
    return url;
  }
  // "proxy:3128" is usual, too.
  if (text.find("://") == std::string::npos) {
    auto with_scheme = Url::Parse(Cat("http://", text));
    if (with_scheme && !with_scheme->host.empty()) return with_scheme;
  }
  // The text may hold a password, so it is not repeated.
  return ConfigError("invalid proxy address in the environment");
}

Result<std::string> ReadExactly(ByteStream& stream, size_t size, const Waiting& waiting) {
  std::string bytes(size, '\0');
  for (size_t have = 0; have < size;) {
    auto count = ReadSome(stream, bytes.data() + have, size - have, waiting);
    if (!count) return count.error();
    if (*count == 0) return Error::Transport(TransportCause::kOther, "unexpected EOF");
    have += *count;
  }
  return bytes;
}

Result<void> SocksGreeting(ByteStream& stream, const Url& proxy, const Waiting& waiting) {
  const bool has_login = !proxy.user_info.empty();
  size_t written = 0;
  const std::string_view hello =
      has_login ? std::string_view("\x05\x02\x00\x02", 4) : std::string_view("\x05\x01\x00", 3);
  if (auto sent = WriteAll(stream, hello, {}, waiting, written); !sent) return sent;
  const auto choice = ReadExactly(stream, 2, waiting);
  if (!choice) return choice.error();
  if ((*choice)[0] != 5) return Error::Transport(TransportCause::kProtocol, "not a socks5 proxy");
  if ((*choice)[1] == 0) return {};
  if ((*choice)[1] != 2 || !has_login) {
    return Error::Transport(TransportCause::kOther, "no acceptable authentication methods");
  }
  const size_t colon = proxy.user_info.find(':');
  const auto user = UnescapePath(proxy.user_info.substr(0, colon)).value_or("");
  const auto password = colon == std::string::npos
                            ? std::string()
                            : UnescapePath(proxy.user_info.substr(colon + 1)).value_or("");
  if (user.size() > 255 || password.size() > 255) {
    return Error::Transport(TransportCause::kOther, "login is too long for socks5");
  }
  std::string login = "\x01";
  login += static_cast<char>(user.size());
  login += user;
  login += static_cast<char>(password.size());
  login += password;
  if (auto sent = WriteAll(stream, login, {}, waiting, written); !sent) return sent;
  const auto verdict = ReadExactly(stream, 2, waiting);
  if (!verdict) return verdict.error();
  if ((*verdict)[1] != 0) {
    return Error::Transport(TransportCause::kOther, "username/password authentication failed");
  }
  return {};
}

std::string SocksTarget(const std::string& host, uint16_t port) {
  std::string request("\x05\x01\x00", 3);
  if (const auto address = ParseIp(host); address && address->v4) {
    request += '\x01';
    request.append(reinterpret_cast<const char*>(address->bytes.data()) + 12, 4);
  } else if (address) {
    request += '\x04';
    request.append(reinterpret_cast<const char*>(address->bytes.data()), 16);
  } else {
    request += '\x03';
    request += static_cast<char>(host.size());
    request += host;
  }
  request += static_cast<char>(port >> 8);
  request += static_cast<char>(port & 255);
  return request;
}

std::string_view SocksReply(int code) {
  constexpr std::string_view kReplies[] = {"succeeded",
                                           "general SOCKS server failure",
                                           "connection not allowed by ruleset",
                                           "network unreachable",
                                           "host unreachable",
                                           "connection refused",
                                           "TTL expired",
                                           "command not supported",
                                           "address type not supported"};
  return code >= 0 && code < 9 ? kReplies[code] : "unknown reply";
}

}  // namespace

ProxyFunction ProxyFromEnvironment(const Host& host) {
  auto environment = std::make_shared<Environment>();
  environment->http = FirstOf(host, "HTTP_PROXY");
  environment->https = FirstOf(host, "HTTPS_PROXY");
  // In a CGI program HTTP_PROXY may be the Proxy header of a stranger's request.
  if (!host.GetEnv("REQUEST_METHOD").value_or("").empty()) environment->http.clear();
  const std::string exceptions = FirstOf(host, "NO_PROXY");
  for (const std::string_view part : Split(exceptions, ',')) {
    const std::string_view text = Trim(part);
    if (text == "*") environment->none = true;
    if (auto entry = ParseException(text)) environment->exceptions.push_back(std::move(*entry));
  }
  return [environment](const Url& target) -> Result<std::optional<Url>> {
    const std::string& proxy = target.scheme == "https" ? environment->https : environment->http;
    if (proxy.empty() || environment->Skips(target)) return std::optional<Url>();
    return ParseProxy(proxy).transform([](Url url) { return std::optional<Url>(std::move(url)); });
  };
}

ProxyFunction FixedProxy(Url proxy) {
  return [proxy = std::move(proxy)](const Url&) -> Result<std::optional<Url>> {
    return std::optional<Url>(proxy);
  };
}

std::string ProxyAuthorization(const Url& proxy) {
  if (proxy.user_info.empty()) return {};
  const size_t colon = proxy.user_info.find(':');
  const auto user = UnescapePath(proxy.user_info.substr(0, colon)).value_or("");
  const auto password = colon == std::string::npos
                            ? std::string()
                            : UnescapePath(proxy.user_info.substr(colon + 1)).value_or("");
  return Cat("Basic ", EncodeBase64(Cat(user, ":", password)));
}

Result<void> ConnectThroughHttp(ByteStream& stream, const Url& proxy, const std::string& authority,
                                const Waiting& waiting) {
  std::string request;
  AppendRequestLine("CONNECT", authority, request);
  Headers headers{{"Host", authority}};
  if (auto login = ProxyAuthorization(proxy); !login.empty()) {
    headers.Set("Proxy-Authorization", std::move(login));
  }
  AppendFields(headers, request);
  size_t written = 0;
  if (auto sent = WriteAll(stream, request, {}, waiting, written); !sent) return sent;
  HeadParser parser(HeadParser::Kind::kResponse);
  std::string received;
  while (true) {
    // Byte by byte, since what follows the head belongs to the tunnel.
    char byte;
    const auto count = ReadSome(stream, &byte, 1, waiting);
    if (!count) return count.error();
    if (*count == 0) return Error::Transport(TransportCause::kOther, "unexpected EOF");
    received += byte;
    const auto done = parser.Parse(received);
    if (!done) return done.error();
    if (!*done) continue;
    const MessageHead head = parser.Take();
    if (head.status == 200) return {};
    return Error::Transport(TransportCause::kOther,
                            head.reason.empty() ? std::to_string(head.status) : head.reason);
  }
}

Result<void> ConnectThroughSocks(ByteStream& stream, const Url& proxy, const std::string& host,
                                 const std::string& port, const Waiting& waiting) {
  if (host.size() > 255) {
    return Error::Transport(TransportCause::kOther, "host name is too long for socks5");
  }
  if (auto greeted = SocksGreeting(stream, proxy, waiting); !greeted) return greeted;
  const auto number = static_cast<uint16_t>(ParseInt(port).value_or(0));
  size_t written = 0;
  if (auto sent = WriteAll(stream, SocksTarget(host, number), {}, waiting, written); !sent) {
    return sent;
  }
  const auto reply = ReadExactly(stream, 4, waiting);
  if (!reply) return reply.error();
  if ((*reply)[1] != 0) {
    return Error::Transport(TransportCause::kOther, Cat("unknown error ", SocksReply((*reply)[1])));
  }
  size_t rest = 4;
  if ((*reply)[3] == 4) rest = 16;
  if ((*reply)[3] == 3) {
    const auto length = ReadExactly(stream, 1, waiting);
    if (!length) return length.error();
    rest = static_cast<unsigned char>((*length)[0]);
  }
  const auto bound = ReadExactly(stream, rest + 2, waiting);
  if (!bound) return bound.error();
  return {};
}

}  // namespace k8s::http
