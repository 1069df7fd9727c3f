#pragma once

// HTTP/1.1 on bytes, without any I/O: what both the client's transport and the fake server's
// listener need to cut a stream into messages and to write them. Strict, because a client and a
// proxy that read one stream in two ways can be made to misdirect requests: lines end in CR LF,
// lengths agree, folded lines are refused. Values and small state machines; no locking.
//
// Errors are Error::Transport with kProtocol: the peer does not speak HTTP.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "k8s/base/result.h"
#include "k8s/http/headers.h"

namespace k8s::http {

// Go's limit for the head of a message, its first line included.
inline constexpr size_t kMaxHeadBytes = size_t{1} << 20;
// A chunk's size line with its extensions, and all trailers of a body together.
inline constexpr size_t kMaxChunkLineBytes = 4096;
inline constexpr size_t kMaxTrailerBytes = size_t{64} << 10;

// The head of a request (method and target) or of a response (status and reason).
struct MessageHead {
  std::string method{};
  std::string target{};
  int status = 0;
  std::string reason{};
  int minor_version = 1;  // of HTTP/1.x
  Headers headers{};

  // The connection may carry another message after this one, as far as this side says.
  bool KeepsAlive() const;
  // A request whose sender waits for "100 Continue" before it sends the body.
  bool ExpectsContinue() const;
};

class HeadParser {
 public:
  enum class Kind : uint8_t { kRequest, kResponse };
  explicit HeadParser(Kind kind) : kind_(kind) {}

  // `buffer` holds all bytes since the head began and grows from call to call. True once the head
  // is complete; it is then consumed() bytes long. Empty lines before a request are skipped.
  Result<bool> Parse(std::string_view buffer);
  size_t consumed() const { return line_start_; }
  // What is wrong with a head that ends here: as in Go, a first line without its end is still read.
  Error Cut(std::string_view buffer);
  // Valid after Parse returned true; the parser is then ready for the next message.
  MessageHead Take();

 private:
  Result<void> ParseLine(std::string_view line);
  Result<void> ParseRequestLine(std::string_view line);
  Result<void> ParseStatusLine(std::string_view line);
  Result<void> ParseField(std::string_view line);

  Kind kind_;
  bool has_first_line_ = false;
  bool done_ = false;
  size_t line_start_ = 0;
  size_t scanned_ = 0;
  MessageHead head_;
};

// How the body of a message is delimited.
struct Framing {
  enum class Kind : uint8_t { kNone, kLength, kChunked, kUntilClose };
  Kind kind = Kind::kNone;
  uint64_t length = 0;  // of kLength
};
Result<Framing> RequestFraming(const MessageHead& head);
// `method` is that of the request: a response to HEAD has no body, whatever it announces.
Result<Framing> ResponseFraming(const MessageHead& head, std::string_view method);

class ChunkedDecoder {
 public:
  // Appends the data inside `input` to out and returns how much of input was used: all of it until
  // done(); what remains then belongs to the next message. Trailers are read and dropped.
  Result<size_t> Decode(std::string_view input, std::string& out);
  bool done() const { return state_ == State::kDone; }

 private:
  enum class State : uint8_t {
    kSize,
    kExtension,
    kSizeEnd,
    kData,
    kDataEnd,
    kDataEndLine,
    kTrailer,
    kTrailerEnd,
    kDone
  };
  Result<void> Step(char c);

  State state_ = State::kSize;
  bool has_digit_ = false;
  bool trailer_line_is_empty_ = true;
  uint64_t left_ = 0;
  size_t line_bytes_ = 0;
};

// Names are RFC 7230 tokens; values hold no control bytes but tabs.
bool IsToken(std::string_view text);
bool IsFieldValue(std::string_view text);
// Whoever writes headers asks first: kInvalid naming the field, never its value.
Result<void> CheckHeaders(const Headers& headers);

// "GET /path HTTP/1.1\r\n".
void AppendRequestLine(std::string_view method, std::string_view target, std::string& out);
// "HTTP/1.1 200 OK\r\n"; an empty reason becomes the usual one.
void AppendStatusLine(int status, std::string_view reason, std::string& out);
// The fields and the empty line after them.
void AppendFields(const Headers& headers, std::string& out);
std::string_view ReasonPhrase(int status);

// The size line of a chunk; its data and kChunkEnd follow. kLastChunk ends a chunked body.
void AppendChunkSize(size_t size, std::string& out);
inline constexpr std::string_view kChunkEnd = "\r\n";
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";
void AppendChunk(std::string_view data, std::string& out);
inline constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

}  // namespace k8s::http
