#include "k8s/rest/request.h"

#include "k8s/base/mutant.h"
#include "k8s/base/strings.h"
#include "k8s/http/debug.h"
#include "k8s/http/metrics.h"
#include "k8s/http/replay_safe.h"
#include "k8s/machinery/json.h"
#include "k8s/machinery/scalars.h"
#include "k8s/rest/content.h"
#include "k8s/rest/list_stream.h"
#include "k8s/rest/status_error.h"
#include "k8s/rest/status_type.h"

namespace k8s::rest {
namespace {

// Why a path segment may not be sent as it is; "" when it may.
std::string SegmentProblems(std::string_view segment) {
  if (segment == "." || segment == "..") return Cat("may not be '", segment, "'");
  std::string problems;
  for (const char c : {'/', '%'}) {
    if (segment.find(c) == std::string_view::npos) continue;
    problems += Cat(problems.empty() ? "" : " ", "may not contain '", std::string(1, c), "'");
  }
  return problems;
}

std::string JoinSegments(std::initializer_list<std::string_view> segments) {
  std::string joined;
  for (const std::string_view segment : segments) joined += Cat("/", segment);
  return joined;
}

// A scalar as a query parameter (chapter 3.4).
std::string ParameterText(const Field& field, const void* element) {
  switch (field.kind) {
    case Kind::kBool:
      return *static_cast<const bool*>(element) ? "true" : "false";
    case Kind::kInt32:
      return std::to_string(*static_cast<const int32_t*>(element));
    case Kind::kInt64:
      return std::to_string(*static_cast<const int64_t*>(element));
    case Kind::kString:
      return *static_cast<const std::string*>(element);
    case Kind::kTime:
      return static_cast<const Time*>(element)->String();
    default:
      return {};
  }
}

Error Internal(const Error& cause) {
  return Error::Api({.status = "Failure",
                     .message = Cat("Internal error occurred: ", cause.message()),
                     .reason = "InternalError",
                     .code = 500});
}

http::CallClass ClassOf(std::string_view method, http::Mode mode) {
  if (method != "GET" && method != "HEAD") return http::CallClass::kOther;
  switch (mode) {
    case http::Mode::kStream:
      return http::CallClass::kStream;
    case http::Mode::kWatch:
      return http::CallClass::kWatch;
    default:
      return http::CallClass::kRead;
  }
}

bool IsZeroText(const Field& field, const std::string& text) {
  return text.empty() || (field.kind == Kind::kBool && text == "false") ||
         ((field.kind == Kind::kInt32 || field.kind == Kind::kInt64) && text == "0");
}

}  // namespace

Request::Request(std::shared_ptr<const Client> client, std::string_view method)
    : client_(std::move(client)),
      method_(method),
      prefix_(client_->prefix()),
      timeout_(client_->options().timeout),
      warning_handler_(client_->options().warning_handler) {}

Request& Request::Fail(std::string message) {
  if (!error_) error_ = Invalid(std::move(message));
  return *this;
}

Request& Request::SetOnce(std::optional<std::string>& slot, std::string_view what,
                          std::string_view value) {
  if (error_) return *this;
  if (slot) {
    return Fail(Cat(what, " already set to ", Quote(*slot), ", cannot change to ", Quote(value)));
  }
  if (const std::string problems = SegmentProblems(value); !problems.empty()) {
    return Fail(Cat("invalid ", what, " ", Quote(value), ": [", problems, "]"));
  }
  slot = value;
  return *this;
}

Request& Request::Prefix(std::initializer_list<std::string_view> segments) {
  if (!error_) prefix_ = http::CleanPath(prefix_ + JoinSegments(segments));
  return *this;
}

Request& Request::Suffix(std::initializer_list<std::string_view> segments) {
  if (!error_) suffix_ += JoinSegments(segments);
  return *this;
}

Request& Request::AbsPath(std::initializer_list<std::string_view> segments) {
  if (error_) return *this;
  const std::string& base = client_->options().base.path;
  prefix_ = http::CleanPath(base + JoinSegments(segments));
  // C-3.6: the one trailing slash that survives.
  if (segments.size() == 1 && segments.begin()->ends_with('/') &&
      (segments.begin()->size() > 1 || base.size() > 1) && prefix_ != "/") {
    prefix_ += '/';
  }
  return *this;
}

Request& Request::RequestURI(std::string_view uri) {
  if (error_) return *this;
  const auto parsed = http::Url::Parse(uri);
  if (!parsed) return Fail(parsed.error().message());
  const auto path = http::UnescapePath(parsed->path);
  if (!path) return Fail(path.error().message());
  AbsPath({*path});
  query_ = http::Query::Parse(parsed->query);
  return *this;
}

Request& Request::Namespace(std::string_view name) {
  // Set to empty counts as set: the checks of C-3.5 ask for it.
  return SetOnce(namespace_, "namespace", name);
}

Request& Request::NamespaceIfSet(std::string_view name) {
  return name.empty() ? *this : Namespace(name);
}

Request& Request::Resource(std::string_view resource) {
  return SetOnce(resource_, "resource", resource);
}

Request& Request::Name(std::string_view name) {
  if (!error_ && name.empty()) return Fail("resource name may not be empty");
  return SetOnce(name_, "resource name", name);
}

Request& Request::SubResource(std::string_view segment) {
  return SetOnce(subresource_, "subresource", segment);
}

Request& Request::Param(std::string_view key, std::string value) {
  if (!error_) query_.Add(key, std::move(value));
  return *this;
}

Request& Request::VersionedParams(const TypeInfo& type, const void* options) {
  if (error_) return *this;
  for (const Field& field : type.fields) {
    const void* member = MemberOf(options, field);
    if (field.kind == Kind::kMessage) continue;  // no options that go into a URL have one
    if (K8S_MUTANT(Cat(field.name(), "_is_lost"))) continue;
    if (field.shape == Shape::kOne) {
      std::string text = ParameterText(field, member);
      // Only the members that Go writes always are sent at zero.
      if (field.Has(kAlways) ||
          (K8S_MUTANT("options_at_zero_are_sent") || !IsZeroText(field, text)))
        query_.Add(field.name(), std::move(text));
      continue;
    }
    const char* element = static_cast<const char*>(
        field.access->size(member) == 0 ? nullptr : field.access->data(member));
    for (size_t i = 0; i < field.access->size(member); ++i, element += field.access->stride) {
      query_.Add(field.name(), ParameterText(field, element));
    }
  }
  return *this;
}

Request& Request::SetHeader(std::string_view name, std::string value) {
  headers_.Set(http::CanonicalName(name), std::move(value));
  return *this;
}

Request& Request::Timeout(Duration timeout) {
  if (!error_) timeout_ = timeout;
  return *this;
}

Request& Request::MaxRetries(int retries) {
  max_retries_ = K8S_MUTATED("max_retries_is_ignored", max_retries_, std::max(retries, 0));
  return *this;
}

Request& Request::Throttle(std::shared_ptr<http::RateLimiter> limiter) {
  throttle_ = limiter != nullptr;
  rate_limiter_ = std::move(limiter);
  return *this;
}

Request& Request::BackOff(std::shared_ptr<http::BackoffManager> manager) {
  backoff_ = std::move(manager);
  return *this;
}

Request& Request::CallClass(http::CallClass call_class) {
  call_class_ = call_class;
  return *this;
}

Request& Request::UseProtobufAsDefault() {
  prefer_protobuf_ = true;
  return *this;
}

Request& Request::OnWarning(WarningHandler handler) {
  warning_handler_ = std::move(handler);
  return *this;
}

Request& Request::Body(std::string bytes) {
  if (!error_) body_ = std::make_shared<const std::string>(std::move(bytes));
  return *this;
}

Request& Request::BodyFile(const std::string& path) {
  if (error_) return *this;
  auto content = client_->options().env.host->ReadFile(path);
  if (!content) return Fail(content.error().message());
  return Body(*std::move(content));
}

Request& Request::BodyReader(std::shared_ptr<http::BodyReader> reader) {
  if (!error_) body_reader_ = std::move(reader);
  return *this;
}

Request& Request::Body(const TypeInfo& type, const void* object, const TypeMeta& meta) {
  if (error_) return *this;
  const std::string content_type = ContentTypeFor(client_->options().content, prefer_protobuf_);
  const Codec* codec = FindCodec(content_type);
  if (codec == nullptr || codec->encode == nullptr) {
    return Fail(Cat("no serializers registered for ", content_type));
  }
  std::string bytes;
  codec->encode(type, object, meta, bytes);
  if (!headers_.Has("Content-Type")) headers_.Set("Content-Type", content_type);
  return Body(std::move(bytes));
}

std::string Request::Path() const {
  std::string path = prefix_;
  const auto add = [&](std::string_view segment) { path += Cat("/", segment); };
  if (namespace_ && !namespace_->empty()) {
    add("namespaces");
    add(*namespace_);
  }
  if (resource_ && !resource_->empty()) add(ToLower(*resource_));
  if (name_) add(*name_);
  if (subresource_) add(*subresource_);
  path += suffix_;
  // C-3.6: a slash at the end stays only while nothing follows the prefix.
  return path == prefix_ ? path : http::CleanPath(std::move(path));
}

http::Url Request::Url() const {
  const ClientOptions& options = client_->options();
  http::Url url{.scheme = options.base.scheme,
                .user_info = options.base.user_info,
                .host = options.base.host,
                .port = options.base.port,
                .path = K8S_MUTATED("path_is_not_escaped", Path(), http::EscapePath(Path()))};
  http::Query query = query_;
  if (!K8S_MUTANT("timeout_is_not_sent") && timeout_ > Duration::zero())
    query.Set("timeout", FormatDuration(timeout_));
  if (!query.empty()) url.query = query.Encode();
  return url;
}

Result<http::Request> Request::Build(http::Mode mode) const {
  if (error_) return *error_;
  const bool checked = mode == http::Mode::kDo || mode == http::Mode::kDoRaw;
  if (!K8S_MUTANT("empty_namespace_is_sent") && checked && namespace_ && namespace_->empty()) {
    if (method_ == "POST") return Invalid("an empty namespace may not be set during creation");
    if (name_ && (method_ == "GET" || method_ == "PUT" || method_ == "DELETE")) {
      return Invalid("an empty namespace may not be set when a resource name is provided");
    }
  }
  const ClientOptions& options = client_->options();
  http::Request request;
  request.method = method_;
  request.url = Url();
  request.headers = headers_;
  if (!headers_.Has("Accept")) {
    request.headers.Set("Accept", AcceptFor(options.content, prefer_protobuf_));
  }
  request.body = body_;
  request.body_reader = body_reader_;
  request.mode = mode;
  request.call_class = call_class_.value_or(ClassOf(method_, mode));
  request.max_retries = max_retries_;
  request.timeout = timeout_;
  request.throttle = throttle_;
  request.rate_limiter = rate_limiter_;
  request.backoff = backoff_;
  return request;
}

void Request::Warn(const http::Response& response) const {
  if (!warning_handler_ || !response.headers.Has("Warning")) return;
  for (const Warning& warning : ParseWarnings(response.headers)) {
    if (!K8S_MUTANT("warnings_are_not_shown")) warning_handler_(warning);
  }
}

Error Request::ErrorFrom(const http::Response& response, std::string_view body,
                         bool with_status) const {
  const FailedCall call{.code = response.status,
                        .verb = method_,
                        .group = client_->options().group,
                        .resource = resource_ ? std::string_view(*resource_) : std::string_view(),
                        .name = name_ ? std::string_view(*name_) : std::string_view(),
                        .headers = &response.headers,
                        .body = body};
  Error generic = GenericServerError(call);
  if (!with_status || (K8S_MUTANT("error_bodies_are_not_read") || body.empty())) return generic;
  std::string type(response.headers.Get("Content-Type"));
  if (type.empty()) type = ContentTypeFor(client_->options().content, prefer_protobuf_);
  const Codec* codec = FindCodec(type);
  if (codec == nullptr) return generic;
  TypeMeta meta;
  Status status;
  const TypeInfo* type_of_status = StatusType(client_->options().find_kind);
  if (type_of_status == nullptr) return generic;
  if (!codec->decode(body, *type_of_status, &status, &meta)) return generic;
  if (!IsStatus(meta) || status.status != "Failure") return generic;
  return Error::Api(std::move(status));
}

Result<http::Response> Request::Send(http::Mode mode, const Context& ctx, std::string* error_body) {
  auto request = Build(mode);
  if (!request) return request.error();
  auto response = client_->options().stack->RoundTrip(*request, ctx);
  if (!response) return response.error();
  const int last = K8S_MUTATED("created_is_an_error", 200, mode == http::Mode::kStream ? 299 : 206);
  const bool good = mode == http::Mode::kWatch
                        ? response->status == 200
                        : (response->status >= 200 && response->status <= last) ||
                              (mode == http::Mode::kDo && response->status == 101);
  if (good) {
    Warn(*response);
    return std::move(*response);
  }
  const auto media_type = response->headers.Get("Content-Type");
  // Quirk of 3.9: an error response of an unknown media type warns nobody.
  if (media_type.empty() || FindCodec(media_type) != nullptr) Warn(*response);
  if (mode == http::Mode::kWatch && response->status > 200 && response->status <= 299) {
    return Error::Transport(TransportCause::kProtocol,
                            Cat("for request ", request->url.String(),
                                ", got status: ", std::to_string(response->status)))
        .WithAttempts(response->attempts);
  }
  const bool nothing_done = http::NothingDone(response->status, response->headers) &&
                            !(response->attempts && response->attempts->in_doubt);
  auto body = response->body->ReadAll();
  if (!body) {
    const Error cut = mode == http::Mode::kDoRaw ? body.error() : UnreadableBody(body.error());
    return cut.WithAttempts(response->attempts).WithNothingDone(nothing_done);
  }
  http::LogBody("Response Body", *body);
  if (mode == http::Mode::kDo || mode == http::Mode::kDoRaw) Received(body->size());
  if (mode != http::Mode::kDoRaw && !media_type.empty()) {
    if (const auto parsed = ParseMediaType(media_type); !parsed) {
      return Internal(parsed.error()).WithAttempts(response->attempts);
    }
  }
  const Error error = ErrorFrom(*response, *body, mode != http::Mode::kDoRaw);
  if (error_body != nullptr) *error_body = *std::move(body);
  return error.WithAttempts(response->attempts).WithNothingDone(nothing_done);
}

// Reports how long a call took, its waits included and whatever came of it (chapter 4.8).
class Request::Measured {
 public:
  explicit Measured(const Request& request)
      : request_(request), clock_(*request.client_->options().env.clock), start_(clock_.Now()) {}
  ~Measured() {
    if (!http::metrics::AreWanted()) return;
    http::metrics::Current().request_latency(
        request_.method_, http::metrics::UrlTemplate(request_.Url()), clock_.Now() - start_);
  }

