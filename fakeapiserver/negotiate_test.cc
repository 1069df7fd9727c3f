#include "fakeapiserver/negotiate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace k8s::fakeapiserver {
namespace {

using testing::ElementsAre;

http::Headers With(std::string_view name, std::string_view value) {
  http::Headers headers;
  headers.Add(name, std::string(value));
  return headers;
}

// What an Accept header gets: media type, view, version of meta.k8s.io, or "none".
std::string Chosen(std::string_view accept, const Offer& offer = {}) {
  const auto output = ChooseOutput(With("Accept", accept), {}, offer);
  if (!output) return "none";
  std::string media(MediaTypeName(output->media));
  switch (output->view) {
    case View::kWhole:
      return media;
    case View::kTable:
      return media + " Table " + output->meta_version;
    case View::kPartialMetadata:
      return media + " PartialObjectMetadata " + output->meta_version;
    case View::kPartialMetadataList:
      return media + " PartialObjectMetadataList " + output->meta_version;
  }
  return media;
}

std::vector<std::string> Types(std::string_view accept) {
  std::vector<std::string> types;
  for (const MediaClause& clause : ParseAccept(accept)) types.push_back(clause.type);
  return types;
}

constexpr std::string_view kKubectl =
    "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io"
    ",application/json";

TEST(Negotiate, TriesClausesByQualityThenInTheOrderWritten) {
  EXPECT_THAT(Types("a/a;q=0.2, b/b ,c/c;q=0.9,d/d"), ElementsAre("b/b", "d/d", "c/c", "a/a"));
  EXPECT_THAT(Types(" ,, "), ElementsAre());
}

TEST(Negotiate, KeepsSeparatorsInsideQuotes) {
  const auto clauses = ParseAccept(R"(a/a;x="1,2;3" ; Y=z,b/b)");
  ASSERT_EQ(clauses.size(), 2u);
  EXPECT_EQ(clauses[0].Get("x"), "1,2;3");
  EXPECT_EQ(clauses[0].Get("y"), "z");
  EXPECT_EQ(clauses[1].type, "b/b");
}

TEST(Negotiate, AQualityOfZeroDoesNotExclude) {
  EXPECT_EQ(Chosen("application/json;q=0"), "application/json");
}

TEST(Negotiate, NothingAndAnythingMeanJson) {  // S-2.12
  EXPECT_EQ(ChooseOutput({}, {}, {})->media, Media::kJson);
  for (std::string_view accept :
       {"", "*/*", "text/*, */*;q=0.1", "Application/JSON; charset=utf-8"})
    EXPECT_EQ(Chosen(accept), "application/json") << accept;
}

TEST(Negotiate, YamlIsForAnswersAndNotForStreams) {  // S-2.1
  EXPECT_EQ(Chosen("application/yaml"), "application/yaml");
  EXPECT_EQ(Chosen("application/yaml", {.watch = true}), "none");
  // The first clause that fits decides, although the second could be streamed.
  EXPECT_EQ(Chosen("application/yaml,application/json", {.watch = true}), "none");
  EXPECT_EQ(Chosen("application/json,application/yaml", {.watch = true}), "application/json");
}

TEST(Negotiate, AStreamParameterIsForWatchesOnly) {
  constexpr std::string_view kStream = "application/json;stream=watch";
  EXPECT_EQ(Chosen(kStream, {.watch = true}), "application/json");
  EXPECT_EQ(Chosen(kStream), "none");
}

TEST(Negotiate, KubectlGetsATable) {
  EXPECT_EQ(Chosen(kKubectl), "application/json Table v1");
  EXPECT_EQ(Chosen(kKubectl, {.tables = false}), "application/json");
  EXPECT_EQ(Chosen("application/yaml;as=Table;v=v1beta1;g=meta.k8s.io"),
            "application/yaml Table v1beta1");
}

TEST(Negotiate, TablesAreNeverProtobufButMetadataIs) {
  EXPECT_EQ(Chosen("application/vnd.kubernetes.protobuf;as=Table;v=v1;g=meta.k8s.io"), "none");
  EXPECT_EQ(Chosen("application/vnd.kubernetes.protobuf;as=Table;v=v1;g=meta.k8s.io,"
                   "application/json;as=Table;v=v1;g=meta.k8s.io"),
            "application/json Table v1");
  EXPECT_EQ(Chosen("application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;v=v1"
                   ";g=meta.k8s.io"),
            "application/vnd.kubernetes.protobuf PartialObjectMetadata v1");
}

TEST(Negotiate, UnknownTransformationsPassToTheNextClause) {
  for (std::string_view unknown : {"as=Chart;v=v1;g=meta.k8s.io", "as=Table;v=v2;g=meta.k8s.io",
                                   "as=Table;v=v1;g=other", "as=Table"}) {
    const std::string clause = "application/json;" + std::string(unknown);
    EXPECT_EQ(Chosen(clause), "none") << unknown;
    EXPECT_EQ(Chosen(clause + ",application/yaml"), "application/yaml") << unknown;
  }
}

TEST(Negotiate, WithoutProtobufOnlyMetadataMayBeIt) {  // S-2.11
  const Offer custom{.protobuf = false};
  EXPECT_EQ(Chosen("application/vnd.kubernetes.protobuf", custom), "none");
  EXPECT_EQ(Chosen("application/vnd.kubernetes.protobuf,application/json", custom),
            "application/json");
  EXPECT_EQ(Chosen("application/vnd.kubernetes.protobuf;as=PartialObjectMetadataList;v=v1"
                   ";g=meta.k8s.io",
                   custom),
            "application/vnd.kubernetes.protobuf PartialObjectMetadataList v1");
}

TEST(Negotiate, FindsAggregatedDiscoveryInAnyClause) {
  const auto wanted = [](std::string_view accept) {
    return WantsAggregatedDiscovery(With("Accept", accept));
  };
  constexpr std::string_view kParameters = ";g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
  EXPECT_EQ(wanted("application/json,application/json" + std::string(kParameters)), Media::kJson);
  EXPECT_EQ(wanted("application/vnd.kubernetes.protobuf" + std::string(kParameters)),
            Media::kProtobuf);
  EXPECT_EQ(wanted("application/yaml" + std::string(kParameters)), std::nullopt);
  EXPECT_EQ(wanted("application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList"),
            std::nullopt);  // S-1.5
}

TEST(Negotiate, TheRouterKnowsTypesAndOneWildcard) {  // S-2.2
  EXPECT_TRUE(RouterAccepts({}));
  EXPECT_TRUE(RouterAccepts(With("Accept", "text/html, application/yaml;q=0.1")));
  EXPECT_TRUE(RouterAccepts(With("Accept", "*/*")));
  for (std::string_view accept : {"text/html", "application/*", "nonsense"})
    EXPECT_FALSE(RouterAccepts(With("Accept", accept))) << accept;
  EXPECT_EQ(RouterNotAcceptable(true).message(),
            "406: Not Acceptable\n\nAvailable representations: application/json, application/yaml, "
            "application/vnd.kubernetes.protobuf, application/json;stream=watch, "
            "application/vnd.kubernetes.protobuf;stream=watch");
}

TEST(Negotiate, TheHandlersRefusalNamesWhatTheyOffer) {  // S-2.3
  EXPECT_EQ(HandlerNotAcceptable({.protobuf = false}).message(),
            "only the following media types are accepted: application/json, application/yaml");
  EXPECT_EQ(HandlerNotAcceptable({.watch = true}).message(),
            "only the following media types are accepted: application/json;stream=watch, "
            "application/vnd.kubernetes.protobuf;stream=watch");
}

TEST(Negotiate, BodiesAreJsonUnlessTheirTypeSaysOtherwise) {  // S-2.4
  EXPECT_EQ(BodyMedia({}), Media::kJson);
  EXPECT_EQ(BodyMedia(With("Content-Type", "application/yaml ; charset=utf-8")), Media::kYaml);
  EXPECT_EQ(BodyMedia(With("Content-Type", "Application/Vnd.Kubernetes.Protobuf")),
            Media::kProtobuf);
  for (std::string_view type : {"text/plain", "application/cbor", "json", "application/json x"})
    EXPECT_EQ(BodyMedia(With("Content-Type", type)), std::nullopt) << type;
}

TEST(Negotiate, PeopleGetIndentedJsonUnlessTheyRefuse) {  // S-2.5
  const auto pretty = [](std::string_view agent, std::string_view query) {
    return WantsPretty(With("User-Agent", agent), http::Query::Parse(query));
  };
  for (std::string_view agent : {"curl/8.5.0", "Wget/1.21", "Mozilla/5.0 (X11)"}) {
    EXPECT_TRUE(pretty(agent, "")) << agent;
    EXPECT_FALSE(pretty(agent, "pretty=false")) << agent;
  }
  for (std::string_view agent : {"kubectl/v1.37.2", "a curl/8", ""})
    EXPECT_FALSE(pretty(agent, "")) << agent;
  for (std::string_view yes : {"true", "1", "t"})
    EXPECT_TRUE(pretty("", "pretty=" + std::string(yes))) << yes;
  for (std::string_view no : {"", "yes", "TRUE", "0"})
    EXPECT_FALSE(pretty("", "pretty=" + std::string(no))) << no;
  EXPECT_TRUE(ChooseOutput(With("Accept", "application/json;pretty=1"), {}, {})->pretty);
}

TEST(Negotiate, OnlyAPlainGzipCounts) {  // S-2.6
  EXPECT_TRUE(AcceptsGzip(With("Accept-Encoding", "deflate, gzip ,br")));
  for (std::string_view other : {"gzip;q=0.5", "x-gzip", "*", ""})
    EXPECT_FALSE(AcceptsGzip(With("Accept-Encoding", other))) << other;
}

}  // namespace
}  // namespace k8s::fakeapiserver
