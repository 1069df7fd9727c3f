#include "k8s/testing/matchers.h"

#include <algorithm>
#include <map>
#include <set>

#include "k8s/base/strings.h"
#include "k8s/http/url.h"

namespace k8s {
namespace {

using fakeapiserver::Exchange;

// What is wrong with the exchanges; "": nothing.
using Check = std::function<std::string(const Exchanges&)>;

class CheckMatcher final : public ::testing::MatcherInterface<const Exchanges&> {
 public:
  CheckMatcher(std::string description, Check check)
      : description_(std::move(description)), check_(std::move(check)) {}
  bool MatchAndExplain(const Exchanges& exchanges,
                       ::testing::MatchResultListener* listener) const override {
    const std::string wrong = check_(exchanges);
    if (!wrong.empty()) *listener << wrong << "\n" << Timeline(exchanges);
    return wrong.empty();
  }
  void DescribeTo(std::ostream* out) const override { *out << description_; }

 private:
  const std::string description_;
  const Check check_;
};

ExchangesMatcher Make(std::string description, Check check) {
  return ExchangesMatcher(new CheckMatcher(std::move(description), std::move(check)));
}

std::string Number(const Exchange& one) { return Cat("#", std::to_string(one.number)); }

bool Same(const Exchange& a, const Exchange& b) {
  if (a.method != b.method || a.target != b.target) return false;
  if (a.headers.Get("User-Agent") != b.headers.Get("User-Agent")) return false;
  return (a.body ? *a.body : "") == (b.body ? *b.body : "");
}

std::string CheckRetryAfter(const Exchanges& exchanges) {
  for (size_t i = 0; i < exchanges.size(); ++i) {
    const Exchange& asked = exchanges[i];
    const auto seconds = ParseInt(asked.retry_after);
    if (!seconds || *seconds <= 0 || (asked.status != 429 && asked.status < 500)) continue;
    const TimePoint until = asked.answered_at + std::chrono::seconds(*seconds);
    for (size_t j = i + 1; j < exchanges.size() && exchanges[j].at < until; ++j) {
      if (Same(asked, exchanges[j]))
        return Cat(Number(exchanges[j]), " came too early after ", Number(asked));
    }
  }
  return "";
}

std::string CheckInFlight(const Exchanges& exchanges, size_t most) {
  std::multiset<TimePoint> ends;  // of those in flight
  for (const Exchange& one : exchanges) {
    ends.erase(ends.begin(), ends.upper_bound(one.at));
    ends.insert(one.answered_at == TimePoint{} ? TimePoint::max() : one.answered_at);
    // What is answered at once is in flight at that one moment.
    if (ends.size() > most)
      return Cat("with ", Number(one), " there were ", std::to_string(ends.size()), " in flight");
  }
  return "";
}

// The collection that an exchange lists or watches, and who does; and from which revision.
struct Position {
  std::string key;
  int64_t revision = 0;
};

Position PositionOf(const Exchange& one) {
  http::Query query = http::Query::Parse(
      one.target.find('?') == std::string::npos ? "" : one.target.substr(one.target.find('?') + 1));
  const auto get = [&](std::string_view name) {
    const std::string* value = query.Get(name);
    return value ? *value : std::string();
  };
  return {Cat(one.info.path, "\n", get("labelSelector"), "\n", get("fieldSelector"), "\n",
              one.headers.Get("User-Agent")),
          ParseInt(get("resourceVersion")).value_or(0)};
}

std::string CheckResumes(const Exchanges& exchanges) {
  std::map<std::string, const Exchange*> watches;  // the last one of each key
  std::map<std::string, int64_t> reached;
  for (const Exchange& one : exchanges) {
    if (one.info.verb != "watch" && one.info.verb != "list") continue;
    const Position now = PositionOf(one);
    if (one.info.verb == "list") {
      watches.erase(now.key);
      continue;
    }
    if (const auto before = watches.find(now.key); before != watches.end()) {
      const int64_t wanted = reached[now.key];
      const bool may_lag = before->second->hung_up;
      if (now.revision != wanted && !(may_lag && now.revision < wanted)) {
        return Cat(Number(one), " began at ", std::to_string(now.revision), ", but ",
                   Number(*before->second), " had come to ", std::to_string(wanted));
      }
    }
    watches[now.key] = &one;
    reached[now.key] = one.last_revision > 0 ? one.last_revision : now.revision;
  }
  return "";
}

std::string CheckHotLoop(const Exchanges& exchanges, size_t most, Duration span) {
  for (size_t i = 0; i < exchanges.size(); ++i) {
    size_t count = 0;
    for (size_t j = i; j < exchanges.size() && exchanges[j].at - exchanges[i].at < span; ++j) {
      if (!Same(exchanges[i], exchanges[j])) continue;
      if (++count > most)
        return Cat(Number(exchanges[j]), " is one too many of the kind of ", Number(exchanges[i]));
    }
  }
  return "";
}

}  // namespace

ExchangesMatcher StoredOneCreate(std::string resource) {
  return Make(Cat("stored exactly one create of ", resource), [=](const Exchanges& exchanges) {
    const auto count = std::count_if(exchanges.begin(), exchanges.end(), [&](const Exchange& one) {
      return one.info.verb == "create" && one.info.resource == resource && one.handled == 201 &&
             one.target.find("dryRun=") == std::string::npos;
    });
    return count == 1 ? "" : Cat("it stored ", std::to_string(count));
  });
}

ExchangesMatcher HonoursRetryAfter() {
  return Make("repeats no request before its Retry-After is over", CheckRetryAfter);
}

ExchangesMatcher HasInFlightAtMost(size_t most) {
  return Make(Cat("has at most ", std::to_string(most), " requests in flight"),
              [=](const Exchanges& exchanges) { return CheckInFlight(exchanges, most); });
}

ExchangesMatcher ResumesWatches() {
  return Make("resumes each watch where the one before it ended", CheckResumes);
}

ExchangesMatcher HasNoHotLoop(size_t most, Duration span) {
  return Make(Cat("sends no request more than ", std::to_string(most), " times in a while"),
              [=](const Exchanges& exchanges) { return CheckHotLoop(exchanges, most, span); });
}

}  // namespace k8s
