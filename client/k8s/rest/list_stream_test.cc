#include "k8s/rest/list_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "k8s/api/corev1.h"
#include "k8s/base/strings.h"
#include "k8s/machinery/json_extent.h"
#include "k8s/machinery/protobuf_codec.h"
#include "k8s/machinery/random_object.h"
#include "k8s/rest/client_for_test.h"
#include "k8s/rest/content.h"

namespace k8s::rest {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

std::string JsonOf(const corev1::Service& service) {
  std::string json;
  EncodeJson(TypeOf<corev1::Service>(), &service, {}, json);
  return json;
}

// Keeps the items as JSON, and says that it has enough after so many.
class Kept final : public ItemSink {
 public:
  explicit Kept(size_t enough = 1000) : enough_(enough) {}
  const TypeInfo& type() const override { return TypeOf<corev1::Service>(); }
  void* Fresh() override {
    object_ = {};
    return &object_;
  }
  bool Take(const TypeMeta& list) override {
    kinds.push_back(list.kind);
    items.push_back(JsonOf(object_));
    return items.size() < enough_;
  }
  std::vector<std::string> items;
  std::vector<std::string> kinds;

 private:
  size_t enough_;
  corev1::Service object_;
};

struct Outcome {
  std::vector<std::string> items{};
  std::string revision{};
  std::optional<Error> error{};
  bool another_kind = false;
};

using Send = std::function<Result<Answer>(Request&)>;

Outcome ReadBy(const Send& send, Kept& sink, std::vector<std::string> pieces,
               std::string_view media_type, std::optional<Error> end, corev1::ServiceList& list) {
  TestClient client;
  client.stub->Then([&](const http::Request&, const Context&) -> Result<http::Response> {
    http::Headers headers;
    headers.Set("Content-Type", std::string(media_type));
    return http::Response{200, headers, std::make_unique<PiecesBody>(std::move(pieces), end)};
  });
  Request request = client.Make()->Get();
  request.Resource("services");
  const auto read = send(request).and_then(
      [&](const Answer& answer) { return answer.Into(TypeOf<corev1::ServiceList>(), &list); });
  Outcome outcome{.items = sink.items, .revision = list.metadata.resourceVersion};
  if (!read) outcome.error = read.error();
  outcome.another_kind = read && !*read;
  return outcome;
}

Outcome Read(std::vector<std::string> pieces, std::string_view media_type = kJson,
             std::optional<Error> end = {}, size_t enough = 1000) {
  Kept sink(enough);
  corev1::ServiceList list;
  const auto send = [&](Request& request) {
    return request.DoList(TypeOf<corev1::ServiceList>(), sink, ListUse::kEach);
  };
  Outcome outcome = ReadBy(send, sink, std::move(pieces), media_type, std::move(end), list);
  if (!outcome.error && !outcome.another_kind) {
    EXPECT_THAT(list.items, IsEmpty());
  }
  return outcome;
}

corev1::ServiceList Sample(int count) {
  corev1::ServiceList list;
  list.metadata.resourceVersion = "42";
  const auto random = SeededRandom(7);
  for (int i = 0; i < count; ++i) {
    FillRandom(TypeOf<corev1::Service>(), &list.items.emplace_back(), *random, 2);
  }
  return list;
}

std::string Encoded(const corev1::ServiceList& list, std::string_view media_type) {
  std::string bytes;
  FindCodec(media_type)->encode(TypeOf<corev1::ServiceList>(), &list, {"v1", "ServiceList"}, bytes);
  return bytes;
}

std::vector<std::string> JsonOf(const corev1::ServiceList& list) {
  std::vector<std::string> items;
  for (const corev1::Service& service : list.items) items.push_back(JsonOf(service));
  return items;
}

class ListStreamOf : public testing::TestWithParam<std::string_view> {};
INSTANTIATE_TEST_SUITE_P(Of, ListStreamOf, testing::Values(kJson, kProtobuf),
                         [](const auto& info) { return info.index == 0 ? "Json" : "Protobuf"; });

TEST_P(ListStreamOf, GivesWhatListGivesHoweverTheBytesCome) {
  const corev1::ServiceList list = Sample(3);
  const std::string bytes = Encoded(list, GetParam());
  for (size_t at = 0; at <= bytes.size(); ++at) {
    std::vector<std::string> pieces = {bytes.substr(0, at), bytes.substr(at)};
    std::erase(pieces, "");
    const Outcome outcome = Read(pieces, GetParam());
    ASSERT_FALSE(outcome.error) << *outcome.error << " cut at " << at;
    ASSERT_EQ(outcome.items, JsonOf(list)) << "cut at " << at;
    ASSERT_EQ(outcome.revision, "42") << "cut at " << at;
  }
  std::vector<std::string> single;
  for (const char c : bytes) single.emplace_back(1, c);
  EXPECT_EQ(Read(single, GetParam()).items, JsonOf(list));
}

TEST_P(ListStreamOf, ABodyThatIsCutIsAnErrorThatCountsTheItems) {
  const corev1::ServiceList list = Sample(3);
  const std::string bytes = Encoded(list, GetParam());
  const Error reset = Error::Transport(TransportCause::kReset, "connection reset by peer");
  for (size_t at = 0; at < bytes.size(); ++at) {
    const std::vector<std::string> pieces = {bytes.substr(0, at)};
    const Outcome broken = Read(at == 0 ? std::vector<std::string>() : pieces, GetParam(), reset);
    ASSERT_TRUE(broken.error) << "cut at " << at;
    ASSERT_EQ(broken.error->code(), Error::Code::kTransport);
    ASSERT_THAT(broken.error->message(),
                HasSubstr(Cat("connection reset by peer (after ",
                              std::to_string(broken.items.size()), " items)")));
    // Ended as if all were well; only the line end of JSON may be missing.
    if (at + 1 == bytes.size() && GetParam() == kJson) continue;
    const Outcome ended = Read(at == 0 ? std::vector<std::string>() : pieces, GetParam());
    if (!ended.error) {
      // Between two members of the envelope the end is in order, to protobuf and so to List.
      corev1::ServiceList rest;
      ASSERT_EQ(GetParam(), kProtobuf) << "cut at " << at;
      ASSERT_TRUE(DecodeProtobuf(pieces[0], TypeOf<corev1::ServiceList>(), &rest));
      ASSERT_EQ(ended.items, JsonOf(rest)) << "cut at " << at;
      continue;
    }
    ASSERT_EQ(ended.items, broken.items);
    if (ended.error->code() == Error::Code::kTransport) {
      ASSERT_THAT(ended.error->message(),
                  HasSubstr(Cat("(after ", std::to_string(ended.items.size()), " items)")));
    } else {
      ASSERT_EQ(ended.error->code(), Error::Code::kDecode) << "cut at " << at;
    }
  }
}

// The body that is read first and then decoded, and the one that is decoded while it arrives.
void ExpectTheSameOutcome(const std::vector<std::string>& pieces, std::string_view media_type,
                          const std::optional<Error>& end, const std::string& what) {
  Kept sink, unused;
  corev1::ServiceList whole, expected;
  const Outcome outcome = ReadBy(
      [&](Request& request) {
        return request.DoList(TypeOf<corev1::ServiceList>(), sink, ListUse::kWhole);
      },
      sink, pieces, media_type, end, whole);
  const Outcome wanted = ReadBy([](Request& request) { return request.Do(); }, unused, pieces,
                                media_type, end, expected);
  ASSERT_EQ(outcome.error.has_value(), wanted.error.has_value())
      << what << ": " << (outcome.error ? *outcome.error : *wanted.error);
  ASSERT_EQ(outcome.another_kind, wanted.another_kind) << what;
  if (wanted.another_kind) return;
  if (wanted.error) {
    ASSERT_EQ(outcome.error->code(), wanted.error->code()) << what << ": " << *outcome.error;
    if (end) {
      ASSERT_EQ(outcome.error->message(), wanted.error->message()) << what;
    }
    return;
  }
  ASSERT_EQ(outcome.revision, wanted.revision) << what;
  ASSERT_EQ(whole.items.empty() ? outcome.items : JsonOf(whole), JsonOf(expected)) << what;
}

TEST_P(ListStreamOf, AWholeListIsJudgedAsABodyThatIsReadFirst) {
  const std::string bytes = Encoded(Sample(3), GetParam());
  const Error reset = Error::Transport(TransportCause::kReset, "connection reset by peer");
  for (size_t at = 1; at <= bytes.size(); ++at) {
    const std::string cut = Cat("cut at ", std::to_string(at));
    const std::vector<std::string> pieces = {bytes.substr(0, at)};
    ExpectTheSameOutcome(pieces, GetParam(), std::nullopt, cut);
    ExpectTheSameOutcome(pieces, GetParam(), reset, Cat(cut, " by a reset"));
    std::string wrong = bytes;
    wrong[at - 1] = static_cast<char>(wrong[at - 1] ^ 0x24);
    ExpectTheSameOutcome({wrong}, GetParam(), std::nullopt, Cat("wrong at ", std::to_string(at)));
    ExpectTheSameOutcome({wrong}, GetParam(), reset, Cat("wrong and ", cut));
    if (HasFatalFailure()) return;
  }
}

TEST(ListStream, AWholeListThatIsOddIsJudgedAsABodyThatIsReadFirst) {
  const std::string_view bad = R"({"metadata":{"name":7}})";
  const std::string documents[] = {
      std::string(kFailureStatus),
      R"({"kind":"Status","apiVersion":"v1","status":"Success"})",
      R"({"kind":"PodList","apiVersion":"v1","items":[{}]})",
      R"({"items":[{}],"kind":"PodList","apiVersion":"v1"})",
      Cat(R"({"items":[{},)", bad, R"(],"kind":"PodList","apiVersion":"v1"})"),
      Cat(R"({"items":[{},)", bad, R"(],"kind":"ServiceList","apiVersion":"v1"})"),
      Cat(R"({"items":[{},)", bad, R"(],"kind":"Nothing","apiVersion":"v1"})"),
      R"({"items":[{} {}]})",
      R"({"items":[{}],"items":[{"metadata":{"name":"last"}},{}]})",
      R"({"items":[null,{}]})",
      R"({"items":null,"metadata":{"resourceVersion":"7"}})",
      R"({"items":{}})",
      R"({"items":[{}]} trailing)",
      R"([{"items":[]}])",
      "<html>",
      "",
  };
  for (const std::string& document : documents) {
    const std::vector<std::string> pieces =
        document.empty() ? std::vector<std::string>() : std::vector<std::string>{document};
    for (const std::string_view media_type : {kJson, kYaml, std::string_view("text/html")}) {
      ExpectTheSameOutcome(pieces, media_type, std::nullopt, document);
    }
  }
  const std::string long_name(kMaxListPartBytes + 1, 'x');
  ExpectTheSameOutcome({Cat(R"({"items":[{"metadata":{"name":")", long_name, R"("}}]})")}, kJson,
                       std::nullopt, "a long item");
}

TEST_P(ListStreamOf, StopsWhenTheCallerHasEnough) {
  const Outcome outcome = Read({Encoded(Sample(3), GetParam())}, GetParam(), {}, 2);
  EXPECT_FALSE(outcome.error);
  EXPECT_EQ(outcome.items.size(), 2u);
  EXPECT_EQ(outcome.revision, "42");
}

TEST_P(ListStreamOf, AnEmptyListIsOne) {
  const Outcome outcome = Read({Encoded(Sample(0), GetParam())}, GetParam());
  EXPECT_FALSE(outcome.error);
  EXPECT_THAT(outcome.items, IsEmpty());
  EXPECT_EQ(outcome.revision, "42");
}

TEST(ListStream, TheMetadataMayStandBehindTheItems) {
  const Outcome json = Read({R"({"items" : [ {"metadata":{"name":"a"}} , {} ] ,)"
                             R"( "metadata":{"resourceVersion":"9"},"kind":"ServiceList"} )"});
  EXPECT_FALSE(json.error);
  EXPECT_EQ(json.items.size(), 2u);
  EXPECT_EQ(json.revision, "9");

  std::string raw, part;
  const corev1::Service service{.metadata = {.name = "a"}};
  EncodeProtobufMessage(TypeOf<corev1::Service>(), &service, part);
  raw += Cat("\x12", std::string(1, static_cast<char>(part.size())), part);
  raw += std::string(
      "\x0a\x03\x12\x01"
      "9",
      5);
  const std::string whole =
      Cat(std::string("k8s\0\x12", 5), std::string(1, static_cast<char>(raw.size())), raw);
  const Outcome protobuf = Read({whole}, kProtobuf);
  EXPECT_FALSE(protobuf.error) << *protobuf.error;
  EXPECT_THAT(protobuf.items, ElementsAre(JsonOf(service)));
  EXPECT_EQ(protobuf.revision, "9");
}

TEST(ListStream, WhatIsNoListOfThatKindIsJudgedAsByList) {
  const Outcome failure = Read({std::string(kFailureStatus)});
  ASSERT_TRUE(failure.error);
  EXPECT_EQ(failure.error->message(), "nope");
  EXPECT_TRUE(Read({R"({"kind":"Status","apiVersion":"v1","status":"Success"})"}).another_kind);
  const Outcome pods = Read({R"({"kind":"PodList","apiVersion":"v1","items":[{}]})"});
  EXPECT_TRUE(pods.another_kind);
  EXPECT_THAT(pods.items, IsEmpty());
  EXPECT_THAT(Read({"<html>"}).error->message(), StartsWith("couldn't get version/kind; "));
  EXPECT_THAT(Read({}).error->message(), StartsWith("0-length response with status code: 200"));
  EXPECT_EQ(Read({"x"}, "text/html").error->message(), "serializer for text/html doesn't exist");
  EXPECT_THAT(Read({"x"}, kYaml).error->message(), HasSubstr("use List"));
}

TEST(ListStream, AnItemThatCannotBeReadIsNamed) {
  const Outcome outcome =
      Read({R"({"kind":"ServiceList","items":[{},{"metadata":{"name":7}},{}]})"});
  EXPECT_EQ(outcome.items.size(), 1u);
  EXPECT_THAT(outcome.error->message(), StartsWith("item 1: json: "));
  EXPECT_THAT(outcome.error->message(), HasSubstr("metadata.name"));
  EXPECT_THAT(Read({R"({"items":[{} {}]})"}).error->message(), HasSubstr("expected ',' or ']'"));
}

TEST(ListStream, WhatNeverEndsIsRefusedAtTheLimit) {
  const std::string blank(size_t{1} << 20, 'x');
  std::vector<std::string> pieces = {R"({"items":[{"metadata":{"name":")"};
  pieces.insert(pieces.end(), 18, blank);
  EXPECT_THAT(Read(pieces).error->message(),
              HasSubstr(Cat("longer than ", std::to_string(kMaxListPartBytes))));
  pieces[0] = R"({"metadata":")";
  EXPECT_THAT(Read(pieces).error->message(),
              HasSubstr(Cat("longer than ", std::to_string(kMaxListPartBytes))));
}

TEST(JsonExtent, FindsTheEndOfEveryFormOfValue) {
  for (const std::string_view value :
       {R"({"a":"}\"","b":[{}]})", "[]", R"("a\\\"b")", "null", "-1.5e3"}) {
    JsonExtent extent;
    const std::string text = Cat(value, ",");
    for (size_t size = 1; size < value.size(); ++size) {
      ASSERT_EQ(extent.End(std::string_view(text).substr(0, size)), JsonExtent::kNotYet) << value;
    }
    EXPECT_EQ(extent.End(text), value.size()) << value;
  }
}

}  // namespace
}  // namespace k8s::rest
