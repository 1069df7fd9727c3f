#include "fakeapiserver/check_devices.h"

#include <algorithm>
#include <set>

#include "fakeapiserver/cel_text.h"
#include "fakeapiserver/checks.h"
#include "fakeapiserver/tree_access.h"
#include "k8s/api/corev1.h"
#include "k8s/api/resourcev1.h"
#include "k8s/base/strings.h"

namespace k8s::fakeapiserver {
namespace {

bool IsSet(const Value& message, std::string_view member) {
  const Value* value = message.Find(member);
  return value && !value->is_null();
}

// --- requests for devices ---

void OneKindOfRequest(const Value& request, const Value&, const std::string& path,
                      FieldErrors& errors) {
  const bool exactly = IsSet(request, "exactly");
  const bool several = !ListAt(request, {"firstAvailable"}).empty();
  if (!exactly && !several) {
    errors.push_back(Required(path, "exactly one of `exactly` or `firstAvailable` is required"));
  } else if (exactly && several) {
    errors.push_back(InvalidValue(path, Value(),
                                  "exactly one of `exactly` or `firstAvailable` is required, but "
                                  "multiple fields are set"));
  }
}

void RequestsAreUnique(const Value& requests, const Value&, const std::string& path,
                       FieldErrors& errors) {
  std::set<std::string> names;
  for (size_t i = 0; requests.is_array() && i < requests.array().size(); ++i) {
    const Value& request = requests.array()[i];
    if (!names.insert(std::string(request.StringAt({"name"}))).second)
      errors.push_back(Duplicate(Index(path, i), request));
  }
}

// "request", or "request/alternative".
std::set<std::string> NamesOfRequests(const Value& claim) {
  std::set<std::string> names;
  for (const Value& request : ListAt(claim, {"requests"})) {
    const std::string name(request.StringAt({"name"}));
    names.insert(name);
    for (const Value& alternative : ListAt(request, {"firstAvailable"}))
      names.insert(Cat(name, "/", alternative.StringAt({"name"})));
  }
  return names;
}

void CheckReferences(const Value& part, const std::set<std::string>& names, const std::string& path,
                     FieldErrors& errors) {
  const auto& references = ListAt(part, {"requests"});
  for (size_t i = 0; i < references.size(); ++i) {
    const std::string& name = references[i].string();
    const std::string place = Index(Cat(path, ".requests"), i);
    const auto segments = Split(name, '/');
    for (size_t s = 0; segments.size() <= 2 && s < segments.size(); ++s)
      CheckText("dns-label", segments[s], place, errors);
    if (names.contains(name)) continue;
    errors.push_back(InvalidText(place, name,
                                 "must be the name of a request in the claim or the name of a "
                                 "request and a subrequest separated by '/'"));
  }
}

void Constraints(const Value& claim, const Value&, const std::string& path, FieldErrors& errors) {
  const auto& constraints = ListAt(claim, {"constraints"});
  if (constraints.empty()) return;
  const auto names = NamesOfRequests(claim);
  for (size_t i = 0; i < constraints.size(); ++i) {
    const std::string place = Index(Cat(path, ".constraints"), i);
    CheckReferences(constraints[i], names, place, errors);
    if (IsSet(constraints[i], "matchAttribute") || IsSet(constraints[i], "distinctAttribute"))
      continue;
    errors.push_back(Required(place,
                              "exactly one of \"matchAttribute\" or \"distinctAttribute\" is "
                              "required, but multiple fields are set"));
  }
}

void Configurations(const Value& claim, const Value&, const std::string& path,
                    FieldErrors& errors) {
  const auto& all = ListAt(claim, {"config"});
  if (all.empty()) return;
  const auto names = NamesOfRequests(claim);
  for (size_t i = 0; i < all.size(); ++i) {
    const std::string place = Index(Cat(path, ".config"), i);
    CheckReferences(all[i], names, place, errors);
    CheckMessage(all[i], TypeOf<resourcev1::DeviceClaimConfiguration>(), place, errors);
  }
}

// --- slices ---

std::string Listed(const std::vector<std::string_view>& names, std::string_view quote) {
  std::string out = "{";
  for (size_t i = 0; i < names.size(); ++i) out += Cat(i ? ", " : "", quote, names[i], quote);
  return out + "}";
}

constexpr std::string_view kOneWayToNodes =
    "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required";

void SliceNodes(const Value& spec, const Value&, const std::string& path, FieldErrors& errors) {
  std::vector<std::string_view> ways;
  if (const Value* name = spec.Find("nodeName"); name && name->is_string()) {
    if (name->string().empty()) {
      errors.push_back(InvalidText(Cat(path, ".nodeName"), "",
                                   "must be either unset or set to a non-empty string"));
    } else {
      ways.push_back("nodeName");
      CheckText("dns-subdomain", name->string(), Cat(path, ".nodeName"), errors);
    }
  }
  if (const Value* selector = spec.Find("nodeSelector"); selector && selector->is_object()) {
    ways.push_back("nodeSelector");
    const std::string place = Cat(path, ".nodeSelector");
    CheckMessage(*selector, TypeOf<corev1::NodeSelector>(), place, errors);
    if (const auto& terms = ListAt(*selector, {"nodeSelectorTerms"}); terms.size() != 1) {
      errors.push_back(InvalidValue(Cat(place, ".nodeSelectorTerms"), terms,
                                    "must have exactly one node selector term"));
    }
  }
  for (std::string_view name : {"allNodes", "perDeviceNodeSelection"}) {
    if (!IsSet(spec, name)) continue;
    if (spec.BoolAt({name})) {
      ways.push_back(name);
    } else {
      errors.push_back(
          InvalidValue(Cat(path, ".", name), false, "must be either unset or set to true"));
    }
  }
  if (ways.empty()) {
    errors.push_back(Required(path, std::string(kOneWayToNodes)));
  } else if (ways.size() > 1) {
    errors.push_back(
        InvalidText(path, Listed(ways, "`"), Cat(kOneWayToNodes, ", but multiple fields are set")));
  }
  if (IsSet(spec, "sharedCounters") && IsSet(spec, "devices")) {
    errors.push_back(InvalidText(path, "", "only one of `sharedCounters` or `devices` is allowed"));
  }
}

void Devices(const Value& devices, const Value& spec, const std::string& path,
             FieldErrors& errors) {
  const bool chooses = spec.BoolAt({"perDeviceNodeSelection"});
  std::set<std::string> names;
  for (size_t i = 0; devices.is_array() && i < devices.array().size(); ++i) {
    const Value& device = devices.array()[i];
    const std::string place = Index(path, i), name(device.StringAt({"name"}));
    CheckMessage(device, TypeOf<resourcev1::Device>(), place, errors);
    const bool names_nodes =
        IsSet(device, "nodeName") || IsSet(device, "nodeSelector") || IsSet(device, "allNodes");
    if (chooses && !names_nodes) {
      errors.push_back(
          Required(place,
                   "exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when "
                   "`perDeviceNodeSelection` is set to true in the ResourceSlice spec"));
    } else if (!chooses && names_nodes) {
      errors.push_back(InvalidValue(place, Value(),
                                    "`nodeName`, `nodeSelector` and `allNodes` can only be set if "
                                    "`perDeviceNodeSelection` is set to true in the ResourceSlice "
                                    "spec"));
    }
    if (!names.insert(name).second) errors.push_back(Duplicate(place, name));
  }
}

void OneAttributeValue(const Value& attribute, const Value&, const std::string& path,
                       FieldErrors& errors) {
  std::vector<std::string_view> given;
  std::string all;
  for (const Field& field : TypeOf<resourcev1::DeviceAttribute>().fields) {
    all += Cat(all.empty() ? "" : ", ", "`", field.name(), "`");
    if (IsSet(attribute, field.name())) given.push_back(field.name());
  }
  if (given.empty()) {
    errors.push_back(InvalidText(path, "", Cat("must specify one of: ", all)));
  } else if (given.size() > 1) {
    errors.push_back(
        InvalidText(path, Listed(given, ""), Cat("must specify exactly one of: ", all)));
  }
}

// --- expressions ---

void CheckExpression(const Value& expression, const std::string& path,
                     const std::vector<std::string_view>& names, std::string_view before_type,
                     FieldErrors& errors) {
  const std::string text = expression.is_string() ? expression.string() : "";
  const CelVerdict verdict = LookAtCel(text, names);
  if (!verdict.broken.empty()) {
    errors.push_back(InvalidText(path, text, Cat("compilation failed: ", verdict.broken)));
  } else if (!verdict.type.empty() && verdict.type != "bool") {
    errors.push_back(InvalidText(path, text, Cat(before_type, verdict.type)));
  }
}

void DeviceExpression(const Value& expression, const Value&, const std::string& path,
                      FieldErrors& errors) {
  CheckExpression(expression, path, {"device"}, "must evaluate to bool or the unknown type, not ",
                  errors);
}

void WebhookExpression(const Value& expression, const Value&, const std::string& path,
                       FieldErrors& errors) {
  CheckExpression(expression, path, {"object", "oldObject", "request", "authorizer"},
                  "must evaluate to bool but got ", errors);
}

}  // namespace

const std::map<std::string_view, CheckHook>& DeviceCheckHooks() {
  static const std::map<std::string_view, CheckHook> kHooks = {
      {"one-kind-of-request", OneKindOfRequest},
      {"requests-are-unique", RequestsAreUnique},
      {"constraints", Constraints},
      {"configurations", Configurations},
      {"slice-nodes", SliceNodes},
      {"devices", Devices},
      {"one-attribute-value", OneAttributeValue},
      {"device-expression", DeviceExpression},
      {"webhook-expression", WebhookExpression},
  };
  return kHooks;
}

}  // namespace k8s::fakeapiserver
