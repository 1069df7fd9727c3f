#include "k8s/http/redirect.h"

#include "k8s/base/mutant.h"
#include "k8s/base/strings.h"

namespace k8s::http {
namespace {

constexpr size_t kMaxDrained = 2048;

class RedirectLayer final : public RoundTripper {
 public:
  RedirectLayer(std::shared_ptr<RoundTripper> next, std::shared_ptr<Clock> clock)
      : next_(std::move(next)), clock_(std::move(clock)) {}

  Result<Response> RoundTrip(const Request& request, const Context& ctx) override {
    auto response = Once(request, ctx);
    if (!response || !IsRedirect(*response)) return response;
    return Follow(request, std::move(*response), ctx);
  }
  void CloseIdleConnections() override { next_->CloseIdleConnections(); }

 private:
  Result<Response> Once(const Request& request, const Context& ctx) {
    if (auto over = ctx.Check(*clock_); !over) return over.error().Within(Describe(request));
    auto response = next_->RoundTrip(request, ctx);
    if (!response) return response.error().Within(Describe(request));
    return response;
  }

  static bool IsRedirect(const Response& response) {
    switch (response.status) {
      case 301:
      case 302:
      case 303:
      case 307:
      case 308:
        return !response.headers.Get("Location").empty();
      default:
        return false;
    }
  }

  Result<Response> Follow(Request request, Response response, const Context& ctx) {
    for (int followed = 1; !K8S_MUTANT("redirects_are_not_followed") && IsRedirect(response);
         ++followed) {
      const bool keeps_body = response.status >= 307;
      if (keeps_body && request.body_reader) return response;
      if (followed >= kMaxRedirects + K8S_MUTATED("eleven_redirects", 1, 0)) {
        return Error::Transport(TransportCause::kOther,
                                Cat(Describe(request), ": stopped after ",
                                    std::to_string(kMaxRedirects), " redirects"));
      }
      auto target = ResolveReference(request.url, response.headers.Get("Location"));
      if (!target) {
        return Error::Transport(TransportCause::kProtocol,
                                Cat(Describe(request), ": failed to parse Location header: ",
                                    target.error().message()));
      }
      DrainShortBody(*response.body);
      response.body.reset();
      Redirect(request, std::move(*target), keeps_body);
      auto next = Once(request, ctx);
      if (!next) return next;
      response = std::move(*next);
    }
    return response;
  }

  static void Redirect(Request& request, Url target, bool keeps_body) {
    if (!keeps_body) {
      if (request.method != "GET" && request.method != "HEAD") request.method = "GET";
      request.body.reset();
      request.body_reader.reset();
      request.headers.Remove("Content-Type");
    }
    // What the caller itself set is for the first host only.
    if (target.host != request.url.host && !target.host.ends_with(Cat(".", request.url.host))) {
      for (const char* name : {"Authorization", "Cookie", "Www-Authenticate"}) {
        request.headers.Remove(name);
      }
    }
    if (!(request.url.scheme == "https" && target.scheme == "http")) {
      request.headers.Set("Referer", request.url.String());
    }
    request.headers.Remove("Host");
    request.url = std::move(target);
  }

  std::shared_ptr<RoundTripper> next_;
  std::shared_ptr<Clock> clock_;
};

}  // namespace

std::string Describe(const Request& request) {
  std::string verb = request.method.empty() ? "Get" : ToLower(request.method);
  if (!request.method.empty()) verb[0] = request.method[0];
  return Cat(verb, " ", Quote(request.url.String()));
}

Result<Url> ResolveReference(const Url& base, std::string_view location) {
  if (location.starts_with("//")) return Url::Parse(Cat(base.scheme, ":", location));
  auto target = Url::Parse(location);
  if (!target) return target;
  if (!target->scheme.empty()) return target;
  Url url = base;
  url.query = target->query;
  if (target->path.starts_with('/')) {
    url.path = target->path;
  } else if (!target->path.empty()) {
    url.path = Cat(std::string_view(base.path).substr(0, base.path.rfind('/') + 1), target->path);
  }
  const bool slash = url.path.size() > 1 && url.path.ends_with('/');
  url.path = CleanPath(url.path);
  if (slash && url.path != "/") url.path += '/';
  return url;
}

void DrainShortBody(Body& body) {
  if (body.ContentLength() > static_cast<int64_t>(kMaxDrained)) return;
  std::string dropped;
  while (dropped.size() < kMaxDrained) {
    const auto count = body.Read(dropped);
    if (!count || *count == 0) return;
  }
}

Layer FollowRedirects(std::shared_ptr<Clock> clock) {
  return [=](std::shared_ptr<RoundTripper> next) -> std::shared_ptr<RoundTripper> {
    return std::make_shared<RedirectLayer>(std::move(next), clock);
  };
}

}  // namespace k8s::http
