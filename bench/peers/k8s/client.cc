// This client at the work that the programs in the folders beside it do with theirs: the same
// calls, server and data (bench/peers/README.md).
//
//   peers_client --server URL --work WORK --encoding json|protobuf --n N [--who NAME]

#include <unistd.h>

#include <cstdio>

#include "k8s/api/corev1.h"
#include "k8s/base/strings.h"
#include "k8s/kubernetes/clientset.h"
#include "measure.h"

namespace k8s::bench {
namespace {

// The namespace and the pods are those of peers_manifest.
constexpr const char* kPod = "app-7d4b9c6f5-7";

Result<void> Get(const Clientset& clientset, int n) {
  const auto pods = clientset.CoreV1().Pods("default");
  for (int i = 0; i < n; ++i) {
    if (auto pod = pods.Get(kPod); !pod) return pod.error();
  }
  return {};
}

Result<void> List(const Clientset& clientset, int n) {
  const auto pods = clientset.CoreV1().Pods("default");
  for (int i = 0; i < n; ++i) {
    auto list = pods.List();
    if (!list) return list.error();
    if (list->items.empty()) return Invalid("the server has no pods");
  }
  return {};
}

// Where the client can hand out the objects of a list one by one.
template <class Pods>
Result<void> ListEach(const Pods& pods, int n) {
  if constexpr (requires(bool (*each)(corev1::Pod &&)) { pods.ListEach({}, each); }) {
    for (int i = 0; i < n; ++i) {
      int items = 0;
      auto list = pods.ListEach({}, [&](corev1::Pod&&) { return ++items > 0; });
      if (!list) return list.error();
      if (items == 0) return Invalid("the server has no pods");
    }
    return {};
  } else {
    static_cast<void>(pods), static_cast<void>(n);
    std::fprintf(stderr, "peers_client: skipped listeach: the client has none\n");
    std::exit(kSkipped);
  }
}

// A watch without a revision begins with an event for every pod; it is opened again when all have
// come.
Result<void> Watch(const Clientset& clientset, int n) {
  const auto pods = clientset.CoreV1().Pods("default");
  auto count = pods.List({.limit = 1});
  if (!count) return count.error();
  const int64_t all =
      count->metadata.remainingItemCount.value_or(0) + static_cast<int64_t>(count->items.size());
  if (all == 0) return Invalid("the server has no pods");
  while (n > 0) {
    auto watch = pods.Watch({.resourceVersion = "0"});
    if (!watch) return watch.error();
    for (int64_t i = 0; i < all && n > 0; ++i, --n) {
      if (!watch->Next()) return watch->error().value_or(Invalid("the watch has ended"));
    }
  }
  return {};
}

corev1::ConfigMap SampleMap(const std::string& name) {
  corev1::ConfigMap map{.metadata = {.name = name, .namespace_ = "default"}};
  for (int i = 0; i < 10; ++i) map.data[Cat("key-", std::to_string(i))] = std::string(90, 'x');
  return map;
}

// Unlike those of another run at the same server.
std::string NewName() {
  static int count = 0;
  return Cat("peers-k8s-", std::to_string(getpid()), "-", std::to_string(count++));
}

Result<void> Create(const Clientset& clientset, int n) {
  const auto maps = clientset.CoreV1().ConfigMaps("default");
  for (int i = 0; i < n; ++i) {
    if (auto made = maps.Create(SampleMap(NewName())); !made) return made.error();
  }
  return {};
}

Result<void> Update(const Clientset& clientset, int n) {
  const auto maps = clientset.CoreV1().ConfigMaps("default");
  auto map = maps.Create(SampleMap(NewName()));
  for (int i = 0; map && i < n; ++i) {
    map->data["changed"] = std::to_string(i);
    map = maps.Update(*map);
  }
  if (!map) return map.error();
  return {};
}

Result<void> Patch(const Clientset& clientset, int n) {
  const auto maps = clientset.CoreV1().ConfigMaps("default");
  auto map = maps.Create(SampleMap(NewName()));
  for (int i = 0; map && i < n; ++i) {
    map = maps.Patch(map->metadata.name, PatchType::kMergePatch,
                     Cat(R"({"data":{"changed":")", std::to_string(i), R"("}})"));
  }
  if (!map) return map.error();
  return {};
}

Result<void> Apply(const Clientset& clientset, int n) {
  const auto maps = clientset.CoreV1().ConfigMaps("default");
  corev1::ConfigMap map = SampleMap(NewName());
  for (int i = 0; i < n; ++i) {
    map.data["changed"] = std::to_string(i);
    auto applied = maps.Apply(map, {.force = true, .fieldManager = "peers"});
    if (!applied) return applied.error();
  }
  return {};
}

struct Work {
  std::string_view name;
  Result<void> (*run)(const Clientset&, int);
};
constexpr Work kWorks[] = {
    {"get", Get},
    {"list", List},
    {"listeach", [](const Clientset& clientset,
                    int n) { return ListEach(clientset.CoreV1().Pods("default"), n); }},
    {"watch", Watch},
    {"create", Create},
    {"update", Update},
    {"patch", Patch},
    {"apply", Apply},
};

Result<const Work*> FindWork(const std::string& name) {
  std::vector<std::string> all;
  for (const Work& work : kWorks) {
    if (work.name == name) return &work;
    all.emplace_back(work.name);
  }
  return Invalid(Cat("--work must be one of ", Join(all, ", "), ", not ", Quote(name)));
}

Result<Measured> Run(const std::string& server, const std::string& encoding, const Work& work,
                     int n) {
  rest::Config config{.host = server};
  config.content_type = encoding == "protobuf" ? "" : "application/json";
  // As client-go, this client heeds the setting only where something of TLS is configured.
  config.disable_compression = true;
  config.tls.insecure = true;
  config.qps = -1;
  auto clientset = Clientset::NewForConfig(config);
  if (!clientset) return clientset.error();

  auto measured = MeasureWork(n, [&](int count) { return work.run(*clientset, count); });
  if (!measured) return measured.error();
  measured->work = work.name;
  measured->encoding = encoding;
  return measured;
}

int Main(const std::vector<std::string>& arguments) {
  const auto fail = [](const Error& error, int code) {
    std::fprintf(stderr, "peers_client: %s\n", error.message().c_str());
    return code;
  };
  auto flags = ParseFlags(arguments, {{"--server", ""},
                                      {"--work", "get"},
                                      {"--encoding", "json"},
                                      {"--n", "1000"},
                                      {"--who", "cpp"}});
  if (!flags) return fail(flags.error(), kUsage);
  const auto n = CountOf(*flags, "--n");
  if (!n) return fail(n.error(), kUsage);
  const auto encoding = EncodingOf(*flags);
  if (!encoding) return fail(encoding.error(), kUsage);
  const auto work = FindWork(flags->at("--work"));
  if (!work) return fail(work.error(), kUsage);
  auto measured = Run(flags->at("--server"), *encoding, **work, *n);
  if (!measured) return fail(measured.error(), 1);
  measured->who = flags->at("--who");
  Print(*measured);
  return 0;
}

}  // namespace
}  // namespace k8s::bench

int main(int argc, char** argv) {
  return k8s::bench::Main(std::vector<std::string>(argv + 1, argv + argc));
}
