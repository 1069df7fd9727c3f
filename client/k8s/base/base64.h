#pragma once

// Standard padded base64 (RFC 4648, section 4), as Go's StdEncoding. Pure functions.

#include <optional>
#include <string>
#include <string_view>

namespace k8s {

void AppendBase64(std::string_view bytes, std::string& out);
std::string EncodeBase64(std::string_view bytes);
// Line ends inside are skipped, as in Go; anything else outside the alphabet is an error (nullopt).
std::optional<std::string> DecodeBase64(std::string_view text);

}  // namespace k8s
