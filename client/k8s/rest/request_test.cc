#include "k8s/rest/request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "k8s/api/appsv1.h"
#include "k8s/api/corev1.h"
#include "k8s/api/metav1.h"
#include "k8s/base/log.h"
#include "k8s/base/strings.h"
#include "k8s/http/metrics.h"
#include "k8s/machinery/protobuf_codec.h"
#include "k8s/rest/client_for_test.h"
#include "k8s/rest/content.h"

namespace k8s::rest {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::StartsWith;

std::string TargetOf(const Request& request, http::Mode mode = http::Mode::kDo) {
  const auto built = request.Build(mode);
  return built ? built->url.Target() : built.error().message();
}

Request PodGet(const TestClient& client) {
  return std::move(client.Make()->Get().Namespace("n").Resource("pods").Name("p"));
}

// ---- URLs ----

TEST(Request, PathsFollowTheGroupVersion) {  // C-3.1
  TestClient core, apps;
  apps.options.api_path = "/apis/apps/v1";
  EXPECT_EQ(TargetOf(PodGet(core)), "/api/v1/namespaces/n/pods/p");
  EXPECT_EQ(TargetOf(apps.Make()->Get().Namespace("n").Resource("deployments").Name("d")),
            "/apis/apps/v1/namespaces/n/deployments/d");
  EXPECT_EQ(TargetOf(core.Make()->Get().Resource("nodes").Name("x")), "/api/v1/nodes/x");
  EXPECT_EQ(TargetOf(core.Make()->Get().SubResource("status").Name("x").Resource("nodes")),
            "/api/v1/nodes/x/status");
}

TEST(Request, OnlyTheResourceIsLowerCased) {  // C-3.2
  EXPECT_EQ(TargetOf(TestClient().Make()->Get().Resource("Pods").Name("Foo")), "/api/v1/pods/Foo");
}

TEST(Request, RefusesSegmentsThatWouldChangeThePath) {  // C-3.3
  const auto client = TestClient().Make();
  const auto message = [&](std::string_view name) {
    return TargetOf(client->Get().Resource("pods").Name(name));
  };
  EXPECT_EQ(message("a/b"), R"(invalid resource name "a/b": [may not contain '/'])");
  EXPECT_EQ(message("a%b"), R"(invalid resource name "a%b": [may not contain '%'])");
  EXPECT_EQ(message("/%"),
            R"(invalid resource name "/%": [may not contain '/' may not contain '%'])");
  EXPECT_EQ(message("."), R"(invalid resource name ".": [may not be '.'])");
  EXPECT_EQ(message(".."), R"(invalid resource name "..": [may not be '..'])");
  EXPECT_EQ(message(""), "resource name may not be empty");
  EXPECT_EQ(message("a b"), "/api/v1/pods/a%20b");
  EXPECT_EQ(TargetOf(client->Get().Namespace("..")),
            R"(invalid namespace "..": [may not be '..'])");
  EXPECT_EQ(TargetOf(client->Get().Resource("a/b")),
            R"(invalid resource "a/b": [may not contain '/'])");
  EXPECT_EQ(TargetOf(client->Get().SubResource("%")),
            R"(invalid subresource "%": [may not contain '%'])");
}

TEST(Request, SendsNothingAfterAMistake) {  // C-3.3, C-3.4
  TestClient client;
  client.Answer(200, "{}");
  auto request = client.Make()->Get();
  request.Resource("pods").Name("a").Name("b").Name("c/d").Namespace("..");
  EXPECT_EQ(request.Do().error().message(),
            R"(resource name already set to "a", cannot change to "b")");
  EXPECT_EQ(request.DoRaw().error().code(), Error::Code::kInvalid);
  EXPECT_FALSE(request.Stream());
  EXPECT_FALSE(request.Watch());
  EXPECT_TRUE(client.stub->requests.empty());
}

TEST(Request, ChecksAnEmptyNamespaceBeforeTheLimiter) {  // C-3.5
  TestClient client;
  client.Answer(200, "{}");
  const auto limiter = http::NewTokenBucket(0.001, 1);
  client.options.stack = http::BuildChain({.rate_limiter = limiter}, client.stub);
  const auto rest = client.Make();
  EXPECT_EQ(rest->Post().Namespace("").Resource("pods").Do().error().message(),
            "an empty namespace may not be set during creation");
  EXPECT_EQ(rest->Get().Namespace("").Resource("pods").Name("p").DoRaw().error().message(),
            "an empty namespace may not be set when a resource name is provided");
  EXPECT_TRUE(client.stub->requests.empty());
  EXPECT_TRUE(limiter->TryAccept());
  // Watch, Stream and PATCH are not checked.
  EXPECT_EQ(TargetOf(rest->Get().Namespace("").Resource("pods").Name("p"), http::Mode::kStream),
            "/api/v1/pods/p");
  EXPECT_EQ(TargetOf(rest->Patch("x").Namespace("").Resource("pods").Name("p")), "/api/v1/pods/p");
}

TEST(Request, AbsPathKeepsOneSlashAtItsEnd) {  // C-3.6
  TestClient client;
  const auto rest = client.Make();
  EXPECT_EQ(TargetOf(rest->Get().AbsPath({"/a/"})), "/a/");
  EXPECT_EQ(TargetOf(rest->Get().AbsPath({"/a/", "b/"})), "/a/b");
  EXPECT_EQ(TargetOf(rest->Get().AbsPath({"/a/"}).Suffix({"b"})), "/a/b");
  EXPECT_EQ(TargetOf(rest->Get().AbsPath({"/a/"}).Prefix({"b//"})), "/a/b");
  EXPECT_EQ(TargetOf(rest->Get().AbsPath({"/a/"}).Namespace(""), http::Mode::kStream), "/a/");
  EXPECT_EQ(TargetOf(rest->Get().AbsPath({"/"})), "/");
  client.options.base.path = "/pre";
  EXPECT_EQ(TargetOf(client.Make()->Get().AbsPath({"/"})), "/pre/");
  EXPECT_EQ(TargetOf(client.Make()->Get().AbsPath({"version"})), "/pre/version");
}

TEST(Request, SuffixesAreCleanedAndNotChecked) {  // chapter 3.2
  EXPECT_EQ(TargetOf(TestClient().Make()->Get().Resource("pods").Name("p").Suffix({"a//b/../c/"})),
            "/api/v1/pods/p/a/c");
}

TEST(Request, RequestUriReplacesParameters) {  // C-3.7
  const auto rest = TestClient().Make();
  EXPECT_EQ(TargetOf(rest->Get().Param("z", "9").RequestURI("/x?b=2&a=1")), "/x?a=1&b=2");
  EXPECT_EQ(TargetOf(rest->Get().Param("z", "9").RequestURI("/x")), "/x");
  EXPECT_EQ(TargetOf(rest->Get().RequestURI("https://other:1/x/?a=1")), "/x/?a=1");
}

TEST(Request, ParametersAreSortedByKeyAlone) {  // C-3.8
  const auto rest = TestClient().Make();
  EXPECT_EQ(
      TargetOf(rest->Get().AbsPath({"/x"}).Param("b", "x=y,z w").Param("a", "1").Param("a", "2")),
      "/x?a=1&a=2&b=x%3Dy%2Cz+w");
}

TEST(Request, TheTimeoutIsAParameter) {  // C-3.9, C-3.10
  const auto rest = TestClient().Make();
  EXPECT_EQ(TargetOf(rest->Get().AbsPath({"/x"}).Param("timeout", "5s").Timeout(90s)),
            "/x?timeout=1m30s");
  EXPECT_EQ(TargetOf(rest->Get().AbsPath({"/x"}).Timeout(0s)), "/x");
  EXPECT_EQ(TargetOf(rest->Get().AbsPath({"/x"}).Timeout(100us)), "/x?timeout=100%C2%B5s");
  EXPECT_EQ(TargetOf(rest->Get().AbsPath({"/x"}).Timeout(90s), http::Mode::kWatch),
            "/x?timeout=1m30s");
}

TEST(Request, OptionsBecomeParametersUnlessTheyAreZero) {  // C-3.11, C-3.13
  const auto rest = TestClient().Make();
  const auto target = [&](const auto& options) {
    return TargetOf(rest->Get().AbsPath({"/x"}).VersionedParams(
        TypeOf<std::remove_cvref_t<decltype(options)>>(), &options));
  };
  EXPECT_EQ(target(metav1::ListOptions{}), "/x");
  EXPECT_EQ(target(metav1::ListOptions{.sendInitialEvents = false}), "/x?sendInitialEvents=false");
  EXPECT_EQ(target(metav1::ListOptions{.timeoutSeconds = 0, .limit = 5}),
            "/x?limit=5&timeoutSeconds=0");
  EXPECT_EQ(target(metav1::CreateOptions{.dryRun = {"All", "x"}, .fieldManager = "m"}),
            "/x?dryRun=All&dryRun=x&fieldManager=m");
  EXPECT_EQ(target(metav1::PatchOptions{.force = false}), "/x?force=false");
  EXPECT_EQ(target(metav1::PatchOptions{.force = true}), "/x?force=true");
  EXPECT_EQ(target(corev1::PodLogOptions{.follow = true, .tailLines = 0}),
            "/x?follow=true&tailLines=0");
}

// ---- bodies and content types ----

TEST(Request, AsksForProtobufWhenItPrefersIt) {  // C-3.14
  TestClient client;
  const auto accept = [&](bool protobuf) {
    auto request = client.Make()->Get();
    if (protobuf) request.UseProtobufAsDefault();
    return std::string(request.Build()->headers.Get("Accept"));
  };
  EXPECT_EQ(accept(true), "application/vnd.kubernetes.protobuf,application/json");
  EXPECT_EQ(accept(false), "application/json, */*");
  client.options.content.content_type = "application/json";
  EXPECT_EQ(accept(true), "application/json, */*");
}

TEST(Request, EncodesObjectsAsTheContentTypeSays) {  // C-3.12, C-3.15
  TestClient client;
  const metav1::DeleteOptions options;
  const TypeInfo& type = TypeOf<metav1::DeleteOptions>();
  const auto json = client.Make()->Delete().Body(type, &options, {"v1", "DeleteOptions"}).Build();
  ASSERT_TRUE(json);
  EXPECT_EQ(*json->body, "{\"kind\":\"DeleteOptions\",\"apiVersion\":\"v1\"}\n");
  EXPECT_EQ(json->headers.Get("Content-Type"), "application/json");
  EXPECT_EQ(json->url.query, "");
  const auto protobuf = client.Make()
                            ->Delete()
                            .UseProtobufAsDefault()
                            .Body(type, &options, {"v1", "DeleteOptions"})
                            .Build();
  EXPECT_THAT(*protobuf->body, StartsWith(std::string("k8s\0", 4)));
  EXPECT_EQ(protobuf->headers.Get("Content-Type"), kProtobuf);
  client.options.content.content_type = "application/strange";
  EXPECT_EQ(client.Make()->Post().Body(type, &options, {}).Build().error().message(),
            "no serializers registered for application/strange");
  EXPECT_EQ(client.Make()->Post().Body("raw").Build()->headers.Get("Content-Type"), "");
}

TEST(Request, AFileAsBodyIsReadBeforeAnythingIsSent) {  // C-3.17
  TestClient client;
  client.Answer(200, "{}");
  const auto host = std::make_shared<http::FakeHost>();
  host->files["/pod.json"] = "content";
  client.options.env.host = host;
  ASSERT_TRUE(client.Make()->Post().BodyFile("/pod.json").Do());
  EXPECT_EQ(*client.stub->requests.at(0).body, "content");
  EXPECT_FALSE(client.Make()->Post().BodyFile("/missing").Do());
  EXPECT_EQ(client.stub->requests.size(), 1u);
}

// ---- answers ----

TEST(Answer, FillsAnObjectOfItsKind) {
  TestClient client;
  client.Answer(200, R"({"kind":"Pod","apiVersion":"v1","metadata":{"name":"x"}})");
  client.Answer(200, R"({"metadata":{"name":"x"}})");  // what is missing is taken from the target
  for (int i = 0; i < 2; ++i) {
    corev1::Pod pod;
    const auto answer = PodGet(client).Do();
    ASSERT_TRUE(answer) << answer.error();
    const auto read = answer->Into(TypeOf<corev1::Pod>(), &pod);
    ASSERT_TRUE(read) << read.error();
    EXPECT_TRUE(*read);
    EXPECT_EQ(pod.metadata.name, "x");
  }
}

Result<bool> IntoPod(TestClient& client, bool protobuf = false, corev1::Pod* pod = nullptr) {
  corev1::Pod own;
  auto request = PodGet(client);
  if (protobuf) request.UseProtobufAsDefault();
  auto answer = request.Do();
  if (!answer) return answer.error();
  return answer->Into(TypeOf<corev1::Pod>(), pod != nullptr ? pod : &own);
}

TEST(Answer, AFailureStatusIsAnErrorEvenAt200) {  // C-3.24
  TestClient client;
  client.Answer(200, std::string(kFailureStatus));
  const auto read = IntoPod(client);
  ASSERT_FALSE(read);
  EXPECT_TRUE(IsAlreadyExists(read.error()));
  EXPECT_EQ(read.error().message(), "nope");
}

TEST(Answer, ASuccessStatusAndOtherKindsAreNoError) {  // C-3.25, chapter 3.7
  TestClient client;
  client.Answer(200, R"({"kind":"Status","apiVersion":"v1","status":"Success"})");
  client.Answer(200, R"({"kind":"Node","apiVersion":"v1"})");
  client.Answer(200, R"({"kind":"Foo","apiVersion":"example.com/v1"})");
  for (int i = 0; i < 2; ++i) {
    const auto read = IntoPod(client);
    ASSERT_TRUE(read) << read.error();
    EXPECT_FALSE(*read);
  }
  EXPECT_THAT(IntoPod(client).error().message(),
              StartsWith(R"(no kind "Foo" is registered for version "example.com/v1")"));
}

TEST(Answer, AnEmptyBodyIsAnErrorOnlyWhenItIsDecoded) {  // C-3.26
  TestClient client;
  client.Answer(200, "");
  EXPECT_TRUE(PodGet(client).Do());
  EXPECT_EQ(IntoPod(client).error().message(),
            "0-length response with status code: 200 and content type: application/json");
}

TEST(Answer, OfAnUnknownMediaTypeHasBytesButNoObject) {  // C-3.27
  TestClient client;
  client.Answer(200, "<p>", "text/html");
  EXPECT_EQ(PodGet(client).Do()->body, "<p>");
  EXPECT_EQ(IntoPod(client).error().message(), "serializer for text/html doesn't exist");
}

TEST(Answer, AContentTypeThatIsNoneIsAnInternalError) {  // C-3.28
  TestClient client;
  client.Answer(200, "{}", "a/b/c").Answer(404, "{}", "a/b/c");
  for (int i = 0; i < 2; ++i) {
    const auto answer = PodGet(client).Do();
    ASSERT_FALSE(answer);
    EXPECT_TRUE(IsInternalError(answer.error()));
    EXPECT_THAT(answer.error().message(), StartsWith("Internal error occurred: "));
  }
}

TEST(Answer, WithoutAContentTypeIsReadAsTheRequestWasWritten) {  // C-3.29
  TestClient client;
  client.Answer(200, R"({"kind":"Pod","apiVersion":"v1"})", "");
  EXPECT_TRUE(IntoPod(client));
  EXPECT_FALSE(IntoPod(client, true));
}

TEST(Answer, ProtobufIsAskedForAndJsonIsUnderstood) {  // C-3.15
  TestClient client;
  client.Answer(200, R"({"kind":"Pod","apiVersion":"v1","metadata":{"name":"x"}})");
  corev1::Pod pod;
  ASSERT_TRUE(IntoPod(client, true, &pod));
  EXPECT_EQ(pod.metadata.name, "x");
}

TEST(Answer, TellsCreatedFromOk) {  // C-3.36
  TestClient client;
  client.Answer(201, "{}").Answer(200, "{}");
  EXPECT_TRUE(client.Make()->Post().Resource("pods").Do()->WasCreated());
  EXPECT_FALSE(client.Make()->Post().Resource("pods").Do()->WasCreated());
}

TEST(Answer, MalformedJsonIsSaidToBe) {  // chapter 3.7
  TestClient client;
  client.Answer(200, "{bad");
  EXPECT_THAT(IntoPod(client).error().message(), StartsWith("couldn't get version/kind; json"));
}

// ---- errors ----

TEST(Request, AStatusInTheBodyReplacesTheGenericError) {  // C-3.19, C-3.23
  TestClient client;
  client.Answer(404, std::string(kFailureStatus));
  client.stub->Status(
      429, {{"Content-Type", "application/json"}, {"Retry-After", "7"}},
      R"({"kind":"Status","status":"Failure","reason":"TooManyRequests","code":429})");
  client.Answer(404, R"({"kind":"Status","apiVersion":"v1","status":"Success"})");
  const auto exists = PodGet(client).Do();
  EXPECT_TRUE(IsAlreadyExists(exists.error()));
  EXPECT_FALSE(IsNotFound(exists.error()));
  const auto busy = PodGet(client).Do();
  EXPECT_TRUE(IsTooManyRequests(busy.error()));
  EXPECT_EQ(SuggestsClientDelay(busy.error()), -1);  // the header is lost
  EXPECT_TRUE(IsNotFound(PodGet(client).Do().error()));
}

TEST(Request, AStatusInProtobufIsOneToo) {  // C-3.35
  const metav1::Status status{
      .status = "Failure", .message = "nope", .reason = "Expired", .code = 410};
  std::string bytes;
  EncodeProtobuf(TypeOf<metav1::Status>(), &status, {"v1", "Status"}, bytes);
  TestClient client;
  client.Answer(410, bytes, std::string(kProtobuf));
  const auto answer = PodGet(client).Do();
  ASSERT_FALSE(answer);
  EXPECT_TRUE(IsResourceExpired(answer.error()));
  EXPECT_FALSE(IsGone(answer.error()));  // C-3.22
}

TEST(Request, DoRawLeavesTheBodyToItsCaller) {  // C-3.30
  TestClient client;
  client.Answer(404, std::string(kFailureStatus)).Answer(200, "bytes", "a/b/c");
  std::string body;
  const auto raw = PodGet(client).DoRaw({}, &body);
  ASSERT_FALSE(raw);
  EXPECT_TRUE(IsNotFound(raw.error()));
  EXPECT_EQ(raw.error().message(), "the server could not find the requested resource (get pods p)");
  EXPECT_EQ(raw.error().status()->details->causes.at(0).message, "unknown");
  EXPECT_EQ(body, kFailureStatus);
  EXPECT_EQ(*PodGet(client).DoRaw(), "bytes");
}

TEST(Request, StreamsAnythingBelow300) {  // C-3.31
  TestClient client;
  client.Answer(206, "part").Answer(404, std::string(kFailureStatus));
  auto stream = PodGet(client).Stream();
  ASSERT_TRUE(stream) << stream.error();
  EXPECT_EQ(*stream->body->ReadAll(), "part");
  EXPECT_TRUE(IsAlreadyExists(PodGet(client).Stream().error()));
}

TEST(Request, AWatchWantsExactly200) {  // C-3.32, C-7.14
  TestClient client;
  client.Answer(204, "").Answer(
      410, R"({"kind":"Status","status":"Failure","reason":"Expired","code":410})");
  EXPECT_EQ(PodGet(client).Watch().error().message(),
            "for request http://h/api/v1/namespaces/n/pods/p, got status: 204");
  const auto gone = PodGet(client).Watch();
  EXPECT_TRUE(IsResourceExpired(gone.error()));
  EXPECT_EQ(client.stub->requests.size(), 2u);
}

TEST(Request, AWatchOpensWithoutAToken) {  // C-7.23
  TestClient client;
  client.Answer(200, "");
  const auto limiter = http::NewTokenBucket(0.001, 1);
  client.options.stack = http::BuildChain({.rate_limiter = limiter}, client.stub);
  ASSERT_TRUE(PodGet(client).Watch());
  EXPECT_TRUE(limiter->TryAccept());
}

TEST(Request, RedirectsThatReachItAreUnknownErrors) {  // C-3.37
  TestClient client;
  client.Answer(302, "").Answer(304, "");
  for (const char* code : {"302", "304"}) {
    const auto answer = PodGet(client).Do();
    ASSERT_FALSE(answer);
    EXPECT_EQ(ReasonForError(answer.error()), "");
    EXPECT_EQ(answer.error().message(), Cat("the server responded with the status code ", code,
                                            " but did not return more information (get pods p)"));
  }
}

TEST(Request, ABodyThatBreaksOffIsNotAskedForAgain) {  // C-3.34
  TestClient client;
  client.stub->Then([](const http::Request&, const Context&) -> Result<http::Response> {
    return http::Response{200,
                          {},
                          std::make_unique<PiecesBody>(
                              std::vector<std::string>{"{"},
                              Error::Transport(TransportCause::kTruncated, "unexpected EOF"))};
  });
  client.options.stack = http::BuildChain({}, client.stub);
  EXPECT_EQ(PodGet(client).Do().error().message(),
            "unexpected error when reading response body. Please retry. Original error: "
            "unexpected EOF");
  EXPECT_EQ(client.stub->requests.size(), 1u);
  EXPECT_EQ(PodGet(client).DoRaw().error().message(), "unexpected EOF");
}

// ---- warnings and metrics ----

TEST(Request, AnErrorAnswerCarriesTheAttempts) {
  TestClient client;
  client.options.stack = http::BuildChain({}, client.stub);
  client.stub->Status(429, {{"Retry-After", "0"}}).Status(404);
  const auto missing = PodGet(client).Do();
  ASSERT_FALSE(missing);
  ASSERT_EQ(missing.error().attempts().size(), 2u);
  EXPECT_EQ(missing.error().attempts()[0].cause, "429");
  EXPECT_TRUE(missing.error().nothing_done());
}

TEST(Request, HandsWarningsToTheHandlerInOrder) {  // C-3.33
  TestClient client;
  const http::Headers headers = {{"Content-Type", "application/json"},
                                 {"Warning", R"(299 - "a", 299 - "b")"},
                                 {"Warning", R"(199 - "x")"}};
  http::Headers text = headers;
  text.Set("Content-Type", "text/plain");
  client.stub->Status(200, headers, "{}").Status(404, headers, "{}").Status(200, headers, "");
  client.stub->Status(404, text, "");
  std::vector<std::string> seen;
  client.options.warning_handler = [&](const Warning& warning) { seen.push_back(warning.text); };
  const auto answer = PodGet(client).Do();
  EXPECT_EQ(answer->warnings.size(), 3u);
  EXPECT_THAT(seen, ElementsAre("a", "b", "x"));
  EXPECT_FALSE(PodGet(client).Do());
  EXPECT_EQ(seen.size(), 6u);
  EXPECT_TRUE(PodGet(client).Watch());
  EXPECT_EQ(seen.size(), 9u);
  EXPECT_FALSE(PodGet(client).Do());  // an error of an unknown media type warns nobody
  EXPECT_EQ(seen.size(), 9u);
}

TEST(Request, ReportsLatencyAndSizeOfWholeCalls) {  // chapter 4.8
  TestClient client;
  client.Answer(200, "12345").Answer(500, "123", "text/plain");
  std::vector<std::string> latencies;
  std::vector<double> sizes;
  http::metrics::ReplaceForTest(
      {.request_latency = [&](const std::string& verb, const std::string& url,
                              Duration) { latencies.push_back(Cat(verb, " ", url)); },
       .response_size =
           [&](const std::string&, const std::string& host, double bytes) {
             if (host == "h") sizes.push_back(bytes);
           }});
  EXPECT_TRUE(PodGet(client).Do());
  EXPECT_FALSE(PodGet(client).DoRaw());
  EXPECT_FALSE(PodGet(client).Name("again").Do());
  EXPECT_FALSE(PodGet(client).Watch());
  http::metrics::ReplaceForTest({});
  EXPECT_EQ(latencies.size(), 3u);
  EXPECT_EQ(latencies.front(), "GET http://h/api/v1/namespaces/{namespace}/pods/{name}");
  EXPECT_THAT(sizes, ElementsAre(5, 3));
}

}  // namespace
}  // namespace k8s::rest
