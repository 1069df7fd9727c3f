#include "k8s/machinery/yaml.h"

#include <gtest/gtest.h>

#include "k8s/machinery/json.h"

namespace k8s {
namespace {

std::string AsJson(const char* text) {
  auto value = ParseYamlDocument(text);
  return value ? ToJson(*value) : "error: " + value.error().message();
}

TEST(Yaml, ResolvesPlainScalarsAsKubectlDoes) {
  EXPECT_EQ(AsJson("[on, yes, NO, true, y, n]"), R"([true,true,false,true,true,false])");
  EXPECT_EQ(AsJson("['yes', \"on\", !!str 123, '1']"), R"(["yes","on","123","1"])");
  EXPECT_EQ(AsJson("[0777, 012, 0o17, 1_000, 1e3, 0x1f, -5, .5, 1.0.0]"),
            R"([511,10,15,1000,1000,31,-5,0.5,"1.0.0"])");
  EXPECT_EQ(AsJson("[null, ~, '', Null]"), R"([null,null,"",null])");
  EXPECT_EQ(AsJson("{1: a, true: b}"), R"({"1":"a","true":"b"})");
}

// JSON is read by a shorter way, which a comment in front of it bars.
TEST(Yaml, ReadsJsonAsItReadsYaml) {
  for (const std::string text :
       {R"({"a":{"b":[1,-2,true,null,"yes"],"<<":{"c":""}},"":[],"d":{}})", R"({"a":1.5,"b":1e3})",
        R"({"a":"tab\tand \u00e4"})", R"({"a":1,"a":2})", R"({"a":12345678901234567890})",
        R"({"a":-0})", R"({"a": "x # y: z", "b" : 1})",
        R"({"a":"\"\\\/\b\f\n\r\t\u003c\ud7ff\uE000 ' \u0007"})",
        "{\n  \"a\": [\n    1,\n    {}\n  ]\n}\n\n", "{\"a\":\n[]}\n \n", "{\"a\":\"\t\"}",
        "{\"a\":\"\xc2\x85\xe2\x80\xa8\"}"}) {
    const auto shorter = ParseYaml(text), usual = ParseYaml("# plain\n" + text);
    ASSERT_TRUE(shorter && usual) << text;
    EXPECT_EQ(ToJson(shorter->at(0).value), ToJson(usual->at(0).value)) << text;
    EXPECT_EQ(shorter->at(0).duplicates.size(), usual->at(0).duplicates.size()) << text;
  }
}

TEST(Yaml, MergesKeysAndKeepsWhatIsWritten) {
  EXPECT_EQ(AsJson("a: &a {p: 1, q: 2}\nb:\n  <<: *a\n  q: 3\n"),
            R"({"a":{"p":1,"q":2},"b":{"p":1,"q":3}})");
  EXPECT_EQ(AsJson("b:\n  q: 3\n  <<: {q: 2, p: 1}\n"), R"({"b":{"q":3,"p":1}})");
}

TEST(Yaml, ReportsDuplicatesAndTakesTheLast) {
  const auto documents = ParseYaml("a: 1\nb: 2\na: 3\n").value();
  ASSERT_EQ(documents.size(), 1u);
  EXPECT_EQ(ToJson(documents[0].value), R"({"a":3,"b":2})");
  EXPECT_EQ(documents[0].duplicates,
            std::vector<std::string>{R"(line 3: key "a" already set in map)"});
}

TEST(Yaml, SplitsDocumentsAndKnowsTheirLines) {
  const auto documents = ParseYaml("a: 1\n---\n# only a comment\n---\nb: 2\n").value();
  ASSERT_EQ(documents.size(), 3u);
  EXPECT_TRUE(documents[1].value.is_null());
  EXPECT_EQ(documents[2].line, 5);
}

TEST(Yaml, RefusesWithALine) {
  EXPECT_EQ(AsJson("a: 1\nb: {c: [d\n").substr(0, 12), "error: line ");
  EXPECT_EQ(AsJson("a: &a [*a]").substr(0, 12), "error: line ");
  std::string bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string last = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + last;
    for (int j = 0; j < 9; ++j) bomb += "," + last;
    bomb += "]\n";
  }
  EXPECT_NE(AsJson(bomb.c_str()).find("excessive aliasing"), std::string::npos);
}

TEST(Yaml, PrintsSortedAndQuotesWhatWouldReadDifferently) {
  const Value value =
      ParseJson(
          R"({"b":[1,{"d":true,"c":"x: y"},[]],"a":{"z":"yes","y":"","x":"1","w":null,"v":"a\nb\n"}})")
          .value();
  EXPECT_EQ(ToYaml(value),
            "a:\n  v: |\n    a\n    b\n  w: null\n  x: \"1\"\n  \"y\": \"\"\n  z: \"yes\"\n"
            "b:\n- 1\n- c: 'x: y'\n  d: true\n- []\n");
}

TEST(Yaml, ReadsBackWhatItPrints) {
  const Value value =
      ParseJson(
          R"({"a":["- x","#","a #b","'q'","\"","\\","12:30","2020-01-01","null","~","a: b","k:"," x","x "," \n y","\n","a\n\n","é","0x1","1e3","@a","%","*a","&a","!a","|",">","{","["]})")
          .value();
  const auto back = ParseYamlDocument(ToYaml(value));
  ASSERT_TRUE(back) << ToYaml(value) << back.error().message();
  EXPECT_EQ(ToJson(*back), ToJson(value)) << ToYaml(value);
}

TEST(Yaml, FindsTheLineOfAField) {
  const char* const text = "a: 1\nusers:\n- name: x\n  user:\n    token: 5\n- {name: y}\n";
  EXPECT_EQ(YamlLineOf(text, "a"), 1);
  EXPECT_EQ(YamlLineOf(text, "users[0].user.token"), 5);
  EXPECT_EQ(YamlLineOf(text, "users[1].name"), 6);
  EXPECT_EQ(YamlLineOf(text, "users[0].user.password"), 5);
  EXPECT_EQ(YamlLineOf(text, "none"), 1);
  EXPECT_EQ(YamlLineOf("a: [", "a"), 0);
}

}  // namespace
}  // namespace k8s
