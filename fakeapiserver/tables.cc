#include "fakeapiserver/tables.h"

#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include "fakeapiserver/columns_facts.h"
#include "fakeapiserver/views.h"
#include "k8s/base/strings.h"
#include "k8s/machinery/json.h"
#include "k8s/machinery/labels.h"
#include "k8s/machinery/scalars.h"

namespace k8s::fakeapiserver {
namespace {

struct Column {
  std::string name, type, format, text;
  int64_t priority = 0;
};
using Columns = std::vector<Column>;

// The words of a facts line; a quoted one is a JSON string.
std::vector<std::string> Words(std::string_view line) {
  std::vector<std::string> words;
  std::string word;
  bool quoted = false;
  const auto flush = [&] {
    if (!word.empty()) words.push_back(std::exchange(word, {}));
  };
  for (size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quoted && c == '\\' && i + 1 < line.size()) {
      word += c;
      word += line[++i];
    } else if (c == '"') {
      quoted = !quoted;
      word += c;
    } else if (c == ' ' && !quoted) {
      flush();
    } else {
      word += c;
    }
  }
  flush();
  for (std::string& one : words) {
    if (one.front() != '"') continue;
    if (auto text = ParseJson(one); text && text->is_string()) one = text->string();
  }
  return words;
}

// By "group/Kind", and "/default".
const std::map<std::string, Columns>& AllColumns() {
  static const auto* const kAll = [] {
    auto* all = new std::map<std::string, Columns>();
    std::map<std::string, std::string> texts;
    Columns* current = nullptr;
    for (std::string_view line : Split(kColumnsFacts, '\n')) {
      if (line.empty() || line[0] == '#') continue;
      const auto words = Words(line);
      if (words.size() < 2) continue;
      const auto attribute = [&](std::string_view name) -> std::string {
        for (const std::string& word : words) {
          if (word.starts_with(name) && word.size() > name.size() && word[name.size()] == '=')
            return word.substr(name.size() + 1);
        }
        return "";
      };
      if (words[0] == "text" && words.size() > 2) {
        texts[words[1]] = words[2];
      } else if (words[0] == "table") {
        current = &(*all)[Cat(attribute("group"), "/", words[1])];
      } else if (words[0] == "column" && current) {
        current->push_back({words[1], attribute("type"), attribute("format"),
                            texts[attribute("text")], ParseInt(attribute("priority")).value_or(0)});
      }
    }
    return all;
  }();
  return *kAll;
}

// What a cell function may look at.
struct Row {
  const Value& object;
  int64_t now;  // seconds

  std::string Text(std::initializer_list<std::string_view> path, std::string_view none = "") const {
    const auto text = object.StringAt(path);
    return std::string(text.empty() ? none : text);
  }
  int64_t Int(std::initializer_list<std::string_view> path, int64_t none = 0) const {
    return object.IntAt(path, none);
  }
  const Value* Find(std::initializer_list<std::string_view> path) const {
    return object.Find(path);
  }
  const Value::Array& List(std::initializer_list<std::string_view> path) const {
    static const Value::Array kNone;
    const Value* found = object.Find(path);
    return found && found->is_array() ? found->array() : kNone;
  }
  std::string Since(std::string_view time) const {
    const auto at = Time::Parse(time);
    if (!at) return "<unknown>";
    return HumanDuration(now - at->seconds);
  }
  std::string Age() const { return Since(object.StringAt({"metadata", "creationTimestamp"})); }
};

const Value::Array& ListIn(const Value& value, std::initializer_list<std::string_view> path) {
  static const Value::Array kNone;
  const Value* found = value.Find(path);
  return found && found->is_array() ? found->array() : kNone;
}

std::string OrNone(std::string text) { return text.empty() ? "<none>" : text; }

std::string JoinField(const Value::Array& list, std::string_view name) {
  std::string out;
  for (const Value& item : list) out += Cat(out.empty() ? "" : ",", item.StringAt({name}));
  return out;
}

std::string FormatLabels(const Value* labels) {
  if (!labels || !labels->is_object() || labels->object().empty()) return "<none>";
  std::vector<std::string> pairs;
  for (const auto& [name, value] : labels->object())
    pairs.push_back(Cat(name, "=", value.is_string() ? value.string() : ""));
  std::sort(pairs.begin(), pairs.end());
  return Join(pairs, ",");
}

std::string FormatSelector(const Value* selector) {
  if (!selector) return "<none>";
  const auto parsed = labels::Selector::FromValue(selector);
  return parsed ? OrNone(parsed->String()) : "<error>";
}

std::string Shown(const Value* value) {
  if (!value || value->is_null()) return "";
  return value->is_string() ? value->string() : ToJson(*value);
}

using Cells = std::vector<Value>;
using CellFunction = Cells (*)(const Row& row);

const Value::Array& TemplateContainers(const Row& row) {
  return row.List({"spec", "template", "spec", "containers"});
}

void AddTemplate(const Row& row, Cells& cells) {
  cells.emplace_back(JoinField(TemplateContainers(row), "name"));
  cells.emplace_back(JoinField(TemplateContainers(row), "image"));
}

bool IsTrue(const Value& object, std::string_view type) {
  for (const Value& condition : ListIn(object, {"status", "conditions"})) {
    if (condition.StringAt({"type"}) == type) return condition.StringAt({"status"}) == "True";
  }
  return false;
}

const Value* FindNamed(const Value::Array& list, std::string_view name) {
  for (const Value& one : list) {
    if (one.StringAt({"name"}) == name) return &one;
  }
  return nullptr;
}

// --- pods ---

std::string TerminatedReason(const Value& terminated) {
  const auto reason = terminated.StringAt({"reason"});
  if (!reason.empty()) return std::string(reason);
  if (const int64_t signal = terminated.IntAt({"signal"}))
    return Cat("Signal:", std::to_string(signal));
  return Cat("ExitCode:", std::to_string(terminated.IntAt({"exitCode"})));
}

// What kubectl says of a pod's containers, gathered by the steps below in their order.
struct PodSummary {
  std::string reason{};
  int64_t ready = 0;
  int64_t restarts = 0;
  std::string last_restart{};

