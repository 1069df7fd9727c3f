// Every kind of every group version, filled at random, through every encoding and back; and what
// lenient and strict readers say of documents that are not quite right.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <set>

#include "k8s/api/group_versions.h"
#include "k8s/base/strings.h"
#include "k8s/machinery/any_object.h"
#include "k8s/machinery/json.h"
#include "k8s/machinery/json_codec.h"
#include "k8s/machinery/protobuf_codec.h"
#include "k8s/machinery/random_object.h"
#include "k8s/machinery/unstructured.h"
#include "k8s/machinery/yaml.h"

namespace k8s {
namespace {

constexpr uint64_t kSeeds = 4;

// Table and its parts exist in JSON alone: their rows have no numbers.
bool HasProtobufForm(const TypeInfo& type, std::set<const TypeInfo*>& seen) {
  if (!seen.insert(&type).second) return true;
  return std::all_of(type.fields.begin(), type.fields.end(), [&](const Field& field) {
    return field.number != 0 &&
           (field.kind != Kind::kMessage || HasProtobufForm(field.type(), seen));
  });
}

TypeMeta MetaOf(const TypeInfo& type) {
  // WatchEvent is the one kind that does not say what it is.
  if (type.name == "WatchEvent") return {};
  return {std::string(type.api_version()), std::string(type.name)};
}

std::string Json(const AnyObject& object) {
  std::string out;
  EncodeJson(object.type(), object.get(), MetaOf(object.type()), out);
  return out;
}

std::string Protobuf(const AnyObject& object) {
  std::string out;
  EncodeProtobuf(object.type(), object.get(), MetaOf(object.type()), out);
  return out;
}

Value Document(const AnyObject& object) { return *ParseJson(Json(object)); }

struct Read {
  AnyObject object;
  TypeMeta meta{};
  std::vector<std::string> strict{};
  Result<void> result{};
};

Read FromJson(const TypeInfo& type, std::string_view text) {
  Read read{AnyObject(type)};
  read.result = DecodeJson(text, type, read.object.get(), &read.meta, &read.strict);
  return read;
}

// Calls check with a random object of each kind, under a trace that names kind and seed.
void ForEveryKind(const std::function<void(const AnyObject&, Random&)>& check) {
  int kinds = 0;
  for (const GroupVersionInfo* group_version : AllGroupVersions()) {
    for (const TypeInfo* type : group_version->types) {
      if (type->create == nullptr) continue;
      ++kinds;
      for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
        SCOPED_TRACE(
            Cat(group_version->api_version, " ", type->name, ", seed ", std::to_string(seed)));
        const auto random = SeededRandom(seed);
        AnyObject object(*type);
        FillRandom(*type, object.get(), *random);
        check(object, *random);
        if (testing::Test::HasFailure()) return;  // one is enough to read
      }
    }
  }
  EXPECT_GT(kinds, 300);
}

TEST(RoundTrip, EveryKindSurvivesJson) {
  ForEveryKind([](const AnyObject& object, Random&) {
    const std::string json = Json(object);
    const Read read = FromJson(object.type(), json);
    ASSERT_TRUE(read.result) << read.result.error() << "\n" << json;
    EXPECT_THAT(read.strict, testing::IsEmpty()) << json;
    EXPECT_EQ(read.meta, MetaOf(object.type()));
    EXPECT_EQ(Json(read.object), json);
  });
}

TEST(RoundTrip, EveryKindSurvivesProtobufAndIsTheSameInJson) {
  ForEveryKind([](const AnyObject& object, Random&) {
    std::set<const TypeInfo*> seen;
    if (!HasProtobufForm(object.type(), seen)) return;
    const std::string json = Json(object), protobuf = Protobuf(object);
    AnyObject from_protobuf(object.type());
    TypeMeta meta;
    const auto result = DecodeProtobuf(protobuf, object.type(), from_protobuf.get(), &meta);
    ASSERT_TRUE(result) << result.error();
    EXPECT_EQ(meta, MetaOf(object.type()));
    EXPECT_TRUE(Protobuf(from_protobuf) == protobuf);
    EXPECT_EQ(Json(from_protobuf), json);
    EXPECT_TRUE(Protobuf(FromJson(object.type(), json).object) == protobuf) << json;
  });
}

TEST(RoundTrip, EveryKindSurvivesUnstructured) {
  ForEveryKind([](const AnyObject& object, Random&) {
    const std::string json = Json(object);
    Unstructured tree;
    const auto result = DecodeJson(json, TypeOf<Unstructured>(), &tree);
    ASSERT_TRUE(result) << result.error();
    std::string again;
    EncodeJson(TypeOf<Unstructured>(), &tree, {}, again);
    EXPECT_EQ(again, json);
  });
}

TEST(RoundTrip, EveryKindSurvivesYaml) {
  ForEveryKind([](const AnyObject& object, Random&) {
    const std::string json = Json(object);
    const auto tree = ParseJson(json);
    ASSERT_TRUE(tree) << tree.error();
    const std::string yaml = ToYaml(*tree);
    const auto value = ParseYamlDocument(yaml);
    ASSERT_TRUE(value) << value.error() << "\n" << yaml;
    EXPECT_EQ(*value, *tree) << yaml;
    // Sorted names are no other document, but raw JSON inside of it keeps their order.
    const Read read = FromJson(object.type(), ToJson(*value));
    ASSERT_TRUE(read.result) << read.result.error();
    EXPECT_EQ(Document(read.object), *tree);
  });
}

TEST(RoundTrip, TheSameSeedMakesTheSameObject) {
  const TypeInfo& type = *FindKind("v1", "Pod");
  AnyObject one(type), other(type);
  FillRandom(type, one.get(), *SeededRandom(7));
  FillRandom(type, other.get(), *SeededRandom(7));
  EXPECT_EQ(Json(one), Json(other));
  EXPECT_GT(Json(one).size(), 1000u);
}

// ---- documents that are not quite right ----

// Visits every object of the document that is a struct to the type, with its path.
using Visit = std::function<void(Value::Object&, const TypeInfo&, const std::string& path)>;

void Walk(Value& value, const TypeInfo& type, const std::string& path, const Visit& visit) {
  if (type.Has(kTree) || type.Has(kTransparent)) return;
  const auto elements = [&](Value& member, const Field& field, const std::string& at) {
    if (field.kind != Kind::kMessage) return;
    if (field.shape == Shape::kList && member.is_array()) {
      for (size_t i = 0; i < member.array().size(); ++i) {
        Walk(member.array()[i], field.type(), Cat(at, "[", std::to_string(i), "]"), visit);
      }
    } else if (field.shape == Shape::kMap && member.is_object()) {
      for (auto& [key, element] : member.object()) {
        Walk(element, field.type(), Cat(at, ".", key), visit);
      }
    } else {
      Walk(member, field.type(), at, visit);
    }
  };
  if (type.Has(kUnion)) {
    for (const Field& field : type.fields) {
      if ((field.shape == Shape::kList) == value.is_array()) elements(value, field, path);
    }
    return;
  }
  if (!value.is_object()) return;
  for (const Field& field : type.fields) {
    if (Value* member = value.Find(field.name())) {
      elements(*member, field,
               path.empty() ? std::string(field.name()) : Cat(path, ".", field.name()));
    }
  }
  visit(value.object(), type, path);
}

TEST(LenientRead, PassesByUnknownFieldsAnywhere) {
  ForEveryKind([](const AnyObject& object, Random& random) {
    Value document = Document(object);
    Walk(document, object.type(), "",
         [&](Value::Object& members, const TypeInfo&, const std::string&) {
           Value::Object with;
           const uint64_t at = random.Below(members.size() + 1);
           uint64_t index = 0;
           const auto add = [&] {
             if (index++ == at) with.AppendNew("xUnknown", *ParseJson(RandomJsonObject(random)));
           };
           for (auto& [name, member] : members) {
             add();
             with.AppendNew(name, std::move(member));
           }
           add();
           members = std::move(with);
         });
    AnyObject read(object.type());
    const auto result = DecodeJson(ToJson(document), object.type(), read.get());
    ASSERT_TRUE(result) << result.error();
    EXPECT_EQ(Json(read), Json(object));
  });
}

TEST(LenientRead, TakesMembersInAnyOrder) {
  ForEveryKind([](const AnyObject& object, Random&) {
    Value document = Document(object);
    Walk(document, object.type(), "",
         [](Value::Object& members, const TypeInfo&, const std::string&) {
           std::reverse(members.begin(), members.end());
         });
    const Read read = FromJson(object.type(), ToJson(document));
    ASSERT_TRUE(read.result) << read.result.error();
    EXPECT_EQ(Json(read.object), Json(object));
    EXPECT_EQ(read.meta, MetaOf(object.type()));
  });
}

TEST(LenientRead, TakesNullForAnyField) {
  ForEveryKind([](const AnyObject& object, Random& random) {
    Value document = Document(object);
    Walk(document, object.type(), "",
         [&](Value::Object& members, const TypeInfo& type, const std::string&) {
           for (const Field& field : type.fields) {
             if (random.Below(3) == 0) members[field.name()] = nullptr;
           }
         });
    AnyObject read(object.type());
    const auto result = DecodeJson(ToJson(document), object.type(), read.get());
    ASSERT_TRUE(result) << result.error() << "\n" << ToJson(document);
  });
}

// C-9.19, for everything: null leaves what a fresh object has. JSON alone knows null as a value.
TEST(LenientRead, NullInEveryFieldIsAFreshObject) {
  for (const GroupVersionInfo* group_version : AllGroupVersions()) {
    for (const TypeInfo* type : group_version->types) {
      if (type->create == nullptr) continue;
      Value document = Value::MakeObject();
      for (const Field& field : type->fields) {
        if (field.kind != Kind::kJson) document.Set(field.name(), nullptr);
      }
      const Read read = FromJson(*type, ToJson(document));
      ASSERT_TRUE(read.result) << type->name << ": " << read.result.error();
      EXPECT_EQ(Json(read.object), Json(AnyObject(*type)));
    }
  }
}

TEST(StrictRead, NamesEveryUnknownField) {
  ForEveryKind([](const AnyObject& object, Random& random) {
    Value document = Document(object);
    std::vector<std::string> expected;
    Walk(document, object.type(), "",
         [&](Value::Object& members, const TypeInfo&, const std::string& path) {
           if (random.Below(3) != 0) return;
           members["xUnknown"] = 1;
           expected.push_back(
               Cat("unknown field ", Quote(path.empty() ? "xUnknown" : Cat(path, ".xUnknown"))));
         });
    const Read read = FromJson(object.type(), ToJson(document));
    ASSERT_TRUE(read.result) << read.result.error();
    EXPECT_THAT(read.strict, testing::UnorderedElementsAreArray(expected));
    EXPECT_EQ(Json(read.object), Json(object));
  });
}

// Writes the document with the first member of some structs twice. A Value cannot hold that.
TEST(StrictRead, NamesEveryDuplicateField) {
  ForEveryKind([](const AnyObject& object, Random& random) {
    Value document = Document(object);
    std::vector<std::string> expected;
    // The second one gets a name as long as the first, which is then patched in the text.
    std::vector<std::pair<std::string, std::string>> renamed;
    Walk(document, object.type(), "",
         [&](Value::Object& members, const TypeInfo& type, const std::string& path) {
           if (members.empty() || random.Below(3) != 0) return;
           const auto& [name, member] = *(members.end() - 1);
           const Field* field = type.Find(name);
           if (field == nullptr || field->shape == Shape::kMap || field->kind == Kind::kMessage) {
             return;  // these two are merged, as Go does
           }
           const std::string mark = Cat("xAgain", std::to_string(renamed.size()), "x");
           renamed.emplace_back(Cat("\"", mark, "\":"), Cat("\"", name, "\":"));
           expected.push_back(
               Cat("duplicate field ", Quote(path.empty() ? name : Cat(path, ".", name))));
           Value copy = member;
           members[mark] = std::move(copy);
         });
    std::string text = ToJson(document);
    for (const auto& [mark, name] : renamed) text.replace(text.find(mark), mark.size(), name);
    const Read read = FromJson(object.type(), text);
    ASSERT_TRUE(read.result) << read.result.error() << "\n" << text;
    EXPECT_THAT(read.strict, testing::UnorderedElementsAreArray(expected)) << text;
    EXPECT_EQ(Json(read.object), Json(object));
  });
}

TEST(StrictRead, NamesAKindThatIsSaidTwice) {
  const Read read = FromJson(*FindKind("v1", "Pod"),
                             R"({"kind":"Pod","kind":"Pod","apiVersion":"v1","apiVersion":"v1"})");
  EXPECT_THAT(read.strict,
              testing::ElementsAre(R"(duplicate field "kind")", R"(duplicate field "apiVersion")"));
}

}  // namespace
}  // namespace k8s
