#pragma once

// Every method of every typed client against what client-go sends for it, recorded: method, path,
// query, Accept, Content-Type and body, protobuf bodies byte by byte. The recording stays outside
// of the repository; K8S_REQUESTS_TESTDATA says where (C-8.1, C-8.2). The clients are spread over
// several files, because one that makes all of their methods takes a minute and four gigabytes to
// compile.

#include <gtest/gtest.h>

#include <map>

#include "k8s/api/admissionregistrationv1.h"
#include "k8s/api/admissionregistrationv1alpha1.h"
#include "k8s/api/admissionregistrationv1beta1.h"
#include "k8s/api/admissionv1.h"
#include "k8s/api/admissionv1beta1.h"
#include "k8s/api/apidiscoveryv2.h"
#include "k8s/api/apidiscoveryv2beta1.h"
#include "k8s/api/apiextensionsv1.h"
#include "k8s/api/apiregistrationv1.h"
#include "k8s/api/appsv1.h"
#include "k8s/api/appsv1beta1.h"
#include "k8s/api/appsv1beta2.h"
#include "k8s/api/authenticationv1.h"
#include "k8s/api/authenticationv1alpha1.h"
#include "k8s/api/authenticationv1beta1.h"
#include "k8s/api/authorizationv1.h"
#include "k8s/api/authorizationv1beta1.h"
#include "k8s/api/autoscalingv1.h"
#include "k8s/api/autoscalingv2.h"
#include "k8s/api/batchv1.h"
#include "k8s/api/batchv1beta1.h"
#include "k8s/api/certificatesv1.h"
#include "k8s/api/certificatesv1alpha1.h"
#include "k8s/api/certificatesv1beta1.h"
#include "k8s/api/coordinationv1.h"
#include "k8s/api/coordinationv1alpha2.h"
#include "k8s/api/coordinationv1beta1.h"
#include "k8s/api/corev1.h"
#include "k8s/api/discoveryv1.h"
#include "k8s/api/discoveryv1beta1.h"
#include "k8s/api/eventsv1.h"
#include "k8s/api/eventsv1beta1.h"
#include "k8s/api/extensionsv1beta1.h"
#include "k8s/api/flowcontrolv1.h"
#include "k8s/api/flowcontrolv1beta1.h"
#include "k8s/api/flowcontrolv1beta2.h"
#include "k8s/api/flowcontrolv1beta3.h"
#include "k8s/api/imagepolicyv1alpha1.h"
#include "k8s/api/internalv1alpha1.h"
#include "k8s/api/lifecyclev1alpha1.h"
#include "k8s/api/metav1.h"
#include "k8s/api/networkingv1.h"
#include "k8s/api/networkingv1beta1.h"
#include "k8s/api/nodev1.h"
#include "k8s/api/nodev1alpha1.h"
#include "k8s/api/nodev1beta1.h"
#include "k8s/api/policyv1.h"
#include "k8s/api/policyv1beta1.h"
#include "k8s/api/rbacv1.h"
#include "k8s/api/rbacv1alpha1.h"
#include "k8s/api/rbacv1beta1.h"
#include "k8s/api/resourcev1.h"
#include "k8s/api/resourcev1alpha3.h"
#include "k8s/api/resourcev1beta1.h"
#include "k8s/api/resourcev1beta2.h"
#include "k8s/api/schedulingv1.h"
#include "k8s/api/schedulingv1alpha3.h"
#include "k8s/api/schedulingv1beta1.h"
#include "k8s/api/storagemigrationv1.h"
#include "k8s/api/storagemigrationv1beta1.h"
#include "k8s/api/storagev1.h"
#include "k8s/api/storagev1alpha1.h"
#include "k8s/api/storagev1beta1.h"
#include "k8s/base/base64.h"
#include "k8s/base/strings.h"
#include "k8s/kubernetes/clientset.h"
#include "k8s/machinery/json.h"