  void CountRestarts(const Value& status) {
    restarts += status.IntAt({"restartCount"});
    last_restart = std::max(
        last_restart, std::string(status.StringAt({"lastState", "terminated", "finishedAt"})));
  }
};

bool IsSidecar(const Value& init_container) {
  return init_container.StringAt({"restartPolicy"}) == "Always";
}

bool IsSidecarStatus(const Row& row, const Value& status) {
  const Value* spec = FindNamed(row.List({"spec", "initContainers"}), status.StringAt({"name"}));
  return spec && IsSidecar(*spec);
}

// Why the pod still initializes, by its first init container that is not done.
bool SummariseInitContainers(const Row& row, PodSummary& pod) {
  const auto& statuses = row.List({"status", "initContainerStatuses"});
  for (size_t i = 0; i < statuses.size(); ++i) {
    const Value& status = statuses[i];
    const bool sidecar = IsSidecarStatus(row, status);
    pod.CountRestarts(status);
    const Value* terminated = status.Find({"state", "terminated"});
    const auto waiting = status.StringAt({"state", "waiting", "reason"});
    if (terminated && terminated->IntAt({"exitCode"}) == 0) continue;
    if (sidecar && status.BoolAt({"started"})) {
      pod.ready += status.BoolAt({"ready"});
      continue;
    }
    if (terminated) {
      pod.reason = "Init:" + TerminatedReason(*terminated);
    } else if (!waiting.empty() && waiting != "PodInitializing") {
      pod.reason = Cat("Init:", waiting);
    } else {
      pod.reason = Cat("Init:", std::to_string(i), "/",
                       std::to_string(row.List({"spec", "initContainers"}).size()));
    }
    return true;
  }
  return false;
}

// From now on init containers count only as far as they still run.
void ForgetInitRestarts(const Row& row, PodSummary& pod) {
  pod.restarts = 0;
  pod.last_restart.clear();
  for (const Value& status : row.List({"status", "initContainerStatuses"})) {
    if (IsSidecarStatus(row, status)) pod.CountRestarts(status);
  }
}

// The first container that has something to say gives the reason, so the last is asked first.
void SummariseContainers(const Row& row, PodSummary& pod) {
  bool running = false;
  const auto& statuses = row.List({"status", "containerStatuses"});
  for (auto status = statuses.rbegin(); status != statuses.rend(); ++status) {
    pod.CountRestarts(*status);
    const auto waiting = status->StringAt({"state", "waiting", "reason"});
    const Value* terminated = status->Find({"state", "terminated"});
    if (!waiting.empty()) {
      pod.reason = std::string(waiting);
    } else if (terminated) {
      pod.reason = TerminatedReason(*terminated);
    } else if (status->BoolAt({"ready"}) && status->Find({"state", "running"})) {
      running = true;
      ++pod.ready;
    }
  }
  if (pod.reason == "Completed" && running)
    pod.reason = IsTrue(row.object, "Ready") ? "Running" : "NotReady";
}

PodSummary SummarisePod(const Row& row) {
  PodSummary pod;
  const std::string phase = row.Text({"status", "phase"});
  pod.reason = row.Text({"status", "reason"}, phase);
  for (const Value& condition : row.List({"status", "conditions"})) {
    if (condition.StringAt({"type"}) == "PodScheduled" &&
        condition.StringAt({"reason"}) == "SchedulingGated")
      pod.reason = "SchedulingGated";
  }
  const bool initializing = SummariseInitContainers(row, pod);
  if (!initializing || IsTrue(row.object, "Initialized")) {
    ForgetInitRestarts(row, pod);
    SummariseContainers(row, pod);
  }
  if (row.Find({"metadata", "deletionTimestamp"})) {
    if (row.Text({"status", "reason"}) == "NodeLost")
      pod.reason = "Unknown";
    else if (phase != "Succeeded" && phase != "Failed")
      pod.reason = "Terminating";
  }
  return pod;
}

std::string ReadinessGates(const Row& row) {
  const auto& gates = row.List({"spec", "readinessGates"});
  if (gates.empty()) return "<none>";
  const auto open = std::count_if(gates.begin(), gates.end(), [&](const Value& gate) {
    return IsTrue(row.object, gate.StringAt({"conditionType"}));
  });
  return Cat(std::to_string(open), "/", std::to_string(gates.size()));
}

Cells PodCells(const Row& row) {
  const PodSummary pod = SummarisePod(row);
  const auto& init_containers = row.List({"spec", "initContainers"});
  const auto total = static_cast<int64_t>(row.List({"spec", "containers"}).size()) +
                     std::count_if(init_containers.begin(), init_containers.end(), IsSidecar);
  std::string restarts = std::to_string(pod.restarts);
  if (pod.restarts && !pod.last_restart.empty())
    restarts += Cat(" (", row.Since(pod.last_restart), " ago)");
  const auto& ips = row.List({"status", "podIPs"});
  const std::string ip =
      ips.empty() ? row.Text({"status", "podIP"}, "<none>") : std::string(ips[0].StringAt({"ip"}));
  return {row.Text({"metadata", "name"}),
          Cat(std::to_string(pod.ready), "/", std::to_string(total)),
          pod.reason,
          restarts,
          row.Age(),
          ip,
          row.Text({"spec", "nodeName"}, "<none>"),
          row.Text({"status", "nominatedNodeName"}, "<none>"),
          ReadinessGates(row)};
}

// --- workloads ---

Cells FaultCells(const Row& row) {
  std::string on;
  for (const std::string_view part : {"verb", "resource", "path"}) {
    const std::string text = row.Text({"spec", "match", part});
    if (!text.empty()) on += (on.empty() ? "" : " ") + text;
  }
  const Value* left = row.Find({"status", "left"});
  return {row.Text({"metadata", "name"}), on.empty() ? "everything" : on,
          row.Int({"status", "fired"}), left ? std::to_string(left->integer()) : "", row.Age()};
}

Cells DeploymentCells(const Row& row) {
  Cells cells{row.Text({"metadata", "name"}),
              Cat(std::to_string(row.Int({"status", "readyReplicas"})), "/",
                  std::to_string(row.Int({"spec", "replicas"}))),
              row.Int({"status", "updatedReplicas"}), row.Int({"status", "availableReplicas"}),
              row.Age()};
  AddTemplate(row, cells);
  cells.emplace_back(FormatSelector(row.Find({"spec", "selector"})));
  return cells;
}
Cells ReplicaSetCells(const Row& row) {
  Cells cells{row.Text({"metadata", "name"}), row.Int({"spec", "replicas"}),
              row.Int({"status", "replicas"}), row.Int({"status", "readyReplicas"}), row.Age()};
  AddTemplate(row, cells);
  const Value* selector = row.Find({"spec", "selector"});
  const bool plain = row.object.StringAt({"kind"}) == "ReplicationController";
  cells.emplace_back(plain ? FormatLabels(selector) : FormatSelector(selector));
  return cells;
}
Cells StatefulSetCells(const Row& row) {
  Cells cells{row.Text({"metadata", "name"}),
              Cat(std::to_string(row.Int({"status", "readyReplicas"})), "/",
                  std::to_string(row.Int({"spec", "replicas"}))),
              row.Age()};
  AddTemplate(row, cells);
  return cells;
}
Cells DaemonSetCells(const Row& row) {
  Cells cells{row.Text({"metadata", "name"}),
              row.Int({"status", "desiredNumberScheduled"}),
              row.Int({"status", "currentNumberScheduled"}),
              row.Int({"status", "numberReady"}),
              row.Int({"status", "updatedNumberScheduled"}),
              row.Int({"status", "numberAvailable"}),
              FormatLabels(row.Find({"spec", "template", "spec", "nodeSelector"})),
              row.Age()};
  AddTemplate(row, cells);
  cells.emplace_back(FormatSelector(row.Find({"spec", "selector"})));
  return cells;
}
Cells JobCells(const Row& row) {
  const Value* completions = row.Find({"spec", "completions"});
  const int64_t parallelism = row.Int({"spec", "parallelism"});
  std::string done = std::to_string(row.Int({"status", "succeeded"}));
  if (completions && completions->is_int())
    done += "/" + std::to_string(completions->integer());
  else if (parallelism > 1)
    done += "/1 of " + std::to_string(parallelism);
  else
    done += "/1";
  std::string duration;
  if (const auto start = Time::Parse(row.Text({"status", "startTime"}))) {
    const auto end = Time::Parse(row.Text({"status", "completionTime"}));
    duration = HumanDuration((end ? end->seconds : row.now) - start->seconds);
  }
  std::string status = "Running";
  if (IsTrue(row.object, "Complete"))
    status = "Complete";
  else if (IsTrue(row.object, "Failed"))
    status = "Failed";
  else if (row.Find({"metadata", "deletionTimestamp"}))
    status = "Terminating";
  else if (IsTrue(row.object, "Suspended"))
    status = "Suspended";
  else if (IsTrue(row.object, "FailureTarget"))
    status = "FailureTarget";
  else if (IsTrue(row.object, "SuccessCriteriaMet"))
    status = "SuccessCriteriaMet";
  Cells cells{row.Text({"metadata", "name"}), status, done, duration, row.Age()};
  AddTemplate(row, cells);
  cells.emplace_back(FormatSelector(row.Find({"spec", "selector"})));
  return cells;
}
Cells CronJobCells(const Row& row) {
  const std::string last = row.Text({"status", "lastScheduleTime"});
  Cells cells{row.Text({"metadata", "name"}),
              row.Text({"spec", "schedule"}),
              row.Text({"spec", "timeZone"}, "<none>"),
              row.object.BoolAt({"spec", "suspend"}) ? "True" : "False",
              static_cast<int64_t>(row.List({"status", "active"}).size()),
              last.empty() ? std::string("<none>") : row.Since(last),
              row.Age()};
  const auto& containers =
      row.List({"spec", "jobTemplate", "spec", "template", "spec", "containers"});
  cells.emplace_back(JoinField(containers, "name"));
  cells.emplace_back(JoinField(containers, "image"));
  cells.emplace_back(FormatSelector(row.Find({"spec", "jobTemplate", "spec", "selector"})));
  return cells;
}

// --- services and networking ---

std::string LoadBalancerText(const Row& row) {
  std::set<std::string> points;
  for (const Value& one : row.List({"status", "loadBalancer", "ingress"})) {
    const auto ip = one.StringAt({"ip"});
    points.insert(std::string(ip.empty() ? one.StringAt({"hostname"}) : ip));
  }
  std::string out;
  for (const std::string& point : points) out += Cat(out.empty() ? "" : ",", point);
  return out;
}

Cells ServiceCells(const Row& row) {
  const std::string type = row.Text({"spec", "type"});
  std::string external;
  std::string ips;
  for (const Value& ip : row.List({"spec", "externalIPs"}))
    ips += Cat(ips.empty() ? "" : ",", ip.is_string() ? ip.string() : "");
  if (type == "ExternalName") {
    external = row.Text({"spec", "externalName"});
  } else if (type == "LoadBalancer") {
    const std::string points = LoadBalancerText(row);
    external = Cat(points, !points.empty() && !ips.empty() ? "," : "", ips);
    if (external.empty()) external = "<pending>";
  } else {
    external = OrNone(ips);
  }
  std::string ports;
  for (const Value& port : row.List({"spec", "ports"})) {
    if (!ports.empty()) ports += ",";
    ports += std::to_string(port.IntAt({"port"}));
    if (const int64_t node = port.IntAt({"nodePort"})) ports += ":" + std::to_string(node);
    ports += Cat("/", port.StringAt({"protocol"}));
  }
  const auto& cluster_ips = row.List({"spec", "clusterIPs"});
  const std::string cluster_ip =
      cluster_ips.empty() || !cluster_ips[0].is_string() ? "<none>" : cluster_ips[0].string();
  return {row.Text({"metadata", "name"}),
          type,
          cluster_ip,
          external,
          OrNone(ports),
          row.Age(),
          FormatLabels(row.Find({"spec", "selector"}))};
}

std::string Limited(const std::vector<std::string>& all, size_t limit) {
  std::string out;
  for (size_t i = 0; i < all.size() && i < limit; ++i) out += Cat(i ? "," : "", all[i]);
  if (all.size() > limit) out += Cat(" + ", std::to_string(all.size() - limit), " more...");
  return OrNone(out);
}

Cells EndpointsCells(const Row& row) {
  std::vector<std::string> all;
  for (const Value& subset : row.List({"subsets"})) {
    const auto& ports = ListIn(subset, {"ports"});
    const auto& addresses = ListIn(subset, {"addresses"});
    if (ports.empty()) {
      for (const Value& address : addresses) all.emplace_back(address.StringAt({"ip"}));
    }
    for (const Value& port : ports) {
      for (const Value& address : addresses)
        all.push_back(Cat(address.StringAt({"ip"}), ":", std::to_string(port.IntAt({"port"}))));
    }
  }
  return {row.Text({"metadata", "name"}), Limited(all, 3), row.Age()};
}

Cells EndpointSliceCells(const Row& row) {
  std::vector<std::string> ports, addresses;
  for (const Value& port : row.List({"ports"})) {
    const Value* number = port.Find("port");
    ports.push_back(number && number->is_int() ? std::to_string(number->integer()) : "");
  }
  for (const Value& endpoint : row.List({"endpoints"})) {
    for (const Value& address : ListIn(endpoint, {"addresses"}))
      addresses.push_back(address.string());
  }
  return {row.Text({"metadata", "name"}), row.Text({"addressType"}),
          ports.empty() ? std::string("<unset>") : Join(ports, ","),
          addresses.empty() ? std::string("<unset>") : Limited(addresses, 3), row.Age()};
}

Cells IngressCells(const Row& row) {
  std::vector<std::string> hosts;
  for (const Value& rule : row.List({"spec", "rules"})) {
    if (hosts.size() < 4 && !rule.StringAt({"host"}).empty())
      hosts.emplace_back(rule.StringAt({"host"}));
  }
  const std::string hosts_text = hosts.empty() ? "*" : Limited(hosts, 3);
  return {row.Text({"metadata", "name"}),
          row.Text({"spec", "ingressClassName"}, "<none>"),
          hosts_text,
          LoadBalancerText(row),
          row.List({"spec", "tls"}).empty() ? "80" : "80, 443",
          row.Age()};
}

Cells IngressClassCells(const Row& row) {
  std::string name = row.Text({"metadata", "name"}), parameters = "<none>";
  if (row.Text({"metadata", "annotations", "ingressclass.kubernetes.io/is-default-class"}) ==
      "true")
    name += " (default)";
  if (const Value* given = row.Find({"spec", "parameters"}); given && given->is_object()) {
    parameters = std::string(given->StringAt({"kind"}));
    if (const auto group = given->StringAt({"apiGroup"}); !group.empty())
      parameters += Cat(".", group);
    parameters += Cat("/", given->StringAt({"name"}));
  }
  return {name, row.Text({"spec", "controller"}), parameters, row.Age()};
}

// --- storage ---

std::string AccessModes(const Value::Array& modes) {
  static constexpr std::pair<std::string_view, std::string_view> kShort[] = {
      {"ReadWriteOnce", "RWO"},
      {"ReadOnlyMany", "ROX"},
      {"ReadWriteMany", "RWX"},
      {"ReadWriteOncePod", "RWOP"}};
  std::string out;
  for (const auto& [name, text] : kShort) {
    for (const Value& mode : modes) {
      if (mode == Value(name)) {
        out += Cat(out.empty() ? "" : ",", text);
        break;
      }
    }
  }
  return out;
}

std::string StorageClassOf(const Row& row) {
  const std::string annotated =
      row.Text({"metadata", "annotations", "volume.beta.kubernetes.io/storage-class"});
  return annotated.empty() ? row.Text({"spec", "storageClassName"}) : annotated;
}

Cells VolumeCells(const Row& row) {
  std::string claim;
  if (const Value* ref = row.Find({"spec", "claimRef"}); ref && ref->is_object())
    claim = Cat(ref->StringAt({"namespace"}), "/", ref->StringAt({"name"}));
  const std::string phase =
      row.Find({"metadata", "deletionTimestamp"}) ? "Terminating" : row.Text({"status", "phase"});
  return {row.Text({"metadata", "name"}),
          row.Text({"spec", "capacity", "storage"}),
          AccessModes(row.List({"spec", "accessModes"})),
          row.Text({"spec", "persistentVolumeReclaimPolicy"}),
          phase,
          claim,
          StorageClassOf(row),
          row.Text({"spec", "volumeAttributesClassName"}, "<unset>"),
          row.Text({"status", "reason"}),
          row.Age(),
          row.Text({"spec", "volumeMode"}, "<unset>")};
}
Cells ClaimCells(const Row& row) {
  const std::string phase =
      row.Find({"metadata", "deletionTimestamp"}) ? "Terminating" : row.Text({"status", "phase"});
  const std::string volume = row.Text({"spec", "volumeName"});
  return {row.Text({"metadata", "name"}),
          phase,
          volume,
          volume.empty() ? "" : row.Text({"status", "capacity", "storage"}, "0"),
          volume.empty() ? std::string() : AccessModes(row.List({"status", "accessModes"})),
          StorageClassOf(row),
          row.Text({"spec", "volumeAttributesClassName"}, "<unset>"),
          row.Age(),
          row.Text({"spec", "volumeMode"}, "<unset>")};
}
Cells StorageClassCells(const Row& row) {
  return {row.Text({"metadata", "name"}),
          row.Text({"provisioner"}),
          row.Text({"reclaimPolicy"}),
          row.Text({"volumeBindingMode"}),
          row.object.BoolAt({"allowVolumeExpansion"}),
          row.Age()};
}
Cells CsiDriverCells(const Row& row) {
  std::string modes, tokens;
  for (const Value& mode : row.List({"spec", "volumeLifecycleModes"}))
    modes += Cat(modes.empty() ? "" : ",", mode.string());
  for (const Value& token : row.List({"spec", "tokenRequests"}))
    tokens += Cat(tokens.empty() ? "" : ",", token.StringAt({"audience"}));
  return {row.Text({"metadata", "name"}),
          row.object.BoolAt({"spec", "attachRequired"}),
          row.object.BoolAt({"spec", "podInfoOnMount"}),
          row.object.BoolAt({"spec", "storageCapacity"}),
          tokens.empty() ? "<unset>" : tokens,
          row.object.BoolAt({"spec", "requiresRepublish"}),
          OrNone(modes),
          row.Age()};
}

// --- cluster ---

Cells NodeCells(const Row& row) {
  std::string status = "Unknown";
  for (const Value& condition : row.List({"status", "conditions"})) {
    if (condition.StringAt({"type"}) == "Ready")
      status = condition.StringAt({"status"}) == "True" ? "Ready" : "NotReady";
  }
  if (row.object.BoolAt({"spec", "unschedulable"})) status += ",SchedulingDisabled";
  std::set<std::string> roles;
  if (const Value* all = row.Find({"metadata", "labels"}); all && all->is_object()) {
    static constexpr std::string_view kPrefix = "node-role.kubernetes.io/";
    for (const auto& [name, value] : all->object()) {
      if (name.starts_with(kPrefix) && name.size() > kPrefix.size())
        roles.insert(name.substr(kPrefix.size()));
      if (name == "kubernetes.io/role" && value.is_string() && !value.string().empty())
        roles.insert(value.string());
    }
  }
  std::string roles_text;
  for (const std::string& role : roles) roles_text += Cat(roles_text.empty() ? "" : ",", role);
  const auto address = [&](std::string_view type) {
    for (const Value& one : row.List({"status", "addresses"})) {
      if (one.StringAt({"type"}) == type) return std::string(one.StringAt({"address"}));
    }
    return std::string("<none>");
  };
  return {row.Text({"metadata", "name"}),
          status,
          OrNone(roles_text),
          row.Age(),
          row.Text({"status", "nodeInfo", "kubeletVersion"}),
          address("InternalIP"),
          address("ExternalIP"),
          row.Text({"status", "nodeInfo", "osImage"}, "<unknown>"),
          row.Text({"status", "nodeInfo", "kernelVersion"}, "<unknown>"),
          row.Text({"status", "nodeInfo", "containerRuntimeVersion"}, "<unknown>")};
}

Cells EventCells(const Row& row) {
  const std::string event_time = row.Text({"eventTime"});
  std::string first = row.Text({"firstTimestamp"}), last = row.Text({"lastTimestamp"});
  const auto since = [&](const std::string& time) {
    return row.Since(time.empty() ? event_time : time);
  };
  const std::string series = row.Text({"series", "lastObservedTime"});
  if (!series.empty()) last = series;
  int64_t count = row.Int({"count"});
  if (row.Find({"series", "count"})) count = row.Int({"series", "count"});
  if (count == 0) count = 1;
  std::string source = row.Text({"source", "component"}, row.Text({"reportingComponent"}));
  const std::string host = row.Text({"source", "host"}, row.Text({"reportingInstance"}));
  if (!host.empty()) source += ", " + host;
  std::string target = ToLower(row.Text({"involvedObject", "kind"}));
  if (const std::string name(row.Text({"involvedObject", "name"}));
      !target.empty() || !name.empty())
    target += "/" + name;
  return {since(last),
          row.Text({"type"}),
          row.Text({"reason"}),
          target,
          row.Text({"involvedObject", "fieldPath"}),
          source,
          std::string(Trim(row.Text({"message"}))),
          since(first),
          count,
          row.Text({"metadata", "name"})};
}

std::string MetricText(const Value& spec, const Value* status) {
  const std::string_view type = spec.StringAt({"type"});
  const auto current = [&](std::string_view part, std::string_view name) {
    return status ? std::string(status->StringAt({part, "current", name})) : std::string();
  };
  if (type == "Resource" || type == "ContainerResource") {
    const std::string_view part = type == "Resource" ? "resource" : "containerResource";
    const std::string name(spec.StringAt({part, "name"}));
    if (const auto target = spec.StringAt({part, "target", "averageValue"}); !target.empty()) {
      const std::string now = current(part, "averageValue");
      return Cat(name, ": ", now.empty() ? "<unknown>" : now, "/", target);
    }
    std::string now = "<unknown>", target = "<auto>";
    if (status && status->Find({part, "current", "averageUtilization"}))
      now = Cat(std::to_string(status->IntAt({part, "current", "averageUtilization"})), "%");
    if (spec.Find({part, "target", "averageUtilization"}))
      target = Cat(std::to_string(spec.IntAt({part, "target", "averageUtilization"})), "%");
    return Cat(name, ": ", now, "/", target);
  }
  const std::string_view part = type == "Pods" ? "pods" : type == "Object" ? "object" : "external";
  std::string target(spec.StringAt({part, "target", "averageValue"}));
  std::string now = current(part, "averageValue");
  const bool average = !target.empty();
  if (!average) {
    target = std::string(spec.StringAt({part, "target", "value"}));
    now = current(part, "value");
  }
  return Cat(now.empty() ? "<unknown>" : now, "/", target,
             average && type != "Pods" ? " (avg)" : "");
}

Cells AutoscalerCells(const Row& row) {
  std::vector<std::string> metrics;
  const auto& specs = row.List({"spec", "metrics"});
  const auto& statuses = row.List({"status", "currentMetrics"});
  for (size_t i = 0; i < specs.size(); ++i)
    metrics.push_back(MetricText(specs[i], i < statuses.size() ? &statuses[i] : nullptr));
  std::string targets;
  for (size_t i = 0; i < metrics.size() && i < 2; ++i) targets += Cat(i ? ", " : "", metrics[i]);
  if (metrics.size() > 2) targets += Cat(" + ", std::to_string(metrics.size() - 2), " more...");
  const Value* least = row.Find({"spec", "minReplicas"});
  return {row.Text({"metadata", "name"}),
          Cat(row.Text({"spec", "scaleTargetRef", "kind"}), "/",
              row.Text({"spec", "scaleTargetRef", "name"})),
          OrNone(targets),
          least && least->is_int() ? std::to_string(least->integer()) : std::string("<unset>"),
          row.Int({"spec", "maxReplicas"}),
          row.Int({"status", "currentReplicas"}),
          row.Age()};
}

Cells BudgetCells(const Row& row) {
  const auto bound = [&](std::string_view name) {
    const std::string text = Shown(row.Find({"spec", name}));
    return text.empty() ? std::string("N/A") : text;
  };
  return {row.Text({"metadata", "name"}), bound("minAvailable"), bound("maxUnavailable"),
          row.Int({"status", "disruptionsAllowed"}), row.Age()};
}

Cells QuotaCells(const Row& row) {
  std::string requests, limits;
  if (const Value* hard = row.Find({"status", "hard"}); hard && hard->is_object()) {
    for (const auto& [name, amount] : hard->object()) {
      std::string& to = name.starts_with("limits.") ? limits : requests;
      to += Cat(to.empty() ? "" : ", ", name, ": ", row.Text({"status", "used", name}, "0"), "/",
                Shown(&amount));
    }
  }
  return {row.Text({"metadata", "name"}), requests, limits, row.Age()};
}

Cells RoleBindingCells(const Row& row) {
  std::string users, groups, accounts;
  for (const Value& subject : row.List({"subjects"})) {
    const auto kind = subject.StringAt({"kind"});
    std::string& to = kind == "User" ? users : kind == "Group" ? groups : accounts;
    const std::string name = kind == "ServiceAccount" ? Cat(subject.StringAt({"namespace"}), "/",
                                                            subject.StringAt({"name"}))
                                                      : std::string(subject.StringAt({"name"}));
    to += Cat(to.empty() ? "" : ", ", name);
  }
  return {row.Text({"metadata", "name"}),
          Cat(row.Text({"roleRef", "kind"}), "/", row.Text({"roleRef", "name"})),
          row.Age(),
          users,
          groups,
          accounts};
}

Cells PodCertificateRequestCells(const Row& row) {
  std::string state = "Pending";
  for (const Value& one : row.List({"status", "conditions"})) {
    if (one.StringAt({"status"}) == "True") state = std::string(one.StringAt({"type"}));
  }
  const Value* notes = row.Find({"spec", "unverifiedUserAnnotations"});
  return {row.Text({"metadata", "name"}),
          row.Text({"spec", "podName"}),
          row.Text({"spec", "serviceAccountName"}),
          row.Text({"spec", "nodeName"}),
          row.Text({"spec", "signerName"}),
          state,
          FormatLabels(notes)};
}

Cells MigrationCells(const Row& row) {
  std::string status = "Unknown";
  for (const Value& one : row.List({"status", "conditions"})) {
    if (one.StringAt({"status"}) == "True") status = std::string(one.StringAt({"type"}));
  }
  const std::string group(row.Text({"spec", "resource", "group"}));
  return {row.Text({"metadata", "name"}),
          Cat(row.Text({"spec", "resource", "resource"}), group.empty() ? "" : ".", group), status};
}

Cells SigningRequestCells(const Row& row) {
  std::string condition;
  bool approved = false, denied = false, failed = false;
  for (const Value& one : row.List({"status", "conditions"})) {
    approved |= one.StringAt({"type"}) == "Approved";
    denied |= one.StringAt({"type"}) == "Denied";
    failed |= one.StringAt({"type"}) == "Failed";
  }
  condition = denied ? "Denied" : approved ? "Approved" : "Pending";
  if (failed) condition += ",Failed";
  if (!row.Text({"status", "certificate"}).empty()) condition += ",Issued";
  const Value* seconds = row.Find({"spec", "expirationSeconds"});
  return {row.Text({"metadata", "name"}),
          row.Age(),
          row.Text({"spec", "signerName"}, "<none>"),
          row.Text({"spec", "username"}),
          seconds && seconds->is_int() ? HumanDuration(seconds->integer()) : std::string("<none>"),
          condition};
}

Cells ControllerRevisionCells(const Row& row) {
  std::string controller = "<none>";
  for (const Value& owner : row.List({"metadata", "ownerReferences"})) {
    if (!owner.BoolAt({"controller"})) continue;
    const std::string api_version(owner.StringAt({"apiVersion"}));
    const size_t slash = api_version.find('/');
    controller = ToLower(owner.StringAt({"kind"}));
    if (slash != std::string::npos) controller += "." + api_version.substr(0, slash);
    controller += Cat("/", owner.StringAt({"name"}));
  }
  return {row.Text({"metadata", "name"}), controller, row.Int({"revision"}), row.Age()};
}

std::string ParamKind(const Row& row) {
  const Value* kind = row.Find({"spec", "paramKind"});
  if (!kind || !kind->is_object()) return "<unset>";
  return Cat(kind->StringAt({"apiVersion"}), "/", kind->StringAt({"kind"}));
}
std::string ParamRef(const Row& row) {
  const Value* ref = row.Find({"spec", "paramRef"});
  if (!ref || !ref->is_object()) return "<unset>";
  const std::string ns(ref->StringAt({"namespace"}));
  const std::string name(ref->StringAt({"name"}));
  if (!name.empty()) return Cat(ns, ns.empty() ? "" : "/", name);
  return Cat(ns.empty() ? "*" : ns, "/", FormatSelector(ref->Find("selector")));
}

Cells ApiServiceCells(const Row& row) {
  std::string service = "Local", available;
  if (const Value* ref = row.Find({"spec", "service"}); ref && ref->is_object())
    service = Cat(ref->StringAt({"namespace"}), "/", ref->StringAt({"name"}));
  available = "Unknown";
  for (const Value& one : row.List({"status", "conditions"})) {
    if (one.StringAt({"type"}) != "Available") continue;
    available = std::string(one.StringAt({"status"}));
    if (available != "True") available += Cat(" (", one.StringAt({"reason"}), ")");
  }
  return {row.Text({"metadata", "name"}), service, available, row.Age()};
}

std::string ClaimState(const Row& row) {
  if (row.Find({"metadata", "deletionTimestamp"})) return "deleted";
  std::string state;
  const Value* allocation = row.Find({"status", "allocation"});
  if (allocation && allocation->is_object())
    state = row.List({"status", "reservedFor"}).empty() ? "allocated" : "allocated,reserved";
  return state.empty() ? "pending" : state;
}

Cells FlowSchemaCells(const Row& row) {
  std::string dangling = "?";
  for (const Value& one : row.List({"status", "conditions"})) {
    if (one.StringAt({"type"}) == "Dangling") dangling = std::string(one.StringAt({"status"}));
  }
  return {row.Text({"metadata", "name"}),
          row.Text({"spec", "priorityLevelConfiguration", "name"}),
          row.Int({"spec", "matchingPrecedence"}),
          row.Text({"spec", "distinguisherMethod", "type"}, "<none>"),
          row.Age(),
          dangling};
}
Cells PriorityLevelCells(const Row& row) {
  const auto number = [&](std::initializer_list<std::string_view> path) -> Value {
    const Value* found = row.Find(path);
    return found && found->is_int() ? Value(found->integer()) : Value("<none>");
  };
  return {row.Text({"metadata", "name"}),
          row.Text({"spec", "type"}),
          number({"spec", "limited", "nominalConcurrencyShares"}),
          number({"spec", "limited", "limitResponse", "queuing", "queues"}),
          number({"spec", "limited", "limitResponse", "queuing", "handSize"}),
          number({"spec", "limited", "limitResponse", "queuing", "queueLengthLimit"}),
          row.Age()};
}

int64_t CountEntries(const Row& row, std::initializer_list<std::string_view> bags) {
  int64_t count = 0;
  for (std::string_view bag : bags) {
    if (const Value* entries = row.Find({bag}); entries && entries->is_object())
      count += static_cast<int64_t>(entries->object().size());
  }
  return count;
}

// Long because it is a table: one line a kind and the function that prints its cells.
const std::map<std::string_view, CellFunction>& Functions() {
  static const std::map<std::string_view, CellFunction> kFunctions = {
      {"fakeapiserver.test/Fault", FaultCells},
      {"/Pod", PodCells},
      {"/PodTemplate",
       [](const Row& row) -> Cells {
         const auto& containers = row.List({"template", "spec", "containers"});
         return {row.Text({"metadata", "name"}), JoinField(containers, "name"),
                 JoinField(containers, "image"),
                 FormatLabels(row.Find({"template", "metadata", "labels"}))};
       }},
      {"/ReplicationController", ReplicaSetCells},
      {"apps/ReplicaSet", ReplicaSetCells},
      {"apps/Deployment", DeploymentCells},
      {"apps/StatefulSet", StatefulSetCells},
      {"apps/DaemonSet", DaemonSetCells},
      {"apps/ControllerRevision", ControllerRevisionCells},
      {"batch/Job", JobCells},
      {"batch/CronJob", CronJobCells},
      {"/Service", ServiceCells},
      {"/Endpoints", EndpointsCells},
      {"discovery.k8s.io/EndpointSlice", EndpointSliceCells},
      {"networking.k8s.io/Ingress", IngressCells},
      {"networking.k8s.io/IngressClass", IngressClassCells},
      {"networking.k8s.io/NetworkPolicy",
       [](const Row& row) -> Cells {
         return {row.Text({"metadata", "name"}), FormatSelector(row.Find({"spec", "podSelector"})),
                 row.Age()};
       }},
      {"networking.k8s.io/ServiceCIDR",
       [](const Row& row) -> Cells {
         std::string cidrs;
         for (const Value& one : row.List({"spec", "cidrs"}))
           cidrs += Cat(cidrs.empty() ? "" : ",", one.string());
         return {row.Text({"metadata", "name"}), cidrs, row.Age()};
       }},
      {"networking.k8s.io/IPAddress",
       [](const Row& row) -> Cells {
         const Value* ref = row.Find({"spec", "parentRef"});
         std::string parent = "<none>";
         if (ref && ref->is_object()) {
           parent = std::string(ref->StringAt({"resource"}));
           if (const auto group = ref->StringAt({"group"}); !group.empty())
             parent += Cat(".", group);
           const auto ns = ref->StringAt({"namespace"});
           parent += Cat("/", ns, ns.empty() ? "" : "/", ref->StringAt({"name"}));
         }
         return {row.Text({"metadata", "name"}), parent, row.Age()};
       }},
      {"/Namespace",
       [](const Row& row) -> Cells {
         return {row.Text({"metadata", "name"}), row.Text({"status", "phase"}), row.Age()};
       }},
      {"/Node", NodeCells},
      {"/Event", EventCells},
      {"/ConfigMap",
       [](const Row& row) -> Cells {
         return {row.Text({"metadata", "name"}), CountEntries(row, {"data", "binaryData"}),
                 row.Age()};
       }},
      {"/Secret",
       [](const Row& row) -> Cells {
         return {row.Text({"metadata", "name"}), row.Text({"type"}), CountEntries(row, {"data"}),
                 row.Age()};
       }},
      {"/ServiceAccount",
       [](const Row& row) -> Cells {
         return {row.Text({"metadata", "name"}), row.Age()};
       }},
      {"/PersistentVolume", VolumeCells},
      {"/PersistentVolumeClaim", ClaimCells},
      {"/ResourceQuota", QuotaCells},
      {"/ComponentStatus",
       [](const Row& row) -> Cells {
         std::string status = "Unknown", message, error;
         for (const Value& one : row.List({"conditions"})) {
           if (one.StringAt({"type"}) != "Healthy") continue;
           status = one.StringAt({"status"}) == "True"    ? "Healthy"
                    : one.StringAt({"status"}) == "False" ? "Unhealthy"
                                                          : "Unhealthy";
           message = std::string(one.StringAt({"message"}));
           error = std::string(one.StringAt({"error"}));
         }
         return {row.Text({"metadata", "name"}), status, message, error};
       }},
      {"storage.k8s.io/StorageClass", StorageClassCells},
      {"storage.k8s.io/VolumeAttributesClass",
       [](const Row& row) -> Cells {
         return {row.Text({"metadata", "name"}), row.Text({"driverName"}), row.Age()};
       }},
      {"storage.k8s.io/VolumeAttachment",
       [](const Row& row) -> Cells {
         return {row.Text({"metadata", "name"}),
                 row.Text({"spec", "attacher"}),
                 row.Text({"spec", "source", "persistentVolumeName"}),
                 row.Text({"spec", "nodeName"}),
                 row.object.BoolAt({"status", "attached"}),
                 row.Age()};
       }},
      {"storage.k8s.io/CSINode",
       [](const Row& row) -> Cells {
         return {row.Text({"metadata", "name"}),
                 static_cast<int64_t>(row.List({"spec", "drivers"}).size()), row.Age()};
       }},
      {"storage.k8s.io/CSIDriver", CsiDriverCells},
      {"autoscaling/HorizontalPodAutoscaler", AutoscalerCells},
      {"policy/PodDisruptionBudget", BudgetCells},
      {"rbac.authorization.k8s.io/RoleBinding", RoleBindingCells},
      {"rbac.authorization.k8s.io/ClusterRoleBinding", RoleBindingCells},
      {"scheduling.k8s.io/PriorityClass",
       [](const Row& row) -> Cells {
         return {row.Text({"metadata", "name"}), row.Int({"value"}),
                 row.object.BoolAt({"globalDefault"}), row.Age(), row.Text({"preemptionPolicy"})};
       }},
      {"node.k8s.io/RuntimeClass",
       [](const Row& row) -> Cells {
         return {row.Text({"metadata", "name"}), row.Text({"handler"}), row.Age()};
       }},
      {"coordination.k8s.io/Lease",
       [](const Row& row) -> Cells {
         return {row.Text({"metadata", "name"}), row.Text({"spec", "holderIdentity"}), row.Age()};
       }},
      {"certificates.k8s.io/CertificateSigningRequest", SigningRequestCells},
      {"certificates.k8s.io/PodCertificateRequest", PodCertificateRequestCells},
      {"storagemigration.k8s.io/StorageVersionMigration", MigrationCells},
      {"certificates.k8s.io/ClusterTrustBundle",
       [](const Row& row) -> Cells {
         return {row.Text({"metadata", "name"}), row.Text({"spec", "signerName"}, "<none>")};
       }},
      {"admissionregistration.k8s.io/MutatingWebhookConfiguration",
       [](const Row& row) -> Cells {
         return {row.Text({"metadata", "name"}),
                 static_cast<int64_t>(row.List({"webhooks"}).size()), row.Age()};
       }},
      {"admissionregistration.k8s.io/ValidatingWebhookConfiguration",
       [](const Row& row) -> Cells {
         return {row.Text({"metadata", "name"}),
                 static_cast<int64_t>(row.List({"webhooks"}).size()), row.Age()};
       }},
      {"admissionregistration.k8s.io/ValidatingAdmissionPolicy",
       [](const Row& row) -> Cells {
         return {row.Text({"metadata", "name"}),
                 static_cast<int64_t>(row.List({"spec", "validations"}).size()), ParamKind(row),
                 row.Age()};
       }},
      {"admissionregistration.k8s.io/MutatingAdmissionPolicy",
       [](const Row& row) -> Cells {
         return {row.Text({"metadata", "name"}),
                 static_cast<int64_t>(row.List({"spec", "mutations"}).size()), ParamKind(row),
                 row.Age()};
       }},
      {"admissionregistration.k8s.io/ValidatingAdmissionPolicyBinding",
       [](const Row& row) -> Cells {
         return {row.Text({"metadata", "name"}), row.Text({"spec", "policyName"}), ParamRef(row),
                 row.Age()};
       }},
      {"admissionregistration.k8s.io/MutatingAdmissionPolicyBinding",
       [](const Row& row) -> Cells {
         return {row.Text({"metadata", "name"}), row.Text({"spec", "policyName"}), ParamRef(row),
                 row.Age()};
       }},
      {"flowcontrol.apiserver.k8s.io/FlowSchema", FlowSchemaCells},
      {"flowcontrol.apiserver.k8s.io/PriorityLevelConfiguration", PriorityLevelCells},
      {"resource.k8s.io/DeviceClass",
       [](const Row& row) -> Cells {
         return {row.Text({"metadata", "name"}), row.Age()};
       }},
      {"resource.k8s.io/ResourceClaim",
       [](const Row& row) -> Cells {
         return {row.Text({"metadata", "name"}), ClaimState(row), row.Age()};
       }},
      {"resource.k8s.io/ResourceClaimTemplate",
       [](const Row& row) -> Cells {
         return {row.Text({"metadata", "name"}), row.Age()};
       }},
      {"resource.k8s.io/ResourceSlice",
       [](const Row& row) -> Cells {
         const std::string node = row.object.BoolAt({"spec", "allNodes"})
                                      ? "<all>"
                                      : row.Text({"spec", "nodeName"}, "<unset>");
         return {row.Text({"metadata", "name"}), node, row.Text({"spec", "driver"}),
                 row.Text({"spec", "pool", "name"}), row.Age()};
       }},
      {"resource.k8s.io/DeviceTaintRule",
       [](const Row& row) -> Cells {
         const std::string added = row.Text({"spec", "taint", "timeAdded"});
         return {row.Text({"metadata", "name"}),
                 row.Text({"spec", "taint", "key"}),
                 row.Text({"spec", "taint", "value"}),
                 row.Text({"spec", "taint", "effect"}),
                 added.empty() ? std::string("<none>") : row.Since(added),
                 row.Age()};
       }},
      {"apiregistration.k8s.io/APIService", ApiServiceCells},
      {"autoscaling/Scale",
       [](const Row& row) -> Cells {
         return {row.Text({"metadata", "name"}), row.Int({"spec", "replicas"}),
                 row.Int({"status", "replicas"}), row.Age()};
       }},
  };
  return kFunctions;
}

Value ColumnDefinitions(const Columns& columns) {
  Value list = Value::MakeArray();
  for (const Column& column : columns) {
    list.Append(Value::MakeObject({{"name", column.name},
                                   {"type", column.type},
                                   {"format", column.format},
                                   {"description", column.text},
                                   {"priority", column.priority}}));
  }
  return list;
}

// Of the classes marked default the newest, then the first by name, is the one (chapter 9.3).
std::string EffectiveDefaultClass(const std::vector<Value>& objects) {
  const Value* best = nullptr;
  for (const Value& one : objects) {
    if (one.StringAt({"metadata", "annotations", "storageclass.kubernetes.io/is-default-class"}) !=
        "true")
      continue;
    const auto created = one.StringAt({"metadata", "creationTimestamp"});
    if (!best || created > best->StringAt({"metadata", "creationTimestamp"}) ||
        (created == best->StringAt({"metadata", "creationTimestamp"}) &&
         one.StringAt({"metadata", "name"}) < best->StringAt({"metadata", "name"}))) {
      best = &one;
    }
  }
  return best ? std::string(best->StringAt({"metadata", "name"})) : "";
}

void AddConditions(const Value& object, Value& row) {
  if (object.StringAt({"kind"}) != "Pod") return;
  const auto phase = object.StringAt({"status", "phase"});
  if (phase == "Succeeded") {
    row.Set("conditions", Value::MakeArray({Value::MakeObject(
                              {{"type", "Completed"},
                               {"status", "True"},
                               {"reason", "Succeeded"},
                               {"message", "The pod has completed successfully."}})}));
  } else if (phase == "Failed") {
    row.Set("conditions", Value::MakeArray({Value::MakeObject({{"type", "Completed"},
                                                               {"status", "True"},
                                                               {"reason", "Failed"},
                                                               {"message", "The pod failed."}})}));
  }
}

}  // namespace

