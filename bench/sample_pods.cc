#include "sample_pods.h"

#include "k8s/base/strings.h"

namespace k8s::bench {
namespace {

constexpr std::string_view kOwned =
    R"({"f:metadata":{"f:generateName":{},"f:labels":{".":{},"f:app":{},"f:pod-template-hash":{}},)"
    R"("f:ownerReferences":{".":{},"k:{\"uid\":\"b1a5\"}":{}}},"f:spec":{"f:containers":{)"
    R"("k:{\"name\":\"app\"}":{".":{},"f:env":{".":{},"k:{\"name\":\"VARIABLE_0\"}":{".":{},)"
    R"("f:name":{},"f:value":{}}},"f:image":{},"f:imagePullPolicy":{},"f:livenessProbe":{".":{},)"
    R"("f:failureThreshold":{},"f:httpGet":{".":{},"f:path":{},"f:port":{},"f:scheme":{}}},)"
    R"("f:name":{},"f:ports":{".":{},"k:{\"containerPort\":8080,\"protocol\":\"TCP\"}":{}},)"
    R"("f:resources":{".":{},"f:limits":{".":{},"f:cpu":{},"f:memory":{}}},)"
    R"("f:terminationMessagePath":{},"f:volumeMounts":{}}},"f:dnsPolicy":{},)"
    R"("f:enableServiceLinks":{},"f:restartPolicy":{},"f:schedulerName":{},)"
    R"("f:securityContext":{},"f:terminationGracePeriodSeconds":{}}})";

corev1::Container SampleContainer() {
  corev1::Container container{.name = "app", .image = "registry.example.com/shop/app:1.27.3"};
  container.ports = {{.name = "http", .containerPort = 8080, .protocol = "TCP"}};
  for (int i = 0; i < 10; ++i) {
    container.env.push_back({.name = Cat("VARIABLE_", std::to_string(i)),
                             .value = Cat("the value of variable number ", std::to_string(i))});
  }
  container.resources.limits = {{"cpu", "500m"}, {"memory", "256Mi"}};
  container.resources.requests = {{"cpu", "100m"}, {"memory", "128Mi"}};
  container.volumeMounts = {{.name = "configuration", .readOnly = true, .mountPath = "/etc/app"},
                            {.name = "token",
                             .readOnly = true,
                             .mountPath = "/var/run/secrets/kubernetes.io/serviceaccount"}};
  corev1::Probe probe{};
  probe.httpGet = corev1::HTTPGetAction{.path = "/healthz", .port = 8080, .scheme = "HTTP"};
  probe.timeoutSeconds = 1;
  probe.periodSeconds = 10;
  probe.failureThreshold = 3;
  container.livenessProbe = probe;
  container.readinessProbe = probe;
  container.imagePullPolicy = "IfNotPresent";
  container.terminationMessagePath = "/dev/termination-log";
  container.terminationMessagePolicy = "File";
  return container;
}

}  // namespace

corev1::Pod SamplePod(int index) {
  const std::string number = std::to_string(index);
  const Time created = *Time::Parse("2026-01-02T03:04:05Z");
  corev1::Pod pod;
  pod.metadata = {
      .name = Cat("app-7d4b9c6f5-", number),
      .generateName = "app-7d4b9c6f5-",
      .namespace_ = "default",
      .uid = Cat("0b5ad4a0-0000-4000-8000-", std::to_string(100000000000 + index)),
      .resourceVersion = std::to_string(1000 + index),
      .creationTimestamp = created,
      .labels = {{"app", "app"}, {"pod-template-hash", "7d4b9c6f5"}, {"tier", "web"}},
      .annotations = {{"prometheus.io/scrape", "true"}, {"prometheus.io/port", "8080"}}};
  pod.metadata.ownerReferences = {{.apiVersion = "apps/v1",
                                   .kind = "ReplicaSet",
                                   .name = "app-7d4b9c6f5",
                                   .uid = "b1a5",
                                   .controller = true,
                                   .blockOwnerDeletion = true}};
  pod.metadata.managedFields = {{.manager = "kube-controller-manager",
                                 .operation = "Update",
                                 .apiVersion = "v1",
                                 .time = created,
                                 .fieldsType = "FieldsV1",
                                 .fieldsV1 = FieldsV1{kOwned}}};
  pod.spec.containers = {SampleContainer()};
  corev1::Volume configuration{.name = "configuration"};
  configuration.configMap = corev1::ConfigMapVolumeSource{.name = "app", .defaultMode = 420};
  corev1::Volume token{.name = "token"};
  token.projected = corev1::ProjectedVolumeSource{.defaultMode = 420};
  pod.spec.volumes = {configuration, token};
  pod.spec.restartPolicy = "Always";
  pod.spec.terminationGracePeriodSeconds = 30;
  pod.spec.dnsPolicy = "ClusterFirst";
  pod.spec.serviceAccountName = "app";
  pod.spec.nodeName = Cat("node-", std::to_string(index % 50));
  pod.spec.schedulerName = "default-scheduler";
  pod.spec.tolerations = {{.key = "node.kubernetes.io/not-ready",
                           .operator_ = "Exists",
                           .effect = "NoExecute",
                           .tolerationSeconds = 300},
                          {.key = "node.kubernetes.io/unreachable",
                           .operator_ = "Exists",
                           .effect = "NoExecute",
                           .tolerationSeconds = 300}};
  pod.status.phase = "Running";
  for (const char* type : {"Initialized", "Ready", "ContainersReady", "PodScheduled"}) {
    pod.status.conditions.push_back(
        {.type = type, .status = "True", .lastTransitionTime = created});
  }
  pod.status.hostIP = "10.0.0.7";
  pod.status.podIP =
      Cat("10.1.", std::to_string(index / 250 % 250), ".", std::to_string(index % 250));
  pod.status.startTime = created;
  pod.status.qosClass = "Burstable";
  corev1::ContainerStatus status{.name = "app"};
  status.state.running = corev1::ContainerStateRunning{.startedAt = created};
  status.ready = true;
  status.image = "registry.example.com/shop/app:1.27.3";
  status.imageID = "registry.example.com/shop/app@sha256:0123456789abcdef0123456789abcdef01234567";
  status.containerID = "containerd://0123456789abcdef0123456789abcdef0123456789abcdef0123456789ab";
  pod.status.containerStatuses = {status};
  return pod;
}

corev1::PodList SamplePods(int count) {
  corev1::PodList list;
  list.metadata.resourceVersion = "100000";
  for (int i = 0; i < count; ++i) list.items.push_back(SamplePod(i));
  return list;
}

}  // namespace k8s::bench
