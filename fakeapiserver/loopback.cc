#include "fakeapiserver/loopback.h"

#include <atomic>
#include <condition_variable>
#include <cstring>
#include <mutex>

#include "fakeapiserver/http1_session.h"
#include "k8s/base/strings.h"
#include "k8s/http/socket_transport.h"

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
      ended_ = outcome != Source::Outcome::kData && outcome != Source::Outcome::kPending;
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
    return size_t{0};
  }

 private:
  const Env env_;
  const Context ctx_;
  std::unique_ptr<Source> source_;
  bool ended_ = false;
  std::mutex mutex_;  // guards woken_
  std::condition_variable_any changed_;
  bool woken_ = false;
};

class Loopback final : public http::RoundTripper {
 public:
  Loopback(Env env, Door& door) : env_(std::move(env)), door_(door) {}

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
      answer = door_.Serve(whole, 0);
    } else {
      answer = door_.Serve(request, 0);
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
  Door& door_;
};

// The client's end of a connection in memory. The server's end is a Session, driven by whoever
// reads or writes here.
class MemoryStream final : public http::ByteStream {
 public:
  MemoryStream(const Env& env, Door& door, Admission admission, std::string addresses)
      : clock_(env.clock), addresses_(std::move(addresses)) {
    auto wake = [this] {
      std::lock_guard lock(mutex_);
      woken_ = true;
      changed_.notify_all();
    };
    auto session = std::make_unique<Http1Session>(SessionContext{.door = door,
                                                                 .limits = {},
                                                                 .clock = clock_,
                                                                 .connection = admission.connection,
                                                                 .scheme = "http",
                                                                 .wake = std::move(wake)});
    if (admission.answer) session->Begin(std::move(*admission.answer));
    session_ = std::move(session);
  }

  Attempt TryRead(char* to, size_t size) override {
    {
      std::lock_guard lock(mutex_);
      woken_ = false;
    }
    session_->Drive();
    const auto& output = session_->output();
    size_t count = 0;
    while (!output.empty() && count < size) {
      const std::string_view bytes = output.slices().front().bytes.substr(output.offset());
      const size_t take = std::min(bytes.size(), size - count);
      std::memcpy(to + count, bytes.data(), take);
      session_->Sent(take);
      count += take;
    }
    if (count > 0) return {Outcome::kBytes, count};
    switch (session_->fate()) {
      case Session::Fate::kReset:
        return {Outcome::kFailed};
      case Session::Fate::kOpen:
        return {session_->CanContinue() ? Outcome::kWantWrite : Outcome::kWantRead};
      default:
        return {Outcome::kEnd};
    }
  }

  Attempt TryWrite(const iovec* parts, int count) override {
    if (session_->fate() == Session::Fate::kReset || session_->fate() == Session::Fate::kClose)
      return {Outcome::kFailed};
    size_t total = 0;
    for (int i = 0; i < count; ++i) {
      session_->Receive({static_cast<const char*>(parts[i].iov_base), parts[i].iov_len});
      total += parts[i].iov_len;
    }
    return {Outcome::kBytes, total};
  }

  Result<void> Wait(Outcome outcome, const http::Waiting& waiting) override {
    if (outcome == Outcome::kWantWrite) return {};
    const TimePoint until = std::min(waiting.limit, session_->timer());
    {
      std::unique_lock lock(mutex_);
      clock_->Wait(lock, changed_, until, waiting.ctx, [this] { return woken_; });
    }
    if (auto over = waiting.ctx.Check(*clock_); !over) return over;
    if (clock_->Now() >= waiting.limit)
      return Error::Transport(TransportCause::kTimeout, "i/o timeout");
    return {};
  }

  Error Failure(std::string_view operation) const override {
    return Error::Transport(TransportCause::kReset, Cat(operation, " tcp ", addresses_, ": ",
                                                        operation, ": connection reset by peer"));
  }

  bool IsQuiet() override {
    session_->Drive();
    return session_->output().empty() && session_->fate() == Session::Fate::kOpen;
  }

 private:
  const std::shared_ptr<Clock> clock_;
  const std::string addresses_;
  std::mutex mutex_;  // guards woken_
  std::condition_variable_any changed_;
  bool woken_ = false;
  std::unique_ptr<Session> session_;
};

// Ports of their own, since clients tell failures apart by their texts (C-4.21).
constexpr int kFirstPort = 40'000;

http::TransportOptions OverMemory(const Env& env, Door& door) {
  http::TransportOptions options;
  options.disable_compression = true;
  options.proxy = [](const http::Url&) { return std::optional<http::Url>(); };
  auto port = std::make_shared<std::atomic<int>>(kFirstPort);
  options.open = [=, &door](const http::Url& to,
                            const Context&) -> Result<std::unique_ptr<http::ByteStream>> {
    Admission admission = door.Admit();
    if (admission.refused) {
      return Error::Transport(TransportCause::kRefused,
                              Cat("dial tcp ", to.Authority(), ": connect: connection refused"));
    }
    return std::make_unique<MemoryStream>(
        env, door, std::move(admission),
        Cat("127.0.0.1:", std::to_string((*port)++), "->", to.Authority()));
  };
  return options;
}

}  // namespace

std::shared_ptr<http::RoundTripper> MakeLoopback(Env env, Door& door) {
  return std::make_shared<Loopback>(std::move(env), door);
}

std::shared_ptr<http::RoundTripper> MakeWireLoopback(Env env, Door& door) {
  return http::NewSocketTransport(OverMemory(env, door), env).value();
}

}  // namespace k8s::fakeapiserver
