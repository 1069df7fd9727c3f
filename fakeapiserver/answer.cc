#include "fakeapiserver/answer.h"

namespace k8s::fakeapiserver {

size_t SizeOf(const Slices& slices) {
  size_t size = 0;
  for (const Slice& slice : slices) size += slice.bytes.size();
  return size;
}

std::string Gather(const Slices& slices) {
  std::string out;
  out.reserve(SizeOf(slices));
  for (const Slice& slice : slices) out += slice.bytes;
  return out;
}

void SliceQueue::Push(Slice slice) {
  if (slice.bytes.empty()) return;
  bytes_ += slice.bytes.size();
  slices_.push_back(std::move(slice));
}

Slice SliceQueue::Pop(size_t most) {
  Slice& first = slices_.front();
  const std::string_view piece = first.bytes.substr(offset_, most);
  const bool last = offset_ + piece.size() == first.bytes.size();
  Slice taken(last ? std::move(first.owner) : first.owner, piece);
  RemovePrefix(piece.size());
  return taken;
}

void SliceQueue::RemovePrefix(size_t count) {
  bytes_ -= count;
  offset_ += count;
  while (!slices_.empty() && offset_ >= slices_.front().bytes.size()) {
    offset_ -= slices_.front().bytes.size();
    slices_.pop_front();
  }
}

Answer Answer::Text(int status, std::string text) {
  Answer answer = Bytes(status, "text/plain; charset=utf-8", std::move(text));
  answer.headers.Set("X-Content-Type-Options", "nosniff");
  return answer;
}

Answer Answer::Bytes(int status, std::string media_type, std::string bytes) {
  Answer answer;
  answer.status = status;
  answer.headers.Set("Content-Type", std::move(media_type));
  answer.body.push_back(Slice::Of(std::move(bytes)));
  return answer;
}

}  // namespace k8s::fakeapiserver
