#include "k8s/machinery/fields.h"

#include <gtest/gtest.h>

namespace k8s::fields {
namespace {

TEST(Fields, EscapeWhatWouldEndAValue) {  // C-9.18
  EXPECT_EQ(Selector({{"a", "a,b=c\\d", true}}).String(), "a=a\\,b\\=c\\\\d");
  EXPECT_EQ(Selector::Parse("a=a\\,b\\=c\\\\d").value().terms().front().value, "a,b=c\\d");
}

TEST(Fields, AnAbsentFieldIsTheEmptyText) {
  EXPECT_TRUE(Selector::Parse("spec.nodeName=").value().Matches({}));
  EXPECT_FALSE(Selector::Parse("spec.nodeName!=").value().Matches({}));
  EXPECT_TRUE(Selector::Parse("spec.nodeName!=").value().Matches({{"spec.nodeName", "n"}}));
}

TEST(Fields, AskForTheValuesThatTheyName) {
  const auto selector = Selector::Parse("a=1,b!=2").value();
  const auto with = [&](std::string_view b) {
    return selector.MatchesValues([&](std::string_view field) { return field == "a" ? "1" : b; });
  };
  EXPECT_TRUE(with("3"));
  EXPECT_FALSE(with("2"));
}

TEST(Fields, RefuseWhatTheyDoNotUnderstand) {
  EXPECT_EQ(Selector::Parse("x").error().message(), "invalid selector: 'x'; can't understand 'x'");
  EXPECT_EQ(Selector::Parse("k=a=b").error().message(),
            "invalid field selector: unescaped character in value: 61");
  EXPECT_EQ(Selector::Parse("k=\\q").error().message(),
            "invalid field selector: invalid escape sequence: \\q");
  EXPECT_EQ(Selector::Parse("a=b,").value().String(), "a=b");
}

}  // namespace
}  // namespace k8s::fields
