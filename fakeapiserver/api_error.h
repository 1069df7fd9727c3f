#pragma once

// The errors that an API server answers, in its words (chapter 0.3 and 0.4 of the specification).
// Each function makes an Error that carries a Status; a handler returns it, the router renders it.
// Pure functions.

#include <string>
#include <string_view>
#include <vector>

#include "k8s/base/error.h"
#include "k8s/machinery/value.h"

namespace k8s::fakeapiserver {

// Where a real server's table of kinds is made, which errors about kinds name.
inline constexpr std::string_view kScheme = "scheme \"pkg/runtime/scheme.go:111\"";

// A resource as errors name it: "deployments" of group "apps" is `deployments.apps`.
struct GroupResource {
  std::string group{};
  std::string resource{};
  std::string String() const { return group.empty() ? resource : resource + "." + group; }
};
// The same shape, for kinds.
struct GroupKind {
  std::string group{};
  std::string kind{};
  std::string String() const { return group.empty() ? kind : kind + "." + group; }
};

// One problem of one field.
struct FieldError {
  enum class Type : uint8_t {
    kRequired,
    kInvalid,
    kTypeInvalid,
    kNotSupported,
    kForbidden,
    kDuplicate,
    kNotFound,
    kTooLong,
    kTooMany,
    kTooFew,
    kInternal
  };
  Type type = Type::kInvalid;
  std::string path{};
  std::string value{};  // as it is shown, quotes included; empty: not shown
  std::string detail{};

  std::string Message() const;  // without the path
  std::string String() const;
  std::string_view Reason() const;
};
using FieldErrors = std::vector<FieldError>;

FieldError Required(std::string path, std::string detail = {});
FieldError InvalidText(std::string path, std::string_view value, std::string detail);
FieldError InvalidValue(std::string path, const Value& value, std::string detail);
FieldError Unsupported(std::string path, const Value& value,
                       const std::vector<std::string_view>& supported);
FieldError ForbiddenField(std::string path, std::string detail);
FieldError Duplicate(std::string path, const Value& value);
FieldError NotFoundField(std::string path, const Value& value);
FieldError TooLong(std::string path, size_t limit);

// "a: Required value", or "[a: Required value, b: Required value]"; each problem once.
std::string AllOf(const FieldErrors& errors);

Error NotFound(const GroupResource& resource, std::string_view name);
Error AlreadyExists(const GroupResource& resource, std::string_view name);
Error Conflict(const GroupResource& resource, std::string_view name, std::string_view why);
Error OptimisticLock(const GroupResource& resource, std::string_view name);
Error InvalidObject(const GroupKind& kind, std::string_view name, const FieldErrors& errors);
Error BadRequest(std::string message);
Error Forbidden(const GroupResource& resource, std::string_view name, std::string_view why);
Error MethodNotSupported(const GroupResource& resource, std::string_view verb);
Error Expired(std::string message);
Error TooLarge(std::string_view why);
Error NotAcceptable(std::string message);
Error UnsupportedMediaType(std::string message);
Error InternalError(std::string message);
Error Timeout(std::string_view why);
// 500 without a reason: what a real server makes of an error that has no type.
Error Untyped(std::string message);
// Answers of the path matcher, which have empty details (chapter 1.9).
Error NoSuchPath();
Error NoSuchMethod();
Error RouterError(int code, std::string reason, std::string message);
Error ResourceVersionTooLarge(int64_t wanted, int64_t current);

// The Status of any error; one that carries none is a 500.
Status StatusOf(const Error& error);
// In the order of kube-apiserver's members, with kind and apiVersion.
Value StatusValue(const Status& status);

}  // namespace k8s::fakeapiserver
