#include "k8s/machinery/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "k8s/base/strings.h"
#include "k8s/machinery/json_scanner.h"

namespace k8s {
namespace {

std::string RoundTrip(std::string_view text) { return ToJson(ParseJson(text).value()); }

std::string Failure(std::string_view text) {
  const auto value = ParseJson(text);
  return value ? "parsed" : value.error().message();
}

TEST(Json, DocumentsComeBackAsTheyWere) {
  for (const char* text :
       {"null", "true", "0", "-7", "9223372036854775807", "\"\"", "[]", "{}",
        "[1,[2],{\"a\":null}]", "{\"b\":1,\"a\":2}", "0.5", "\"\\n\\u0001\"", "9007199254740993"}) {
    EXPECT_EQ(RoundTrip(text), text);
  }
}

TEST(Json, TheLastOfDuplicateNamesWins) {  // C-9.3
  std::vector<std::string> duplicates;
  EXPECT_EQ(ToJson(ParseJson(R"({"a":{"x":1,"x":2},"l":[{"y":1,"y":1}]})", &duplicates).value()),
            R"({"a":{"x":2},"l":[{"y":1}]})");
  EXPECT_THAT(duplicates, testing::ElementsAre("a.x", "l[0].y"));
}

TEST(Json, GoEscapesWhatHtmlMindsAndLineSeparators) {  // C-9.5
  EXPECT_EQ(ToJson(Value("<a&b>")), "\"\\u003ca\\u0026b\\u003e\"");
  EXPECT_EQ(ToJson(Value("\xe2\x80\xa8")), "\"\\u2028\"");
  EXPECT_EQ(ToJson(Value("\xff")), "\"\\ufffd\"");
  EXPECT_EQ(ToJson(Value("€")), "\"€\"");
}

// Texts are looked at in pieces of 16 bytes, 8 and 1.
TEST(Json, EscapesAreFoundAtEveryPlaceOfEveryLength) {
  for (size_t length = 1; length <= 40; ++length) {
    for (size_t at = 0; at < length; ++at) {
      for (const auto& [byte, escaped] :
           {std::pair('"', R"(\")"), {'\\', R"(\\)"}, {'<', R"(\u003c)"}, {'\x1f', R"(\u001f)"}}) {
        std::string text(length, 'x'), expected = text;
        text[at] = byte;
        expected.replace(at, 1, escaped);
        ASSERT_EQ(ToJson(Value(text)), Cat("\"", expected, "\"")) << length << " " << at;
      }
    }
  }
}

TEST(Json, NumbersPrintAsInGo) {
  EXPECT_EQ(RoundTrip("1e3"), "1000");
  EXPECT_EQ(RoundTrip("1e21"), "1e+21");
  EXPECT_EQ(RoundTrip("1e-7"), "1e-7");
  EXPECT_EQ(RoundTrip("1.5"), "1.5");
}

TEST(Json, EscapesAreDecoded) {
  EXPECT_EQ(ParseJson(R"("\u20ac\ud83d\ude00\ud83d\/")").value().string(),
            "€\xf0\x9f\x98\x80\xef\xbf\xbd/");
}

TEST(Json, ErrorsSayTheByte) {
  EXPECT_EQ(Failure(""), "json: unexpected end of JSON input at byte 0");
  EXPECT_EQ(Failure("{\"a\":}"), "json: expected a number, found '}' at byte 5");
  EXPECT_EQ(Failure("[1,2"), "json: unexpected end of JSON input at byte 4");
  EXPECT_EQ(Failure("{} x"), "json: expected the end of the document, found 'x' at byte 3");
  EXPECT_EQ(Failure("01"), "json: expected the end of the document, found '1' at byte 1");
  EXPECT_EQ(Failure("{1:2}"), "json: expected a member name, found '1' at byte 1");
  EXPECT_EQ(Failure("\"a\nb\""), "json: control character in a string at byte 2");
}

TEST(Json, DepthIsBounded) {
  EXPECT_EQ(Failure(std::string(20000, '[')),
            "json: nested deeper than 10000 levels at byte 10001");
  const std::string deep = std::string(9000, '[') + std::string(9000, ']');
  EXPECT_EQ(RoundTrip(deep), deep);
}

TEST(JsonScanner, SkipsWhatParsesAndNothingElse) {
  const auto skipped = [](std::string_view text) -> std::string {
    JsonScanner scanner(text);
    std::string_view value;
    return scanner.Skip(scanner.begin(), value) != nullptr ? std::string(value)
                                                           : scanner.error().message();
  };
  // More levels than the bits of a word, of both kinds.
  std::string deep = "1";
  for (int i = 0; i < 200; ++i)
    deep = i % 3 == 0 ? Cat("[", deep, "]") : Cat(R"({"a":{},"b":)", deep, "}");
  EXPECT_EQ(skipped(deep + ",2"), deep);
  // Shut by the wrong bracket, beyond the bits of a word.
  std::string wrong = deep.substr(0, deep.size() - 99);
  wrong.back() = wrong.back() == '}' ? ']' : '}';
  EXPECT_THAT(skipped(wrong), testing::StartsWith("json: expected ',' or "));
  EXPECT_EQ(skipped(R"({"a":{},"b":{},})"), "json: expected a string, found '}' at byte 15");
  EXPECT_EQ(skipped(R"({"a":{},)"), "json: unexpected end of JSON input at byte 8");
  // A member that is an empty object counts as a level, too.
  const auto nested = [](size_t levels) {
    std::string text;
    for (size_t i = 0; i + 1 < levels; ++i) text += R"({"a":)";
    text += R"({"a":{},"b":1})";
    return text + std::string(levels - 1, '}');
  };
  EXPECT_EQ(skipped(nested(kMaxJsonDepth - 1)), nested(kMaxJsonDepth - 1));
  EXPECT_THAT(skipped(nested(kMaxJsonDepth)), testing::HasSubstr("nested deeper than 10000"));
}

TEST(Value, LargeObjectsFindTheirMembers) {
  Value value;
  for (int i = 0; i < 1000; ++i) value["key" + std::to_string(i)] = i;
  EXPECT_EQ(value.Find("key777")->integer(), 777);
  EXPECT_TRUE(value.Remove("key500"));
  EXPECT_EQ(value.Find("key500"), nullptr);
  EXPECT_EQ(value.Find("key501")->integer(), 501);
}

TEST(Value, ObjectsCompareWithoutOrder) {
  EXPECT_EQ(ParseJson(R"({"a":1,"b":[2.0]})").value(), ParseJson(R"({"b":[2],"a":1})").value());
  EXPECT_FALSE(ParseJson(R"({"a":1})").value() == ParseJson(R"({"a":null})").value());
}

TEST(Value, AssigningAPartOfItselfIsFine) {
  Value value = Value::MakeObject({{"a", Value::MakeObject({{"b", 1}})}});
  value = Value(*value.Find("a"));
  EXPECT_EQ(ToJson(value), R"({"b":1})");
  value = std::move(*value.Find("b"));
  EXPECT_EQ(ToJson(value), "1");
}

}  // namespace
}  // namespace k8s
