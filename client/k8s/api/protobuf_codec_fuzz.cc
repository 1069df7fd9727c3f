// Any bytes as a Pod and a CustomResourceDefinition, with and without the envelope: what can be
// read is written, read again and written the same.

#include <cstdint>
#include <cstdlib>

#include "k8s/api/apiextensionsv1.h"
#include "k8s/api/corev1.h"
#include "k8s/machinery/protobuf_codec.h"

namespace {

template <class T>
void Check(std::string_view bytes, const k8s::TypeInfo& type) {
  T object{};
  if (!k8s::DecodeProtobufMessage(bytes, type, &object)) return;
  std::string written, again, json;
  k8s::EncodeProtobufMessage(type, &object, written);
  T second{};
  if (!k8s::DecodeProtobufMessage(written, type, &second)) std::abort();
  k8s::EncodeProtobufMessage(type, &second, again);
  if (again != written) std::abort();
  k8s::EncodeJson(type, &object, {}, json);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const k8s::TypeInfo& pod = k8s::TypeOf<k8s::corev1::Pod>();
  const k8s::TypeInfo& crd = k8s::TypeOf<k8s::apiextensionsv1::CustomResourceDefinition>();
  const auto envelope = k8s::OpenEnvelope(bytes);
  const std::string_view raw = envelope ? envelope->raw : bytes;
  Check<k8s::corev1::Pod>(raw, pod);
  Check<k8s::apiextensionsv1::CustomResourceDefinition>(raw, crd);
  return 0;
}
