#include "fakeapiserver/unframed.h"

#include <algorithm>

namespace k8s::fakeapiserver {

using Kind = http::Framing::Kind;

Unframed::Unframed(std::unique_ptr<Source> raw, std::string_view method)
    : raw_(std::move(raw)), method_(method) {}

Unframed::Head Unframed::ReadHead() {
  while (true) {
    Slices data;
    const Outcome outcome = raw_->Next(data);
    early_ += Gather(data);
    if (auto done = parser_.Parse(early_); done && *done) {
      early_.erase(0, parser_.consumed());
      Head head{.outcome = Outcome::kData, .message = parser_.Take()};
      auto framing = http::ResponseFraming(head.message, method_);
      framing_ = framing ? *framing : http::Framing{Kind::kUntilClose};
      whole_ = framing_.kind == Kind::kNone;
      return head;
    }
    if (outcome == Outcome::kData) continue;
    Head head{.outcome = outcome};
    if (outcome != Outcome::kPending && !early_.starts_with("HTTP/1."))
      head.garbage = std::exchange(early_, {});
    return head;
  }
}

Source::Outcome Unframed::Next(Slices& out) {
  while (true) {
    Slices data;
    Outcome outcome = Outcome::kData;
    std::string bytes = std::exchange(early_, {});
    if (bytes.empty()) {
      outcome = raw_->Next(data);
      bytes = Gather(data);
    }
    std::string body;
    const bool good = Decode(bytes, body);
    const bool some = !body.empty();
    if (some) out.push_back(Slice::Of(std::move(body)));
    if (!good) return Outcome::kClose;
    if (outcome != Outcome::kData || some) return outcome;
  }
}

// False: this is no body of HTTP/1.1.
bool Unframed::Decode(std::string_view bytes, std::string& out) {
  if (whole_) return true;
  switch (framing_.kind) {
    case Kind::kNone:
      break;
    case Kind::kUntilClose:
      out = bytes;
      break;
    case Kind::kLength: {
      const auto count = static_cast<size_t>(std::min<uint64_t>(framing_.length, bytes.size()));
      out = bytes.substr(0, count);
      framing_.length -= count;
      whole_ = framing_.length == 0;
      break;
    }
    case Kind::kChunked: {
      const bool good = static_cast<bool>(chunks_.Decode(bytes, out));
      whole_ = chunks_.done();
      return good;
    }
  }
  return true;
}

}  // namespace k8s::fakeapiserver
