#include "k8s/http/h1.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "k8s/base/strings.h"

namespace k8s::http {
namespace {

// How much of a peer's garbage an error text quotes.
constexpr size_t kMaxQuoted = 64;

Error Malformed(std::string_view what, std::string_view text) {
  return Error::Transport(TransportCause::kProtocol,
                          Cat("malformed HTTP ", what, " ", Quote(text.substr(0, kMaxQuoted))));
}

Error Broken(std::string message) {
  return Error::Transport(TransportCause::kProtocol, std::move(message));
}

std::string_view TrimBlanks(std::string_view text) {
  const auto is_blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

bool HasListItem(const Headers& headers, std::string_view name, std::string_view item) {
  for (const std::string_view value : headers.Values(name)) {
    for (const std::string_view part : Split(value, ',')) {
      if (EqualsIgnoreCase(TrimBlanks(part), item)) return true;
    }
  }
  return false;
}

// nullopt when there is none. Repeated equal lengths are one; Go accepts them too.
Result<std::optional<uint64_t>> ContentLength(const Headers& headers) {
  std::optional<uint64_t> length;
  for (const std::string_view raw : headers.Values("Content-Length")) {
    const std::string_view text = TrimBlanks(raw);
    uint64_t number = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (failure != std::errc() || end != text.data() + text.size() ||
        number > static_cast<uint64_t>(INT64_MAX)) {
      return Broken(Cat("bad Content-Length ", Quote(text.substr(0, kMaxQuoted))));
    }
    if (length && *length != number) return Broken("message has two different Content-Lengths");
    length = number;
  }
  return length;
}

// Whether the body is chunked. With a length beside it, two readers may disagree where the body
// ends, so that is refused.
Result<bool> IsChunked(const MessageHead& head) {
  const auto codings = head.headers.Values("Transfer-Encoding");
  if (codings.empty()) return false;
  if (codings.size() > 1) return Broken("too many transfer encodings");
  if (!EqualsIgnoreCase(TrimBlanks(codings[0]), "chunked")) {
    return Broken(Cat("unsupported transfer encoding: ", Quote(codings[0].substr(0, kMaxQuoted))));
  }
  if (head.minor_version == 0) return Broken("HTTP/1.0 message with a Transfer-Encoding");
  if (head.headers.Has("Content-Length")) {
    return Broken("message has both Transfer-Encoding and Content-Length");
  }
  return true;
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

constexpr auto kTokenBytes = [] {
  std::array<bool, 256> table{};
  for (int c = '0'; c <= '9'; ++c) table[static_cast<size_t>(c)] = true;
  for (int c = 'a'; c <= 'z'; ++c) table[static_cast<size_t>(c)] = true;
  for (int c = 'A'; c <= 'Z'; ++c) table[static_cast<size_t>(c)] = true;
  for (const char c : std::string_view("!#$%&'*+-.^_`|~"))
    table[static_cast<unsigned char>(c)] = true;
  return table;
}();

}  // namespace

bool IsToken(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return kTokenBytes[static_cast<unsigned char>(c)];
  });
}

bool IsFieldValue(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
  });
}

Result<void> CheckHeaders(const Headers& headers) {
  for (const auto& [name, value] : headers) {
    if (!IsToken(name)) return Invalid(Cat("net/http: invalid header field name ", Quote(name)));
    if (!IsFieldValue(value)) {
      return Invalid(Cat("net/http: invalid header field value for ", Quote(name)));
    }
  }
  return {};
}

bool MessageHead::KeepsAlive() const {
  if (HasListItem(headers, "Connection", "close")) return false;
  return minor_version >= 1 || HasListItem(headers, "Connection", "keep-alive");
}

bool MessageHead::ExpectsContinue() const {
  return minor_version >= 1 && EqualsIgnoreCase(headers.Get("Expect"), "100-continue");
}

Error HeadParser::Cut(std::string_view buffer) {
  if (!has_first_line_) {
    // Go's text is that of a malformed line, but the line was only cut.
    if (auto parsed = ParseLine(buffer.substr(line_start_)); !parsed) {
      return Error::Transport(TransportCause::kTruncated, parsed.error().message());
    }
  }
  return Error::Transport(TransportCause::kTruncated, "unexpected EOF");
}

Result<bool> HeadParser::Parse(std::string_view buffer) {
  // The first bytes tell whether this is HTTP at all; a peer of another protocol may never send a
  // line end.
  constexpr std::string_view kPrefix = "HTTP/";
  if (kind_ == Kind::kResponse && !has_first_line_) {
    const size_t seen = std::min(buffer.size(), kPrefix.size());
    if (buffer.substr(0, seen) != kPrefix.substr(0, seen)) {
      return Malformed("response", buffer.substr(0, buffer.find_first_of("\r\n")));
    }
  }
  while (!done_) {
    const size_t end = buffer.find('\n', std::max(scanned_, line_start_));
    if (std::min(end, buffer.size()) > kMaxHeadBytes) {
      return Broken("message head is longer than 1 MiB");
    }
    if (end == std::string_view::npos) {
      scanned_ = buffer.size();
      return false;
    }
    if (end == line_start_ || buffer[end - 1] != '\r') {
      return Malformed("line without CR", buffer.substr(line_start_, end - line_start_));
    }
    const std::string_view line = buffer.substr(line_start_, end - 1 - line_start_);
    line_start_ = end + 1;
    if (auto parsed = ParseLine(line); !parsed) return parsed.error();
  }
  return true;
}

