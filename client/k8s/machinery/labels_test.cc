#include "k8s/machinery/labels.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace k8s::labels {
namespace {

TEST(Labels, PrintWhatWasParsedSortedByKeyAndValue) {  // C-9.17
  EXPECT_EQ(Selector::Parse("b in (z,a), a=1").value().String(), "a=1,b in (a,z)");
  EXPECT_EQ(Selector::Parse(" !x , y notin (,a),z>3").value().String(), "!x,y notin (,a),z>3");
}

TEST(Labels, NegativeOperatorsMatchObjectsWithoutTheKey) {
  const Set none, other{{"a", "2"}}, same{{"a", "1"}};
  for (const char* text : {"a!=1", "a notin (1)", "a notin (1,3)"}) {
    const Selector selector = Selector::Parse(text).value();
    EXPECT_TRUE(selector.Matches(none)) << text;
    EXPECT_TRUE(selector.Matches(other)) << text;
    EXPECT_FALSE(selector.Matches(same)) << text;
  }
}

TEST(Labels, ComparesIntegersOnly) {
  const Selector selector = Selector::Parse("n>5").value();
  EXPECT_TRUE(selector.Matches({{"n", "6"}}));
  EXPECT_FALSE(selector.Matches({{"n", "5"}}));
  EXPECT_FALSE(selector.Matches({{"n", "x"}}));
  EXPECT_FALSE(selector.Matches({}));
}

TEST(Labels, KeywordsAreKeysWhereAKeyMayStand) {
  EXPECT_TRUE(Selector::Parse("in").value().Matches({{"in", ""}}));
  EXPECT_TRUE(Selector::Parse("x in ()").value().Matches({{"x", ""}}));
  EXPECT_TRUE(Selector::Parse("x=").value().Matches({{"x", ""}}));
}

TEST(Labels, RefuseWhatTheyDoNotUnderstand) {
  const std::pair<const char*, const char*> cases[] = {
      {"a in b", "unable to parse requirement: found 'b' expected: '('"},
      {"a in (b", "unable to parse requirement: found '', expected: ',' or ')'"},
      {"a,", "found '', expected: identifier after ','"},
      {",a", "found ',', expected: !, identifier, or 'end of string'"},
      {"a=b c", "found 'c', expected: ',' or 'end of string'"},
      {"a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"},
      {"!in", "unable to parse requirement: found 'in', expected: identifier"},
      {"k>x",
       "unable to parse requirement: values[0]: Invalid value: \"x\": for 'Gt', 'Lt' operators, "
       "the value must be an integer"},
  };
  for (const auto& [text, message] : cases) {
    const auto selector = Selector::Parse(text);
    ASSERT_FALSE(selector) << text;
    EXPECT_EQ(selector.error().message(), message);
  }
}

TEST(Labels, OfAStructSelectNothingWhenAbsentAndAllWhenEmpty) {
  EXPECT_FALSE(Selector::FromValue(nullptr).value().Matches({}));
  const Value empty = Value::MakeObject();
  EXPECT_TRUE(Selector::FromValue(&empty).value().Matches({{"a", "b"}}));
}

}  // namespace
}  // namespace k8s::labels
