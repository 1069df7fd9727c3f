#include "fakeapiserver/negotiate.h"

#include <zlib.h>

#include <algorithm>
#include <charconv>

#include "fakeapiserver/api_error.h"
#include "k8s/base/strings.h"

namespace k8s::fakeapiserver {
namespace {

std::string Unquote(std::string_view text) {
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"')
    text = text.substr(1, text.size() - 2);
  return std::string(text);
}

// Splits at separators outside double quotes.
std::vector<std::string_view> SplitOutsideQuotes(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  bool quoted = false;
  size_t start = 0;
  for (size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '"') quoted = !quoted;
    if (text[at] == separator && !quoted) {
      parts.push_back(text.substr(start, at - start));
      start = at + 1;
    }
  }
  parts.push_back(text.substr(start));
  return parts;
}

MediaClause ParseClause(std::string_view text) {
  MediaClause clause;
  const auto parts = SplitOutsideQuotes(text, ';');
  clause.type = ToLower(Trim(parts[0]));
  for (size_t i = 1; i < parts.size(); ++i) {
    const size_t equals = parts[i].find('=');
    std::string name = ToLower(Trim(parts[i].substr(0, equals)));
    std::string value =
        equals == std::string_view::npos ? "" : Unquote(Trim(parts[i].substr(equals + 1)));
    if (name == "q") {
      double quality = 1;
      std::from_chars(value.data(), value.data() + value.size(), quality);
      clause.quality = quality;
    } else if (!name.empty()) {
      clause.parameters.emplace_back(std::move(name), std::move(value));
    }
  }
  return clause;
}

bool Contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// What a clause's parameters ask for, or nullopt when this server has no such thing.
std::optional<View> ViewOf(const MediaClause& clause, std::string& meta_version) {
  const std::string_view as = clause.Get("as"), group = clause.Get("g"), version = clause.Get("v");
  if (as.empty() && group.empty() && version.empty()) return View::kWhole;
  if (group != "meta.k8s.io" || (version != "v1" && version != "v1beta1")) return std::nullopt;
  meta_version = std::string(version);
  if (as == "Table") return View::kTable;
  if (as == "PartialObjectMetadata") return View::kPartialMetadata;
  if (as == "PartialObjectMetadataList") return View::kPartialMetadataList;
  return std::nullopt;
}

// Read once for the several looks that a request takes, and for the requests that ask alike. Valid
// until this thread looks at another header.
const std::vector<MediaClause>& AcceptOf(const http::Headers& headers) {
  struct Read {
    std::string text{};
    std::vector<MediaClause> clauses{};
  };
  thread_local Read last;
  std::string all;
  for (std::string_view value : headers.Values("Accept")) {
    if (!all.empty()) all += ',';
    all += value;
  }
  if (all != last.text) last = {all, ParseAccept(all)};
  return last.clauses;
}

}  // namespace

std::string_view MediaTypeName(Media media) {
  switch (media) {
    case Media::kJson:
      return kJsonType;
    case Media::kYaml:
      return kYamlType;
    case Media::kProtobuf:
      return kProtobufType;
  }
  return kJsonType;
}

std::string_view MediaClause::Get(std::string_view name) const {
  for (const auto& [key, value] : parameters) {
    if (key == name) return value;
  }
  return {};
}

std::vector<MediaClause> ParseAccept(std::string_view accept) {
  std::vector<MediaClause> clauses;
  for (std::string_view part : SplitOutsideQuotes(accept, ',')) {
    if (Trim(part).empty()) continue;
    clauses.push_back(ParseClause(part));
  }
  std::stable_sort(clauses.begin(), clauses.end(),
                   [](const auto& a, const auto& b) { return a.quality > b.quality; });
  return clauses;
}

bool WantsPretty(const http::Headers& headers, const http::Query& query) {
  if (const std::string* pretty = query.Get("pretty")) {
    return *pretty == "true" || *pretty == "1" || *pretty == "t";
  }
  const std::string_view agent = headers.Get("User-Agent");
  return agent.starts_with("curl/") || agent.starts_with("Wget/") ||
         agent.starts_with("Mozilla/5.0");
}

