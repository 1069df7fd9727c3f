#include "k8s/rest/content.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "k8s/api/corev1.h"

namespace k8s::rest {
namespace {

TEST(Content, FollowsTheTableOfContentTypes) {  // chapter 3.5, C-3.14
  struct Row {
    const char *content_type, *accept;
    bool protobuf;
    const char *sent_accept, *sent_type;
  };
  const std::string protobuf(kProtobuf);
  const Row rows[] = {
      {"", "", false, "application/json, */*", "application/json"},
      {"", "", true, "application/vnd.kubernetes.protobuf,application/json",
       "application/vnd.kubernetes.protobuf"},
      {"application/json", "", true, "application/json, */*", "application/json"},
      {"application/vnd.kubernetes.protobuf", "", false, "application/vnd.kubernetes.protobuf, */*",
       "application/vnd.kubernetes.protobuf"},
      {"x/y", "a/b", true, "a/b", "x/y"},
      {"", "a/b", true, "a/b", "application/json"}};
  for (const Row& row : rows) {
    const ContentConfig config{.accept_content_types = row.accept,
                               .content_type = row.content_type};
    EXPECT_EQ(AcceptFor(config, row.protobuf), row.sent_accept);
    EXPECT_EQ(ContentTypeFor(config, row.protobuf), row.sent_type);
  }
}

TEST(Content, CborCountsAsJson) {  // C-3.16
  const ContentConfig config{.content_type = "application/cbor"};
  EXPECT_EQ(ContentTypeFor(config, true), "application/json");
  EXPECT_EQ(AcceptFor(config, true), "application/json, */*");
  EXPECT_EQ(AcceptFor({.accept_content_types = "application/cbor;q=0.9,x/y"}, false),
            "application/json;q=0.9,x/y");
}

TEST(Content, CodecsAreFoundWhateverTheParameters) {
  EXPECT_EQ(FindCodec("application/json; charset=utf-8")->media_type, kJson);
  EXPECT_EQ(FindCodec("Application/JSON")->media_type, kJson);
  EXPECT_EQ(FindCodec("application/vnd.kubernetes.protobuf;stream=watch")->media_type, kProtobuf);
  EXPECT_EQ(FindCodec("text/html"), nullptr);
  EXPECT_EQ(FindCodec(""), nullptr);
}

TEST(Content, MediaTypesAreChecked) {  // C-3.28
  EXPECT_EQ(*ParseMediaType("Application/JSON;x=y"), "application/json");
  for (const char* bad : {"", "a/b/c", "a/", "/b", "a b/c", "a/b c"}) {
    EXPECT_FALSE(ParseMediaType(bad)) << bad;
  }
}

TEST(Content, YamlIsRead) {  // chapter 9.1
  corev1::Pod pod;
  TypeMeta meta;
  const Codec* codec = FindCodec(kYaml);
  ASSERT_TRUE(codec->decode("kind: Pod\napiVersion: v1\nmetadata: {name: x}\n",
                            TypeOf<corev1::Pod>(), &pod, &meta));
  EXPECT_EQ(pod.metadata.name, "x");
  EXPECT_EQ(meta, (TypeMeta{"v1", "Pod"}));
  EXPECT_EQ(codec->peek("kind: Pod\n")->kind, "Pod");
  EXPECT_FALSE(codec->decode("a: 1\n---\nb: 2\n", TypeOf<corev1::Pod>(), &pod, &meta));
}

}  // namespace
}  // namespace k8s::rest
