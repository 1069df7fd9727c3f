// What it costs to decode and encode a Pod, a Deployment and a list of 5,000 pods, in JSON and
// protobuf: time, encoded bytes a second, and allocations an object.

#include <benchmark/benchmark.h>

#include "bench.h"
#include "k8s/api/appsv1.h"
#include "k8s/machinery/json_codec.h"
#include "k8s/machinery/protobuf_codec.h"
#include "sample_pods.h"

namespace k8s::bench {
namespace {

struct Json {
  static void Encode(const TypeInfo& type, const void* object, const TypeMeta& meta,
                     std::string& out) {
    EncodeJson(type, object, meta, out);
  }
  static Result<void> Decode(std::string_view bytes, const TypeInfo& type, void* object) {
    return DecodeJson(bytes, type, object);
  }
};

struct Protobuf {
  static void Encode(const TypeInfo& type, const void* object, const TypeMeta& meta,
                     std::string& out) {
    EncodeProtobuf(type, object, meta, out);
  }
  static Result<void> Decode(std::string_view bytes, const TypeInfo& type, void* object) {
    return DecodeProtobuf(bytes, type, object);
  }
};

appsv1::Deployment SampleDeployment() {
  const corev1::Pod pod = SamplePod(1);
  appsv1::Deployment deployment{.metadata = pod.metadata};
  deployment.spec.replicas = 3;
  deployment.spec.template_ = {.metadata = {.labels = pod.metadata.labels}, .spec = pod.spec};
  return deployment;
}

template <class Format, class T>
void Decode(benchmark::State& state, const T& sample) {
  const TypeInfo& type = TypeOf<T>();
  std::string bytes;
  Format::Encode(type, &sample, {std::string(type.api_version()), std::string(type.name)}, bytes);
  const Meter meter;
  for (auto _ : state) {
    T object;
    auto read = Format::Decode(bytes, type, &object);
    if (!read) state.SkipWithError(read.error().message().c_str());
    benchmark::DoNotOptimize(object);
  }
  meter.Done(state, state.iterations());
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * bytes.size()));
}

template <class Format, class T>
void Encode(benchmark::State& state, const T& sample) {
  const TypeInfo& type = TypeOf<T>();
  const TypeMeta meta{std::string(type.api_version()), std::string(type.name)};
  std::string bytes;
  const Meter meter;
  for (auto _ : state) {
    bytes.clear();
    Format::Encode(type, &sample, meta, bytes);
    benchmark::DoNotOptimize(bytes);
  }
  meter.Done(state, state.iterations());
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * bytes.size()));
}

void DecodePodJson(benchmark::State& s) { Decode<Json>(s, SamplePod(1)); }
void DecodePodProtobuf(benchmark::State& s) { Decode<Protobuf>(s, SamplePod(1)); }
void EncodePodJson(benchmark::State& s) { Encode<Json>(s, SamplePod(1)); }
void EncodePodProtobuf(benchmark::State& s) { Encode<Protobuf>(s, SamplePod(1)); }
void DecodeDeploymentJson(benchmark::State& s) { Decode<Json>(s, SampleDeployment()); }
void DecodeDeploymentProtobuf(benchmark::State& s) { Decode<Protobuf>(s, SampleDeployment()); }
void EncodeDeploymentJson(benchmark::State& s) { Encode<Json>(s, SampleDeployment()); }
void EncodeDeploymentProtobuf(benchmark::State& s) { Encode<Protobuf>(s, SampleDeployment()); }
void DecodeListJson(benchmark::State& s) { Decode<Json>(s, SamplePods(Sized(5000, 20))); }
void DecodeListProtobuf(benchmark::State& s) { Decode<Protobuf>(s, SamplePods(Sized(5000, 20))); }
void EncodeListJson(benchmark::State& s) { Encode<Json>(s, SamplePods(Sized(5000, 20))); }
void EncodeListProtobuf(benchmark::State& s) { Encode<Protobuf>(s, SamplePods(Sized(5000, 20))); }

BENCHMARK(DecodePodJson);
BENCHMARK(DecodePodProtobuf);
BENCHMARK(EncodePodJson);
BENCHMARK(EncodePodProtobuf);
BENCHMARK(DecodeDeploymentJson);
BENCHMARK(DecodeDeploymentProtobuf);
BENCHMARK(EncodeDeploymentJson);
BENCHMARK(EncodeDeploymentProtobuf);
BENCHMARK(DecodeListJson)->Unit(benchmark::kMillisecond);
BENCHMARK(DecodeListProtobuf)->Unit(benchmark::kMillisecond);
BENCHMARK(EncodeListJson)->Unit(benchmark::kMillisecond);
BENCHMARK(EncodeListProtobuf)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace k8s::bench

BENCHMARK_MAIN();
