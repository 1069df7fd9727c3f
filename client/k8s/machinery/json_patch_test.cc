#include "k8s/machinery/json_patch.h"

#include <gtest/gtest.h>

#include "k8s/machinery/json.h"
#include "k8s/machinery/merge_patch.h"

namespace k8s {
namespace {

// The patched document, or "" when an operation fails.
std::string Patched(const char* document, const char* operations) {
  Value value = ParseJson(document).value();
  return ApplyJsonPatch(ParseJson(operations).value(), value) ? ToJson(value) : "";
}

TEST(JsonPatch, AddsInsertsAndAppends) {
  EXPECT_EQ(Patched(R"({"a":1})", R"([{"op":"add","path":"/a","value":2}])"), R"({"a":2})");
  EXPECT_EQ(Patched(R"([1,2])",
                    R"([{"op":"add","path":"/1","value":9},{"op":"add","path":"/-","value":8}])"),
            "[1,9,2,8]");
  EXPECT_EQ(Patched("{}", R"([{"op":"add","path":"/a/b","value":1}])"), "");
  EXPECT_EQ(Patched(R"({"a/b":{"~":1}})", R"([{"op":"add","path":"/a~1b/~0","value":2}])"),
            R"({"a/b":{"~":2}})");
}

TEST(JsonPatch, ReplaceOfAMissingMemberAddsIt) {  // S-7.22
  EXPECT_EQ(Patched("{}", R"([{"op":"replace","path":"/a","value":1}])"), R"({"a":1})");
  EXPECT_EQ(Patched("[]", R"([{"op":"replace","path":"/0","value":1}])"), "");
  EXPECT_EQ(Patched("{}", R"([{"op":"replace","path":"/a/b","value":1}])"), "");
}

TEST(JsonPatch, RemovesAndRefusesWhatIsMissing) {
  EXPECT_EQ(Patched(R"([1,2,3])", R"([{"op":"remove","path":"/-1"}])"), "[1,2]");
  EXPECT_EQ(Patched("{}", R"([{"op":"remove","path":"/a"}])"), "");
}

TEST(JsonPatch, TestsAsWritten) {
  EXPECT_EQ(Patched(R"({"a":2})", R"([{"op":"test","path":"/a","value":2}])"), R"({"a":2})");
  EXPECT_EQ(Patched(R"({"a":2})", R"([{"op":"test","path":"/a","value":2.0}])"), "");
  EXPECT_EQ(Patched("{}", R"([{"op":"test","path":"/a","value":null}])"), "{}");
  EXPECT_EQ(Patched("{}", R"([{"op":"test","path":"/a/b","value":null}])"), "");
}

TEST(JsonPatch, MovesAndCopies) {
  EXPECT_EQ(Patched(R"({"a":1})", R"([{"op":"move","from":"/a","path":"/b"}])"), R"({"b":1})");
  EXPECT_EQ(Patched(R"({"a":1})", R"([{"op":"copy","from":"/a","path":"/b"}])"),
            R"({"a":1,"b":1})");
  EXPECT_EQ(Patched("{}", R"([{"op":"copy","from":"/a","path":"/b"}])"), R"({"b":null})");
  EXPECT_EQ(Patched("{}", R"([{"op":"move","from":"/a","path":"/b"}])"), "");
  EXPECT_EQ(Patched("{}", R"([{"op":"frobnicate","path":"/b"}])"), "");
}

TEST(MergePatch, DeletesMergesAndReplaces) {
  Value document = ParseJson(R"({"a":{"b":1,"c":2},"d":[1,2]})").value();
  ApplyMergePatch(ParseJson(R"({"a":{"b":null,"e":{"f":null,"g":1}},"d":[3]})").value(), document);
  EXPECT_EQ(ToJson(document), R"({"a":{"c":2,"e":{"g":1}},"d":[3]})");
}

TEST(MergePatch, IsFoundAgainFromItsTwoEnds) {
  const Value from = ParseJson(R"({"a":1,"b":{"c":1,"d":2}})").value();
  const Value to = ParseJson(R"({"b":{"c":3,"d":2},"e":[1]})").value();
  Value patched = from;
  ApplyMergePatch(CreateMergePatch(from, to), patched);
  EXPECT_EQ(patched, to);
}

}  // namespace
}  // namespace k8s
