// Any text as a Pod, a CustomResourceDefinition (whose schemas nest) and a frame of a watch: what
// can be read is written, read again and written the same.

#include <cstdint>
#include <cstdlib>

#include "k8s/api/apiextensionsv1.h"
#include "k8s/api/corev1.h"
#include "k8s/machinery/json_codec.h"

namespace {

template <class T>
void Check(std::string_view text) {
  T object{};
  k8s::TypeMeta meta;
  std::vector<std::string> strict;
  if (!k8s::DecodeJson(text, k8s::TypeOf<T>(), &object, &meta, &strict)) return;
  std::string written, again;
  k8s::EncodeJson(k8s::TypeOf<T>(), &object, meta, written);
  T second{};
  if (!k8s::DecodeJson(written, k8s::TypeOf<T>(), &second)) std::abort();
  k8s::EncodeJson(k8s::TypeOf<T>(), &second, meta, again);
  if (again != written) std::abort();
  std::string sparse;
  k8s::EncodeSparseJson(k8s::TypeOf<T>(), &object, meta, sparse);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  Check<k8s::corev1::Pod>(text);
  Check<k8s::apiextensionsv1::CustomResourceDefinition>(text);
  k8s::corev1::Pod pod;
  k8s::JsonWatchEvent event;
  static_cast<void>(k8s::DecodeJsonWatchEvent(text, k8s::TypeOf<k8s::corev1::Pod>(), &pod, event));
  return 0;
}
