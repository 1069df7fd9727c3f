#include "fakeapiserver/check_hooks.h"

#include <algorithm>
#include <optional>
#include <set>

#include "fakeapiserver/check_devices.h"
#include "fakeapiserver/check_pods.h"
#include "fakeapiserver/checks.h"
#include "fakeapiserver/internal_form.h"
#include "fakeapiserver/tree_access.h"
#include "k8s/api/appsv1.h"
#include "k8s/api/corev1.h"
#include "k8s/api/flowcontrolv1.h"
#include "k8s/api/policyv1.h"
#include "k8s/base/base64.h"
#include "k8s/base/strings.h"
#include "k8s/machinery/labels.h"
#include "k8s/machinery/name_rules.h"
#include "k8s/machinery/quantity.h"

namespace k8s::fakeapiserver {
namespace {

// --- workloads with a selector and a template ---

bool MatchesTemplate(const labels::Selector& selector, const Value& labels) {
  labels::Set set;
  if (labels.is_object()) {
    for (const auto& [name, value] : labels.object())
      set.emplace_back(name, value.is_string() ? value.string() : "");
  }
  return selector.Matches(set);
}

void SelectorAndTemplate(const Value& object, const Value&, const std::string&,
                         FieldErrors& errors) {
  const Value& spec = At(object, {"spec"});
  const Value& selector = At(spec, {"selector"});
  const Value& labels = At(spec, {"template", "metadata", "labels"});
  const bool is_set = selector.is_object();
  const bool empty = is_set && selector.object().empty();
  const std::string_view kind = object.StringAt({"kind"});
  const size_t before = errors.size();
  if (!is_set && kind != "DaemonSet") {
    errors.push_back(Required("spec.selector"));
  } else if (is_set) {
    CheckSelector(selector, "spec.selector", errors);
  }
  if (empty && kind != "DaemonSet") {
    errors.push_back(InvalidValue("spec.selector", selector,
                                  Cat("empty selector is invalid for ",
                                      kind == "StatefulSet" ? "statefulset" : "deployment")));
  }
  auto parsed = labels::Selector::FromValue(is_set ? &selector : nullptr);
  if (is_set && errors.size() > before && !empty) {
    errors.push_back(InvalidValue("spec.selector", selector, "invalid label selector"));
  } else if (!is_set || !parsed || (!empty && !MatchesTemplate(*parsed, labels)) ||
             (empty && kind == "DaemonSet")) {
    errors.push_back(InvalidValue("spec.template.metadata.labels", labels,
                                  "`selector` does not match template `labels`"));
  }
}

void ControllerTemplate(const Value& object, const Value&, const std::string&,
                        FieldErrors& errors) {
  const Value& selector = At(object, {"spec", "selector"});
  if (!selector.is_object() || selector.object().empty())
    errors.push_back(Required("spec.selector"));
  if (At(object, {"spec", "template"}).is_null()) {
    errors.push_back(Required("spec.template"));
    return;
  }
  const Value wrapped = Value::MakeObject({{"matchLabels", selector}});
  const auto parsed = labels::Selector::FromValue(&wrapped);
  const Value& labels = At(object, {"spec", "template", "metadata", "labels"});
  if (selector.is_object() && parsed && !MatchesTemplate(*parsed, labels)) {
    errors.push_back(InvalidValue("spec.template.metadata.labels", labels,
                                  "`selector` does not match template `labels`"));
  }
}

bool IsZeroCount(const Value& value) {
  return value.is_null() || (value.is_int() && value.integer() == 0) ||
         (value.is_string() && value.string() == "0%");
}

void CheckShare(const Value& value, const std::string& path, bool bounded, FieldErrors& errors) {
  if (value.is_int()) {
    if (value.integer() < 0)
      errors.push_back(InvalidValue(path, value, "must be greater than or equal to 0"));
    return;
  }
  if (!value.is_string()) return;
  const std::string& text = value.string();
  const bool is_percent = text.size() > 1 && text.ends_with('%') &&
                          text.find_first_not_of("0123456789") == text.size() - 1;
  if (!is_percent) {
    errors.push_back(InvalidText(
        path, text,
        "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or "
        "'93%', regex used for validation is '[0-9]+%')"));
  } else if (bounded && ParseInt(text.substr(0, text.size() - 1)).value_or(101) > 100) {
    errors.push_back(InvalidText(path, text, "must not be greater than 100%"));
  }
}

void DeploymentStrategyOf(const Value& object, const Value&, const std::string&,
                          FieldErrors& errors) {
  const Value& strategy = At(object, {"spec", "strategy"});
  const Value& rolling = At(strategy, {"rollingUpdate"});
  const std::string_view type = strategy.StringAt({"type"});
  if (type == "Recreate") {
    if (!rolling.is_null())
      errors.push_back(ForbiddenField("spec.strategy.rollingUpdate",
                                      "may not be specified when strategy `type` is 'Recreate'"));
  } else if (type == "RollingUpdate") {
    const std::string path = "spec.strategy.rollingUpdate.";
    const Value &away = At(rolling, {"maxUnavailable"}), &more = At(rolling, {"maxSurge"});
    const size_t before = errors.size();
    FieldErrors of_away;
    CheckShare(away, path + "maxUnavailable", true, of_away);
    CheckShare(more, path + "maxSurge", false, errors);
    errors.insert(errors.end(), of_away.begin(), of_away.end());
    if (errors.size() == before && IsZeroCount(away) && IsZeroCount(more)) {
      errors.push_back(
          InvalidValue(path + "maxUnavailable", away, "may not be 0 when `maxSurge` is 0"));
    }
  } else {
    errors.push_back(Unsupported("spec.strategy",
                                 InternalForm(strategy, TypeOf<appsv1::DeploymentStrategy>()),
                                 {"Recreate", "RollingUpdate"}));
  }
}

void ProgressDeadline(const Value& object, const Value&, const std::string&, FieldErrors& errors) {
  const Value& deadline = At(object, {"spec", "progressDeadlineSeconds"});
  if (deadline.is_int() && deadline.integer() >= 0 &&
      deadline.integer() <= object.IntAt({"spec", "minReadySeconds"})) {
    errors.push_back(InvalidValue("spec.progressDeadlineSeconds", deadline,
                                  "must be greater than minReadySeconds"));
  }
}

void DaemonStrategy(const Value& object, const Value&, const std::string&, FieldErrors& errors) {
  const Value& strategy = At(object, {"spec", "updateStrategy"});
  const Value& rolling = At(strategy, {"rollingUpdate"});
  const std::string_view type = strategy.StringAt({"type"});
  const std::string path = "spec.updateStrategy.rollingUpdate";
  if (type == "RollingUpdate") {
    const Value &away = At(rolling, {"maxUnavailable"}), &more = At(rolling, {"maxSurge"});
    if (rolling.is_null()) {
      errors.push_back(Required(path));
      return;
    }
    CheckShare(away, path + ".maxUnavailable", true, errors);
    CheckShare(more, path + ".maxSurge", true, errors);
    if (!IsZeroCount(away) && !IsZeroCount(more)) {
      errors.push_back(
          InvalidValue(path + ".maxSurge", more, "may not be set when maxUnavailable is non-zero"));
    } else if (IsZeroCount(away) && IsZeroCount(more)) {
      errors.push_back(Required(path + ".maxUnavailable", "cannot be 0 when maxSurge is 0"));
    }
  } else if (type != "OnDelete") {
    errors.push_back(Unsupported("spec.updateStrategy",
                                 InternalForm(strategy, TypeOf<appsv1::DaemonSetUpdateStrategy>()),
                                 {"RollingUpdate", "OnDelete"}));
  }
}

void StatefulStrategy(const Value& object, const Value&, const std::string&, FieldErrors& errors) {
  const Value& strategy = At(object, {"spec", "updateStrategy"});
  const Value& rolling = At(strategy, {"rollingUpdate"});
  const std::string_view type = strategy.StringAt({"type"});
  const std::string path = "spec.updateStrategy";
  if (type == "OnDelete") {
    if (!rolling.is_null()) {
      errors.push_back(
          InvalidValue(path + ".rollingUpdate",
                       InternalForm(rolling, TypeOf<appsv1::RollingUpdateStatefulSetStrategy>()),
                       "only allowed for updateStrategy 'RollingUpdate'"));
    }
  } else if (type == "RollingUpdate") {
    if (const int64_t partition = rolling.IntAt({"partition"}); partition < 0) {
      errors.push_back(InvalidValue(path + ".rollingUpdate.partition", partition,
                                    "must be greater than or equal to 0"));
    }
    const Value& away = At(rolling, {"maxUnavailable"});
    CheckShare(away, path + ".rollingUpdate.maxUnavailable", true, errors);
    if (!away.is_null() && IsZeroCount(away))
      errors.push_back(InvalidValue(path + ".rollingUpdate.maxUnavailable", away, "cannot be 0"));
  } else {
    errors.push_back(
        InvalidValue(path, InternalForm(strategy, TypeOf<appsv1::StatefulSetUpdateStrategy>()),
                     "must be 'RollingUpdate' or 'OnDelete'"));
  }
}

// --- others ---

void EventNamespace(const Value& about, const Value& event, const std::string& path,
                    FieldErrors& errors) {
  const std::string_view ns = event.StringAt({"metadata", "namespace"});
  const std::string_view text = about.is_string() ? std::string_view(about.string()) : "";
  // What has no namespace is told of in "default".
  if (text == ns || (text.empty() && ns == "default")) return;
  errors.push_back(InvalidText(path, text, "does not match event.namespace"));
}

void SeriesCount(const Value& count, const Value& event, const std::string& path,
                 FieldErrors& errors) {
  if (event.Find("series") && (!count.is_int() || count.integer() < 2))
    errors.push_back(InvalidText(path, "", "should be at least 2"));
}

void EventType(const Value& type, const Value&, const std::string& path, FieldErrors& errors) {
  const std::string text = type.is_string() ? type.string() : "";
  if (text != "Normal" && text != "Warning")
    errors.push_back(InvalidText(path, "", Cat("has invalid value: ", text)));
}

void FinalizerName(const Value& name, const Value&, const std::string& path, FieldErrors& errors) {
  const std::string text = name.is_string() ? name.string() : "";
  const Complaints complaints = CheckQualifiedName(text);
  for (const std::string& complaint : complaints)
    errors.push_back(InvalidText(path, text, complaint));
  const bool standard = text == "kubernetes" || text == "orphan" || text == "foregroundDeletion";
  if (complaints.empty() && !standard && text.find('/') == text.npos) {
    errors.push_back(InvalidText(
        path, text, "name is neither a standard finalizer name nor is it fully qualified"));
  }
}

// The server asks its data base of zones; here a name of the usual form will do.
void TimeZone(const Value& zone, const Value&, const std::string& path, FieldErrors& errors) {
  const std::string text = zone.is_string() ? zone.string() : "";
  if (text == "UTC" || text == "GMT" || text.find('/') != text.npos) return;
  errors.push_back(InvalidText(path, text, Cat("unknown time zone ", text)));
}

// One resource of a limit: its bounds against each other.
void CheckLimit(const Value& limit, const std::string& resource, const std::string& path,
                FieldErrors& errors) {
  const auto amount = [&](std::string_view member) -> std::optional<Quantity> {
    const std::string_view text = limit.StringAt({member, resource});
    const auto parsed = Quantity::Parse(text);
    if (text.empty() || !parsed) return std::nullopt;
    return *parsed;
  };
  const auto low = amount("min"), high = amount("max"), usual = amount("default"),
             request = amount("defaultRequest"), ratio = amount("maxLimitRequestRatio");
  const auto hold = [&](std::string_view member, const std::optional<Quantity>& shown,
                        const std::optional<Quantity>& a, std::string_view what,
                        const std::optional<Quantity>& b, std::string_view other) {
    if (!a || !b || !(*a > *b)) return;
    errors.push_back(
        InvalidText(Cat(path, ".", member, "[", resource, "]"), shown->String(),
                    Cat(what, " ", a->String(), " is greater than ", other, " ", b->String())));
  };
  const auto below = [&](std::string_view member, const std::optional<Quantity>& a,
                         std::string_view what) {
    if (!a || !low || !(*a < *low)) return;
    errors.push_back(
        InvalidText(Cat(path, ".", member, "[", resource, "]"), a->String(),
                    Cat("min value ", low->String(), " is greater than ", what, " ", a->String())));
  };
  hold("min", low, low, "min value", high, "max value");
  below("defaultRequest", request, "default request value");
  hold("defaultRequest", request, request, "default request value", high, "max value");
  hold("defaultRequest", request, request, "default request value", usual, "default limit value");
  below("default", usual, "default value");
  hold("default", high, usual, "default value", high, "max value");
  if (ratio && *ratio < Quantity("1")) {
    errors.push_back(InvalidText(Cat(path, ".maxLimitRequestRatio[", resource, "]"),
                                 ratio->String(),
                                 Cat("ratio ", ratio->String(), " is less than 1")));
  }
}

void Limits(const Value& limits, const Value&, const std::string& path, FieldErrors& errors) {
  std::set<std::string> types;
  for (size_t i = 0; limits.is_array() && i < limits.array().size(); ++i) {
    const Value& limit = limits.array()[i];
    const std::string place = Index(path, i), type(limit.StringAt({"type"}));
    const size_t before = errors.size();
    CheckText("qualified-name", type, place + ".type", errors);
    const bool standard = type == "Pod" || type == "Container" || type == "PersistentVolumeClaim";
    if (errors.size() == before && !standard && type.find('/') == type.npos) {
      errors.push_back(
          InvalidText(place + ".type", type, "must be a standard limit type or fully qualified"));
    }
    if (!types.insert(type).second) {
      errors.push_back(Duplicate(place + ".type", type));
      continue;
    }
    if (type == "Pod") {
      for (std::string_view member : {"default", "defaultRequest"}) {
        if (!At(limit, {member}).is_null())
          errors.push_back(
              ForbiddenField(Cat(place, ".", member), "may not be specified when `type` is 'Pod'"));
      }
    }
    if (type == "PersistentVolumeClaim" && !limit.Find({"min", "storage"}) &&
        !limit.Find({"max", "storage"})) {
      errors.push_back(Required(place + ".limits",
                                "either minimum or maximum storage value is required, but neither "
                                "was provided"));
    }
    std::set<std::string> resources;
    for (std::string_view member :
         {"min", "max", "default", "defaultRequest", "maxLimitRequestRatio"}) {
      const Value& amounts = At(limit, {member});
      if (!amounts.is_object()) continue;
      for (const auto& [name, amount] : amounts.object()) resources.insert(name);
    }
    for (const std::string& resource : resources) CheckLimit(limit, resource, place, errors);
  }
}

void PortsAreUnique(const Value& ports, const Value&, const std::string& path,
                    FieldErrors& errors) {
  std::set<std::string> seen;
  for (size_t i = 0; ports.is_array() && i < ports.array().size(); ++i) {
    const Value& port = ports.array()[i];
    const std::string key =
        Cat(port.StringAt({"protocol"}), "/", std::to_string(port.IntAt({"port"})));
    if (seen.insert(key).second) continue;
    // What matters of it: name and target are left out.
    Value shown = InternalForm(port, TypeOf<corev1::ServicePort>());
    shown.Set("Name", "");
    shown.Set("TargetPort", 0);
    shown.Set("NodePort", 0);
    shown.Set("AppProtocol", Value());
    errors.push_back(Duplicate(Index(path, i), shown));
  }
}

void TargetPort(const Value& port, const Value&, const std::string& path, FieldErrors& errors) {
  if (port.is_string()) {
    CheckText("port-name", port.string(), path, errors);
  } else if (port.is_int() && (port.integer() < 1 || port.integer() > 65535)) {
    errors.push_back(InvalidValue(path, port, "must be between 1 and 65535, inclusive"));
  }
}

void HealthCheckPort(const Value& port, const Value& service, const std::string& path,
                     FieldErrors& errors) {
  if (!port.is_int() || port.integer() == 0) return;
  if (service.StringAt({"spec", "type"}) == "LoadBalancer" &&
      service.StringAt({"spec", "externalTrafficPolicy"}) == "Local")
    return;
  errors.push_back(InvalidValue(
      path, port,
      "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"));
}

void PoolName(const Value& pool, const Value&, const std::string& path, FieldErrors& errors) {
  const std::string text = pool.is_string() ? pool.string() : "";
  for (std::string_view part : Split(text, '/')) {
    const size_t before = errors.size();
    CheckText("dns-subdomain", part, path, errors);
    if (errors.size() > before) return;
  }
}

void Pkcs10(const Value& request, const Value&, const std::string& path, FieldErrors& errors) {
  const auto bytes = DecodeBase64(request.is_string() ? request.string() : "");
  if (bytes && bytes->starts_with('0')) return;  // a sequence of ASN.1
  errors.push_back({FieldError::Type::kInvalid, path, "", "must be a valid PKCS#10 CSR"});
}

void BundleName(const Value& value, const Value& bundle, const std::string& path,
                FieldErrors& errors) {
  const std::string name = value.is_string() ? value.string() : "";
  const std::string signer(bundle.StringAt({"spec", "signerName"}));
  if (signer.empty()) {
    if (name.find(':') != name.npos) {
      errors.push_back(InvalidText(
          path, name, "ClusterTrustBundle without signer name must not have \":\" in its name"));
    }
    return;
  }
  std::string prefix = signer + ":";
  std::replace(prefix.begin(), prefix.end(), '/', ':');
  if (!name.starts_with(prefix)) {
    errors.push_back(InvalidText(
        path, name,
        Cat("ClusterTrustBundle for signerName ", signer, " must be named with prefix ", prefix)));
  }
}

void TrustAnchors(const Value& value, const Value&, const std::string& path, FieldErrors& errors) {
  constexpr std::string_view kBegin = "-----BEGIN CERTIFICATE-----", kEnd = "-----END CERTIFICATE";
  const std::string text = value.is_string() ? value.string() : "";
  std::vector<std::string> anchors;
  for (size_t at = text.find(kBegin); at != text.npos; at = text.find(kBegin, at + 1)) {
    const size_t start = at + kBegin.size();
    anchors.push_back(text.substr(start, text.find(kEnd, start) - start));
  }
  const auto complain = [&](std::string why) {
    errors.push_back(InvalidText(path, "<value omitted>", std::move(why)));
  };
  if (anchors.empty()) complain("at least one trust anchor must be provided");
  for (size_t i = 0; i < anchors.size(); ++i) {
    for (size_t j = i + 1; j < anchors.size(); ++j) {
      if (anchors[i] == anchors[j]) {
        return complain(Cat("duplicate trust anchor (indices [", std::to_string(i), " ",
                            std::to_string(j), "])"));
      }
    }
  }
}

// Pods of a cron job get eleven more characters.
void CronJobName(const Value& name, const Value&, const std::string& path, FieldErrors& errors) {
  if (name.is_string() && name.string().size() > 52)
    errors.push_back(InvalidText(path, name.string(), "must be no more than 52 characters"));
}

// The two levels that every server has keep their shape.
void FixedLevel(const Value& level, const Value&, const std::string&, FieldErrors& errors) {
  const std::string_view name = level.StringAt({"metadata", "name"});
  const Value& spec = At(level, {"spec"});
  const std::string_view type = spec.StringAt({"type"});
  if ((type == "Exempt") != (name == "exempt")) {
    errors.push_back(
        InvalidText("spec.type", type, "must be 'Exempt' if and only if `name` is 'exempt'"));
  }
  const auto refuse = [&](std::string_view why) {
    errors.push_back(InvalidValue(
        "spec", InternalForm(spec, TypeOf<flowcontrolv1::PriorityLevelConfigurationSpec>()),
        Cat("spec of '", name, "'", why)));
  };
  if (name == "exempt" && (type != "Exempt" || !At(spec, {"limited"}).is_null()))
    refuse(" except the 'spec.exempt' field must equal the fixed value");
  const Value& limited = At(spec, {"limited"});
  const bool fixed = limited.IntAt({"nominalConcurrencyShares"}) == 5 &&
                     limited.IntAt({"lendablePercent"}) == 0 &&
                     limited.StringAt({"limitResponse", "type"}) == "Reject";
  if (name == "catch-all" && !fixed) refuse(" must equal the fixed value");
}

void BudgetBounds(const Value& object, const Value&, const std::string&, FieldErrors& errors) {
  const Value& spec = At(object, {"spec"});
  if (!spec.Find("minAvailable") || !spec.Find("maxUnavailable")) return;
  const Value form = InternalForm(spec, TypeOf<policyv1::PodDisruptionBudgetSpec>());
  Value shown = Value::MakeObject();  // the server's struct has them in this order
  for (std::string_view name :
       {"MinAvailable", "Selector", "MaxUnavailable", "UnhealthyPodEvictionPolicy"})
    shown.Set(name, At(form, {name}));
  errors.push_back(
      InvalidValue("spec", shown, "minAvailable and maxUnavailable cannot be both set"));
}

void ClaimModesAndSize(const Value& spec, const Value&, const std::string& path,
                       FieldErrors& errors) {
  const auto& modes = ListAt(spec, {"accessModes"});
  if (modes.size() > 1 &&
      std::find(modes.begin(), modes.end(), Value("ReadWriteOncePod")) != modes.end())
    errors.push_back(ForbiddenField(Cat(path, ".accessModes"),
                                    "may not use ReadWriteOncePod with other access modes"));
  const Value& size = At(spec, {"resources", "requests", "storage"});
  const std::string place = Cat(path, ".resources[storage]");
  if (size.is_null()) {
    errors.push_back(Required(place));
  } else if (const auto amount = Quantity::Parse(size.is_string() ? size.string() : "");
             amount && amount->Sign() <= 0) {
    errors.push_back(InvalidText(place, amount->String(), "must be greater than zero"));
  }
}

void ApiServiceName(const Value& name, const Value& object, const std::string& path,
                    FieldErrors& errors) {
  const std::string wanted =
      Cat(object.StringAt({"spec", "version"}), ".", object.StringAt({"spec", "group"}));
  if (name == Value(wanted)) return;
  errors.push_back(
      InvalidValue(path, name, Cat("must be `spec.version+\".\"+spec.group`: ", Quote(wanted))));
}

void EndpointAddressOf(const Value& ip, const Value&, const std::string& path,
                       FieldErrors& errors) {
  const std::string text = ip.is_string() ? ip.string() : "";
  const size_t before = errors.size();
  CheckText("ip", text, path, errors);
  if (errors.size() > before) {
    errors.push_back(InvalidText(path, text, "must be a valid IP address"));
  } else {
    CheckText("reachable-ip", text, path, errors);
  }
}

void SeveralPortsNeedNames(const Value& ports, const Value&, const std::string& path,
                           FieldErrors& errors) {
  if (!ports.is_array() || ports.array().size() < 2) return;
  for (size_t i = 0; i < ports.array().size(); ++i) {
    if (ports.array()[i].StringAt({"name"}).empty())
      errors.push_back(Required(Index(path, i) + ".name"));
  }
}

void TaintsAreUnique(const Value& taints, const Value&, const std::string& path,
                     FieldErrors& errors) {
  std::set<std::string> seen;
  for (size_t i = 0; taints.is_array() && i < taints.array().size(); ++i) {
    const Value& taint = taints.array()[i];
    if (seen.insert(Cat(taint.StringAt({"key"}), ":", taint.StringAt({"effect"}))).second) continue;
    FieldError error = Duplicate(Index(path, i), InternalForm(taint, TypeOf<corev1::Taint>()));
    error.detail = "taints must be unique by key and effect pair";
    errors.push_back(std::move(error));
  }
}

void PemRequest(const Value& request, const Value&, const std::string& path, FieldErrors& errors) {
  const auto text = DecodeBase64(request.is_string() ? request.string() : "");
  if (text && text->starts_with("-----BEGIN CERTIFICATE REQUEST-----")) return;
  errors.push_back(InvalidValue(path, request, "PEM block type must be CERTIFICATE REQUEST"));
}

void SignerName(const Value& name, const Value&, const std::string& path, FieldErrors& errors) {
  const std::string text = name.is_string() ? name.string() : "";
  const auto parts = Split(text, '/');
  if (parts.size() != 2) {
    errors.push_back(InvalidText(
        path, text,
        "must be a fully qualified domain and path of the form 'example.com/signer-name'"));
    return;
  }
  const auto domain = Split(parts[0], '.');
  if (domain.size() < 2) {
    errors.push_back(
        InvalidText(path, std::string(parts[0]),
                    "should be a domain with at least two segments separated by dots"));
  }
  for (std::string_view label : domain) {
    for (const std::string& why : CheckDns1123Label(label))
      errors.push_back(
          InvalidText(path, parts[0], Cat("validating label ", Quote(label), ": ", why)));
  }
  for (std::string_view label : Split(parts[1], '.')) {
    for (const std::string& why : CheckDns1123Subdomain(label))
      errors.push_back(
          InvalidText(path, parts[1], Cat("validating label ", Quote(label), ": ", why)));
  }
}

void RuleHasResources(const Value& urls, const Value& rule, const std::string& path,
                      FieldErrors& errors) {
  for (std::string_view name : {"apiGroups", "resources", "resourceNames"}) {
    if (ListAt(rule, {name}).empty()) continue;
    errors.push_back(InvalidValue(
        path, urls, "rules cannot apply to both regular resources and non-resource URLs"));
    return;
  }
}

void SelectorParses(const Value& selector, const Value&, const std::string& path,
                    FieldErrors& errors) {
  FieldErrors found;
  CheckSelector(selector, path, found);
  if (!found.empty()) errors.push_back(InvalidValue(path, Value(), "invalid label selector."));
}

void MatchingPrecedence(const Value& number, const Value& schema, const std::string& path,
                        FieldErrors& errors) {
  const int64_t value = number.is_int() ? number.integer() : 0;
  if (value == 1 && schema.StringAt({"metadata", "name"}) != "exempt") {
    errors.push_back(
        InvalidValue(path, number, "only the schema named 'exempt' may have matchingPrecedence 1"));
  }
  if (value <= 0) errors.push_back(InvalidValue(path, number, "must be a positive value"));
  if (value > 10000) errors.push_back(InvalidValue(path, number, "must not be greater than 10000"));
}

void Distinguisher(const Value& method, const Value&, const std::string& path,
                   FieldErrors& errors) {
  const std::string_view type = method.StringAt({"type"});
  if (!method.is_object() || type == "ByNamespace" || type == "ByUser") return;
  errors.push_back(Unsupported(
      path + ".type", InternalForm(method, TypeOf<flowcontrolv1::FlowDistinguisherMethod>()),
      {"ByNamespace", "ByUser"}));
}

void RequestVerbs(const Value& verbs, const Value&, const std::string& path, FieldErrors& errors) {
  static const std::vector<std::string_view> kVerbs = {
      "create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch"};
  for (const Value& verb : verbs.array()) {
    if (verb == Value("*")) return;
    if (std::find(kVerbs.begin(), kVerbs.end(), verb.string()) != kVerbs.end()) continue;
    errors.push_back(Unsupported(path, verbs, kVerbs));
    return;
  }
}

void KnownReviewVersion(const Value& versions, const Value&, const std::string& path,
                        FieldErrors& errors) {
  const auto& all = versions.array();
  for (const char* known : {"v1", "v1beta1"}) {
    if (std::find(all.begin(), all.end(), Value(known)) != all.end()) return;
  }
  errors.push_back(InvalidValue(path, versions, "must include at least one of v1, v1beta1"));
}

void WebhookUrl(const Value& value, const Value&, const std::string& path, FieldErrors& errors) {
  std::string rest = value.is_string() ? value.string() : "";
  const std::string form = "; desired format: https://host[/path]";
  const auto cut = [&](char mark) {
    const size_t at = rest.find(mark);
    std::string tail = at == rest.npos ? "" : rest.substr(at + 1);
    rest.resize(std::min(at, rest.size()));
    return tail;
  };
  const std::string fragment = cut('#'), query = cut('?');
  const size_t scheme_end = rest.find("://");
  const std::string scheme = rest.substr(0, scheme_end == rest.npos ? 0 : scheme_end);
  std::string host = scheme_end == rest.npos ? "" : rest.substr(scheme_end + 3);
  host = host.substr(0, host.find('/'));
  const size_t at = host.find('@');
  if (scheme != "https") {
    errors.push_back(
        InvalidText(path, scheme, Cat("'https' is the only allowed URL scheme", form)));
  }
  if (host.empty()) errors.push_back(InvalidText(path, host, Cat("host must be specified", form)));
  if (at != host.npos) {
    errors.push_back(
        InvalidText(path, host.substr(0, at), "user information is not permitted in the URL"));
  }
  if (!fragment.empty())
    errors.push_back(InvalidText(path, fragment, "fragments are not permitted in the URL"));
  if (!query.empty())
    errors.push_back(InvalidText(path, query, "query parameters are not permitted in the URL"));
}

void WebhookResources(const Value& resources, const Value&, const std::string& path,
                      FieldErrors& errors) {
  bool star = false, star_slash_star = false;
  size_t without_subresource = 0;
  for (const Value& one : resources.array()) {
    star |= one == Value("*");
    star_slash_star |= one == Value("*/*");
    without_subresource += one.string().find('/') == std::string::npos;
  }
  if (star_slash_star && resources.array().size() > 1) {
    errors.push_back(
        InvalidValue(path, resources, "if '*/*' is present, must not specify other resources"));
  }
  if (star && without_subresource > 1) {
    errors.push_back(
        InvalidValue(path, resources,
                     "if '*' is present, must not specify other resources without subresources"));
  }
}

}  // namespace

const std::map<std::string_view, CheckHook>& CheckHooks() {
  static const std::map<std::string_view, CheckHook> kOwn = {
      {"selector-and-template", SelectorAndTemplate},
      {"controller-template", ControllerTemplate},
      {"deployment-strategy", DeploymentStrategyOf},
      {"progress-deadline", ProgressDeadline},
      {"daemon-strategy", DaemonStrategy},
      {"stateful-strategy", StatefulStrategy},
      {"event-namespace", EventNamespace},
      {"series-count", SeriesCount},
      {"event-type", EventType},
      {"finalizer-name", FinalizerName},
      {"time-zone", TimeZone},
      {"limits", Limits},
      {"bundle-name", BundleName},
      {"trust-anchors", TrustAnchors},
      {"cron-job-name", CronJobName},
      {"fixed-level", FixedLevel},
      {"ports-are-unique", PortsAreUnique},
      {"target-port", TargetPort},
      {"health-check-port", HealthCheckPort},
      {"pool-name", PoolName},
      {"pkcs10", Pkcs10},
      {"budget-bounds", BudgetBounds},
      {"claim-modes-and-size", ClaimModesAndSize},
      {"api-service-name", ApiServiceName},
      {"endpoint-address", EndpointAddressOf},
      {"several-ports-need-names", SeveralPortsNeedNames},
      {"taints-are-unique", TaintsAreUnique},
      {"pem-request", PemRequest},
      {"signer-name", SignerName},
      {"rule-has-resources", RuleHasResources},
      {"selector-parses", SelectorParses},
      {"matching-precedence", MatchingPrecedence},
      {"distinguisher", Distinguisher},
      {"request-verbs", RequestVerbs},
      {"known-review-version", KnownReviewVersion},
      {"webhook-url", WebhookUrl},
      {"webhook-resources", WebhookResources},
  };
  static const auto* const hooks = [] {
    auto* all = new std::map<std::string_view, CheckHook>(kOwn);
    all->insert(PodCheckHooks().begin(), PodCheckHooks().end());
    all->insert(DeviceCheckHooks().begin(), DeviceCheckHooks().end());
    return all;
  }();
  return *hooks;
}

}  // namespace k8s::fakeapiserver
