#include "fakeapiserver/loopback.h"

#include <condition_variable>
#include <mutex>

namespace k8s::fakeapiserver {
namespace {

// Bytes that are in memory already, handed out without gathering them first.
class SlicesBody final : public http::Body {
 public:
  explicit SlicesBody(Slices slices) : slices_(std::move(slices)), left_(SizeOf(slices_)) {}
  Result<size_t> Read(std::string& out) override {
    while (at_ < slices_.size()) {
      const std::string_view bytes = slices_[at_++].bytes;
      if (bytes.empty()) continue;
      out += bytes;
      left_ -= bytes.size();
      return bytes.size();
    }
    return size_t{0};
  }
  Result<std::string> ReadAll() override {
    std::string out;
    out.reserve(left_);
    for (; at_ < slices_.size(); ++at_) out += slices_[at_].bytes;
    left_ = 0;
    return out;
  }
  int64_t ContentLength() const override { return static_cast<int64_t>(left_); }

 private:
  Slices slices_;
  size_t left_;
  size_t at_ = 0;
};

class SourceBody final : public http::Body {
 public:
  SourceBody(Env env, Context ctx, std::unique_ptr<Source> source)
      : env_(std::move(env)), ctx_(std::move(ctx)), source_(std::move(source)) {
    source_->SetWake([this] {
      std::lock_guard lock(mutex_);
      woken_ = true;
      changed_.notify_all();
    });
  }
  ~SourceBody() override { source_->SetWake({}); }

  Result<size_t> Read(std::string& out) override {
    while (!ended_) {
      if (auto good = ctx_.Check(*env_.clock); !good) return good.error();
      {
        std::lock_guard lock(mutex_);
        woken_ = false;
      }
      Slices data;
      const Source::Outcome outcome = source_->Next(data);
      if (outcome == Source::Outcome::kEnd || outcome == Source::Outcome::kCut) ended_ = true;
      cut_ = outcome == Source::Outcome::kCut;
      if (const size_t size = SizeOf(data)) {
        for (const Slice& slice : data) out += slice.bytes;
        return size;
      }
      if (outcome != Source::Outcome::kPending) continue;
      TimePoint until = source_->WakeAt();
      if (ctx_.deadline() && *ctx_.deadline() < until) until = *ctx_.deadline();
      std::unique_lock lock(mutex_);
      env_.clock->Wait(lock, changed_, until, ctx_, [this] { return woken_; });
    }
    if (cut_) return Error::Transport(TransportCause::kTruncated, "unexpected EOF");
    return size_t{0};
  }

 private:
  const Env env_;
  const Context ctx_;
  std::unique_ptr<Source> source_;
  bool ended_ = false;
  bool cut_ = false;
  std::mutex mutex_;  // guards woken_
  std::condition_variable_any changed_;
  bool woken_ = false;
};

class Loopback final : public http::RoundTripper {
 public:
  Loopback(Env env, ServeFunction serve) : env_(std::move(env)), serve_(std::move(serve)) {}

  Result<http::Response> RoundTrip(const http::Request& request, const Context& ctx) override {
    if (auto good = ctx.Check(*env_.clock); !good) return good.error();
    Answer answer;
    if (request.body_reader) {
      http::Request whole = request;
      std::string body;
      while (true) {
        auto more = request.body_reader->Read(body);
        if (!more) return more.error();
        if (!*more) break;
      }
      whole.body = std::make_shared<const std::string>(std::move(body));
      whole.body_reader = nullptr;
      answer = serve_(whole);
    } else {
      answer = serve_(request);
    }
    while (answer.decide) {
      const Duration left = answer.decide_at - env_.clock->Now();
      if (auto slept = Sleep(*env_.clock, left, ctx); !slept) return slept.error();
      answer = answer.decide();
    }
    http::Response response;
    response.status = answer.status;
    response.headers = std::move(answer.headers);
    const bool has_body = request.method != "HEAD" && answer.status != 204 && answer.status != 304;
    if (answer.source && has_body) {
      response.body = std::make_unique<SourceBody>(env_, ctx, std::move(answer.source));
    } else {
      response.body = std::make_unique<SlicesBody>(has_body ? std::move(answer.body) : Slices());
    }
    return response;
  }

 private:
  const Env env_;
  const ServeFunction serve_;
};

}  // namespace

std::shared_ptr<http::RoundTripper> MakeLoopback(Env env, ServeFunction serve) {
  return std::make_shared<Loopback>(std::move(env), std::move(serve));
}

}  // namespace k8s::fakeapiserver
