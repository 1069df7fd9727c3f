#pragma once

// A watch as a range:
//
//   for (const auto& [type, pod] : *watch) ...
//   if (watch->error()) ...   // why it ended
//
// One thread iterates; the socket is read on that thread, so whoever is slow is not sent more. Stop
// may be called from any thread. Destroying it hangs up.

#include <cstddef>
#include <iterator>
#include <memory>
#include <optional>
#include <stop_token>
#include <string_view>

#include "k8s/base/context.h"
#include "k8s/rest/watch_stream.h"

namespace k8s {

// type is one of rest::kAdded, kModified, kDeleted, kBookmark, kError. An ERROR has a fresh object;
// Watcher::status() says what the server said. The stream goes on after it if the server does.
template <class T>
struct WatchEvent {
  std::string_view type{};
  T object{};
};

namespace kubernetes {

// Hands the caller's stop request on to the exchange, beside the watcher's own.
class WatchSource {
 public:
  explicit WatchSource(const Context& ctx)
      : forward_(ctx.stop(), Forward{&stop_}), ctx_(ctx.WithStop(stop_.get_token())) {}

  const Context& ctx() const { return ctx_; }
  void Stop() { stop_.request_stop(); }
  std::unique_ptr<rest::WatchStream> stream{};

 private:
  struct Forward {
    std::stop_source* target;
    void operator()() const { target->request_stop(); }
  };
  std::stop_source stop_;
  std::stop_callback<Forward> forward_;
  Context ctx_;
};

}  // namespace kubernetes

template <class T>
class Watcher {
 public:
  explicit Watcher(std::unique_ptr<kubernetes::WatchSource> source) : source_(std::move(source)) {}

  class Iterator {
   public:
    using value_type = WatchEvent<T>;
    using difference_type = std::ptrdiff_t;
    using iterator_category = std::input_iterator_tag;

    explicit Iterator(Watcher* watcher) : watcher_(watcher) { ++*this; }
    const WatchEvent<T>& operator*() const { return *watcher_->event_; }
    const WatchEvent<T>* operator->() const { return &*watcher_->event_; }
    Iterator& operator++() {
      watcher_->Read(watcher_->event_);
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(std::default_sentinel_t) const { return !watcher_->event_; }

   private:
    Watcher* watcher_;
  };

  Iterator begin() { return Iterator(this); }
  std::default_sentinel_t end() const { return {}; }

  // The next event, waiting for it; nullopt at the end.
  std::optional<WatchEvent<T>> Next() {
    std::optional<WatchEvent<T>> event;
    Read(event);
    return event;
  }

  // Ends the watch, also while another thread waits in it.
  void Stop() { source_->Stop(); }

  // Why it ended; nullopt while it runs and when the server closed it between two events. client-go
  // closes its channel without a word where this has a transport error (7.4).
  const std::optional<Error>& error() const { return source_->stream->end(); }
  // What the last ERROR event said.
  const std::optional<Status>& status() const { return source_->stream->status(); }

 private:
  // The next event, decoded where it stays.
  void Read(std::optional<WatchEvent<T>>& event) {
    const auto type = source_->stream->Next(TypeOf<T>(), &event.emplace().object);
    if (type) {
      event->type = *type;
    } else {
      event.reset();
    }
  }

  std::unique_ptr<kubernetes::WatchSource> source_;
  std::optional<WatchEvent<T>> event_;
};

}  // namespace k8s