namespace k8s::requests {

struct Row {
  Value content;
  std::string_view Text(std::string_view key) const { return content.StringAt({key}); }
};
using Rows = std::vector<Row>;

// Answers everything with an empty object, and remembers what it was asked.
class Recording final : public http::RoundTripper {
 public:
  Result<http::Response> RoundTrip(const http::Request& request, const Context&) override {
    last = request;
    ++count;
    http::Response response{.status = 200, .headers = {{"Content-Type", "application/json"}}};
    response.body = http::StringBody(std::string("{}"));
    return response;
  }
  http::Request last;
  int count = 0;
};

struct Rig {
  std::shared_ptr<Recording> transport = std::make_shared<Recording>();
  Clientset standard = Make("", "");
  Clientset json = Make("application/json", "application/json");

  Clientset Make(std::string content_type, std::string accept) {
    rest::Config config{.host = "http://server"};
    config.content_type = std::move(content_type);
    config.accept_content_types = std::move(accept);
    config.transport = transport;
    config.qps = -1;
    return Clientset::NewForConfig(config).value();
  }
};

template <class T>
T Given(const Row& row, std::string_view member) {
  T options;
  if (const Value* given = row.content.Find({"given", member})) {
    EXPECT_TRUE(DecodeJson(ToJson(*given), TypeOf<T>(), &options)) << ToJson(*given);
  }
  return options;
}

template <class T>
T Sample(bool update, bool event) {
  T object;
  object.metadata.name = "name";
  object.metadata.labels = {{"a", "b"}};
  if (update) object.metadata.resourceVersion = "12";
  if (event) object.metadata.namespace_ = "ns";
  return object;
}

// What an apply configuration holds: kind, version and name.
inline Unstructured Configuration(const Row& row) {
  Unstructured object;
  const Value* body = row.content.Find({"request", "body"});
  object.SetAPIVersion(body->StringAt({"apiVersion"}));
  object.SetKind(body->StringAt({"kind"}));
  object.SetName("name");
  return object;
}

inline void Compare(const Row& row, const http::Request& sent) {
  const Value& expected = *row.content.Find("request");
  EXPECT_EQ(sent.method, expected.StringAt({"method"}));
  EXPECT_EQ(sent.url.path, expected.StringAt({"path"}));
  EXPECT_EQ(sent.url.query, expected.StringAt({"query"}));
  EXPECT_EQ(sent.headers.Get("Accept"), expected.StringAt({"accept"}));
  EXPECT_EQ(sent.headers.Get("Content-Type"), expected.StringAt({"contentType"}));
  const std::string body = sent.body ? *sent.body : "";
  if (const Value* json = expected.Find("body")) {
    const auto parsed = ParseJson(body);
    EXPECT_TRUE(parsed && *parsed == *json) << body << "\nexpected " << ToJson(*json);
  } else {
    EXPECT_EQ(EncodeBase64(body), expected.StringAt({"base64"}));
  }
}

template <class T>
T Named() {
  T object;
  object.metadata.name = "name";
  return object;
}

// The recording names only one of the two option structs of DeleteCollection; the other is filled
// alike in every row.
inline DeleteOptions CollectionOptions(const Row& row) {
  if (row.Text("options") != "filled") return {};
  return {.gracePeriodSeconds = 7,
          .preconditions = metav1::Preconditions{.uid = "2b5dd4a0-0000-4000-8000-000000000001",
                                                 .resourceVersion = "12"},
          .propagationPolicy = "Foreground",
          .dryRun = {"All"}};
}

inline PatchType PatchOf(const Row& row) {
  const std::string_view type = row.content.StringAt({"request", "contentType"});
  for (const PatchType known : {PatchType::kJSONPatch, PatchType::kMergePatch,
                                PatchType::kStrategicMergePatch, PatchType::kApplyYAML}) {
    if (kubernetes::MediaTypeOf(known) == type) return known;
  }
  return PatchType::kMergePatch;
}

// Patch takes its subresource last; the recorded path shows it.
inline std::string_view SubresourceOf(const Row& row) {
  const std::string_view path = row.content.StringAt({"request", "path"});
  return path.ends_with("/name") ? std::string_view() : path.substr(path.rfind('/') + 1);
}

template <class T, class Client, class Fresh>
bool CallExpansion(const Client& client, const Row& row, std::string_view call,
                   const std::string& name, const Fresh& fresh);

// Makes the call that the row names; false when this client has no such method.
template <class T, class Client>
bool Call(const Client& client, const Row& row) {
  const std::string_view call = row.Text("call");
  const std::string name(row.content.StringAt({"given", "arg1"}, "name"));
  // The recorded events have a namespace of their own.
  const bool event = row.Text("resource") == "Events";
  const auto fresh = [&](bool update = false) { return Sample<T>(update, event); };
#define K8S_WHEN(method, ...)                                            \
  if (call == #method) {                                                 \
    if constexpr (requires { static_cast<void>(client.__VA_ARGS__); }) { \
      static_cast<void>(client.__VA_ARGS__);                             \
      return true;                                                       \
    }                                                                    \
  }
  K8S_WHEN(Get, Get(name, Given<GetOptions>(row, "options")))
  K8S_WHEN(List, List(Given<ListOptions>(row, "options")))
  K8S_WHEN(Watch, Watch(Given<ListOptions>(row, "options")))
  K8S_WHEN(Create, Create(fresh(), Given<CreateOptions>(row, "options")))
  K8S_WHEN(Update, Update(fresh(true), Given<UpdateOptions>(row, "options")))
  K8S_WHEN(UpdateStatus, UpdateStatus(fresh(true), Given<UpdateOptions>(row, "options")))
  K8S_WHEN(Delete, Delete(name, Given<DeleteOptions>(row, "options")))
  K8S_WHEN(DeleteCollection,
           DeleteCollection(CollectionOptions(row), Given<ListOptions>(row, "options")))
  K8S_WHEN(Patch, Patch(name, PatchOf(row), std::string(row.content.StringAt({"given", "data"})),
                        Given<PatchOptions>(row, "options"), SubresourceOf(row)))
  K8S_WHEN(Apply, Apply(Configuration(row), Given<ApplyOptions>(row, "options")))
  K8S_WHEN(ApplyStatus, ApplyStatus(Named<T>(), Given<ApplyOptions>(row, "options")))
  K8S_WHEN(GetScale, GetScale(name, Given<GetOptions>(row, "options")))
  K8S_WHEN(ApplyScale, ApplyScale(name, Configuration(row), Given<ApplyOptions>(row, "options")))
  if constexpr (requires { typename kubernetes::Facts<T>::Scale; }) {
    using Scale = typename kubernetes::Facts<T>::Scale;
    K8S_WHEN(UpdateScale,
             UpdateScale(name, Sample<Scale>(true, false), Given<UpdateOptions>(row, "options")))
  }
  return CallExpansion<T>(client, row, call, name, fresh);
}

template <class T, class Client, class Fresh>
bool CallExpansion(const Client& client, const Row& row, std::string_view call,
                   const std::string& name, const Fresh& fresh) {
  const auto arg = [&](std::string_view key) {
    return std::string(row.content.StringAt({"given", key}));
  };
  K8S_WHEN(Bind, Bind(Sample<corev1::Binding>(false, false), Given<CreateOptions>(row, "options")))
  if constexpr (std::is_same_v<T, corev1::Pod>) {
    K8S_WHEN(Evict, Evict(Sample<policyv1beta1::Eviction>(false, false)))
  } else {
    K8S_WHEN(Evict, Evict(fresh()))
  }
  K8S_WHEN(EvictV1, EvictV1(Sample<policyv1::Eviction>(false, false)))
  K8S_WHEN(EvictV1beta1, EvictV1beta1(Sample<policyv1beta1::Eviction>(false, false)))
  K8S_WHEN(GetLogs, GetLogs(arg("arg0"), {}).Do())
  K8S_WHEN(ProxyGet,
           ProxyGet(arg("arg0"), arg("arg1"), arg("arg2"), arg("arg3"), {{"q", "a b"}}).Do())
  K8S_WHEN(UpdateEphemeralContainers,
           UpdateEphemeralContainers(name, fresh(true), Given<UpdateOptions>(row, "options")))
  K8S_WHEN(UpdateResize, UpdateResize(name, fresh(true), Given<UpdateOptions>(row, "options")))
  K8S_WHEN(Finalize, Finalize(fresh(), Given<UpdateOptions>(row, "options")))
  K8S_WHEN(PatchStatus, PatchStatus(name, arg("data")))
  K8S_WHEN(CreateToken, CreateToken(name, Sample<authenticationv1::TokenRequest>(false, false),
                                    Given<CreateOptions>(row, "options")))
  K8S_WHEN(UpdateApproval, UpdateApproval(name, fresh(true), Given<UpdateOptions>(row, "options")))
  K8S_WHEN(UpdateApproval, UpdateApproval(fresh(true), Given<UpdateOptions>(row, "options")))
  K8S_WHEN(CreateWithEventNamespace, CreateWithEventNamespace(fresh()))
  K8S_WHEN(CreateWithEventNamespaceWithContext, CreateWithEventNamespace(fresh()))
  K8S_WHEN(UpdateWithEventNamespace, UpdateWithEventNamespace(fresh(true)))
  K8S_WHEN(UpdateWithEventNamespaceWithContext, UpdateWithEventNamespace(fresh(true)))
  K8S_WHEN(PatchWithEventNamespace, PatchWithEventNamespace(fresh(), arg("data")))
  K8S_WHEN(PatchWithEventNamespaceWithContext, PatchWithEventNamespace(fresh(), arg("data")))
  return false;
}

template <class T, class Client>
void CallEach(Rig& rig, const Rows& rows, const Client& standard, const Client& json) {
  for (const Row& row : rows) {
    if (row.content.Find("skipped") != nullptr) continue;
    SCOPED_TRACE(Cat(row.Text("client"), " ", row.Text("resource"), " ", row.Text("call"), " ",
                     row.Text("encoding"), " ", row.Text("options")));
    rig.transport->count = 0;
    EXPECT_TRUE(Call<T>(row.Text("encoding") == "json" ? json : standard, row));
    EXPECT_EQ(rig.transport->count, 1);
    if (rig.transport->count == 1) Compare(row, rig.transport->last);
  }
}

inline std::map<std::string, Rows> ReadRows(const std::string& text) {
  std::map<std::string, Rows> rows;
  for (const std::string_view line : Split(text, '\n')) {
    if (line.empty()) continue;
    Row row{ParseJson(line).value()};
    const std::string key = Cat(row.Text("client"), ".", row.Text("resource"));
    rows[key].push_back(std::move(row));
  }
  return rows;
}

inline constexpr int kParts = 4;

// Makes the recorded calls of every fourth client, beginning with that one.
template <int kPart>
void CallClientsOf(Rig& rig, std::map<std::string, Rows>& rows) {
#define K8S_CLIENT(package, accessor, client, type, arguments)        \
  if constexpr (__LINE__ % kParts == kPart) {                         \
    CallEach<package::type>(rig, rows[#accessor "." #client],         \
                            rig.standard.accessor().client arguments, \
                            rig.json.accessor().client arguments);    \
  }                                                                   \
  rows.erase(#accessor "." #client);
#include "k8s/kubernetes/every_client.inc"
#undef K8S_CLIENT
}

template <int kPart>
void AreWhatClientGoSends() {
  const auto host = RealHost();
  const std::string path =
      host->GetEnv("K8S_REQUESTS_TESTDATA")
          .value_or(Cat(K8S_SOURCE_DIR, "/../shared/data/client-go-requests-v0.37.jsonl"));
  const auto text = host->ReadFile(path);
  if (!text) GTEST_SKIP() << "no recorded requests: set K8S_REQUESTS_TESTDATA (" << path << ")";
  auto rows = ReadRows(*text);
  Rig rig;
  CallClientsOf<kPart>(rig, rows);
  for (const auto& [key, unused] : rows) ADD_FAILURE() << key << " has no client here";
}

}  // namespace k8s::requests