std::string HumanDuration(int64_t seconds) {
  if (seconds < -1) return "<invalid>";
  if (seconds <= 0) return "0s";
  const auto text = [](int64_t number, const char* unit) { return std::to_string(number) + unit; };
  const auto pair = [&](int64_t a, const char* unit, int64_t b, const char* small) {
    return b ? text(a, unit) + text(b, small) : text(a, unit);
  };
  constexpr int64_t kMinute = 60, kHour = 3600, kDay = 86400, kYear = 365 * kDay;
  if (seconds < 2 * kMinute) return text(seconds, "s");
  if (seconds < 10 * kMinute) return pair(seconds / kMinute, "m", seconds % kMinute, "s");
  if (seconds < 3 * kHour) return text(seconds / kMinute, "m");
  if (seconds < 8 * kHour) return pair(seconds / kHour, "h", seconds % kHour / kMinute, "m");
  if (seconds < 2 * kDay) return text(seconds / kHour, "h");
  if (seconds < 8 * kDay) return pair(seconds / kDay, "d", seconds % kDay / kHour, "h");
  if (seconds < 2 * kYear) return text(seconds / kDay, "d");
  if (seconds < 8 * kYear) return pair(seconds / kYear, "y", seconds % kYear / kDay, "d");
  return text(seconds / kYear, "y");
}