Result<void> HeadParser::ParseLine(std::string_view line) {
  if (!has_first_line_) {
    if (line.empty() && kind_ == Kind::kRequest) return {};
    has_first_line_ = true;
    return kind_ == Kind::kRequest ? ParseRequestLine(line) : ParseStatusLine(line);
  }
  if (!line.empty()) return ParseField(line);
  done_ = true;
  return {};
}

MessageHead HeadParser::Take() {
  MessageHead head = std::move(head_);
  *this = HeadParser(kind_);
  return head;
}

Result<void> HeadParser::ParseRequestLine(std::string_view line) {
  const size_t first = line.find(' ');
  const size_t last = line.rfind(' ');
  if (first == std::string_view::npos || last == first) return Malformed("request", line);
  const std::string_view target = line.substr(first + 1, last - first - 1);
  const std::string_view version = line.substr(last + 1);
  if (version != "HTTP/1.1" && version != "HTTP/1.0") return Malformed("version", version);
  const bool clean = std::none_of(target.begin(), target.end(), [](char c) {
    return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f;
  });
  if (!IsToken(line.substr(0, first)) || target.empty() || !clean) {
    return Malformed("request", line);
  }
  head_.method = line.substr(0, first);
  head_.target = target;
  head_.minor_version = version.back() - '0';
  return {};
}

