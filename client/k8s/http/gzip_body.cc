#include "k8s/http/gzip_body.h"

#include <zlib.h>

namespace k8s::http {
namespace {

// One Read yields at most this much, however well the bytes were compressed.
constexpr size_t kMaxStep = size_t{256} << 10;
constexpr int kGzipOnly = 16 + MAX_WBITS;

class GzipBody final : public Body {
 public:
  explicit GzipBody(std::unique_ptr<Body> compressed) : compressed_(std::move(compressed)) {
    ready_ = inflateInit2(&stream_, kGzipOnly) == Z_OK;
  }
  ~GzipBody() override {
    if (ready_) inflateEnd(&stream_);
  }

  Result<size_t> Read(std::string& out) override {
    if (!ready_) return Broken("out of memory");
    const size_t before = out.size();
    while (true) {
      if (used_ == input_.size() && !output_was_full_) {
        input_.clear();
        used_ = 0;
        const auto count = compressed_->Read(input_);
        if (!count) return count.error();
        if (*count == 0) {
          // Between two members, or before the first byte, the end is in order.
          if (between_members_) return size_t{0};
          return Error::Transport(TransportCause::kTruncated, "unexpected EOF");
        }
      }
      if (auto inflated = Inflate(out); !inflated) return inflated.error();
      if (out.size() > before) return out.size() - before;
    }
  }

 private:
  static Error Broken(const char* why) {
    return Error::Transport(TransportCause::kProtocol, std::string("gzip: ") + why);
  }

  Result<void> Inflate(std::string& out) {
    if (between_members_) inflateReset(&stream_);
    between_members_ = false;
    stream_.next_in = reinterpret_cast<Bytef*>(input_.data() + used_);
    stream_.avail_in = static_cast<uInt>(input_.size() - used_);
    const size_t start = out.size();
    out.resize(start + kMaxStep);
    stream_.next_out = reinterpret_cast<Bytef*>(out.data() + start);
    stream_.avail_out = static_cast<uInt>(kMaxStep);
    const int result = inflate(&stream_, Z_NO_FLUSH);
    out.resize(out.size() - stream_.avail_out);
    used_ = input_.size() - stream_.avail_in;
    output_was_full_ = stream_.avail_out == 0;
    if (result == Z_STREAM_END) {
      between_members_ = true;
    } else if (result != Z_OK && result != Z_BUF_ERROR) {
      return Broken(stream_.total_out == 0 ? "invalid header" : "invalid data");
    }
    return {};
  }

  std::unique_ptr<Body> compressed_;
  z_stream stream_{};
  std::string input_;
  size_t used_ = 0;
  bool ready_ = false;
  bool between_members_ = true;
  bool output_was_full_ = false;  // zlib may hold more than it could give
};

}  // namespace

std::unique_ptr<Body> InflateBody(std::unique_ptr<Body> compressed) {
  return std::make_unique<GzipBody>(std::move(compressed));
}

}  // namespace k8s::http
