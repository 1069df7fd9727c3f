#include "k8s/http/round_tripper.h"

namespace k8s::http {
namespace {

class MemoryBody final : public Body {
 public:
  explicit MemoryBody(std::shared_ptr<const std::string> bytes) : bytes_(std::move(bytes)) {}

  Result<size_t> Read(std::string& out) override {
    const size_t count = bytes_->size() - read_;
    out.append(*bytes_, read_);
    read_ = bytes_->size();
    return count;
  }
  int64_t ContentLength() const override { return static_cast<int64_t>(bytes_->size()); }

 private:
  std::shared_ptr<const std::string> bytes_;
  size_t read_ = 0;
};

}  // namespace

Result<std::string> Body::ReadAll() {
  std::string all;
  while (true) {
    const auto count = Read(all);
    if (!count) return count.error();
    if (*count == 0) return all;
  }
}

std::unique_ptr<Body> StringBody(std::string bytes) {
  return StringBody(std::make_shared<const std::string>(std::move(bytes)));
}

std::unique_ptr<Body> StringBody(std::shared_ptr<const std::string> bytes) {
  return std::make_unique<MemoryBody>(std::move(bytes));
}

}  // namespace k8s::http