std::optional<Output> ChooseOutput(const http::Headers& headers, const http::Query& query,
                                   const Offer& offer) {
  Output output;
  output.pretty = WantsPretty(headers, query);
  static const std::vector<MediaClause> kAnything = {{"*/*", 1, {}}};
  const auto& asked = AcceptOf(headers);
  for (const MediaClause& clause : asked.empty() ? kAnything : asked) {
    Media media;
    if (clause.type == kJsonType || clause.type == "*/*" || clause.type == "application/*") {
      media = Media::kJson;
    } else if (clause.type == kYamlType) {
      media = Media::kYaml;
    } else if (clause.type == kProtobufType) {
      media = Media::kProtobuf;
    } else {
      continue;
    }
    const std::string_view stream = clause.Get("stream");
    if (!stream.empty() && (!offer.watch || stream != "watch")) continue;
    const auto view = ViewOf(clause, output.meta_version);
    if (!view || (*view != View::kWhole && !offer.tables)) continue;
    if (*view == View::kTable && media == Media::kProtobuf) continue;
    if (media == Media::kProtobuf && !offer.protobuf && *view == View::kWhole) continue;
    // YAML has no frames, and the clause that fits first decides: the next one is not tried.
    if (media == Media::kYaml && offer.watch) return std::nullopt;
    output.media = media;
    output.view = *view;
    if (clause.Get("pretty") == "1") output.pretty = true;
    return output;
  }
  return std::nullopt;
}

std::optional<Media> WantsAggregatedDiscovery(const http::Headers& headers) {
  for (const MediaClause& clause : AcceptOf(headers)) {
    const bool fits = clause.Get("g") == "apidiscovery.k8s.io" && clause.Get("v") == "v2" &&
                      clause.Get("as") == "APIGroupDiscoveryList";
    if (fits && clause.type == kJsonType) return Media::kJson;
    if (fits && clause.type == kProtobufType) return Media::kProtobuf;
  }
  return std::nullopt;
}

bool RouterAccepts(const http::Headers& headers, std::initializer_list<std::string_view> types) {
  const auto& clauses = AcceptOf(headers);
  if (clauses.empty()) return true;
  return std::any_of(clauses.begin(), clauses.end(), [&](const MediaClause& clause) {
    return clause.type == "*/*" ||
           std::find(types.begin(), types.end(), clause.type) != types.end();
  });
}

Error RouterNotAcceptable(bool watchable) {
  std::string types = "application/json, application/yaml, application/vnd.kubernetes.protobuf";
  if (watchable)
    types += ", application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch";
  return RouterError(406, "NotAcceptable",
                     "406: Not Acceptable\n\nAvailable representations: " + types);
}

Error HandlerNotAcceptable(const Offer& offer) {
  std::string types;
  if (offer.watch) {
    types = "application/json;stream=watch";
    if (offer.protobuf) types += ", application/vnd.kubernetes.protobuf;stream=watch";
  } else {
    types = "application/json, application/yaml";
    if (offer.protobuf) types += ", application/vnd.kubernetes.protobuf";
  }
  return NotAcceptable("only the following media types are accepted: " + types);
}

std::string BaseType(std::string_view content_type) {
  std::string type = ToLower(Trim(content_type.substr(0, content_type.find(';'))));
  const bool good =
      std::count(type.begin(), type.end(), '/') == 1 && type.find(' ') == std::string::npos;
  return good ? type : "";
}

std::optional<Media> BodyMedia(const http::Headers& headers) {
  const std::string_view header = headers.Get("Content-Type");
  if (header.empty()) return Media::kJson;
  const std::string type = BaseType(header);
  if (type == kJsonType) return Media::kJson;
  if (type == kYamlType) return Media::kYaml;
  if (type == kProtobufType) return Media::kProtobuf;
  return std::nullopt;
}

bool AcceptsGzip(const http::Headers& headers) {
  for (std::string_view value : headers.Values("Accept-Encoding")) {
    if (!Contains(value, "gzip")) continue;
    for (std::string_view part : Split(value, ',')) {
      if (Trim(part) == "gzip") return true;
    }
  }
  return false;
}

std::string Gzip(std::string_view bytes) {
  z_stream stream{};
  // 31: a window of 32 KiB, in a gzip envelope. The fastest level, as the real server uses.
  deflateInit2(&stream, 1, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

}  // namespace k8s::fakeapiserver