Result<void> HeadParser::ParseStatusLine(std::string_view line) {
  constexpr std::string_view kVersion = "HTTP/1.";
  const std::string_view version = line.substr(0, line.find(' '));
  if (version.size() != kVersion.size() + 1 || !version.starts_with(kVersion) ||
      (version.back() != '0' && version.back() != '1')) {
    return Malformed(version.starts_with("HTTP/") ? "version" : "response", version);
  }
  const std::string_view rest = line.substr(std::min(line.size(), version.size() + 1));
  const std::string_view code = rest.substr(0, rest.find(' '));
  const bool digits =
      std::all_of(code.begin(), code.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (code.size() != 3 || !digits || code[0] == '0') return Malformed("status code", code);
  const std::string_view reason = rest.substr(std::min(rest.size(), size_t{4}));
  if (!IsFieldValue(reason)) return Malformed("response", line);
  head_.minor_version = version.back() - '0';
  head_.status = (code[0] - '0') * 100 + (code[1] - '0') * 10 + (code[2] - '0');
  head_.reason = reason;
  return {};
}

Result<void> HeadParser::ParseField(std::string_view line) {
  if (line[0] == ' ' || line[0] == '\t') return Malformed("header: folded line", line);
  const size_t colon = line.find(':');
  const std::string_view name = line.substr(0, colon);
  // The token rule also refuses a blank before the colon. The value is not quoted: it may be
  // secret.
  if (colon == std::string_view::npos || !IsToken(name)) return Malformed("header", name);
  const std::string_view value = TrimBlanks(line.substr(colon + 1));
  if (!IsFieldValue(value)) return Malformed("header value of", name);
  head_.headers.Add(name, std::string(value));
  return {};
}

Result<Framing> RequestFraming(const MessageHead& head) {
  const auto chunked = IsChunked(head);
  if (!chunked) return chunked.error();
  if (*chunked) return Framing{Framing::Kind::kChunked, 0};
  const auto length = ContentLength(head.headers);
  if (!length) return length.error();
  if (!*length || **length == 0) return Framing{};
  return Framing{Framing::Kind::kLength, **length};
}

Result<Framing> ResponseFraming(const MessageHead& head, std::string_view method) {
  if (head.status / 100 == 1 || head.status == 204 || head.status == 304) return Framing{};
  const auto chunked = IsChunked(head);
  if (!chunked) return chunked.error();
  const auto length = ContentLength(head.headers);
  if (!length) return length.error();
  if (method == "HEAD") return Framing{};
  if (*chunked) return Framing{Framing::Kind::kChunked, 0};
  if (!*length) return Framing{Framing::Kind::kUntilClose, 0};
  if (**length == 0) return Framing{};
  return Framing{Framing::Kind::kLength, **length};
}

Result<size_t> ChunkedDecoder::Decode(std::string_view input, std::string& out) {
  size_t used = 0;
  while (used < input.size() && state_ != State::kDone) {
    if (state_ == State::kData) {
      const size_t count = static_cast<size_t>(std::min<uint64_t>(left_, input.size() - used));
      out.append(input.substr(used, count));
      used += count;
      left_ -= count;
      if (left_ == 0) state_ = State::kDataEnd;
      continue;
    }
    if (auto step = Step(input[used]); !step) return step.error();
    ++used;
  }
  return used;
}

Result<void> ChunkedDecoder::Step(char c) {
  const auto expect = [&](char wanted, State next) -> Result<void> {
    if (c != wanted) return Broken("malformed chunked encoding");
    state_ = next;
    return {};
  };
  switch (state_) {
    case State::kSize: {
      const int digit = HexDigit(c);
      if (digit >= 0) {
        if (left_ >> 58 != 0) return Broken("http chunk length too large");
        left_ = left_ * 16 + static_cast<uint64_t>(digit);
        has_digit_ = true;
        // Leading zeros must not make an endless line.
        return ++line_bytes_ > kMaxChunkLineBytes ? Result<void>(Broken("chunk line too long"))
                                                  : Result<void>();
      }
      if (!has_digit_) return Broken("invalid byte in chunk length");
      line_bytes_ = 0;
      if (c == ';' || c == ' ' || c == '\t') return state_ = State::kExtension, Result<void>();
      if (c != '\r') return Broken("invalid byte in chunk length");
      return state_ = State::kSizeEnd, Result<void>();
    }
    case State::kExtension:
      if (c == '\n') return Broken("malformed chunked encoding");
      if (++line_bytes_ > kMaxChunkLineBytes) return Broken("chunk line too long");
      if (c == '\r') state_ = State::kSizeEnd;
      return {};
    case State::kSizeEnd: {
      const bool last = left_ == 0;
      has_digit_ = false;
      line_bytes_ = 0;
      return expect('\n', last ? State::kTrailer : State::kData);
    }
    case State::kDataEnd:
      return expect('\r', State::kDataEndLine);
    case State::kDataEndLine:
      return expect('\n', State::kSize);
    case State::kTrailer:
      if (++line_bytes_ > kMaxTrailerBytes) return Broken("http trailers too long");
      if (c == '\n') return Broken("malformed http trailer");
      if (c == '\r') {
        state_ = State::kTrailerEnd;
      } else {
        trailer_line_is_empty_ = false;
      }
      return {};
    case State::kTrailerEnd: {
      const State next = trailer_line_is_empty_ ? State::kDone : State::kTrailer;
      trailer_line_is_empty_ = true;
      return expect('\n', next);
    }
    case State::kData:
    case State::kDone:
      break;
  }
  return {};
}

void AppendRequestLine(std::string_view method, std::string_view target, std::string& out) {
  out.append(method).append(" ").append(target).append(" HTTP/1.1\r\n");
}

void AppendStatusLine(int status, std::string_view reason, std::string& out) {
  if (reason.empty()) reason = ReasonPhrase(status);
  out.append("HTTP/1.1 ").append(std::to_string(status)).append(" ").append(reason).append("\r\n");
}

void AppendFields(const Headers& headers, std::string& out) {
  for (const auto& [name, value] : headers) {
    out.append(name).append(": ").append(value).append("\r\n");
  }
  out.append("\r\n");
}

void AppendChunkSize(size_t size, std::string& out) {
  char digits[16];
  const auto [end, failure] = std::to_chars(digits, digits + sizeof digits, size, 16);
  static_cast<void>(failure);  // sixteen digits hold any size
  out.append(digits, end).append("\r\n");
}

void AppendChunk(std::string_view data, std::string& out) {
  // A chunk of no bytes would end the body.
  if (data.empty()) return;
  AppendChunkSize(data.size(), out);
  out.append(data).append(kChunkEnd);
}

std::string_view ReasonPhrase(int status) {
  static constexpr std::pair<int, std::string_view> kReasons[] = {
      {100, "Continue"},
      {101, "Switching Protocols"},
      {200, "OK"},
      {201, "Created"},
      {202, "Accepted"},
      {204, "No Content"},
      {206, "Partial Content"},
      {301, "Moved Permanently"},
      {302, "Found"},
      {303, "See Other"},
      {304, "Not Modified"},
      {307, "Temporary Redirect"},
      {308, "Permanent Redirect"},
      {400, "Bad Request"},
      {401, "Unauthorized"},
      {403, "Forbidden"},
      {404, "Not Found"},
      {405, "Method Not Allowed"},
      {406, "Not Acceptable"},
      {408, "Request Timeout"},
      {409, "Conflict"},
      {410, "Gone"},
      {411, "Length Required"},
      {412, "Precondition Failed"},
      {413, "Request Entity Too Large"},
      {415, "Unsupported Media Type"},
      {417, "Expectation Failed"},
      {422, "Unprocessable Entity"},
      {425, "Too Early"},
      {426, "Upgrade Required"},
      {429, "Too Many Requests"},
      {431, "Request Header Fields Too Large"},
      {500, "Internal Server Error"},
      {501, "Not Implemented"},
      {502, "Bad Gateway"},
      {503, "Service Unavailable"},
      {504, "Gateway Timeout"},
      {505, "HTTP Version Not Supported"},
  };
  for (const auto& [code, reason] : kReasons) {
    if (code == status) return reason;
  }
  return "Unknown";
}

}  // namespace k8s::http
