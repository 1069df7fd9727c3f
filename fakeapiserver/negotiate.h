#pragma once

// Accept and Content-Type: in which form an answer goes out and a body came in (chapter 2 of the
// specification). Pure functions.

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "k8s/base/result.h"
#include "k8s/http/headers.h"
#include "k8s/http/url.h"

namespace k8s::fakeapiserver {

inline constexpr std::string_view kJsonType = "application/json";
inline constexpr std::string_view kYamlType = "application/yaml";
inline constexpr std::string_view kProtobufType = "application/vnd.kubernetes.protobuf";
inline constexpr std::string_view kProtobufWatchType =
    "application/vnd.kubernetes.protobuf;stream=watch";

enum class Media : uint8_t { kJson, kYaml, kProtobuf };
std::string_view MediaTypeName(Media media);

// How an object is shown.
enum class View : uint8_t { kWhole, kTable, kPartialMetadata, kPartialMetadataList };

struct Output {
  Media media = Media::kJson;
  View view = View::kWhole;
  std::string meta_version = "v1";  // of meta.k8s.io, for the views
  bool pretty = false;
};

// One clause of an Accept header.
struct MediaClause {
  std::string type{};  // lower case, "*/*" included
  double quality = 1;
  std::vector<std::pair<std::string, std::string>> parameters{};
  std::string_view Get(std::string_view name) const;
};
// By falling quality, then in the order written. Empty for an absent or empty header.
std::vector<MediaClause> ParseAccept(std::string_view accept);

// What may be asked of the path at hand.
struct Offer {
  bool watch = false;
  bool protobuf = true;
  bool tables = true;  // and metadata only
};
// nullopt: nothing acceptable. Errors are of the handler's kind.
std::optional<Output> ChooseOutput(const http::Headers& headers, const http::Query& query,
                                   const Offer& offer);
// The form in which a clause asks for aggregated discovery, wherever it stands; nullopt: none does.
std::optional<Media> WantsAggregatedDiscovery(const http::Headers& headers);
// The check that the path matcher makes before any handler: whether a clause names one of its
// types.
bool RouterAccepts(const http::Headers& headers, std::initializer_list<std::string_view> types = {
                                                     kJsonType, kYamlType, kProtobufType});
Error RouterNotAcceptable(bool watchable);
Error HandlerNotAcceptable(const Offer& offer);

// Of a request body; nullopt: an unknown type. An absent header is JSON.
std::optional<Media> BodyMedia(const http::Headers& headers);
// The media type of a Content-Type without its parameters, lower case; "" when it does not parse.
std::string BaseType(std::string_view content_type);
bool WantsPretty(const http::Headers& headers, const http::Query& query);
bool AcceptsGzip(const http::Headers& headers);
std::string Gzip(std::string_view bytes);

}  // namespace k8s::fakeapiserver
