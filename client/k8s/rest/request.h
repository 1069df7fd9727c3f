#pragma once

// One request, as client-go's rest.Request: a chain of setters that remembers its first mistake,
// then one of Do, DoRaw, Stream and Watch (chapter 3.6). Build() is pure and does no I/O, so every
// rule about URLs is tested with strings. A Request is used once, by one thread.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "k8s/http/round_tripper.h"
#include "k8s/machinery/type_info.h"
#include "k8s/rest/client.h"
#include "k8s/rest/warnings.h"

namespace k8s::rest {

// What Do answers: a response below 300, or 200 to 206 to be exact, read to its end.
class Answer {
 public:
  int status_code = 0;
  std::string content_type{};  // as in the header; the request's own when there was none
  std::string body{};
  std::vector<Warning> warnings{};
  KindLookup find_kind = nullptr;
  // What is wrong with an item that was to be taken out of the body (list_stream.h).
  std::optional<Error> unreadable{};

  bool WasCreated() const { return status_code == 201; }
  // Decodes the body into a fresh object of that type. false: the body is a success Status or some
  // other known kind, and the object says nothing (C-3.25). A failure Status is an error even at
  // 200 (C-3.24).
  Result<bool> Into(const TypeInfo& type, void* object) const;
};

class ItemSink;
enum class ListUse : uint8_t;

// A stream that is open: its head has arrived.
struct OpenStream {
  std::string content_type{};
  std::unique_ptr<http::Body> body{};
};

class Request {
 public:
  Request(std::shared_ptr<const Client> client, std::string_view method);

  Request& Prefix(std::initializer_list<std::string_view> segments);
  Request& Suffix(std::initializer_list<std::string_view> segments);
  Request& AbsPath(std::initializer_list<std::string_view> segments);
  Request& RequestURI(std::string_view uri);
  Request& Namespace(std::string_view name);
  // Namespace, unless the name is empty: what typed clients do.
  Request& NamespaceIfSet(std::string_view name);
  Request& Resource(std::string_view resource);
  Request& Name(std::string_view name);
  Request& SubResource(std::string_view segment);
  Request& Param(std::string_view key, std::string value);
  // Every member of an options struct as parameters, by their JSON names (chapter 3.4).
  Request& VersionedParams(const TypeInfo& type, const void* options);
  Request& SetHeader(std::string_view name, std::string value);
  Request& Timeout(Duration timeout);
  Request& MaxRetries(int retries);
  // Another limiter for this request; null: none.
  Request& Throttle(std::shared_ptr<http::RateLimiter> limiter);
  // What it waits before its attempts, beside Retry-After; a shared URLBackoff slows a host down.
  Request& BackOff(std::shared_ptr<http::BackoffManager> manager);
  // What ReplaySafe goes by; without it a GET is a read, and any other a request by hand.
  Request& CallClass(http::CallClass call_class);
  Request& UseProtobufAsDefault();
  Request& OnWarning(WarningHandler handler);
  Request& Body(std::string bytes);  // Content-Type is the caller's
  Request& BodyFile(const std::string& path);
  Request& BodyReader(std::shared_ptr<http::BodyReader> reader);
  // Encoded as the content type says, stamped with that kind and version.
  Request& Body(const TypeInfo& type, const void* object, const TypeMeta& meta);

  // The exchange as a value, or the first mistake. mode decides about the checks of chapter 3.3.
  Result<http::Request> Build(http::Mode mode = http::Mode::kDo) const;

  Result<Answer> Do(const Context& ctx = {});
  // As Do, but the items of a list of that type go to the sink while they arrive; the answer's body
  // is the list without them (list_stream.h).
  Result<Answer> DoList(const TypeInfo& list, ItemSink& sink, ListUse use, const Context& ctx = {});
  // Bytes; with an error status the error is generic and the body lands in error_body, if given.
  Result<std::string> DoRaw(const Context& ctx = {}, std::string* error_body = nullptr);
  Result<OpenStream> Stream(const Context& ctx = {});
  Result<OpenStream> Watch(const Context& ctx = {});

 private:
  Request& Fail(std::string message);
  Request& SetOnce(std::optional<std::string>& slot, std::string_view what, std::string_view value);
  std::string Path() const;
  http::Url Url() const;
  class Measured;
  void Received(size_t bytes) const;
  // An answer without its body yet; or the error that its Content-Type is none.
  Result<Answer> AnswerOf(const http::Response& response) const;
  // A response below 300 comes back with its body unread; any other becomes an Error.
  Result<http::Response> Send(http::Mode mode, const Context& ctx, std::string* error_body);
  Error ErrorFrom(const http::Response& response, std::string_view body, bool with_status) const;
  void Warn(const http::Response& response) const;

  std::shared_ptr<const Client> client_;
  std::string method_;
  std::string prefix_;
  std::optional<std::string> namespace_, resource_, name_, subresource_;
  std::string suffix_;
  http::Query query_;
  http::Headers headers_;
  std::shared_ptr<const std::string> body_;
  std::shared_ptr<http::BodyReader> body_reader_;
  Duration timeout_;
  int max_retries_ = 10;
  bool throttle_ = true;
  std::shared_ptr<http::RateLimiter> rate_limiter_;
  std::shared_ptr<http::BackoffManager> backoff_;
  std::optional<http::CallClass> call_class_;
  bool prefer_protobuf_ = false;
  WarningHandler warning_handler_;
  std::optional<Error> error_;
};

}  // namespace k8s::rest
