#include "k8s/http/headers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace k8s::http {
namespace {

using testing::ElementsAre;

TEST(Headers, CompareNamesWithoutCaseAndKeepTheOrder) {
  Headers headers{{"A", "1"}, {"b", "2"}, {"a", "3"}};
  EXPECT_EQ(headers.Get("a"), "1");
  EXPECT_THAT(headers.Values("A"), ElementsAre("1", "3"));
  EXPECT_TRUE(headers.Has("B"));
  EXPECT_EQ(headers.Get("none"), "");
}

TEST(Headers, SetReplacesEveryValueInItsPlace) {
  Headers headers{{"A", "1"}, {"b", "2"}, {"a", "3"}, {"c", "4"}};
  headers.Set("a", "5");
  EXPECT_THAT(headers.Values("A"), ElementsAre("5"));
  EXPECT_EQ(headers.size(), 3u);
  EXPECT_EQ(headers.begin()->second, "5");
  headers.Remove("A");
  EXPECT_FALSE(headers.Has("a"));
  EXPECT_EQ(headers.size(), 2u);
}

TEST(Headers, AreSpelledAsGoSpellsThem) {
  EXPECT_EQ(CanonicalName("x-of-a-CALLER"), "X-Of-A-Caller");
  EXPECT_EQ(CanonicalName("ETag"), "Etag");
  EXPECT_EQ(CanonicalName("Content-Type"), "Content-Type");
  EXPECT_EQ(CanonicalName("no name"), "no name");
  EXPECT_EQ(CanonicalName(""), "");
}

}  // namespace
}  // namespace k8s::http
