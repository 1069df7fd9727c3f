#include "k8s/http/authenticate.h"

#include <mutex>

#include "k8s/base/base64.h"
#include "k8s/base/log.h"
#include "k8s/base/mutant.h"
#include "k8s/base/strings.h"
#include "k8s/http/layer.h"

namespace k8s::http {
namespace {

// The token in a file, cached. One lock: many requests may ask at once.
class TokenFile {
 public:
  TokenFile(std::string path, Env env) : path_(std::move(path)), env_(std::move(env)) {}

  Result<std::string> Token() {
    std::lock_guard lock(mutex_);
    const TimePoint now = env_.clock->Now();
    if (!token_.empty() &&
        (K8S_MUTANT("token_is_not_read_again") || now - read_at_ < kTokenFileLifetime))
      return token_;
    auto fresh = Read();
    if (!fresh) {
      if (token_.empty()) return fresh;
      // The old token may still be good (C-2.16).
      Log(0, Cat("unable to rotate token: ", fresh.error().message()));
      return token_;
    }
    token_ = std::move(*fresh);
    read_at_ = now;
    return token_;
  }

 private:
  Result<std::string> Read() const {
    auto content = env_.host->ReadFile(path_);
    if (!content) return content.error().Within(Cat("failed to read token file ", Quote(path_)));
    std::string token(
        K8S_MUTATED("token_keeps_its_newline", std::string_view(*content), Trim(*content)));
    if (token.empty()) return ConfigError(Cat("read empty token from file ", Quote(path_)));
    return token;
  }

  const std::string path_;
  const Env env_;
  std::mutex mutex_;
  std::string token_;
  TimePoint read_at_{};
};

bool HasNoAuthorization(const Request& request) {
  return K8S_MUTANT("authorization_of_the_call_is_replaced") ||
         request.headers.Get("Authorization").empty();
}

}  // namespace

Result<Layer> Authenticate(const Credentials& credentials, const Env& env) {
  if (credentials.HasBasic() && credentials.HasToken()) {
    return ConfigError("username/password or bearer token may be set, but not both");
  }
  if (credentials.HasBasic()) {
    std::string value =
        Cat("Basic ", EncodeBase64(Cat(credentials.username, ":", credentials.password)));
    return MakeEditingLayer(HasNoAuthorization, [value = std::move(value)](Request& request) {
      request.headers.Set("Authorization", value);
    });
  }
  if (!credentials.HasToken()) {
    return Layer([](std::shared_ptr<RoundTripper> next) { return next; });
  }
  std::string fixed = credentials.bearer_token;
  std::shared_ptr<TokenFile> file;
  if (!credentials.bearer_token_file.empty()) {
    file = std::make_shared<TokenFile>(credentials.bearer_token_file, env);
    if (fixed.empty()) {
      auto first = file->Token();
      if (!first) return first.error();
      fixed = std::move(*first);
    }
  }
  return MakeEditingLayer(
      HasNoAuthorization, [fixed = std::move(fixed), file = std::move(file)](Request& request) {
        std::string token = fixed;
        if (file) {
          if (auto current = file->Token()) token = std::move(*current);
        }
        request.headers.Set("Authorization",
                            Cat(K8S_MUTATED("bearer_in_lower_case", "bearer ", "Bearer "), token));
      });
}

}  // namespace k8s::http