Result<Value> MakeTable(const Core& core, const TableRequest& request, std::vector<Value> objects,
                        bool is_list, bool with_columns) {
  if (!request.include_object.empty() && request.include_object != "None" &&
      request.include_object != "Metadata" && request.include_object != "Object") {
    return BadRequest(Cat("Unable to convert to Table as requested: includeObject: Invalid value: ",
                          Quote(request.include_object),
                          ": must be 'Metadata', 'Object', 'None', or empty"));
  }
  // Tables are made of the form in which objects rest, as the real server's are of its own.
  const Served& stored = *request.served->storage;
  const std::string name =
      request.kind.empty() ? Cat(stored.group, "/", stored.kind) : request.kind;
  const auto function = Functions().find(name);
  const auto columns = AllColumns().find(function == Functions().end() ? "/default" : name);
  const int64_t now = Time::From(core.env.clock->WallNow()).seconds;
  const std::string default_class =
      is_list && name == "storage.k8s.io/StorageClass" ? EffectiveDefaultClass(objects) : "";

  Value table = Value::MakeObject({{"kind", "Table"},
                                   {"apiVersion", Cat("meta.k8s.io/", request.meta_version)},
                                   {"metadata", Value::MakeObject()}});
  table.Set("columnDefinitions", with_columns && columns != AllColumns().end()
                                     ? ColumnDefinitions(columns->second)
                                     : Value());
  Value rows = Value::MakeArray();
  for (Value& object : objects) {
    Value as_stored = object;
    if (request.kind.empty()) Convert(as_stored, *request.served, stored);
    const Row view{as_stored, now};
    Cells cells =
        function == Functions().end()
            ? Cells{view.Text({"metadata", "name"}), view.Text({"metadata", "creationTimestamp"})}
            : function->second(view);
    if (!default_class.empty() && cells[0] == Value(default_class))
      cells[0] = default_class + " (default)";
    Value row = Value::MakeObject({{"cells", Value(std::move(cells))}});
    AddConditions(as_stored, row);
    if (request.include_object == "Object") {
      row.Set("object", std::move(object));
    } else if (request.include_object == "None") {
      row.Set("object", nullptr);
    } else {
      Value partial = PartialMetadata(object, request.meta_version);
      DropConversionAnnotations(partial["metadata"]);
      row.Set("object", std::move(partial));
    }
    rows.Append(std::move(row));
  }
  table.Set("rows", std::move(rows));
  return table;
}

}  // namespace k8s::fakeapiserver
