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
