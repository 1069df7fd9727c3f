#pragma once

// Texts as nghttp2 takes and gives them; for whoever speaks HTTP/2 through it, on either side.

#include <nghttp2/nghttp2.h>

#include <string>
#include <string_view>
#include <vector>

#include "k8s/http/headers.h"

namespace k8s::fakeapiserver {

inline const uint8_t* BytesOf(std::string_view text) {
  return reinterpret_cast<const uint8_t*>(text.data());
}
inline std::string_view TextOf(const uint8_t* bytes, size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

// nghttp2 copies both, the name in lower case, when the field is submitted.
inline nghttp2_nv FieldOf(std::string_view name, std::string_view value) {
  return {const_cast<uint8_t*>(BytesOf(name)), const_cast<uint8_t*>(BytesOf(value)), name.size(),
          value.size(), NGHTTP2_NV_FLAG_NONE};
}
// As long as the headers are there.
inline std::vector<nghttp2_nv> FieldsOf(const http::Headers& headers) {
  std::vector<nghttp2_nv> fields;
  for (const auto& [name, value] : headers) fields.push_back(FieldOf(name, value));
  return fields;
}

// All that a session has to send now, unless its bodies go out beside it (NO_COPY).
inline std::string OutputOf(nghttp2_session* session) {
  std::string all;
  const uint8_t* bytes = nullptr;
  for (ssize_t size; (size = nghttp2_session_mem_send(session, &bytes)) > 0;)
    all += TextOf(bytes, static_cast<size_t>(size));
  return all;
}

}  // namespace k8s::fakeapiserver
