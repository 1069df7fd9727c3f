#pragma once

// What Go's standard library says about bad input, because kube-apiserver passes it on. Pure.

#include <optional>
#include <string>
#include <string_view>

#include "k8s/base/context.h"

namespace k8s::fakeapiserver {

// encoding/json's complaint about a document, or nullopt when it is valid.
std::optional<std::string> GoJsonError(std::string_view text);
// What Go's YAML says where ours says `line 4: illegal map value`: `yaml: ` and its own words.
// Lines are counted from nought by its parser and from one by its scanner, and the first is not
// named.
std::string GoYamlError(std::string_view ours);
// strconv.ParseInt and ParseUint: `strconv.ParseInt: parsing "x": invalid syntax`.
Result<int64_t> GoParseInt(std::string_view text);
Result<uint64_t> GoParseUint(std::string_view text);
// time.ParseDuration: `time: invalid duration "x"`, `time: missing unit in duration "5"`.
Result<Duration> GoParseDuration(std::string_view text);

}  // namespace k8s::fakeapiserver
