// The generator against its golden sample, and what it says of facts that are wrong.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "emit.h"
#include "k8s/base/host.h"
#include "k8s/base/strings.h"
#include "parser.h"

namespace k8s::gen {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Key;
using testing::Not;
using testing::Pair;
using testing::UnorderedElementsAre;

const std::string kTestdata = Cat(K8S_SOURCE_DIR, "/client/schema/gen/testdata/");

FileFacts Read(const std::string& name) {
  const auto text = RealHost()->ReadFile(Cat(kTestdata, name));
  return ParseFacts(name, text.value()).value();
}

// "k8s/api/samplev1.h" is golden/samplev1.h.
std::string GoldenOf(const std::string& output) {
  return Cat(kTestdata, "golden/", output.substr(output.rfind('/') + 1));
}

TEST(Generator, WritesTheGoldenSample) {
  const auto host = RealHost();
  const auto outputs = Emit({Read("meta_v1.facts"), Read("sample_v1.facts")});
  ASSERT_TRUE(outputs) << outputs.error();
  EXPECT_THAT(*outputs,
              UnorderedElementsAre(Key("k8s/api/group_versions.cc"), Key("k8s/api/metav1.cc"),
                                   Key("k8s/api/metav1.h"), Key("k8s/api/samplev1.cc"),
                                   Key("k8s/api/samplev1.h"), Key("k8s/kubernetes/clientset.h"),
                                   Key("k8s/kubernetes/every_client.inc")));
  const bool update = host->GetEnv("K8S_UPDATE_GOLDEN").has_value();
  for (const auto& [name, content] : *outputs) {
    const std::string golden = GoldenOf(name);
    if (update) {
      ASSERT_TRUE(host->WriteFile(golden, content, 0644)) << golden;
    }
    EXPECT_EQ(host->ReadFile(golden).value_or(""), content)
        << golden << " differs. If the change is meant, say K8S_UPDATE_GOLDEN=1 k8s_gen_test "
        << "and read the diff.";
  }
}

TEST(Generator, WritesTypesAndTablesAloneForAFurtherApi) {
  const auto outputs = EmitFurther({Read("sample_v1.facts")}, {Read("meta_v1.facts")});
  ASSERT_TRUE(outputs) << outputs.error();
  EXPECT_THAT(*outputs, ElementsAre(Key("k8s/api/samplev1.cc"), Key("k8s/api/samplev1.h")));
  for (const auto& [name, content] : *outputs) {
    EXPECT_EQ(RealHost()->ReadFile(GoldenOf(name)).value_or(""), content) << name;
  }
}

TEST(Generator, MakesTheBoxesThatTheLibraryHasNot) {
  const auto further = ParseFacts("x.facts", R"(group g/v1 package=gv1
type A
  1 one metav1.ObjectMeta?
  2 two samplev1.Part?
)");
  const auto outputs = EmitFurther({*further}, {Read("meta_v1.facts"), Read("sample_v1.facts")});
  ASSERT_TRUE(outputs) << outputs.error();
  EXPECT_THAT(outputs->at("k8s/api/gv1.cc"),
              HasSubstr("\ntemplate class Box<metav1::ObjectMeta>;"));
  EXPECT_THAT(outputs->at("k8s/api/gv1.cc"), Not(HasSubstr("Box<samplev1::Part>;")));
}

std::string ErrorOf(const Result<std::map<std::string, std::string>>& outputs) {
  return outputs ? "none" : outputs.error().message();
}

TEST(Generator, SaysWhichTypeIsNotThere) {
  EXPECT_EQ(
      ErrorOf(Emit({Read("sample_v1.facts")})),
      "samplev1.Machine.metadata: no type metav1.ObjectMeta; give the facts file that has it, "
      "too");
}

TEST(Generator, RefusesAPackageThatTheLibraryHas) {
  EXPECT_EQ(ErrorOf(EmitFurther({Read("sample_v1.facts")}, {Read("sample_v1.facts")})),
            "the library has a package \"samplev1\": choose another package= for "
            "sample.example.com/v1");
}

TEST(Generator, MembersAreCalledAsInJsonWhereCppAllowsIt) {
  for (const auto& [json, member] :
       {std::pair("spec", "spec"), std::pair("namespace", "namespace_"), std::pair("$ref", "ref"),
        std::pair("x-kubernetes-map-type", "xKubernetesMapType"), std::pair("a.b", "aB")}) {
    EXPECT_EQ(MemberName(json), member);
  }
}

TEST(Parser, ReadsRowsWithTheirAttributes) {
  const FileFacts facts = ParseFacts("x.facts", R"(# a comment
group g.example.com/v1 package=gv1

kind A resource=as scope=cluster
  sub status served=get
  7   names   []string   default={"a b":[1]} enum="x y,z" always
  8   one     map[int64]
)")
                              .value();
  EXPECT_EQ(facts.group, "g.example.com");
  EXPECT_EQ(facts.version, "v1");
  EXPECT_EQ(facts.Package(), "gv1");
  ASSERT_EQ(facts.types.size(), 1U);
  const TypeFacts& type = facts.types[0];
  EXPECT_TRUE(type.is_kind);
  EXPECT_EQ(type.subresources[0].name, "status");
  ASSERT_EQ(type.fields.size(), 2U);
  EXPECT_EQ(type.fields[0].number, 7);
  EXPECT_EQ(type.fields[0].shape, FieldFacts::Shape::kList);
  EXPECT_THAT(type.fields[0].attributes.values,
              UnorderedElementsAre(Pair("default", R"({"a b":[1]})"), Pair("enum", "x y,z"),
                                   Pair("always", "")));
  EXPECT_EQ(type.fields[1].shape, FieldFacts::Shape::kMap);
  EXPECT_EQ(type.fields[1].element, "int64");
}

TEST(Parser, ErrorsNameTheFileTheLineAndWhatToDo) {
  constexpr std::string_view kStart = "group g/v1 package=gv1\nkind A\n  1 one string\n";
  const std::pair<const char*, const char*> kCases[] = {
      {"kin B",
       "unknown line \"kin\": a line is group, use, kind or type, and a row is indented by two "
       "spaces"},
      {"kind", "a name is missing: write kind NAME"},
      {"type A", "A is there twice: rename one"},
      {"group", "the group version is missing: write group NAME/VERSION package=NAME"},
      {"  2 two", "a row needs a number, a name and a type: write 1 spec MachineSpec"},
      {"  two two string",
       "\"two\" is no field number: write one from 1 to 65535, or 0 where there is no protobuf "
       "form"},
      {"  65536 two string",
       "\"65536\" is no field number: write one from 1 to 65535, or 0 where there is no protobuf "
       "form"},
      {"  2 one string", "A.one is there twice: rename one"},
      {"  2 two []string?", "\"[]string?\" is no type: write T, T?, []T or map[T]"},
      {"  2 two map[string", "\"map[string\" is no type: write T, T?, []T or map[T]"},
      {"  2 two ?", "\"?\" is no type: write T, T?, []T or map[T]"},
      {"  2 two string optional",
       "unknown attribute \"optional\": GRAMMAR.md lists those there are"},
      {"  2 two string always always", "attribute \"always\" is there twice: keep one"},
      {"  2 two string default=\"a\\", "a quote is not closed on this line"},
      {"  sub", "the subresource has no name: write sub NAME"},
  };
  for (const auto& [line, error] : kCases) {
    const auto parsed = ParseFacts("x.facts", Cat(kStart, line));
    ASSERT_FALSE(parsed) << line;
    EXPECT_EQ(parsed.error().message(), Cat("x.facts:4: ", error));
  }
}

TEST(Parser, AFileBeginsWithItsGroup) {
  EXPECT_EQ(ParseFacts("x.facts", "kind A\n").error().message(),
            "x.facts:1: the file has no package: begin it with group NAME/VERSION package=NAME");
  EXPECT_EQ(ParseFacts("x.facts", "group g/v1 package=gv1\n  1 one string\n").error().message(),
            "x.facts:2: a row outside of a kind or type: put that line first");
}

TEST(Generator, SaysWhatAKindGotWrong) {
  for (const auto& [kind, error] :
       {std::pair("kind A resource=as", "a resource needs scope=namespaced or scope=cluster"),
        std::pair("kind A verbs=get,lst", "no verb \"lst\"; GRAMMAR.md lists those there are"),
        std::pair("kind A\n  sub scale kind=B", "sub scale: no kind B")}) {
    const auto facts = ParseFacts("x.facts", Cat("group g/v1 package=gv1\n", kind, "\n"));
    ASSERT_TRUE(facts) << facts.error();
    EXPECT_EQ(ErrorOf(Emit({*facts})), Cat("gv1.A: ", error));
  }
}

}  // namespace
}  // namespace k8s::gen