 private:
  const Request& request_;
  const Clock& clock_;
  const TimePoint start_;
};

void Request::Received(size_t bytes) const {
  if (!http::metrics::AreWanted()) return;
  http::metrics::Current().response_size(method_, client_->options().base.Authority(),
                                         static_cast<double>(bytes));
}

Result<Answer> Request::AnswerOf(const http::Response& response) const {
  Answer answer{.status_code = response.status,
                .content_type = std::string(response.headers.Get("Content-Type")),
                .find_kind = client_->options().find_kind};
  if (response.headers.Has("Warning")) answer.warnings = ParseWarnings(response.headers);
  if (answer.content_type.empty()) {
    answer.content_type = ContentTypeFor(client_->options().content, prefer_protobuf_);
  } else if (FindCodec(answer.content_type) == nullptr) {
    if (const auto parsed = ParseMediaType(answer.content_type); !parsed)
      return Internal(parsed.error()).WithAttempts(response.attempts);
  }
  return answer;
}

Result<Answer> Request::Do(const Context& ctx) {
  const Measured measured(*this);
  auto response = Send(http::Mode::kDo, ctx, nullptr);
  if (!response) return response.error();
  auto body = response->body->ReadAll();
  if (!body) return UnreadableBody(body.error()).WithAttempts(response->attempts);
  http::LogBody("Response Body", *body);
  Received(body->size());
  auto answer = AnswerOf(*response);
  if (answer) answer->body = *std::move(body);
  return answer;
}

Result<Answer> Request::DoList(const TypeInfo& list, ItemSink& sink, ListUse use,
                               const Context& ctx) {
  // Whoever reads along wants to see the body as it came.
  if (use == ListUse::kWhole && http::LogsBodies()) return Do(ctx);
  const Measured measured(*this);
  auto response = Send(http::Mode::kDo, ctx, nullptr);
  if (!response) return response.error();
  auto answer = AnswerOf(*response);
  if (!answer) {
    if (auto body = response->body->ReadAll(); !body && use == ListUse::kWhole) {
      return UnreadableBody(body.error()).WithAttempts(response->attempts);
    }
    return answer;
  }
  auto shell = ReadList(*response->body, answer->content_type, list, sink, use);
  if (!shell) return shell.error().WithAttempts(response->attempts);
  Received(shell->bytes);
  answer->body = std::move(shell->document);
  answer->unreadable = std::move(shell->unreadable);
  return answer;
}

Result<std::string> Request::DoRaw(const Context& ctx, std::string* error_body) {
  const Measured measured(*this);
  auto response = Send(http::Mode::kDoRaw, ctx, error_body);
  if (!response) return response.error();
  auto body = response->body->ReadAll();
  if (body) Received(body->size());
  return body;
}

Result<OpenStream> Request::Stream(const Context& ctx) {
  auto response = Send(http::Mode::kStream, ctx, nullptr);
  if (!response) return response.error();
  return OpenStream{std::string(response->headers.Get("Content-Type")), std::move(response->body)};
}

Result<OpenStream> Request::Watch(const Context& ctx) {
  auto response = Send(http::Mode::kWatch, ctx, nullptr);
  if (!response) return response.error();
  return OpenStream{std::string(response->headers.Get("Content-Type")), std::move(response->body)};
}

Result<bool> Answer::Into(const TypeInfo& type, void* object) const {
  const Codec* codec = FindCodec(content_type);
  if (codec == nullptr) return DecodeError(Cat("serializer for ", content_type, " doesn't exist"));
  if (body.empty()) {
    return DecodeError(Cat("0-length response with status code: ", std::to_string(status_code),
                           " and content type: ", content_type));
  }
  TypeMeta meta;
  auto decoded = codec->decode(body, type, object, &meta);
  if (unreadable) decoded = *unreadable;
  const auto is_target = [&](const TypeMeta& said) {
    return (said.kind.empty() || said.kind == type.name) &&
           (said.api_version.empty() || said.api_version == type.api_version());
  };
  if (decoded && (is_target(meta) || type.Has(kTree))) return true;
  if (!decoded) {
    const auto peeked = codec->peek(body);
    if (!peeked) {
      return DecodeError(Cat("couldn't get version/kind; ", peeked.error().message()));
    }
    if (is_target(*peeked)) return decoded.error();
    meta = *peeked;
  }
  if (const TypeInfo* type_of_status = StatusType(find_kind); IsStatus(meta) && type_of_status) {
    Status status;
    if (auto read = codec->decode(body, *type_of_status, &status, nullptr); !read) {
      return read.error();
    }
    if (status.status != "Success") return Error::Api(std::move(status));
    return false;
  }
  if (find_kind != nullptr && find_kind(meta.api_version, meta.kind) != nullptr) return false;
  return DecodeError(
      Cat("no kind ", Quote(meta.kind), " is registered for version ", Quote(meta.api_version)));
}

}  // namespace k8s::rest
