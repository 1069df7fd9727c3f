#include "k8s/machinery/protobuf_codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "k8s/api/apiextensionsv1.h"
#include "k8s/api/corev1.h"
#include "k8s/api/custom.h"
#include "k8s/api/group_versions.h"
#include "k8s/base/strings.h"
#include "k8s/machinery/field_index.h"

namespace k8s::custom_for_test {

struct Switch {
  bool on{};
};
K8S_FIELDS(Switch, on)

}  // namespace k8s::custom_for_test

namespace k8s {
namespace {

using namespace std::string_literals;
using testing::HasSubstr;

const TypeMeta kConfigMap{"v1", "ConfigMap"};

corev1::ConfigMap OneKey() { return {.metadata = {.name = "n"}, .data = {{"k", "v"}}}; }

const std::string kPrefix = "k8s\0"s;
const std::string kTypeMeta =
    "\x0a\x0f\x0a\x02v1\x12\x09"
    "ConfigMap"s;
const std::string kRaw =
    "\x12\x1b\x0a\x11\x0a\x01n\x12\x00\x1a\x00\x22\x00\x2a\x00\x32\x00\x38\x00\x42\x00"
    "\x12\x06\x0a\x01k\x12\x01v"s;
const std::string kTrailer = "\x1a\x00\x22\x00"s;

TEST(ProtobufCodec, WritesAConfigMapAsGoDoes) {  // C-9.11
  std::string out;
  const corev1::ConfigMap map = OneKey();
  EncodeProtobuf(TypeOf<corev1::ConfigMap>(), &map, kConfigMap, out);
  EXPECT_EQ(out, kPrefix + kTypeMeta + kRaw + kTrailer);
}

TEST(ProtobufCodec, ReadsAnEnvelopeInAnyOrderWithFieldsItDoesNotKnow) {  // C-9.12
  const std::string unknown = "\x4a\x03xyz\x50\x07"s;                    // 9 is a text, 10 a number
  for (const std::string& bytes :
       {kPrefix + unknown + kTypeMeta + kRaw + kTrailer, kPrefix + kRaw + kTypeMeta + unknown,
        kPrefix + kTrailer + kRaw + kTypeMeta, kPrefix + kTypeMeta + kRaw}) {
    corev1::ConfigMap map;
    TypeMeta meta;
    const auto read = DecodeProtobuf(bytes, TypeOf<corev1::ConfigMap>(), &map, &meta);
    ASSERT_TRUE(read) << read.error();
    EXPECT_EQ(meta, kConfigMap);
    EXPECT_EQ(map.metadata.name, "n");
    EXPECT_EQ(map.data.at("k"), "v");
  }
}

TEST(ProtobufCodec, SaysWhatIsNoEnvelope) {  // C-9.13
  corev1::ConfigMap map;
  const auto error = [&](std::string_view bytes) {
    const auto read = DecodeProtobuf(bytes, TypeOf<corev1::ConfigMap>(), &map);
    return read ? std::string() : read.error().message();
  };
  EXPECT_THAT(error(""), HasSubstr("empty data"));
  EXPECT_THAT(error(kPrefix), HasSubstr("empty body"));
  EXPECT_THAT(error(R"({"kind":"ConfigMap"})"),
              HasSubstr("provided data does not appear to be a protobuf message, expected prefix "
                        "[107 56 115 0]"));
}

TEST(ProtobufCodec, KeepsTheKindOfAnIntOrString) {  // C-9.10
  for (const IntOrString& port : {IntOrString(8080), IntOrString("http"), IntOrString(-1)}) {
    const corev1::ServicePort written{.targetPort = port};
    std::string bytes;
    EncodeProtobufMessage(TypeOf<corev1::ServicePort>(), &written, bytes);
    corev1::ServicePort read;
    ASSERT_TRUE(DecodeProtobufMessage(bytes, TypeOf<corev1::ServicePort>(), &read));
    EXPECT_EQ(read.targetPort, port);
  }
}

TEST(ProtobufCodec, KeepsFieldSetsThatAreAlikeOnce) {
  // The second and the third are as long as each other.
  const std::vector<std::string> sets = {"{}", R"({"f:a":{}})", R"({"f:b":{}})", R"({"f:b":{}})"};
  std::vector<FieldsV1> read;
  for (const std::string& set : sets) {
    const metav1::ManagedFieldsEntry entry{.fieldsV1 = FieldsV1{set}};
    std::string bytes;
    EncodeProtobufMessage(TypeOf<metav1::ManagedFieldsEntry>(), &entry, bytes);
    metav1::ManagedFieldsEntry again;
    ASSERT_TRUE(DecodeProtobufMessage(bytes, TypeOf<metav1::ManagedFieldsEntry>(), &again));
    read.push_back(*again.fieldsV1);
    EXPECT_EQ(read.back().raw, set);
  }
  EXPECT_TRUE(read[2].raw.IsSharedWith(read[3].raw));
}

TEST(ProtobufCodec, RefusesWhatEndsTooEarly) {
  const std::string whole = kPrefix + kTypeMeta + kRaw;
  for (size_t length = 4; length < whole.size(); ++length) {
    corev1::ConfigMap map;
    const bool between_fields = length == kPrefix.size() + kTypeMeta.size();
    EXPECT_EQ(
        DecodeProtobuf(whole.substr(0, length), TypeOf<corev1::ConfigMap>(), &map).has_value(),
        between_fields)
        << length;
  }
}

TEST(ProtobufCodec, RefusesLengthsBeyondTheInput) {
  for (const std::string& bytes :
       {"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"s, "\x0a\xff\xff\xff\xff\x0f"s, "\x0a\x01"s,
        "\x00\x01"s, "\x0b\x01"s, "\x0a\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"s}) {
    corev1::ConfigMap map;
    EXPECT_FALSE(DecodeProtobufMessage(bytes, TypeOf<corev1::ConfigMap>(), &map));
  }
}

TEST(ProtobufCodec, RefusesWhatNestsTooDeep) {
  // not: JSONSchemaProps is number 28.
  const auto nested = [&](int levels) {
    apiextensionsv1::JSONSchemaProps schema;
    std::string in;
    for (int i = 0; i < levels; ++i) {
      std::string length;
      for (size_t rest = in.size(); length.empty() || rest != 0; rest >>= 7) {
        length += static_cast<char>((rest & 0x7f) | (rest >= 0x80 ? 0x80 : 0));
      }
      in = "\xe2\x01"s + length + in;
    }
    return DecodeProtobufMessage(in, TypeOf<apiextensionsv1::JSONSchemaProps>(), &schema);
  };
  EXPECT_TRUE(nested(kMaxProtobufDepth - 1));
  const auto read = nested(kMaxProtobufDepth);
  ASSERT_FALSE(read);
  EXPECT_THAT(read.error().message(), HasSubstr("nested deeper"));
}

TEST(ProtobufCodec, ReadsFieldsInAnyOrderAndNumbersPackedOrNot) {
  corev1::PodSecurityContext context;
  const std::string fs_group = "\x28\x07"s, one = "\x20\x01"s, packed = "\x22\x03\x02\xac\x02"s;
  const std::string unknown = "\x80\xf1\x04\x01"s;  // 10,000, a number
  const auto read = DecodeProtobufMessage(unknown + fs_group + one + packed + one,
                                          TypeOf<corev1::PodSecurityContext>(), &context);
  ASSERT_TRUE(read) << read.error();
  EXPECT_EQ(context.fsGroup, 7);
  EXPECT_EQ(context.supplementalGroups, (std::vector<int64_t>{1, 2, 300, 1}));
}

TEST(ProtobufCodec, AFieldWithoutANumberIsNeverRead) {
  custom_for_test::Switch light;
  for (const std::string& bytes : {"\x08\x01"s, "\x80\xf1\x04\x01"s}) {
    EXPECT_TRUE(DecodeProtobufMessage(bytes, TypeOf<custom_for_test::Switch>(), &light));
    EXPECT_FALSE(light.on);
  }
}

TEST(ProtobufCodec, MergesAMessageThatComesTwice) {
  corev1::ConfigMap map;
  const std::string name = "\x0a\x03\x0a\x01n"s, in_namespace = "\x0a\x03\x1a\x01s"s;
  ASSERT_TRUE(DecodeProtobufMessage(name + in_namespace, TypeOf<corev1::ConfigMap>(), &map));
  EXPECT_EQ(map.metadata.name, "n");
  EXPECT_EQ(map.metadata.namespace_, "s");

  corev1::Probe probe;  // its handler is embedded, number 1; httpGet is 2 there, host 3, path 1
  const std::string path = "\x0a\x05\x12\x03\x0a\x01p"s, host = "\x0a\x05\x12\x03\x1a\x01h"s;
  ASSERT_TRUE(DecodeProtobufMessage(path + "\x10\x05"s + host, TypeOf<corev1::Probe>(), &probe));
  EXPECT_EQ(probe.httpGet->path, "p");
  EXPECT_EQ(probe.httpGet->host, "h");
  EXPECT_EQ(probe.initialDelaySeconds, 5);
}

TEST(ProtobufCodec, SaysWhereAFieldHasAnotherType) {
  for (const auto& [bytes, what] :
       {std::pair("\x0a\x00\x08\x01"s, "a field of another type than expected at byte 3"),
        std::pair("\x10\x01"s, "a map entry of another type than expected at byte 1"),
        std::pair("\x0a\x02\x08\x01"s, "a field of another type than expected at byte 3")}) {
    corev1::ConfigMap map;
    const auto read = DecodeProtobufMessage(bytes, TypeOf<corev1::ConfigMap>(), &map);
    ASSERT_FALSE(read) << what;
    EXPECT_THAT(read.error().message(), HasSubstr(what));
  }
}

TEST(FieldIndex, HasEveryFieldOfEveryTypeUnderItsTag) {
  for (const GroupVersionInfo* version : AllGroupVersions()) {
    for (const TypeInfo* type : version->types) {
      std::vector<bool> found(type->fields.size());
      for (size_t i = 0; i < type->fields.size(); ++i) {
        const WireField& wire = type->index.wire[i];
        const Field& field = type->fields[wire.index];
        EXPECT_FALSE(found[wire.index]) << type->name << '.' << field.name();
        found[wire.index] = true;
        EXPECT_EQ(wire.key >> 3 & 0x1fff, field.number) << type->name << '.' << field.name();
        EXPECT_EQ(wire.key >> 16, field.outer) << type->name << '.' << field.name();
        EXPECT_EQ(wire.offset, field.offset) << type->name << '.' << field.name();
        EXPECT_EQ(type->index.names[i], FirstFour(type->fields[i].quoted)) << type->name;
      }
    }
  }
}

TEST(ProtobufCodec, FramesAWatchEvent) {
  std::string frame;
  AppendWatchFrame("ADDED", kPrefix + kTypeMeta + kRaw, frame);
  ASSERT_GT(frame.size(), 4u);
  EXPECT_EQ(frame.substr(0, 3), "\0\0\0"s);
  EXPECT_EQ(static_cast<size_t>(static_cast<uint8_t>(frame[3])), frame.size() - 4);
  const auto event = OpenWatchEvent(std::string_view(frame).substr(4));
  ASSERT_TRUE(event) << event.error();
  EXPECT_EQ(event->type, "ADDED");
  EXPECT_EQ(event->object, kPrefix + kTypeMeta + kRaw);
}

}  // namespace
}  // namespace k8s
