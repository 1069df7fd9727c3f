#include "fakeapiserver/api_error.h"

#include <algorithm>

#include "k8s/base/strings.h"
#include "k8s/machinery/json.h"

namespace k8s::fakeapiserver {
namespace {

Status Failure(int code, std::string_view reason, std::string message) {
  Status status;
  status.status = "Failure";
  status.code = code;
  status.reason = std::string(reason);
  status.message = std::move(message);
  return status;
}

Error Plain(int code, std::string_view reason, std::string message) {
  return Error::Api(Failure(code, reason, std::move(message)));
}

Error About(int code, std::string_view reason, std::string message, const GroupResource& resource,
            std::string_view name) {
  Status status = Failure(code, reason, std::move(message));
  StatusDetails& details = status.details.emplace();
  details.name = std::string(name);
  details.group = resource.group;
  details.kind = resource.resource;
  return Error::Api(std::move(status));
}

std::string Shown(const Value& value) {
  return value.is_string() ? Quote(value.string()) : ToJson(value);
}

}  // namespace

std::string FieldError::Message() const {
  static constexpr std::string_view kTypes[] = {
      "Required value", "Invalid value",   "Invalid value", "Unsupported value",
      "Forbidden",      "Duplicate value", "Not found",     "Too long",
      "Too many",       "Too few",         "Internal error"};
  std::string out(kTypes[static_cast<size_t>(type)]);
  if (!value.empty()) out += Cat(": ", value);
  if (!detail.empty()) out += Cat(": ", detail);
  return out;
}

std::string FieldError::String() const { return Cat(path, ": ", Message()); }

std::string_view FieldError::Reason() const {
  static constexpr std::string_view kReasons[] = {
      "FieldValueRequired",     "FieldValueInvalid",   "FieldValueTypeInvalid",
      "FieldValueNotSupported", "FieldValueForbidden", "FieldValueDuplicate",
      "FieldValueNotFound",     "FieldValueTooLong",   "FieldValueTooMany",
      "FieldValueTooFew",       "InternalError"};
  return kReasons[static_cast<size_t>(type)];
}

FieldError Required(std::string path, std::string detail) {
  return {FieldError::Type::kRequired, std::move(path), {}, std::move(detail)};
}
FieldError InvalidText(std::string path, std::string_view value, std::string detail) {
  return {FieldError::Type::kInvalid, std::move(path), Quote(value), std::move(detail)};
}
FieldError InvalidValue(std::string path, const Value& value, std::string detail) {
  return {FieldError::Type::kInvalid, std::move(path), Shown(value), std::move(detail)};
}
FieldError Unsupported(std::string path, const Value& value,
                       const std::vector<std::string_view>& supported) {
  std::string detail = "supported values: ";
  for (size_t i = 0; i < supported.size(); ++i) detail += Cat(i ? ", " : "", Quote(supported[i]));
  return {FieldError::Type::kNotSupported, std::move(path), Shown(value), std::move(detail)};
}
FieldError ForbiddenField(std::string path, std::string detail) {
  return {FieldError::Type::kForbidden, std::move(path), {}, std::move(detail)};
}
FieldError Duplicate(std::string path, const Value& value) {
  return {FieldError::Type::kDuplicate, std::move(path), Shown(value), {}};
}
FieldError NotFoundField(std::string path, const Value& value) {
  return {FieldError::Type::kNotFound, std::move(path), Shown(value), {}};
}
FieldError TooLong(std::string path, size_t limit) {
  return {FieldError::Type::kTooLong,
          path.empty() ? "[]" : std::move(path),
          {},
          Cat("may not be more than ", std::to_string(limit), " bytes")};
}

Error NotFound(const GroupResource& resource, std::string_view name) {
  return About(404, "NotFound", Cat(resource.String(), " ", Quote(name), " not found"), resource,
               name);
}
Error AlreadyExists(const GroupResource& resource, std::string_view name) {
  return About(409, "AlreadyExists", Cat(resource.String(), " ", Quote(name), " already exists"),
               resource, name);
}
Error Conflict(const GroupResource& resource, std::string_view name, std::string_view why) {
  return About(
      409, "Conflict",
      Cat("Operation cannot be fulfilled on ", resource.String(), " ", Quote(name), ": ", why),
      resource, name);
}
Error OptimisticLock(const GroupResource& resource, std::string_view name) {
  return Conflict(resource, name,
                  "the object has been modified; please apply your changes to the latest version "
                  "and try again");
}

std::string AllOf(const FieldErrors& errors) {
  std::vector<std::string> texts;
  for (const FieldError& error : errors) {
    std::string text = error.String();
    if (std::find(texts.begin(), texts.end(), text) == texts.end())
      texts.push_back(std::move(text));
  }
  return texts.size() == 1 ? texts[0] : Cat("[", Join(texts, ", "), "]");
}

Error InvalidObject(const GroupKind& kind, std::string_view name, const FieldErrors& errors) {
  Status status =
      Failure(422, "Invalid", Cat(kind.String(), " ", Quote(name), " is invalid: ", AllOf(errors)));
  StatusDetails& details = status.details.emplace();
  details.name = std::string(name);
  details.group = kind.group;
  details.kind = kind.kind;
  for (const FieldError& error : errors)
    details.causes.push_back({std::string(error.Reason()), error.Message(), error.path});
  return Error::Api(std::move(status));
}

Error BadRequest(std::string message) { return Plain(400, "BadRequest", std::move(message)); }

Error Forbidden(const GroupResource& resource, std::string_view name, std::string_view why) {
  std::string message;
  if (resource.resource.empty()) {
    message = Cat("forbidden: ", why);
  } else if (name.empty()) {
    message = Cat(resource.String(), " is forbidden: ", why);
  } else {
    message = Cat(resource.String(), " ", Quote(name), " is forbidden: ", why);
  }
  return About(403, "Forbidden", std::move(message), resource, name);
}

Error MethodNotSupported(const GroupResource& resource, std::string_view verb) {
  return About(405, "MethodNotAllowed",
               Cat(verb, " is not supported on resources of kind ", Quote(resource.String())),
               resource, "");
}
Error Expired(std::string message) { return Plain(410, "Expired", std::move(message)); }
Error TooLarge(std::string_view why) {
  return Plain(413, "RequestEntityTooLarge", Cat("Request entity too large: ", why));
}
Error NotAcceptable(std::string message) { return Plain(406, "NotAcceptable", std::move(message)); }
Error UnsupportedMediaType(std::string message) {
  return Plain(415, "UnsupportedMediaType", std::move(message));
}

Error InternalError(std::string message) {
  Status status = Failure(500, "InternalError", "Internal error occurred: " + message);
  status.details.emplace().causes.push_back({"", std::move(message), ""});
  return Error::Api(std::move(status));
}

Error Timeout(std::string_view why) {
  Status status = Failure(504, "Timeout", Cat("Timeout: ", why));
  status.details.emplace();
  return Error::Api(std::move(status));
}

Error Untyped(std::string message) { return Plain(500, "", std::move(message)); }

Error RouterError(int code, std::string reason, std::string message) {
  Status status = Failure(code, reason, std::move(message));
  status.details.emplace();
  return Error::Api(std::move(status));
}
Error NoSuchPath() {
  return RouterError(404, "NotFound", "the server could not find the requested resource");
}
Error NoSuchMethod() {
  return RouterError(405, "MethodNotAllowed",
                     "the server does not allow this method on the requested resource");
}

Error ResourceVersionTooLarge(int64_t wanted, int64_t current) {
  Status status = Failure(504, "Timeout",
                          Cat("Timeout: Too large resource version: ", std::to_string(wanted),
                              ", current: ", std::to_string(current)));
  StatusDetails& details = status.details.emplace();
  details.causes.push_back({"ResourceVersionTooLarge", "Too large resource version", ""});
  details.retryAfterSeconds = 1;
  return Error::Api(std::move(status));
}

Status StatusOf(const Error& error) {
  if (error.status()) return *error.status();
  return Failure(500, "", error.message());
}

Value StatusValue(const Status& status) {
  Value out = Value::MakeObject({{"kind", "Status"}, {"apiVersion", "v1"}});
  Value& metadata = out.Set("metadata", Value::MakeObject());
  if (!status.metadata.continue_.empty()) metadata.Set("continue", status.metadata.continue_);
  const auto text = [](Value& to, std::string_view name, const std::string& value) {
    if (!value.empty()) to.Set(name, value);
  };
  text(out, "status", status.status);
  text(out, "message", status.message);
  text(out, "reason", status.reason);
  if (status.details) {
    Value details = Value::MakeObject();
    text(details, "name", status.details->name);
    text(details, "group", status.details->group);
    text(details, "kind", status.details->kind);
    text(details, "uid", status.details->uid);
    if (!status.details->causes.empty()) {
      Value causes = Value::MakeArray();
      for (const StatusCause& cause : status.details->causes) {
        Value one = Value::MakeObject();
        text(one, "reason", cause.reason);
        text(one, "message", cause.message);
        text(one, "field", cause.field);
        causes.Append(std::move(one));
      }
      details.Set("causes", std::move(causes));
    }
    if (status.details->retryAfterSeconds)
      details.Set("retryAfterSeconds", static_cast<int64_t>(status.details->retryAfterSeconds));
    out.Set("details", std::move(details));
  }
  if (status.code) out.Set("code", static_cast<int64_t>(status.code));
  return out;
}

}  // namespace k8s::fakeapiserver
