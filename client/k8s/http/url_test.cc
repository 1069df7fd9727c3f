#include "k8s/http/url.h"

#include <gtest/gtest.h>

namespace k8s::http {
namespace {

TEST(Url, SplitsItsPartsAndPutsThemTogether) {
  const auto url = Url::Parse("HTTPS://u:p@h.example:6443/pre/fix?a=b&c#part").value();
  EXPECT_EQ(url.scheme, "https");
  EXPECT_EQ(url.user_info, "u:p");
  EXPECT_EQ(url.host, "h.example");
  EXPECT_EQ(url.port, "6443");
  EXPECT_EQ(url.path, "/pre/fix");
  EXPECT_EQ(url.query, "a=b&c");
  EXPECT_EQ(url.Target(), "/pre/fix?a=b&c");
  EXPECT_EQ(url.String(), "https://h.example:6443/pre/fix?a=b&c");
}

TEST(Url, KnowsAddressesOfVersionSix) {
  const auto url = Url::Parse("https://[::1]:6443").value();
  EXPECT_EQ(url.host, "::1");
  EXPECT_EQ(url.Authority(), "[::1]:6443");
  EXPECT_EQ(url.Target(), "/");
  EXPECT_EQ(Url::Parse("http://[::1]").value().PortOrDefault(), "80");
  EXPECT_EQ(Url::Parse("https://h").value().PortOrDefault(), "443");
}

TEST(Url, ReadsAPortWithoutASchemeAsGoDoes) {
  // Chapter 1.2: these take the path on which the client puts a scheme in front.
  const auto local = Url::Parse("localhost:8080").value();
  EXPECT_EQ(local.scheme, "localhost");
  EXPECT_EQ(local.host, "");
  EXPECT_FALSE(Url::Parse("10.0.0.1:6443"));
  EXPECT_FALSE(Url::Parse("[::1]:6443"));
  EXPECT_EQ(Url::Parse("h").value().host, "");
}

TEST(Url, KeepsPasswordsOutOfTexts) {
  EXPECT_EQ(WithoutUserInfo("https://u:p@h:1/a@b"), "https://h:1/a@b");
  EXPECT_EQ(WithoutUserInfo("u:p@h:1/x"), "h:1/x");
  EXPECT_EQ(WithoutUserInfo("https://h/a@b"), "https://h/a@b");
  EXPECT_EQ(Url::Parse("https://u:s3cret@h:port").error().message(),
            "parse \"https://h:port\": invalid port \":port\" after host");
}

TEST(Url, RefusesWhatNoUrlHolds) {
  for (const char* bad : {"http://[::1", "http://h:port/", "http://h h/", "http://h/%zz",
                          "http://h/\n", "://h", "http://h/%4"}) {
    EXPECT_FALSE(Url::Parse(bad)) << bad;
  }
}

TEST(Url, EscapesPathsAsGoDoes) {  // C-3.3
  EXPECT_EQ(EscapePath("a b"), "a%20b");
  EXPECT_EQ(EscapePath("az09$&+,;=:@~-_./"), "az09$&+,;=:@~-_./");
  EXPECT_EQ(EscapePath("!*'()\xc3\xa4"), "%21%2A%27%28%29%C3%A4");
  EXPECT_EQ(Url::Parse("http://h/a b").value().path, "/a%20b");
  EXPECT_EQ(Url::Parse("http://h/a%2Fb").value().path, "/a%2Fb");
  EXPECT_EQ(UnescapePath("a%2Fb+c").value(), "a/b+c");
}

TEST(Query, SortsKeysAndKeepsTheOrderOfValues) {  // C-3.8
  Query query;
  query.Add("b", "x=y,z w");
  query.Add("a", "1");
  query.Add("a", "2");
  EXPECT_EQ(query.Encode(), "a=1&a=2&b=x%3Dy%2Cz+w");
  query.Set("a", "~-_.*:/");
  EXPECT_EQ(query.Encode(), "a=~-_.%2A%3A%2F&b=x%3Dy%2Cz+w");
}

TEST(Query, ReadsWhatIsReadable) {
  const Query query = Query::Parse("a=1&b&%zz=2&c=x+y%26&d=%z&a=3;4");
  EXPECT_EQ(query.Encode(), "a=1&b=&c=x+y%26");
  EXPECT_EQ(*query.Get("c"), "x y&");
  EXPECT_FALSE(query.Has("d"));
}

TEST(Path, IsCleanedAsGoDoes) {
  EXPECT_EQ(CleanPath("a//b/../c/"), "/a/c");
  EXPECT_EQ(CleanPath(""), "/");
  EXPECT_EQ(CleanPath("/../a/./b"), "/a/b");
}

}  // namespace
}  // namespace k8s::http
