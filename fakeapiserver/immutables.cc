#include "fakeapiserver/immutables.h"

#include <algorithm>
#include <optional>

#include "fakeapiserver/internal_form.h"
#include "fakeapiserver/tree_access.h"
#include "k8s/api/corev1.h"
#include "k8s/api/storagemigrationv1.h"
#include "k8s/api/storagev1.h"
#include "k8s/base/result.h"
#include "k8s/base/strings.h"
#include "k8s/machinery/quantity.h"

namespace k8s::fakeapiserver {
namespace {

constexpr std::string_view kImmutable = "field is immutable";

// Puts the member back to what it was.
void Restore(Value& to, const Value& from, std::string_view name) {
  if (const Value* member = from.Find(name)) {
    to.Set(name, *member);
  } else {
    to.Remove(name);
  }
}

// The item of that name, or null.
const Value* Named(const Value::Array& list, std::string_view name) {
  for (const Value& one : list) {
    if (one.StringAt({"name"}) == name) return &one;
  }
  return nullptr;
}

void DeadlineStays(const Value& spec, const Value& old, FieldErrors& errors) {
  const Value &now = At(spec, {"activeDeadlineSeconds"}),
              &before = At(old, {"activeDeadlineSeconds"});
  if (before.is_null()) return;
  if (now.is_null()) {
    errors.push_back(InvalidValue("spec.activeDeadlineSeconds", Value(),
                                  "must not update from a positive integer to nil value"));
  } else if (now.integer() > before.integer()) {
    errors.push_back(InvalidValue("spec.activeDeadlineSeconds", now,
                                  "must be less than or equal to previous value"));
  }
}

void TolerationsStay(const Value& spec, const Value& old, FieldErrors& errors) {
  const auto bare = [](Value toleration) {
    toleration.Remove("tolerationSeconds");
    return toleration;
  };
  const auto& now = ListAt(spec, {"tolerations"});
  for (const Value& before : ListAt(old, {"tolerations"})) {
    const bool kept = std::any_of(now.begin(), now.end(),
                                  [&](const Value& one) { return bare(one) == bare(before); });
    if (kept) continue;
    errors.push_back(
        ForbiddenField("spec.tolerations",
                       "existing toleration can not be modified except its tolerationSeconds"));
    return;
  }
}

void GatesStay(const Value& spec, const Value& old, FieldErrors& errors) {
  const auto &now = ListAt(spec, {"schedulingGates"}), &before = ListAt(old, {"schedulingGates"});
  for (size_t i = 0; i < now.size(); ++i) {
    const std::string name(now[i].StringAt({"name"}));
    if (Named(before, name)) continue;
    errors.push_back(ForbiddenField(
        Index("spec.schedulingGates", i) + ".name",
        Cat("only deletion is allowed, but found new scheduling gate '", name, "'")));
  }
}

}  // namespace

std::string QosClass(const Value& spec) {
  bool any = false, guaranteed = true;
  for (std::string_view list : {"containers", "initContainers"}) {
    for (const Value& container : ListAt(spec, {list})) {
      for (std::string_view resource : {"cpu", "memory"}) {
        const auto amount = [&](std::string_view part) {
          const auto text = container.StringAt({"resources", part, resource});
          const auto quantity = Quantity::Parse(text);
          return quantity && !quantity->IsZero() ? std::optional(*quantity) : std::nullopt;
        };
        const auto request = amount("requests"), limit = amount("limits");
        any |= request || limit;
        if (!limit || (request && !(*request == *limit))) guaranteed = false;
      }
    }
  }
  if (!any) return "BestEffort";
  return guaranteed ? "Guaranteed" : "Burstable";
}

void PodStays(const Value& now, const Value& old, FieldErrors& errors) {
  const Value &spec = At(now, {"spec"}), &before = At(old, {"spec"});
  if (ListAt(spec, {"containers"}).size() != ListAt(before, {"containers"}).size()) {
    errors.push_back(
        ForbiddenField("spec.containers", "pod updates may not add or remove containers"));
    return;
  }
  DeadlineStays(spec, before, errors);
  TolerationsStay(spec, before, errors);
  GatesStay(spec, before, errors);
  // What may change is put back; the rest must be the same then.
  Value rest = spec;
  for (std::string_view list : {"containers", "initContainers"}) {
    const auto& old_list = ListAt(before, {list});
    Value* sent = rest.Find(list);
    for (size_t i = 0; sent && sent->is_array() && i < sent->array().size(); ++i) {
      if (i < old_list.size()) Restore(sent->array()[i], old_list[i], "image");
    }
  }
  for (std::string_view name : {"activeDeadlineSeconds", "tolerations", "schedulingGates"})
    Restore(rest, before, name);
  if (before.IntAt({"terminationGracePeriodSeconds"}) < 0 &&
      spec.IntAt({"terminationGracePeriodSeconds"}) == 1)
    Restore(rest, before, "terminationGracePeriodSeconds");
  if (!ListAt(before, {"schedulingGates"}).empty()) {
    for (std::string_view name : {"nodeSelector", "affinity"}) Restore(rest, before, name);
    const Value& selector = At(spec, {"nodeSelector"});
    const Value& old_selector = At(before, {"nodeSelector"});
    bool kept = true;
    if (old_selector.is_object()) {
      for (const auto& [key, value] : old_selector.object()) kept &= At(selector, {key}) == value;
    }
    if (!kept) {
      errors.push_back(InvalidValue(
          "spec.nodeSelector", selector,
          "only additions to spec.nodeSelector are allowed (no mutations or deletions)"));
    }
  }
  if (rest == before) return;
  const TypeInfo& type = TypeOf<corev1::PodSpec>();
  errors.push_back(ForbiddenField(
      "spec",
      Cat("pod updates may not change fields other than "
          "`spec.containers[*].image`,`spec.initContainers[*].image`,"
          "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing "
          "tolerations),"
          "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously "
          "negative)\n",
          FormDiff(InternalForm(before, type), InternalForm(rest, type)))));
}

void PodSubresourceStays(std::string_view subresource, const Value& now, const Value& old,
                         FieldErrors& errors) {
  if (subresource == "ephemeralcontainers") {
    const auto &list = ListAt(now, {"spec", "ephemeralContainers"}),
               &before = ListAt(old, {"spec", "ephemeralContainers"});
    for (const Value& one : before) {
      const std::string name(one.StringAt({"name"}));
      const Value* kept = Named(list, name);
      const TypeInfo& type = TypeOf<corev1::EphemeralContainer>();
      if (!kept) {
        errors.push_back(ForbiddenField(
            "spec.ephemeralContainers",
            Cat("existing ephemeral containers ", Quote(name), " may not be removed\n")));
      } else if (!(*kept == one)) {
        errors.push_back(ForbiddenField(
            "spec.ephemeralContainers",
            Cat("existing ephemeral containers ", Quote(name), " may not be changed\n",
                FormDiff(InternalForm(one, type), InternalForm(*kept, type)))));
      }
    }
  } else if (subresource == "resize") {
    const std::string before = QosClass(At(old, {"spec"}));
    if (QosClass(At(now, {"spec"})) != before) {
      errors.push_back(
          InvalidText("spec", before, "Pod QOS Class may not change as a result of resizing"));
    }
    const auto &list = ListAt(now, {"spec", "containers"}),
               &old_list = ListAt(old, {"spec", "containers"});
    bool other = false;
    for (size_t i = 0; i < list.size() && i < old_list.size(); ++i) {
      for (std::string_view part : {"limits", "requests"}) {
        const Value& amounts = At(list[i], {"resources", part});
        const Value& old_amounts = At(old_list[i], {"resources", part});
        if (old_amounts.is_object() && !old_amounts.object().empty() && amounts.is_null()) {
          errors.push_back(ForbiddenField(Cat(Index("spec.containers", i), ".resources.", part),
                                          Cat("resource ", part, " cannot be removed")));
        }
        if (!amounts.is_object()) continue;
        for (const auto& [name, amount] : amounts.object())
          other |= name != "cpu" && name != "memory" && !(At(old_amounts, {name}) == amount);
      }
    }
    if (other)
      errors.push_back(ForbiddenField("spec", "only cpu and memory resources are mutable"));
  }
}

void JobTemplateStays(const Value& now, const Value& old, FieldErrors& errors) {
  const Value& before = At(old, {"spec", "template"});
  Value rest = At(now, {"spec", "template"});
  // Before it starts, a suspended job may still be placed elsewhere.
  const bool suspended = old.BoolAt({"spec", "suspend"}) && !old.Find({"status", "startTime"});
  if (suspended) {
    for (std::string_view name : {"annotations", "labels"})
      Restore(rest["metadata"], At(before, {"metadata"}), name);
    for (std::string_view name : {"nodeSelector", "affinity", "tolerations", "schedulingGates"})
      Restore(rest["spec"], At(before, {"spec"}), name);
    const auto& old_list = ListAt(before, {"spec", "containers"});
    Value* list = rest.Find({"spec", "containers"});
    for (size_t i = 0; list && i < list->array().size() && i < old_list.size(); ++i)
      Restore(list->array()[i], old_list[i], "resources");
  }
  if (rest == before) return;
  const Value& template_now = At(now, {"spec", "template"});
  if (suspended) {
    errors.push_back(InvalidValue(
        "spec.template.spec", InternalForm(At(template_now, {"spec"}), TypeOf<corev1::PodSpec>()),
        std::string(kImmutable)));
  } else {
    errors.push_back(InvalidValue("spec.template",
                                  InternalForm(template_now, TypeOf<corev1::PodTemplateSpec>()),
                                  std::string(kImmutable)));
  }
}

void ClaimStays(const Value& now, const Value& old, FieldErrors& errors) {
  const Value& before = At(old, {"spec"});
  Value rest = At(now, {"spec"});
  if (before.StringAt({"volumeName"}).empty()) Restore(rest, before, "volumeName");
  const auto size = [](const Value& tree, std::initializer_list<std::string_view> path) {
    return Quantity::Parse(tree.StringAt(path));
  };
  if (old.StringAt({"status", "phase"}) == "Bound") {
    Restore(rest["resources"], At(before, {"resources"}), "requests");
    Restore(rest, before, "volumeAttributesClassName");
    const auto after = size(now, {"spec", "resources", "requests", "storage"}),
               was = size(old, {"spec", "resources", "requests", "storage"}),
               capacity = size(old, {"status", "capacity", "storage"});
    if (after && was && *after < *was && (!capacity || !(*after > *capacity))) {
      errors.push_back(ForbiddenField("spec.resources.requests.storage",
                                      "field can not be less than status.capacity"));
    }
  }
  if (rest == before) return;
  const TypeInfo& type = TypeOf<corev1::PersistentVolumeClaimSpec>();
  errors.push_back(
      ForbiddenField("spec", Cat("spec is immutable after creation except resources.requests and "
                                 "volumeAttributesClassName for bound claims\n",
                                 FormDiff(InternalForm(before, type), InternalForm(rest, type)))));
}

void VolumeStays(const Value& now, const Value& old, FieldErrors& errors) {
  const TypeInfo& type = TypeOf<corev1::PersistentVolumeSpec>();
  const Value after = EmbeddedForm(At(now, {"spec"}), type),
              before = EmbeddedForm(At(old, {"spec"}), type);
  if (!(after == before)) {
    errors.push_back(ForbiddenField(
        "spec.persistentvolumesource",
        Cat("spec.persistentvolumesource is immutable after creation\n", FormDiff(before, after))));
  }
  const Value& mode = At(now, {"spec", "volumeMode"});
  if (!(mode == At(old, {"spec", "volumeMode"})))
    errors.push_back(InvalidValue("volumeMode", mode, std::string(kImmutable)));
}

void NodeStays(const Value& now, const Value& old, FieldErrors& errors) {
  const auto& before = ListAt(old, {"spec", "podCIDRs"});
  if (!before.empty() && before != ListAt(now, {"spec", "podCIDRs"})) {
    errors.push_back(ForbiddenField(
        "spec.podCIDRs", "node updates may not change podCIDR except from \"\" to valid"));
  }
  const std::string_view provider = old.StringAt({"spec", "providerID"});
  if (!provider.empty() && provider != now.StringAt({"spec", "providerID"}))
    errors.push_back(InvalidValue("spec.providerID", Value(), "field cannot be modified once set"));
}

void DriversStay(const Value& now, const Value& old, FieldErrors& errors) {
  const auto& before = ListAt(old, {"spec", "drivers"});
  for (const Value& driver : ListAt(now, {"spec", "drivers"})) {
    const Value* was = Named(before, driver.StringAt({"name"}));
    if (!was || *was == driver) continue;
    errors.push_back(InvalidValue("spec.drivers",
                                  InternalForm(driver, TypeOf<storagev1::CSINodeDriver>()),
                                  std::string(kImmutable)));
  }
}

void MigrationStays(const Value& now, const Value& old, FieldErrors& errors) {
  const Value& spec = At(now, {"spec"});
  if (spec == At(old, {"spec"})) return;
  errors.push_back(InvalidValue(
      "spec", InternalForm(spec, TypeOf<storagemigrationv1::StorageVersionMigrationSpec>()),
      std::string(kImmutable)));
}

void MigrationStatusStays(std::string_view subresource, const Value& now, const Value&,
                          FieldErrors& errors) {
  const std::string version(now.StringAt({"status", "resourceVersion"}));
  if (subresource != "status" || version.empty() || ParseInt(version)) return;
  errors.push_back(InvalidText("status.resourceVersion", version,
                               Cat("resource version is not well formed: ", version)));
}

void RequestStays(std::string_view subresource, const Value& now, const Value& old,
                  FieldErrors& errors) {
  if (subresource != "status") return;
  const auto has = [](const Value& request, std::string_view type) {
    const auto& all = ListAt(request, {"status", "conditions"});
    return std::any_of(all.begin(), all.end(),
                       [&](const Value& one) { return one.StringAt({"type"}) == type; });
  };
  for (std::string_view type : {"Approved", "Denied"}) {
    if (has(now, type) && !has(old, type)) {
      errors.push_back(ForbiddenField(
          "status.conditions", Cat("updates may not add a condition of type ", Quote(type))));
    }
    if (!has(now, type) && has(old, type)) {
      errors.push_back(ForbiddenField(
          "status.conditions", Cat("updates may not remove a condition of type ", Quote(type))));
    }
  }
  const Value& before = At(old, {"status", "certificate"});
  if (!before.is_null() && !(At(now, {"status", "certificate"}) == before)) {
    errors.push_back(ForbiddenField("status.certificate",
                                    "updates may not modify existing certificate content"));
  }
}

}  // namespace k8s::fakeapiserver
