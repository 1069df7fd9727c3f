// The recorded samples of every kind: one object as JSON, protobuf and YAML, every field filled.
// They stay outside of the repository; K8S_API_TESTDATA says where.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "k8s/api/group_versions.h"
#include "k8s/base/host.h"
#include "k8s/base/strings.h"
#include "k8s/machinery/any_object.h"
#include "k8s/machinery/json.h"
#include "k8s/machinery/json_codec.h"
#include "k8s/machinery/protobuf_codec.h"

namespace k8s {
namespace {

std::string Directory() {
  const auto host = RealHost();
  if (const auto named = host->GetEnv("K8S_API_TESTDATA")) return *named;
  return Cat(K8S_SOURCE_DIR, "/../shared/data/codec-v1.37");
}

// "apps.v1.Deployment" -> apps/v1, Deployment; "core" is the group without a name.
const TypeInfo* TypeOfSample(const std::string& stem) {
  const size_t kind = stem.rfind('.');
  const size_t version = stem.rfind('.', kind - 1);
  std::string group = stem.substr(0, version);
  const std::string v = stem.substr(version + 1, kind - version - 1);
  const std::string name = stem.substr(kind + 1);
  if (const TypeInfo* type = FindKind(group == "core" ? v : Cat(group, "/", v), name)) {
    return type;
  }
  return FindKind("meta.k8s.io/v1", name);  // what every group version registers
}

struct Sample {
  std::string stem, json, protobuf;
  const TypeInfo* type;
};

class Samples : public testing::Test {
 protected:
  void SetUp() override {
    const auto host = RealHost();
    const std::string directory = Directory();
    const auto names = host->ListDirectory(directory);
    if (!names) GTEST_SKIP() << "no codec samples: set K8S_API_TESTDATA (" << directory << ")";
    for (const std::string& name : *names) {
      if (!name.ends_with(".json")) continue;
      const std::string stem = name.substr(0, name.size() - 5);
      const std::string base = Cat(directory, "/", stem);
      samples_.push_back({stem, host->ReadFile(base + ".json").value(),
                          host->ReadFile(base + ".pb").value(), TypeOfSample(stem)});
      EXPECT_NE(samples_.back().type, nullptr) << stem;
    }
    EXPECT_GT(samples_.size(), 150u);
  }

  std::vector<Sample> samples_;
};

TEST_F(Samples, JsonComesBackAsTheSameDocument) {
  for (const Sample& sample : samples_) {
    AnyObject object(*sample.type);
    TypeMeta meta;
    std::vector<std::string> strict;
    const auto read = DecodeJson(sample.json, *sample.type, object.get(), &meta, &strict);
    ASSERT_TRUE(read) << sample.stem << ": " << read.error();
    EXPECT_THAT(strict, testing::IsEmpty()) << sample.stem;
    std::string out;
    EncodeJson(*sample.type, object.get(), meta, out);
    EXPECT_EQ(out, CompactJson(sample.json)) << sample.stem;
  }
}

TEST_F(Samples, ProtobufComesBackAsTheSameBytes) {
  for (const Sample& sample : samples_) {
    AnyObject object(*sample.type);
    TypeMeta meta;
    const auto read = DecodeProtobuf(sample.protobuf, *sample.type, object.get(), &meta);
    ASSERT_TRUE(read) << sample.stem << ": " << read.error();
    std::string out;
    EncodeProtobuf(*sample.type, object.get(), meta, out);
    EXPECT_TRUE(out == sample.protobuf) << sample.stem;
  }
}

TEST_F(Samples, JsonAndProtobufAreTheSameObject) {
  for (const Sample& sample : samples_) {
    AnyObject from_json(*sample.type), from_protobuf(*sample.type);
    TypeMeta meta;
    ASSERT_TRUE(DecodeJson(sample.json, *sample.type, from_json.get(), &meta));
    std::string protobuf, json;
    EncodeProtobuf(*sample.type, from_json.get(), meta, protobuf);
    EXPECT_TRUE(protobuf == sample.protobuf) << sample.stem;
    ASSERT_TRUE(DecodeProtobuf(sample.protobuf, *sample.type, from_protobuf.get()));
    EncodeJson(*sample.type, from_protobuf.get(), meta, json);
    EXPECT_EQ(json, CompactJson(sample.json)) << sample.stem;
  }
}

TEST_F(Samples, EveryPrefixIsAnErrorAndNeverACrash) {
  for (const Sample& sample : samples_) {
    const std::string json = CompactJson(sample.json);
    for (size_t length = 0; length < json.size(); length += 1 + length / 32) {
      AnyObject object(*sample.type);
      EXPECT_FALSE(DecodeJson(std::string_view(json).substr(0, length), *sample.type, object.get()))
          << sample.stem << " at " << length;
    }
    for (size_t length = 0; length < sample.protobuf.size(); length += 1 + length / 32) {
      AnyObject object(*sample.type);
      // Some prefixes end between two fields and are complete messages.
      static_cast<void>(DecodeProtobuf(std::string_view(sample.protobuf).substr(0, length),
                                       *sample.type, object.get()));
    }
  }
}

}  // namespace
}  // namespace k8s
